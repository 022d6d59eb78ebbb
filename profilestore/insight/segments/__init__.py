"""Segments, by behaviour and by rule."""
