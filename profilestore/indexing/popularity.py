"""`popularity` and `trending` of products, derived from the event log by aggregations.

**Popularity** is how many different users bought the product (in a log without purchases: acted on it
in a way that counts for it). On Online Retail (80 % of the time for counting, NDCG@20 of what is new to
a user in the rest): different users 0.042, order lines 0.037, pieces 0.024.

**Trending** is the decayed count of those events by calendar week w, on a logarithmic scale:

    trending(p) = log2( sum_w count(p, w) * 2^((start(w) - 1970) / h) )

Decay scales all products alike, so the order is that of the counts decayed up to any date, and the
value of a product changes only when it is bought again: no ageing job, and few writes. A product is
ahead of another by one where it has twice its decayed count. On Online Retail, as above: 0.074 with
the default half-life of 14 days.

`segment_popularity` follows them, see `segment_popularity.py`.

Products are changed by partial updates of these fields, and only where they differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from profilestore.elastic.bulk import Operation
from profilestore.elastic.event_log import EventLog
from profilestore.elastic.index_identity import resolve_index
from profilestore.elastic.model_store import ModelStore
from profilestore.elastic.product_index import ProductIndex
from profilestore.elastic.retry import patient
from profilestore.elastic.search import Client
from profilestore.errors import NotInitialised
from profilestore.indexing.segment_popularity import derive_segment_popularity
from profilestore.settings import Settings

__all__ = ["Popularity", "popularity_as_of", "popularity_body", "refresh_popularity", "refresh_popularity_if_old"]

RECORD: Final = "popularity"
_PAGE: Final = 1000
_WEEK_PAGE: Final = 10_000
_WRITE_AT_ONCE: Final = 5000
_ATTEMPTS: Final = 5
_DAY_MS: Final = 86_400_000.0
# Counts of different users are exact up to about here, and within a few percent above it.
_PRECISION: Final = 3000
_TOLERANCE: Final = 1e-9

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Popularity:
    """How far the derived fields are: when they were made, and how many events the log had."""

    as_of: datetime
    events: int


def counted_types(settings: Settings, *, purchases: bool) -> list[str]:
    """The event types that make a product popular: purchases, or without any all that speak for it."""
    if purchases:
        return ["purchase"]
    return sorted(type for type, weight in settings.event_weights.items() if weight > 0)


def popularity_body(types: list[str], *, after: Mapping[str, Any] | None = None) -> Body:
    """One page of products with their numbers of different users."""
    return _composite(
        types,
        [{"product_id": {"terms": {"field": "product_id"}}}],
        after=after,
        size=_PAGE,
        aggs={"users": {"cardinality": {"field": "user_id", "precision_threshold": _PRECISION}}},
    )


def trending_body(types: list[str], *, interval_days: int, after: Mapping[str, Any] | None = None) -> Body:
    """One page of (product, week) with their counts; weeks begin at multiples of the interval since 1970."""
    week = {"date_histogram": {"field": "time", "fixed_interval": f"{interval_days}d"}}
    sources = [{"product_id": {"terms": {"field": "product_id"}}}, {"week": week}]
    return _composite(types, sources, after=after, size=_WEEK_PAGE)


def interval_of(half_life_days: float) -> int:
    """Days a bucket: a week, or a day where a week would blur the half-life."""
    return 7 if half_life_days >= 7 else 1


def decayed_log2(counts: Mapping[float, int], *, half_life_days: float) -> float:
    """log2 of the sum of count * 2^(start / half-life), without overflow.

    Args:
        counts: by start of the week in epoch milliseconds, each at least 1.
        half_life_days: of a count.
    """
    exponents = [start / _DAY_MS / half_life_days + math.log2(count) for start, count in sorted(counts.items())]
    largest = max(exponents)
    return largest + math.log2(math.fsum(2.0 ** (exponent - largest) for exponent in exponents))


def popularity_as_of(client: Client, settings: Settings) -> Popularity | None:
    """When the fields were last derived, and from how many events; None if never."""
    record = ModelStore(client, alias=settings.index("models")).get(RECORD)
    if record is None:
        return None
    source = record[0]
    return Popularity(as_of=datetime.fromisoformat(source["created"]), events=int(source["body"]["events"]))


def refresh_popularity_if_old(client: Client, settings: Settings, *, now: datetime | None = None) -> int | None:
    """Derive them again if they are older than `popularity_max_age_s`; None when they are young enough."""
    known = popularity_as_of(client, settings)
    moment = datetime.now(UTC) if now is None else now
    if known is not None and (moment - known.as_of).total_seconds() < settings.popularity_max_age_s:
        return None
    return refresh_popularity(client, settings)


def refresh_popularity(client: Client, settings: Settings) -> int:
    """Derive popularity and trending of all products from the log as it is.

    Any number of these may run at once: all write the same.

    Returns:
        How many products were written.

    Raises:
        NotInitialised, WriteFailed, ServerUnavailable
    """
    while True:
        before = resolve_index(client, settings.index("products")).uuid
        try:
            return _derive(client, settings)
        except NotInitialised:
            # A switch of generations deletes the indices that were read from a moment ago.
            if resolve_index(client, settings.index("products")).uuid == before:
                raise


def _derive(client: Client, settings: Settings) -> int:
    log = EventLog(client, alias=settings.index("events"))
    identity = log.identity()
    log.refresh(identity)
    events = log.count(identity)
    bought = log.count(identity, {"bool": {"filter": [{"terms": {"type": ["purchase"]}}]}}) > 0
    types = counted_types(settings, purchases=bought)
    users = {
        bucket["key"]["product_id"]: float(bucket["users"]["value"])
        for bucket in _buckets(client, identity.index, lambda after: popularity_body(types, after=after))
    }
    trending = _trending(client, identity.index, types, half_life_days=settings.trending_half_life_days)
    written = _write(client, settings, {id: (count, trending.get(id)) for id, count in users.items()})
    if derive_segment_popularity(client, settings) > 0:
        ProductIndex(client, name=settings.index("products")).refresh(settings.index("products"))
    ModelStore(client, alias=settings.index("models")).put(RECORD, RECORD, {"events": events, "products": len(users)})
    return written


def _trending(client: Client, index: str, types: list[str], *, half_life_days: float) -> dict[str, float]:
    interval_days = interval_of(half_life_days)
    found: dict[str, float] = {}
    product: str | None = None
    weeks: dict[float, int] = {}
    # Pages are in order of product and week, so that one product's weeks are held at a time.
    buckets = _buckets(client, index, lambda after: trending_body(types, interval_days=interval_days, after=after))
    for bucket in buckets:
        key = bucket["key"]
        if key["product_id"] != product:
            if product is not None:
                found[product] = decayed_log2(weeks, half_life_days=half_life_days)
            product, weeks = key["product_id"], {}
        weeks[float(key["week"])] = bucket["doc_count"]
    if product is not None:
        found[product] = decayed_log2(weeks, half_life_days=half_life_days)
    return found


def _write(client: Client, settings: Settings, derived: Mapping[str, tuple[float, float | None]]) -> int:
    alias = settings.index("products")
    products = ProductIndex(client, name=alias)
    index = products.identity().index
    products.refresh(index)
    changes: dict[str, dict[str, float | None]] = {}
    for page in products.scan(index, fields=["popularity", "trending"], page=10_000):
        for id, source, _ in page:
            popularity, trending = derived.get(id, (None, None))
            if _differs(source.get("popularity"), popularity) or _differs(source.get("trending"), trending):
                changes[id] = {"popularity": popularity, "trending": trending}
    wanted = len(changes)
    for _ in range(_ATTEMPTS):  # a conflict: the product's row was written at that moment
        operations = [Operation("update", alias, id, change) for id, change in changes.items()]
        lost: set[str] = set()
        for start in range(0, len(operations), _WRITE_AT_ONCE):
            outcomes = products.write(operations[start : start + _WRITE_AT_ONCE], action="writing popularity")
            lost |= {outcome.id for outcome in outcomes if outcome.conflict}
        changes = {id: change for id, change in changes.items() if id in lost}
        if len(changes) == 0:
            break
    if wanted > 0:
        products.refresh(alias)
    return wanted - len(changes)


def _differs(old: float | None, new: float | None) -> bool:
    if old is None or new is None:
        return old is not new
    return not math.isclose(old, new, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)


def _buckets(client: Client, index: str, body: Callable[[Mapping[str, Any] | None], Body]) -> Iterator[dict[str, Any]]:
    after: Mapping[str, Any] | None = None
    while True:
        page = _page(client, index, body(after))
        yield from page["buckets"]
        after = page.get("after_key")
        if after is None:
            return


def _page(client: Client, index: str, body: Body) -> dict[str, Any]:
    answer = patient(
        "deriving popularity", lambda: client.search(index=index, allow_partial_search_results=False, **body)
    )
    page: dict[str, Any] = answer.body["aggregations"]["pages"]
    return page


def _composite(
    types: list[str],
    sources: list[Body],
    *,
    after: Mapping[str, Any] | None,
    size: int,
    aggs: Body | None = None,
) -> Body:
    composite: Body = {"size": size, "sources": sources}
    if after is not None:
        composite["after"] = after
    pages: Body = {"composite": composite}
    if aggs is not None:
        pages["aggs"] = aggs
    kept = [{"terms": {"type": types}}, {"exists": {"field": "product_id"}}]
    return {"size": 0, "track_total_hits": False, "query": {"bool": {"filter": kept}}, "aggs": {"pages": pages}}
