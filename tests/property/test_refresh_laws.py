"""Laws of the acts that dashboards show: no order of reading matters, every act is there once, money adds up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from profilestore.dashboards.refresh.acts import Person, describe_acts
from profilestore.dashboards.refresh.sales import WINDOW, sales_of
from profilestore.dashboards.refresh.shelf import Shelf
from profilestore.dashboards.refresh.told import Told
from profilestore.documents import Event

START = datetime(2026, 3, 1, tzinfo=UTC)
SHELF = Shelf((f"p{n}", {"title": f"mug {n % 2}", "price": n + 0.5}) for n in range(3))
TYPES = ("view", "purchase", "refund", "click", "impression", "attributes")


@st.composite
def acts(draw: st.DrawFn) -> list[tuple[int, Event]]:
    """Some acts of one user, several at the same instants."""
    found: list[tuple[int, Event]] = []
    for number in range(draw(st.integers(0, 25))):
        type = draw(st.sampled_from(TYPES))
        more: dict[str, Any] = {"user_fields": {"city": "x"}} if type == "attributes" else {
            "product_id": f"p{draw(st.integers(0, 3))}"
        }  # fmt: skip
        if type in ("click", "impression"):
            more |= {
                "method": draw(st.sampled_from([None, "taste", "text"])),
                "request_id": draw(st.sampled_from([None, "r"])),
            }
        if type in ("purchase", "refund"):
            more |= {"quantity": draw(st.integers(1, 3)), "price": draw(st.sampled_from([None, 2.0, 3.25]))}
            more |= {"order_id": draw(st.sampled_from([None, "o1", "o2"]))}
        hours = draw(st.integers(0, 24 * 12))
        event = Event(event_id=f"e{number}", user_id="u", type=type, time=START + timedelta(hours=hours), **more)
        found.append((number, event))
    return found


def described(events: list[tuple[int, Event]]) -> dict[str, dict[str, Any]]:
    person = Person.of({}, scorer="", place="")
    return describe_acts(events, person=person, shelf=SHELF, zone=ZoneInfo("America/New_York"), told=Told())


@given(acts(), st.randoms())
def test_the_order_of_reading_does_not_matter_and_every_act_is_there_once(
    events: list[tuple[int, Event]], chance: Any
) -> None:
    found = described(events)
    assert found.keys() == {event.event_id for _, event in events if event.type != "attributes"}
    assert sum(source["first_act"] for source in found.values()) == min(1, len(found))
    mixed = list(events)
    chance.shuffle(mixed)
    assert described(mixed) == found


@given(acts())
def test_money_adds_up_and_orders_are_numbered_without_a_gap(events: list[tuple[int, Event]]) -> None:
    found = described(events)
    total = 0.0
    for _, event in events:
        if event.type in ("purchase", "refund"):
            price = (SHELF.get(event.product_id or "").price or 0.0) if event.price is None else event.price
            total += (1 if event.type == "purchase" else -1) * price * (event.quantity or 1)
    assert abs(sum(source.get("revenue", 0.0) for source in found.values()) - total) < 1e-9
    numbers: dict[str, int] = {}
    for source in found.values():
        if "order_key" in source:
            assert numbers.setdefault(source["order_key"], source["order_number"]) == source["order_number"]
            assert source["first_purchase"] == (source["order_number"] == 1)
    assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))


@given(acts())
def test_a_sale_follows_a_recommendation_where_a_click_says_so(events: list[tuple[int, Event]]) -> None:
    only = [event for _, event in events]
    sales = sales_of(only)
    for event in only:
        if event.type == "purchase":
            near = [
                click for click in only
                if click.type == "click" and click.product_id == event.product_id
                and timedelta() <= event.time - click.time <= WINDOW
            ]  # fmt: skip
            assert (sales[event.event_id][2] is not None) == (len(near) > 0)
