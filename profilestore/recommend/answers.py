"""What an answer holds. Frozen; `to_json_dict` has exactly the keys that the command prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

__all__ = ["Answer", "Item", "Reason", "SearchAnswer", "SimilarAnswer", "read_items"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What speaks for an item, see `reasons.py`: a past event, or what other customers did.

    `share` is of all that speaks for the item, at most 1; `points` are in the units of the score, and those of
    all events add up to it. `words` say it to a shopper. What other customers did has the method as its
    `type`, and neither event nor time.
    """

    type: str
    share: float
    words: str
    points: float | None = None
    event_id: str | None = None
    time: datetime | None = None
    product_id: str | None = None
    title: str | None = None

    def to_json_dict(self) -> dict[str, Any]:
        """As printed: times in ISO 8601."""
        return {
            "event_id": self.event_id,
            "type": self.type,
            "product_id": self.product_id,
            "title": self.title,
            "time": None if self.time is None else self.time.isoformat(),
            "share": self.share,
            "points": self.points,
            "words": self.words,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A product of an answer. `score` is the server's `_score`; of popular ones, the popularity."""

    product_id: str
    score: float
    title: str | None = None
    price: float | None = None
    category: str | None = None
    reasons: tuple[Reason, ...] = ()

    def to_json_dict(self) -> dict[str, Any]:
        """Exactly product_id, title, score, price and reasons."""
        return {
            "product_id": self.product_id,
            "title": self.title,
            "score": self.score,
            "price": self.price,
            "reasons": [reason.to_json_dict() for reason in self.reasons],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _List:
    method: str
    took_ms: float
    items: tuple[Item, ...]
    # Why another method than the one asked for answered; None when it did.
    fallback: str | None = None
    # How many items, at the end and with score 0, are popular products that fill the list up.
    filled: int = 0

    @property
    def product_ids(self) -> list[str]:
        """The ids of the items, best first."""
        return [item.product_id for item in self.items]

    def _json(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "took_ms": round(self.took_ms, 3),
            "items": [item.to_json_dict() for item in self.items],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(_List):
    """What a user would like. `took_ms` is from call to answer; of many at once, the call's share."""

    # None in a session of nobody.
    user_id: str | None
    # Of an answer within an experiment, for the app's impression events; the name is None for who is not assigned.
    experiment: str | None = None
    request_id: str | None = None

    def to_json_dict(self) -> dict[str, Any]:
        """Exactly user_id, method, took_ms and items; where an experiment was asked for, also it and request_id."""
        asked = {} if self.request_id is None else {"experiment": self.experiment, "request_id": self.request_id}
        return {"user_id": self.user_id, **asked, **self._json()}

    def timed(self, took_ms: float) -> Answer:
        """The same answer with its time."""
        return replace(self, took_ms=took_ms)

    def with_reasons(self, reasons: Mapping[str, tuple[Reason, ...]]) -> Answer:
        """The same answer, each item with its reasons by product id."""
        items = tuple(replace(item, reasons=reasons.get(item.product_id, ())) for item in self.items)
        return replace(self, items=items)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarAnswer(_List):
    """What resembles a product."""

    product_id: str

    def to_json_dict(self) -> dict[str, Any]:
        """Exactly product_id, method, took_ms and items."""
        return {"product_id": self.product_id, **self._json()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAnswer(_List):
    """What words find. `user_id` is whose profile it leans to, None without one."""

    words: str = field(repr=False)  # what a person typed: never in a log line
    user_id: str | None = None

    def to_json_dict(self) -> dict[str, Any]:
        """Exactly words, user_id, method, took_ms and items."""
        return {"words": self.words, "user_id": self.user_id, **self._json()}


def read_items(hits: list[dict[str, Any]], *, filled: int = 0) -> tuple[Item, ...]:
    """Items from the hits of a search. Where the server sorted by a field, that field's value is the score.

    The last `filled` of them are of another search, whose scores cannot be compared: theirs are 0.
    """
    own = len(hits) - filled
    return tuple(
        Item(
            product_id=source["product_id"],
            score=_score(hit) if place < own else 0.0,
            title=source.get("title"),
            price=source.get("price"),
            category=source.get("category"),
        )
        for place, hit in enumerate(hits)
        for source in (hit["_source"],)
    )


def _score(hit: dict[str, Any]) -> float:
    score = hit.get("_score")
    if score is None:
        score = hit["sort"][0]
    # A product without the field sorts last and comes as the text "-Infinity".
    return float(score) if isinstance(score, int | float) else 0.0
