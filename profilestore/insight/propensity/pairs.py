"""Chances by category: learned, checked on the last 30 days, and given for today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.insight.history import DAY_S, History
from profilestore.insight.labelled.candidates import candidates_named
from profilestore.insight.labelled.table import LabelledTable, labelled_table
from profilestore.insight.labelled.validation import best_threshold
from profilestore.insight.propensity.categories import (
    PAIR_RECENCY_AND_FREQUENCY,
    CategoryMoment,
    CategoryShelf,
    category_moment,
    shelf_of,
)
from profilestore.insight.propensity.check import NAMES, beats, judged
from profilestore.insight.propensity.features import PurchaseFeatures
from profilestore.insight.propensity.model import DAYS, Chances, Moment, Searched, fit_chances, search
from profilestore.insight.ranking import calibration_table
from profilestore.settings import Settings

__all__ = ["Categories", "CategoryChances", "CategoryCheck", "check_categories"]

_LEARNERS: Final = ("logistic", "boosting")
_CLASS_LEAST: Final = 20

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Categories:
    """The categories of a shop, and how users' interest in them fades.

    Attributes:
        history: all that is known.
        shelf: of its products.
        weights: of the types of acts; `half_life_days` of the interest.
        zone: of the shop.
    """

    history: History
    shelf: CategoryShelf
    weights: Mapping[str, float]
    half_life_days: float
    zone: ZoneInfo

    @classmethod
    def of(cls, history: History, groups_of: Mapping[str, Sequence[str]], settings: Settings) -> Categories:
        """As the shop's settings have them."""
        return cls(
            history,
            shelf_of(history, groups_of),
            settings.event_weights,
            settings.interest_half_life_days,
            ZoneInfo(settings.time_zone),
        )

    def at(self, moment: Moment) -> CategoryMoment:
        """Users' main categories at a moment, and whether they bought in them in the 30 days after it."""
        upto = self.history.before(moment.at + DAYS * DAY_S)
        later = upto.picked(np.flatnonzero(upto.times >= moment.at))
        return self._at(self.history.before(moment.at), moment.features, later).main()

    def today(self, features: PurchaseFeatures) -> CategoryMoment:
        """All pairs of a user and a category, as of the history's end."""
        return self._at(self.history, features, None)

    def _at(self, known: History, features: PurchaseFeatures, later: History | None) -> CategoryMoment:
        return category_moment(
            known,
            features,
            self.shelf,
            weights=self.weights,
            half_life_days=self.half_life_days,
            zone=self.zone,
            later=later,
        )


@dataclass(frozen=True)
class CategoryCheck:
    """Chances by category given 30 days before the end, against what was then bought.

    Attributes:
        figures: as those of the purchase over all; the baseline knows recency and frequency of the pair alone.
        calibration: by tenths of the pairs by chance.
        parts: the models that vote.
        likely_from: the chance from which "likely" has the best F1 on the last 30 days.
        moments: of the users' main categories, the newest first.
        beats: as of the purchase over all.
    """

    figures: dict[str, Any]
    calibration: list[dict[str, Any]]
    parts: tuple[Searched, ...]
    likely_from: float
    moments: tuple[CategoryMoment, ...]
    beats: bool


def check_categories(categories: Categories, moments: Sequence[Moment], *, seed: int) -> CategoryCheck:
    """Learn from all moments but the newest, whose 30 days are what is foretold.

    Raises:
        TooLittleData: there are not two categories, or too few purchases in them.
    """
    if len(categories.shelf.names) < 2:
        raise TooLittleData("chances by category need two categories or topics.")
    pairs = tuple(categories.at(moment) for moment in moments)
    later, earlier = pairs[0], pairs[1:]
    bought = int(later.bought.sum())
    if min(bought, later.bought.size - bought) < _CLASS_LEAST:
        raise TooLittleData(f"chances by category need {_CLASS_LEAST} later purchases in main categories.")
    table = _table(earlier)
    parts = search(table, candidates_named(_LEARNERS), seed=seed)
    ours = _learned(parts, earlier, table, seed)
    simple = table.only(PAIR_RECENCY_AND_FREQUENCY)
    baseline = _learned(search(simple, candidates_named(_LEARNERS), seed=seed), earlier, simple, seed)
    chances = ours.of(later.names, later.values)
    # Chosen on the days before those that it is judged by.
    newest = earlier[0]
    likely_from = best_threshold(newest.bought, ours.of(newest.names, newest.values))
    figures = judged(
        later.bought,
        chances,
        baseline.of(later.names, later.values),
        groups=later.users,
        said_from=round(likely_from, 4),
        seed=seed,
    )
    return CategoryCheck(
        figures=figures,
        calibration=calibration_table(later.bought.astype(np.float64), chances, names=NAMES, seed=seed),
        parts=parts,
        likely_from=round(best_threshold(later.bought, chances), 4),
        moments=pairs,
        beats=beats(figures),
    )


@dataclass(frozen=True)
class CategoryChances:
    """Chances of all pairs of today, by user: `users` (n,) in order, `categories` and `chances` (n,)."""

    names: tuple[str, ...]
    users: NDArray[np.int64]
    categories: NDArray[np.int64]
    chances: Floats

    @classmethod
    def learn(
        cls, check: CategoryCheck, categories: Categories, features: PurchaseFeatures, *, seed: int
    ) -> CategoryChances:
        """Learn anew from all moments, and ask about today."""
        table = _table(check.moments[: max(1, len(check.moments) - 1)])
        model = _learned(check.parts, check.moments, table, seed)
        now = categories.today(features)
        order = np.lexsort((now.categories, now.users))
        chances = model.of(now.names, now.values)
        return cls(categories.shelf.names, now.users[order], now.categories[order], chances[order])

    def of(self, user: int) -> dict[str, float]:
        """Category -> the chance that this user buys in it."""
        start, stop = np.searchsorted(self.users, [user, user + 1])
        return {
            self.names[category]: chance
            for category, chance in zip(
                self.categories[start:stop].tolist(), self.chances[start:stop].tolist(), strict=True
            )
        }


def _learned(parts: Sequence[Searched], moments: Sequence[CategoryMoment], table: LabelledTable, seed: int) -> Chances:
    newest = moments[0]
    return fit_chances(parts, table, seed=seed).levelled(newest.names, newest.values, newest.bought)


def _table(moments: Sequence[CategoryMoment]) -> LabelledTable:
    values = np.concatenate([moment.values for moment in moments])
    return labelled_table(
        {name: values[:, place] for place, name in enumerate(moments[0].names)},
        np.concatenate([moment.bought for moment in moments]),
        groups=np.concatenate([moment.users for moment in moments]),
        equal_together=False,
    )
