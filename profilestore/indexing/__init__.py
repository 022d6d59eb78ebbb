"""The stages wired together: products and events in, the fold, rebuild and verify, models switched in.

This package joins what may not know each other: `ingest` reads, `features` computes, `elastic` stores.
"""
