"""The chance of a purchase in the next 30 days."""
