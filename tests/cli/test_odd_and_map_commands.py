"""`insight run odd map`, `insight odd list` and `insight map` as a shell sees them, and what Elasticsearch finds."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from typer.testing import CliRunner

from profilestore import Event, Product, ProfileStore, Settings, User
from profilestore.cli import app
from profilestore.ingest.sample import SampleShop, generate_shop
from tests.cli.commands import flags_of

RUNNER = CliRunner()
OFF = "u00161"  # an odd user of the sample


@pytest.fixture(scope="module")
def sample() -> SampleShop:
    return generate_shop(users=160, products=60, events=4000, odd=True)


@pytest.fixture
def flags(settings: Settings, sample: SampleShop) -> Iterator[list[str]]:
    """The flags of a shop with 40 odd users, of whom one has personalisation off."""
    with ProfileStore.open(settings.model_copy(update={"text_model": "words", "embedding_dims": 32})) as store:
        store.init()
        store.index_products(sample.products)
        store.index_events(sample.events)
        store.index_users([User(user_id=OFF, personalisation="off")])
    yield flags_of(settings)


def invoke(*words: str) -> Any:
    done = RUNNER.invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in words else done.stdout


def found(settings: Settings, query: dict[str, Any], index: str = "profiles") -> set[str]:
    with Elasticsearch(str(settings.elasticsearch_url)) as client:
        hits = client.search(index=settings.index(index), query=query, size=1000, source=False).body["hits"]["hits"]
        return {hit["_id"] for hit in hits}


def test_odd_users_from_the_command_line_to_a_query_and_a_file(
    flags: list[str], settings: Settings, sample: SampleShop, tmp_path: Path
) -> None:
    (step,) = invoke("insight", "run", "odd", "--force", "--json", *flags)["steps"]
    assert step["status"] == "done", step["message"]
    assert "for a person to look at" in step["message"]
    truth = set(sample.truth.odd_users) - {OFF}
    flagged = found(settings, {"exists": {"field": "odd_flags"}})
    assert len(flagged & truth) >= 0.8 * max(len(flagged), len(truth))
    assert found(settings, {"term": {"odd_flags": "refunds"}}) <= flagged
    assert flagged <= found(settings, {"exists": {"field": "insight_as_of.odd"}})
    scored = found(settings, {"range": {"odd_score": {"gt": 0.0, "lt": 1.0}}})
    assert len(scored) > 150
    # Of who switched personalisation off nothing is said, neither in profiles nor in lists.
    assert OFF not in flagged | scored
    listed = invoke("insight", "odd", "list", "--json", *flags)
    assert listed["users"] == len(flagged)
    assert {user["user_id"] for user in listed["odd"]} == flagged
    assert invoke("insight", "show", "odd", "--json", *flags)["window"]["opted_out"] == 1
    assert all(len(user["reasons"]) == len(user["flags"]) > 0 for user in listed["odd"])
    of_one = invoke("insight", "odd", "list", "--flag", "same-pattern", "--language", "zh", "-n", "2", "--json", *flags)
    assert len(of_one["odd"]) == 2
    assert "个账号" in of_one["odd"][0]["reasons"][of_one["odd"][0]["flags"].index("same-pattern")]
    text = invoke("insight", "odd", "list", "--flag", "velocity", *flags)
    assert "within 24 hours" in " ".join(text.split())
    file = tmp_path / "odd.csv"
    invoke("insight", "odd", "list", "--output", str(file), *flags)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["user_id"] for row in rows} == flagged
    assert all(row["reasons"] != "" for row in rows)
    again = invoke("insight", "run", "odd", "--force", "--json", *flags)["steps"][0]["written"]
    assert (again["written"], again["emptied"]) == (0, 0)  # the same data and seed: the same result
    user = min(flagged)
    with ProfileStore.open(settings) as store:
        store.index_users([User(user_id=user, personalisation="off")])
        assert (store.profile(user).odd_flags, store.profile(user).odd_score) == (None, None)
        assert user not in {each.user_id for each in store.insight.odd.all()}


def test_the_map_from_the_command_line_to_a_query_and_a_page(
    flags: list[str], settings: Settings, sample: SampleShop, tmp_path: Path
) -> None:
    missing = RUNNER.invoke(app, ["insight", "map", "--output", str(tmp_path / "none.html"), *flags])
    assert (missing.exit_code, "insight run map" in missing.stderr) == (1, True)
    steps = invoke("insight", "run", "segments", "map", "--force", "--json", *flags)["steps"]
    assert [step["status"] for step in steps] == ["done", "done"], steps
    mapped = {"bool": {"filter": [{"exists": {"field": "map_pca_x"}}, {"exists": {"field": "map_tsne_y"}}]}}
    users, products = found(settings, mapped), found(settings, mapped, "products")
    assert len(users) == steps[1]["written"]["described"] > 150
    assert products == {product.product_id for product in sample.products}
    assert OFF not in users
    record = invoke("insight", "show", "map", "--json", *flags)
    assert record["figures"]["profiles"]["trustworthiness"]["gain"]["low"] > 0
    assert 0 < record["figures"]["products"]["pca_explained_first_axis"] < 1
    page = tmp_path / "map.html"
    told = invoke("insight", "map", "--output", str(page), "--json", *flags)
    assert (told["profiles"], told["products"]) == (len(users), len(products))
    html = page.read_text("utf-8")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert html.count("<use") > 2 * (len(users) + len(products))
    assert OFF not in html
    assert "用户" in (invoke("insight", "map", "--output", str(page), "--language", "zh", *flags), page.read_text())[1]
    again = invoke("insight", "run", "map", "--force", "--json", *flags)["steps"][0]
    assert again["written"]["written"] == 0  # the same data and seed: the same map
    assert "0 products written" in again["message"]
    user = min(users)
    with ProfileStore.open(settings) as store:
        store.index_users([User(user_id=user, personalisation="off")])
        assert store.profile(user).map_pca_x is None
        assert user not in {point.id for point in store.insight.map.points("profiles")}


def test_too_little_is_a_sentence_and_nothing_is_written(settings: Settings) -> None:
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products([Product(product_id=f"p{n}", title=f"scarf {n}", price=3.0) for n in range(30)])
        for user in ("a", "b", "c"):
            store.record(Event(user_id=user, type="purchase", time="2026-01-02T10:00:00Z", product_id="p1"))
    flags = flags_of(settings)
    steps = invoke("insight", "run", "odd", "map", "--json", *flags)["steps"]
    assert [step["status"] for step in steps] == ["too little", "too little"]
    assert "20 users with at least 4 acts" in steps[0]["message"]
    assert found(settings, {"exists": {"field": "insight_as_of"}}) == set()
    assert found(settings, {"exists": {"field": "map_pca_x"}}, "products") == set()
    assert invoke("insight", "odd", "list", "--json", *flags) == {"users": 0, "odd": []}


@pytest.mark.parametrize(
    "wrong",
    [
        ["odd", "list", "--flag", "green"], ["odd", "list", "--language", "fr"], ["odd", "list", "--output", "odd.xls"],
        ["map", "--output", "m.html", "--language", "fr"], ["map"],
    ],
)  # fmt: skip
def test_what_cannot_be_meant_ends_with_2(wrong: list[str], settings: Settings) -> None:
    with ProfileStore.open(settings) as store:
        store.init()
    done = RUNNER.invoke(app, ["insight", *wrong, *flags_of(settings)])
    assert done.exit_code == 2, done.output
