"""Cell -> value: numbers, words, lists and attributes, with the reason where that cannot be.

A converter takes one cell and gives the value, None where the cell is missing, `Changed` where a cleaning
rule had to help, or `Bad` where the row cannot be taken so. A reason never quotes the cell (P6).
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import orjson

__all__ = [
    "Bad",
    "Changed",
    "canonical_cell",
    "clean_text",
    "flatten_attributes",
    "is_missing",
    "parse_number",
    "split_list",
]


class Bad(NamedTuple):
    """Why a cell cannot be taken. `rule` is the cleaning rule that says so, if one does."""

    reason: str
    rule: str | None = None


class Changed(NamedTuple):
    """A value that a cleaning rule made of the cell, to be counted under the rule's name."""

    value: Any
    rule: str


_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_THOUSANDS: Final = {
    ".": re.compile(r"[+-]?\d{1,3}(?:[, '\u00a0\u202f]\d{3})+(?:\.\d+)?"),
    ",": re.compile(r"[+-]?(?:\d{1,3}(?:[. '\u00a0\u202f]\d{3})+|\d+)(?:,\d+)?"),
}
_CURRENCY: Final = re.compile(r"^(?:[$£€¥￥]|(?:GBP|USD|EUR|CNY|RMB)\b)|(?:[$£€¥￥]|\b(?:GBP|USD|EUR|CNY|RMB)|元)$")
_PLAIN_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?")
_PLAIN_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(?::(\d\d)(\.\d+)?)?)?")
_SEPARATORS: Final = re.compile(r"[,;|，；、]")
_DEPTH_LIMIT: Final = 8


def is_missing(cell: Any, missing_words: frozenset[str]) -> bool:
    """Whether a cell says nothing: None, NaN, an empty list, or a word such as N/A."""
    if isinstance(cell, str):
        return len(cell) < 20 and cell.strip().casefold() in missing_words
    if isinstance(cell, float):
        return math.isnan(cell)
    return cell is None or (isinstance(cell, (list, dict)) and len(cell) == 0)


