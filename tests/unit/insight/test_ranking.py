"""AUC, PR-AUC and Brier scores are those of scikit-learn, on resamples too, and their intervals hold."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from profilestore.insight.ranking import Resamples, calibration_table, expected_calibration_error, figure_of

NAMES = {"predicted": "predicted", "happened": "churned"}


def scored(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes, and calibrated probabilities of few values, so that many are equal."""
    rng = np.random.default_rng(seed)
    chance = np.round(rng.beta(1.0, 2.0, count), 1)
    return (rng.random(count) < chance).astype(np.float64), chance


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    outcome, chance = scored(200, seed)
    drawn = Resamples(outcome, seed=seed)
    assert drawn.auc(chance)[0] == pytest.approx(roc_auc_score(outcome, chance))
    assert drawn.pr_auc(chance)[0] == pytest.approx(average_precision_score(outcome, chance))
    assert drawn.brier(chance)[0] == pytest.approx(brier_score_loss(outcome, chance))
    # A resample is the same users some times over.
    counts = np.random.default_rng(seed).integers(0, 200, (1000, 200))[0]
    again = np.bincount(counts, minlength=200)
    assert drawn.auc(chance)[1] == pytest.approx(roc_auc_score(outcome, chance, sample_weight=again))
    assert drawn.pr_auc(chance)[1] == pytest.approx(average_precision_score(outcome, chance, sample_weight=again))


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    whole_outcome, whole_chance = scored(200_000, 0)
    truth = roc_auc_score(whole_outcome, whole_chance)
    held = 0
    for seed in range(60):
        outcome, chance = scored(300, 100 + seed)
        figure = figure_of(Resamples(outcome, seed=1).auc(chance))
        held += figure["low"] <= truth <= figure["high"]
    assert 50 <= held <= 60


def test_a_difference_is_paired() -> None:
    outcome, chance = scored(400, 3)
    noisy = chance + np.random.default_rng(1).normal(0.0, 0.02, 400)
    drawn = Resamples(outcome, seed=7)
    apart = figure_of(drawn.auc(chance) - drawn.auc(noisy))
    alone = figure_of(drawn.auc(chance))
    assert apart["high"] - apart["low"] < (alone["high"] - alone["low"]) / 2
    assert figure_of(drawn.auc(chance) - drawn.auc(chance)) == {"mean": 0.0, "low": 0.0, "high": 0.0}


def test_calibration_by_tenths() -> None:
    outcome, chance = scored(5000, 4)
    table = calibration_table(outcome, chance, names=NAMES, seed=7)
    assert [row["tenth"] for row in table] == list(range(1, 11))
    assert sum(row["users"] for row in table) == 5000
    assert all(row["low"] - 0.02 <= row["predicted"] <= row["high"] + 0.02 for row in table)
    assert expected_calibration_error(table, names=NAMES) < 0.03
    wrong = calibration_table(outcome, np.minimum(1.0, chance + 0.3), names=NAMES, seed=7)
    assert expected_calibration_error(wrong, names=NAMES) > 0.2
