"""A table of TOML being read: every problem of it is kept, so that all are told at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["Table"]

_LARGEST: Final = 1e300


class Table:
    """Reads values by their keys; `problems` has what was wrong so far.

    Args:
        given: the table.
        known: the keys that it may have.
        within: what stands before its keys in problems, such as `offer.`.
        problems: of the table it is in.
    """

    def __init__(
        self, given: Mapping[str, Any], *, known: Sequence[str], within: str = "", problems: list[str] | None = None
    ) -> None:
        self.given = given
        self.problems: list[str] = [] if problems is None else problems
        self._within = within
        unknown = [key for key in given if key not in known]
        if len(unknown) > 0:
            named = ", ".join(f"`{within}{key}`" for key in unknown)
            self.problems.append(f"there is no key {named}; keys are {', '.join(known)}")

    def named(self, key: str) -> str:
        """A key as problems name it."""
        return f"`{self._within}{key}`"

    def value(self, key: str, *, required: bool = False) -> Any:
        """What stands there; None for nothing."""
        value = self.given.get(key)
        if value is None and required:
            self.problems.append(f"{self.named(key)} is missing")
        return value

    def text(self, key: str, *, required: bool = False, longest: int = 1000) -> str | None:
        """A text that is not blank."""
        value = self.value(key, required=required)
        if value is None:
            return None
        if not isinstance(value, str) or value.strip() == "" or "\x00" in value or len(value) > longest:
            self.problems.append(f"{self.named(key)} is a text of at most {longest:,} characters")
            return None
        return value.strip()

    def number(self, key: str, *, required: bool = False, default: float = 0.0) -> float:
        """A finite number."""
        value = self.value(key, required=required)
        if value is None:
            return default
        # Whole numbers of TOML have no end, and floats do.
        usable = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
        if not usable:
            self.problems.append(f"{self.named(key)} is a number")
            return default
        return float(value)

    def whole(self, key: str, *, default: int = 0) -> int:
        """A whole number."""
        value = self.value(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            self.problems.append(f"{self.named(key)} is a whole number")
            return default
        return value
