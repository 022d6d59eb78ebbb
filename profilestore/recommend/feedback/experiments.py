"""Experiments: who gets which method, by a hash that every machine computes alike, and no list of users.

An experiment is a record in `{prefix}-models`, so that all apps and machines of a shop have the same one. It
is not changed once it is made: changed shares would move users between methods. It is stopped, and a new one
has another name, under which the hash mixes the users anew.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from profilestore.documents.base import to_utc
from profilestore.elastic.model_store import ModelStore
from profilestore.errors import NotFound, UsageError

__all__ = ["Experiment", "Experiments", "assign", "draw"]

_KIND: Final = "experiment"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")

State = Literal["waiting", "running", "ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Which methods are compared, on what shares of the users; the first one is the control. Times in UTC."""

    name: str
    methods: tuple[str, ...]
    shares: tuple[float, ...]
    start: datetime
    end: datetime | None = None

    def state(self, now: datetime) -> State:
        """Whether users are assigned at this time."""
        if now < self.start:
            return "waiting"
        return "ended" if self.end is not None and now >= self.end else "running"

    def to_json_dict(self) -> dict[str, Any]:
        """As stored and printed: times in ISO 8601."""
        return {
            "name": self.name,
            "methods": list(self.methods),
            "shares": list(self.shares),
            "start": self.start.isoformat(),
            "end": None if self.end is None else self.end.isoformat(),
        }

    @classmethod
    def from_record(cls, body: dict[str, Any]) -> Experiment:
        """Read what `to_json_dict` wrote."""
        return cls(
            name=body["name"],
            methods=tuple(body["methods"]),
            shares=tuple(body["shares"]),
            start=datetime.fromisoformat(body["start"]),
            end=None if body["end"] is None else datetime.fromisoformat(body["end"]),
        )


def draw(name: str, user_id: str) -> float:
    """The lot of a user, from 0 to below 1: the same in every process, independent between names."""
    # A NUL is in no name, so that no other pair of name and user reads the same.
    digest = hashlib.sha256(f"{name}\0{user_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2.0**64


def assign(experiment: Experiment, user_id: str) -> str:
    """The method of a user: the same in every process, independent between experiments of other names."""
    place = draw(experiment.name, user_id)
    upto = 0.0
    for method, share in zip(experiment.methods, experiment.shares, strict=True):
        upto += share
        if place < upto:
            return method
    return experiment.methods[-1]  # the shares add up to one only as far as floats do


class Experiments:
    """The experiments of one shop."""

    def __init__(self, store: ModelStore, *, methods: Sequence[str]) -> None:
        """`methods` are those that there are."""
        self._store = store
        self._methods = methods

    def create(
        self,
        name: str,
        methods: Sequence[str],
        *,
        shares: Sequence[float] | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Experiment:
        """Make an experiment; from now on without a start, open without an end, equal shares when None.

        Raises:
            UsageError: a name, methods, shares or times that cannot be meant, or a name that was used.
        """
        _check(name, methods, known=self._methods, shares=shares)
        begins = datetime.now(UTC) if start is None else to_utc(start)
        ends = None if end is None else to_utc(end)
        if ends is not None and ends <= begins:
            raise UsageError("the experiment would end before it starts.")
        equal = [1.0 / len(methods)] * len(methods)
        made = Experiment(name=name, methods=tuple(methods), shares=tuple(shares or equal), start=begins, end=ends)
        if not self._store.put(f"{_KIND}-{name}", _KIND, made.to_json_dict(), new=True).ok:
            raise UsageError(f"there is an experiment {name} already: take another name, its users are mixed anew.")
        return made

    def get(self, name: str) -> Experiment:
        """One experiment.

        Raises:
            NotFound: there is none of this name.
        """
        record = self._store.get(f"{_KIND}-{name}") if _NAME.fullmatch(name) else None
        if record is None:
            raise NotFound(
                f"there is no experiment {name}; `profilestore feedback experiment list` shows those there are.",
                kind="experiment",
                id=name,
            )
        return Experiment.from_record(record[0]["body"])

    def list(self) -> list[Experiment]:
        """All of them, oldest first."""
        return [Experiment.from_record(record["body"]) for _, record in self._store.list(_KIND)]

    def stop(self, name: str) -> Experiment:
        """End an experiment now; one that ended already stays as it was. Its report stays.

        Raises:
            NotFound: there is none of this name.
        """
        while True:
            found, now = self.get(name), datetime.now(UTC)
            record = self._store.get(f"{_KIND}-{name}")
            if found.state(now) == "ended" or record is None:
                return found
            stopped = replace(found, end=max(now, found.start))
            if self._store.put(f"{_KIND}-{name}", _KIND, stopped.to_json_dict(), expected=record[1]).ok:
                return stopped


def _check(name: str, methods: Sequence[str], *, known: Sequence[str], shares: Sequence[float] | None) -> None:
    if _NAME.fullmatch(name) is None:
        raise UsageError("an experiment's name has 1 to 100 letters, digits, dots, - and _.")
    if len(methods) < 2:
        raise UsageError("an experiment compares at least two methods.")
    if len(set(methods)) < len(methods):
        raise UsageError("an experiment has each method once.")
    unknown = [method for method in methods if method not in known]
    if len(unknown) > 0:
        raise UsageError(f"there is no method {unknown[0]}; choose among {', '.join(known)}.")
    if shares is None:
        return
    if len(shares) != len(methods):
        raise UsageError(f"there are {len(methods)} methods and {len(shares)} shares.")
    if not all(math.isfinite(share) and share > 0 for share in shares):
        raise UsageError("each share is a number above 0.")
    if not math.isclose(math.fsum(shares), 1.0, abs_tol=1e-6):
        raise UsageError(f"the shares add up to {math.fsum(shares):g}, and must to 1.")
