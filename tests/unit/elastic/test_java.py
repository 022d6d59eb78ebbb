"""The search for a Java that can run Elasticsearch, with programs that pretend to be one."""

from __future__ import annotations

from pathlib import Path

import pytest

from profilestore.elastic import java
from profilestore.elastic.java import find_java, inspect_java, java_or_fetch
from profilestore.errors import ServerUnavailable

MODULES = ("jdk.incubator.vector", "jdk.jlink")


def make_java(home: Path, *, version: str, modules: tuple[str, ...] = MODULES, script: str | None = None) -> Path:
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    listed = "\n".join(f"{name}@{version}" for name in ("java.base", *modules))
    program.write_text(script or f"#!/bin/sh\ncat <<'END'\n{listed}\nEND\n", encoding="utf-8")
    program.chmod(0o755)
    return home


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any Java."""
    for name in ("ES_JAVA_HOME", "JAVA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'programs'}:/usr/bin:/bin")
    monkeypatch.setattr(java, "JVM_FOLDER", tmp_path / "jvm")
    monkeypatch.setattr(java.shutil, "which", lambda _: None)
    (tmp_path / "jvm").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("version", "modules", "problem"),
    [
        ("21", MODULES, None),
        ("25.0.3", MODULES, None),
        ("17.0.15", MODULES, "older than 21"),
        ("25", ("jdk.jlink",), "jdk.incubator.vector"),
        ("25", (), "jdk.incubator.vector, jdk.jlink"),
    ],
)
def test_what_a_java_must_be(tmp_path: Path, version: str, modules: tuple[str, ...], problem: str | None) -> None:
    found = inspect_java(make_java(tmp_path / "j", version=version, modules=modules), found_in="here")
    assert found.version == int(version.partition(".")[0])
    assert (found.problem is None) if problem is None else (problem in (found.problem or ""))


def test_a_java_that_fails_and_one_that_is_not_there(tmp_path: Path) -> None:
    ancient = make_java(tmp_path / "8", version="8", script="#!/bin/sh\nexit 1\n")
    assert inspect_java(ancient, found_in="here").problem is not None
    assert "no bin/java" in (inspect_java(tmp_path / "none", found_in="here").problem or "")


def test_a_java_that_the_server_s_user_may_not_run_is_passed_over(tmp_path: Path) -> None:
    home = make_java(tmp_path / "25", version="25")
    assert "may not execute" in (inspect_java(home, found_in="here", may_use=lambda _: False).problem or "")


def test_the_order_is_es_java_home_java_home_path_then_jvm(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    homes = {name: make_java(machine / name, version="25") for name in ("es", "java", "path")}
    make_java(machine / "jvm" / "jdk-25", version="25")
    monkeypatch.setattr(java.shutil, "which", lambda _: str(homes["path"] / "bin" / "java"))
    monkeypatch.setenv("ES_JAVA_HOME", str(homes["es"]))
    monkeypatch.setenv("JAVA_HOME", str(homes["java"]))
    order = []
    for forget in ("ES_JAVA_HOME", "JAVA_HOME", None):
        found, _ = find_java()
        assert found is not None
        order.append(found.found_in)
        if forget is not None:
            monkeypatch.delenv(forget)
    monkeypatch.setattr(java.shutil, "which", lambda _: None)
    found, _ = find_java()
    assert found is not None
    assert [*order, found.home.name] == ["ES_JAVA_HOME", "JAVA_HOME", "java on PATH", "jdk-25"]


def test_the_first_that_fits_is_taken_and_the_others_are_told(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(make_java(machine / "17", version="17")))
    make_java(machine / "jvm" / "a-jdk-25", version="25")
    make_java(machine / "jvm" / "z-jre-25", version="25", modules=())
    found, looked_at = find_java()
    assert found is not None
    assert found.home.name == "a-jdk-25"
    assert [each.home.name for each in looked_at] == ["17", "z-jre-25", "a-jdk-25"]


def test_without_any_one_is_fetched_and_failing_that_the_error_says_what_was_looked_at(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cjdk

    fetched = make_java(machine / "fetched", version="25")
    monkeypatch.setattr(cjdk, "java_home", lambda **_: fetched)
    told: list[str] = []
    assert java_or_fetch(say=told.append).home == fetched
    assert "fetching" in told[0]

    def refuse(**_: object) -> Path:
        raise cjdk.InstallError("no network")

    make_java(machine / "jvm" / "jdk-17", version="17")
    monkeypatch.setattr(cjdk, "java_home", refuse)
    with pytest.raises(ServerUnavailable, match=r"jdk-17.*older than 21.*Install a full JDK"):
        java_or_fetch(say=told.append)
