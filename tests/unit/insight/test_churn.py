"""Churn: planted churners are found, nothing sees the future, scores add up, and what cannot be said is not said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from bought import START, START_S, purchases, shop_of_buyers
from leaks import sees_the_future

from profilestore.documents import Event
from profilestore.errors import TooLittleData
from profilestore.ingest.sample import SampleShop, generate_shop
from profilestore.insight.churn.card import churn_card
from profilestore.insight.churn.check import ChurnCheck, check_churn, cut_at, learn_from, training_cuts
from profilestore.insight.churn.features import FEATURES, churn_features
from profilestore.insight.churn.model import GROUPS, ChurnModel, fit_churn
from profilestore.insight.churn.rhythm import ChurnTerms
from profilestore.insight.churn.step import LIFECYCLES, bands_of, churn_terms, lifecycles_of, reason_codes, usual_bounds
from profilestore.insight.churn.words import REASON_CODES, reason_code, reason_words
from profilestore.insight.history import DAY_S, History
from profilestore.insight.reading import HistoryBuilder
from profilestore.settings import Settings

SETTINGS = Settings()
TERMS = ChurnTerms(3.0, (), ZoneInfo("UTC"), most_days=45.0)
END = datetime(2025, 6, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def planted() -> tuple[SampleShop, History]:
    """The generated shop with customers that have a rhythm, half of whom stop."""
    shop = generate_shop(users=600, products=200, events=12_000, churn=True)
    builder = HistoryBuilder()
    builder.add(shop.events)
    return shop, builder.build(as_of=END.timestamp())


@pytest.fixture(scope="module")
def judged(planted: tuple[SampleShop, History]) -> ChurnCheck:
    return check_churn(planted[1], churn_terms(SETTINGS, planted[1]), seed=7)


@pytest.fixture(scope="module")
def learned(planted: tuple[SampleShop, History]) -> ChurnModel:
    history = planted[1]
    return fit_churn(learn_from(history, churn_terms(SETTINGS, history), seed=7), seed=7)


def test_planted_churners_are_found(planted: tuple[SampleShop, History], learned: ChurnModel) -> None:
    shop, history = planted
    now = cut_at(history, history.as_of, churn_terms(SETTINGS, history), seed=7)
    risk = learned.risk(now.values)
    lifecycles = lifecycles_of(now.rhythm, risk, now.told, 0.5)
    truth = shop.truth.churn_users
    ids = [history.user_ids[user] for user in now.rhythm.users.tolist()]
    known = np.array([id in truth for id in ids])
    stopped = np.array([truth.get(id) is not None for id in ids])
    said = np.isin(lifecycles, ["lapsed", "at-risk"])
    assert (known.sum(), stopped.sum()) == (120, 60)
    right = (said & stopped & known).sum()
    assert right / (said & known).sum() >= 0.9
    assert right / stopped.sum() >= 0.9
    # Also the risk alone, which has not been told who lapsed.
    assert risk[stopped].min() > np.median(risk[known & ~stopped])
    assert risk[stopped].mean() > 0.75
    assert risk[known & ~stopped].mean() < 0.25
    codes = dict(zip(ids, reason_codes(learned, now.values), strict=True))
    named = [codes[id] for id in truth if truth[id] is not None]
    assert np.mean(["long_silence" in found or "slowing_down" in found for found in named]) > 0.9
    assert all(len(found) <= 3 for found in codes.values())


def test_it_beats_the_plain_ratio_and_says_by_how_much(judged: ChurnCheck) -> None:
    for group in ("customers", "not_lapsed", "bought_twice"):
        figures = judged.figures[group]
        assert figures["auc"]["mean"] > figures["auc_ratio"]["mean"]
        for name in ("auc", "auc_logistic", "auc_boosting", "auc_ratio", "pr_auc", "brier", "auc_above_ratio"):
            assert figures[name]["low"] <= figures[name]["mean"] <= figures[name]["high"]
        assert figures["brier"]["mean"] < figures["brier_always_the_mean"]["mean"]
    assert judged.figures["not_lapsed"]["auc_above_ratio"]["low"] > 0.0
    assert judged.figures["not_lapsed"]["users"] < judged.figures["customers"]["users"] == len(judged.users)
    gains = [judged.figures[group]["auc_above_ratio"]["low"] for group in ("customers", "not_lapsed")]
    assert judged.beats == (min(gains) > 0.0)
    assert sum(row["users"] for row in judged.calibration) == len(judged.users)
    assert judged.figures["calibration_error"] < 0.15


def test_the_same_data_and_seed_give_the_same_result(
    planted: tuple[SampleShop, History], judged: ChurnCheck, learned: ChurnModel
) -> None:
    history = planted[1]
    terms = churn_terms(SETTINGS, history)
    shop = generate_shop(users=600, products=200, events=12_000, churn=True)
    builder = HistoryBuilder()
    builder.add(reversed(shop.events))
    again = builder.build(as_of=END.timestamp())
    assert np.array_equal(check_churn(again, terms, seed=7).risk, judged.risk)
    model = fit_churn(learn_from(again, terms, seed=7), seed=7)
    now = cut_at(history, history.as_of, terms, seed=7)
    assert np.array_equal(model.risk(now.values), learned.risk(now.values))


def test_no_feature_and_no_lesson_sees_the_future(planted: tuple[SampleShop, History]) -> None:
    h = planted[1]  # with views, searches, refunds and many products, since each could give something away
    cut = h.as_of - 50 * DAY_S

    def features(of: History, at: float) -> object:
        found = cut_at(of, at, TERMS, seed=7)
        return found.values, found.rhythm.due, found.told

    def lessons(of: History, at: float) -> object:
        examples = learn_from(of.before(at), TERMS, seed=7)
        return examples.values, examples.churned

    def planted_leak(of: History, at: float) -> object:
        rhythm = cut_at(of, at, TERMS, seed=7).rhythm
        with np.errstate(invalid="ignore"):  # days since a visit that is still to come
            return churn_features(of, rhythm, seed=7).values

    def lessons_too_late(of: History, at: float) -> object:
        return cut_at(of, at - 10 * DAY_S, TERMS, seed=7).examples(of).churned

    assert not sees_the_future(features, h, cut)
    assert not sees_the_future(lessons, h, cut)
    assert sees_the_future(planted_leak, h, cut)
    assert sees_the_future(lessons_too_late, h, cut)


def test_what_is_learned_from_was_over_before_the_time_it_is_checked_on() -> None:
    h = shop_of_buyers(100, days=365.0)
    cuts = training_cuts(h, TERMS, stop=h.as_of)
    assert len(cuts) == 8
    assert max(cuts) == pytest.approx(h.as_of - 45 * DAY_S)
    assert np.diff(cuts).tolist() == pytest.approx([-15 * DAY_S] * 7)
    short = training_cuts(h, ChurnTerms(3.0, (), ZoneInfo("UTC"), most_days=90.0), stop=START_S + 200 * DAY_S)
    assert min(short) >= START_S + 45 * DAY_S


def test_points_of_reasons_add_up_to_the_score(planted: tuple[SampleShop, History], learned: ChurnModel) -> None:
    history = planted[1]
    values = cut_at(history, history.as_of, churn_terms(SETTINGS, history), seed=7).values
    added = learned.contributions(values)
    assert added.shape == (len(values), len(GROUPS))
    apart = learned.log_odds(values) - learned.log_odds(learned.usual[None, :])
    assert added.sum(axis=1) == pytest.approx(apart)
    # A feature that is as usual adds nothing, and who is as usual in all has no reason.
    assert np.abs(learned.contributions(learned.usual[None, :])).max() == 0.0
    assert reason_codes(learned, learned.usual[None, :]) == [[]]
    # Longer silence never lowers the risk that boosting sees.
    boosting = learned.parts["boosting"]
    rows = np.tile(learned.usual, (50, 1))
    rows[:, list(FEATURES).index("silence_to_own_gap")] = np.linspace(0.0, 5.0, 50)
    assert np.diff(boosting.predict_proba(rows)[:, 1]).min() >= 0.0


def test_where_nothing_can_be_foretold_it_does_not_claim_to() -> None:
    """Everybody buys at random at one rate: what is behind says nothing of what is ahead."""
    rng = np.random.default_rng(3)
    rows = [(f"u{rng.integers(250):03d}", float(rng.uniform(0.0, 300.0)), 10.0) for _ in range(900)]
    h = purchases(*rows)
    check = check_churn(h, churn_terms(SETTINGS, h), seed=7)
    assert not check.beats
    card = churn_card(check, 250, (0.25, 0.5))
    assert "does NOT beat" in card["en"]
    assert "未优于" in card["zh"]


def few(users: int, days: float) -> History:
    rows = [(f"u{number:02d}", day, 1.0) for number in range(users) for day in (0.0, days)]
    return purchases(*rows)


@pytest.mark.parametrize(
    ("history", "sentence"),
    [
        (purchases(), "50 users with an order; there are 0"),
        (few(3, 100.0), "50 users with an order; there are 3"),
        (few(60, 20.0), "over 56 days"),
    ],
)
def test_too_little_is_a_sentence(history: History, sentence: str) -> None:
    with pytest.raises(TooLittleData, match=sentence):
        churn_terms(SETTINGS, history)


def test_one_class_alone_is_too_little() -> None:
    """Nobody ever stops; nobody ever comes back; nobody buys twice."""
    faithful = purchases(*[(f"u{n:02d}", float(day), 5.0) for n in range(60) for day in range(n % 7, 200, 7)])
    with pytest.raises(TooLittleData, match="20 users who stopped buying"):
        check_churn(faithful, churn_terms(SETTINGS, faithful), seed=7)
    gone = purchases(*[(f"u{n:02d}", float(n % 9 + day), 5.0) for n in range(60) for day in (0, 3)], ("x", 200.0, 1.0))
    with pytest.raises(TooLittleData, match="who did not"):
        check_churn(gone, churn_terms(SETTINGS, gone), seed=7)
    once = purchases(*[(f"u{n:02d}", float(3 * n), 5.0) for n in range(60)])
    with pytest.raises(TooLittleData, match="longer history"):
        check_churn(once, churn_terms(SETTINGS, once), seed=7)


def test_bounds_of_bands_are_the_shops_usual_risk_and_twice_its_odds(judged: ChurnCheck) -> None:
    medium, high = usual_bounds(judged)
    assert medium == pytest.approx(judged.figures["not_lapsed"]["churned"], abs=1e-4)
    assert high / (1 - high) == pytest.approx(2 * medium / (1 - medium), rel=1e-3)


def test_bands_and_lifecycles_by_hand() -> None:
    assert bands_of(np.array([0.0, 0.24, 0.25, 0.49, 0.5, 1.0]), (0.25, 0.5)).tolist() == [
        "low", "low", "medium", "medium", "high", "high",
    ]  # fmt: skip
    rows = [("steady", float(day), 1.0) for day in range(0, 200, 10)]
    rows += [("gone", float(day), 1.0) for day in range(0, 100, 10)]
    h = purchases(*rows, ("fresh", 198.0, 1.0), ("x", 200.0, 1.0))
    now = cut_at(h, h.as_of, TERMS, seed=7)
    ids = [h.user_ids[user] for user in now.rhythm.users.tolist()]
    for risk, steady in ((0.1, "active"), (0.9, "at-risk")):
        found = dict(zip(ids, lifecycles_of(now.rhythm, np.full(len(ids), risk), now.told, 0.5).tolist(), strict=True))
        assert (found["steady"], found["gone"], found["fresh"]) == (steady, "lapsed", "new")
        assert set(found.values()) <= set(LIFECYCLES)


def test_every_reason_has_words_in_both_languages() -> None:
    assert (reason_code("silence", 1), reason_code("silence", -1), reason_code("orders", -1)) == (
        "long_silence", None, "few_orders",
    )  # fmt: skip
    assert {reason_code(group, side) for group in GROUPS for side in (-1, 0, 1)} - {None} == set(REASON_CODES)
    profile = {
        "first_purchase": "2026-01-01T10:00:00.000Z", "last_purchase": datetime(2026, 3, 2, 10, tzinfo=UTC),
        "order_count": 4, "average_order_value": 23.5, "insight_as_of": {"churn": "2026-04-17T12:00:00.000Z"},
    }  # fmt: skip
    english, chinese = (reason_words(REASON_CODES, profile, language=language) for language in ("en", "zh"))
    assert english[0] == "no order for 46 days, since 2026-03-02 (usually one every 20 days)"
    assert chinese[0] == "自 2026-03-02 起已有 46 天没有下单（通常每 20 天一次）"
    assert len({*english, *chinese}) == 2 * len(REASON_CODES)
    for words in (*english, *chinese, *reason_words(REASON_CODES, {}, language="en")):
        assert "{" not in words
        assert "None" not in words
    assert reason_words(["of_tomorrow"], profile, language="en") == ["of_tomorrow"]


def test_a_card_tells_definition_figures_and_limits_in_two_languages(judged: ChurnCheck) -> None:
    card = churn_card(judged, 700, (0.25, 0.5))
    for words in ("3 times the user's own gap", "AUC", "Brier", "plain ratio", "no age, gender or place", "held out"):
        assert words in card["en"]
    for words in ("3 倍", "AUC", "不含年龄", "逻辑回归"):
        assert words in card["zh"]


def test_what_a_user_looked_at_counts() -> None:
    """Two users who bought alike; one keeps coming to look."""
    builder = HistoryBuilder()
    rows = [("looks", day) for day in (0, 20, 40)] + [("quiet", day) for day in (0, 20, 40)] + [("x", 100)]
    builder.add(
        Event(user_id=user, type="purchase", time=START + timedelta(days=day), product_id="p") for user, day in rows
    )
    builder.add(Event(user_id="looks", type="view", time=START + timedelta(days=day), product_id="p") for day in
                range(50, 99, 5))  # fmt: skip
    h = builder.build()
    now = cut_at(h, h.as_of, TERMS, seed=7)
    by_user = {h.user_ids[user]: row for row, user in enumerate(now.rhythm.users.tolist())}
    names = list(FEATURES)
    looks, quiet = now.values[by_user["looks"]], now.values[by_user["quiet"]]
    differ = {name for place, name in enumerate(names) if looks[place] != quiet[place]}
    assert differ == {"visits_lately", "visits_to_usual", "days_since_visit"}
