"""Claim coupons: who has a place in the treatment arm of a campaign that runs now, the same coupon when asked again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from profilestore.campaigns.coupons.counter import CouponCounter, coupon_event
from profilestore.campaigns.coupons.issuing import Documents, entitled
from profilestore.documents import CampaignDocument, assignment_id, campaign_id
from profilestore.errors import CouponRefused, NotFound, StoreError

__all__ = ["Claim", "Claiming", "read_campaign"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A user's coupon.

    Attributes:
        campaign: whose it is.
        code: of it.
        value: what it is worth at most, in the shop's currency.
        ends: not to be redeemed from then on, UTC.
        first: False where the user had claimed it before.
    """

    campaign: str
    code: str
    value: float | None
    ends: datetime | None
    first: bool

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        return asdict(self)


class Claiming:
    """Gives users the coupons that they ask for.

    Args:
        counter: what it works with.
    """

    def __init__(self, counter: CouponCounter) -> None:
        self._at = counter

    def claim(self, campaign: str, user_id: str, *, now: datetime) -> Claim:
        """See `Coupons.claim`."""
        document = read_campaign(self._at.campaigns, campaign)
        _check_running(document, now)
        pool = self._at.index.pool(campaign)
        if pool is None:
            raise NotFound(f"campaign {campaign} has no coupons.", kind="pool", id=campaign)
        self._check_entitled(campaign, user_id)
        code = self._at.issuing.issue(campaign, [user_id])[user_id]
        if code is None:
            self._check_entitled(campaign, user_id)  # it may have been withheld meanwhile
            raise CouponRefused(f"no coupon of campaign {campaign} is left.", campaign=campaign, reason="none-left")
        counts = self._at.record(coupon_event("coupon_claim", campaign, user_id, time=now))
        if counts.rejected > 0:
            raise StoreError("the claim is dated too far ahead to be recorded: look at this machine's clock.")
        return Claim(campaign, code, pool.value, document.ends, counts.indexed > 0)

    def _check_entitled(self, campaign: str, user_id: str) -> None:
        id = assignment_id(campaign, user_id)
        held = self._at.campaigns.read([id]).get(id)
        if held is None:
            said, reason = f"this user has no place in campaign {campaign}.", "not-assigned"
        elif entitled(held.source):
            return
        elif held.source.get("arm") != "treatment":
            said = f"this user is in the control group of campaign {campaign}, which gets nothing."
            reason = "control"
        else:
            said = f"what this user was to get of campaign {campaign} is withheld: {held.source['withheld']}."
            reason = "withheld"
        raise CouponRefused(said, campaign=campaign, reason=reason)


def read_campaign(campaigns: Documents, name: str) -> CampaignDocument:
    """The record of a campaign, in real time: one that was stopped is stopped at once.

    Raises:
        NotFound: there is none of this name.
    """
    id = campaign_id(name)
    held = campaigns.read([id]).get(id)
    if held is None:
        raise NotFound(
            f"there is no campaign {name}: `profilestore campaign list` shows them.", kind="campaign", id=name
        )
    return CampaignDocument(**held.source)


def _check_running(document: CampaignDocument, now: datetime) -> None:
    name = document.campaign
    if document.imported is True:
        raise CouponRefused(f"campaign {name} was run elsewhere.", campaign=name, reason="imported")
    if document.state != "running":
        said = "was stopped" if document.state == "stopped" else "is still being started"
        raise CouponRefused(f"campaign {name} {said}.", campaign=name, reason=document.state or "starting")
    if document.starts is not None and now < document.starts:
        raise CouponRefused(
            f"campaign {name} starts on {document.starts:%Y-%m-%d %H:%M} UTC.", campaign=name, reason="not-started"
        )
    if document.ends is not None and now >= document.ends:
        raise CouponRefused(
            f"campaign {name} ended on {document.ends:%Y-%m-%d %H:%M} UTC.", campaign=name, reason="ended"
        )
