"""The headings of insight's tables: each step's has words in Chinese."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import profilestore.insight
from profilestore.insight.table_words import heading

FOLDER = Path(profilestore.insight.__file__).parent
CHINESE = re.compile("[\u4e00-\u9fff]")
# Columns that are made by names, and so cannot be read off the source.
MADE = ("error of last period", "error of mean of 4 weeks", "true positive", "predicted", "bought", "churned",
        "categories by users who turn to them, or away", "topics by users who turn to them, or away")  # fmt: skip


def is_tables(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "tables"


def written_tables(tree: ast.AST) -> Iterator[ast.expr]:
    """What is assigned to `tables`, given as `tables=`, or returned by a function that makes tables."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(is_tables(target) for target in node.targets):
            yield node.value
        if isinstance(node, ast.AnnAssign) and is_tables(node.target) and node.value is not None:
            yield node.value
        if isinstance(node, ast.keyword) and node.arg == "tables":
            yield node.value
        if isinstance(node, ast.FunctionDef) and node.name in ("tables_of", "describe_segments"):
            yield from (
                each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value is not None
            )


def titles() -> list[str]:
    found: set[str] = set()
    for path in FOLDER.rglob("*.py"):
        tree = ast.parse(path.read_text())
        for value in written_tables(tree):
            keys = value.keys if isinstance(value, ast.Dict) else []
            found |= {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
        found |= {
            str(node.slice.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Subscript) and is_tables(node.value) and isinstance(node.slice, ast.Constant)
        }
    return sorted(found)


def test_every_table_that_a_step_writes_has_a_chinese_title() -> None:
    assert len(titles()) > 25
    assert [title for title in titles() if CHINESE.search(heading(title, "zh")) is None] == []


@pytest.mark.parametrize("name", MADE)
def test_headings_that_are_made_by_names(name: str) -> None:
    assert CHINESE.search(heading(name, "zh")) is not None
    assert heading(name, "en") == name


def test_a_name_of_the_shop_stays_as_it_is() -> None:
    assert heading("p00016", "zh") == "p00016"
