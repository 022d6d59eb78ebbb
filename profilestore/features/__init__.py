"""Pure functions over documents: embeddings, topics, and the fold. No I/O here."""
