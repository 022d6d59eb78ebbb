"""An audience said on the command line: legs of each kind, all or any of them, less some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from profilestore.campaigns.audience.definition import Definition, definition_of
from profilestore.errors import UsageError

__all__ = ["definition_of_flags"]

_SOURCE: Final = "audience"
_NEGATED: Final = ("rule", "segment", "ids")
_NEAR: Final = ("lookalike", "buyers")


def definition_of_flags(
    legs: Mapping[str, Sequence[Any]],
    *,
    without: Sequence[str] = (),
    either: bool = False,
    channel: str | None = None,
    limit: int | None = None,
    by: str | None = None,
    top: int | None = None,
    min_score: float | None = None,
    method: str = "auto",
    id_column: str | None = None,
    description: str = "",
) -> Definition:
    """The definition: `legs` (values by kind) joined by and, or by or where `either`, and none of `without`.

    Args:
        legs: values by kind: rule, segment, lookalike (lists of users), buyers, ids.
        without: `KIND=VALUE` each.
        top, min_score, method: of each lookalike and buyers.
        id_column: of each file.

    Raises:
        UsageError: nobody is named, or something that cannot be meant.
    """
    near = {"top": top, "min_score": min_score, "method": method}
    near = {name: value for name, value in near.items() if value is not None}
    column = {} if id_column is None else {"column": id_column}
    options: dict[str, dict[str, Any]] = {"lookalike": near, "buyers": near, "ids": column}
    wanted = [{kind: value, **options.get(kind, {})} for kind, values in legs.items() for value in values]
    if (top is not None or min_score is not None) and not any(kind in leg for leg in wanted for kind in _NEAR):
        raise UsageError("--top and --min-score are of --lookalike and --buyers.")
    unwanted = [{"not": _negated(text, column)} for text in without]
    if len(wanted) + len(unwanted) == 0:
        raise UsageError("say who is in it: --rule, --segment, --lookalike, --buyers, --ids, or a TOML file.")
    parts = ([{"or": wanted}] if either and len(wanted) > 1 else wanted) + unwanted
    given = {"members": parts[0] if len(parts) == 1 else {"and": parts}, "channel": channel,
             "description": description, "limit": limit, "by": by}  # fmt: skip
    return definition_of({name: value for name, value in given.items() if value is not None}, source=_SOURCE)


def _negated(text: str, column: Mapping[str, Any]) -> dict[str, Any]:
    kind, equals, value = text.partition("=")
    if equals == "" or kind not in _NEGATED:
        raise UsageError(f"--not wants KIND=VALUE, KIND one of {', '.join(_NEGATED)}; a TOML file says more.")
    return {kind: value, **(column if kind == "ids" else {})}
