"""Whom to write to: audiences as definitions, the query of who is in them now, and their export."""
