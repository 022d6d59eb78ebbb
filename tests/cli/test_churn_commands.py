"""Churn from the command line to a query: scores, lists, reasons; who opted out is in none of them."""

from __future__ import annotations

import csv
import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from typer.testing import CliRunner

from profilestore import Event, Product, ProfileStore, Settings, User
from profilestore.cli import app
from profilestore.ingest.sample import DEFAULT_END, SampleShop, generate_shop
from tests.cli.commands import flags_of

RUNNER = CliRunner()
FIELDS = ("churn_risk", "churn_band", "churn_reasons", "lifecycle")


def own_flags(settings: Settings) -> list[str]:
    return [*flags_of(settings), "--set", "churn_bands=[0.25, 0.5]"]


def invoke(*words: str) -> Any:
    done = RUNNER.invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in words else done.stdout


def refused(*words: str) -> tuple[int, str]:
    done = RUNNER.invoke(app, list(words))
    return done.exit_code, done.stderr


@pytest.fixture(scope="module")
def sample() -> SampleShop:
    return generate_shop(users=500, products=100, events=9000, churn=True)


def load(settings: Settings, sample: SampleShop) -> str:
    """The shop's purchases and views; the first who stopped has personalisation off. Returns their id."""
    off = next(user for user, day in sample.truth.churn_users.items() if day is not None)
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products(
            [Product(product_id=p.product_id, title="red scarf", price=p.price) for p in sample.products]
        )
        store.index_events(event for event in sample.events if event.type in ("purchase", "refund", "view"))
        store.index_users([User(user_id=off, personalisation="off")])
    return off


def counted(settings: Settings, *filters: dict[str, Any]) -> int:
    with Elasticsearch(str(settings.elasticsearch_url)) as client:
        client.indices.refresh(index=settings.index("profiles"))
        query = {"bool": {"filter": list(filters)}}
        return int(client.count(index=settings.index("profiles"), query=query).body["count"])


def test_churn_from_the_command_line_to_a_query(settings: Settings, sample: SampleShop, tmp_path: Path) -> None:
    off, flags = load(settings, sample), own_flags(settings)
    (step,) = invoke("insight", "run", "churn", "--force", "--json", *flags)["steps"]
    assert step["status"] == "done", step["message"]
    described = step["written"]["described"]
    assert counted(settings, {"exists": {"field": "lifecycle"}}) == described > 300
    assert counted(settings, {"exists": {"field": "insight_as_of.churn"}}) == described
    assert counted(settings, {"range": {"churn_risk": {"gte": 0.0, "lte": 1.0}}}) == described
    high = ({"range": {"churn_risk": {"gte": 0.5}}}, {"term": {"churn_band": "high"}})
    assert counted(settings, high[0]) == counted(settings, high[1]) == counted(settings, *high) > 50
    silent = {"term": {"churn_reasons": "long_silence"}}
    assert counted(settings, silent, {"term": {"lifecycle": "lapsed"}}) > 20

    truth = {user: day for user, day in sample.truth.churn_users.items() if user != off}
    with ProfileStore.open(settings) as shop:
        known = {user: shop.profile(user) for user in truth}
        record = shop.insight.result("churn")
    found = {user for user, profile in known.items() if profile.lifecycle in ("at-risk", "lapsed")}
    stopped = {user for user, day in truth.items() if day is not None}
    assert len(found & stopped) >= 0.9 * max(len(found), len(stopped))
    _check_record(record, invoke("insight", "show", "churn", *flags))
    _check_lists(settings, flags, tmp_path)
    _check_who_opted_out(settings, flags, off)
    _check_reasons(flags, next(iter(sorted(stopped & found))))

    again = invoke("insight", "run", "churn", "--force", "--json", *flags)["steps"][0]["written"]
    assert again == {"described": described, "written": 0, "emptied": 0}  # the same data and seed: the same result
    _check_who_opts_out_later(settings, flags)


def _check_record(record: Any, shown: str) -> None:
    assert record.window["opted_out"] == 1
    assert {"auc", "pr_auc", "brier", "auc_ratio", "auc_logistic", "auc_above_ratio"} <= set(
        record.figures["customers"]
    )
    assert record.settings["sale_seasons"]["11.11"] == "11-01/11-12"
    assert {row["lifecycle"] for row in record.tables["lifecycle today"]} == {"new", "active", "at-risk", "lapsed"}
    assert [row["season"] for row in record.tables["sale seasons"]] == ["11.11", "618", "christmas"]
    assert record.by_group["least_users"] > 0
    for words in ("plain ratio of silence", "customers.auc_above_ratio", "times as lively", "tenth"):
        assert words in shown


