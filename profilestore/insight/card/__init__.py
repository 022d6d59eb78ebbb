"""A user's card: what is kept and believed of them."""
