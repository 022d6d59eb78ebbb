"""The calendar of sales, how lively they are, and the clock on which they are ordinary days."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from profilestore.errors import SettingsError
from profilestore.insight.churn.seasons import SalePeriod, SeasonClock, learn_lifts, sale_periods
from profilestore.insight.history import DAY_S
from profilestore.settings import DEFAULT_SALE_SEASONS, Settings

ZONE = ZoneInfo("Asia/Shanghai")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def days_of(seasons: dict[str, str], start: str, stop: str) -> list[tuple[str, str, str]]:
    periods = sale_periods(seasons, start=at(start), stop=at(stop), zone=ZONE)
    return [
        (
            period.season,
            *(f"{datetime.fromtimestamp(edge, ZONE):%Y-%m-%d %H:%M}" for edge in (period.start, period.stop)),
        )
        for period in periods
    ]


def test_the_default_sales_come_every_year_in_the_days_of_the_shop() -> None:
    assert set(DEFAULT_SALE_SEASONS) == {"618", "11.11", "christmas"}
    assert days_of(dict(DEFAULT_SALE_SEASONS), "2025-05-01", "2026-06-10") == [
        ("618", "2025-06-01 00:00", "2025-06-21 00:00"),
        ("11.11", "2025-11-01 00:00", "2025-11-13 00:00"),
        ("christmas", "2025-12-01 00:00", "2025-12-27 00:00"),
        ("618", "2026-06-01 00:00", "2026-06-21 00:00"),
    ]


def test_a_sale_may_go_on_into_the_next_year_come_once_or_begin_on_a_leap_day() -> None:
    assert days_of({"new year": "12-26/01-05"}, "2026-01-01", "2026-02-01") == [
        ("new year", "2025-12-26 00:00", "2026-01-06 00:00")
    ]
    spring = {"spring festival": "2025-01-14/2025-01-28, 2026-02-01/2026-02-16"}
    assert [row[1][:10] for row in days_of(spring, "2024-01-01", "2027-01-01")] == ["2025-01-14", "2026-02-01"]
    assert [row[1][:10] for row in days_of({"leap": "02-29/03-01"}, "2023-01-01", "2025-01-01")] == [
        "2023-02-28", "2024-02-29",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ("soon", "first and last day such as"),
        ("11-01", "first and last day such as"),
        ("13-01/13-05", "first and last day such as"),
        ("11-01/11-12,", "first and last day such as"),
        ("02-30/03-01", "no calendar"),
        ("2025-11-01/11-12", "both ends"),
        ("2025-11-12/2025-11-01", "before the first"),
    ],
)
def test_days_that_are_none_are_refused(days: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        Settings.load(sale_seasons={"sale": days})


def test_the_calendar_and_the_bands_are_settings() -> None:
    assert Settings.load(sale_seasons={}).sale_seasons == {}
    assert Settings.load(sale_seasons={"mine": "03-01/03-05"}).sale_seasons == {"mine": "03-01/03-05"}
    with pytest.raises(SettingsError, match="two risks in order"):
        Settings.load(churn_bands=(0.6, 0.4))


def test_how_lively_a_sale_is_is_learned_and_one_that_is_not_felt_is_left_out() -> None:
    start, stop = at("2025-01-01"), at("2026-01-01")
    rng = np.random.default_rng(1)
    usual = rng.uniform(start, stop, 6000)
    sale = rng.uniform(at("2025-06-01"), at("2025-06-21"), 2 * 6000 * 20 // 365)
    periods = sale_periods({"618": "06-01/06-20", "other": "03-01/03-20", "unseen": "2026-02-01/2026-02-10"},
                           start=start, stop=stop + 100 * DAY_S, zone=ZoneInfo("UTC"))  # fmt: skip
    lifts = learn_lifts(np.r_[usual, sale], periods, start=start, stop=stop)
    assert set(lifts) == {"618"}
    assert lifts["618"] == pytest.approx(3.0, rel=0.15)
    # On the third day of it two days are known: too few to say.
    early = at("2025-06-03")
    times = np.r_[usual, sale]
    assert learn_lifts(times[times < early], periods, start=start, stop=early) == {}


def test_a_day_of_a_sale_counts_for_as_many_as_it_is_livelier() -> None:
    periods = [SalePeriod("a", 10 * DAY_S, 20 * DAY_S), SalePeriod("b", 15 * DAY_S, 25 * DAY_S)]
    clock = SeasonClock(periods, {"a": 3.0, "b": 2.0})
    ticks = clock.at(np.array([5.0, 10.0, 12.0, 20.0, 25.0, 30.0]) * DAY_S)
    assert np.diff(ticks).tolist() == pytest.approx([5.0, 6.0, 24.0, 10.0, 5.0])
    assert clock.back(ticks).tolist() == pytest.approx([day * DAY_S for day in (5, 10, 12, 20, 25, 30)])
    plain = SeasonClock(periods, {})
    assert np.diff(plain.at(np.array([0.0, 100.0]) * DAY_S)).tolist() == pytest.approx([100.0])
