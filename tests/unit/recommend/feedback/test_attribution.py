"""Which click and purchase belongs to which impression."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from profilestore.elastic.feedback_log import LoggedAct
from profilestore.recommend.feedback.attribution import Figures, Unmatched, attribute

DAY = 86_400_000


def act(type: str, time: float, product: str = "p", user: str = "u", **more: Any) -> LoggedAct:
    return LoggedAct(user_id=user, type=type, time_ms=int(time * DAY), product_id=product, **more)


def figures(*acts: LoggedAct, window: float = 7.0, **times: Any) -> tuple[dict[Any, Figures], Unmatched]:
    unmatched = Unmatched()
    users = dict(attribute(acts, window_ms=int(window * DAY), unmatched=unmatched, **times))
    assert users.keys() <= {"u"}
    return users.get("u", {}), unmatched


def test_a_click_counts_once_and_a_page_drawn_twice_is_one_impression() -> None:
    shown = {"method": "taste", "position": 1, "request_id": "r"}
    found, unmatched = figures(
        act("impression", 0, **shown),
        act("impression", 0.1, **shown),
        act("click", 0.2, request_id="r"),
        act("click", 0.3, request_id="r"),
        act("click", 0.4),
    )
    assert found == {("taste", 1): Figures(impressions=1, clicks=1)}
    assert (unmatched.duplicate_clicks, unmatched.duplicate_impressions, unmatched.clicks) == (2, 1, {})


def test_a_click_without_a_request_goes_to_the_latest_impression_of_its_method() -> None:
    found, _ = figures(
        act("impression", 0, method="taste", position=1),
        act("impression", 1, method="text", position=3),
        act("click", 2, method="taste"),
    )
    assert found["taste", 1].clicks == 1
    assert found["text", 3].clicks == 0


def test_clicks_without_an_impression_are_listed_apart() -> None:
    found, unmatched = figures(
        act("impression", 0, method="taste", request_id="r"),
        act("click", 0.5, method="taste", request_id="other"),
        act("click", 0.6, product="q"),
        act("click", 9.0, method="taste", request_id="r"),
    )
    assert found == {("taste", None): Figures(impressions=1)}
    assert unmatched.clicks == {"taste": 2, "unknown": 1}


def test_a_click_dated_before_its_impression_belongs_to_it_by_request() -> None:
    found, unmatched = figures(
        act("click", 0, request_id="r"), act("impression", 0.001, method="taste", position=2, request_id="r")
    )
    assert found == {("taste", 2): Figures(impressions=1, clicks=1)}
    assert unmatched.clicks == {}


def test_a_purchase_belongs_to_what_was_clicked_before_what_was_only_shown() -> None:
    found, _ = figures(
        act("impression", 0, method="taste", position=1, request_id="a"),
        act("click", 0.1, request_id="a"),
        act("impression", 1, method="text", position=1, request_id="b"),
        act("purchase", 2),
        act("purchase", 3),
    )
    assert found["taste", 1] == Figures(impressions=1, clicks=1, conversions=1, bought_clicked=1)
    assert found["text", 1] == Figures(impressions=1)


def test_a_purchase_counts_within_the_window_and_of_that_product_only() -> None:
    shown = act("impression", 0, method="taste", position=1)
    for bought, expected in ((act("purchase", 7.0), 1), (act("purchase", 7.01), 0), (act("purchase", 1, "q"), 0)):
        assert figures(shown, bought)[0]["taste", 1].conversions == expected
    assert figures(act("purchase", -1), shown)[0]["taste", 1].conversions == 0


def test_only_impressions_of_the_time_count_and_earlier_ones_still_take_their_clicks() -> None:
    found, unmatched = figures(
        act("impression", 0, method="old", position=1, request_id="a"),
        act("impression", 2, method="new", position=1, request_id="b"),
        act("click", 2.5, request_id="a"),
        act("click", 2.6, request_id="none"),
        act("impression", 4, method="late", position=1),
        since=datetime(1970, 1, 2, tzinfo=UTC),
        until=datetime(1970, 1, 4, tzinfo=UTC),
    )
    assert found == {("new", 1): Figures(impressions=1)}
    assert unmatched.clicks == {"unknown": 1}


acts = st.lists(
    st.builds(
        act,
        st.sampled_from(["impression", "click", "purchase"]),
        st.floats(0, 30, allow_nan=False),
        st.sampled_from(["p", "q"]),
        st.sampled_from(["u", "v"]),
        request_id=st.sampled_from([None, "r", "s"]),
        method=st.sampled_from([None, "taste", "text"]),
        position=st.sampled_from([None, 0, 1]),
    ),
    max_size=40,
)


@given(acts)
def test_nothing_is_lost_or_counted_twice(given_acts: list[LoggedAct]) -> None:
    ordered = sorted(given_acts, key=lambda each: (each.user_id, each.time_ms))
    unmatched = Unmatched()
    users = dict(attribute(ordered, window_ms=7 * DAY, unmatched=unmatched))
    cells = [cell for figures in users.values() for cell in figures.values()]
    kinds = [each.type for each in given_acts]
    assert sum(cell.impressions for cell in cells) + unmatched.duplicate_impressions == kinds.count("impression")
    clicks = sum(cell.clicks for cell in cells) + unmatched.duplicate_clicks + sum(unmatched.clicks.values())
    assert clicks == kinds.count("click")
    assert sum(cell.conversions for cell in cells) <= kinds.count("purchase")
    assert all(cell.clicks <= cell.impressions and cell.bought_clicked <= cell.clicks for cell in cells)


def test_a_user_shown_very_much_holds_only_one_window() -> None:
    """A year of a robot's impressions: what is held at once is what one window has."""
    from profilestore.recommend.feedback.attribution import Attribution

    held = 0
    done: list[str] = []
    one = Attribution(window_ms=DAY, done=lambda shown: done.append(shown.product_id), unmatched=Unmatched())
    rng = random.Random(1)
    for hour in range(5000):
        one.take(act("impression", hour / 24, f"p{rng.randrange(50)}", request_id=f"r{hour}"))
        held = max(held, len(one._open))
    one.finish()
    assert held <= 26
    assert len(done) == 5000
