"""Answers: which products a user would like, what resembles a product, what words find, and why."""
