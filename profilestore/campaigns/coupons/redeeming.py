"""Redeem coupons: only who has it, in the campaign's time, and once, by the log's own `create`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from profilestore.campaigns.coupons.code_file import code_problem
from profilestore.campaigns.coupons.counter import CouponCounter, coupon_event
from profilestore.documents import CampaignDocument, Event, assignment_id, campaign_id
from profilestore.elastic.event_log import EventLog
from profilestore.errors import CouponRefused, StoreError

__all__ = ["Redeemed", "Redeeming"]


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A coupon that was used up.

    Attributes:
        campaign: whose it was.
        code: of it.
        value: what it is worth at most, in the shop's currency.
        first: False where the same redemption, for the same order, was recorded before.
    """

    campaign: str
    code: str
    value: float | None
    first: bool

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        return asdict(self)


class Redeeming:
    """Redeems coupons of one shop.

    Args:
        counter: what it works with.
        log: the events.
    """

    def __init__(self, counter: CouponCounter, *, log: EventLog) -> None:
        self._at = counter
        self._log = log

    def redeem(self, code: str, user_id: str, *, campaign: str | None, order_id: str | None, now: datetime) -> Redeemed:
        """See `Coupons.redeem`."""
        found = self._at.index.campaigns_with(code) if code_problem(code) is None else []
        names = [name for name in found if campaign in (None, name)]
        if len(names) == 0:
            which = "no campaign has" if campaign is None else f"campaign {campaign} does not have"
            raise CouponRefused(f"{which} a coupon of this code.", campaign=campaign, reason="unknown-code")
        theirs = [name for name in names if self._code_of(name, user_id) == code]
        if len(theirs) == 0:
            raise CouponRefused("this user has no coupon of this code.", campaign=campaign, reason="not-theirs")
        document = self._choose(theirs, now)
        name = document.campaign or ""
        _check_time(document, now)
        first = self._once(coupon_event("coupon_redeem", name, user_id, time=now, order_id=order_id))
        pool = self._at.index.pool(name)
        return Redeemed(name, code, None if pool is None else pool.value, first)

    def _code_of(self, campaign: str, user_id: str) -> str | None:
        """The code that a user has of a campaign; where its issue was broken off when it was theirs, it is finished."""
        id = assignment_id(campaign, user_id)
        held = self._at.campaigns.read([id]).get(id)
        if held is None:
            return None
        code, coupon = held.source.get("code"), held.source.get("coupon")
        if code is None and coupon is not None:
            taken = self._at.index.read([coupon]).get(coupon)
            if taken is not None and taken.source.get("user_id") == user_id:
                return self._at.issuing.issue(campaign, [user_id])[user_id]
        return None if code is None else str(code)

    def _choose(self, names: list[str], now: datetime) -> CampaignDocument:
        """Of several campaigns that gave a user this code: one that runs, or whose time it is, or the latest."""
        held = self._at.campaigns.read([campaign_id(name) for name in names])
        documents = [CampaignDocument(**each.source) for each in held.values()]
        if len(documents) == 0:
            raise CouponRefused("the campaign of this code is gone.", campaign=names[0], reason="unknown-code")

        def worth(document: CampaignDocument) -> tuple[bool, bool, float]:
            timely = (document.starts is None or document.starts <= now) and (
                document.ends is None or now < document.ends
            )
            return timely and document.state == "running", timely, document.ends.timestamp() if document.ends else 0.0

        return max(documents, key=worth)

    def _once(self, event: Event) -> bool:
        """Record a redemption; False where this very one was recorded before."""
        counts = self._at.record(event)
        if counts.rejected > 0:
            raise StoreError("the redemption is dated too far ahead to be recorded: look at this machine's clock.")
        if counts.indexed > 0:
            return True
        recorded = self._recorded(event)
        # The same moment is this call itself, whose first answer was lost on its way.
        if recorded is not None and recorded.time == event.time:
            return True
        if recorded is not None and event.order_id is not None and recorded.order_id == event.order_id:
            return False
        raise CouponRefused(
            f"this user's coupon of campaign {event.campaign} was redeemed before.",
            campaign=event.campaign,
            reason="redeemed",
        )

    def _recorded(self, event: Event) -> Event | None:
        """The event of this id as the log has it."""
        identity = self._log.identity()
        self._log.refresh(identity)
        shard = self._log.shard_of(identity, event.user_id)
        upto = self._log.checkpoints(identity)[shard]
        query = {"ids": {"values": [event.event_id]}}
        for page in self._log.read_matching(identity, query, shard=shard, upto=upto):
            for logged in page:
                return logged.event
        return None


def _check_time(document: CampaignDocument, now: datetime) -> None:
    """A coupon is good in its campaign's time, also after the campaign was stopped: users were promised it."""
    name = document.campaign
    if document.starts is not None and now < document.starts:
        raise CouponRefused(
            f"coupons of campaign {name} are good from {document.starts:%Y-%m-%d %H:%M} UTC on.",
            campaign=name,
            reason="not-started",
        )
    if document.ends is not None and now >= document.ends:
        raise CouponRefused(
            f"coupons of campaign {name} were good until {document.ends:%Y-%m-%d %H:%M} UTC.",
            campaign=name,
            reason="ended",
        )
