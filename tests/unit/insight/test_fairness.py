"""Figures by group: their values and intervals are right, small groups are merged, and chance is not told as unfair."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from profilestore.insight.backgrounds import OTHERS, Backgrounds, band_of
from profilestore.insight.fairness import METRICS, by_group, ratio_of
from profilestore.insight.fairness_words import group_sentence, group_table

Floats = np.ndarray


def backgrounds(**columns: list[str | None]) -> Backgrounds:
    """Users u0, u1 … with these genders, ages and regions."""
    count = len(next(iter(columns.values())))
    names, codes = {}, {}
    for dimension in ("gender", "age", "region"):
        given = columns.get(dimension, [None] * count)
        names[dimension] = tuple(sorted({name for name in given if name is not None}))
        codes[dimension] = np.array([-1 if name is None else names[dimension].index(name) for name in given], np.int32)
    return Backgrounds({f"u{row}": row for row in range(count)}, codes, names, "country")


def ids(count: int) -> list[str]:
    return [f"u{row}" for row in range(count)]


def drawn(count: int = 4000, seed: int = 1) -> tuple[Floats, Floats]:
    """What happened, and a score that knows something of it, with ties."""
    rng = np.random.default_rng(seed)
    actual = (rng.random(count) < 0.3).astype(float)
    return actual, np.round(np.clip(0.2 * actual + rng.random(count), 0.0, 1.0), 1)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("auc", roc_auc_score),
        ("squared_error", lambda actual, score: np.mean((score - actual) ** 2)),
        ("bias", lambda actual, score: np.mean(score - actual)),
        ("macro_f1", lambda actual, score: f1_score(actual, score > 0.5, average="macro")),
        ("f1", lambda actual, score: f1_score(actual, score > 0.5)),
        ("recall", lambda actual, score: np.mean(score[actual > 0] > 0.5)),
        ("precision", lambda actual, score: np.mean(actual[score > 0.5])),
    ],
)
def test_a_figure_and_its_error_are_those_of_a_bootstrap(name: str, reference: Callable[..., float]) -> None:
    actual, score = drawn()
    said = (score > 0.5).astype(float) if name in ("macro_f1", "f1", "recall", "precision") else score
    measured = METRICS[name](actual, said)
    assert measured is not None
    assert measured.value == pytest.approx(float(reference(actual, score)), abs=1e-9)
    rng = np.random.default_rng(2)
    draws = [reference(actual[rows], score[rows]) for rows in rng.integers(0, actual.size, (300, actual.size))]
    assert measured.error == pytest.approx(float(np.std(draws)), rel=0.15)


def test_a_ratio_of_sums_has_the_error_of_a_bootstrap() -> None:
    rng = np.random.default_rng(3)
    spend = rng.lognormal(3.0, 1.0, 3000)
    top = (rng.random(3000) < 0.2 + 0.002 * spend).astype(float)
    measured = ratio_of(spend * top, spend)
    draws = [(spend[rows] * top[rows]).sum() / spend[rows].sum() for rows in rng.integers(0, 3000, (400, 3000))]
    assert measured is not None
    assert measured.error == pytest.approx(float(np.std(draws)), rel=0.15)


def test_one_class_has_no_auc_and_nothing_has_no_figure() -> None:
    ones = np.ones(50)
    for few in (0, 1, 4):
        assert METRICS["auc"](np.r_[np.zeros(few), ones], np.linspace(0, 1, 50 + few)) is None
    found = by_group(backgrounds(gender=["female"] * 50), ids(50), actual=ones, predicted=ones, metrics=("auc", "bias"))
    (row,) = found["rows"]
    assert (row["auc"], row["bias"]["mean"]) == (None, 0.0)


def test_groups_are_those_of_the_users_and_unknown_ones_are_in_none() -> None:
    genders = ["female"] * 60 + ["male"] * 40 + [None] * 20
    values = np.array([1.0] * 60 + [3.0] * 40 + [100.0] * 30)
    found = by_group(backgrounds(gender=genders), [*ids(120), *["stranger"] * 10], means={"spend": values})
    assert [(row["group"], row["users"], row["spend"]["mean"]) for row in found["rows"]] == [
        ("female", 60, 1.0),
        ("male", 40, 3.0),
    ]
    assert found["known"] == {"gender": pytest.approx(100 / 130, abs=1e-5), "age": 0.0, "region": 0.0}


def test_small_groups_are_merged_and_too_small_ones_are_left_out() -> None:
    regions = ["A"] * 50 + ["B"] * 20 + ["C"] * 15 + ["D"] * 5
    found = by_group(backgrounds(region=regions), ids(90), means={"one": np.ones(90)}, least=30)
    assert [(row["group"], row["users"]) for row in found["rows"]] == [("A", 50), (OTHERS, 40)]
    found = by_group(backgrounds(region=["A"] * 50 + ["B"] * 20), ids(70), means={"one": np.ones(70)}, least=30)
    assert [(row["group"], row["users"]) for row in found["rows"]] == [("A", 50)]


def test_many_regions_are_the_eight_largest_and_others() -> None:
    regions = [f"R{number:02d}" for number in range(12) for _ in range(40 + number)]
    found = by_group(backgrounds(region=regions), ids(len(regions)), means={"one": np.ones(len(regions))})
    assert [row["group"] for row in found["rows"]] == [*(f"R{number:02d}" for number in range(4, 12)), OTHERS]
    assert found["rows"][-1]["users"] == 40 + 41 + 42 + 43


def test_a_model_that_is_wrong_for_one_group_is_found() -> None:
    actual, score = drawn(2000)
    genders = ["female", "male"] * 1000
    score[::2] = np.random.default_rng(5).random(1000)  # for women it guesses
    found = by_group(backgrounds(gender=genders), ids(2000), actual=actual, predicted=score, metrics=("auc",))
    assert [row["differs"] for row in found["rows"]] == [["auc"], ["auc"]]
    assert found["rows"][0]["auc"]["high"] < found["rows"][1]["auc"]["low"]


def test_groups_drawn_by_lot_seldom_differ() -> None:
    told = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        actual, score = drawn(300, seed)
        people = backgrounds(
            gender=rng.choice(["female", "male"], 300).tolist(), region=rng.choice(list("ABC"), 300).tolist()
        )
        found = by_group(people, ids(300), actual=actual, predicted=score, metrics=("auc", "bias", "squared_error"))
        told += any(len(row["differs"]) > 0 for row in found["rows"])
    assert told <= 20  # 5 % of 200 are 10; twice that is very unlikely


def test_shares_stay_between_0_and_1_and_amounts_do_not() -> None:
    people = backgrounds(gender=["female"] * 40)
    found = by_group(people, ids(40), means={"hit": np.array([0.0] * 39 + [1.0]), "gain": np.r_[-50.0, np.zeros(39)]})
    assert found["rows"][0]["hit"]["low"] == 0.0
    assert found["rows"][0]["gain"]["low"] < -2.0


def test_age_bands() -> None:
    assert [band_of(age) for age in (0, 17, 18, 24, 25, 64, 65, 130)] == [
        "under 18", "under 18", "18-24", "18-24", "25-34", "55-64", "65+", "65+",
    ]  # fmt: skip


def test_the_words_say_who_is_known_and_who_differs() -> None:
    actual, score = drawn(400)
    people = backgrounds(gender=["female"] * 200 + ["male"] * 200, region=["FR"] * 300 + [None] * 100)
    found = by_group(people, ids(400), actual=actual, predicted=score, metrics=("auc",))
    english, chinese = (group_sentence(found, language) for language in ("en", "zh"))
    assert "gender of 100%" in english
    assert "region of 75%" in english
    assert "No group differs" in english
    assert "性别100%" in chinese
    rows = group_table(found, "zh")
    assert [row["群组"] for row in rows] == ["女", "男", "FR"]
    assert [row["按"] for row in rows] == ["性别", "性别", "国家"]
    nobody = by_group(backgrounds(gender=[None] * 50), ids(50), means={"one": np.ones(50)})
    assert "neither gender, age nor region" in group_sentence(nobody, "en")
    assert group_table(nobody, "en") == []
