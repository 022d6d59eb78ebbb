"""profilestore."""