def _check_lists(settings: Settings, flags: list[str], folder: Path) -> None:
    risky = invoke("insight", "churn", "list", "--json", *flags)["users"]
    assert len(risky) == counted(settings, {"term": {"lifecycle": "at-risk"}}) > 5
    risks = [user["churn_risk"] for user in risky]
    assert risks == sorted(risks, reverse=True)
    assert min(risks) >= 0.5
    assert all(len(user["reasons"]) == len(user.get("churn_reasons", ())) for user in risky if "reasons" in user)
    assert invoke("insight", "churn", "list", "-n", "3", "--json", *flags)["users"] == risky[:3]
    stakes = [
        user["churn_risk"] * user["spend_total"]
        for user in invoke("insight", "churn", "list", "--by", "stake", "--json", *flags)["users"]
    ]
    assert stakes == sorted(stakes, reverse=True)
    sure = invoke("insight", "churn", "list", "lapsed", "--min-risk", "0.8", "--json", *flags)["users"]
    assert all(user["churn_risk"] >= 0.8 for user in sure)
    assert len(sure) == counted(settings, {"term": {"lifecycle": "lapsed"}}, {"range": {"churn_risk": {"gte": 0.8}}})

    fresh = invoke("insight", "churn", "list", "new", "--json", *flags)["users"]
    assert len(fresh) == counted(settings, {"term": {"lifecycle": "new"}}) > 2
    assert fresh[0]["last_purchase"] > "2025-06-20"

    for suffix in ("csv", "jsonl"):
        path = folder / f"risk.{suffix}"
        told = invoke("insight", "churn", "list", "--output", str(path), "--json", *flags)
        assert told["users"] == len(risky)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with (folder / "risk.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["user_id"] for row in rows] == [user["user_id"] for user in risky]
    assert [float(row["churn_risk"]) for row in rows] == risks
    lines = [json.loads(line) for line in (folder / "risk.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["user_id"] for line in lines] == [user["user_id"] for user in risky]
    assert risky[0]["user_id"] in invoke("insight", "churn", "list", "-n", "2", *flags)


def _check_who_opted_out(settings: Settings, flags: list[str], off: str) -> None:
    one = {"term": {"user_id": off}}
    assert counted(settings, one) == 1
    for field in FIELDS:
        assert counted(settings, one, {"exists": {"field": field}}) == 0
    for lifecycle in ("at-risk", "new", "active", "lapsed"):
        listed = invoke("insight", "churn", "list", lifecycle, "--json", *flags)["users"]
        assert off not in {user["user_id"] for user in listed}
    code, said = refused("insight", "churn", "why", off, *flags)
    assert (code, "nothing is believed" in said) == (1, True)


def _check_reasons(flags: list[str], user: str) -> None:
    answer = invoke("insight", "churn", "why", user, "--json", *flags)
    assert answer["lifecycle"] in ("at-risk", "lapsed")
    assert len(answer["reasons"]) == len(answer["codes"]) > 0
    english, chinese = (invoke("insight", "churn", "why", user, "--language", name, *flags) for name in ("en", "zh"))
    assert f"{user}: {answer['lifecycle']}, risk {answer['risk']:.0%}, {answer['band']}" in english
    assert f"- {answer['reasons'][0]}" in english
    assert any("一" <= letter <= "鿿" for letter in chinese)


def _check_who_opts_out_later(settings: Settings, flags: list[str]) -> None:
    first = invoke("insight", "churn", "list", "-n", "1", "--json", *flags)["users"][0]["user_id"]
    with ProfileStore.open(settings) as shop:
        shop.index_users([User(user_id=first, personalisation="off")])
    listed = invoke("insight", "churn", "list", "--json", *flags)["users"]
    assert first not in {user["user_id"] for user in listed}
    assert refused("insight", "churn", "why", first, *flags)[0] == 1
    assert counted(settings, {"term": {"user_id": first}}, {"exists": {"field": "churn_risk"}}) == 0


def test_what_does_not_beat_the_ratio_is_written_only_when_forced(settings: Settings) -> None:
    """Everybody buys at random at one rate."""
    import numpy as np

    rng = np.random.default_rng(3)
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products([Product(product_id="p", title="scarf", price=3.0)])
        store.index_events(
            Event(user_id=f"u{rng.integers(120):03d}", type="purchase", product_id="p",
                  time=DEFAULT_END - timedelta(days=float(rng.uniform(0.0, 200.0))))
            for _ in range(700)
        )  # fmt: skip
    flags = own_flags(settings)
    (step,) = invoke("insight", "run", "churn", "--json", *flags)["steps"]
    assert (step["status"], step["written"]) == ("no better", None)
    assert "not foretold better" in step["message"]
    assert counted(settings, {"exists": {"field": "lifecycle"}}) == 0
    assert "does NOT beat" in invoke("insight", "show", "churn", *flags)
    written = invoke("insight", "run", "churn", "--force", "--json", *flags)["steps"][0]["written"]
    assert written["written"] == counted(settings, {"exists": {"field": "lifecycle"}}) > 100


def test_too_little_is_a_sentence_and_nothing_is_written(settings: Settings) -> None:
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products([Product(product_id="p", title="scarf", price=3.0)])
        for user in ("a", "b", "c"):
            store.record(Event(user_id=user, type="purchase", time="2026-01-02T10:00:00Z", product_id="p"))
    flags = own_flags(settings)
    (step,) = invoke("insight", "run", "churn", "--json", *flags)["steps"]
    assert (step["status"], step["written"]) == ("too little", None)
    assert step["message"] == "churn needs 50 users with an order; there are 3."
    assert counted(settings, {"exists": {"field": "lifecycle"}}) == 0
    assert invoke("insight", "churn", "list", "--json", *flags) == {"lifecycle": "at-risk", "users": []}
    assert "insight run churn" in refused("insight", "churn", "list", *flags)[1]


def test_what_cannot_be_meant_ends_with_2(settings: Settings) -> None:
    with ProfileStore.open(settings) as store:
        store.init()
    flags = own_flags(settings)
    for wrong in (["list", "gone"], ["list", "-n", "0"], ["list", "--band", "extreme"], ["list", "--language", "fr"],
                  ["list", "--by", "name"], ["why", "u1", "--language", "fr"],
                  ["list", "--set", 'sale_seasons={"sale": "02-30/03-01"}'],
                  ["list", "--output", "users.xlsx"]):  # fmt: skip
        assert refused("insight", "churn", *wrong, *flags)[0] == 2, wrong
