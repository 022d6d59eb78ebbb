"""Docker, played by a program that writes down how it was called; and the compose file itself."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from profilestore.elastic.docker import compose_down, compose_up, docker_answers, environment_file, local_password
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
