"""`dashboards push` against a Kibana that is played: what it sends, what it says, and how it fails."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kibana_stub import CHECKER, Kibana, load_checker, serving
from typer.testing import CliRunner, Result

from profilestore.cli import app
from profilestore.dashboards.catalogue import all_dashboards
from profilestore.dashboards.kibana import kibana_document
from profilestore.dashboards.push import kibana_api
from profilestore.dashboards.push.connecting import connect_kibana
from profilestore.dashboards.sources import data_views
from profilestore.elastic.docker import environment_file
from profilestore.errors import (
    ServerUnavailable,
)
from profilestore.settings import Settings

SECRET = "secret-of-the-test"


@pytest.fixture
def kibana(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kibana]:
    if not CHECKER.exists():
        pytest.skip("the checker beside the project, ../shared/kibana/check_dashboard.py, is missing")
    with serving(Kibana(check=load_checker())) as running:
        monkeypatch.setenv("PROFILESTORE_KIBANA_URL", running.url)
        monkeypatch.setenv("PROFILESTORE_KIBANA_API_KEY", SECRET)
        yield running


def push(*words: str) -> Result:
    result = CliRunner().invoke(app, ["dashboards", "push", *words])
    shown = result.output + repr(result.exception)
    assert SECRET not in shown
    assert "password-of-the-test" not in shown
    return result


def pushed(*words: str) -> dict[str, Any]:
    result = push("--json", *words)
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def refused(*words: str, code: int = 1) -> str:
    """What is said where it cannot be done."""
    result = push("--wait", "0", *words)
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def what(report: dict[str, Any]) -> set[str]:
    return {each["what"] for each in report["pushed"]}


def test_the_first_push_creates_all_and_the_second_writes_nothing(kibana: Kibana) -> None:
    report = pushed()
    dashboards, views = all_dashboards(Settings()), data_views(Settings())
    assert [each["id"] for each in report["pushed"]] == [each.id for each in (*views, *dashboards)]
    assert what(report) == {"created"}
    assert (report["version"], report["url"], report["dry_run"]) == ("9.5.4", kibana.url, False)
    assert kibana.dashboards.keys() == {each.id for each in dashboards}
    assert kibana.views.keys() == {each.id for each in views}
    assert all(each["kept_otherwise"] == [] for each in report["pushed"])
    # A control needs its data view: these come first.
    assert [path.startswith("/api/data_views") for _, path in kibana.writes()] == [True] * len(views) + [False] * 6
    kibana.seen.clear()
    again = pushed()
    assert what(again) == {"unchanged"}
    assert kibana.writes() == []
    assert f"0 of {len(views) + 6} written" in push().output


def test_what_was_changed_in_kibana_is_told_field_by_field_and_put_right(kibana: Kibana) -> None:
    pushed()
    id = next(iter(kibana.dashboards))
    right = json.loads(json.dumps(kibana.dashboards[id]))
    changed = kibana.dashboards[id]
    changed["title"] = "mine"
    gone = changed["panels"].pop(0)
    changed["panels"].append(
        {"id": "by-hand", "type": "markdown", "grid": {"x": 0, "y": 900}, "config": {"content": "x"}}
    )
    changed["panels"][0]["grid"]["w"] = 1
    kibana.views[f"{Settings().prefix}-activity"]["timeFieldName"] = "other"
    dry = pushed("--dry-run")
    assert kibana.dashboards[id]["title"] == "mine"
    (found,) = [each for each in dry["pushed"] if each["id"] == id]
    told = "\n".join(found["changes"])
    assert f"title: 'mine' becomes {right['title']!r}" in told
    assert f"panels[{gone['id']}]: {gone['type']}" in told
    assert "panels[by-hand]: markdown goes" in told
    assert f"panels[{changed['panels'][0]['id']}].grid.w: 1 becomes" in told
    assert len(found["changes"]) == 4
    (view,) = [each for each in dry["pushed"] if each["what"] == "updated" and each["kind"] == "data view"]
    assert view["changes"] == ["timeFieldName: 'other' becomes 'time'"]
    kibana.seen.clear()
    report = pushed()
    assert [each["id"] for each in report["pushed"] if each["what"] == "updated"] == [view["id"], id]
    assert len(kibana.writes()) == 2
    assert kibana.dashboards[id] == right


def test_a_dry_run_writes_nothing(kibana: Kibana) -> None:
    result = push("--dry-run")
    assert result.exit_code == 0
    assert "would be created" in result.output
    assert kibana.writes() == []
    assert kibana.dashboards == {}


def test_every_language_and_prefix_is_taken(kibana: Kibana) -> None:
    pushed("--language", "zh", "--prefix", "laden-2", "--since", "2010-12-01", "--until", "2011-12-10")
    documents = [kibana_document(each) for each in all_dashboards(Settings(prefix="laden-2"), "zh")]
    assert {each["title"] for each in kibana.dashboards.values()} == {each["title"] for each in documents}
    assert all(each["time_range"]["from"] == "2010-12-01" for each in kibana.dashboards.values())
    assert "language" in refused("--language", "de", code=2)


def test_a_kibana_that_is_starting_is_waited_for(kibana: Kibana) -> None:
    kibana.starting = 4
    assert what(pushed("--wait", "30")) == {"created"}
    kibana.starting = 10**6
    assert "not ready (503)" in push("--wait", "0.3").output
    kibana.starting = 0


def test_one_that_does_not_listen_yet_is_waited_for(kibana: Kibana, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("PROFILESTORE_KIBANA_URL", f"http://127.0.0.1:{port}")
    assert "nobody answers" in refused()
    late, over = Kibana(check=kibana.check), threading.Event()

    def start() -> None:
        time.sleep(0.5)
        with serving(late, port=port):
            over.wait(30)

    thread = threading.Thread(target=start)
    thread.start()
    report = pushed("--wait", "30")
    over.set()
    thread.join()
    assert what(report) == {"created"}
    assert len(late.dashboards) == 6


def test_refusals_say_what_to_do(kibana: Kibana, monkeypatch: pytest.MonkeyPatch) -> None:
    kibana.forbidden = True
    assert "(403)" in refused()
    kibana.forbidden = False
    kibana.authorization = "ApiKey another"
    said = refused()
    assert "(401)" in said
    assert "PROFILESTORE_KIBANA_API_KEY" in said
    kibana.authorization = f"ApiKey {SECRET}"
    kibana.version = "9.3.2"
    assert "9.3.2" in refused()
    assert kibana.writes() == []
    kibana.version = None  # one that does not tell: the API is there, or not
    assert what(pushed()) == {"created"}
    monkeypatch.setenv("PROFILESTORE_KIBANA_SPACE", "no-such-space")
    assert "(404)" in refused()
    monkeypatch.delenv("PROFILESTORE_KIBANA_SPACE")
    kibana.html = True
    assert "not Kibana's API" in refused()


def test_conflicts_pass_or_are_told(kibana: Kibana, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kibana_api.time, "sleep", lambda seconds: None)
    kibana.conflicts = 2
    assert what(pushed()) == {"created"}
    kibana.dashboards.clear()
    kibana.conflicts = 10**6
    assert "(409)" in refused()


def test_what_kibana_does_not_take_is_told_with_its_reason(kibana: Kibana) -> None:
    kibana.check = lambda document: ["$.panels[3].config.type: 'bars' is not one of ['metric']"]
    said = refused()
    assert "shop-customers" in said
    assert "$.panels[3].config.type" in said


def test_what_kibana_keeps_otherwise_and_its_warnings_are_told(kibana: Kibana, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Kibana.dashboard

    def forgetful(self: Kibana, method: str, id: str, body: bytes) -> tuple[int, Any]:
        status, answer = real(self, method, id, body)
        if method == "PUT" and status < 300:
            answer["data"]["panels"][0]["grid"]["h"] = 99
        return status, answer

    monkeypatch.setattr(Kibana, "dashboard", forgetful)
    report = pushed()
    assert all(len(each["kept_otherwise"]) == 1 for each in report["pushed"] if each["kind"] == "dashboard")
    kibana.warnings = ["a panel of type links was dropped"]
    assert "a panel of type links was dropped" in push("--dry-run").output


def test_spaces_and_base_paths(kibana: Kibana, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILESTORE_KIBANA_URL", f"{kibana.url}/kibana/")
    monkeypatch.setenv("PROFILESTORE_KIBANA_SPACE", "marketing")
    kibana.base = "/kibana/s/marketing"
    assert what(pushed()) == {"created"}


def test_who_pushes(kibana: Kibana, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Kibana's own credentials go first, then those of Elasticsearch; Docker's own go to its own Kibana alone."""
    monkeypatch.delenv("PROFILESTORE_KIBANA_API_KEY")
    monkeypatch.setenv("PROFILESTORE_API_KEY", SECRET)
    assert what(pushed()) == {"created"}
    monkeypatch.setenv("PROFILESTORE_KIBANA_USERNAME", "pusher")
    assert "PROFILESTORE_KIBANA_PASSWORD" in refused(code=2)
    monkeypatch.setenv("PROFILESTORE_KIBANA_PASSWORD", "password-of-the-test")
    kibana.authorization = "Basic cHVzaGVyOnBhc3N3b3JkLW9mLXRoZS10ZXN0"
    assert what(pushed()) == {"unchanged"}
    for name in ("API_KEY", "KIBANA_USERNAME", "KIBANA_PASSWORD"):
        monkeypatch.delenv(f"PROFILESTORE_{name}")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("PROFILESTORE_HOME", str(home))
    port = kibana.url.rpartition(":")[2]
    environment_file(home).write_text(f"KIBANA_PORT={port}\nELASTIC_PASSWORD=password-of-the-test\n", encoding="utf-8")
    monkeypatch.setenv("PROFILESTORE_KIBANA_URL", "http://127.0.0.1:9/elsewhere")
    assert "who asks" in refused(code=2)
    monkeypatch.delenv("PROFILESTORE_KIBANA_URL")
    kibana.authorization = "Basic ZWxhc3RpYzpwYXNzd29yZC1vZi10aGUtdGVzdA=="
    assert what(pushed()) == {"unchanged"}
    environment_file(home).unlink()
    assert "PROFILESTORE_KIBANA_URL" in refused(code=2)


def test_credentials_are_no_flags_and_no_part_of_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(app, ["dashboards", "push", "--set", "kibana_password=hush"])
    assert result.exit_code == 2
    assert "hush" not in result.output
    monkeypatch.setenv("PROFILESTORE_KIBANA_URL", "https://me:hush@127.0.0.1:5601")
    result = CliRunner().invoke(app, ["dashboards", "push"])
    assert result.exit_code == 2
    assert "hush" not in result.output


def test_an_address_that_nobody_has_is_told_at_once() -> None:
    settings = Settings(kibana_url="http://kibana.invalid:5601", kibana_api_key=SECRET)  # type: ignore[arg-type]  # pydantic makes it secret
    api = connect_kibana(settings, wait_s=60.0)
    started = time.monotonic()
    with pytest.raises(ServerUnavailable, match="no known address"):
        api.version()
    assert time.monotonic() - started < 30
