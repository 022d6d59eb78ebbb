"""What some users bought, and what they did with campaigns, read from the event log: once for any number of campaigns.

Nobody is left out here: a comparison of arms as they were drawn counts who switched personalisation off too, as one
of many.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.documents import Event
from profilestore.indexing.parts import Parts
from profilestore.insight.history import History
from profilestore.insight.reading import HistoryBuilder

__all__ = ["ACT_TYPES", "LOOKED_BACK_DAYS", "CampaignActs", "CampaignLog", "CampaignLogBuilder", "read_campaign_log"]

# So long before a campaign counts as spending before it.
LOOKED_BACK_DAYS: Final = 365
# Acts that name a campaign; a purchase that names one is an act on it and a purchase.
ACT_TYPES: Final = ("open", "click", "view", "coupon_claim", "coupon_redeem", "purchase")
_TRADES: Final = ("purchase", "refund")
# Ids in one query; a page of the log is found among so many users quickly.
_USERS_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True)
class CampaignActs:
    """Acts that name a campaign, and lines bought at a discount that name none, in no order; (m,) each.

    `users` are rows of the log's `user_ids`, `types` places in ACT_TYPES, `campaigns` rows of `names` (-1: none),
    `times` epoch seconds, `discounts` money (NaN where the act does not say it), `orders` equal for acts of one order
    of a user (0: no order is named).
    """

    names: tuple[str, ...]
    users: NDArray[np.int32]
    types: NDArray[np.int8]
    campaigns: NDArray[np.int32]
    times: NDArray[np.float64]
    discounts: NDArray[np.float64]
    orders: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CampaignLog:
    """What `user_ids` did: `trades`, their purchases and refunds (with user rows of its own), and `acts`."""

    user_ids: tuple[str, ...]
    trades: History
    acts: CampaignActs


class CampaignLogBuilder:
    """Takes the events of these users in any order and gives the same log for the same events."""

    def __init__(self, user_ids: Sequence[str], campaigns: Collection[str]) -> None:
        self._ids = tuple(user_ids)
        self._rows = {user_id: row for row, user_id in enumerate(self._ids)}
        self._names = tuple(sorted(campaigns))
        self._campaigns = {name: row for row, name in enumerate(self._names)}
        # It is given no choice of anybody, so that it leaves nobody out.
        self._trades = HistoryBuilder(frozenset(_TRADES))
        self._users, self._types, self._named = array("i"), array("b"), array("i")
        self._times, self._discounts = array("d"), array("d")
        self._orders = array("q")

    def add_product(self, product_id: str, source: dict[str, Any]) -> None:
        """A product's price of today stands in where a purchase has none."""
        self._trades.add_product(product_id, source)

    def add(self, events: Iterable[Event]) -> None:
        """Take events in; those of other users are passed over."""
        for event in events:
            row = self._rows.get(event.user_id)
            if row is None:
                continue
            if event.type in _TRADES:
                self._trades.add((event,))
            named = self._campaigns.get(event.campaign or "")
            if named is None and event.type == "purchase" and event.campaign is None and event.order_id is not None:
                # It may be of the order that a coupon was used in, as the act of redeeming says.
                named = -1 if event.discount is not None and event.discount > 0.0 else None
            if named is not None and event.type in ACT_TYPES:
                self._users.append(row)
                self._types.append(ACT_TYPES.index(event.type))
                self._named.append(named)
                self._times.append(event.time.timestamp())
                self._discounts.append(_discount(event))
                self._orders.append(_order_number(event.order_id))

    def build(self, *, until: datetime) -> CampaignLog:
        """The log of all that was taken in and happened before `until`."""
        times = np.frombuffer(self._times, dtype=np.float64)
        kept = np.flatnonzero(times < until.timestamp())
        acts = CampaignActs(
            names=self._names,
            users=np.frombuffer(self._users, dtype=np.int32)[kept],
            types=np.frombuffer(self._types, dtype=np.int8)[kept],
            campaigns=np.frombuffer(self._named, dtype=np.int32)[kept],
            times=times[kept],
            discounts=np.frombuffer(self._discounts, dtype=np.float64)[kept],
            orders=np.frombuffer(self._orders, dtype=np.int64)[kept],
        )
        return CampaignLog(self._ids, self._trades.build(as_of=until.timestamp()), acts)


def read_campaign_log(
    parts: Parts,
    user_ids: Sequence[str],
    *,
    campaigns: Collection[str],
    starts: datetime,
    until: datetime,
    looked_back_days: int = LOOKED_BACK_DAYS,
    progress: Callable[[str], None] = lambda step: None,
) -> CampaignLog:
    """What these users bought from `looked_back_days` before `starts` on, and did with these campaigns.

    Args:
        parts: of the shop.
        user_ids: whose acts are read; each once.
        campaigns: names of campaigns that acts may have.
        starts: of the (first) campaign.
        until: only acts before it, which is now: a refund that comes after the campaign takes its purchase back.
        looked_back_days: how far before.
        progress: is told how far it is.
    """
    side = parts.in_force
    builder = CampaignLogBuilder(user_ids, campaigns)
    target = side.products.identity()
    side.products.refresh(target.index)
    for products in side.products.scan(target.index, fields=["product_id", "price"]):
        for product_id, source, _ in products:
            builder.add_product(product_id, dict(source))
    log = side.log.identity()
    checkpoints = side.log.checkpoints(log)
    side.log.refresh(log)
    wanted = _wanted(campaigns, starts - timedelta(days=looked_back_days), until)
    ids = sorted(user_ids)
    read = 0
    for start in range(0, len(ids), _USERS_AT_ONCE):
        query = {"bool": {"filter": [{"terms": {"user_id": ids[start : start + _USERS_AT_ONCE]}}, wanted]}}
        for shard, upto in checkpoints.items():
            for logged in side.log.read_matching(log, query, shard=shard, upto=upto):
                builder.add(entry.event for entry in logged if entry.event is not None)
                read += len(logged)
        progress(f"read {read:,} events of {min(len(ids), start + _USERS_AT_ONCE):,} users")
    return builder.build(until=until)


def _discount(event: Event) -> float:
    """What an act was cheaper by: of a line bought, no more than it cost before. NaN where it does not say."""
    if event.discount is None:
        return np.nan
    if event.type != "purchase" or event.price is None:
        return event.discount
    return min(event.discount, event.price * (1.0 if event.quantity is None else event.quantity))


def _order_number(order_id: str | None) -> int:
    if order_id is None:
        return 0
    digest = hashlib.blake2b(order_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def _wanted(campaigns: Collection[str], since: datetime, until: datetime) -> dict[str, Any]:
    within = {"range": {"time": {"gte": since.isoformat(), "lt": until.isoformat()}}}
    named = {"bool": {"filter": [{"terms": {"campaign": sorted(campaigns)}}, {"terms": {"type": list(ACT_TYPES)}}]}}
    trades = {"terms": {"type": list(_TRADES)}}
    return {"bool": {"filter": [within], "should": [trades, named], "minimum_should_match": 1}}
