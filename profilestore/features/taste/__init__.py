"""The taste model: in-vectors and out-vectors of products, learned from who bought what and when.

The profile is linear (DESIGN.md, *linear profiles*), so whatever is learned here ends as two matrices:
what a product adds to the profile, and what the profile is compared with.
"""
