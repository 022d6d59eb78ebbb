"""`feedback`, `recommend --all`, `--experiment` and `--method bandit` as a shell sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from profilestore import Event, Product, ProfileStore, Settings
from profilestore.cli import app
from tests.cli.commands import flags_of

RUNNER = CliRunner()
START = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def flags(settings: Settings) -> Iterator[list[str]]:
    """A shop whose spaces are not trained, so that nothing loads a model: what is popular is all there is."""
    events = [
        Event(user_id=f"u{n % 7}", type="purchase", time=START, product_id=f"p{n % 5}", order_id=f"o{n}")
        for n in range(40)
    ]
    for n in range(60):
        common = {"user_id": f"u{n % 7}", "product_id": f"p{n % 5}", "position": n % 3, "request_id": f"r{n}"}
        method = "trending" if n % 2 == 0 else "popular"
        when = START + timedelta(hours=n)
        events.append(Event(type="impression", time=when, method=method, **common))
        if n % 5 == 0:
            events.append(Event(type="click", time=when, method=method, **common))
    events.append(Event(user_id="u1", type="click", time=START, product_id="p9", method="popular", request_id="none"))
    with ProfileStore.open(settings) as store:
        store.init()
        store.index_products([Product(product_id=f"p{n}", price=float(n + 1), category=f"c{n % 2}") for n in range(5)])
        store.index_events(events)
        store.refresh_popularity()
    yield flags_of(settings)


def run(flags: list[str], *arguments: str) -> object:
    done = RUNNER.invoke(app, [*arguments, *flags])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in arguments else done.output


def test_the_report(flags: list[str]) -> None:
    report = run(flags, "feedback", "report", "--json")
    assert isinstance(report, dict)
    figures = {each["method"]: each for each in report["methods"]}
    assert (figures["trending"]["impressions"], figures["popular"]["impressions"]) == (30, 30)
    assert figures["trending"]["clicks"] + figures["popular"]["clicks"] == 12
    assert set(figures["popular"]["ctr_corrected"]) == {"value", "low", "high", "by"}
    assert report["clicks_without_impression"] == {"popular": 1}
    assert [each["position"] for each in report["positions"]] == [0, 1, 2]
    told = run(flags, "feedback", "report")
    assert "trending" in str(told)
    assert "belong to no impression" in str(told)
    later = run(flags, "feedback", "report", "--since", "2027-01-01", "--json")
    assert isinstance(later, dict)
    assert later["methods"] == []


def test_an_experiment_from_making_to_the_end(flags: list[str]) -> None:
    made = run(flags, "feedback", "experiment", "create", "e1", "--method", "popular", "--method", "trending",
               "--share", "0.5", "--share", "0.5", "--json")  # fmt: skip
    assert isinstance(made, dict)
    assert (made["name"], made["state"]) == ("e1", "running")
    answer = run(flags, "recommend", "u1", "--experiment", "e1", "--json")
    assert isinstance(answer, dict)
    assert list(answer) == ["user_id", "experiment", "request_id", "method", "took_ms", "items"]
    assert answer["experiment"] == "e1"
    assert answer["method"] in ("popular", "trending")
    report = run(flags, "feedback", "report", "--experiment", "e1", "--json")
    assert isinstance(report, dict)
    assert "nothing can be concluded yet" in report["conclusion"]
    assert "nothing can be concluded yet" in str(run(flags, "feedback", "report", "--experiment", "e1"))
    stopped = run(flags, "feedback", "experiment", "stop", "e1", "--json")
    assert isinstance(stopped, dict)
    assert stopped["state"] == "ended"
    assert "e1" in str(run(flags, "feedback", "experiment", "list"))


def test_everybody_s_list(flags: list[str], settings: Settings) -> None:
    summary = run(flags, "recommend", "--all", "-n", "3", "--method", "popular", "--json", "--include-seen")
    assert isinstance(summary, dict)
    assert (summary["users"], summary["methods"], summary["removed"]) == (7, {"popular": 7}, 0)
    assert "7 users have their list" in str(run(flags, "recommend", "--all"))
    with ProfileStore.open(settings) as shop:
        alias = settings.index("recommendations")
        hits = shop._client.search(index=alias, query={"match_all": {}}, size=20)["hits"]["hits"]
        assert sorted(hit["_id"] for hit in hits) == [f"u{n}" for n in range(7)]
        bought = shop._client.count(index=alias, query={"term": {"products": "p0"}})["count"]
        assert 0 <= bought <= 7


def test_the_bandit_answers(flags: list[str]) -> None:
    asked = ("recommend", "u1", "--method", "bandit", "--set", 'bandit_methods=["popular","trending"]', "--json")
    first, second = run(flags, *asked), run(flags, *asked)
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert list(first) == ["user_id", "method", "took_ms", "items"]
    assert first["method"] == second["method"]
    assert first["method"] in ("popular", "trending")


def test_apply(flags: list[str]) -> None:
    dry = run(flags, "feedback", "apply", "--dry-run", "--json")
    assert isinstance(dry, dict)
    assert (dry["applied"], set(dry["factors"].values())) == (False, {1.0})
    assert "boost" in str(run(flags, "feedback", "apply"))
    assert run(flags, "feedback", "apply", "--reset", "--json") == {"reset": True}
    changed = run(flags, "feedback", "apply", "--event-weights", "view=0.2, cart=0.5", "--json")
    assert isinstance(changed, dict)
    assert changed["weights"] == {"view": 0.2, "cart": 0.5}
    assert changed["build"]["profiles"] == 7
    assert "nothing to do" in str(run(flags, "feedback", "apply", "--event-weights", "view=0.2"))
    assert "those of the settings" in str(run(flags, "feedback", "apply", "--event-weights", "default"))
    verified = RUNNER.invoke(app, ["profile", "verify", "--all", *flags])
    assert verified.exit_code == 0, verified.output


WRONG = (
    ["feedback", "report", "--since", "yesterday"],
    ["feedback", "report", "--window-days", "0"],
    ["feedback", "report", "--since", "2026-03-02", "--until", "2026-03-01"],
    ["feedback", "report", "--experiment", "e", "--since", "2026-03-02"],
    ["feedback", "experiment", "create", "one", "--method", "popular"],
    ["feedback", "experiment", "create", "x", "--method", "popular", "--method", "magic"],
    [
        "feedback",
        "experiment",
        "create",
        "x",
        "--method",
        "popular",
        "--method",
        "text",
        "--share",
        "0.9",
        "--share",
        "0.9",
    ],
    [
        "feedback",
        "experiment",
        "create",
        "x",
        "--method",
        "popular",
        "--method",
        "text",
        "--start",
        "2026-03-02",
        "--end",
        "2026-03-01",
    ],
    ["feedback", "apply", "--event-weights", "view"],
    ["feedback", "apply", "--event-weights", "view=-1"],
    ["feedback", "apply", "--event-weights", "looked=1"],
    ["feedback", "apply", "--reset", "--dry-run"],
    ["recommend", "--all", "u1"],
    ["recommend", "--all", "--as-query"],
    ["recommend", "--all", "--method", "magic"],
)


def test_what_cannot_be_meant_ends_with_2_and_what_is_not_there_with_1(settings: Settings) -> None:
    with ProfileStore.open(settings) as shop:
        shop.init()
    flags = flags_of(settings)
    for wrong in WRONG:
        done = RUNNER.invoke(app, [*wrong, *flags])
        assert done.exit_code == 2, f"{wrong}: {done.output}"
    for missing in (
        ["feedback", "report", "--experiment", "no"],
        ["feedback", "experiment", "stop", "no"],
        ["recommend", "u", "--experiment", "no"],
    ):
        assert RUNNER.invoke(app, [*missing, *flags]).exit_code == 1
