"""Position bias: a simulation with known truth, in which the raw order of the methods is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from profilestore.recommend.feedback.attribution import Figures, Unmatched
from profilestore.recommend.feedback.positions import components, fit_propensities
from profilestore.recommend.feedback.report import FeedbackReport, make_report
from profilestore.recommend.feedback.tally import Tally

PLACES = np.arange(1, 11)
LOOKED_AT = 1.0 / PLACES**0.9


def simulated(
    appeals: dict[str, float], tilts: dict[str, float], *, users: int, seed: int, looked_at: np.ndarray = LOOKED_AT
) -> Tally:
    """Eight impressions of each method to each user, at places drawn with weights place ** tilt."""
    rng = np.random.default_rng(seed)
    tally = Tally()
    for user in range(users):
        figures: dict[tuple[str, int | None], Figures] = {}
        mood = rng.gamma(2.0, 0.5)  # some users click more than others
        for method, appeal in appeals.items():
            weights = PLACES ** tilts[method]
            for place in rng.choice(10, size=8, p=weights / weights.sum()):
                cell = figures.setdefault((method, int(place) + 1), Figures())
                cell.impressions += 1
                cell.clicks += int(rng.random() < min(1.0, mood * looked_at[place] * appeal))
        tally.add(f"user-{user}", figures)
    return tally


def report_of(tally: Tally) -> FeedbackReport:
    return make_report(tally, unmatched=Unmatched(), window_days=7, since=None, until=None)


def test_the_corrected_order_is_right_where_the_raw_one_is_wrong() -> None:
    appeals, tilts = {"better": 0.10, "worse": 0.07}, {"better": 1.0, "worse": -1.0}
    right = covered = 0
    for seed in range(10):
        report = report_of(simulated(appeals, tilts, users=1500, seed=seed))
        figures = {each.method: each for each in report.methods}
        assert figures["better"].ctr.high < figures["worse"].ctr.low  # raw: clearly the wrong way round
        better, worse = (figures[name].ctr_corrected for name in ("better", "worse"))
        right += better.value > worse.value
        covered += better.low / worse.high < 10 / 7 < better.high / worse.low
        assert better.by == "users"
    assert right == 10
    assert covered >= 9


def test_the_propensities_are_those_of_the_simulation() -> None:
    report = report_of(simulated({"a": 0.3, "b": 0.2}, {"a": 0.5, "b": -0.5}, users=4000, seed=3))
    found = [each.looked_at for each in report.positions]
    assert found == pytest.approx(LOOKED_AT.tolist(), rel=0.25)
    assert found[0] == 1.0


def test_without_bias_the_correction_changes_little() -> None:
    tally = simulated({"a": 0.10, "b": 0.07}, {"a": 1.0, "b": -1.0}, users=2000, seed=5, looked_at=np.ones(10))
    for each in report_of(tally).methods:
        assert each.ctr_corrected.value == pytest.approx(each.ctr.value, rel=0.08)


def test_intervals_cover_the_truth_with_users_who_differ() -> None:
    """The truth is the mean rate; users' moods make impressions of one user alike."""
    truth = 0.1 * float((LOOKED_AT / 10).sum())
    inside = 0
    for seed in range(60):
        (figures,) = report_of(simulated({"only": 0.1}, {"only": 0.0}, users=300, seed=100 + seed)).methods
        inside += figures.ctr.low <= truth <= figures.ctr.high
    assert inside >= 51  # of 60; 57 are expected, fewer than 51 by chance once in 200


def test_methods_that_never_share_a_place_are_said_not_to_be_comparable() -> None:
    tally = Tally()
    tally.add("u", {("top", 1): Figures(100, 10), ("top", 2): Figures(100, 5), ("bottom", 7): Figures(100, 2)})
    report = report_of(tally)
    assert any("cannot be compared" in note for note in report.notes)
    figures = {each.method: each for each in report.methods}
    assert figures["bottom"].ctr_corrected.value == pytest.approx(0.02)
    assert figures["top"].ctr_corrected.value == pytest.approx(0.075)


def test_components_by_hand() -> None:
    shown = np.array([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 5, 0], [0, 0, 0, 0]], dtype=float)
    assert components(shown) == [([2], [2]), ([0, 1], [0, 1])]


def test_a_position_never_clicked_is_no_reason_to_divide_by_nothing() -> None:
    shown = np.array([[1000.0, 3.0], [1000.0, 0.0]])
    theta = fit_propensities(shown, np.array([[100.0, 0.0], [50.0, 0.0]]))
    assert np.isfinite(theta).all()
    assert 0.5 < theta[1] / theta[0] < 1.0


def test_nothing_shown_is_said() -> None:
    report = report_of(Tally())
    assert report.methods == report.positions == ()
    assert "nothing was shown" in report.notes[0]


def test_few_clicks_have_an_interval_of_wilson() -> None:
    tally = Tally()
    tally.add("u", {("text", 1): Figures(100, 0)})
    (figures,) = report_of(tally).methods
    assert figures.ctr.by == "impressions"
    assert figures.ctr.low == 0.0
    assert figures.ctr.high == pytest.approx(0.0370, abs=1e-3)


def test_equal_input_gives_equal_figures() -> None:
    first, second = (simulated({"a": 0.1, "b": 0.1}, {"a": 0.0, "b": 0.0}, users=50, seed=1) for _ in range(2))
    assert report_of(first) == report_of(second)
