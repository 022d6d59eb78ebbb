"""Tables that people write down: audiences and campaigns."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from profilestore.errors import InputError, UsageError

__all__ = ["read_toml"]


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        InputError: there is no such file, or it is no text.
        UsageError: it is no TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} cannot be read ({type(error).__name__}).") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path.name} is not valid TOML: {error}.") from None
