"""Matching: who stands beside whom, the estimate and its variance by the letter of their formulas."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from profilestore.campaigns.report.matching import Matches, match

INSIDE = np.array([True, True, False, False, False, False])


def test_the_nearest_others_within_the_caliper_stand_beside_each() -> None:
    figures = np.array([[0.0], [10.0], [0.1], [0.2], [5.0], [30.0]])
    found = match(figures, INSIDE, neighbours=2, caliper=0.3)
    # The spread within the two groups is about 10.5: from 10.0 to 5.0 is further than three tenths of it.
    assert found.treated.tolist() == [0]
    assert found.neighbours.tolist() == [[2, 3]]
    assert found.left_out == 1
    assert_allclose(found.weights(6), [0, 0, 0.5, 0.5, 0, 0])


def test_fewer_within_the_caliper_than_asked_share_the_weight() -> None:
    figures = np.array([[0.0], [10.0], [0.1], [9.9], [10.2], [40.0]])
    found = match(figures, INSIDE, neighbours=3, caliper=0.3)
    assert sorted(row for row in found.neighbours[1].tolist() if row >= 0) == [3, 4]
    assert_allclose(found.weights(6), [0, 0, 1.0, 0.5, 0.5, 0])
    assert found.left_out == 0


def test_figures_without_spread_and_copies_of_each_other_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    plain = rng.normal(size=(60, 1))
    inside = np.arange(60) < 20
    one = match(plain, inside)
    more = match(np.column_stack([plain, np.full(60, 7.0), 3.0 * plain]), inside)
    assert one.treated.tolist() == more.treated.tolist()
    assert [set(row) for row in one.neighbours.tolist()] == [set(row) for row in more.neighbours.tolist()]
    assert match(np.full((60, 1), 2.0), inside).left_out == 0


@pytest.mark.parametrize("same", [9.99, 0.1, 5.902, np.log(2.0), 1e15 / 3, 1e-9 / 3])
def test_a_figure_that_all_have_alike_does_not_matter_whatever_its_mean_is_rounded_to(same: float) -> None:
    rng = np.random.default_rng(3)
    plain = rng.normal(size=(300, 1))
    inside = np.arange(300) < 101
    one = match(plain, inside)
    found = match(np.column_stack([plain, np.full(300, same), np.full(300, 2 * same)]), inside)
    assert found.left_out == one.left_out
    assert [set(row) for row in found.neighbours.tolist()] == [set(row) for row in one.neighbours.tolist()]
    bought = rng.random(300)
    explained = np.column_stack([plain, np.full(300, same)])
    made, wanted = found.difference(bought, explained), one.difference(bought, plain)
    assert made is not None and wanted is not None
    assert (made.value, made.low) == (pytest.approx(wanted.value), pytest.approx(wanted.low))


def test_where_all_who_are_compared_did_the_same_nothing_tells_how_sure_it_is() -> None:
    rng = np.random.default_rng(4)
    figures = rng.normal(size=(120, 1))
    inside = np.arange(120) < 40
    figures[100:] += 50.0  # like nobody in it, and the only ones who bought
    outcome = np.where(np.arange(120) < 100, 0.0, 1.0)
    found = match(figures, inside)
    assert found.difference(outcome, figures) is None
    assert found.difference(np.full(120, 0.1), figures) is None


def by_hand(found: Matches, outcome: np.ndarray, rest: np.ndarray) -> tuple[float, float]:
    """Value and variance as the papers write them, one user after the other."""
    used = dict.fromkeys(found.others.tolist(), 0.0)
    squares = dict.fromkeys(found.others.tolist(), 0.0)
    effects = []
    for row, beside in zip(found.treated, found.neighbours, strict=True):
        like = [int(other) for other in beside if other >= 0]
        effects.append(rest[row] - np.mean([rest[other] for other in like]))
        for other in like:
            used[other] += 1 / len(like)
            squares[other] += 1 / len(like) ** 2
    value = float(np.mean(effects))
    variance = sum((effect - value) ** 2 for effect in effects)
    k = found.alike.shape[1]
    for other, alike in zip(found.others.tolist(), found.alike, strict=True):
        spread = k / (k + 1) * (rest[other] - np.mean(rest[alike])) ** 2
        variance += (used[other] ** 2 - squares[other]) * spread
    return value, float(variance / len(effects) ** 2)


def test_value_and_variance_are_those_of_abadie_and_imbens() -> None:
    rng = np.random.default_rng(5)
    figures = rng.normal(size=(120, 2))
    inside = rng.random(120) < 0.3
    outcome = rng.normal(size=120) + 2.0 * inside
    found = match(figures, inside, neighbours=3, caliper=1.0)
    nothing = np.zeros((120, 1))
    made = found.difference(outcome, nothing)
    assert made is not None
    rest = outcome - np.average(outcome, weights=found.weights(120))
    value, variance = by_hand(found, outcome, rest)
    assert made.value == pytest.approx(value)
    assert made.standard_error == pytest.approx(np.sqrt(variance))
    assert made.low < made.value < made.high
    assert made.treated - made.matched == pytest.approx(made.value)  # nothing is taken off by a constant


def test_each_other_is_most_like_others_and_not_itself() -> None:
    rng = np.random.default_rng(1)
    found = match(rng.normal(size=(40, 1)), np.arange(40) < 10)
    assert all(row not in alike for row, alike in zip(found.others.tolist(), found.alike.tolist(), strict=True))
    assert set(found.alike.ravel().tolist()) <= set(found.others.tolist())


def test_what_matches_are_not_alike_in_is_taken_off() -> None:
    rng = np.random.default_rng(2)
    before = rng.exponential(10.0, 600)
    inside = rng.random(600) < 1 / (1 + np.exp(-(before - 12.0) / 5.0))
    outcome = 3.0 * before + 5.0 * inside + rng.normal(0.0, 1e-3, 600)  # an effect of 5
    figures = np.log1p(before)[:, None]
    found = match(figures, inside, neighbours=4, caliper=0.8)
    assert found.matched_mean(before) != pytest.approx(before[found.treated].mean(), abs=0.05)
    made, left = found.difference(outcome, before[:, None]), found.difference(outcome, np.zeros((600, 1)))
    assert made is not None and left is not None
    assert made.value == pytest.approx(5.0, abs=1e-3)
    assert left.value > 5.2
