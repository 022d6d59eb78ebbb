"""What churn means: each user's own gap, how long is waited for, and who waits for a sale."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from bought import START, START_S, purchases

from profilestore.documents import Event
from profilestore.errors import TooLittleData
from profilestore.insight.churn.rhythm import ChurnTerms, Rhythm, next_orders, rhythm_of
from profilestore.insight.history import DAY_S, History
from profilestore.insight.reading import HistoryBuilder

TERMS = ChurnTerms(3.0, (), ZoneInfo("UTC"))
SALES = ChurnTerms(3.0, (("618", "06-01/06-20"), ("11.11", "11-01/11-12")), ZoneInfo("UTC"))


def of(rhythm: Rhythm, history: History, user: str) -> int:
    return rhythm.users.tolist().index(history.user_ids.index(user))


def test_own_gaps_lean_to_the_usual_one_and_patience_is_three_of_them() -> None:
    often = [("often", float(day), 1.0) for day in range(0, 100, 5)]
    seldom = [("seldom", float(day), 1.0) for day in (0, 40, 80)]
    h = purchases(*often, *seldom, ("once", 90.0, 1.0), ("x", 100.0, 1.0))
    r = rhythm_of(h, TERMS)
    rows = {name: of(r, h, name) for name in ("often", "seldom", "once")}
    assert r.shop_gap == pytest.approx((5.0 + 40.0) / 2)
    assert r.own_gap[rows["often"]] == pytest.approx((95.0 + 22.5) / 20)
    assert r.own_gap[rows["seldom"]] == pytest.approx((80.0 + 22.5) / 3)
    assert r.own_gap[rows["once"]] == pytest.approx(22.5)
    assert r.patience[rows["often"]] == pytest.approx(3 * (95.0 + 22.5) / 20)
    assert r.patience[rows["seldom"]] == 90.0  # at most
    assert r.plain_gap[[rows["often"], rows["seldom"], rows["once"]]].tolist() == pytest.approx([5.0, 40.0, 22.5])
    assert r.plain_ratio[rows["often"]] == pytest.approx(1.0, abs=1e-4)
    assert (r.due - h.as_of)[rows["once"]] == pytest.approx(67.5 * DAY_S)


def test_the_same_silence_is_churn_for_one_and_not_for_another() -> None:
    often = [("often", float(day), 1.0) for day in range(0, 50, 4)]
    seldom = [("seldom", float(day), 1.0) for day in (0, 24, 48)]
    h = purchases(*often, *seldom, ("x", 78.0, 1.0))
    r = rhythm_of(h, TERMS)
    assert r.silence[of(r, h, "often")] == pytest.approx(r.silence[of(r, h, "seldom")], abs=0.01)
    assert [bool(r.lapsed[of(r, h, name)]) for name in ("often", "seldom", "x")] == [True, False, False]
    assert r.patience.min() >= 14.0
    assert rhythm_of(h, TERMS.for_span(40 * DAY_S)).patience.max() == 10.0  # a quarter of a short history


def test_what_was_sent_back_is_no_order_and_two_on_a_day_are_one() -> None:
    builder = HistoryBuilder()
    for day, kind in ((0.1, "purchase"), (0.3, "purchase"), (10.0, "purchase"), (12.0, "refund"), (20.0, "purchase")):
        builder.add([Event(user_id="a", type=kind, time=START + timedelta(days=day), product_id=f"p{day:.0f}" if kind ==
                           "purchase" else "p10", price=5.0, quantity=1)])  # fmt: skip
    r = rhythm_of(builder.build(), TERMS)
    assert r.days.tolist() == [2.0]
    assert r.last_gap[0] == pytest.approx(19.9)


def sale_shop(*, until: str) -> History:
    """`s` buys in every sale of two years, `n` every month, once in a sale; in sales everybody buys more."""
    builder, events = HistoryBuilder(), []
    stop = datetime.fromisoformat(until).replace(tzinfo=UTC)

    def buy(user: str, time: datetime) -> None:
        if time < stop:
            events.append(Event(user_id=user, type="purchase", time=time, product_id="p", price=1.0))

    for year in (2024, 2025):
        for month, day in ((6, 5), (11, 5)):
            buy("s", datetime(year, month, day, tzinfo=UTC))
            for number in range(60):
                buy(f"crowd{number}", datetime(year, month, 2 + number % 9, tzinfo=UTC))
        for month in range(1, 13):
            buy("n", datetime(year, month, 15, tzinfo=UTC))
            for number in range(15):
                buy(f"crowd{number + month}", datetime(year, month, 25, tzinfo=UTC))
    builder.add(events)
    return builder.build(as_of=stop.timestamp())


def test_who_buys_in_sales_is_waited_for_until_the_next_one_is_over() -> None:
    spring = sale_shop(until="2025-04-01")  # four and a half months after the last sale
    r = rhythm_of(spring, SALES)
    assert set(r.lifts) == {"618", "11.11"}
    s, n = of(r, spring, "s"), of(r, spring, "n")
    assert r.sale_shopper[[s, n]].tolist() == [True, False]
    assert r.in_sales[s] == 1.0
    assert r.silence[s] > r.patience[s]
    assert not r.lapsed[s]
    assert datetime.fromtimestamp(r.due[s], UTC).isoformat() == "2025-06-21T00:00:00+00:00"
    # Without a calendar the same silence is churn.
    plain = rhythm_of(spring, TERMS)
    assert plain.lapsed[of(plain, spring, "s")]
    # They came back in June: the label says so.
    whole = sale_shop(until="2025-08-01")
    assert next_orders(whole, r)[s] < r.due[s]


def test_who_buys_in_sales_alone_is_waited_for_also_where_the_shop_does_not_feel_them() -> None:
    whole = sale_shop(until="2025-04-01")
    ids = np.array(whole.user_ids)[whole.users]
    quiet = whole.picked(np.flatnonzero((ids == "s") | (ids == "n")))
    r = rhythm_of(quiet, SALES)
    assert r.lifts == {}
    s, n = of(r, quiet, "s"), of(r, quiet, "n")
    assert (r.sale_shopper[[s, n]].tolist(), r.lapsed[[s, n]].tolist()) == ([True, False], [False, False])
    assert r.in_sales[s] == 0.0  # what the shop does not feel is ordinary days


def test_who_let_a_sale_go_by_has_churned() -> None:
    autumn = sale_shop(until="2025-10-20")
    kept = [row for row in range(len(autumn)) if not (
        autumn.user_ids[autumn.users[row]] == "s" and autumn.times[row] > datetime(2025, 1, 1, tzinfo=UTC).timestamp()
    )]  # fmt: skip
    missed = autumn.picked(np.array(kept))
    r = rhythm_of(missed, SALES)
    s = of(r, missed, "s")
    assert r.sale_shopper[s]
    assert r.lapsed[s]  # no order in June 2025
    assert not rhythm_of(autumn, SALES).lapsed[of(r, autumn, "s")]


def test_a_silence_through_a_sale_is_longer() -> None:
    builder = HistoryBuilder()
    rng = np.random.default_rng(1)
    begins = datetime(2025, 6, 1, tzinfo=UTC)
    times = [START + timedelta(days=float(day)) for day in rng.uniform(0, 190, 3000)]
    times += [begins + timedelta(days=float(day)) for day in rng.uniform(0, 20, 900)]
    builder.add(Event(user_id=f"u{rng.integers(400)}", type="purchase", time=time, product_id="p") for time in times)
    builder.add([Event(user_id=user, type="purchase", time=begins + timedelta(days=day), product_id="p")
                 for user, day in (("before", -2.0), ("after", 21.0))])  # fmt: skip
    h = builder.build(as_of=(begins + timedelta(days=43)).timestamp())
    r = rhythm_of(h, SALES)
    assert r.lifts["618"] > 2.0
    silent = r.silence[[of(r, h, "before"), of(r, h, "after")]]
    assert silent[1] == pytest.approx(22.0)
    assert silent[0] == pytest.approx(25.0 + 20 * r.lifts["618"], rel=0.01)


def test_without_a_second_purchase_there_is_no_rhythm() -> None:
    with pytest.raises(TooLittleData, match="two days"):
        rhythm_of(purchases(("a", 0.0, 1.0), ("b", 3.0, 1.0)), TERMS)


def test_next_orders_are_of_after_the_cut() -> None:
    h = purchases(("a", 0.0, 1.0), ("a", 10.0, 1.0), ("b", 5.0, 1.0), ("a", 40.0, 1.0))
    r = rhythm_of(h.before(START_S + 20 * DAY_S), TERMS)
    assert ((next_orders(h, r) - START_S) / DAY_S).tolist() == [pytest.approx(40.0), np.inf]
