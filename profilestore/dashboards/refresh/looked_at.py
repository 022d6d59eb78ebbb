"""Users of the log and of what is held, side by side, in portions that fit into memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from profilestore.elastic.activity_index import Held

__all__ = ["LookedAt", "bounded", "joined", "paged"]

_UNHELD: Final = Held(0, frozenset(), 0)


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A user in the log or among what is held; `acts` and `last` (the highest `_seq_no`) are the log's."""

    id: str
    acts: int
    last: int
    held: Held


def joined(in_log: Iterable[tuple[str, int, int]], held: Iterable[tuple[str, Held]]) -> Iterator[LookedAt]:
    """Users of either, in order of their ids; both come in that order."""
    others = iter(held)
    other = next(others, None)
    for user_id, acts, last in in_log:
        while other is not None and other[0] < user_id:
            yield LookedAt(other[0], 0, 0, other[1])
            other = next(others, None)
        if other is not None and other[0] == user_id:
            yield LookedAt(user_id, acts, last, other[1])
            other = next(others, None)
        else:
            yield LookedAt(user_id, acts, last, _UNHELD)
    while other is not None:
        yield LookedAt(other[0], 0, 0, other[1])
        other = next(others, None)


def paged(users: Iterable[LookedAt], *, size: int) -> Iterator[list[LookedAt]]:
    """So many users at a time."""
    rest = iter(users)
    while len(page := list(islice(rest, size))) > 0:
        yield page


def bounded(users: Iterable[LookedAt], *, acts: int) -> Iterator[list[LookedAt]]:
    """Users who have no more than so many acts together; a user with more comes alone."""
    some: list[LookedAt] = []
    total = 0
    for user in users:
        size = max(user.acts, user.held.acts)
        if len(some) > 0 and total + size > acts:
            yield some
            some, total = [], 0
        some.append(user)
        total += size
    if len(some) > 0:
        yield some
