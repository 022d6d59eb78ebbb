"""Who may be written to, and of whom a vector or a score may choose."""

from __future__ import annotations

from typing import Any

__all__ = ["has_consent", "is_personalised"]


def has_consent(channel: str) -> dict[str, Any]:
    """Who agreed to be reached by this channel. Who said nothing did not."""
    return {"term": {"consent": channel}}


def is_personalised() -> dict[str, Any]:
    """Who did not switch personalisation off."""
    return {"bool": {"must_not": [{"term": {"personalisation": "off"}}]}}
