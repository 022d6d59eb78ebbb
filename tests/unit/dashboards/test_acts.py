"""Acts as documents: what an event, its user and its product make of them, worked out on paper."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from profilestore.dashboards.refresh.acts import Person, describe_acts, words_of
from profilestore.dashboards.refresh.figures import retention_figures
from profilestore.dashboards.refresh.lists import describe_list
from profilestore.dashboards.refresh.sales import sales_of
from profilestore.dashboards.refresh.shelf import Shelf, is_new
from profilestore.dashboards.refresh.told import Told
from profilestore.documents import ActivityDocument, Event

SHANGHAI = ZoneInfo("Asia/Shanghai")
SHELF = Shelf(
    [
        ("a", {"title": "red mug", "category": "Kitchen", "brand": "B", "price": 4.0, "main_topics": ["t"],
               "listed": "2026-01-01"}),
        ("b", {"title": "red mug"}),
        ("c", {"title": "x" * 300, "deleted": True}),
        ("d", {}),
    ]
)  # fmt: skip
NOBODY = Person.of({}, scorer="s", place="p")


def described(*events: Event, person: Person = NOBODY, told: Told | None = None) -> dict[str, dict[str, Any]]:
    numbered = list(enumerate(events))
    found = describe_acts(numbered, person=person, shelf=SHELF, zone=SHANGHAI, told=told or Told())
    for source in found.values():
        ActivityDocument(**source)
    return found


def act(id: str, type: str, time: str, **more: Any) -> Event:
    return Event(event_id=id, user_id="u", type=type, time=time, **more)  # type: ignore[arg-type]  # a literal by construction


def test_one_purchase_on_paper() -> None:
    """16:30 of Sunday in UTC is half past midnight of Monday in Shanghai, and of another month."""
    bought = act("e", "purchase", "2026-05-31T16:30:00Z", product_id="a", quantity=2, discount=1.0, channel="app")
    person = Person.of({"segment": "s", "value_tier": "high", "churn_band": "low"}, scorer="", place="")
    (source,) = described(bought, person=person).values()
    key = source.pop("order_key")
    assert len(key) == 16
    assert source == {
        "event_id": "e", "user_id": "u", "type": "purchase", "time": "2026-05-31T16:30:00.000Z", "seq_no": 0,
        "what": "red mug · a", "product": "red mug · a", "product_id": "a", "title": "red mug", "category": "Kitchen",
        "brand": "B", "topics": ["t"], "product_state": SHELF.get("a").state, "new_product": False,
        "quantity": 2.0, "revenue": 7.0, "order_number": 1, "first_purchase": True, "attributed": False,
        "first_act": True, "hour": 0, "weekday": 1, "cohort_month": "2026-06", "cohort_age": 0, "channel": "app",
        "segment": "s", "value_tier": "high", "churn_band": "low", "state": person.state,
    }  # fmt: skip


def test_cohorts_begin_with_the_first_purchase_and_know_what_was_before() -> None:
    found = described(
        act("view", "view", "2025-12-30T00:00:00Z", product_id="d"),
        act("first", "purchase", "2026-01-31T20:00:00Z", product_id="a"),
        act("later", "purchase", "2027-03-01T00:00:00Z", product_id="a"),
        act("back", "refund", "2027-03-02T00:00:00Z", product_id="a", price=4.0),
    )
    assert {id: (each["cohort_month"], each["cohort_age"]) for id, each in found.items()} == {
        "view": ("2026-02", -2), "first": ("2026-02", 0), "later": ("2026-02", 13), "back": ("2026-02", 13)
    }  # fmt: skip
    assert [found[id]["order_number"] for id in ("first", "later")] == [1, 2]
    assert found["back"]["revenue"] == -4.0
    assert "attributed" not in found["back"]
    assert (found["view"]["what"], found["view"]["first_act"]) == ("d", True)
    assert "cohort_month" not in described(act("v", "view", "2026-01-01T00:00:00Z", product_id="d"))["v"]


def test_attributes_are_no_acts_and_nothing_of_a_user_stands_in_one() -> None:
    said = act("s", "attributes", "2026-01-01T00:00:00Z", user_fields={"city": "Leeds", "age": 33})
    assert described(said) == {}
    assert list(described(said, act("v", "view", "2026-01-02T00:00:00Z", product_id="a"))) == ["v"]


def test_a_sale_belongs_to_the_last_click_on_its_product_within_seven_days() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)

    def at(hours: float, type: str, product: str = "a", **more: Any) -> Event:
        return act(
            f"{type}{hours}{product}", type, (start + timedelta(hours=hours)).isoformat(), product_id=product, **more
        )

    week = 7 * 24.0
    events = [
        at(0, "click", method="text"), at(1, "impression", method="taste", request_id="r"),
        at(2, "click", request_id="r"), at(3, "purchase"), at(3, "purchase", "b"),
        at(2 + week, "purchase"), at(2.001 + week, "purchase"),
        at(400, "click", "b"), at(400, "purchase", "b"), at(500, "purchase", "d"), at(501, "click", "d", method="new"),
    ]  # fmt: skip
    found = {id: method for id, (_, _, method) in sales_of(events).items()}
    assert found == {
        "purchase3a": "taste", "purchase3b": None, f"purchase{2 + week}a": "taste", f"purchase{2.001 + week}a": None,
        "purchase400b": "unknown", "purchase500d": None,
    }  # fmt: skip


def test_impressions_and_clicks_have_a_method_and_clicks_are_repeated_by_request() -> None:
    day = "2026-03-01T10:0"
    found = described(
        act("1", "impression", f"{day}0:00Z", product_id="a", method="taste", request_id="r", position=3),
        act("2", "click", f"{day}1:00Z", product_id="a", request_id="r"),
        act("3", "click", f"{day}2:00Z", product_id="a", request_id="r", method="taste"),
        act("4", "click", f"{day}3:00Z", product_id="a", method="text"),
        act("5", "view", f"{day}4:00Z", product_id="a", method="text"),
    )
    assert [found[id].get("method") for id in "12345"] == ["taste", "unknown", "taste", "text", None]
    assert [found[id].get("repeated") for id in "2345"] == [False, True, False, None]
    assert found["1"]["position"] == 3


def test_lines_of_one_order_share_its_number() -> None:
    day = "2026-03-01T10:00:00Z"
    events = [
        act("1", "purchase", day, product_id="a"), act("2", "purchase", day, product_id="b"),
        act("3", "purchase", "2026-03-01T11:00:00Z", product_id="a", order_id="o"),
        act("4", "purchase", "2026-03-02T11:00:00Z", product_id="b", order_id="o"),
    ]  # fmt: skip
    found = sales_of(events)
    assert [found[id][1] for id in "1234"] == [1, 1, 2, 2]
    assert found["1"][0] == found["2"][0] != found["3"][0] == found["4"][0]
    other = Event(event_id="9", user_id="v", type="purchase", time=day, product_id="a")
    assert sales_of([other])["9"][0] != found["1"][0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("  Red\n MUG ", "red mug"), ("me@example.org", None), ("call 0171/555 12 34", None),
        ("call 0171 555-12-34", None), ("(0171) 5551234", None), ("iphone 15 128", "iphone 15 128"),
        ("红色 连衣裙", "红色 连衣裙"),
    ],
)  # fmt: skip
def test_words_of_a_search(text: str, words: str | None) -> None:
    assert words_of(act("s", "search", "2026-01-01T00:00:00Z", text=text)) == words


@pytest.mark.parametrize(
    ("said", "known"), [(0, True), (3, False), ("0", True), ("12", False), ("many", None), (True, None), (None, None)]
)
def test_a_search_without_result_is_one_of_which_the_app_says_so(said: Any, known: bool | None) -> None:
    given = {} if said is None else {"attributes": {"results": said}}
    source = described(act("s", "search", "2026-01-01T00:00:00Z", text="mug", **given))["s"]
    assert source.get("no_result") is known
    assert "query" not in source  # whether it is shown depends on what others searched for


def test_who_opted_out_has_nothing_but_facts() -> None:
    profile = {"personalisation": "off", "segment": "s", "value_tier": "high", "churn_band": "low", "lifecycle": "new"}
    person = Person.of(profile, scorer="x", place="")
    told = Told(score=lambda texts: [(1.0, "positive")] * len(texts))
    review = act("r", "review", "2026-01-01T00:00:00Z", product_id="a", text="good", rating=5)
    (source,) = described(review, person=person, told=told).values()
    assert source["personalisation"] == "off"
    assert not source.keys() & {"segment", "value_tier", "churn_band", "lifecycle", "sentiment", "sentiment_label"}
    (other,) = described(review, told=told).values()
    assert (other["sentiment"], other["sentiment_label"]) == (1.0, "positive")


def test_a_new_classifier_scores_reviews_again_and_nothing_else() -> None:
    reviewer, other = {"event_counts": {"review": 1}}, {"event_counts": {"view": 1}}
    assert Person.of(reviewer, scorer="1", place="").state != Person.of(reviewer, scorer="2", place="").state
    off = {**reviewer, "personalisation": "off"}
    for each in (other, off):
        assert Person.of(each, scorer="1", place="").state == Person.of(each, scorer="2", place="").state
    assert Person.of(other, scorer="1", place="Europe/Paris").state != Person.of(other, scorer="1", place="UTC").state


def test_names_on_the_shelf() -> None:
    assert [SHELF.get(id).label for id in "abcd"] == ["red mug · a", "red mug · b", "x" * 60, "d"]
    assert SHELF.get("nobody").label == "nobody"
    assert (SHELF.on_sale, len(SHELF.get("c").title or "")) == (3, 200)
    assert [is_new(SHELF.get("a"), date(2026, 1, 1) + timedelta(days=n)) for n in (-1, 0, 30, 31)] == [
        False,
        True,
        True,
        False,
    ]
    assert is_new(SHELF.get("b"), date(2026, 1, 1)) is None


def test_a_list_in_words() -> None:
    source = {
        "products": ["a", "d", "z"], "as_of": "2026-01-20T10:00:00Z",
        "items": [
            {"product_id": "a", "title": "old", "price": 1234.5, "reasons": [{"words": "because you bought tea"}]},
            {"product_id": "d", "title": None, "price": None}, {"product_id": "z", "title": "gone", "price": 2},
        ],
    }  # fmt: skip
    profile = {"segment": "s", "category": "Kitchen", "age": 33}
    assert describe_list(source, profile, SHELF, currency="GBP") == {
        "segment": "s", "category": "Kitchen", "catalogue": 3, "new_share": 0.333333,
        "product_names": ["red mug · a", "d", "z"],
        "lines": ["01 · red mug · 1,234.50 GBP · because you bought tea", "02 · d", "03 · gone · 2.00 GBP"],
    }  # fmt: skip
    off = describe_list(source, {**profile, "personalisation": "off"}, SHELF, currency="GBP")
    assert off.keys() == {"catalogue", "new_share"}


def test_cohorts_are_followed_to_the_last_month_and_two_years_at_most() -> None:
    until = datetime(2026, 3, 31, 20, tzinfo=UTC)  # April in Shanghai
    buyers = [
        ("2026-02", [0, 2], ("s", None, None)), ("2026-02", [0, 1], ("s", None, None)),
        ("2026-02", [0], (None, None, None)), ("2020-01", [0, 30], (None, "high", "Kitchen")),
    ]  # fmt: skip
    found = list(retention_figures(buyers, until=until, zone=SHANGHAI).values())
    ours = sorted((f["cohort_age"], f["users"], f["active"]) for f in found if f.get("segment") == "s")
    assert ours == [(0, 2, 2), (1, 2, 1), (2, 2, 1)]
    assert {f["time"] for f in found if f["cohort_month"] == "2026-02" and f["cohort_age"] == 2} == {
        "2026-03-31T16:00:00.000Z"
    }
    assert max(f["cohort_age"] for f in found) == 24
    assert sum(f["active"] for f in found if f["cohort_month"] == "2020-01") == 1
