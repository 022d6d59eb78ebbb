"""The history of what users did: netting, cutting, consent, and that nothing sees the future."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from leaks import sees_the_future

from profilestore.documents import Event
from profilestore.insight.history import DAY_S, History
from profilestore.insight.reading import HistoryBuilder

START = datetime(2026, 1, 1, tzinfo=UTC)


def act(user: str, type: str, day: float, product: str | None = "p", **more: Any) -> Event:
    return Event(user_id=user, type=type, time=START + timedelta(days=day), product_id=product, **more)  # type: ignore[arg-type]  # a literal


def history(*events: Event, as_of: float | None = None, prices: dict[str, float] | None = None) -> History:
    builder = HistoryBuilder()
    for product_id, price in (prices or {}).items():
        builder.add_product(product_id, {"price": price, "category": "c"})
    builder.add(events)
    return builder.build(as_of=as_of)


def test_lines_of_one_order_are_one_order_and_those_of_one_instant_too() -> None:
    h = history(
        act("a", "purchase", 0, "p", price=2.0, quantity=3, order_id="1"),
        act("a", "purchase", 0.5, "q", price=1.0, order_id="1"),
        act("a", "purchase", 2, "p", price=5.0),
        act("a", "purchase", 2, "q", price=5.0),
        act("b", "purchase", 1, "p", price=9.0, order_id="1"),
    )
    orders = h.orders
    assert [h.user_ids[user] for user in orders.users] == ["a", "a", "b"]
    assert orders.amounts.tolist() == [7.0, 10.0, 9.0]
    assert orders.quantities.tolist() == [4.0, 2.0, 1.0]


def test_a_refund_counts_against_the_line_it_belongs_to() -> None:
    bought = [
        act("a", "purchase", 0, price=10.0, quantity=2, order_id="1"),
        act("a", "purchase", 5, price=10.0, quantity=2, order_id="2"),
    ]
    whole = history(*bought, act("a", "refund", 9, price=10.0, quantity=2))
    assert whole.orders.amounts.tolist() == [20.0]
    assert whole.orders.times.tolist() == [START.timestamp()]  # the later one was taken back
    told = history(*bought, act("a", "refund", 9, price=10.0, quantity=2, purchase_time=START))
    assert told.orders.times.tolist() == [(START + timedelta(days=5)).timestamp()]
    partly = history(*bought, act("a", "refund", 9, price=10.0, quantity=1))
    assert partly.orders.amounts.tolist() == [20.0, 10.0]
    over_both = history(*bought, act("a", "refund", 9, price=10.0, quantity=3))
    assert over_both.orders.amounts.tolist() == pytest.approx([10.0])


def test_a_refund_of_a_purchase_that_the_log_does_not_hold_counts_against_nothing() -> None:
    h = history(act("a", "refund", 1, price=50.0), act("a", "purchase", 2, price=10.0), act("b", "refund", 3, "q"))
    assert h.orders.amounts.tolist() == [10.0]
    assert len(history(act("a", "refund", 1, price=50.0)).orders) == 0


def test_at_a_cut_a_later_refund_is_not_known() -> None:
    h = history(
        act("a", "purchase", 0, price=10.0),
        act("a", "refund", 3, price=10.0, purchase_time=START),
    )
    assert len(h.orders) == 0
    then = h.before((START + timedelta(days=2)).timestamp())
    assert then.orders.amounts.tolist() == [10.0]
    assert then.as_of == (START + timedelta(days=2)).timestamp()


def test_the_end_is_a_millisecond_after_the_last_act_and_never_after_now() -> None:
    h = history(act("a", "purchase", 4, price=1.0))
    assert h.as_of == pytest.approx((START + timedelta(days=4)).timestamp() + 0.001)
    assert history().as_of <= datetime.now(UTC).timestamp()
    assert len(history()) == 0
    assert len(history().orders) == 0
    assert history().window is None


def test_attributes_rows_are_no_acts_and_do_not_move_the_end() -> None:
    row = Event(user_id="a", type="attributes", time=START + timedelta(days=50), user_fields={"age": 30})
    h = history(act("a", "view", 1), row)
    assert len(h) == 1
    assert h.as_of_time < START + timedelta(days=2)


def test_who_opted_out_is_in_nothing_but_a_count_and_the_latest_choice_counts() -> None:
    def choice(user: str, day: float, value: str) -> Event:
        fields = {"personalisation": value}
        return Event(user_id=user, type="attributes", time=START + timedelta(days=day), user_fields=fields)

    acts = [act(user, "purchase", 1, price=5.0) for user in ("a", "b", "c")]
    h = history(*acts, choice("a", 90, "off"), choice("b", 2, "on"), choice("b", 1, "off"), choice("x", 0, "off"))
    assert h.user_ids == ("b", "c")
    assert [h.user_ids[user] for user in h.orders.users] == ["b", "c"]
    assert h.left_out == 2
    # Consent holds at once, also for figures of an earlier time.
    assert history(*acts, choice("a", 90, "off"), as_of=START.timestamp() + 2 * DAY_S).user_ids == ("b", "c")


def test_the_order_in_which_events_come_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    events = [
        act(f"u{rng.integers(5)}", "purchase" if rng.random() < 0.8 else "refund", float(rng.integers(9)),
            f"p{rng.integers(3)}", price=float(rng.integers(1, 9)), order_id=str(rng.integers(20)))
        for _ in range(200)
    ]  # fmt: skip
    one, two = history(*events), history(*[events[i] for i in rng.permutation(len(events))])
    assert one.user_ids == two.user_ids
    for name in ("users", "products", "types", "times", "amounts", "order_keys"):
        assert getattr(one, name).tolist() == getattr(two, name).tolist(), name
    assert one.orders.amounts.tolist() == pytest.approx(two.orders.amounts.tolist())


def test_a_price_that_is_missing_is_that_of_the_product() -> None:
    h = history(act("a", "purchase", 0, quantity=2), act("a", "purchase", 1, "unknown"), prices={"p": 4.0})
    assert h.orders.amounts.tolist() == [8.0, 0.0]
    assert h.shelf.categories == ("c", "")


def test_a_planted_leak_is_found_and_an_honest_figure_is_not_accused() -> None:
    rng = np.random.default_rng(5)
    h = history(
        *[act(f"u{i % 7}", "purchase", float(rng.integers(100)), f"p{i % 5}", price=float(i + 1)) for i in range(300)]
    )
    middle = START.timestamp() + 50 * DAY_S

    def honest(of: History, time: float) -> Any:
        return np.bincount(of.before(time).orders.users, of.before(time).orders.amounts, len(of.user_ids))

    def leaking(of: History, time: float) -> Any:
        return np.bincount(of.orders.users, of.orders.amounts, len(of.user_ids))

    def leaking_by_a_day(of: History, time: float) -> Any:
        return honest(of, time + DAY_S)

    assert not sees_the_future(honest, h, middle)
    assert sees_the_future(leaking, h, middle)
    assert sees_the_future(leaking_by_a_day, h, middle)
