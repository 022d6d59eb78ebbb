"""Who is in a campaign, by arm, as arrays: the assignments as they were drawn, whoever was reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["ASKED", "GROUP_FIELDS", "Participants", "participants_of"]

# What was believed of a user when the campaign started; who switched personalisation off has none of it.
GROUP_FIELDS: Final = ("segment", "value_tier", "churn_band", "lifecycle")
# The fields of assignments that are read.
ASKED: Final = ("user_id", "arm", "contact_at", "withheld", "code", "purchase_30d", *GROUP_FIELDS)

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Texts = NDArray[np.object_]


@dataclass(frozen=True)
class Participants:
    """All users that a campaign drew, in order of their ids; (n,) each.

    Attributes:
        user_ids: n ids.
        treated: the lot fell on treatment; else control. It is never changed afterwards.
        reached: treated, not withheld, and the time of the contact has passed.
        coded: was given a code.
        withheld: why nothing was sent; "" where it was.
        opted_out: has personalisation off now: counts in the totals, is in no group.
        groups: name -> the group of each user, "" where nothing is known of them.
        purchase_30d: chance of a purchase in 30 days as it was believed at the start; NaN where unknown.
    """

    user_ids: tuple[str, ...]
    treated: Bools
    reached: Bools
    coded: Bools
    withheld: Texts
    opted_out: Bools
    groups: Mapping[str, Texts]
    purchase_30d: Floats

    def __len__(self) -> int:
        return len(self.user_ids)

    @property
    def has_control(self) -> bool:
        """Whether a control group was kept."""
        return not bool(self.treated.all())


def participants_of(
    pages: Iterable[Sequence[Mapping[str, Any]]], *, now: datetime, opted_out: frozenset[str] = frozenset()
) -> Participants:
    """Participants from the assignments of a campaign, `ASKED` fields of each, in order of user ids.

    Args:
        pages: sources of assignments, as `CampaignIndex.assignments` reads them.
        now: contacts later than this have not been made.
        opted_out: who has personalisation off; what was believed of them is not read.
    """
    ids: list[str] = []
    treated, reached, coded = bytearray(), bytearray(), bytearray()
    off, chances = bytearray(), []
    withheld: list[str] = []
    groups: dict[str, list[str]] = {name: [] for name in GROUP_FIELDS}
    for page in pages:
        for source in page:
            user_id, arm = source.get("user_id"), source.get("arm")
            if user_id is None or arm not in ("treatment", "control"):
                continue
            out = user_id in opted_out
            why = source.get("withheld") or ""
            ids.append(user_id)
            treated.append(arm == "treatment")
            reached.append(arm == "treatment" and why == "" and _passed(source.get("contact_at"), now))
            coded.append(source.get("code") is not None)
            withheld.append(why)
            off.append(out)
            for name, values in groups.items():
                values.append("" if out else source.get(name) or "")
            chance = None if out else source.get("purchase_30d")
            chances.append(np.nan if chance is None else float(chance))
    return Participants(
        user_ids=tuple(ids),
        treated=_flags(treated),
        reached=_flags(reached),
        coded=_flags(coded),
        withheld=np.array(withheld, dtype=object),
        opted_out=_flags(off),
        groups={name: np.array(values, dtype=object) for name, values in groups.items()},
        purchase_30d=np.array(chances, dtype=np.float64),
    )


def _passed(contact_at: str | datetime | None, now: datetime) -> bool:
    if contact_at is None:
        return True
    return (contact_at if isinstance(contact_at, datetime) else datetime.fromisoformat(contact_at)) <= now


def _flags(values: bytearray) -> Bools:
    return np.frombuffer(bytes(values), dtype=np.uint8).astype(bool)
