"""Is the churn model right? Trained on what was known at an earlier day, asked about the time after it.

The history is cut a patience before its end. The model learns from cuts whose patience was over by then, and is judged
by who bought in the time held out: against a logistic regression on the same features, and against the plain ratio of
a user's silence to their own gap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.insight.churn.features import churn_features
from profilestore.insight.churn.model import MODEL, PARTS, Examples, alone, fit_churn, joined
from profilestore.insight.churn.rhythm import ChurnTerms, Rhythm, next_orders, rhythm_of
from profilestore.insight.history import DAY_S, History
from profilestore.insight.intervals import settled
from profilestore.insight.ranking import Resamples, calibration_table, expected_calibration_error, figure_of

__all__ = ["ChurnCheck", "Cut", "check_churn", "cut_at", "learn_from", "training_cuts"]

_CUTS_MOST: Final = 8
_A_PATIENCE: Final = 3.0
_KNOWN_LEAST: Final = 0.5
_EACH_LEAST: Final = 20
_GROUP_LEAST: Final = 10
# What is waited for to the second is not lost by rounding.
_SECOND: Final = 1.0
_NAMES: Final = {"predicted": "predicted", "happened": "churned"}

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cut:
    """All buyers as of one time: their rhythm and features; `told` marks those whose patience ends within the time
    that can be checked, the others wait for a sale that is too far ahead."""

    rhythm: Rhythm
    values: Floats
    told: NDArray[np.bool_]

    def examples(self, history: History) -> Examples:
        """With what became of those who are told, by the history's end."""
        churned = (next_orders(history, self.rhythm) >= self.rhythm.due).astype(np.float64)
        return Examples(self.values[self.told], churned[self.told], self.rhythm.users[self.told])


@dataclass(frozen=True)
class ChurnCheck:
    """What came of the check.

    Attributes:
        figures: with intervals; `customers` are all with an order, `not_lapsed` those who had not churned
            already, `bought_twice` those who have a gap of their own.
        calibration: by tenths of the users by risk: predicted, churned.
        users, churned, risk: (n,) of the users that were judged: rows of the history, what happened, what was said.
        beats: whether the gain in AUC over the plain ratio is above zero with its whole interval, for all customers
            and for those not lapsed.
        terms: of churn that were judged under.
    """

    figures: dict[str, Any]
    calibration: list[dict[str, Any]]
    users: NDArray[np.int64]
    churned: Floats
    risk: Floats
    beats: bool
    terms: ChurnTerms


def cut_at(history: History, at: float, terms: ChurnTerms, *, seed: int) -> Cut:
    """Everything as of a time, from nothing but what was before it."""
    known = history.before(at)
    rhythm = rhythm_of(known, terms)
    told = rhythm.due <= at + terms.most_days * DAY_S + _SECOND
    return Cut(rhythm, churn_features(known, rhythm, seed=seed).values, told)


def training_cuts(history: History, terms: ChurnTerms, *, stop: float) -> list[float]:
    """The times to learn from, the latest first: patience that began there is over by `stop`; three times as close as
    a patience is long, and none so early that hardly anything was known."""
    purchases = history.orders.times
    if purchases.size == 0:
        return []
    most_s = terms.most_days * DAY_S
    first = float(purchases.min()) + _KNOWN_LEAST * most_s
    cuts = [stop - most_s - number * most_s / _A_PATIENCE for number in range(_CUTS_MOST)]
    return [cut for cut in cuts if cut >= first]


def learn_from(history: History, terms: ChurnTerms, *, seed: int) -> Examples:
    """Examples of all training cuts of a history; it knows nothing after its end.

    Raises:
        TooLittleData: too short a history, or too few who churned or did not.
    """
    parts: list[Examples] = []
    for cut in training_cuts(history, terms, stop=history.as_of):
        try:
            parts.append(cut_at(history, cut, terms, seed=seed).examples(history))
        except TooLittleData:
            continue  # nobody had bought twice by then
    if len(parts) == 0:
        raise TooLittleData("churn needs a longer history: a time to learn from and a later one to check it on.")
    examples = joined(parts)
    _both_kinds(examples, "to learn from")
    return examples


def _both_kinds(examples: Examples, what: str) -> None:
    if min(examples.classes) < _EACH_LEAST:
        churned, stayed = examples.classes
        raise TooLittleData(
            f"churn needs {_EACH_LEAST} users who stopped buying and {_EACH_LEAST} who did not {what}; "
            f"there are {churned} and {stayed}."
        )


def check_churn(history: History, terms: ChurnTerms, *, seed: int) -> ChurnCheck:
    """Judge the model on the last patience of the history.

    Raises:
        TooLittleData: there is not enough to learn from or to check on.
    """
    at = history.as_of - terms.most_days * DAY_S
    known = history.before(at)
    learned = learn_from(known, terms, seed=seed)
    cut = cut_at(history, at, terms, seed=seed)
    held_out = cut.examples(history)
    _both_kinds(held_out, "to check it on")
    models = alone(fit_churn(learned, seed=seed))
    risks = {name: model.risk(held_out.values) for name, model in models.items()}
    ratio = cut.rhythm.plain_ratio[cut.told]
    live = ~cut.rhythm.lapsed[cut.told]
    figures: dict[str, Any] = {
        "held_out_days": settled(terms.most_days),
        "learned_from": len(learned),
        "waiting_for_a_sale": int((~cut.told).sum()),
        "customers": _judge(held_out.churned, risks, ratio, seed),
    }
    beats = figures["customers"]["auc_above_ratio"]["low"] > 0.0
    for group, inside in (("not_lapsed", live), ("bought_twice", cut.rhythm.days[cut.told] > 1)):
        churned = held_out.churned[inside]
        if min(churned.sum(), churned.size - churned.sum()) >= _GROUP_LEAST:
            chosen = {name: risk[inside] for name, risk in risks.items()}
            figures[group] = _judge(churned, chosen, ratio[inside], seed)
    if "not_lapsed" in figures:
        beats = beats and figures["not_lapsed"]["auc_above_ratio"]["low"] > 0.0
    risk = risks[MODEL]
    table = calibration_table(held_out.churned, risk, names=_NAMES, seed=seed)
    figures["calibration_error"] = expected_calibration_error(table, names=_NAMES)
    return ChurnCheck(figures, table, held_out.users, held_out.churned, risk, beats, terms)


def _judge(churned: Floats, risks: dict[str, Floats], ratio: Floats, seed: int) -> dict[str, Any]:
    """Figures of the model in force, of its two parts alone and of the ratio; differences are of it over them."""
    drawn = Resamples(churned, seed=seed)
    measures: dict[str, Callable[[Floats], Floats]] = {"auc": drawn.auc, "pr_auc": drawn.pr_auc, "brier": drawn.brier}
    figures: dict[str, Any] = {
        "users": int(churned.size),
        "churned": settled(float(churned.mean())),
        "predicted": settled(float(risks[MODEL].mean())),
    }
    for name, measure in measures.items():
        ours = measure(risks[MODEL])
        figures[name] = figure_of(ours)
        others = {other: measure(risks[other]) for other in PARTS}
        if name != "brier":  # a ratio is no probability
            others["ratio"] = measure(ratio)
        for other, theirs in others.items():
            figures[f"{name}_{other}"] = figure_of(theirs)
            if name == "brier":
                figures[f"brier_below_{other}"] = figure_of(theirs - ours)
            else:
                figures[f"{name}_above_{other}"] = figure_of(ours - theirs)
    always = np.full(churned.size, float(churned.mean()))
    figures["brier_always_the_mean"] = figure_of(drawn.brier(always))
    return figures
