"""Who is in a campaign, and in which arm: decided once, by what is known and by lot, and alike for both arms.

First who may be written to at all: the audience by the campaign's channel, without those whose contacts of the week
are used up. Then the lot, a stable hash of campaign and user. Where the budget or the codes are not enough for all, a
second hash, which knows nothing of the first, says who stays out of both arms, so that they remain comparable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from profilestore.campaigns.running.definition import CampaignDefinition
from profilestore.documents import assignment_id, contact_id
from profilestore.elastic.member_pages import Member
from profilestore.recommend.feedback.experiments import draw

__all__ = ["FIELDS", "Selection", "is_control", "select"]

# Of the profiles, for what is expected.
FIELDS: Final = ("purchase_30d", "last_purchase")
_LONGEST_ID_BYTES: Final = 512
_HORIZON_DAYS: Final = 30.0
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The users of a campaign, in order of their ids, as arrays of one length n.

    Attributes:
        user_ids: of who is in it.
        treated: bool[n], who is to be written to.
        opted_out: bool[n], who switched personalisation off.
        likely: float[n], how likely each buys in the period of the campaign, of itself; NaN where nothing says so.
        bought_before: bool[n], who bought in as many days before.
        used_up: users of the audience whose contacts of the week are used up.
        over_budget: users for whom budget or codes are not enough.
        unwritable: users whose id is too long to stand beside a campaign's name.
    """

    user_ids: list[str]
    treated: npt.NDArray[np.bool_]
    opted_out: npt.NDArray[np.bool_]
    likely: npt.NDArray[np.float64]
    bought_before: npt.NDArray[np.bool_]
    used_up: int
    over_budget: int
    unwritable: int

    @property
    def treatment(self) -> int:
        """How many are to be written to."""
        return int(self.treated.sum())

    @property
    def control(self) -> int:
        """How many are not, by lot."""
        return len(self.user_ids) - self.treatment

    def ids(self, *, treated: bool) -> Iterator[str]:
        """The users of an arm, in order."""
        return (user_id for user_id, each in zip(self.user_ids, self.treated, strict=True) if each == treated)


def is_control(definition: CampaignDefinition, user_id: str) -> bool:
    """Whether the lot of a user falls into the control group."""
    return draw(definition.name, user_id) < definition.control_share


def select(
    definition: CampaignDefinition,
    members: Iterable[Member],
    *,
    used_up: Iterator[str],
    contact_at: datetime,
) -> Selection:
    """Choose among the members of an audience.

    Args:
        definition: of the campaign.
        members: in order of their ids, with `FIELDS`.
        used_up: who has had all contacts of the week, in the same order.
        contact_at: when they would be contacted.
    """
    days = (definition.ends - contact_at) / timedelta(days=1)
    # A period may be longer than there were years before it.
    since = (contact_at - min(definition.ends - contact_at, contact_at - _EARLIEST)).isoformat()
    stopped = _Marked(used_up)
    ids: list[str] = []
    off, before, likely = bytearray(), bytearray(), []
    at_cap = unwritable = 0
    for member in members:
        if member.user_id in stopped:
            at_cap += 1
        elif not _fits(definition.name, member.user_id):
            unwritable += 1
        else:
            ids.append(member.user_id)
            off.append(member.opted_out)
            likely.append(_likely(member, days))
            before.append(str(member.fields.get("last_purchase", "")) >= since)
    arrays = (np.frombuffer(off, dtype=np.bool_), np.array(likely, dtype=np.float64),
              np.frombuffer(before, dtype=np.bool_))  # fmt: skip
    control = np.fromiter((is_control(definition, user_id) for user_id in ids), dtype=np.bool_, count=len(ids))
    kept = _affordable(definition, ids, control)
    return Selection(
        user_ids=[user_id for user_id, each in zip(ids, kept, strict=True) if each],
        treated=~control[kept],
        opted_out=arrays[0][kept],
        likely=arrays[1][kept],
        bought_before=arrays[2][kept],
        used_up=at_cap,
        over_budget=int(len(ids) - kept.sum()),
        unwritable=unwritable,
    )


def _likely(member: Member, days: float) -> float:
    """The chance of 30 days for other many, as if every day had the same."""
    chance = member.fields.get("purchase_30d")
    return np.nan if chance is None else 1.0 - (1.0 - min(1.0, max(0.0, float(chance)))) ** (days / _HORIZON_DAYS)


def _fits(name: str, user_id: str) -> bool:
    """Whether the ids of what is written of a user are no longer than the server takes."""
    ids = (assignment_id(name, user_id), contact_id(user_id, "2026-W48", 99))
    # No character has more than four bytes.
    return all(len(id) * 4 <= _LONGEST_ID_BYTES or len(id.encode()) <= _LONGEST_ID_BYTES for id in ids)


def _affordable(
    definition: CampaignDefinition, ids: list[str], control: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """bool[n]: who is in. In the order of a lot of its own, up to the last treated user who can be paid."""
    most = definition.most_contacts
    if most is None or len(ids) - int(control.sum()) <= most:
        return np.ones(len(ids), dtype=np.bool_)
    lots = np.fromiter((draw(f"{definition.name}\0budget", user_id) for user_id in ids), np.float64, count=len(ids))
    order = np.argsort(lots, kind="stable")
    kept = np.zeros(len(ids), dtype=np.bool_)
    kept[order[np.cumsum(~control[order]) <= most]] = True
    return kept


class _Marked:
    """Whether users are among others, both in order of their ids; holds one of the others at a time."""

    def __init__(self, ids: Iterator[str]) -> None:
        self._ids = ids
        self._next = next(ids, None)

    def __contains__(self, user_id: str) -> bool:
        while self._next is not None and self._next < user_id:
            self._next = next(self._ids, None)
        return self._next == user_id
