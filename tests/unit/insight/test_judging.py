"""Figures of scores are those of scikit-learn, and their intervals hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, log_loss, roc_auc_score

from profilestore.insight.judging import Judge, confusion_of


def scored(rows: int, *, seed: int = 1, told: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """What happened, and scores (in steps, so that there are ties) that tell something of it."""
    rng = np.random.default_rng(seed)
    happened = rng.random(rows) < 0.3
    return happened, np.round(told * happened + rng.normal(0.0, 1.0, rows), 1)


def test_each_figure_is_the_one_of_scikit_learn() -> None:
    happened, scores = scored(900)
    chances = 1.0 / (1.0 + np.exp(-scores))
    judge, said = Judge(happened), scores > 0.5
    assert judge.roc_auc(scores).here == pytest.approx(roc_auc_score(happened, scores))
    assert judge.pr_auc(scores).here == pytest.approx(average_precision_score(happened, scores))
    assert judge.brier(chances).here == pytest.approx(brier_score_loss(happened, chances))
    assert judge.log_loss(chances).here == pytest.approx(log_loss(happened, chances))
    assert judge.f1(said).here == pytest.approx(f1_score(happened, said))
    four = confusion_of(said, happened)
    assert judge.precision(said).here == four["true_positive"] / (four["true_positive"] + four["false_positive"])
    assert judge.recall(said).here == four["true_positive"] / (four["true_positive"] + four["false_negative"])
    assert sum(four.values()) == 900


def test_ranking_is_judged_within_folds() -> None:
    """The scores of the second fold stand a hundred higher: that says nothing of what happened."""
    happened, scores = scored(800, told=0.0)
    folds = np.arange(800) % 2
    happened |= (folds == 1) & (np.random.default_rng(2).random(800) < 0.5)
    lifted = scores + 100.0 * folds
    apart = Judge(happened, folds=folds).roc_auc(lifted).here
    assert Judge(happened).roc_auc(lifted).here > 0.6
    assert apart == pytest.approx(
        np.mean([roc_auc_score(happened[folds == fold], scores[folds == fold]) for fold in (0, 1)])
    )


def test_rows_of_a_group_are_drawn_together() -> None:
    """Each row ten times over says no more than once."""
    happened, scores = scored(150)
    alone = Judge(happened).roc_auc(scores).figure()
    tenfold = Judge(np.repeat(happened, 10), groups=np.repeat(np.arange(150), 10))
    together = tenfold.roc_auc(np.repeat(scores, 10)).figure()
    careless = Judge(np.repeat(happened, 10)).roc_auc(np.repeat(scores, 10)).figure()
    width = {name: f["high"] - f["low"] for name, f in (("one", alone), ("ten", together), ("no", careless))}
    assert width["ten"] == pytest.approx(width["one"], rel=0.25)
    assert width["no"] < 0.5 * width["one"]


def test_an_interval_of_a_difference_is_paired_and_holds_the_truth_as_often_as_it_says() -> None:
    held = 0
    for seed in range(60):
        happened, scores = scored(400, seed=seed)
        other = scores + np.random.default_rng(seed + 1000).normal(0.0, 0.05, 400)
        judge = Judge(happened, seed=seed)
        gain = judge.roc_auc(scores).less(judge.roc_auc(other)).figure()
        single = judge.roc_auc(scores).figure()
        assert gain["high"] - gain["low"] < 0.3 * (single["high"] - single["low"])
        held += single["low"] <= 0.7602 <= single["high"]  # of a shift of one deviation: Phi(1 / sqrt(2))
    assert held >= 52


def test_the_same_seed_gives_the_same_interval() -> None:
    happened, scores = scored(300)
    assert Judge(happened).pr_auc(scores).figure() == Judge(happened).pr_auc(scores).figure()


def test_one_class_has_no_ranking() -> None:
    assert np.isnan(Judge(np.ones(5, dtype=bool)).roc_auc(np.arange(5.0)).here)
