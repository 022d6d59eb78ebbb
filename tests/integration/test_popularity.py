"""Popularity and trending, derived from a real event log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from profilestore.documents import Event
from profilestore.elastic.event_log import EventLog
from profilestore.elastic.indices import init
from profilestore.indexing import popularity
from profilestore.indexing.popularity import popularity_as_of, refresh_popularity, refresh_popularity_if_old
from profilestore.settings import Settings

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def client(settings: Settings) -> Iterator[Elasticsearch]:
    assert settings.elasticsearch_url is not None
    with Elasticsearch(settings.elasticsearch_url, request_timeout=60) as opened:
        init(opened, settings)
        yield opened


def put_products(client: Elasticsearch, settings: Settings, ids: list[str]) -> None:
    for id in ids:
        source = {"product_id": id, "title": id, "generation": "000001"}
        client.index(index=settings.index("products"), id=id, document=source)
    client.indices.refresh(index=settings.index("products"))


def log(client: Elasticsearch, settings: Settings, rows: list[tuple[str, str, str, float]]) -> None:
    """Rows of (user, type, product, days after a Monday)."""
    events = [
        Event(user_id=user, type=type, product_id=product, time=MONDAY + timedelta(days=days))  # type: ignore[arg-type]  # a literal
        for user, type, product, days in rows
    ]
    EventLog(client, alias=settings.index("events")).append(events)


def stored(client: Elasticsearch, settings: Settings, id: str) -> dict[str, Any]:
    source: dict[str, Any] = client.get(index=settings.index("products"), id=id).body["_source"]
    return source


def test_users_are_counted_once_and_only_changes_are_written(client: Elasticsearch, settings: Settings) -> None:
    put_products(client, settings, ["a", "b", "c"])
    log(
        client,
        settings,
        [("u1", "purchase", "a", 0), ("u1", "purchase", "a", 1), ("u2", "purchase", "a", 2), ("u1", "purchase", "b", 9),
         ("u1", "view", "c", 9), ("u1", "purchase", "not-in-the-catalogue", 9)],
    )  # fmt: skip
    assert popularity_as_of(client, settings) is None
    assert refresh_popularity(client, settings) == 2
    assert stored(client, settings, "a")["popularity"] == 2
    assert stored(client, settings, "b")["popularity"] == 1
    assert "popularity" not in stored(client, settings, "c")
    assert stored(client, settings, "a")["title"] == "a"  # what others own stays
    known = popularity_as_of(client, settings)
    assert known is not None
    assert known.events == 6

    assert refresh_popularity(client, settings) == 0
    log(client, settings, [("u3", "purchase", "b", 9.5)])
    assert refresh_popularity(client, settings) == 1
    assert stored(client, settings, "b")["popularity"] == 2


def test_trending_prefers_what_sells_now(client: Elasticsearch, settings: Settings) -> None:
    put_products(client, settings, ["once", "now"])
    old = [(f"u{i}", "purchase", "once", 0.0) for i in range(8)]
    log(client, settings, [*old, *[(f"u{i}", "purchase", "now", 70.0) for i in range(3)]])
    refresh_popularity(client, settings)
    once, now = stored(client, settings, "once"), stored(client, settings, "now")
    assert once["popularity"] > now["popularity"]
    # Seventy days are five half-lives: 3 against 8 / 32, on a scale of log2.
    assert now["trending"] - once["trending"] == pytest.approx(5 - 3 + 1.584962500721156)


def test_shop_without_purchases_counts_what_speaks_for_a_product(client: Elasticsearch, settings: Settings) -> None:
    put_products(client, settings, ["a", "b"])
    log(client, settings, [("u1", "view", "a", 0), ("u2", "view", "a", 0), ("u1", "impression", "b", 0)])
    assert refresh_popularity(client, settings) == 1
    assert stored(client, settings, "a")["popularity"] == 2


def test_any_number_of_pages(client: Elasticsearch, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that end between a product's weeks, too."""
    monkeypatch.setattr(popularity, "_PAGE", 2)
    monkeypatch.setattr(popularity, "_WEEK_PAGE", 3)
    ids = [f"p{i}" for i in range(7)]
    put_products(client, settings, ids)
    log(client, settings, [("u", "purchase", id, 7.0 * week) for id in ids for week in range(4)])
    assert refresh_popularity(client, settings) == 7
    assert len({stored(client, settings, id)["trending"] for id in ids}) == 1
    expected = stored(client, settings, "p3")["trending"]
    monkeypatch.undo()
    assert refresh_popularity(client, settings) == 0  # the same in one page
    assert stored(client, settings, "p3")["trending"] == expected


def test_only_when_old(client: Elasticsearch, settings: Settings) -> None:
    put_products(client, settings, ["a"])
    log(client, settings, [("u1", "purchase", "a", 0)])
    assert refresh_popularity_if_old(client, settings) == 1
    log(client, settings, [("u2", "purchase", "a", 0)])
    assert refresh_popularity_if_old(client, settings) is None
    later = datetime.now(UTC) + timedelta(seconds=settings.popularity_max_age_s + 1)
    assert refresh_popularity_if_old(client, settings, now=later) == 1


def test_an_empty_shop(client: Elasticsearch, settings: Settings) -> None:
    assert refresh_popularity(client, settings) == 0
