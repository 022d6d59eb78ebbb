"""Laws of the season clock and of the figures that churn is judged by."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from profilestore.insight.churn.seasons import SalePeriod, SeasonClock, sale_periods
from profilestore.insight.history import DAY_S
from profilestore.insight.ranking import Resamples

DAYS = st.floats(0.0, 1000.0)
PERIODS = st.lists(
    st.tuples(st.sampled_from("abc"), DAYS, st.floats(0.1, 60.0)).map(
        lambda sale: SalePeriod(sale[0], sale[1] * DAY_S, (sale[1] + sale[2]) * DAY_S)
    ),
    max_size=6,
)
LIFTS = st.dictionaries(st.sampled_from("abc"), st.floats(1.1, 10.0), max_size=3)
SCORES = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=4, max_size=60).filter(
    lambda rows: 0 < sum(happened for _, happened in rows) < len(rows)
)


@given(PERIODS, LIFTS, st.lists(DAYS, min_size=2, max_size=20))
def test_the_clock_goes_on_never_slower_than_the_calendar_and_can_be_read_backwards(
    periods: list[SalePeriod], lifts: dict[str, float], days: list[float]
) -> None:
    clock, times = SeasonClock(periods, lifts), np.sort(np.array(days)) * DAY_S
    ticks = clock.at(times)
    passed, elapsed = np.diff(ticks), np.diff(times) / DAY_S
    assert (passed >= elapsed - 1e-6).all()
    assert (passed <= elapsed * max(lifts.values(), default=1.0) + 1e-6).all()
    assert np.abs(clock.back(ticks) - times).max() < 1.0


@given(
    st.integers(1, 12),
    st.integers(1, 28),
    st.integers(0, 40),
    st.sampled_from(["UTC", "Asia/Shanghai", "Europe/London"]),
)
def test_a_yearly_sale_comes_once_a_year_and_lasts_as_long_as_it_says(
    month: int, day: int, length: int, zone: str
) -> None:
    first = np.datetime64(f"2023-{month:02d}-{day:02d}")
    last = str(first + np.timedelta64(length, "D"))[5:]
    start, stop = (np.datetime64(text, "s").astype(float) for text in ("2022-01-01", "2026-01-01"))
    found = sale_periods({"sale": f"{month:02d}-{day:02d}/{last}"}, start=start, stop=stop, zone=ZoneInfo(zone))
    assert len(found) in (4, 5)
    for period in found:
        assert abs((period.stop - period.start) / DAY_S - (length + 1)) < 1.1  # an hour of summer time, a leap day


@settings(max_examples=50)
@given(SCORES, st.integers(0, 3))
def test_auc_is_of_the_order_alone_and_turns_with_it(rows: list[tuple[int, bool]], seed: int) -> None:
    scores, outcome = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    drawn = Resamples(outcome, seed=seed)
    straight = drawn.auc(scores)
    assert np.array_equal(straight, drawn.auc(np.exp(scores) * 3.0 - 1.0), equal_nan=True)
    turned = drawn.auc(-scores)
    known = np.isfinite(straight)
    assert np.allclose(straight[known] + turned[known], 1.0)
    assert np.nanmin(straight) >= 0.0
    assert np.nanmax(straight) <= 1.0 + 1e-12
