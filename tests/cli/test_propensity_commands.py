"""`insight propensity compare` and `insight run propensity` as a shell sees them, and what Elasticsearch finds."""

from __future__ import annotations

import csv
import json
import re
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
START = datetime(2025, 1, 1, tzinfo=UTC)


def invoke(*words: str) -> Any:
    done = RUNNER.invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in words else done.stdout


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    """Visits of which the pages foretell the label; some stand twice."""
    rng = np.random.default_rng(4)
    path = tmp_path / "visits.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["pages", "device", "<b>odd & name</b>", "bought"])
        for _ in range(240):
            pages = float(rng.gamma(2.0, 3.0))
            bought = rng.random() < 1.0 / (1.0 + np.exp(5.0 - pages))
            row = [f"{pages:.3f}", rng.choice(["phone", "desk"]), f"{rng.random():.3f}", "TRUE" if bought else "FALSE"]
            for _ in range(2 if rng.random() < 0.1 else 1):
                writer.writerow(row)
    return path


def test_models_are_compared_from_the_command_line(visits: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    words = ("insight", "propensity", "compare", "--from", str(visits), "--label", "bought", "--folds", "3",
             "--model", "logistic", "--model", "tree")  # fmt: skip
    made = invoke(*words, "--html", str(page), "--json")
    assert {model["name"] for model in made["models"]} == {"logistic", "tree"}
    best = made["models"][0]
    assert best["figures"]["roc_auc"]["low"] > 0.7
    assert {"roc_auc", "pr_auc", "precision", "recall", "f1"} == set(best["figures"])
    assert sum(best["confusion"].values()) == made["asked"]["rows"]
    assert made["asked"]["repeated_rows"] > 5
    assert made["asked"]["groups"] == made["asked"]["rows"] - made["asked"]["repeated_rows"]
    assert made["selection"]["agreed"] == ["pages"]
    html = page.read_text()
    assert html.count("<polyline") == 6  # two models and the baseline, in two plots
    for said in ("ROC curves", "Confusion matrices", "logistic regression", "What the features say", "95 % intervals"):
        assert said in html
    assert "<b>odd" not in html
    assert "&lt;b&gt;odd &amp; name" in html
    assert re.search(r"<(script|link|img)|https?://(?!www\.w3\.org/2000/svg)", html) is None
    text = invoke(*words)
    for said in ("ROC-AUC", "PR-AUC", "confusion matrix of", "mutual information", "At least three of four methods"):
        assert said in text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--label", "revenue"], "no column revenue"),
        (["--label", "device"], "a label says yes or no"),
        (["--label", "bought", "--group", "user"], "no column user"),
        (["--label", "bought", "--model", "magic"], "no model magic"),
        (["--label", "bought", "--folds", "1"], "2 to 20"),
    ],
)
def test_what_cannot_be_meant_ends_with_2(wrong: list[str], said: str, visits: Path) -> None:
    done = RUNNER.invoke(app, ["insight", "propensity", "compare", "--from", str(visits), *wrong])
    assert (done.exit_code, said in done.stderr) == (2, True), done.output


