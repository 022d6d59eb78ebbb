"""Conditions over profile fields: what is read, what is refused and where, and what query comes out."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profilestore.elastic.conditions import Compiler, at_moment, profile_fields
from profilestore.errors import ConditionError
from profilestore.settings import Settings

FIELDS = profile_fields(Settings())


def query(condition: str, **options: Any) -> dict[str, Any]:
    return Compiler(FIELDS, **options).query(condition)


def refusal(condition: str) -> ConditionError:
    with pytest.raises(ConditionError) as caught:
        query(condition)
    return caught.value


def test_the_condition_of_the_issue() -> None:
    assert query('monetary >= 500 and recency_days < 30 and "gifts" in main_categories') == {
        "bool": {
            "filter": [
                {"range": {"spend_total": {"gte": 500}}},
                {"range": {"last_purchase": {"gte": "now-29d/d", "time_zone": "UTC"}}},
                {"term": {"main_categories": "gifts"}},
            ]
        }
    }


def test_and_binds_more_than_or_and_not_more_than_both() -> None:
    written = "age > 1 or not age > 2 and age > 3"
    assert query(written) == query("age > 1 or ((not (age > 2)) and (age > 3))")
    assert query(written) != query("(age > 1 or not age > 2) and age > 3")
    assert query(written) != query("age > 1 or not (age > 2 and age > 3)")


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("30 > age", "age < 30"),
        ("18 <= age < 30", "age >= 18 and age < 30"),
        ('gender = "female"', 'gender == "female"'),
        ("gender == 'female'", 'gender == "female"'),
        ('"gifts" in main_categories', 'main_categories == "gifts"'),
        ('gender in ["female"]', 'gender == "female"'),
        ('gender not in ["female"]', 'not gender == "female"'),
        ('"gifts" not in main_categories', 'main_categories != "gifts"'),
        ("country is not known", "country is unknown"),
        ("age > 1 AND age < 3", "age > 1 and age < 3"),
        ("recency_days < 30", "days_since(last_purchase) < 30"),
        ("frequency >= 2", "order_count >= 2"),
        ("income > 1_000", "income > 1000"),
        ('attributes.size == "42"', "attributes.size == 42"),
        ('attributes["shoe size"] == "42"', 'attributes["shoe size"] in ["42"]'),
    ],
)
def test_two_ways_to_write_the_same(written: str, same: str) -> None:
    assert query(written) == query(same)


def test_texts_are_taken_as_they_are() -> None:
    assert query(r'city == "say \"hi\" \\ \'"'.replace(r"\'", "'")) == {"term": {"city": 'say "hi" \\ \''}}
    assert query('city == "上海"') == {"term": {"city": "上海"}}
    assert query('city == "* or 1 == 1"') == {"term": {"city": "* or 1 == 1"}}


def test_an_act_that_never_happened_has_the_count_zero() -> None:
    missing = {"bool": {"must_not": [{"exists": {"field": "event_counts.refund"}}]}}
    for condition in ("event_counts.refund == 0", "event_counts.refund < 3", "event_counts.refund in [0, 2]"):
        assert missing in query(condition)["bool"]["should"]
    assert query("event_counts.refund > 0") == {"range": {"event_counts.refund": {"gt": 0}}}


def test_a_given_moment_stands_for_now() -> None:
    now = datetime(2026, 3, 31, 12, tzinfo=UTC)
    current = query('recency_days > 30 and city == "now-30d/d"', time_zone="Europe/London")
    assert at_moment(current, now)["bool"]["filter"] == [
        {"range": {"last_purchase": {"lt": "2026-03-31T12:00:00.000Z||-30d/d", "time_zone": "Europe/London"}}},
        {"term": {"city": "now-30d/d"}},
    ]
    assert "now-30d/d" in str(current)


def test_days_without_a_time_are_compared_in_utc() -> None:
    ranges = query("signup_date == 2026-11-11", time_zone="America/New_York")["range"]["signup_date"]
    assert ranges == {"gte": "2026-11-11||/d", "lt": "2026-11-11||+1d/d", "time_zone": "UTC"}
    assert query("member_days < 7", time_zone="America/New_York")["range"]["signup_date"]["time_zone"] == "UTC"


@pytest.mark.parametrize(
    ("condition", "at", "says"),
    [
        (
            "monetry >= 500",
            0,
            r"no field `monetry`. Did you mean monetary\? Fields: age, attributes.NAME, .*tenure_days",
        ),
        ("age > 3 and foo == 1", 12, "no field `foo`"),
        ('monetary >= "a lot"', 12, "holds a number, and `a lot` is text"),
        ("gender == 5", 10, 'holds text, and 5 is a number: write "5"'),
        ('gender > "a"', 0, "neither more nor less"),
        ("recency_days < 1.5", 15, "whole number"),
        ("last_purchase > 5", 16, "a date such as 2026-11-11"),
        ("last_purchase > 2026-02-30", 16, "a date such as 2026-11-11"),
        ("days_since(age) < 3", 11, "is no date"),
        ("days_since(gender.x) < 3", 11, "no field"),
        ("recency_days in [1, 2]", 0, "holds days"),
        ("text_vector == 1", 0, "stored and cannot be searched"),
        ("category_shares.name == 'x'", 0, "stored and cannot be searched"),
        ("seen_products == 'x'", 0, "stored and cannot be searched"),
        ("attributes == 'x'", 0, "has fields of your own"),
        ('gender["x"] == "y"', 0, "has no keys"),
        ("age > 3000000000", 6, "beyond what the field can hold"),
        ("age > 1e999", 6, "beyond what the field can hold"),
        ("age >", 5, "found the end"),
        ("age > 3 age", 8, "expected and, or, or the end, and found `age`"),
        ("(age > 3", 8, r"expected `\)`"),
        ("age", 3, "expected ==, !=, <"),
        ("gender == female", 10, 'Put a text in quotes: "female"'),
        ("gender is female", 10, "expected known or unknown"),
        ("age in [1, 2", 12, r"expected `\]`"),
        ("age in []", 8, "expected a text in quotes, a number or a date"),
        ('city == "x', 8, "closing quote is missing"),
        ("city == “x”", 8, "straight quotes"),
        ("age > 3 && age < 5", 8, "write and"),
        ("age > 12.3.4", 6, "no number and no date"),
        ("__import__('os')", 10, "expected ==, !=, <"),
        ("", 0, "is empty"),
        ("(" * 50 + "age > 3" + ")" * 50, 10, "nested more than 10 deep"),
        ("not " * 3000 + "age > 3", 0, "longer than 10,000"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(condition: str, at: int, says: str) -> None:
    error = refusal(condition)
    assert error.at == at
    assert error.exit_code == 2
    assert re.search(says, str(error)), str(error)


def test_a_place_in_several_lines_has_its_line() -> None:
    assert str(refusal("age > 3\n  and foo == 1")).startswith("in line 2 at character 7: ")


def test_the_fields_listed_are_the_fields_that_can_be_used() -> None:
    kinds = {"text": '"x"', "number": "1", "date": "2026-11-11", "truth": "true", "days": "1"}
    for name in FIELDS.names:
        field = name.replace(".NAME", ".size")
        accepted = []
        for kind, value in kinds.items():
            try:
                query(f"{field} == {value}")
            except ConditionError:
                continue
            accepted.append(kind)
        assert len(accepted) >= 1, name
        assert query(f"{field} is known")["exists"]["field"] != ""


@given(st.text(max_size=80))
def test_no_text_makes_another_error(condition: str) -> None:
    try:
        query(condition)
    except ConditionError as error:
        assert 0 <= error.at <= len(condition)


WORDS = st.sampled_from(
    ["age", "gender", "and", "or", "not", "(", ")", "in", "is", "known", "[", "]", ",", "<", ">=", "==", "3", '"x"',
     "recency_days", "days_since", "2026-01-01", "attributes", "true"]
)  # fmt: skip


@given(st.lists(WORDS, max_size=25).map(" ".join))
def test_no_order_of_words_makes_another_error(condition: str) -> None:
    try:
        query(condition)
    except ConditionError as error:
        assert 0 <= error.at <= len(condition)
