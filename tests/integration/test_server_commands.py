"""`up`, `down`, `status` and `doctor` as processes, against real servers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from elasticsearch import Elasticsearch

from profilestore.elastic.local_server import erase
from profilestore.settings import Settings

SECRETS = {"PROFILESTORE_PASSWORD": "correct-horse-battery", "PROFILESTORE_API_KEY": "c3RhcGxlLXN0YXBsZQ=="}


@dataclass(frozen=True)
class Cli:
    """The command line of one home."""

    home: Path
    environment: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "profilestore", *arguments],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, *arguments: str) -> tuple[int, str, str]:
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=300)
            return process.returncode, out, err

    def json(self, *arguments: str) -> dict[str, Any]:
        code, out, err = self.call(*arguments, "--json")
        assert code == 0, err
        answer: dict[str, Any] = json.loads(out)
        return answer


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which something that is no Elasticsearch listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.fixture
def cli(tmp_path: Path, taken_port: int) -> Iterator[Cli]:
    """A home of its own whose preferred port is taken. Its server is erased afterwards, whatever happened."""
    home = tmp_path / "home"
    environment = {
        "PROFILESTORE_HOME": str(home),
        "PROFILESTORE_SERVER": "embedded",
        "PROFILESTORE_HEAP": "512m",
        "PROFILESTORE_PORT": str(taken_port),
        **SECRETS,
    }
    yield Cli(home, environment)
    erase(Settings(home=home, server="embedded"))


def nodes_of(home: Path) -> list[int]:
    """Processes that run an Elasticsearch out of this home."""
    folder = str((home / "node").resolve())
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        arguments = process.info["cmdline"] or []
        if any(each.startswith(f"-Des.path.home={folder}/") for each in arguments) and any(
            each.endswith("bootstrap.Elasticsearch") for each in arguments
        ):
            found.append(process.info["pid"])
    return found


def test_the_life_of_a_server(cli: Cli, taken_port: int) -> None:
    """One long test, since each start takes seconds: its parts are the steps below."""
    check_that_a_taken_port_is_an_error_when_asked_for(cli, taken_port)
    first = start_twice_at_once(cli, taken_port)
    check_what_runs(cli, first, taken_port)
    write_product(first["url"])
    assert cli.json("status")["indices"]["products"] == 1

    kill(first["pid"])
    code, _, err = cli.call("status")
    assert (code, "profilestore up" in err) == (1, True)
    code, out, _ = cli.call("down")
    assert (code, "No server" in out) == (0, True)
    second = cli.json("up")
    assert second["url"] == first["url"]
    assert second["pid"] != first["pid"]
    assert count_products(second["url"]) == 1

    assert cli.call("down")[0] == 0
    assert nodes_of(cli.home) == []
    third = cli.json("up")
    assert third["url"] == first["url"]
    assert count_products(third["url"]) == 1

    check_that_erase_asks_and_then_leaves_nothing(cli, third["pid"])


def check_that_a_taken_port_is_an_error_when_asked_for(cli: Cli, taken_port: int) -> None:
    code, _, err = cli.call("up", "--port", str(taken_port))
    assert (code, "is taken" in err) == (1, True)
    assert nodes_of(cli.home) == []


def start_twice_at_once(cli: Cli, taken_port: int) -> dict[str, Any]:
    racers = [cli.start("up", "--json") for _ in range(2)]
    ended = [(racer.communicate(timeout=300), racer.returncode) for racer in racers]
    assert [code for _, code in ended] == [0, 0], ended
    first, second = (json.loads(out) for (out, _), _ in ended)
    assert first == second
    assert nodes_of(cli.home) == [first["pid"]]
    assert first["url"] != f"http://127.0.0.1:{taken_port}"
    assert any("is taken by something else" in err for (_, err), _ in ended)
    assert isinstance(first, dict)
    return first


def check_what_runs(cli: Cli, server: dict[str, Any], taken_port: int) -> None:
    process = psutil.Process(server["pid"])
    assert process.uids().effective != 0
    assert not any(name.startswith("PROFILESTORE_") for name in process.environ())
    assert cli.json("up") == server  # again: the same
    code, _, err = cli.call("up", "--port", str(taken_port))
    assert (code, "profilestore down" in err) == (2, True)
    status = cli.json("status")
    assert (status["url"], status["version"]) == (server["url"], server["version"])
    assert status["indices"] == {"products": 0, "profiles": 0, "events": 0}


def check_that_erase_asks_and_then_leaves_nothing(cli: Cli, pid: int) -> None:
    code, _, err = cli.call("down", "--erase")  # nobody can be asked
    assert (code, "--yes" in err) == (2, True)
    assert nodes_of(cli.home) == [pid]
    place = (cli.home / "node").resolve()
    assert cli.call("down", "--erase", "--yes")[0] == 0
    assert nodes_of(cli.home) == []
    assert not place.exists()
    assert not (cli.home / "node").is_symlink()


def kill(pid: int) -> None:
    process = psutil.Process(pid)
    process.kill()
    psutil.wait_procs([process], timeout=30)


def write_product(url: str) -> None:
    with Elasticsearch(url) as client:
        client.index(index="shop-products", id="p1", document={"product_id": "p1"}, refresh=True)


def count_products(url: str) -> int:
    with Elasticsearch(url) as client:
        client.cluster.health(index="shop-products", wait_for_status="yellow")
        return int(client.count(index="shop-products")["count"])


def test_a_given_server_is_used_and_left_alone(server_url: str, prefix: str, cli: Cli) -> None:
    given = Cli(
        cli.home, {**cli.environment, "PROFILESTORE_ELASTICSEARCH_URL": server_url, "PROFILESTORE_PREFIX": prefix}
    )
    answer = given.json("up")
    assert (answer["url"], answer["kind"], answer["pid"]) == (server_url, "given", None)
    assert answer["version"].startswith("9.")
    assert given.json("status")["indices"] == {"products": 0, "profiles": 0, "events": 0}
    assert given.json("status", "--url", server_url + "/")["url"] == server_url
    assert given.call("down")[0] == 0
    assert given.call("down", "--erase", "--yes")[0] == 0
    with urllib.request.urlopen(f"{server_url}/_cluster/health") as response:
        assert response.status == 200
    assert nodes_of(cli.home) == []


@pytest.mark.parametrize("command", ["up", "status", "doctor"])
def test_credentials_are_never_printed(server_url: str, cli: Cli, command: str) -> None:
    for url in (server_url, "http://127.0.0.1:9"):
        given = Cli(cli.home, {**cli.environment, "PROFILESTORE_ELASTICSEARCH_URL": url, "PROFILESTORE_DEBUG": "1"})
        _, out, err = given.call(command)
        assert len(out + err) > 0
        assert not any(secret in out + err for secret in SECRETS.values())


def test_the_doctor_ends_with_1_when_something_is_bad(server_url: str, cli: Cli) -> None:
    good = Cli(cli.home, {**cli.environment, "PROFILESTORE_ELASTICSEARCH_URL": server_url})
    assert good.json("doctor")["ok"] is True
    bad = Cli(cli.home, {**cli.environment, "PROFILESTORE_ELASTICSEARCH_URL": "http://127.0.0.1:9"})
    code, out, _ = bad.call("doctor", "--json")
    assert code == 1
    assert [each["name"] for each in json.loads(out)["checks"] if each["state"] == "bad"] == ["server"]
