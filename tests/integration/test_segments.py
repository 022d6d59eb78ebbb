"""Segments by behaviour in a real shop: found, written, counted, exported; and nobody who opted out is in one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from fold_runs import small, stand_in
from sklearn.metrics import adjusted_rand_score
from typer.testing import CliRunner

from profilestore import Event, ProfileStore, Settings, User
from profilestore.cli import app
from profilestore.elastic.segment_history import SegmentHistory
from profilestore.ingest.sample import SampleShop, generate_shop
from profilestore.insight.segments.snapshots import count_segments

Filled = tuple[ProfileStore, SampleShop]


@pytest.fixture(scope="module")
def filled(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """A shop with planted segments, and every fortieth user's personalisation off."""
    prefix = f"t-{uuid.uuid4().hex[:12]}"
    settings = Settings(home=tmp_path_factory.mktemp("home"), prefix=prefix, elasticsearch_url=server_url)
    sample = generate_shop(users=400, products=300, events=12_000, segments=True)
    with stand_in(), ProfileStore.open(small(settings)) as shop:
        shop.init()
        shop.index_products(sample.products)
        shop.index_users(
            user.model_copy(update={"personalisation": "off" if number % 40 == 0 else "on"})
            for number, user in enumerate(sample.users)
        )
        shop.index_events(sample.events)
        yield shop, sample
    with Elasticsearch(server_url, request_timeout=60) as client:
        rows = client.cat.indices(index=f"{prefix}-*", h="index", format="json")
        client.indices.delete(index=[row["index"] for row in rows])
        found = client.indices.get_index_template(name=f"{prefix}-*")["index_templates"]
        for template in found:
            client.indices.delete_index_template(name=template["name"])


def segments_of(shop: ProfileStore) -> dict[str, str]:
    """User -> segment, as a query finds them."""
    index = shop.settings.index("profiles")
    shop._client.indices.refresh(index=index)
    answer = shop._client.search(index=index, size=5000, query={"exists": {"field": "segment"}}, source=["segment"])
    return {hit["_id"]: hit["_source"]["segment"] for hit in answer["hits"]["hits"]}


def run(shop: ProfileStore, *words: str) -> Any:
    assert shop.settings.elasticsearch_url is not None
    flags = ["--prefix", shop.settings.prefix, "--url", shop.settings.elasticsearch_url]
    result = CliRunner().invoke(app, ["insight", *words, *flags])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_planted_segments_are_written_and_can_be_asked_for(filled: Filled, tmp_path: Path) -> None:
    shop, sample = filled
    (report,) = shop.insight.run(["segments"])
    assert report.status == "done", report.message
    found = segments_of(shop)
    truth = [sample.truth.user_segments[user] for user in found]
    assert adjusted_rand_score(truth, list(found.values())) >= 0.8
    off = {user.user_id for number, user in enumerate(sample.users) if number % 40 == 0}
    assert off.isdisjoint(found)
    record = shop.insight.result("segments")
    assert record.window["opted_out"] == len(off)
    assert record.figures["silhouette_above_shuffled"]["low"] > 0
    assert record.figures["foretold"]["explained"]["low"] > 0
    typical = {user for row in record.tables["typical users"] for user in row["typical users"].split(", ")}
    assert typical <= set(found)
    assert sum(row["users"] for row in record.tables["segments"]) == len(found)
    assert "不参与分析" in record.card["zh"]
    profile = shop.profile(next(iter(found)))
    assert profile.insight_as_of is not None
    assert profile.insight_as_of["segments"] is not None
    # The same again changes nothing, names included.
    (again,) = shop.insight.run(["segments"])
    assert again.written is not None
    assert (again.written.written, again.written.emptied) == (0, 0)
    assert segments_of(shop) == found
    # By the command line: listed, shown, exported.
    name = found[next(iter(found))]
    listed = json.loads(run(shop, "segments", "list", "--json"))["segments"]
    assert {one["name"]: one["members"] for one in listed} == {
        one: list(found.values()).count(one) for one in set(found.values())
    }
    shown = json.loads(run(shop, "segments", "show", name, "--json"))
    assert shown["history"][-1]["members"] == shown["members"] == list(found.values()).count(name)
    assert shown["history"][-1]["entries"] == shown["members"]
    members = run(shop, "segments", "members", name).split()
    assert set(members) == {user for user, one in found.items() if one == name}
    assert name in run(shop, "show", "segments")
    assert "by interests" in run(shop, "run", "segments")


