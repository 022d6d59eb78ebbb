"""Profiles and products in two dimensions."""
