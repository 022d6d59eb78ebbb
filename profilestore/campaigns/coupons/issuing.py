"""Give coupons to users: at most one each, whoever dies between any two writes, and however many do it at once.

1. The user's assignment names a coupon that is free (a write under its revision).
2. That coupon names the user (likewise, while it is free).
3. The assignment gets the code.

Who goes on where another was stopped reads what stands there and does the rest. An assignment turns to another coupon
only after the one it names was seen to be another user's, and since no coupon is ever given back, that one stays lost
to its user: so the coupon that a user has is the one and only that their assignment names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from profilestore.documents import assignment_id, coupon_id
from profilestore.elastic.coupon_index import without_holder
from profilestore.elastic.retry import wait
from profilestore.elastic.revised import Held
from profilestore.errors import UpdateGaveUp

__all__ = ["Coupons", "Documents", "Issuing", "entitled"]

_AT_ONCE: Final = 5000
_ROUNDS: Final = 100
_LONGEST_WAIT: Final = 5  # of `wait`: at most 0.64 s
_PROBED: Final = 20


class Documents(Protocol):
    """What is read in real time, and written under the revision it was read at."""

    def read(self, ids: Sequence[str]) -> dict[str, Held]:
        """Those that are there, by id."""

    def write(self, changes: Sequence[tuple[Held, dict[str, Any]]]) -> list[Held | None]:
        """None for each that was changed since it was read."""


class Coupons(Documents, Protocol):
    """The coupons."""

    def size(self, campaign: str) -> int:
        """How many a campaign has."""

    def free(self, campaign: str, *, n: int, start: int) -> list[Held]:
        """Those that nobody has, n of them or all that are left, from number `start` on."""


def entitled(assignment: Mapping[str, Any]) -> bool:
    """Whether a user in this place of a campaign is to have a coupon."""
    return assignment.get("arm") == "treatment" and assignment.get("withheld") is None


class Issuing:
    """Gives coupons to users.

    Args:
        assignments: the documents of `{prefix}-campaigns`.
        coupons: those of `{prefix}-coupons`.
    """

    def __init__(self, *, assignments: Documents, coupons: Coupons) -> None:
        self._assignments = assignments
        self._coupons = coupons

    def issue(self, campaign: str, user_ids: Sequence[str]) -> dict[str, str | None]:
        """The code of each user, the one they have or a free one; None for who is not to have one, or none is left.

        Raises:
            NotFound: the campaign has no coupons.
            UpdateGaveUp: others kept changing the same documents.
        """
        wanted = list(dict.fromkeys(user_ids))
        codes: dict[str, str | None] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            codes |= _Batch(campaign, wanted[start : start + _AT_ONCE], self._assignments, self._coupons).run()
        return codes


class _Batch:
    """Some users of a campaign, until each has a code or cannot have one."""

    def __init__(self, campaign: str, user_ids: list[str], assignments: Documents, coupons: Coupons) -> None:
        self._campaign = campaign
        self._waiting = user_ids
        self._assignments = assignments
        self._coupons = coupons
        self._codes: dict[str, str | None] = {}
        self._tried: dict[str, str] = {}  # user -> the coupon that may have come to name them here

    def run(self) -> dict[str, str | None]:
        for attempt in range(_ROUNDS):
            self._round()
            self._waiting = [user_id for user_id in self._waiting if user_id not in self._codes]
            if len(self._waiting) == 0:
                return self._codes
            wait(min(attempt, _LONGEST_WAIT))
        raise UpdateGaveUp(
            f"coupons of {len(self._waiting)} users of campaign {self._campaign} kept being changed by others: "
            "run it again.",
            ids=self._waiting,
            attempts=_ROUNDS,
        )

    def _round(self) -> None:
        places = self._places()
        named = {user_id: str(place.source["coupon"]) for user_id, place in places.items() if "coupon" in place.source}
        found = self._coupons.read(sorted(set(named.values())))
        going: dict[str, tuple[Held, Held]] = {}
        for user_id, id in named.items():
            coupon = found.get(id)
            if coupon is not None and _open_to(coupon, user_id):
                going[user_id] = (places[user_id], coupon)
        without = {user_id: place for user_id, place in places.items() if user_id not in going}
        if len(without) > 0:
            going |= self._name(without, besides={coupon.id for _, coupon in going.values()})
        self._finish(self._take(going))

    def _places(self) -> dict[str, Held]:
        """The assignments that are still to get a code; of all others it is known now what they get."""
        found = self._assignments.read([assignment_id(self._campaign, user_id) for user_id in self._waiting])
        places: dict[str, Held] = {}
        for user_id in self._waiting:
            place = found.get(assignment_id(self._campaign, user_id))
            if place is None:
                self._release(user_id)
                self._codes[user_id] = None
            elif place.source.get("code") is not None:
                self._codes[user_id] = place.source["code"]
            elif not entitled(place.source):
                self._codes[user_id] = None
            else:
                places[user_id] = place
        return places

    def _name(self, without: Mapping[str, Held], *, besides: set[str]) -> dict[str, tuple[Held, Held]]:
        """Let assignments name free coupons. Where none is left, they name none, and all is said."""
        free = self._pick(len(without), besides=besides, first=next(iter(without)))
        if len(free) == 0:
            self._leave(without)
            return {}
        given = dict(zip(without, free, strict=False))  # others wait for the next round
        written = self._assignments.write(
            [(without[user_id], without[user_id].source | {"coupon": coupon.id}) for user_id, coupon in given.items()]
        )
        pairs = zip(given.items(), written, strict=True)
        return {user_id: (place, coupon) for (user_id, coupon), place in pairs if place is not None}

    def _leave(self, without: Mapping[str, Held]) -> None:
        """Now that no coupon is left: who was not given one by others meanwhile gets none, and names none."""
        named = {user_id: place for user_id, place in without.items() if "coupon" in place.source}
        written = self._assignments.write([(place, _unnamed(place.source)) for place in named.values()])
        unnamed = {user_id: place for user_id, place in without.items() if user_id not in named}
        found = self._assignments.read([place.id for place in unnamed.values()])
        left = [user_id for user_id, done in zip(named, written, strict=True) if done is not None]
        left += [user_id for user_id, place in unnamed.items() if found.get(place.id) == place]
        self._codes |= dict.fromkeys(left)

    def _pick(self, n: int, *, besides: set[str], first: str) -> list[Held]:
        """Coupons that nobody has, and that are not about to be taken here.

        Where each process begins to look follows from its first user, so that several seldom want the same.
        """
        size = self._coupons.size(self._campaign)
        if size == 0:
            return []
        start = int.from_bytes(hashlib.sha256(first.encode(errors="surrogatepass")).digest()[:8], "big") % size
        if n <= _PROBED // 2:
            numbers = dict.fromkeys((start + step) % size for step in range(_PROBED))
            found = self._coupons.read([coupon_id(self._campaign, number) for number in numbers])
            free = [each for each in found.values() if _is_free(each) and each.id not in besides]
            if len(free) >= n:
                return free[:n]
        found_free = self._coupons.free(self._campaign, n=n + len(besides), start=start)
        return [each for each in found_free if each.id not in besides][:n]

    def _take(self, going: Mapping[str, tuple[Held, Held]]) -> dict[str, tuple[Held, str]]:
        """Let coupons name their users; (assignment, code) of those who have theirs."""
        now = datetime.now(UTC)
        taken = {user_id: (place, coupon) for user_id, (place, coupon) in going.items() if not _is_free(coupon)}
        taking = {user_id: pair for user_id, pair in going.items() if user_id not in taken}
        self._tried |= {user_id: coupon.id for user_id, (_, coupon) in taking.items()}
        written = self._coupons.write(
            [
                (coupon, coupon.source | {"user_id": user_id, "issued_at": now})
                for user_id, (_, coupon) in taking.items()
            ]
        )
        for (user_id, pair), done in zip(taking.items(), written, strict=True):
            if done is not None:
                taken[user_id] = pair
        return {user_id: (place, str(coupon.source["code"])) for user_id, (place, coupon) in taken.items()}

    def _finish(self, taken: Mapping[str, tuple[Held, str]]) -> None:
        """Let assignments say the codes."""
        written = self._assignments.write([(place, place.source | {"code": code}) for place, code in taken.values()])
        for (user_id, (_, code)), done in zip(taken.items(), written, strict=True):
            if done is not None:
                self._codes[user_id] = code

    def _release(self, user_id: str) -> None:
        """Of a user who was forgotten just now: a coupon that came to name them meanwhile does so no more."""
        id = self._tried.get(user_id)
        while id is not None:
            coupon = self._coupons.read([id]).get(id)
            if coupon is None or coupon.source.get("user_id") != user_id:
                return
            self._coupons.write([(coupon, without_holder(coupon.source))])


def _is_free(coupon: Held) -> bool:
    return coupon.source.get("user_id") is None and coupon.source.get("forgotten") is not True


def _open_to(coupon: Held, user_id: str) -> bool:
    return _is_free(coupon) or coupon.source.get("user_id") == user_id


def _unnamed(assignment: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in assignment.items() if name != "coupon"}
