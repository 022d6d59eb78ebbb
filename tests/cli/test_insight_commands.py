"""`insight run`, `list` and `show` as a shell sees them, and their results as Elasticsearch finds them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from typer.testing import CliRunner

from profilestore import Event, Product, ProfileStore, Settings, User
from profilestore.cli import app
from profilestore.insight.records import InsightRecord, InsightRecords
from tests.cli.commands import flags_of

RUNNER = CliRunner()


def purchases(users: int = 300, seed: int = 1) -> Iterator[Event]:
    """A year of purchases: each user has a rate, a usual amount, and may leave for good."""
    rng = np.random.default_rng(seed)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    for number in range(users):
        every_days, usual, left = 8.0 * rng.lognormal(1.2, 0.9), rng.lognormal(3.0, 0.7), rng.exponential(500.0)
        day = float(rng.uniform(0.0, 200.0))
        until = min(365.0, day + left)
        while day < until:
            yield Event(
                user_id=f"u{number:05d}", type="purchase", time=start + timedelta(days=day),
                product_id=f"p{rng.integers(5)}", price=round(float(usual * rng.lognormal(0.0, 0.3)), 2),
            )  # fmt: skip
            day += float(rng.exponential(every_days))


@pytest.fixture
def flags(settings: Settings) -> Iterator[list[str]]:
    """The flags of a shop of 300 buyers; u00001 has personalisation off."""
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products([Product(product_id=f"p{n}", title=f"red scarf {n}", price=9.0) for n in range(5)])
        store.index_events(purchases())
        store.index_users([User(user_id="u00001", personalisation="off")])
    yield flags_of(settings)


def invoke(*words: str) -> Any:
    done = RUNNER.invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in words else done.stdout


def found(settings: Settings, query: dict[str, Any], index: str = "profiles") -> int:
    with Elasticsearch(str(settings.elasticsearch_url)) as client:
        return int(client.count(index=settings.index(index), query=query).body["count"])


def test_value_from_the_command_line_to_a_query(flags: list[str], settings: Settings) -> None:
    steps = {step["name"]: step for step in invoke("insight", "run", "value", "--json", *flags)["steps"]}
    value = steps["value"]
    assert value["status"] == "done", value["message"]
    assert value["written"]["written"] == value["written"]["described"] == 299
    assert found(settings, {"exists": {"field": "value_tier"}}) == value["written"]["described"]
    high = {"bool": {"filter": [{"term": {"value_tier": "high"}}, {"range": {"rfm_monetary": {"gte": 4}}}]}}
    assert found(settings, high) > 10
    assert found(settings, {"exists": {"field": "insight_as_of.value"}}) == value["written"]["described"]
    nothing_of = {"bool": {"filter": [{"term": {"user_id": "u00001"}}, {"exists": {"field": "rfm_recency"}}]}}
    assert found(settings, nothing_of) == 0
    # The same log again: no profile is touched.
    again = invoke("insight", "run", "value", "--json", *flags)["steps"][0]["written"]
    assert again == {"described": value["written"]["described"], "written": 0, "emptied": 0}


def test_lifetime_value_from_the_command_line_to_a_query(flags: list[str], settings: Settings) -> None:
    (step,) = invoke("insight", "run", "lifetime", "--force", "--json", *flags)["steps"]
    assert step["status"] == "done", step["message"]
    assert step["written"]["described"] == 299
    assert found(settings, {"range": {"clv_90d": {"gte": 0}}}) == 299
    above = {
        "bool": {"filter": [{"range": {"clv_90d": {"gt": 200}}}, {"range": {"expected_purchases_90d": {"gt": 3}}}]}
    }
    assert 3 < found(settings, above) < 200
    of_who_opted_out = {"bool": {"filter": [{"term": {"user_id": "u00001"}}, {"exists": {"field": "clv_90d"}}]}}
    assert found(settings, of_who_opted_out) == 0
    with ProfileStore.open(settings) as shop:
        known = shop.profile("u00002")
        assert known.clv_90d is not None
        assert known.clv_90d_low is not None
        assert known.clv_90d_high is not None
        assert 0 <= known.clv_90d_low <= known.clv_90d_high
        assert shop.insight.result("lifetime").settings["interval"] == 0.8
    record = invoke("insight", "show", "lifetime", "--json", *flags)
    assert {"absolute_error", "absolute_error_last_period", "gain"} <= set(record["figures"]["spend"])
    (table,) = record["tables"].values()
    assert [row["tenth"] for row in table] == list(range(1, 11))
    assert "as much as last period" in invoke("insight", "show", "lifetime", *flags).replace("last\n", "last ")
    again = invoke("insight", "run", "lifetime", "--force", "--json", *flags)["steps"][0]
    assert again["written"]["written"] == 0  # the same data and seed: the same result


def test_what_does_not_beat_its_baseline_is_written_only_when_forced(settings: Settings) -> None:
    """Everybody buys for the same on the same days: "as much as last period" cannot be beaten."""
    start = datetime(2025, 1, 1, tzinfo=UTC)
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products([Product(product_id="p", title="scarf", price=3.0)])
        store.index_events(
            Event(user_id=f"u{user:02d}", type="purchase", time=start + timedelta(days=10 * turn), product_id="p")
            for user in range(60)
            for turn in range(37)
        )
    flags = flags_of(settings)
    (step,) = invoke("insight", "run", "lifetime", "--json", *flags)["steps"]
    assert (step["status"], step["written"]) == ("no better", None)
    assert "does not beat" in step["message"]
    assert found(settings, {"exists": {"field": "clv_90d"}}) == 0
    assert invoke("insight", "show", "lifetime", "--json", *flags)["accepted"] is False
    assert "does NOT beat" in invoke("insight", "show", "lifetime", *flags)
    assert "stays" not in step["message"]
    assert invoke("insight", "run", "lifetime", "--force", "--json", *flags)["steps"][0]["written"]["written"] == 60
    (step,) = invoke("insight", "run", "lifetime", "--json", *flags)["steps"]
    assert step["message"].endswith(" What an earlier run wrote stays, with its date, in 60 profiles.")
    assert found(settings, {"exists": {"field": "clv_90d"}}) == 60


def test_what_was_found_is_listed_and_shown_in_two_languages(flags: list[str]) -> None:
    assert json.loads(RUNNER.invoke(app, ["insight", "list", "--json", *flags]).stdout)["insight"][0]["created"] is None
    missing = RUNNER.invoke(app, ["insight", "show", "value", *flags])
    assert (missing.exit_code, "insight run value" in missing.stderr) == (1, True)
    invoke("insight", "run", "value", *flags)
    listed = invoke("insight", "list", "--json", *flags)["insight"]
    assert next(step for step in listed if step["name"] == "value")["accepted"] is True
    assert "value" in invoke("insight", "list", *flags)
    shown = invoke("insight", "show", "value", *flags)
    for words in ("high tier", "rules that reproduce the tiers", "spend > ", "high_above_mid", "weight of each"):
        assert words in shown
    chinese = invoke("insight", "show", "value", "--language", "zh", *flags)
    headings = ("当前各价值层级", "重现层级的规则", "层级", "用户数", "消费占比", "指标")
    assert [words for words in ("价值层级", *headings) if words not in chinese] == []
    assert not any(words in chinese for words in ("tiers today", "share of spend", "weight of each"))
    record = invoke("insight", "show", "value", "--json", *flags)
    assert record["window"]["opted_out"] == 1
    assert record["figures"]["high_above_mid"]["low"] > 0
    assert set(record["card"]) == {"en", "zh"}


def test_a_run_does_what_is_due_and_no_more(flags: list[str]) -> None:
    first = invoke("insight", "run", "--json", *flags)["steps"]
    assert all(step["status"] in ("done", "no better", "too little") for step in first)
    assert "done" in {step["status"] for step in first}
    second = {step["name"]: step["status"] for step in invoke("insight", "run", "--json", *flags)["steps"]}
    done = [step["name"] for step in first if step["status"] != "too little"]
    assert {second[name] for name in done} == {"current"}
    text = invoke("insight", "run", *flags)
    assert "value: current" in text


def test_a_step_is_due_again_after_a_setting_or_as_of_an_earlier_time(flags: list[str]) -> None:
    def value_of(*more: str) -> str:
        steps = invoke("insight", "run", "--json", *flags, *more)["steps"]
        return str(next(step["status"] for step in steps if step["name"] == "value"))

    with_less = ("--set", 'insight_without=["gender"]')
    invoke("insight", "run", "value", *flags)
    assert value_of() == "current"
    assert value_of(*with_less) == "done"
    assert value_of(*with_less) == "current"
    # What was done as of October does not know the rest of the year.
    invoke("insight", "run", "value", "--as-of", "2025-10-01", *flags)
    assert value_of() == "done"


def test_too_little_is_a_sentence_and_nothing_is_written(settings: Settings) -> None:
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products([Product(product_id="p", title="scarf", price=3.0)])
        for user in ("a", "b", "c"):
            store.record(Event(user_id=user, type="purchase", time="2026-01-02T10:00:00Z", product_id="p"))
    done = RUNNER.invoke(app, ["insight", "run", *flags_of(settings)])
    assert done.exit_code == 0
    assert "value: too little. value tiers need 25 users with an order; there are 3." in done.stdout
    assert found(settings, {"exists": {"field": "insight_as_of"}}) == 0
    assert (
        json.loads(RUNNER.invoke(app, ["insight", "list", "--json", *flags_of(settings)]).stdout)["insight"][0][
            "created"
        ]
        is None
    )


def test_a_table_without_rows_is_not_shown(settings: Settings) -> None:
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        tables: dict[str, list[dict[str, Any]]] = {"worst products": [], "by month": [{"month": "2026-05"}]}
        InsightRecords(store._parts.store).save(InsightRecord("sentiment", {}, tables=tables, card={"en": "Reviews."}))
    shown = invoke("insight", "show", "sentiment", *flags_of(settings))
    assert shown.split() == ["Reviews.", "by", "month", "month", "2026-05"]


def test_as_of_an_earlier_day_nothing_later_counts(flags: list[str], settings: Settings) -> None:
    invoke("insight", "run", "value", "--as-of", "2025-10-01", *flags)
    record = invoke("insight", "show", "value", "--json", *flags)
    assert record["window"]["as_of"].startswith("2025-10-01")
    assert record["window"]["last_act"] < "2025-10-01"
    assert found(settings, {"range": {"insight_as_of.value": {"gt": "2025-10-02"}}}) == 0


@pytest.mark.parametrize("wrong", [["run", "magic"], ["run", "--as-of", "soon"], ["show", "value", "--language", "fr"]])
def test_what_cannot_be_meant_ends_with_2(wrong: list[str], settings: Settings) -> None:
    with ProfileStore.open(settings) as store:
        store.init()
    done = RUNNER.invoke(app, ["insight", *wrong, *flags_of(settings)])
    assert done.exit_code == 2, done.output
