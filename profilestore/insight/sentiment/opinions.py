"""Scored reviews as compact arrays, and what they say by user, product, month and aspect."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.features.sentiment.aspects import ASPECTS, aspects_of
from profilestore.features.sentiment.scoring import NEUTRAL, Scorer, label_of
from profilestore.insight.sentiment.reviews import Review

__all__ = ["PRODUCT_FIELDS", "Opinions", "OpinionsBuilder"]

PRODUCT_FIELDS: Final = (
    "sentiment_mean", "sentiment_count", *(f"sentiment_{aspect}" for aspect in ASPECTS), "sentiment_change",
)  # fmt: skip
RECENT_DAYS: Final = 90
# A change is told where so many reviews stand on either side.
LEAST_FOR_CHANGE: Final = 5
_DAY_S: Final = 86_400.0


@dataclass(frozen=True)
class Opinions:
    """n scored reviews. `users` and `products` number `user_ids` and `product_ids`, -1 for who is not told of and
    for no product; `aspects` (n, 4) is nan where one is not spoken of."""

    user_ids: tuple[str, ...]
    product_ids: tuple[str, ...]
    users: NDArray[np.int32]
    products: NDArray[np.int32]
    times: NDArray[np.float64]
    scores: NDArray[np.float32]
    aspects: NDArray[np.float32]
    methods: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.scores)

    def by_user(self) -> dict[str, dict[str, Any]]:
        """The fields of each user's profile."""
        return {
            user_id: {
                "sentiment_mean": _mean(self.scores[rows]),
                "sentiment_label": label_of(self.scores[rows].tolist()),
            }
            for user_id, rows in zip(self.user_ids, _rows_of(self.users, len(self.user_ids)), strict=True)
            if rows.size > 0
        }

    def by_product(self) -> dict[str, dict[str, float | int | None]]:
        """All fields of each product, None where nothing is to be said.

        `sentiment_change` is the mean of the latest 90 days (before the latest review of all) less the mean of
        what was before, where there are five reviews on either side.
        """
        recent = self.times >= (self.times.max(initial=0.0) - RECENT_DAYS * _DAY_S)
        found: dict[str, dict[str, float | int | None]] = {}
        for product_id, rows in zip(self.product_ids, _rows_of(self.products, len(self.product_ids)), strict=True):
            if rows.size == 0:
                continue
            new, old = self.scores[rows[recent[rows]]], self.scores[rows[~recent[rows]]]
            told = min(new.size, old.size) >= LEAST_FOR_CHANGE
            said = {f"sentiment_{aspect}": _mean(self.aspects[rows, column]) for column, aspect in enumerate(ASPECTS)}
            found[product_id] = {
                "sentiment_mean": _mean(self.scores[rows]),
                "sentiment_count": int(rows.size),
                **said,
                "sentiment_change": round(float(new.mean() - old.mean()), 4) if told else None,
            }
        return found

    def by_month(self) -> list[dict[str, Any]]:
        """A row a month, in order: how many reviews, their mean, and the shares of good and bad ones."""
        months = self.times.astype("datetime64[s]").astype("datetime64[M]")
        rows: list[dict[str, Any]] = []
        for month in np.unique(months):
            scores = self.scores[months == month]
            rows.append(
                {
                    "month": str(month),
                    "reviews": int(scores.size),
                    "mean": _mean(scores),
                    "good": round(float((scores >= NEUTRAL).mean()), 4),
                    "bad": round(float((scores <= -NEUTRAL).mean()), 4),
                }
            )
        return rows

    def by_aspect(self) -> list[dict[str, Any]]:
        """A row an aspect: how many reviews say something of it, and what."""
        rows: list[dict[str, Any]] = []
        for column, aspect in enumerate(ASPECTS):
            said = self.aspects[:, column]
            said = said[~np.isnan(said)]
            bad = round(float((said < 0).mean()), 4) if said.size > 0 else None
            rows.append({"aspect": aspect, "reviews": int(said.size), "mean": _mean(said), "bad": bad})
        return rows

    def window(self) -> tuple[datetime, datetime] | None:
        """The times of the first and of the last review."""
        if len(self) == 0:
            return None
        first, last = float(self.times.min()), float(self.times.max())
        return datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)


class OpinionsBuilder:
    """Scores reviews page by page; 40 bytes of each are kept, and none of the texts."""

    def __init__(self, scorer: Scorer, *, untold: frozenset[str] | set[str] = frozenset()) -> None:
        """`untold` users count for products and months, and have no number."""
        self._scorer = scorer
        self._untold = untold
        self._users: dict[str, int] = {}
        self._products: dict[str, int] = {}
        self._user_column, self._product_column = array("i"), array("i")
        self._times, self._scores, self._aspects = array("d"), array("f"), array("f")
        self._methods: Counter[str] = Counter()

    def add(self, reviews: list[Review]) -> None:
        """Score a page of reviews; those that say nothing are counted as such and left out."""
        scored = self._scorer.score([review.text for review in reviews])
        for review, (score, method) in zip(reviews, scored, strict=True):
            self._methods[method] += 1
            if score is None:
                continue
            number = -1
            if review.user_id not in self._untold:
                number = self._users.setdefault(review.user_id, len(self._users))
            self._user_column.append(number)
            product = -1
            if review.product_id is not None:
                product = self._products.setdefault(review.product_id, len(self._products))
            self._product_column.append(product)
            self._times.append(review.time)
            self._scores.append(score)
            said = aspects_of(review.text)
            self._aspects.extend(np.nan if (value := said.get(aspect)) is None else value for aspect in ASPECTS)

    def build(self) -> Opinions:
        """All that was added."""
        return Opinions(
            user_ids=tuple(self._users),
            product_ids=tuple(self._products),
            users=np.frombuffer(self._user_column, dtype=np.int32),
            products=np.frombuffer(self._product_column, dtype=np.int32),
            times=np.frombuffer(self._times, dtype=np.float64),
            scores=np.frombuffer(self._scores, dtype=np.float32),
            aspects=np.frombuffer(self._aspects, dtype=np.float32).reshape(-1, len(ASPECTS)),
            methods=dict(self._methods),
        )


def _rows_of(numbers: NDArray[np.int32], count: int) -> list[NDArray[np.intp]]:
    """The rows of each number from 0 to count - 1."""
    order = np.argsort(numbers, kind="stable")
    stops = np.searchsorted(numbers[order], np.arange(count + 1))
    return [order[stops[number] : stops[number + 1]] for number in range(count)]


def _mean(values: NDArray[np.float32]) -> float | None:
    known = values[~np.isnan(values)]
    return round(float(known.mean(dtype=np.float64)), 4) if known.size > 0 else None
