"""`rules`, `lookalike` and `buyers` as a shell sees them."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from profilestore.cli import app
from profilestore.documents import Event, User
from profilestore.ingest.sample import generate_shop
from profilestore.settings import Settings
from profilestore.store import ProfileStore
from tests.cli.commands import flags_of

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def flags(module_settings: Settings) -> list[str]:
    """The flags of a shop in which p00001 and p00002 are often ordered together."""
    shop = generate_shop(users=60, products=40, events=1500, language="en")
    when = shop.events[-1].time
    pairs = [
        Event(user_id=f"pair{n}", type="purchase", product_id=product, order_id=str(n), time=when)
        for n in range(15)
        for product in ("p00001", "p00002")
    ]
    with ProfileStore.open(module_settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products(shop.products)
        store.index_users([*shop.users, *(User(user_id=f"pair{n}", country="FR") for n in range(15))])
        store.index_events([*shop.events, *pairs])
    return flags_of(module_settings)


def test_mine_show_and_ask(flags: list[str]) -> None:
    early = RUNNER.invoke(app, ["rules", "show", *flags])
    assert (early.exit_code, "rules mine" in early.stderr) == (1, True)
    mined = RUNNER.invoke(app, ["rules", "mine", "--json", *flags])
    assert mined.exit_code == 0, mined.output
    report = json.loads(mined.stdout)
    assert report["rules"] >= 2
    assert report["settings"]["level"] == 0.01
    assert report["tests"] == report["products"] * (report["products"] - 1) // 2
    again = RUNNER.invoke(app, ["rules", "mine", "--min-lift", "1.5", *flags])
    assert "are stored with the products; 0 products changed" in again.stdout
    shown = json.loads(RUNNER.invoke(app, ["rules", "show", "p00001", "-n", "1", "--json", *flags]).stdout)
    assert shown["mined"]["rules"] == report["rules"]
    (rule,) = shown["rules"]
    assert (rule["antecedent"], rule["consequent"]) == ("p00001", "p00002")
    assert rule["count"] >= 15
    table = RUNNER.invoke(app, ["rules", "show", *flags])
    assert "also buys" in table.stdout
    assert "p00002" in table.stdout
    assert "pairs of" in table.stderr
    like = RUNNER.invoke(app, ["similar", "p00001", "--method", "bought-together", "-n", "1", "--json", *flags])
    assert json.loads(like.stdout)["items"][0]["product_id"] == "p00002"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (["rules", "mine", "--level", "1.5"], 2), (["rules", "mine", "--level", "0"], 2),
        (["rules", "mine", "--min-support", "-1"], 2), (["rules", "show", "nothing"], 1),
        (["lookalike"], 2), (["lookalike", "u00001", "--segment", "country=CN"], 2),
        (["lookalike", "nobody"], 1), (["lookalike", "--segment", "shoe=42"], 2),
        (["lookalike", "u00001", "--where", "country =="], 2), (["lookalike", "u00001", "-n", "10001"], 2),
        (["lookalike", "u00001", "u00002", "--as-query"], 2), (["buyers", "nothing"], 1),
        (["buyers", "p00001", "--method", "magic"], 2), (["buyers", "p00001", "p00002", "--as-curl"], 2),
        (["recommend", "u00001", "--method", "similar-users", "--as-query"], 2),
    ],
)  # fmt: skip
def test_what_cannot_be_meant(wrong: list[str], code: int, flags: list[str]) -> None:
    if wrong[:2] == ["rules", "show"]:
        RUNNER.invoke(app, ["rules", "mine", *flags])
    done = RUNNER.invoke(app, [*wrong, *flags])
    assert (done.exit_code, "Traceback" in done.output) == (code, False), done.output


def test_lookalike(flags: list[str]) -> None:
    done = RUNNER.invoke(app, ["lookalike", "pair0", "-n", "5", "--json", *flags])
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer.keys() == {"like", "method", "took_ms", "users"}
    assert len(answer["users"]) == 5
    assert all(user["user_id"].startswith("pair") and user["user_id"] != "pair0" for user in answer["users"])
    outside = RUNNER.invoke(app, ["lookalike", "--segment", "country=FR", "-n", "3", "--where", "age > 20", *flags])
    assert "like this segment (15 compared with), by text" in outside.stdout
    assert "pair" not in outside.stdout.split("\n", 1)[1]
    query = json.loads(RUNNER.invoke(app, ["lookalike", "pair0", "--as-query", *flags]).stdout)
    assert query["path"].endswith("-profiles/_search")


def test_buyers(flags: list[str]) -> None:
    done = RUNNER.invoke(app, ["buyers", "p00001", "nothing", "p00003", "-n", "200", "--json", *flags])
    assert done.exit_code == 1
    first, missing, second = (json.loads(line) for line in done.stdout.splitlines())
    assert missing == {"product_id": "nothing", "error": "not found", "users": []}
    assert (first["product_id"], second["product_id"]) == ("p00001", "p00003")
    assert not any(user["user_id"].startswith("pair") for user in first["users"])
    assert any(user["user_id"].startswith("pair") for user in second["users"])
    assert all(user.keys() == {"user_id", "score"} for user in first["users"])
    known = RUNNER.invoke(app, ["buyers", "p00001", "-n", "3", "--include-buyers", *flags])
    assert "pair" in known.stdout
    curl = RUNNER.invoke(app, ["buyers", "p00001", "--as-curl", *flags])
    assert curl.stdout.startswith("curl ")
