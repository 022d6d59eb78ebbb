"""Conditions against a real server: elapsed days as a person counts them, in zones with and without summer time."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from elasticsearch import Elasticsearch

from profilestore.elastic.conditions import Compiler, at_moment, profile_fields
from profilestore.elastic.indices import init
from profilestore.settings import Settings

NOW = datetime(2026, 3, 31, 3, 30, tzinfo=UTC)  # summer time began in London on the 29th, in New York on the 8th
SIGNS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq}


@pytest.fixture
def client(settings: Settings) -> Iterator[Elasticsearch]:
    assert settings.elasticsearch_url is not None
    with Elasticsearch(settings.elasticsearch_url, request_timeout=60) as client:
        init(client, settings)
        yield client


def put(client: Elasticsearch, settings: Settings, profiles: dict[str, dict[str, Any]]) -> None:
    lines: list[dict[str, Any]] = []
    for user_id, fields in profiles.items():
        lines += [{"index": {"_id": user_id}}, {"user_id": user_id, "generation": "000001", **fields}]
    answer = client.bulk(index=settings.index("profiles"), operations=lines, refresh=True)
    assert answer["errors"] is False, answer


def found(
    client: Elasticsearch, settings: Settings, conditions: list[str], *, time_zone: str = "UTC", now: datetime = NOW
) -> list[set[str]]:
    compiler = Compiler(profile_fields(settings), time_zone=time_zone)
    searches: list[dict[str, Any]] = []
    for condition in conditions:
        searches += [{}, {"query": at_moment(compiler.query(condition), now), "size": 1000, "_source": False}]
    answer = client.msearch(index=settings.index("profiles"), searches=searches)
    return [{hit["_id"] for hit in response["hits"]["hits"]} for response in answer["responses"]]


@pytest.mark.parametrize("zone", ["UTC", "Europe/London", "America/New_York", "Asia/Shanghai", "Asia/Kathmandu"])
def test_elapsed_days_are_midnights_in_the_shops_zone(client: Elasticsearch, settings: Settings, zone: str) -> None:
    times = [NOW - timedelta(hours=7 * n, minutes=11 * (n % 6)) for n in range(-3, 140)]
    midnight = NOW.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0)
    for n in range(33):  # the last moment of a day and the first of the next
        start = (midnight - timedelta(days=n)).astimezone(UTC)
        times += [start - timedelta(milliseconds=1), start]
    users = {f"u{n}": time for n, time in enumerate(times)}
    put(client, settings, {user: {"last_purchase": time.isoformat()} for user, time in users.items()})
    today = NOW.astimezone(ZoneInfo(zone)).date()
    elapsed = {user: (today - time.astimezone(ZoneInfo(zone)).date()).days for user, time in users.items()}
    tests = [(sign, days) for sign in SIGNS for days in (-1, 0, 1, 2, 3, 22, 23, 30)]
    answers = found(client, settings, [f"recency_days {sign} {days}" for sign, days in tests], now=NOW, time_zone=zone)
    for (sign, days), answer in zip(tests, answers, strict=True):
        assert answer == {user for user, past in elapsed.items() if SIGNS[sign](past, days)}, (sign, days)


def test_the_servers_clock_counts_where_no_moment_is_given(client: Elasticsearch, settings: Settings) -> None:
    now = datetime.now(UTC)
    put(client, settings, {"new": {"last_purchase": (now - timedelta(days=29)).isoformat()},
                           "old": {"last_purchase": (now - timedelta(days=31)).isoformat()}, "none": {}})  # fmt: skip
    compiler = Compiler(profile_fields(settings))
    for condition, expected in (("recency_days <= 30", "new"), ("recency_days > 30", "old"),
                                ("last_purchase is unknown", "none")):  # fmt: skip
        answer = client.search(index=settings.index("profiles"), query=compiler.query(condition))
        assert [hit["_id"] for hit in answer["hits"]["hits"]] == [expected]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Shanghai"])
def test_dates_are_days_of_the_shop(client: Elasticsearch, settings: Settings, zone: str) -> None:
    start = datetime(2026, 3, 8, tzinfo=ZoneInfo(zone))  # 23 hours long in New York
    end = datetime(2026, 3, 9, tzinfo=ZoneInfo(zone))
    tick = timedelta(milliseconds=1)
    times = {"before": start.astimezone(UTC) - tick, "first": start, "last": end.astimezone(UTC) - tick, "after": end}
    put(client, settings, {user: {"last_seen": time.isoformat(), "signup_date": time.date().isoformat()}
                           for user, time in times.items()})  # fmt: skip
    day = "2026-03-08"
    on, upto, over, since, before, not_on = found(
        client,
        settings,
        [f"last_seen {sign} {day}" for sign in ("==", "<=", ">", ">=", "<", "!=")],
        time_zone=zone,
    )
    assert on == {"first", "last"}
    assert (upto, over) == ({"before", "first", "last"}, {"after"})
    assert (since, before) == ({"first", "last", "after"}, {"before"})
    assert not_on == {"before", "after"}
    (exact,) = found(client, settings, [f'last_seen == "{start.isoformat()}"'], time_zone=zone)
    assert exact == {"first"}
    put(client, settings, {"member": {"signup_date": day}})
    (members,) = found(client, settings, [f"signup_date == {day} and last_seen is unknown"], time_zone=zone)
    assert members == {"member"}


def test_every_kind_of_field_as_the_server_reads_it(client: Elasticsearch, settings: Settings) -> None:
    put(client, settings, {
        "a": {"age": 30, "spend_total": 500.0, "main_categories": ["gifts", "toys"], "event_counts": {"refund": 2},
              "attributes": {"size": 42, "shoe size": "9", "vip": True}, "gender": "female"},
        "b": {"age": 17, "spend_total": 499.99, "main_categories": ["toys"], "event_counts": {"view": 1}},
        "c": {"spend_total": 0.0, "gender": "male"},
    })  # fmt: skip
    expected = {
        "monetary >= 500": {"a"},
        "18 <= age <= 30": {"a"},
        "age != 30": {"b", "c"},
        "age != 30 and age is known": {"b"},
        "age > 16.5": {"a", "b"},
        "age in [17, 30]": {"a", "b"},
        '"gifts" in main_categories': {"a"},
        'main_categories in ["gifts", "toys"]': {"a", "b"},
        '"gifts" not in main_categories': {"b", "c"},
        "event_counts.refund == 0": {"b", "c"},
        "event_counts.refund != 0": {"a"},
        "attributes.size == 42": {"a"},
        'attributes["shoe size"] == "9"': {"a"},
        "attributes.vip == true": {"a"},
        'gender == "Female"': set(),
        'not (gender == "female" or age < 18)': {"c"},
    }
    answers = found(client, settings, list(expected))
    assert dict(zip(expected, answers, strict=True)) == expected


def test_the_deepest_condition_is_within_what_the_server_takes(client: Elasticsearch, settings: Settings) -> None:
    put(client, settings, {"a": {"age": 30}})
    negated = brackets = "event_counts.refund == 0"
    for _ in range(5):
        negated = f"age < 0 or age > 3 and not ({negated} or age > 90 and age < 0)"
    for _ in range(10):
        brackets = f"age < 0 or age > 3 and ({brackets})"
    wide = " or ".join(f"age == {n}" for n in range(500))
    assert found(client, settings, [brackets, wide, negated]) == [{"a"}, {"a"}, set()]