def clean_text(cell: Any, *, fold: bool, clean: bool) -> Any:
    """A text, trimmed; with `fold`, full-width letters and digits made plain ones (NFKC)."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return canonical_cell(cell) if math.isfinite(cell) else Bad("is not a finite number")
    if isinstance(cell, (list, dict, bytes)):
        return Bad("is a list, an object or bytes where a text is expected")
    text = cell if isinstance(cell, str) else str(cell)
    if "\x00" in text:
        return Bad("holds a NUL character")
    if not clean:
        return text
    changed = text.strip()
    if "\r" in changed:
        changed = changed.replace("\r\n", "\n").replace("\r", "\n")
    if fold and not changed.isascii():
        changed = unicodedata.normalize("NFKC", changed).strip()
    return changed if changed == text else Changed(changed, "text")


def parse_number(cell: Any, *, decimal: str = ".", clean: bool = True, units: dict[str, float] | None = None) -> Any:
    """A finite number. With `clean`: £2.55, 1,234.50, full-width digits; with `units`: 2 kg, 30岁."""
    if isinstance(cell, bool):
        return Bad("is true or false where a number is expected")
    if isinstance(cell, (int, float)):
        return float(cell) if math.isfinite(cell) and abs(cell) <= 1e15 else Bad("is not a number of a usable size")
    if not isinstance(cell, str):
        return Bad("is not a number")
    text = cell.strip()
    if decimal == "." and _NUMBER.fullmatch(text) is not None and text.isascii():
        return _sized(float(text), cell, changed=False)
    if not clean and decimal == ".":
        return Bad("is not a plain number")
    text = unicodedata.normalize("NFKC", text)
    factor = 1.0
    for unit, size in (units or {}).items():
        if text.casefold().endswith(unit.casefold()):
            text, factor = text[: -len(unit)].strip(), size
            break
    sign, text = (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
    text = sign + _CURRENCY.sub("", text.strip()).strip()
    if _THOUSANDS[decimal].fullmatch(text) is not None:
        text = re.sub(r"[, '\u00a0\u202f]" if decimal == "." else r"[. '\u00a0\u202f]", "", text).replace(",", ".")
    if _NUMBER.fullmatch(text) is None or not text.isascii():
        hint = '; if a comma is the decimal sign, map the column with decimal = ","' if "," in text else ""
        return Bad(f"is not a number{hint}")
    return _sized(float(text) * factor, cell, changed=True)


def _sized(number: float, cell: str, *, changed: bool) -> Any:
    if not math.isfinite(number) or abs(number) > 1e15:
        return Bad("is not a number of a usable size")
    return Changed(number, "numbers") if changed else number


def split_list(cell: Any, separator: str | None = None) -> list[str]:
    """The items of a list in a cell: a real list, JSON, `['a', 'b']`, or a text with , ; | or 、 between."""
    if isinstance(cell, (list, tuple)):
        items = list(cell)
    else:
        text = str(cell).strip()
        items = []
        if text.startswith("[") and text.endswith("]"):
            try:
                items = orjson.loads(text)
            except orjson.JSONDecodeError:
                text = text[1:-1]
        if len(items) == 0 and not text.startswith("["):
            parts = text.split(separator) if separator is not None else _SEPARATORS.split(text)
            items = [part.strip().strip("'\"") for part in parts]
    texts = (item if isinstance(item, str) else canonical_cell(item) for item in items)
    return [text.strip() for text in texts if text is not None and text.strip() != ""]


def flatten_attributes(value: Any, *, prefix: str = "", depth: int = 0) -> dict[str, Any] | Bad:
    """A nested object as one level of `a.b` keys with texts, numbers, booleans and lists of texts."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return Bad("is not a JSON object")
    if not isinstance(value, dict):
        return Bad("is not a JSON object")
    if depth >= _DEPTH_LIMIT:
        return Bad(f"is nested deeper than {_DEPTH_LIMIT} levels")
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        name = f"{prefix}{key}"
        if "\x00" in name or name == "":
            return Bad("has an empty key or one with a NUL character")
        if isinstance(inner, dict):
            deeper = flatten_attributes(inner, prefix=f"{name}.", depth=depth + 1)
            if isinstance(deeper, Bad):
                return deeper
            flat.update(deeper)
        else:
            plain = attribute_value(inner)
            if isinstance(plain, Bad):
                return plain
            if plain is not None:
                flat[name] = plain
    return flat


def attribute_value(cell: Any) -> Any:
    """One value of `attributes`; a text that is a plain number becomes one, so that all formats agree."""
    if isinstance(cell, bool) or cell is None:
        return cell
    if isinstance(cell, (list, tuple)):
        return split_list(cell) or None
    text = canonical_cell(cell)
    if text is None:
        return None
    if "\x00" in text:
        return Bad("holds a NUL character")
    if _PLAIN_NUMBER.fullmatch(text) is not None:
        return float(text) if "." in text else int(text)
    return text


def canonical_cell(cell: Any) -> str | None:
    """A cell as the text that is the same from CSV, JSONL and Parquet: `2`, 2 and 2.0 are `2`; None if empty."""
    if isinstance(cell, str):
        text = cell.strip()
        if _PLAIN_NUMBER.fullmatch(text) is not None:
            return _canonical_float(float(text)) if "." in text else ("0" if text == "-0" else text)
        found = _PLAIN_TIME.fullmatch(text)
        if found is not None and text.isascii():
            day, minute, second, rest = found.groups()
            return f"{day} {minute or '00:00'}:{second or '00'}{(rest or '').rstrip('0').rstrip('.')}"
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        lowered = text.lower() if len(text) <= 5 else text
        return (lowered if lowered in ("true", "false") else text) or None
    if cell is None:
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float):
        return None if math.isnan(cell) else _canonical_float(cell)
    if isinstance(cell, (datetime, date)):
        return canonical_cell(cell.isoformat())
    if isinstance(cell, (dict, list, tuple)):
        return orjson.dumps(cell, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()
    return str(cell)


def _canonical_float(number: float) -> str:
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
