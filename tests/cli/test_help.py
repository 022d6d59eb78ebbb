"""Help is quick, complete, and the same wherever it stands."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.testing import CliRunner

from profilestore.cli import COMMANDS, app
from profilestore.cli.lazy import PlannedCommand, load

HEAVY = (
    "elasticsearch", "elastic_transport", "torch", "sentence_transformers", "gensim", "sklearn", "scipy", "numpy",
    "pyarrow", "pydantic", "pydantic_settings", "orjson", "jieba", "psutil", "rich",
)  # fmt: skip
HELP_LIMIT_S = 1.0  # 0.08 s on a free machine; a loaded one must not turn this red, heavy imports do


def test_the_root_s_help_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "profilestore", "--help"], capture_output=True, text=True, check=True
    )
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "typer" in imported
    assert imported.isdisjoint(HEAVY), imported & set(HEAVY)
    for planned in COMMANDS:
        assert planned.name in done.stdout


def test_the_root_s_help_is_quick() -> None:
    def took_s() -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "profilestore", "--help"], capture_output=True, check=True)
        return time.perf_counter() - started

    assert min(took_s() for _ in range(5)) < HELP_LIMIT_S  # the best of five: other programs run here too


@pytest.mark.parametrize("planned", COMMANDS, ids=lambda planned: planned.name)
def test_every_command_has_help_and_the_root_tells_the_same(planned: PlannedCommand) -> None:
    command = load(planned)
    assert command.get_short_help_str(limit=200) == planned.help
    for path, each in walk(planned.name, command):
        assert each.help, f"{path} has no help"
        for parameter in each.params:
            assert getattr(parameter, "help", None), f"{path}: {parameter.name} has no help"


def walk(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield path, command
    if isinstance(command, TyperGroup):
        for name, each in command.commands.items():
            yield from walk(f"{path} {name}", each)


@pytest.mark.parametrize("planned", COMMANDS, ids=lambda planned: planned.name)
def test_every_command_takes_the_common_flags(planned: PlannedCommand) -> None:
    for path, each in walk(planned.name, load(planned)):
        if not isinstance(each, TyperGroup):
            options = {option for parameter in each.params for option in parameter.opts}
            assert {"--prefix", "--url", "--home"} <= options or path in WITHOUT_A_SHOP, path


WITHOUT_A_SHOP = {"sample"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dokter"], "doctor"),
        (["up", "--port", "many"], "--port"),
        (["up", "--port", "80"], "1024"),
        (["--nope"], "--nope"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_version_and_both_ways_to_call_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "profilestore", "--version"], capture_output=True, text=True, check=True
    )
    assert re.match(r"profilestore( \d+\.\d+|, not installed)", done.stdout)
