"""Are the chances of a purchase right? Asked on the last 30 days, of models that know nothing of them.

The baseline is what every shop can do: a model on recency and frequency alone, of the same two learners, fitted and
calibrated in the same way on the same users and times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.insight.intervals import settled
from profilestore.insight.judging import Judge, confusion_of
from profilestore.insight.labelled.candidates import CANDIDATES, candidates_named, scores_of
from profilestore.insight.labelled.table import LabelledTable
from profilestore.insight.labelled.validation import fit_tuned
from profilestore.insight.propensity.features import RECENCY_AND_FREQUENCY
from profilestore.insight.propensity.model import (
    DAYS,
    Moment,
    Searched,
    learn_moments,
    search,
    table_of,
)
from profilestore.insight.ranking import calibration_table, expected_calibration_error

__all__ = ["PropensityCheck", "check_propensity", "judged"]

VOTES: Final = 3
_BASELINE: Final = ("logistic", "boosting")
_CLASS_LEAST: Final = 10
_JUDGED_MOST: Final = 20_000
_SAID_FROM: Final = 0.5
NAMES: Final = {"predicted": "predicted", "happened": "bought"}

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PropensityCheck:
    """Chances given 30 days before the end, against who then bought.

    Attributes:
        figures: `roc_auc`, `pr_auc`, `brier`, `log_loss` of ours and of the baseline, the paired `gain` of each (above
            zero is better), `precision`, `recall`, `f1` and `confusion` of a chance of a half; calibration.
        models: a row a model of the table: ROC-AUC in cross-validation, ROC-AUC and PR-AUC of the later days.
        calibration: by tenths of the users by chance: predicted, bought with its interval.
        parts: the models that vote, and what was found for them.
        users: (n,) rows of the history's users who were asked about; `chances` and `bought` (n,) theirs.
        beats: whether the gain in ROC-AUC is above zero with its whole interval, and Brier's score not worse beyond
            chance.
    """

    figures: dict[str, Any]
    models: list[dict[str, Any]]
    calibration: list[dict[str, Any]]
    parts: tuple[Searched, ...]
    users: NDArray[np.int64]
    chances: Floats
    bought: NDArray[np.bool_]
    beats: bool


def check_propensity(
    moments: Sequence[Moment], *, seed: int, progress: Callable[[str], None] = lambda step: None
) -> PropensityCheck:
    """Learn from all moments but the newest, whose 30 days are what is foretold.

    Args:
        moments: at least two, the newest first; the days of one end where the next begins.
        seed: of samples, splits and learners.
        progress: is told each step.

    Raises:
        TooLittleData: too few users, who nearly all bought, or nearly none.
    """
    later, earlier = moments[0], moments[1:]
    bought = int(later.bought.sum())
    if min(bought, later.bought.size - bought) < _CLASS_LEAST:
        raise TooLittleData(
            f"purchase propensity: in the last {DAYS:.0f} days {bought} of {later.bought.size} known users bought; "
            f"a check needs {_CLASS_LEAST} who did and {_CLASS_LEAST} who did not."
        )
    table = table_of(earlier)
    progress("comparing eight models on earlier purchases")
    searched = search(table, CANDIDATES, seed=seed)
    parts = searched[:VOTES]
    simple = table.only(RECENCY_AND_FREQUENCY)
    baseline = learn_moments(search(simple, candidates_named(_BASELINE), seed=seed), earlier, simple, seed=seed)
    ours = learn_moments(parts, earlier, table, seed=seed)
    progress("checking on the last 30 days")
    names, values = later.features.names, later.features.values
    chances = ours.of(names, values)
    figures = judged(later.bought, chances, baseline.of(names, values), seed=seed)
    figures |= {"learned_from": len(table), "learned_at": len(earlier)}
    calibration = calibration_table(later.bought.astype(np.float64), chances, names=NAMES, seed=seed)
    figures["calibration_error"] = expected_calibration_error(calibration, names=NAMES)
    return PropensityCheck(
        figures=figures,
        models=_each_model(searched, table, later, seed),
        calibration=calibration,
        parts=parts,
        users=later.features.users,
        chances=chances,
        bought=later.bought,
        beats=beats(figures),
    )


def judged(
    bought: NDArray[np.bool_],
    chances: Floats,
    baseline: Floats,
    *,
    groups: NDArray[Any] | None = None,
    said_from: float = _SAID_FROM,
    seed: int,
) -> dict[str, Any]:
    """Figures of chances beside those of the baseline, with intervals over users."""
    judge = Judge(bought, groups=groups, seed=seed)
    figures: dict[str, Any] = {"rows": int(bought.size), "bought": settled(float(bought.mean()))}
    figures |= {"predicted": settled(float(chances.mean())), "predicted_by_baseline": settled(float(baseline.mean()))}
    gain: dict[str, Any] = {}
    for name, better in (("roc_auc", 1), ("pr_auc", 1), ("brier", -1), ("log_loss", -1)):
        measure = getattr(judge, name)
        here, there = measure(chances), measure(baseline)
        figures[name], figures[f"{name}_baseline"] = here.figure(), there.figure()
        gain[name] = (here.less(there) if better > 0 else there.less(here)).figure()
    said = chances >= said_from
    figures |= {name: getattr(judge, name)(said).figure() for name in ("precision", "recall", "f1")}
    return figures | {"said_from": said_from, "confusion": confusion_of(said, bought), "gain": gain}


def beats(figures: dict[str, Any]) -> bool:
    """Whether the users are told apart better than by the baseline, and the chances are no worse as chances."""
    gain = figures["gain"]
    return bool(gain["roc_auc"]["low"] > 0.0 and gain["brier"]["high"] > 0.0)


def _each_model(searched: Sequence[Searched], table: LabelledTable, later: Moment, seed: int) -> list[dict[str, Any]]:
    """Each model of the table alone, fitted before the later days; on seeded samples of 20,000."""
    trained = table.sampled(_JUDGED_MOST, seed=seed)
    rows = np.arange(later.bought.size)
    if rows.size > _JUDGED_MOST:
        rows = np.sort(np.random.default_rng(seed).choice(rows, _JUDGED_MOST, replace=False))
    places = [later.features.names.index(name) for name in table.names]
    values, judge = later.features.values[rows][:, places], Judge(later.bought[rows], seed=seed)
    told: list[dict[str, Any]] = []
    for one in searched:
        model = fit_tuned(one.candidate, one.tuned, trained, seed=seed)
        scores = scores_of(model, values)
        roc, pr = judge.roc_auc(scores).figure(), judge.pr_auc(scores).figure()
        told.append(
            {
                "model": one.candidate.title,
                "cross-validated ROC-AUC": settled(one.tuned.roc_auc),
                "later ROC-AUC": roc["mean"],
                "low": roc["low"],
                "high": roc["high"],
                "later PR-AUC": pr["mean"],
                "settings": ", ".join(f"{k.removeprefix('model__')} {v}" for k, v in one.tuned.settings.items()),
            }
        )
    return told
