"""Cells of CSV files that people open in spreadsheet programs, which take some texts for formulas.

A name such as `=HYPERLINK(...)`, which any customer can give themselves, would be run by whoever opens the file. A text
that begins as formulas do gets an apostrophe before it, as OWASP advises against "CSV injection"; numbers stay numbers,
and so do texts of digits alone, such as `+49 151 234`, which can call nothing.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

__all__ = ["csv_cell", "reads_as_formula"]

# As formulas begin, also in full width, and what a program may skip before one.
_FORMULA: Final = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
_DIGITS: Final = re.compile(r"[+-]?[\d ().,/-]*\d[\d ().,/-]*")


def csv_cell(value: Any) -> Any:
    """A value as it stands in a CSV file: nothing for None, JSON for lists, tables and truth values, and a text that a
    program could take for a formula behind an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, list | tuple | dict | bool):
        return orjson.dumps(value).decode()
    return f"'{value}" if isinstance(value, str) and reads_as_formula(value) else value


def reads_as_formula(text: str) -> bool:
    """Whether a program could take a text for a formula."""
    return _FORMULA.match(text) is not None and _DIGITS.fullmatch(text) is None
