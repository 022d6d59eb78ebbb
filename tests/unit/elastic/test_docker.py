"""Docker, played by a program that writes down how it was called; and the compose file itself."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

from profilestore.dashboards.sources import data_views
from profilestore.elastic.docker import (
    compose_down,
    compose_up,
    docker_answers,
    environment_file,
    local_kibana,
    local_password,
    read_environment,
)
from profilestore.errors import ServerUnavailable
from profilestore.settings import Settings

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` on PATH that logs its arguments and exits as the file `exit` says (0 without)."""
    programs = tmp_path / "programs"
    programs.mkdir()
    log = tmp_path / "calls"
    program = programs / "docker"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {log}\necho "secret of the environment" >&2\n'
        f"exit $(cat {tmp_path / 'exit'} 2>/dev/null || echo 0)\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return log


def test_docker_answers_only_where_engine_and_compose_do(docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert docker_answers()
    assert docker.read_text(encoding="utf-8").splitlines() == ["info", "compose version"]
    (docker.parent / "exit").write_text("1", encoding="utf-8")
    assert not docker_answers()
    monkeypatch.setenv("PATH", str(docker.parent))
    assert not docker_answers()


def test_passwords_are_made_once_kept_private_and_never_on_a_command_line(docker: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    settings = Settings(home=home)
    compose_up(settings, port=9211, kibana_port=5611, say=lambda _: None)
    path = environment_file(home)
    assert path.stat().st_mode & 0o777 == 0o600
    password = local_password(home, url="http://127.0.0.1:9211")
    assert password is not None
    assert len(password) >= 24
    assert local_password(home, url="http://127.0.0.1:9212") is None
    compose_up(settings, port=9212, kibana_port=5611, say=lambda _: None)
    assert local_password(home, url="http://127.0.0.1:9212") == password
    compose_down(home, volumes=True)
    calls = docker.read_text(encoding="utf-8")
    assert password not in calls
    assert "down --volumes" in calls
    assert str(path) in calls


def test_two_homes_are_two_projects(docker: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        compose_down(tmp_path / name, volumes=False)
    names = re.findall(r"--project-name (\S+)", docker.read_text(encoding="utf-8"))
    assert len(set(names)) == 2


def test_what_compose_says_is_not_passed_on(docker: Path, tmp_path: Path) -> None:
    (tmp_path / "exit").write_text("14", encoding="utf-8")
    with pytest.raises(ServerUnavailable, match="exit code 14") as caught:
        compose_up(Settings(home=tmp_path), port=9211, kibana_port=5611, say=lambda _: None)
    assert "secret" not in str(caught.value)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))
    return content


def test_compose_versions_and_health(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert services["elasticsearch"]["image"] == services["setup"]["image"] == "elasticsearch:9.5.4"
    assert services["kibana"]["image"] == "kibana:9.5.4"
    for name in ("elasticsearch", "kibana"):
        assert "test" in services[name]["healthcheck"]
        assert services[name]["volumes"][0].partition(":")[0] in compose["volumes"]
    assert services["kibana"]["depends_on"]["setup"]["condition"] == "service_completed_successfully"


def test_compose_is_secured_and_bound_to_this_machine(compose: dict[str, Any]) -> None:
    assert compose["services"]["elasticsearch"]["environment"]["xpack.security.enabled"] == "true"
    for service in compose["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_compose_takes_its_passwords_from_the_environment_file(compose: dict[str, Any]) -> None:
    text = (PROJECT / "docker-compose.yml").read_text(encoding="utf-8")
    wanted = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text))
    example = (PROJECT / ".env.example").read_text(encoding="utf-8")
    assert wanted == set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))
    for service in compose["services"].values():
        for name, value in service["environment"].items():
            if "PASSWORD" in name or "KEY" in name:
                assert value.startswith("${"), name
    ignored = (PROJECT / ".gitignore").read_text(encoding="utf-8").split()
    assert ".env" in ignored


def test_what_up_gives_docker_is_all_that_the_compose_file_asks_for(docker: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    settings = Settings(home=home, prefix="laden", time_zone="Asia/Shanghai", currency="CNY", language="zh")
    compose_up(settings, port=9211, kibana_port=5611, say=lambda _: None)
    given = read_environment(home)
    text = (PROJECT / "docker-compose.yml").read_text(encoding="utf-8")
    assert given.keys() == set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text))
    assert (given["SHOP_PREFIX"], given["SHOP_TIME_ZONE"]) == ("laden", "Asia/Shanghai")
    assert (Path(given["PROFILESTORE_PACKAGE"]) / "__main__.py").is_file()
    assert local_kibana(home) == "http://127.0.0.1:5611"
    assert local_kibana(tmp_path) is None


