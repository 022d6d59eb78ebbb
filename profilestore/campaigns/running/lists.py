"""Where the users of a campaign that is being started stand: as lists beside those of audiences."""

from __future__ import annotations

__all__ = ["list_name"]


def list_name(name: str) -> str:
    """Under which the lists of a campaign stand; no audience's name has a colon."""
    return f"campaign:{name}"
