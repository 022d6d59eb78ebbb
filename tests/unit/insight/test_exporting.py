"""Files of insight: what cannot be written is said, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from profilestore.errors import InputError
from profilestore.insight.demand.outcomes import write_weeks
from profilestore.insight.exporting import write_private, write_users

WRITERS: dict[str, Callable[[Path], int]] = {
    "users": lambda path: write_users([("u1", {"segment": "gifts"})], path, fields=["segment"]),
    "page": lambda path: write_private(path, ["<html>"]),
    "weeks": lambda path: write_weeks([], path),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_what_cannot_be_written_is_said(write: Callable[[Path], int], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    for path in (tmp_path / "missing" / "x.csv", tmp_path / "file" / "x.csv", tmp_path / f"{'x' * 300}.csv"):
        with pytest.raises(InputError, match="cannot be written"):
            write(path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_of_users_is_whole_and_only_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    assert WRITERS["users"](path) == 1
    assert path.read_text() == "user_id,segment\nu1,gifts\n"
    assert path.stat().st_mode & 0o777 == 0o600
