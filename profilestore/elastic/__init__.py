"""Everything that talks to Elasticsearch; no other package imports its client."""
