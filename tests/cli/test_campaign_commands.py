"""`campaign plan|start|stop|show|list|export` as a shell sees it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from elasticsearch import Elasticsearch
from typer.testing import CliRunner, Result

from profilestore.cli import app
from profilestore.elastic.indices import KINDS
from profilestore.settings import Settings
from tests.integration.campaign_shop import open_shop

RUNNER = CliRunner()
FILE = """
audience = "all"
ends = 2098-12-31
budget = 40.0
cost_per_contact = 1.0
contacts_per_week = 9
description = "a word to all"
[offer]
kind = "message"
"""


@pytest.fixture(scope="module")
def flags(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The flags of a shop with users and audiences."""
    home = tmp_path_factory.mktemp("campaign-cli")
    settings = Settings(home=home, prefix=f"t-{uuid.uuid4().hex[:12]}", elasticsearch_url=server_url)
    open_shop(settings)._client.close()
    yield ["--prefix", settings.prefix, "--url", server_url, "--home", str(home)]
    with Elasticsearch(server_url, request_timeout=60) as client:
        rows = client.cat.indices(index=f"{settings.prefix}-*", h="index", format="json")
        client.indices.delete(index=[row["index"] for row in rows])
        for kind in KINDS:
            client.options(ignore_status=404).indices.delete_index_template(name=settings.index(kind))


@pytest.fixture
def run(flags: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):  # type: ignore[no-untyped-def]  # a closure
    monkeypatch.chdir(tmp_path)

    def call(*words: str, code: int = 0) -> Result:
        result = RUNNER.invoke(app, ["campaign", *words, *flags])
        assert result.exit_code == code, result.output
        return result

    return call


def test_a_campaign_from_plan_to_stop(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "hello.toml").write_text(FILE)
    told = run("plan", "hello.toml").stdout
    for part in ("hello: audience all by mail", "gave no consent to mail", "treatment", "control", "cost:", "at most"):
        assert part in told
    plan = json.loads(run("plan", "hello.toml", "--json").stdout)
    assert json.loads(run("list", "--json").stdout) == {"campaigns": []}

    started = run("start", "hello.toml")
    assert f"hello runs: {plan['counts']['treatment']} users in treatment" in started.stdout
    assert "runs already: nothing was changed" in run("start", "hello.toml").stdout
    assert "it was started already and is running" in run("plan", "hello.toml").stdout
    assert "hello" in run("list").stdout and "running" in run("list").stdout

    assert "state: running" in run("show", "hello").stdout
    export = json.loads(run("export", "hello", "--output", "out.csv", "--plain-ids", "--json").stdout)
    assert export["users"] == plan["counts"]["treatment"]
    user = (tmp_path / "out.csv").read_text().splitlines()[1].split(",")[0]
    shown = json.loads(run("show", "hello", "--user", user, "--as-query", "--json").stdout)
    assert shown["user"]["arm"] == "treatment" and shown["request"]["query"]["bool"]["filter"][0] == {
        "term": {"user_id": user}
    }
    assert '"must_not"' in run("show", "hello", "--user", user, "--as-query").stdout

    assert "hello is stopped" in run("stop", "hello").stdout
    assert json.loads(run("stop", "hello", "--json").stdout)["state"] == "stopped"
    assert "state: stopped" in run("show", "hello").stdout


def test_mistakes_end_with_two_or_one_and_a_sentence(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "bad.toml").write_text(FILE.replace("40.0", "0.0").replace("9", "0", 1).replace("all", "", 1))
    for verb in ("plan", "start"):
        told = run(verb, "bad.toml", code=2).stderr
        assert told.startswith("profilestore: bad.toml: ") and "`audience`" in told
    (tmp_path / "unknown.toml").write_text(FILE.replace('"all"', '"nobody"'))
    assert "no audience of this name" in run("start", "unknown.toml", code=1).stderr
    assert "no campaign of this name" in run("stop", "unknown", code=1).stderr
    assert "cannot be read" in run("plan", "nowhere.toml", code=1).stderr
    (tmp_path / "other.toml").write_text(FILE)
    run("start", "other.toml", "--name", "one")
    (tmp_path / "other.toml").write_text(FILE.replace("40.0", "41.0"))
    assert "differs in budget" in run("start", "other.toml", "--name", "one", code=2).stderr
    assert "is not in campaign one" in run("show", "one", "--user", "nobody", code=1).stderr


def test_all_times_are_on_the_clock_of_the_shop(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]  # as above
    (tmp_path / "clock.toml").write_text(FILE.replace("2098-12-31", "2098-12-31T12:00:00Z"))
    run("start", "clock.toml")
    run("export", "clock", "--output", "clock.csv", "--plain-ids")
    user = (tmp_path / "clock.csv").read_text().splitlines()[1].split(",")[0]
    monkeypatch.setenv("PROFILESTORE_TIME_ZONE", "Asia/Shanghai")
    rows = dict(line.split(maxsplit=1) for line in run("show", "clock", "--user", user).stdout.splitlines()
                if len(line.split(maxsplit=1)) == 2)  # fmt: skip
    assert rows["ends"] == "2098-12-31 20:00"
    held = json.loads(run("show", "clock", "--user", user, "--json").stdout)["user"]
    assert held["ends"] == "2098-12-31T12:00:00+00:00"
    for name in ("assigned_at", "contact_at"):
        there = datetime.fromisoformat(held[name]).astimezone(ZoneInfo("Asia/Shanghai"))
        assert rows[name] == f"{there:%Y-%m-%d %H:%M}"
