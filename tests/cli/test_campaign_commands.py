"""`campaign plan|start|stop|show|list|export` as a shell sees it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from profilestore.settings import Settings
from tests.cli.commands import Run, commands
from tests.integration.campaign_shop import open_shop

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
def shop(module_settings: Settings) -> Settings:
    """A shop with users and audiences."""
    open_shop(module_settings)._client.close()
    return module_settings


@pytest.fixture
def run(shop: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    return commands("campaign", shop)


def test_a_campaign_from_plan_to_stop(run: Run, tmp_path: Path) -> None:
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


def test_mistakes_end_with_two_or_one_and_a_sentence(run: Run, tmp_path: Path) -> None:
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


def test_all_times_are_on_the_clock_of_the_shop(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
