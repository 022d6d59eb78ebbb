"""The file in which a marketer writes an audience down.

# launch.toml
description = "France, near to the new teapot or to our fans, and not lost"
channel = "mail"
limit = 20000

[members]
and = [
  { rule = 'country == "France"' },
  { or = [{ buyers = "p00016" }, { lookalike = ["u00003", "u00004"] }] },
  { not = { segment = "lost" } },
]
"""

from __future__ import annotations

from pathlib import Path

from profilestore.campaigns.audience.definition import Definition, definition_of
from profilestore.campaigns.toml_file import read_toml

__all__ = ["read_definition"]


def read_definition(path: Path) -> Definition:
    """The definition in a TOML file. Files of ids that it names are looked for beside it.

    Raises:
        InputError: there is no such file, or it is no text.
        UsageError: it is no TOML, or not of this form.
    """
    return definition_of(read_toml(path), source=path.name)
