"""What a marketer asks: value, segments, sentiment and more, written back into the profiles."""