def test_one_class_is_a_sentence(visits: Path, tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text("pages,bought\n" + "".join(f"{number},yes\n" for number in range(90)))
    page = tmp_path / "page.html"
    done = RUNNER.invoke(
        app, ["insight", "propensity", "compare", "--from", str(path), "--label", "bought", "--html", str(page)]
    )
    assert (done.exit_code, page.exists()) == (1, False)
    assert "yes in 90 of 90 rows" in done.stderr


def acts(users: int = 120, days: int = 200, seed: int = 2) -> Iterator[Event]:
    """Buyers who put into the cart two weeks before they buy, mostly in a category of their own."""
    rng = np.random.default_rng(seed)
    for number in range(users):
        favourite, user = int(rng.integers(4)), f"u{number:04d}"
        for day in range(0, days, 10):
            at = START + timedelta(days=day + float(rng.uniform(0.0, 3.0)))
            product = f"p{favourite}" if rng.random() < 0.8 else f"p{rng.integers(4)}"
            yield Event(user_id=user, type="view", time=at, product_id=product)
            if rng.random() < 0.3:
                later = at + timedelta(days=14.0 + float(rng.uniform(0.0, 14.0)))
                yield Event(user_id=user, type="cart", time=at + timedelta(hours=1), product_id=product)
                if later < START + timedelta(days=days):
                    yield Event(user_id=user, type="purchase", time=later, product_id=product, price=5.0)


def found(settings: Settings, query: dict[str, Any]) -> int:
    with Elasticsearch(str(settings.elasticsearch_url)) as client:
        return int(client.count(index=settings.index("profiles"), query=query).body["count"])


def test_chances_from_the_command_line_to_a_query(settings: Settings) -> None:
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products(
            [Product(product_id=f"p{n}", title=f"scarf {n}", category=f"kind {n}", price=5.0) for n in range(4)]
        )
        store.index_events(acts())
        store.index_users([User(user_id="u0001", personalisation="off")])
        store.index_users([User(user_id=f"u{n:04d}", gender=("female", "male")[n % 2]) for n in range(2, 120)])
    flags = flags_of(settings)
    (step,) = invoke("insight", "run", "propensity", "--json", *flags)["steps"]
    assert step["status"] == "done", step["message"]
    assert step["written"]["described"] == step["written"]["written"] == 119
    assert found(settings, {"range": {"purchase_30d": {"gte": 0, "lte": 1}}}) == 119
    assert 3 < found(settings, {"range": {"purchase_30d": {"gte": 0.6}}}) < 115
    inside = {"bool": {"filter": [
        {"term": {"purchase_30d_categories.category": "kind 1"}},
        {"range": {"purchase_30d_categories.probability": {"gte": 0.3}}},
    ]}}  # fmt: skip
    assert found(settings, {"nested": {"path": "purchase_30d_categories", "query": inside}}) > 0
    assert found(settings, {"exists": {"field": "likely_categories"}}) > 0
    assert found(settings, {"exists": {"field": "insight_as_of.propensity"}}) == 119
    # Who switched personalisation off has no chance, and is in no figure.
    off = [{"term": {"user_id": "u0001"}}, {"exists": {"field": "purchase_30d"}}]
    assert found(settings, {"bool": {"filter": off}}) == 0
    record = invoke("insight", "show", "propensity", "--json", *flags)
    assert (record["window"]["opted_out"], record["figures"]["rows"]) == (1, 119)
    assert record["figures"]["gain"]["roc_auc"]["low"] > 0.0
    assert record["settings"]["categories_from"] == "categories"
    assert {row["group"] for row in record["by_group"]["rows"]} == {"female", "male"}
    with ProfileStore.open(settings) as shop:
        known = shop.profile("u0002")
    assert known.purchase_30d_categories is not None
    chances = [entry["probability"] for entry in known.purchase_30d_categories]
    assert chances == sorted(chances, reverse=True)
    assert known.purchase_30d is not None
    assert chances[0] <= known.purchase_30d
    assert {entry["category"] for entry in known.purchase_30d_categories} <= set(known.main_categories or [])
    shown = invoke("insight", "show", "propensity", *flags)
    for said in ("best three of eight models", "recency and frequency alone", "k nearest neighbours", "It beats"):
        assert said in " ".join(shown.split())
    assert "今后 30 天购买的概率" in invoke("insight", "show", "propensity", "--language", "zh", *flags)


def test_what_does_not_beat_recency_and_frequency_is_written_only_when_forced(settings: Settings) -> None:
    """Purchases by lot: nothing foretells them."""
    rng = np.random.default_rng(6)
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products([Product(product_id="p", title="scarf", price=3.0)])
        store.index_events(
            Event(user_id=f"u{user:02d}", type="purchase", time=START + timedelta(days=float(day)), product_id="p")
            for user in range(60)
            for day in np.sort(rng.uniform(0.0, 130.0, 4))
        )
    flags = flags_of(settings)
    (step,) = invoke("insight", "run", "propensity", "--json", *flags)["steps"]
    assert (step["status"], step["written"]) == ("no better", None)
    assert found(settings, {"exists": {"field": "purchase_30d"}}) == 0
    record = invoke("insight", "show", "propensity", "--json", *flags)
    assert record["accepted"] is False
    assert "It does NOT beat that baseline." in record["card"]["en"]
    assert "two categories or topics" in record["card"]["en"]
    (forced,) = invoke("insight", "run", "propensity", "--force", "--json", *flags)["steps"]
    assert forced["written"]["written"] == 60
    again = invoke("insight", "run", "propensity", "--force", "--json", *flags)["steps"][0]
    assert again["written"]["written"] == 0  # the same data and seed: the same result


@pytest.mark.real_data
def test_on_real_sessions_equal_rows_stay_together(shared_data: Path) -> None:
    source = shared_data / "online_shoppers" / "online_shoppers_intention.csv.gz"
    made = invoke(
        "insight", "propensity", "compare", "--from", str(source), "--label", "Revenue", "--model", "boosting",
        "--folds", "3", "--json",
    )  # fmt: skip
    assert (made["asked"]["rows"], made["asked"]["repeated_rows"]) == (12_330, 125)
    (boosting,) = made["models"]
    assert boosting["figures"]["roc_auc"]["mean"] >= 0.93
    assert boosting["figures"]["pr_auc"]["mean"] > 0.7
    assert "PageValues" in made["selection"]["agreed"]
