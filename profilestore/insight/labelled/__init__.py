"""Models of a yes or no, for any labelled table: compared honestly, and what their features say of the label."""
