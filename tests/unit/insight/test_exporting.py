"""Files of insight: what cannot be written is said, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from profilestore.campaigns.export_file import csv_line
from profilestore.errors import InputError
from profilestore.insight.demand.outcomes import write_weeks
from profilestore.insight.exporting import write_private, write_users
from profilestore.insight.spreadsheets import csv_cell

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


@pytest.mark.parametrize(
    "text", ["=1+1", "+SUM(A1)", "-cmd|'/c calc'!A1", "@SUM(1)", "\tx", "\r=1", "\n=1", " =1", "＝1", "＠x", "+a", "-"]
)  # fmt: skip
def test_a_text_that_a_spreadsheet_would_run_stands_behind_an_apostrophe(text: str) -> None:
    assert csv_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "value", ["red mug", "a=b", "+49 (151) 23-45", "-7", "-7.5", "2026-11-23", "'quoted'", -7, -7.5, ""]
)
def test_numbers_and_other_texts_stay_as_they_are(value: object) -> None:
    assert csv_cell(value) == value


def test_other_values_in_a_cell() -> None:
    assert [csv_cell(value) for value in (None, True, ["=x", "b"], {"a": 1})] == ["", "true", '["=x","b"]', '{"a":1}']


def test_no_file_of_users_or_weeks_holds_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    write_users([("=u", {"segment": "@gifts", "spend": -4.5})], path, fields=["segment", "spend"])
    assert path.read_text() == "user_id,segment,spend\n'=u,'@gifts,-4.5\n"
    exact = tmp_path / "users.jsonl"
    write_users([("=u", {"segment": "@gifts"})], exact, fields=["segment"])
    assert exact.read_text() == '{"user_id":"=u","segment":"@gifts"}\n'
    assert csv_line(["=u", -4.5, None, ["a"]]) == b'\'=u,-4.5,,"[""a""]"\n'
