"""Reviews in the event log: the texts of `review`, `rate` and `comment` events, a page at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from profilestore.indexing.parts import Parts
from profilestore.settings import Settings

__all__ = ["Review", "kind_of_rating", "opted_out_users", "read_reviews"]

REVIEW_TYPES: Final = ("review", "rate", "comment")
_OFF: Final = {"term": {"personalisation": "off"}}


@dataclass(frozen=True, slots=True)
class Review:
    """What a user wrote, of a product where it says of which; `time` in seconds since 1970."""

    user_id: str
    product_id: str | None
    time: float
    text: str
    rating: float | None


def read_reviews(
    parts: Parts, *, as_of: datetime | None = None, product_id: str | None = None, user_id: str | None = None
) -> Iterator[list[Review]]:
    """All reviews with words before `as_of`, or those of one product or user; what one user wrote of one product
    twice in the same words comes once."""
    log = parts.in_force.log
    identity = log.identity()
    checkpoints = log.checkpoints(identity)
    log.refresh(identity)
    filters: list[dict[str, Any]] = [{"terms": {"type": list(REVIEW_TYPES)}}, {"exists": {"field": "text"}}]
    filters += [
        {"term": {name: value}}
        for name, value in (("product_id", product_id), ("user_id", user_id))
        if value is not None
    ]
    known: set[bytes] = set()
    for shard, upto in checkpoints.items():
        for page in log.read_matching(identity, {"bool": {"filter": filters}}, shard=shard, upto=upto):
            reviews: list[Review] = []
            for event in (logged.event for logged in page if logged.event is not None):
                if event.text is None or (as_of is not None and event.time >= as_of):
                    continue
                key = "\x00".join((event.user_id, event.product_id or "", event.text))
                digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=12).digest()
                if digest not in known:
                    known.add(digest)
                    time = event.time.timestamp()
                    reviews.append(Review(event.user_id, event.product_id, time, event.text, event.rating))
            yield reviews


def opted_out_users(parts: Parts) -> set[str]:
    """Users with personalisation off: nothing is said of them, and nothing learned from what they wrote."""
    profiles = parts.in_force.profiles
    index = profiles.identity().index
    profiles.refresh(index)
    return {user_id for page in profiles.scan(index, fields=["user_id"], query=_OFF) for user_id, _ in page}


def kind_of_rating(rating: float | None, settings: Settings) -> bool | None:
    """Whether a rating is good (4 and 5 of 5), bad (1 and 2), or None: neither, or none given.

    On another scale it is good from half-way between midpoint and maximum, and bad as far below the midpoint.
    """
    if rating is None:
        return None
    half_way = (settings.rating_max - settings.rating_midpoint) / 2.0
    if rating >= settings.rating_midpoint + half_way:
        return True
    return False if rating <= settings.rating_midpoint - half_way else None
