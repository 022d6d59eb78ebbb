"""What users turn to now against before, and when they buy again."""
