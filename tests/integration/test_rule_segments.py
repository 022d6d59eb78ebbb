"""Rule segments: membership is a saved query that time alone can change; snapshots and their history."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fold_runs import small, stand_in
from typer.testing import CliRunner, Result

from profilestore import Event, ProfileStore, Settings, User
from profilestore.cli import app
from profilestore.errors import InputError, NotFound, UsageError

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


def bought(user: str, days_ago: float, *, n: int = 1, price: float = 10.0) -> list[Event]:
    """`n` orders a day apart, the last of them at that time."""
    return [
        Event(event_id=f"{user}-{days_ago}-{k}", user_id=user, type="purchase", price=price, product_id=f"p{k}",
              time=NOW - timedelta(days=days_ago + k), order_id=f"{user}-{days_ago}-{k}")
        for k in range(n)
    ]  # fmt: skip


@pytest.fixture
def shop(settings: Settings) -> Iterator[ProfileStore]:
    with stand_in(), ProfileStore.open(small(settings)) as store:
        store.init()
        store.index_events([*bought("new", 2), *bought("old", 29.9), *bought("loyal", 3, n=6), *bought("off", 1, n=6)])
        off = User(user_id="off", time=NOW - timedelta(days=300), personalisation="off", gender="female")
        store.index_users([off, User(user_id="quiet", time=NOW - timedelta(days=300), gender="female")])
        yield store


def fields(shop: ProfileStore, user: str) -> tuple[list[str] | None, datetime | None]:
    shop._client.indices.refresh(index=shop.settings.index("profiles"))
    profile = shop.profile(user)
    return profile.rule_segments, (profile.insight_as_of or {}).get("rules")


def members(shop: ProfileStore, name: str, now: datetime = NOW) -> set[str]:
    return {user_id for user_id, _ in shop.insight.segments.members(name, now=now)}


def test_who_was_in_on_day_30_is_out_on_day_31_though_nothing_was_written(shop: ProfileStore) -> None:
    shop.insight.segments.define({"last 30 days": "recency_days <= 30", "lost": "recency_days > 30"})
    before = shop._client.indices.stats(index=shop.settings.index("profiles"))["_all"]["primaries"]["indexing"]
    assert members(shop, "last 30 days") == {"new", "old", "loyal"}
    assert members(shop, "lost") == set()
    day_31 = NOW + timedelta(days=1)
    assert members(shop, "last 30 days", day_31) == {"new", "loyal"}
    assert members(shop, "lost", day_31) == {"old"}
    after = shop._client.indices.stats(index=shop.settings.index("profiles"))["_all"]["primaries"]["indexing"]
    assert after["index_total"] == before["index_total"]
    shop.record(bought("old", -1))
    shop._client.indices.refresh(index=shop.settings.index("profiles"))
    assert members(shop, "last 30 days", day_31) == {"new", "old", "loyal"}
    # The clock's now: all of it is long ago or still to come, and nobody is asked twice.
    assert {user for user, _ in shop.insight.segments.members("lost")} | {
        user for user, _ in shop.insight.segments.members("last 30 days")
    } == {"new", "old", "loyal"}


def test_a_snapshot_writes_the_profiles_and_a_history_that_adds_up(shop: ProfileStore) -> None:
    segments = shop.insight.segments
    segments.define({"last 30 days": "recency_days <= 30", "loyal": "order_count >= 5", "women": 'gender == "female"'})
    first = segments.snapshot(now=NOW)
    assert {c.segment: (c.members, c.entries, c.exits) for c in first.counts} == {
        "last 30 days": (3, 3, 0), "loyal": (1, 1, 0), "women": (1, 1, 0)
    }  # fmt: skip
    assert [count.users for count in first.counts] == [4, 4, 4]
    assert fields(shop, "loyal") == (["last 30 days", "loyal"], NOW)
    assert fields(shop, "quiet") == (["women"], NOW)
    assert fields(shop, "off") == (None, None)
    again = segments.snapshot(now=NOW)  # as after one that was interrupted: it takes the place of the first
    assert (again.written.written, again.counts) == (0, first.counts)
    # A day later one has left by time alone, one has come by an event, one has switched personalisation off.
    later = NOW + timedelta(days=1)
    shop.index_events(bought("fresh", 0.5))
    shop.index_users([User(user_id="loyal", time=NOW, personalisation="off")])
    assert fields(shop, "loyal") == (None, None)  # at once
    second = segments.snapshot(now=later)
    assert {c.segment: (c.members, c.entries, c.exits) for c in second.counts} == {
        "last 30 days": (2, 1, 2), "loyal": (0, 0, 1), "women": (1, 0, 0)
    }  # fmt: skip
    assert fields(shop, "old") == (None, None)
    assert fields(shop, "new") == (["last 30 days"], later)
    with pytest.raises(UsageError, match="a snapshot as of 2026-04-01 12:00 UTC was taken already"):
        segments.snapshot(now=NOW)
    for name in ("last 30 days", "loyal", "women"):
        history = segments.history(name)
        held = 0
        for count in history:
            held += count.entries - count.exits
            assert held == count.members
    over_time = shop._client.search(
        index=shop.settings.index("segments"),
        size=0,
        query={"term": {"segment": "last 30 days"}},
        aggs={"days": {"date_histogram": {"field": "time", "calendar_interval": "day"},
                       "aggs": {"members": {"max": {"field": "members"}}, "exits": {"sum": {"field": "exits"}}}}},
    )  # fmt: skip
    buckets = over_time["aggregations"]["days"]["buckets"]
    assert [(bucket["members"]["value"], bucket["exits"]["value"]) for bucket in buckets] == [(3, 0), (2, 2)]
    found = shop._client.search(index=shop.settings.index("profiles"), query={"term": {"rule_segments": "women"}})
    assert [hit["_id"] for hit in found["hits"]["hits"]] == ["quiet"]


def test_a_removed_segment_leaves_the_profiles_and_its_history_ends(shop: ProfileStore) -> None:
    segments = shop.insight.segments
    with pytest.raises(NotFound, match="no rule segments are defined"):
        segments.snapshot(now=NOW)
    segments.define({"loyal": "order_count >= 5"})
    segments.snapshot(now=NOW)
    segments.remove("loyal")
    with pytest.raises(NotFound):
        segments.count("loyal")
    (count,) = segments.snapshot(now=NOW + timedelta(days=1)).counts
    assert (count.members, count.entries, count.exits) == (0, 0, 1)
    assert fields(shop, "loyal") == (None, None)
    assert segments.snapshot(now=NOW + timedelta(days=2)).counts == ()


def test_what_the_fold_and_a_rebuild_do_to_the_segments_is_nothing(shop: ProfileStore) -> None:
    shop.insight.segments.define({"loyal": "order_count >= 5"})
    shop.insight.segments.snapshot(now=NOW)
    shop.record(bought("loyal", 0.1))
    assert fields(shop, "loyal") == (["loyal"], NOW)
    shop.rebuild(["loyal"])
    shop.rebuild_all()
    assert fields(shop, "loyal") == (["loyal"], NOW)
    assert shop.verify_all().different == 0


def test_all_or_none_of_a_file_are_defined_and_every_problem_is_told(shop: ProfileStore, tmp_path: Path) -> None:
    file = tmp_path / "segments.toml"
    file.write_text(
        "[segments]\ngood = 'age > 3'\nbad = 'agee > 3'\n[segments.worse]\ncondition = '''age > 3\nand'''\n"
    )
    with pytest.raises(UsageError) as caught:
        shop.insight.segments.define_file(file)
    message = str(caught.value)
    assert "segment bad, at character 1: there is no field `agee`. Did you mean age?" in message
    assert "segment worse, in line 2 at character 4: expected" in message
    assert shop.insight.segments.all() == []
    for text, says in (
        ("x = 1", "segments"),
        ("[segments]\n", "names no segment"),
        ("[segments]\na = 3\n", "segments.a"),
        ("[segments.a]\ncondition = 'age > 3'\nsize = 3\n", "segments.a.size"),
        ("[segments]\na = 'age > 3'\na = 'age > 4'\n", "not valid TOML"),
        (f"[segments]\n{'x' * 101} = 'age > 3'\n", "at most 100"),
    ):
        file.write_text(text)
        with pytest.raises(UsageError, match=says):
            shop.insight.segments.define_file(file)
    with pytest.raises(InputError, match=r"missing.toml cannot be read \(FileNotFoundError\)"):
        shop.insight.segments.define_file(tmp_path / "missing.toml")


def run(shop: ProfileStore, *arguments: str) -> Result:
    assert shop.settings.elasticsearch_url is not None
    flags = ["--prefix", shop.settings.prefix, "--url", shop.settings.elasticsearch_url]
    return CliRunner().invoke(app, ["insight", "segments", *arguments, *flags])


def done(shop: ProfileStore, *arguments: str) -> Any:
    result = run(shop, *arguments, "--json")
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return lines if arguments[0] == "members" and "--output" not in arguments else lines[0]


def test_the_commands(shop: ProfileStore, tmp_path: Path) -> None:
    file = tmp_path / "segments.toml"
    file.write_text("[segments.loyal]\ncondition = 'order_count >= 5'\ndescription = 'Come back'\n")
    (defined,) = done(shop, "define", str(file))["segments"]
    assert (defined["name"], defined["members"]) == ("loyal", 1)
    query = {"query": defined["query"]}
    found = shop._client.search(index=shop.settings.index("profiles"), **query)
    assert [hit["_id"] for hit in found["hits"]["hits"]] == ["loyal"]
    assert run(shop, "members", "loyal").stdout == "loyal\n"
    assert done(shop, "members", "loyal", "--field", "order_count") == [{"user_id": "loyal", "order_count": 6}]
    export = tmp_path / "loyal.csv"
    assert done(shop, "members", "loyal", "--output", str(export), "--field", "purchased_products")["members"] == 1
    assert export.read_text().splitlines() == [
        "user_id,purchased_products",
        'loyal,"[""p0"",""p1"",""p2"",""p3"",""p4"",""p5""]"',
    ]
    assert stat.S_IMODE(export.stat().st_mode) == 0o600
    assert done(shop, "snapshot", "--now", "2026-03-31T12:00:00Z")["segments"][0]["entries"] == 1
    shown = done(shop, "show", "loyal", "--now", "2026-03-31")
    assert (shown["members"], shown["history"][0]["time"]) == (1, "2026-03-31T12:00:00+00:00")
    assert done(shop, "list")["segments"][0]["condition"] == "order_count >= 5"
    for words in (["list"], ["show", "loyal"], ["snapshot"], ["define", str(file)]):
        assert "loyal" in run(shop, *words).stdout
    for words, code in (
        (["show", "nobody"], 1),
        (["members", "loyal", "--field", "state"], 2),
        (["members", "loyal", "--output", str(tmp_path / "x.xlsx")], 2),
        (["members", "loyal", "--output", str(tmp_path / "no" / "x.csv")], 1),
        (["snapshot", "--now", "yesterday"], 2),
        (["define", str(tmp_path / "none.toml")], 1),
    ):
        assert run(shop, *words).exit_code == code, words
    assert done(shop, "remove", "loyal") == {"removed": "loyal"}
    assert done(shop, "list") == {"segments": []}
