"""The models of buying and spending find what was planted, and the forecast is honest about the future."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest
from bought import START_S, purchases, shop_of_buyers
from leaks import sees_the_future
from scipy.optimize import nnls

from profilestore.errors import TooLittleData
from profilestore.insight.history import DAY_S, History
from profilestore.insight.value.buying import BuyingModel, Repeats, fit_buying
from profilestore.insight.value.forecast import Mix, buyers_of, forecast, learn_mix, outcome
from profilestore.insight.value.lifetime import check_lifetime
from profilestore.insight.value.spending import SpendingModel, fit_spending

UTC = ZoneInfo("UTC")
MODEL = BuyingModel(r=0.8, alpha=6.0, a=0.9, b=4.0)


def lived(model: BuyingModel, users: int, *, weeks: float, later: float, seed: int = 3) -> tuple[Repeats, np.ndarray]:
    """Users who lived as the model says: their past, and how often each bought in the `later` weeks after it."""
    rng = np.random.default_rng(seed)
    past, after = [], []
    for _ in range(users):
        rate, leaving, age = rng.gamma(model.r) / model.alpha, rng.beta(model.a, model.b), rng.uniform(5, weeks)
        x = last = then = 0.0
        time = rng.exponential(1 / rate) if rate > 0 else np.inf
        while time < age + later:
            if time < age:
                x, last = x + 1, time
            else:
                then += 1
            if rng.random() < leaving:
                break
            time += rng.exponential(1 / rate)
        past.append((x, last, age))
        after.append(then)
    columns = np.array(past)
    return Repeats(columns[:, 0], columns[:, 1], columns[:, 2]), np.array(after)


def test_expectation_and_draws_agree_with_lives_lived_on() -> None:
    past, after = lived(MODEL, 6000, weeks=50, later=13)
    expected = MODEL.expected(past, weeks=13)
    assert expected.sum() == pytest.approx(after.sum(), rel=0.05)
    for few in (past.x == 0, (past.x > 0) & (past.x < 4), past.x >= 4):
        assert expected[few].sum() == pytest.approx(after[few].sum(), rel=0.12)
    drawn = MODEL.drawn(past, weeks=13, draws=200, rng=np.random.default_rng(1))
    assert drawn.mean() == pytest.approx(expected.mean(), rel=0.02)


def test_expectation_is_defined_where_the_closed_form_is_not() -> None:
    past = Repeats(np.array([0.0, 3.0, 2000.0]), np.array([0.0, 20.0, 49.9]), np.array([50.0, 30.0, 50.0]))
    at_one = BuyingModel(0.8, 6.0, 1.0, 4.0).expected(past, weeks=13)
    assert np.isfinite(at_one).all()
    near = BuyingModel(0.8, 6.0, 1.0001, 4.0).expected(past, weeks=13)
    assert at_one == pytest.approx(near, rel=1e-3)
    # The paper's closed form, for the second user and a away from 1.
    from scipy.special import hyp2f1

    a, b, r, alpha, x, last, age, t = 1.5, 4.0, 0.8, 6.0, 3.0, 20.0, 30.0, 13.0
    closed = (a + b + x - 1) / (a - 1) * (
        1 - ((alpha + age) / (alpha + age + t)) ** (r + x) * hyp2f1(r + x, b + x, a + b + x - 1, t / (alpha + age + t))
    ) / (1 + a / (b + x - 1) * ((alpha + age) / (alpha + last)) ** (r + x))  # fmt: skip
    one = Repeats(np.array([x]), np.array([last]), np.array([age]))
    assert BuyingModel(r, alpha, a, b).expected(one, weeks=t)[0] == pytest.approx(closed, rel=1e-3)


def test_what_was_planted_is_learned() -> None:
    past, after = lived(MODEL, 6000, weeks=50, later=13, seed=5)
    model = fit_buying(past)
    assert model.r / model.alpha == pytest.approx(MODEL.r / MODEL.alpha, rel=0.15)
    assert model.a / (model.a + model.b) == pytest.approx(MODEL.a / (MODEL.a + MODEL.b), rel=0.2)
    assert model.expected(past, weeks=13).sum() == pytest.approx(after.sum(), rel=0.07)
    alive = model.alive(past)
    assert alive[past.x == 0].min() == 1.0
    assert alive.min() >= 0.0
    # Who bought often and then stopped is rather gone than who is merely slow.
    rows = Repeats(np.array([20.0, 1.0]), np.array([10.0, 10.0]), np.array([50.0, 50.0]))
    gone, slow = model.alive(rows)
    assert gone < 0.05 < 0.2 < slow


def test_spending_leans_to_the_shop_where_a_user_is_hardly_known() -> None:
    rng = np.random.default_rng(4)
    count = rng.integers(1, 12, 4000).astype(float)
    nu = rng.gamma(4.0, 1.0 / 15.0, 4000)
    mean = np.array([rng.gamma(6.0 * n) / (rate * n) for n, rate in zip(count, nu, strict=True)])
    model = fit_spending(count, mean)
    assert (model.p, model.q) == pytest.approx((6.0, 4.0), rel=0.2)
    assert model.expected(count, mean).mean() == pytest.approx(mean.mean(), rel=0.03)
    usual = model.expected(np.array([0.0]), np.array([0.0]))[0]
    once, often = model.expected(np.array([1.0, 50.0]), np.array([200.0, 200.0]))
    assert usual < once < often < 200.0
    drawn = model.drawn(np.full((4, 20_000), 3), np.full(4, 50.0), np.full(4, 200.0), rng=rng)
    assert drawn.mean() == pytest.approx(3 * often, rel=0.03)
    assert SpendingModel(6.0, 4.0, 1.0, 10.0).drawn(np.zeros((1, 5), int), np.ones(1), np.ones(1), rng=rng).sum() == 0


def test_days_of_the_shop_are_counted_and_not_orders() -> None:
    h = purchases(("a", 0.1, 5.0), ("a", 0.9, 7.0), ("a", 10.0, 9.0), ("b", 3.0, 1.0))
    buyers = buyers_of(h, period_s=5 * DAY_S, zone=UTC)
    assert buyers.days.tolist() == [2.0, 1.0]
    assert buyers.mean.tolist() == [10.5, 1.0]
    assert buyers.past.x.tolist() == [1.0, 0.0]
    assert buyers.past.age[0] == pytest.approx(9.9 / 7, rel=1e-4)
    assert buyers.last_spend.tolist() == [9.0, 0.0]
    # 21.6 hours after midnight in London's winter is the next day in Shanghai.
    assert buyers_of(h, period_s=DAY_S, zone=ZoneInfo("Asia/Shanghai")).days.tolist() == [3.0, 1.0]
    bought, spent = outcome(h, buyers.users, start=START_S + DAY_S, stop=START_S + 20 * DAY_S, zone=UTC)
    assert (bought.tolist(), spent.tolist()) == ([1.0, 1.0], [9.0, 1.0])


def test_on_a_shop_that_buys_as_the_model_says_it_beats_last_period_and_covers_what_it_promises() -> None:
    h = shop_of_buyers(2500, days=400.0, seed=9)
    check = check_lifetime(h, horizon_s=90 * DAY_S, zone=UTC, seed=7)
    assert check.beats
    # Above 0.8, since most users spend exactly nothing, which no interval can hold by half.
    assert 0.78 < check.figures["covered"]["mean"] < 0.95
    assert len(check.calibration) == 10
    expected = [row["expected"] for row in check.calibration]
    assert expected == sorted(expected)
    assert check.calibration[-1]["actual"] > 3 * check.calibration[0]["actual"]
    assert check == check_lifetime(h, horizon_s=90 * DAY_S, zone=UTC, seed=7)


def test_nothing_of_it_sees_the_future() -> None:
    h = shop_of_buyers(300)
    cut, period = START_S + 250 * DAY_S, 60 * DAY_S

    def honest(of: History, at: float) -> object:
        known = of.before(at)
        mix = learn_mix(known, at - period, horizon_s=period, zone=UTC)
        made = forecast(known, weeks=8.0, period_s=period, mix=mix, zone=UTC, seed=1)
        return [made.spend, made.purchases, *made.interval]

    def planted(of: History, at: float) -> object:
        mix = learn_mix(of, at, horizon_s=period, zone=UTC)
        return forecast(of.before(at), weeks=8.0, period_s=period, mix=mix, zone=UTC, seed=1).spend

    assert not sees_the_future(honest, h, cut)
    assert sees_the_future(planted, h, cut)


def test_a_growth_seen_once_is_carried_on_by_its_root() -> None:
    rows = [(f"u{n:03d}", day, 10.0) for n in range(200) for day in (n % 30, 40 + n % 30)]
    grown = [(f"u{n:03d}", 90.0 + day, 40.0) for n in range(200) for day in (5.0, 35.0)]
    h = purchases(*rows, *grown, ("end", 150.0, 1.0))
    cut = START_S + 90 * DAY_S
    mix = learn_mix(h, cut, horizon_s=60 * DAY_S, zone=UTC)
    plain = forecast(h.before(cut), weeks=60 / 7, period_s=60 * DAY_S, mix=Mix(), zone=UTC, seed=1)
    _, spent = outcome(h, plain.buyers.users, start=cut, stop=cut + 60 * DAY_S, zone=UTC)
    seen = float(nnls(np.column_stack([plain.spend, plain.buyers.last_spend]), spent)[0].sum())
    assert seen > 2.0
    assert sum(mix.spend) == pytest.approx(seen**0.5, rel=1e-6)


def test_too_little_is_said() -> None:
    once = purchases(*[(f"u{n}", float(n), 5.0) for n in range(90)])
    with pytest.raises(TooLittleData, match="bought on two days"):
        forecast(once, weeks=4.0, period_s=30 * DAY_S, mix=Mix(), zone=UTC, seed=1)
    free = purchases(*[(f"u{n % 9}", float(n), 0.0) for n in range(90)])
    with pytest.raises(TooLittleData, match="needs prices"):
        forecast(free, weeks=4.0, period_s=30 * DAY_S, mix=Mix(), zone=UTC, seed=1)
    few = purchases(*[(f"u{n % 9}", float(n), 5.0) for n in range(90)])
    with pytest.raises(TooLittleData, match="needs 50 buyers"):
        check_lifetime(few, horizon_s=20 * DAY_S, zone=UTC, seed=1)
