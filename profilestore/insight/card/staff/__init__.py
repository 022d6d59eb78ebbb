"""What a member of staff sees of a customer beside the customer's own card."""
