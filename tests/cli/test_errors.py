"""How a command ends: exit codes, and what is said of an error."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from profilestore.cli import app

SECRET = "li.wei@example.test"

# the real entry point, with one command that does what the test wants
PROGRAM = """
import sys, profilestore.cli.server as server
from profilestore.cli import main
from profilestore.cli.options import with_settings
from profilestore.errors import SettingsChanged, UpdateGaveUp, UsageError

def act():
    {act}

@with_settings
def status(settings):
    act()

server.status = status
sys.argv = ["profilestore", "status"]
main()
"""


def run(act: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{act}", act)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=60,
    )


@pytest.mark.parametrize(
    ("act", "code"),
    [
        ("raise UsageError('n must be positive')", 2),
        ("raise SettingsChanged('rebuild them')", 1),
        ("raise UpdateGaveUp('3 profiles kept changing', ids=['u1'], attempts=9)", 1),
    ],
)
def test_an_error_of_ours_is_one_line_and_its_exit_code(act: str, code: int) -> None:
    done = run(act)
    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr.startswith("profilestore: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_foreign_error_is_told_by_its_type_alone() -> None:
    done = run(f"raise ValueError('{SECRET}')")
    assert done.returncode == 1
    assert "ValueError" in done.stderr
    assert "PROFILESTORE_DEBUG=1" in done.stderr
    assert SECRET not in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_shows_where() -> None:
    done = run("raise ValueError('x')", PROFILESTORE_DEBUG="1")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "in act" in done.stderr


def test_a_reader_that_leaves_early_is_no_error() -> None:
    program = PROGRAM.replace("{act}", "[print('x' * 1000) for _ in range(10_000)]")
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.read(10)
    child.stdout.close()
    said = child.stderr.read()
    child.stderr.close()
    assert child.wait(timeout=60) == 141
    assert said == b""


def test_ctrl_c_ends_with_130(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with (home / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # `up` now waits for us
        child = subprocess.Popen(
            [sys.executable, "-m", "profilestore", "up", "--home", str(home)], stderr=subprocess.PIPE, text=True
        )
        assert child.stderr is not None
        assert "waiting" in child.stderr.readline()
        time.sleep(1.0)
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=30) == 130
        assert "Traceback" not in child.stderr.read()
        child.stderr.close()


def test_a_bad_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILESTORE_TIME_ZONE", SECRET)
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 2
    assert "time_zone" in result.output
    assert SECRET not in result.output


def test_a_flag_wins_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "profilestore.toml").write_text("prefix = 'BAD FILE'\n", encoding="utf-8")
    monkeypatch.delenv("PROFILESTORE_SETTINGS")
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(app, ["status"])
    assert (refused.exit_code, "prefix" in refused.output) == (2, True)
    monkeypatch.setenv("PROFILESTORE_PREFIX", "from-environment")
    assert CliRunner().invoke(app, ["status"]).exit_code == 1  # read well; no server runs
    monkeypatch.setenv("PROFILESTORE_PREFIX", "BAD ENVIRONMENT")
    assert CliRunner().invoke(app, ["status"]).exit_code == 2
    assert CliRunner().invoke(app, ["status", "--prefix", "from-flag"]).exit_code == 1