def test_the_dashboards_are_pushed_once_kibana_is_up(compose: dict[str, Any], tmp_path: Path) -> None:
    """With the settings and the few packages that pushing needs, as the shell that runs it sees them."""
    service = compose["services"]["dashboards"]
    assert service["depends_on"]["kibana"]["condition"] == "service_healthy"
    assert service["restart"].startswith("on-failure")
    (command,) = service["command"]
    words = shlex.split(command)
    packages = [word for word in words if ">=" in word]
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert len(packages) > 0
    assert set(packages) <= set(project["dependencies"])
    assert words[-6:] == ["-m", "profilestore", "dashboards", "push", "--wait", "600"]
    settings = {name for name in service["environment"] if name.startswith("PROFILESTORE_")}
    assert {name.removeprefix("PROFILESTORE_").lower() for name in settings} <= Settings.model_fields.keys()
    # What it imports comes with these packages or with Python.
    names = [re.split(r"[><=]", package)[0] for package in packages]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(PROJECT),
                   "PROFILESTORE_KIBANA_URL": "http://127.0.0.1:1",
                   "PROFILESTORE_KIBANA_API_KEY": "of-nobody"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "profilestore", "dashboards", "push", "--wait", "0"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "nobody answers at http://127.0.0.1:1" in done.stderr
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines() if "|" in line}
    owners = packages_distributions()
    brought = {owner.lower().replace("_", "-") for name in imported for owner in owners.get(name, [])}
    assert brought - {"profilestore", "setuptools", "pip"} <= _closure(names)


def _closure(names: list[str]) -> set[str]:
    """Distributions and all that they need."""
    found: set[str] = set()
    pending = [name.lower() for name in names]
    while len(pending) > 0:
        name = pending.pop()
        if name in found:
            continue
        found.add(name)
        try:
            needed = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        pending += [re.split(r"[^A-Za-z0-9._-]", each)[0].lower().replace("_", "-") for each in needed]
    return found


def test_the_viewer_may_only_look(compose: dict[str, Any], tmp_path: Path) -> None:
    """The script runs with a `curl` that writes down what it was asked to send."""
    service = compose["services"]["viewer"]
    assert service["depends_on"]["kibana"]["condition"] == "service_healthy"
    curl = tmp_path / "curl"
    curl.write_text(
        '#!/bin/bash\nwhile [ $# -gt 1 ]; do [ "$1" = --data ] && data="$2"; shift; done\n'
        f'printf "%s\\0%s\\0" "$1" "$data" >> {tmp_path}/sent\n',
        encoding="utf-8",
    )
    curl.chmod(0o755)
    (script,) = service["command"]
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "ELASTIC_PASSWORD": "boss", "VIEWER_PASSWORD": "look",
                   "SHOP_PREFIX": "laden"}  # fmt: skip
    subprocess.run(["/bin/bash", "-c", script.replace("$$", "$")], env=environment, check=True)
    sent = (tmp_path / "sent").read_text(encoding="utf-8").split("\0")[:-1]
    bodies = {url: json.loads(body) for url, body in zip(sent[::2], sent[1::2], strict=True)}
    assert list(bodies) == [
        "http://kibana:5601/api/security/role/profilestore_viewer", "http://elasticsearch:9200/_security/user/viewer"
    ]  # fmt: skip
    role, user = bodies.values()
    assert user == {"password": "look", "roles": ["profilestore_viewer"]}
    (granted,) = role["elasticsearch"]["indices"]
    assert role["elasticsearch"]["cluster"] == []
    assert set(granted["privileges"]) == {"read", "view_index_metadata"}
    assert role["kibana"] == [{"base": [], "feature": {"dashboard_v2": ["read"]}, "spaces": ["*"]}]
    shown = {view.title for view in data_views(Settings(prefix="laden"))}
    assert {name for name in granted["names"] if not name.endswith("-0*")} == shown
    assert {name.removesuffix("-0*") for name in granted["names"]} == shown
    assert "shop" not in script.replace("SHOP_PREFIX", "")


def test_days_in_kibana_are_those_of_the_shop(compose: dict[str, Any]) -> None:
    assert compose["services"]["kibana"]["command"][1].startswith(
        "--uiSettings.overrides.dateFormat:tz=${SHOP_TIME_ZONE"
    )
