"""`insight run demand interests`, `insight demand` and `insight interests`, from a shell to a query."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from typer.testing import CliRunner

from profilestore import Event, Product, ProfileStore, Settings, User
from profilestore.cli import app
from tests.cli.commands import flags_of

RUNNER = CliRunner()
START = datetime(2025, 1, 6, tzinfo=UTC)
DAYS = 280
USERS = 60


def acts(seed: int = 1) -> Iterator[Event]:
    """Users who come every four days and buy of two categories, half of whom turn to a third one on day 190; each buys
    one product in a rhythm of its own, with a break now and then."""
    rng = np.random.default_rng(seed)
    for user in range(USERS):
        first, second, third = rng.choice(4, 3, replace=False).tolist()
        for day in np.cumsum(rng.exponential(4.0, DAYS // 2)):
            if day >= DAYS:
                break
            other = third if user % 2 == 0 and day >= 190 else second
            group = first if rng.random() < 0.5 else other
            yield bought(user, float(day), f"p{4 * int(rng.integers(6)) + group:02d}", 1 + int(rng.poisson(1.0)))
        gap, day, mine = float(rng.uniform(6.0, 16.0)), float(rng.uniform(0.0, 30.0)), f"p{24 + int(rng.integers(6))}"
        while day < DAYS:
            yield bought(user, day, mine, 1)
            day += max(1.0, gap * float(rng.lognormal(0.0, 0.1)) * (3.0 if rng.random() < 0.2 else 1.0))


def bought(user: int, day: float, product_id: str, pieces: int) -> Event:
    return Event(user_id=f"u{user:03d}", type="purchase", time=START + timedelta(days=day), product_id=product_id,
                 quantity=pieces, price=5.0)  # fmt: skip


@pytest.fixture
def flags(settings: Settings) -> Iterator[list[str]]:
    """The flags of a shop of 60 buyers; u000 has personalisation off, p05 is off sale."""
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products(
            Product(product_id=f"p{n:02d}", title=f"tea {n}", price=5.0, stock=10 * n,
                    category=f"c{n % 4}" if n < 24 else "refills")
            for n in range(30)
        )  # fmt: skip
        store.index_events(acts())
        store.index_users([User(user_id="u000", personalisation="off")])
        store.delete_products(["p05"])
    yield flags_of(settings)


def invoke(*words: str) -> Any:
    done = RUNNER.invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in words else done.stdout


def found(settings: Settings, query: dict[str, Any], index: str) -> int:
    with Elasticsearch(str(settings.elasticsearch_url)) as client:
        return int(client.count(index=settings.index(index), query=query).body["count"])


def has(field: str) -> dict[str, Any]:
    return {"exists": {"field": field}}


def test_demand_from_the_command_line_to_a_query(flags: list[str], settings: Settings, tmp_path: Path) -> None:
    (step,) = invoke("insight", "run", "demand", "--json", *flags)["steps"]
    assert step["status"] == "done", step["message"]
    assert found(settings, has("demand_28d"), "products") == 29  # of 30, one is off sale
    many = {"bool": {"filter": [{"range": {"demand_28d_high": {"gte": 10}}}, {"term": {"category": "c1"}}]}}
    assert found(settings, many, "products") > 1
    to_come = {"bool": {"filter": [has("expected"), {"term": {"kind": "category"}}, {"term": {"key": "c2"}}]}}
    assert found(settings, to_come, "demand") == 4
    of_who_is_gone = {"term": {"key": "p05"}}
    assert found(settings, of_who_is_gone, "demand") == 0

    weeks = invoke("insight", "demand", "p01", "--category", "c1", "--json", *flags)["weeks"]
    assert [week["low"] <= week["expected"] <= week["high"] for week in weeks if "expected" in week] == [True] * 8
    assert {(week["kind"], week["key"]) for week in weeks} == {("product", "p01"), ("category", "c1")}
    assert len([week for week in weeks if week["key"] == "c1" and "actual" in week]) > 20
    listed = invoke("insight", "demand", "-n", "3", "--json", *flags)["products"]
    assert [row["demand_28d"] for row in listed] == sorted((row["demand_28d"] for row in listed), reverse=True)
    assert "stock" in invoke("insight", "demand", *flags)
    assert "week from" in invoke("insight", "demand", "p01", *flags)
    file = tmp_path / "demand.csv"
    written = invoke("insight", "demand", "--csv", str(file), "--json", *flags)["weeks"]
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) == written == found(settings, {"match_all": {}}, "demand")
    missing = RUNNER.invoke(app, ["insight", "demand", "nothing", *flags])
    assert (missing.exit_code, "no sales outlook for the product nothing" in missing.stderr) == (1, True)

    record = invoke("insight", "show", "demand", "--json", *flags)
    assert record["figures"]["best_sellers"]["gain"]["low"] > 0
    assert "stock that may not last 28 days" in record["tables"]
    assert set(record["card"]) == {"en", "zh"}
    assert "指数平滑" in invoke("insight", "show", "demand", "--language", "zh", *flags)

    # Who opted out counts among the pieces.
    weeks = invoke("insight", "demand", "--category", "refills", "--json", *flags)["weeks"]
    start, stop = weeks[0]["week"], min(week["week"] for week in weeks if "expected" in week)
    pieces = {
        off: sum(event.quantity or 0.0 for event in acts()
                 if start <= f"{event.time:%Y-%m-%d}" < stop and (event.product_id or "") >= "p24"
                 and (off or event.user_id != "u000"))
        for off in (True, False)
    }  # fmt: skip
    assert pieces[True] > pieces[False]
    assert sum(week.get("actual", 0.0) for week in weeks) == pieces[True]

    # A second run says the same and leaves nothing of the first.
    total = found(settings, {"match_all": {}}, "demand")
    invoke("insight", "run", "demand", *flags)
    assert invoke("insight", "demand", "--category", "refills", "--json", *flags)["weeks"] == weeks
    assert found(settings, {"match_all": {}}, "demand") == total
    invoke("insight", "run", "demand", "--as-of", "2025-09-01", *flags)
    assert found(settings, {"range": {"as_of": {"gt": "2025-09-01"}}}, "demand") == 0
    assert found(settings, {"range": {"week": {"gte": "2025-10-01"}}}, "demand") == 0


def test_interests_from_the_command_line_to_a_query(flags: list[str], settings: Settings) -> None:
    (step,) = invoke("insight", "run", "interests", "--json", *flags)["steps"]
    assert step["status"] == "done", step["message"]
    assert found(settings, has("interest_drift"), "profiles") >= 50
    assert found(settings, has("rising_categories"), "profiles") >= 10
    soon = {"range": {"next_purchase_at": {"gte": "2025-10-13", "lte": "2025-11-30"}}}
    assert found(settings, soon, "profiles") >= 25
    assert found(settings, has("insight_as_of.interests"), "profiles") == step["written"]["described"]
    with Elasticsearch(str(settings.elasticsearch_url)) as client:
        hit = client.search(index=settings.index("profiles"), query=has("next_purchase_product"), size=1)
        user = hit.body["hits"]["hits"][0]["_source"]
    told = invoke("insight", "interests", user["user_id"], "--json", *flags)
    assert told["next_purchase_product"] == user["next_purchase_product"]
    assert told["next_purchase_from"] <= told["next_purchase_at"]
    assert "next purchase" in invoke("insight", "interests", user["user_id"], *flags)
    figures = invoke("insight", "show", "interests", "--json", *flags)["figures"]
    assert figures["next_purchase_of_products"]["gain_days"]["low"] > 0
    assert figures["next_purchase_of_products"]["best_baseline"] == "last purchase and the user's mean gap"
    assert "下次购买" in invoke("insight", "show", "interests", "--language", "zh", *flags)
    again = invoke("insight", "run", "interests", "--json", *flags)["steps"][0]
    assert again["written"] == {"described": step["written"]["described"], "written": 0, "emptied": 0}
    assert RUNNER.invoke(app, ["insight", "interests", "nobody", *flags]).exit_code == 1
    # u000 has personalisation off.
    of_who_is_off = {"bool": {"filter": [{"term": {"user_id": "u000"}}, has("insight_as_of.interests")]}}
    assert found(settings, of_who_is_off, "profiles") == 0
    assert "nothing is told of user u000" in invoke("insight", "interests", "u000", *flags)
    # What a shop keeps out of its models is not told apart by.
    with ProfileStore.open(settings.model_copy(update={"insight_without": ("category",)})) as shop:
        shop.insight.run(["interests"], force=True)
        assert "category" not in shop.insight.result("interests").settings["features"]
    assert found(settings, has("rising_categories"), "profiles") == 0


def test_too_little_is_a_sentence_and_nothing_is_written(settings: Settings) -> None:
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products([Product(product_id="p", title="scarf", price=3.0)])
        for user in ("a", "b", "c"):
            store.record(Event(user_id=user, type="purchase", time="2026-01-02T10:00:00Z", product_id="p"))
    done = RUNNER.invoke(app, ["insight", "run", "demand", "interests", *flags_of(settings)])
    assert done.exit_code == 0
    assert "demand: too little. a sales outlook needs sales over 20 weeks" in done.stdout
    assert "interests: too little. interests need acts over 56 days" in done.stdout
    assert found(settings, {"match_all": {}}, "demand") == 0
    assert found(settings, has("insight_as_of"), "profiles") == 0
    missing = RUNNER.invoke(app, ["insight", "demand", "--csv", "none.csv", *flags_of(settings)])
    assert (missing.exit_code, "insight run demand" in missing.stderr) == (1, True)
    assert "looks for them" in invoke("insight", "demand", *flags_of(settings))
