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

import tomllib
from pathlib import Path

from profilestore.campaigns.audience.definition import Definition, definition_of
from profilestore.errors import InputError, UsageError

__all__ = ["read_definition"]


def read_definition(path: Path) -> Definition:
    """The definition in a TOML file. Files of ids that it names are looked for beside it.

    Raises:
        InputError: there is no such file, or it is no text.
        UsageError: it is no TOML, or not of this form.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} cannot be read ({type(error).__name__}).") from error
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path.name} is not valid TOML: {error}.") from None
    return definition_of(given, source=path.name)
