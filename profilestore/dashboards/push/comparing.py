"""What of a document Kibana holds otherwise, field by field: its answers have more than was sent, all defaults too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Change", "changes"]

_ABSENT: Final = object()
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Change:
    """One field: where, what Kibana has and what it is to have; None for what is not there."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.path}: {_short(self.after)} is new"
        if self.after is None:
            return f"{self.path}: {_short(self.before)} goes"
        return f"{self.path}: {_short(self.before)} becomes {_short(self.after)}"


def changes(held: Any, wanted: Any) -> list[Change]:
    """What must change in `held` to have all of `wanted`.

    A key that only Kibana has is a default, or nothing that we say anything of. Lists are whole: an element that
    only Kibana has goes. Those whose elements have ids, such as panels, are compared by id, so that one panel
    more does not make all after it others.
    """
    return list(_changes("", held, wanted))


def _changes(path: str, held: Any, wanted: Any) -> Iterator[Change]:
    if isinstance(wanted, Mapping) and isinstance(held, Mapping):
        for key, value in wanted.items():
            place = f"{path}.{key}" if path else str(key)
            if key not in held:
                yield Change(place, None, value)
            else:
                yield from _changes(place, held[key], value)
    elif _is_list(wanted) and _is_list(held):
        yield from _of_lists(path, held, wanted)
    elif held != wanted or isinstance(held, bool) != isinstance(wanted, bool):
        yield Change(path, held, wanted)


def _of_lists(path: str, held: Sequence[Any], wanted: Sequence[Any]) -> Iterator[Change]:
    before, after = _by_id(held), _by_id(wanted)
    if before is None or after is None:
        before, after = dict(enumerate(held)), dict(enumerate(wanted))
    for key, value in after.items():
        found = before.get(key, _ABSENT)
        if found is _ABSENT:
            yield Change(f"{path}[{key}]", None, value)
        else:
            yield from _changes(f"{path}[{key}]", found, value)
    for key, value in before.items():
        if key not in after:
            yield Change(f"{path}[{key}]", value, None)


def _by_id(elements: Sequence[Any]) -> dict[Any, Any] | None:
    """The elements by their ids, where each has one of its own."""
    found = {each["id"]: each for each in elements if isinstance(each, Mapping) and isinstance(each.get("id"), str)}
    return found if len(found) == len(elements) else None


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _short(value: Any) -> str:
    """A value in a line: a panel by its kind and title."""
    if isinstance(value, Mapping):
        config = value.get("config")
        title = config.get("title") if isinstance(config, Mapping) else value.get("title")
        return f"{value.get('type', 'an object')}{'' if title is None else f' {title!r}'}"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
