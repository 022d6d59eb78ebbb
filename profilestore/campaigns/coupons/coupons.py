"""The coupons of a shop's campaigns. `shop.coupons`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from profilestore.campaigns.coupons.claiming import Claim, Claiming, read_campaign
from profilestore.campaigns.coupons.counter import CouponCounter
from profilestore.campaigns.coupons.issuing import Issuing
from profilestore.campaigns.coupons.pool import Pool, check_pool, open_pool
from profilestore.campaigns.coupons.redeeming import Redeemed, Redeeming
from profilestore.campaigns.coupons.settling import Settled, settle
from profilestore.documents import CampaignDocument, CouponDocument, Event, campaign_id
from profilestore.documents.base import to_utc
from profilestore.elastic.campaign_index import CampaignIndex
from profilestore.elastic.coupon_index import CouponIndex
from profilestore.elastic.revised import RevisedDocuments
from profilestore.elastic.shared_codes import SharedCodes
from profilestore.errors import CouponRefused, NotFound, UsageError
from profilestore.indexing.counts import LoadCounts
from profilestore.indexing.parts import Parts

__all__ = ["Claim", "CouponCounts", "Coupons"]

_COUNTED_AT_ONCE: Final = 10_000
_USING: Final = ("starting", "running")


@dataclass(frozen=True, slots=True)
class CouponCounts:
    """The coupons of a campaign.

    Attributes:
        campaign: whose they are.
        size: how many there are to be.
        made: how many are there; fewer only while a start is under way.
        issued: given to users, forgotten ones included.
        left: free.
        claimed: users who claimed theirs.
        redeemed: users who redeemed it.
        value: what one costs at most.
    """

    campaign: str
    size: int
    made: int
    issued: int
    left: int
    claimed: int
    redeemed: int
    value: float | None

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        return asdict(self)


class Coupons:
    """The coupons of one shop.

    Args:
        parts: of the shop.
        record: an event in the log and in its user's profile.
    """

    def __init__(self, parts: Parts, *, record: Callable[[Event], LoadCounts]) -> None:
        settings, client, ask = parts.settings, parts.client, parts.generations.clear_dead_build
        self._parts = parts
        self._index = CouponIndex(client, alias=settings.index("coupons"), ask=ask)
        self._codes = SharedCodes(client, alias=settings.index("coupons"), ask=ask)
        self._campaigns = RevisedDocuments(client, alias=settings.index("campaigns"), what="campaigns", ask=ask)
        self._issuing = Issuing(assignments=self._campaigns, coupons=self._index)
        self._counter = CouponCounter(self._index, self._campaigns, self._issuing, record)

    # ---------------------------------------------------------------- pools

    def check_pool(self, campaign: str, pool: Pool) -> None:
        """Raise where the coupons cannot be made: call it before anything of the campaign is written.

        Raises:
            UsageError: a code is one of another campaign's that is not over; names file and line.
            NotInitialised: the shop is of an earlier version and has no place for coupons yet.
        """
        self._index.check()
        check_pool(self._index, campaign, pool, still_used=self._with_pools())

    def open_pool(self, campaign: str, pool: Pool, *, value: float | None) -> int:
        """Make a campaign's coupons, exactly `pool.size`; how many were made now. Again, it makes what is missing.

        Args:
            campaign: whose they are.
            pool: their codes: `Pool.of_one(code, size=n)`, `Pool.of_file(read_codes(path), size=n)`.
            value: what each costs at most, in the shop's currency.

        Raises:
            UsageError: see `check_pool`; or they were begun with other codes, or another number or value of them.
        """
        if self._index.pool(campaign) is None:
            then = f"Stop campaign {campaign}, and start one of another name with other codes."
            check_pool(self._index, campaign, pool, still_used=self._with_pools(), then=then)
            if pool.code is not None:
                self._take(pool.code, campaign, then=then)
        return open_pool(self._index, campaign, pool, value=value)

    def pool(self, campaign: str) -> CouponDocument | None:
        """What was decided on a campaign's coupons (`size`, `code`, `value`); None where there are none."""
        return self._index.pool(campaign)

    def _take(self, code: str, campaign: str, *, then: str) -> None:
        """Take a code that is one for all: two that start at once have both not found it in a search."""
        other = self._codes.take(code, campaign, is_used=lambda name: self._not_over([name]).get(name) in _USING)
        if other is not None:
            raise UsageError(f"the code: campaign {other}, which is not over, took it just now. {then}")

    def _with_pools(self) -> dict[str, str]:
        """The campaigns with coupons whose time is not over, with their states."""
        return self._not_over(each.campaign for each in self._index.pools())

    def _not_over(self, names: Iterable[str]) -> dict[str, str]:
        """Those of these campaigns whose time is not over, with their states. Real time."""
        now = datetime.now(UTC)
        ids = [campaign_id(name) for name in names]
        held = [CampaignDocument(**each.source) for each in self._campaigns.read(ids).values()]
        return {
            each.campaign or "": each.state or ""
            for each in held
            if each.imported is not True and (each.ends is None or now < each.ends)
        }

    # ---------------------------------------------------------------- users

    def issue_many(self, campaign: str, user_ids: Sequence[str]) -> dict[str, str | None]:
        """Give coupons to users who have a place in the campaign's treatment arm; users -> codes, in their order.

        None is for who is not to have one (no assignment, control arm, withheld), or if none is left. Who has one
        keeps it. Safe to kill at any moment and to run again, and beside others: each user has at most one.

        Raises:
            NotFound: the campaign has no coupons.
            CouponRefused: it was stopped.
        """
        if read_campaign(self._campaigns, campaign).state == "stopped":
            raise CouponRefused(
                f"campaign {campaign} was stopped: no coupons are given.", campaign=campaign, reason="stopped"
            )
        found = self._issuing.issue(campaign, user_ids)
        return {user_id: found[user_id] for user_id in user_ids}

    def claim(self, campaign: str, user_id: str, *, now: datetime | None = None) -> Claim:
        """Give a user the coupon that they ask for, the same one when they ask again; `coupon_claim` is recorded.

        Neither consent nor personalisation is asked: it is the user who asks, and no code is chosen by vectors.

        Raises:
            NotFound: there is no such campaign, or it has no coupons.
            CouponRefused: the campaign is not running now, the user has no place in its treatment arm, or no coupon
                is left; `reason` is starting, stopped, imported, not-started, ended, not-assigned, control, withheld
                or none-left.
        """
        moment = datetime.now(UTC) if now is None else to_utc(now)
        return Claiming(self._counter).claim(campaign, user_id, now=moment)

    def redeem(
        self,
        code: str,
        user_id: str,
        *,
        campaign: str | None = None,
        order_id: str | None = None,
        now: datetime | None = None,
    ) -> Redeemed:
        """Use a user's coupon up; `coupon_redeem` is recorded, once.

        Args:
            code: of the coupon.
            user_id: who redeems it.
            campaign: whose it is; looked for by the code when None.
            order_id: for what. Asked again for the same order, it is the same redemption and no second one.
            now: the time of it.

        Raises:
            CouponRefused: `reason` is unknown-code, not-theirs, not-started, ended or redeemed.
        """
        moment = datetime.now(UTC) if now is None else to_utc(now)
        redeeming = Redeeming(self._counter, log=self._parts.in_force.log)
        return redeeming.redeem(code.strip(), user_id, campaign=campaign, order_id=order_id, now=moment)

    # ---------------------------------------------------------------- figures

    def counts(self, campaign: str) -> CouponCounts:
        """How many coupons of a campaign there are, were given, claimed and redeemed, now.

        Raises:
            NotFound: the campaign has no coupons.
        """
        pool = self._index.pool(campaign)
        if pool is None:
            raise NotFound(
                f"campaign {campaign} has no coupons: `profilestore coupon list` shows those that have.",
                kind="pool",
                id=campaign,
            )
        return self._counted(pool)

    def all(self) -> list[CouponCounts]:
        """The same of all campaigns that have coupons, by name."""
        return [self._counted(pool) for pool in self._index.pools()]

    def _counted(self, pool: CouponDocument) -> CouponCounts:
        made, issued, _ = self._index.counts(pool.campaign)
        claimed, redeemed = (self._users(pool.campaign, kind) for kind in ("coupon_claim", "coupon_redeem"))
        return CouponCounts(pool.campaign, pool.size or 0, made, issued, made - issued, claimed, redeemed, pool.value)

    def _users(self, campaign: str, kind: str) -> int:
        """How many users have an event of a kind that links back to a campaign."""
        log = self._parts.in_force.log
        identity = log.identity()
        log.refresh(identity)
        query = {"bool": {"filter": [{"term": {"type": kind}}, {"term": {"campaign": campaign}}]}}
        return sum(len(page) for page in log.users(identity, query=query, page=_COUNTED_AT_ONCE))

    def settle(self, campaign: str) -> Settled:
        """Make assignments and coupons agree after processes were killed: call it at the end of a start.

        Who has a coupon and was not told its code is; a coupon that came to name a user just as they were forgotten
        does so no more. Quick where there is nothing to do.
        """
        told = CampaignIndex(self._parts.client, alias=self._parts.settings.index("campaigns")).counts(campaign)
        if self._index.counts(campaign)[2] == told["with_code"]:
            return Settled(0, 0)
        return settle(campaign, index=self._index, assignments=self._campaigns, issuing=self._issuing)
