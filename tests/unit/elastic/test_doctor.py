"""Each check says what was found and, when something is wrong, what to do."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from answering import answering, node

from profilestore.elastic import doctor
from profilestore.elastic.doctor import Check, check_all
from profilestore.settings import Settings

NAMES = ["python", "home", "disk", "memory", "java", "port", "server", "text model"]
MakeSettings = Callable[..., Settings]


@pytest.fixture
def make(tmp_path: Path) -> MakeSettings:
    return lambda **values: Settings(**{"home": tmp_path / "home", **values})


def found(settings: Settings, name: str) -> Check:
    return next(each for each in check_all(settings) if each.name == name)


def test_all_is_looked_at_and_what_is_not_ok_says_what_to_do(make: MakeSettings) -> None:
    checks = check_all(make())
    assert [each.name for each in checks] == NAMES
    for each in checks:
        assert each.found != ""
        assert each.state == "ok" or each.advice != ""


def test_a_server_of_the_tested_version(make: MakeSettings) -> None:
    for version, state in (("9.5.4", "ok"), ("9.4.0", "warn"), ("8.19.0", "bad")):
        with answering({"/_nodes/_local": (200, node("n", version=version))}) as url:
            check = found(make(elasticsearch_url=url), "server")
        assert check.state == state
        assert version in check.found


def test_no_server_is_a_warning_unless_one_was_given(make: MakeSettings) -> None:
    assert found(make(), "server").state == "warn"
    assert found(make(elasticsearch_url="http://127.0.0.1:9"), "server").state == "bad"


def test_a_taken_port(make: MakeSettings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert found(make(port=port), "port").state == "warn"
    assert found(make(port=port), "port").state == "ok"


def test_a_home_that_cannot_be_written(make: MakeSettings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check = found(make(home=tmp_path / "file" / "home"), "home")
    assert check.state == "bad"
    assert "PROFILESTORE_HOME" in check.advice


def test_little_disk_and_memory(make: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "DISK_BAD_GIB", 1e9)
    assert found(make(), "disk").state == "bad"
    monkeypatch.setattr(doctor, "MEMORY_BESIDE_HEAP_GIB", 1e9)
    assert found(make(), "memory").state == "warn"


def test_the_text_model_is_the_published_one(make: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(make(), "text model").state == "ok"
    monkeypatch.setattr(doctor, "MODEL_SHA256", "0" * 64)
    assert found(make(), "text model").state == "bad"
    monkeypatch.setattr(doctor, "MODEL_PACKAGE", "no_such_package")
    assert found(make(), "text model").state == "bad"
    assert found(make(text_model="some/other"), "text model").state == "ok"
