"""The bandit against a known truth, and what `apply` makes of the log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from profilestore.errors import UsageError
from profilestore.recommend.feedback.bandit import Bandit, Posteriors, choose
from profilestore.recommend.feedback.weighting import PRIOR_CLICKS, check_event_weights, factors_of

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
TRUTH = {"hybrid": 0.030, "popular": 0.020, "taste": 0.045, "text": 0.035}
LIST = 10


def regrets(seed: int, *, days: int, users: int, uniform: bool = False) -> np.ndarray:
    """The regret per impression of each day: what the best method would have earned, less what was chosen earns."""
    rng = np.random.default_rng(seed)
    evidence = dict.fromkeys(TRUTH, (0.0, 0.0))
    found = np.zeros(days)
    for day in range(days):
        posteriors = Posteriors(FIRST + timedelta(days=day), dict(evidence))
        for user in range(users):
            who = f"{seed}-{user}"
            method = sorted(TRUTH)[rng.integers(4)] if uniform else choose(posteriors, sorted(TRUTH), user_id=who)
            clicks, shown = evidence[method]
            evidence[method] = (clicks + rng.binomial(LIST, TRUTH[method]), shown + LIST)
            found[day] += (max(TRUTH.values()) - TRUTH[method]) / users
    return found


def test_regret_falls_and_is_below_that_of_choosing_at_random() -> None:
    runs = np.array([regrets(seed, days=20, users=60) for seed in range(25)])
    random = np.array([regrets(seed, days=20, users=60, uniform=True) for seed in range(25)])
    early, late = runs[:, :4].mean(axis=1), runs[:, -4:].mean(axis=1)
    half = 1.96 * (early - late).std(ddof=1) / 5
    assert (early - late).mean() - half > 0
    saved = random.mean(axis=1) - runs.mean(axis=1)
    assert saved.mean() - 1.96 * saved.std(ddof=1) / 5 > 0
    assert late.mean() < 0.4 * random.mean()


def test_a_user_keeps_the_choice_for_a_period_and_gets_another_draw_in_the_next() -> None:
    evidence = dict.fromkeys(TRUTH, (0.0, 0.0))
    today, tomorrow = (Posteriors(FIRST + timedelta(days=day), evidence) for day in (0, 1))
    chosen = [choose(today, ["text", "taste", "hybrid"], user_id=f"u{n}") for n in range(300)]
    assert chosen == [choose(today, ["hybrid", "taste", "text", "text"], user_id=f"u{n}") for n in range(300)]
    assert chosen != [choose(tomorrow, ["text", "taste", "hybrid"], user_id=f"u{n}") for n in range(300)]
    assert min(chosen.count(method) for method in ("text", "taste", "hybrid")) > 60  # nothing known: all alike


def test_what_is_sure_is_chosen() -> None:
    known = Posteriors(FIRST, {"text": (9000.0, 100_000.0), "taste": (12_000.0, 100_000.0)})
    assert {choose(known, ["text", "taste"], user_id=f"u{n}") for n in range(200)} == {"taste"}


class Store:
    """Records in memory, as of several processes."""

    def __init__(self) -> None:
        self.records: dict[str, dict] = {}

    def get(self, record: str) -> tuple[dict, None] | None:
        return ({"body": self.records[record]}, None) if record in self.records else None

    def put(self, record: str, kind: str, body: dict, *, new: bool) -> object:
        from types import SimpleNamespace

        if record in self.records:
            return SimpleNamespace(ok=False)
        self.records[record] = body
        return SimpleNamespace(ok=True)

    def list(self, kind: str) -> list[tuple[str, dict]]:
        return sorted((name, {"body": body}) for name, body in self.records.items())

    def delete(self, record: str) -> None:
        del self.records[record]


def test_posteriors_are_made_once_a_period_and_shared() -> None:
    store, asked = Store(), []

    def measure(since: datetime, until: datetime) -> dict[str, tuple[float, float]]:
        asked.append((since, until))
        return {"text": (float(len(asked)), 100.0)}

    def bandit() -> Bandit:
        return Bandit(store, measure=measure, period_hours=24, memory_days=30)  # type: ignore[arg-type]  # a stand-in

    first, second = bandit(), bandit()
    noon = FIRST + timedelta(hours=12)
    assert first.current(noon) == second.current(noon + timedelta(hours=11))
    assert asked == [(FIRST - timedelta(days=30), FIRST)]
    assert first.current(noon + timedelta(hours=12)).evidence == {"text": (2.0, 100.0)}
    for day in range(100):
        first.current(noon + timedelta(days=2 + day))
    assert len(store.records) == 60


# ---------------------------------------------------------------- apply


def test_little_data_changes_little_and_much_data_much() -> None:
    boosts = {"taste": 1.0, "text": 0.2}
    few = factors_of({"taste": (6, 100), "text": (2, 100)}, boosts)
    many = factors_of({"taste": (60_000, 1e6), "text": (20_000, 1e6)}, boosts)
    assert 1.0 < few["taste"] < 1.1
    assert many == pytest.approx({"taste": 1.5, "text": 0.5}, rel=0.01)
    assert few["taste"] == pytest.approx((6 + PRIOR_CLICKS) / (4 + PRIOR_CLICKS))


def test_spaces_that_were_not_shown_keep_their_boost() -> None:
    assert factors_of({}, {"taste": 1.0, "text": 1.0}) == {"taste": 1.0, "text": 1.0}
    assert factors_of({"popular": (9, 10), "text": (100, 1000)}, {"taste": 1.0, "text": 1.0}) == {
        "taste": 1.0,
        "text": 1.0,
    }


def test_no_space_is_scaled_to_nothing() -> None:
    found = factors_of({"taste": (1e6, 1e7), "text": (0, 1e7)}, {"taste": 1.0, "text": 1.0})
    assert found["text"] == 0.25


@pytest.mark.parametrize(
    "wrong", [{"viewed": 1.0}, {"view": -0.1}, {"cart_remove": 0.1}, {"view": float("nan")}, {"view": 1e9}]
)
def test_event_weights_that_cannot_be_meant_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        check_event_weights(wrong)


def test_a_refund_follows_its_purchase() -> None:
    assert check_event_weights({"purchase": 2.0}) == {"purchase": 2.0, "refund": -2.0}
    assert check_event_weights({"purchase": 2.0, "refund": -1.0})["refund"] == -1.0
