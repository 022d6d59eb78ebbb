"""A small language for conditions over profile fields, compiled to Elasticsearch queries.

    monetary >= 500 and recency_days < 30 and "gifts" in main_categories

`tokens` reads the text, `parsing` the grammar, `fields` knows what may be named, `compiling` checks the types
and writes the query. (`ingest/conditions.py` tests raw cells of a file, before there are fields or types.)
"""

from __future__ import annotations

from profilestore.elastic.conditions.compiling import Compiler, at_moment
from profilestore.elastic.conditions.fields import Fields, profile_fields
from profilestore.elastic.conditions.parsing import parse_condition

__all__ = ["Compiler", "Fields", "at_moment", "parse_condition", "profile_fields"]
