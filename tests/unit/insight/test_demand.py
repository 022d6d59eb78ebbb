"""The sales outlook: what counts as demand, how it is foretold, and whether it says so where it cannot."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from profilestore.documents import Event
from profilestore.errors import TooLittleData
from profilestore.ingest.sample import generate_shop
from profilestore.insight.demand.backtest import Kind as SeriesKind
from profilestore.insight.demand.backtest import origins_of, try_kind
from profilestore.insight.demand.bands import band_of
from profilestore.insight.demand.outlook import make_outlook
from profilestore.insight.demand.smoothing import METHODS, yearly_index
from profilestore.insight.demand.step import find_demand
from profilestore.insight.demand.yearly import find_seasons
from profilestore.insight.history import History
from profilestore.insight.reading import HistoryBuilder
from profilestore.insight.sales import WeeklySales, weekly_sales
from tests.unit.insight.leaks import sees_the_future

START = datetime(2025, 1, 6, tzinfo=UTC)
ZONE = ZoneInfo("UTC")


def act(day: float, pieces: float = 1.0, *, user: str = "u", product: str = "p", type: str = "purchase") -> Event:
    return Event(
        user_id=user, type=type, time=START + timedelta(days=day), product_id=product, quantity=pieces, price=1.0
    )


def history(*events: Event, as_of: float | None = None) -> History:
    builder = HistoryBuilder()
    builder.add(events)
    return builder.build(as_of=None if as_of is None else (START + timedelta(days=as_of)).timestamp())


def noise(series: int, weeks: int, *, seed: int = 3) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.poisson(rng.uniform(20.0, 60.0, (series, 1)), (series, weeks)).astype(np.float64)


def sales(pieces: np.ndarray[Any, Any]) -> WeeklySales:
    return WeeklySales(tuple(f"p{row:03d}" for row in range(len(pieces))), pieces, date(2026, 1, 5))


def test_what_is_taken_back_on_the_same_day_was_no_demand_and_a_later_return_is_none_the_less() -> None:
    told = weekly_sales(
        history(
            act(0.5, 80_000),
            act(0.51, 80_000, type="refund"),
            act(1.0, 3),
            act(9.0, 3, type="refund"),
            act(8.0, 2),
            as_of=14.0,
        ),
        ZONE,
    )
    assert told.pieces.tolist() == [[3.0, 2.0]]
    assert (told.starts_on, told.day_of(0), told.day_of(2)) == (date(2025, 1, 20), date(2025, 1, 6), date(2025, 1, 20))


def test_the_day_of_the_last_act_is_not_over_and_a_broken_first_week_is_left_out() -> None:
    told = weekly_sales(history(act(0.0, 7), act(3.0, 1), act(9.5, 1), act(10.2, 5)), ZONE)
    # Days 3 to 9 are a week; day 10 is not over, and days 0 to 2 are no week.
    assert told.pieces.tolist() == [[2.0]]


def test_a_day_is_one_of_the_shop_and_not_of_greenwich() -> None:
    late = history(act(6.9, 5), as_of=14.0)
    assert weekly_sales(late, ZONE).pieces.tolist() == [[0.0]]  # it was on the day before the last seven
    # In Shanghai it was the eighth day, and as_of is in the morning of the fifteenth.
    assert weekly_sales(late, ZoneInfo("Asia/Shanghai")).pieces.tolist() == [[5.0]]
    assert weekly_sales(late, ZoneInfo("Asia/Shanghai")).day_of(0) == date(2025, 1, 13)


def test_who_opted_out_is_in_the_sum_and_nowhere_else() -> None:
    builder = HistoryBuilder()
    builder.add(
        [act(0.5, 2, user="a"), act(1.5, 3, user="b"), act(1.6, 1, user="b", type="refund"), act(13.0, user="a")]
    )
    builder.add([Event(user_id="b", type="attributes", time=START, user_fields={"personalisation": "off"})])
    told = builder.build(as_of=(START + timedelta(days=14)).timestamp())
    assert told.user_ids == ("a",)
    assert weekly_sales(told, ZONE).pieces.tolist() == [[4.0, 1.0]]
    assert told.before((START + timedelta(days=1.55)).timestamp()).unnamed.pieces.tolist() == [3.0]
    assert not any("b" in str(value) for value in (told.unnamed.pairs, told.unnamed.products))


def test_no_week_knows_of_a_later_one_and_a_planted_leak_is_found() -> None:
    rng = np.random.default_rng(1)
    past = history(
        *(act(day, float(rng.integers(1, 9)), product=f"p{rng.integers(4)}") for day in rng.uniform(0, 70, 300))
    )
    at = (START + timedelta(days=42)).timestamp()
    assert not sees_the_future(lambda h, time: weekly_sales(h.before(time), ZONE).pieces, past, at)
    assert sees_the_future(lambda h, time: weekly_sales(h, ZONE).pieces[:, :7], past, at)


def test_a_forecast_of_earlier_weeks_is_the_same_whatever_came_later() -> None:
    pieces = noise(12, 40)
    other = pieces.copy()
    other[:, 30:] *= 9.0
    for name, method in METHODS.items():
        if not name.startswith("season"):
            assert np.array_equal(method(pieces[:, :30], 4), method(other[:, :30], 4)), name


def test_smoothing_is_the_exponentially_weighted_mean_since_the_first_sale() -> None:
    weeks = np.array([[0.0, 0.0, 4.0, 0.0, 8.0]])
    weights = 0.5 ** np.arange(2, -1, -1)
    assert METHODS["smoothing 0.5"](weeks, 2)[0] == pytest.approx(2 * [weights @ [4.0, 0.0, 8.0] / weights.sum()])
    assert METHODS["smoothing 0.5"](np.zeros((1, 5)), 2).tolist() == [[0.0, 0.0]]


def test_a_sparse_seller_is_foretold_by_how_often_and_how_much_and_fades() -> None:
    weeks = np.array([[6.0, 0.0, 0.0, 6.0, 0.0, 0.0, 6.0, 0.0, 0.0]])
    method = METHODS["sparse 0.1"]
    assert method(weeks, 1)[0, 0] == pytest.approx(2.0, rel=0.25)
    silent = np.hstack([weeks, np.zeros((1, 40))])
    assert method(silent, 1)[0, 0] < 0.1


def test_a_year_s_shape_is_told_from_the_slot_it_ends_in() -> None:
    year = np.zeros(52)
    year[10] = 52.0
    for shift in (0, 7):
        index = yearly_index(np.tile(year, 2)[None, shift:])
        assert (int(index.argmax()) + shift) % 52 == 10
    with pytest.raises(ValueError, match="52 weeks"):
        yearly_index(np.ones((1, 51)))


def test_steady_demand_is_foretold_better_than_by_the_last_week_and_four_of_five_weeks_are_inside() -> None:
    found = make_outlook(sales(noise(60, 45)), ["even" if row % 2 else "odd" for row in range(60)], seed=7)
    figures = found.trials["best sellers"].figures
    assert found.beats
    assert figures["mase"]["high"] < 1.0
    assert figures["gain"]["low"] > 0.0
    assert 0.72 <= figures["covered_week"]["mean"] <= 0.9
    assert 0.9 < figures["foretold_of_sold"] < 1.1
    inside = (found.products.total_low <= found.products.total) & (found.products.total <= found.products.total_high)
    assert inside.all()
    assert found.products.total == pytest.approx(found.products.expected.sum(axis=1))
    assert found.categories.keys == ("even", "odd")
    assert found.seasons == []


def test_what_wanders_is_not_foretold_better_than_by_its_last_week_and_that_is_said() -> None:
    rng = np.random.default_rng(5)
    walk = np.maximum(1.0, 500.0 + rng.normal(0.0, 20.0, (30, 45)).cumsum(axis=1))
    found = make_outlook(sales(walk), [""] * 30, seed=7)
    assert not found.beats


def test_the_same_sales_give_the_same_outlook() -> None:
    one, other = (make_outlook(sales(noise(8, 40)), ["a"] * 8, seed=7) for _ in range(2))
    assert np.array_equal(one.products.total_high, other.products.total_high)
    assert {name: trial.figures for name, trial in one.trials.items()} == {
        name: trial.figures for name, trial in other.trials.items()
    }


@pytest.mark.parametrize(
    ("pieces", "why"),
    [(noise(5, 12), "20 weeks"), (np.zeros((5, 40)), "50 pieces"), (np.full((1, 40), 9.0), "two products")],
)
def test_too_little_is_a_sentence(pieces: np.ndarray[Any, Any], why: str) -> None:
    with pytest.raises(TooLittleData, match=why):
        make_outlook(sales(pieces), [""] * len(pieces), seed=7)


def test_demand_that_never_changes_has_no_scale_and_is_too_little_to_check() -> None:
    with pytest.raises(TooLittleData, match="can be checked"):
        make_outlook(sales(np.full((4, 40), 9.0)), [""] * 4, seed=7)


def test_what_is_chosen_by_and_what_is_measured_on_are_apart() -> None:
    assert origins_of(19) is None
    for weeks in (20, 26, 53, 110):
        origins = origins_of(weeks)
        assert origins is not None
        assert origins.measuring[-1] == weeks - 4
        assert sum(week + 4 <= origins.measuring[0] for week in origins.choosing) >= 3


def test_the_method_is_chosen_from_the_past_alone() -> None:
    """The last weeks are made such that naive is perfect in them; what was chosen before does not change by it."""
    pieces = noise(20, 40)
    origins = origins_of(40)
    assert origins is not None
    changed = pieces.copy()
    changed[:, -4:] = 1000.0
    kind = SeriesKind("steady", lambda week: np.arange(20), ("smoothing 0.1", "smoothing 0.5"))
    plain, other = (try_kind(each, kind, origins, seed=7) for each in (pieces, changed))
    assert plain is not None
    assert other is not None
    assert plain.chosen == "smoothing 0.1"
    assert other.figures["mase"]["mean"] > 2 * plain.figures["mase"]["mean"]


def test_a_band_holds_four_of_five_of_what_is_like_what_it_was_made_of() -> None:
    rng = np.random.default_rng(2)
    made = rng.uniform(0.2, 80.0, 4000)
    band = band_of(made, rng.poisson(made).astype(np.float64))
    low, high = band.around(made)
    came = rng.poisson(made)
    assert 0.78 <= ((came >= low) & (came <= high)).mean() <= 0.9
    for size in (made < 5, made > 60):
        assert ((came >= low) & (came <= high))[size].mean() >= 0.75


def made_history(**planted: Any) -> tuple[History, dict[str, int]]:
    shop = generate_shop(users=200, products=150, events=3000, **planted)
    builder = HistoryBuilder()
    for product in shop.products:
        builder.add_product(product.product_id, product.model_dump())
    builder.add(shop.events)
    return builder.build(), shop.truth.seasonal_products


def test_planted_seasons_are_found_and_none_where_none_was_planted() -> None:
    past, truth = made_history(seasons=True)
    told = weekly_sales(past, ZONE)
    found = {told.keys[season.row]: season for season in find_seasons(told)}
    right = set(found) & set(truth)
    assert len(truth) == 24
    assert len(right) >= 0.9 * len(truth)
    assert len(right) >= 0.9 * len(found)
    assert sum(truth[product_id] in found[product_id].months for product_id in right) >= 0.9 * len(right)
    assert {season.kind for season in found.values()} == {"yearly"}
    shuffled = np.random.default_rng(0).permuted(told.pieces, axis=1)
    assert len(find_seasons(WeeklySales(told.keys, shuffled, told.starts_on))) <= 2


def test_one_year_is_never_called_yearly() -> None:
    past, _ = made_history(seasons=True)
    told = weekly_sales(past, ZONE).until(70)
    assert {season.kind for season in find_seasons(told)} == {"one year"}
    assert find_seasons(told.until(51)) == []


def test_planting_seasons_leaves_the_shop_as_it_is() -> None:
    plain, planted = (generate_shop(users=30, products=80, events=300, seasons=seasons) for seasons in (False, True))
    assert (plain.products, plain.users) == (planted.products, planted.users)
    rest = [event for event in planted.events if event.order_id is None or not event.order_id.startswith("p")]
    assert [event.model_dump(exclude={"event_id"}) for event in rest] == [
        event.model_dump(exclude={"event_id"}) for event in plain.events
    ]
    assert plain.truth.seasonal_products == {}


def test_a_history_without_sales_is_too_little() -> None:
    with pytest.raises(TooLittleData):
        find_demand(history(act(0.0, type="view"), act(200.0, type="view")), zone=ZONE, seed=7)