def test_who_opts_out_or_comes_to_be_known_changes_the_segments(filled: Filled) -> None:
    shop, sample = filled
    shop.insight.run(["segments"])
    before = segments_of(shop)
    leaver = next(iter(sorted(before)))
    last = sample.events[-1].time
    shop.index_users([User(user_id=leaver, time=last, personalisation="off")])
    assert leaver not in segments_of(shop)  # at once
    assert shop.profile(leaver).insight_as_of is None
    kitchen = [product.product_id for product in sample.products if product.category == "Kitchen"]
    shop.index_events(
        Event(event_id=f"new-{n}", user_id="newcomer", type="view", time=last, product_id=kitchen[n]) for n in range(8)
    )
    (report,) = shop.insight.run(["segments"])
    assert report.status == "done"
    after = segments_of(shop)
    assert leaver not in after
    assert "Kitchen" in after["newcomer"]
    assert set(after.values()) == set(before.values())  # names are carried on
    shop.rebuild(["newcomer"])
    assert segments_of(shop) == after


def test_what_does_not_stand_out_is_not_written_unless_forced(settings: Settings) -> None:
    with stand_in(), ProfileStore.open(small(settings)) as shop:
        shop.init()
        (report,) = shop.insight.run(["segments"])
        assert (report.status, report.written) == ("too little", None)
        assert "there are 0" in report.message
        sample = generate_shop(users=60, products=40, events=700)
        shop.index_products(product.model_copy(update={"category": None}) for product in sample.products)
        shop.index_events(event for event in sample.events if event.type == "view")
        (report,) = shop.insight.run(["segments"])
        assert report.status in ("no better", "too little"), report.message
        assert segments_of(shop) == {}
        (forced,) = shop.insight.run(["segments"], force=True)
        assert (forced.status == "done") == (len(segments_of(shop)) > 0)


def test_segments_found_again_as_of_the_same_time_take_the_place_of_those_before(settings: Settings) -> None:
    """Another seed or setting may name them otherwise: no segment stays that nobody is in."""
    now, later = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)
    first = {"a": "gifts", "b": "gifts", "c": "books"}
    second = {"a": "home", "b": "home", "c": "books"}
    with stand_in(), ProfileStore.open(small(settings)) as shop:
        shop.init()
        history = SegmentHistory(shop._client, alias=settings.index("segments"))
        count_segments(history, {}, first, users=3, now=now)
        count_segments(history, first, second, users=3, now=now)
        assert [segment.name for segment in shop.insight.segments.by_behaviour()] == ["books", "home"]
        last = history.latest(kind="behaviour")
        assert {name: count.members for name, count in last.items()} == {"books": 1, "gifts": 0, "home": 2}
        assert all(count.entries - count.exits == count.members for count in last.values())
        count_segments(history, second, second, users=3, now=later)
        assert [count.time for count in history.of("gifts", kind="behaviour")] == [now]


def test_the_other_methods_and_the_nightly_run(filled: Filled) -> None:
    shop, _ = filled
    settings = shop.settings.model_copy(update={"segment_method": "hierarchical", "segment_count": 4})
    with ProfileStore(settings, url=shop.url) as other:
        (report,) = other.insight.run(["segments"])
        assert report.message.startswith("4 segments")
        other.insight.segments.define({"buyers": "order_count >= 1"})
        reports = {report.name: report for report in other.insight.run()}
        assert reports["segments"].status == "current"
        assert reports["rules"].status == "done"
        again = {report.name: report for report in other.insight.run()}
        assert again["rules"].status == "done"  # time passes without events
        assert other.insight.result("rules").tables["segments by rule"][0]["entries"] == 0
