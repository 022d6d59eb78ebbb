"""Which server is taken, and that nothing but our own node is believed to be ours."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import orjson
import pytest
from answering import answering, node

from profilestore.elastic import local_server
from profilestore.elastic.embedded import Node, port_is_free
from profilestore.elastic.local_server import ServerInfo, ensure_server, erase, find_server, server_url, stop_server
from profilestore.errors import AccessDenied, ServerUnavailable, SettingsError, UsageError
from profilestore.settings import Settings

SECRET = "correct-horse-battery"
DENIED = (401, {"error": {"type": "security_exception", "reason": f"unable to authenticate {SECRET}"}, "status": 401})
FORBIDDEN = (403, {"error": {"type": "security_exception", "reason": SECRET}, "status": 403})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_a_url_that_is_given_is_used_and_nothing_is_started(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_server, "_start", lambda *_, **__: pytest.fail("started"))
    with answering({"/_nodes/_local": (200, node("theirs", version="9.4.1"))}) as url:
        settings = Settings(home=home, elasticsearch_url=url + "/")
        told: list[str] = []
        assert ensure_server(settings, port=9333, say=told.append) == ServerInfo(url, "9.4.1", "given")
        assert server_url(settings) == url
        assert "port is not used" in told[0]
        assert stop_server(settings) is False
        assert find_server(settings) is not None


def test_a_user_who_may_not_ask_about_nodes_learns_the_version_from_the_greeting(home: Path) -> None:
    greeting = {"name": "n", "version": {"number": "9.5.4"}}
    with answering({"/_nodes": FORBIDDEN, "/": (200, greeting)}) as url:
        assert ensure_server(Settings(home=home, elasticsearch_url=url)).version == "9.5.4"


def test_refused_credentials_are_an_error_that_does_not_quote_them(home: Path) -> None:
    seen: list[dict[str, str]] = []
    with answering({"/": DENIED}, seen=seen) as url:
        settings = Settings(home=home, elasticsearch_url=url, username="elastic", password=SECRET)  # type: ignore[arg-type]  # a plain string is what the environment gives
        with pytest.raises(AccessDenied) as caught:
            ensure_server(settings)
    assert SECRET not in str(caught.value)
    assert seen[0]["authorization"].startswith("Basic ")
    assert SECRET not in repr(settings)


def test_a_url_with_a_password_in_it_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load(elasticsearch_url=f"http://elastic:{SECRET}@127.0.0.1:9200")
    assert SECRET not in str(caught.value)
    assert "PROFILESTORE_PASSWORD" in str(caught.value)


def test_without_a_server_the_error_says_what_to_do(home: Path) -> None:
    settings = Settings(home=home)
    assert find_server(settings) is None
    with pytest.raises(ServerUnavailable, match="profilestore up"):
        server_url(settings)


def test_a_given_server_that_does_not_answer(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refuses
        settings = Settings(home=home, elasticsearch_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert find_server(settings) is None
        with pytest.raises(ServerUnavailable):
            ensure_server(settings)


def test_another_server_on_the_port_of_ours_is_not_ours(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering({"/_nodes/_local": (200, node("somebody-else"))}) as url:
        ours = Node(pid=os.getpid(), started=time.time(), url=url, name="profilestore-1")
        monkeypatch.setattr(local_server, "running_node", lambda _: ours)
        assert find_server(Settings(home=home)) is None
    with answering({"/_nodes/_local": (200, node("profilestore-1"))}) as url:
        ours = Node(pid=4711, started=time.time(), url=url, name="profilestore-1")
        assert find_server(Settings(home=home)) == ServerInfo(url, "9.5.4", "embedded", 4711)


def test_a_stale_record_kills_and_finds_nothing(home: Path) -> None:
    home.mkdir()
    for content in (
        orjson.dumps({"kind": "embedded", "url": "http://127.0.0.1:9", "version": "9.5.4", "pid": os.getpid()}),
        b"{cut off",
        b"[]",
    ):
        (home / "server.json").write_bytes(content)
        settings = Settings(home=home)
        assert find_server(settings) is None
        assert stop_server(settings) is False


def test_the_same_url_is_tried_first_the_next_time(home: Path) -> None:
    home.mkdir()
    assert local_server._preferred_port(Settings(home=home)) == 9200
    (home / "server.json").write_bytes(orjson.dumps({"kind": "embedded", "url": "http://127.0.0.1:9234"}))
    assert local_server._preferred_port(Settings(home=home)) == 9234
    assert local_server._preferred_port(Settings(home=home, port=9300)) == 9300


def test_a_running_server_is_not_moved_to_another_port(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = ServerInfo("http://127.0.0.1:9200", "9.5.4", "embedded", 1)
    monkeypatch.setattr(local_server, "find_server", lambda _: running)
    assert ensure_server(Settings(home=home), port=9200) == running
    with pytest.raises(UsageError, match="profilestore down"):
        ensure_server(Settings(home=home), port=9201)


@pytest.mark.parametrize(
    ("server", "docker", "expected"),
    [
        ("auto", True, ("docker", "embedded")),
        ("auto", False, ("embedded",)),
        ("docker", False, ("docker",)),
        ("embedded", True, ("embedded",)),
    ],
)
def test_docker_before_embedded(
    home: Path, monkeypatch: pytest.MonkeyPatch, server: str, docker: bool, expected: tuple[str, ...]
) -> None:
    monkeypatch.setattr(local_server, "docker_answers", lambda: docker)
    assert local_server._kinds(Settings(home=home, server=server)) == expected  # type: ignore[arg-type]  # parametrised


def test_a_home_keeps_the_kind_that_holds_its_data(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_server, "docker_answers", lambda: True)
    (home / "node").mkdir(parents=True)
    (home / "node" / "profilestore-node").touch()
    assert local_server._kinds(Settings(home=home)) == ("embedded",)
    erase(Settings(home=home))
    assert not (home / "node").exists()
    (home / "server.json").write_bytes(orjson.dumps({"kind": "docker", "url": "http://127.0.0.1:9200"}))
    monkeypatch.setattr(local_server, "docker_answers", lambda: False)
    assert local_server._kinds(Settings(home=home)) == ("docker",)


def test_docker_that_fails_the_first_time_gives_way_to_the_embedded_server(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = ServerInfo("http://127.0.0.1:9200", "9.5.4", "embedded", 1)

    def start_kind(kind: str, *_: object, **__: object) -> ServerInfo:
        if kind == "docker":
            raise ServerUnavailable("no image")
        return started

    monkeypatch.setattr(local_server, "docker_answers", lambda: True)
    monkeypatch.setattr(local_server, "_start_kind", start_kind)
    told: list[str] = []
    assert ensure_server(Settings(home=home), say=told.append) == started
    assert "embedded" in told[0]
    monkeypatch.setattr(local_server, "find_server", lambda _: None)
    with pytest.raises(ServerUnavailable, match="no image"):
        ensure_server(Settings(home=home, server="docker"))


def test_erase_never_follows_a_link_to_a_folder_that_is_not_a_node(home: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letter").write_text("keep", encoding="utf-8")
    home.mkdir()
    (home / "node").symlink_to(precious)
    erase(Settings(home=home))
    assert (precious / "letter").read_text(encoding="utf-8") == "keep"


def test_a_listening_port_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert not port_is_free(taken.getsockname()[1])
