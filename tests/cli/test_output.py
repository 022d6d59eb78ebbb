"""What is printed in a pipe and on a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from profilestore.cli.output import confirm, format_bytes, format_count, print_json, print_table
from profilestore.errors import UsageError

BAR = """
from profilestore.cli.output import progress
with progress("Reading", total=3, unit="rows") as advance:
    for done in (1, 2, 3):
        advance(done, done)
print("done")
"""


def test_json_is_one_line_with_what_our_results_hold(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(
        {"path": Path("a/b"), "n": np.int64(3), "score": np.float32(0.5), "ids": {"b", "a"}, "title": "红色连衣裙"}
    )
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == {"path": "a/b", "n": 3, "score": 0.5, "ids": ["a", "b"], "title": "红色连衣裙"}
    assert "红色" in out


def test_a_table_in_a_pipe_is_plain_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("product", "count"), [("x" * 300, 541_909), ("[red]袋", 7)], title="Products")
    lines = capsys.readouterr().out.splitlines()
    assert "x" * 300 in lines[2]
    assert lines[2].endswith("541,909")
    assert lines[3].startswith("[red]袋")
    assert lines[3].endswith("      7")
    assert all("\x1b" not in line and line == line.rstrip() for line in lines)


def test_the_bar_is_silent_in_a_pipe() -> None:
    done = subprocess.run([sys.executable, "-c", BAR], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_the_bar_shows_on_a_terminal() -> None:
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    done = subprocess.run(
        [sys.executable, "-c", BAR], stdout=subprocess.PIPE, stderr=follower, text=True, check=True, env=environment
    )
    os.close(follower)
    said = os.read(leader, 65536).decode()
    os.close(leader)
    assert done.stdout == "done\n"
    assert "Reading" in said
    assert "3 rows" in said


def test_nobody_to_ask_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    assert confirm("Delete it?", yes=True)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(UsageError, match="--yes"):
        confirm("Delete it?", yes=False)


def test_numbers_for_people() -> None:
    assert format_count(541_909) == "541,909"
    assert format_bytes(73 * 2**30) == "73.0 GiB"
    assert format_bytes(512 * 2**20) == "512 MiB"
