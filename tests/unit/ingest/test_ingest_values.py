from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from profilestore.ingest.times import parse_time
from profilestore.ingest.values import Bad, Changed, canonical_cell, flatten_attributes, parse_number, split_list


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("2.55", 2.55), ("£2.55", 2.55), ("1,234.50", 1234.5), ("１２３", 123.0), ("-5", -5.0), (" 7 ", 7.0),
        ("¥1,299", 1299.0), ("12元", 12.0), ("-£3", -3.0), (4, 4.0), (".5", 0.5),
    ],
)  # fmt: skip
def test_numbers_as_shops_write_them(cell: object, number: float) -> None:
    value = parse_number(cell)
    assert (value.value if isinstance(value, Changed) else value) == number


@pytest.mark.parametrize("cell", ["abc", "1,5", "12,34,5", "1_000", "nan", "inf", "1e400", True, "--5", "2 kg", "٣"])
def test_what_is_no_number_says_so_and_does_not_quote_the_cell(cell: object) -> None:
    value = parse_number(cell)
    assert isinstance(value, Bad)
    assert str(cell) not in value.reason or cell == "."


def test_decimal_comma_and_units_are_explicit() -> None:
    assert parse_number("1.234,50", decimal=",") == Changed(1234.5, "numbers")
    assert parse_number("2,5", decimal=",") == Changed(2.5, "numbers")
    assert parse_number("500 g", units={"kg": 1.0, "g": 0.001}) == Changed(0.5, "numbers")
    assert parse_number("30岁", units={"岁": 1.0}) == Changed(30.0, "numbers")


NOON = datetime(2020, 1, 31, 12, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "cell",
    [
        "2020-01-31T12:05:00Z", "2020-01-31 12:05", "2020-01-31T13:05:00+01:00", "2020/1/31 12:05",
        "2020.01.31 12:05:00",
        "2020年1月31日 12:05", "31 Jan 2020 12:05", "Jan 31, 2020 12:05 PM", "31/01/2020 12:05", "1/31/2020 12:05",
        "Fri, 31 Jan 2020 12:05:00 +0000", "1580472300", "1580472300000", 1580472300, 1580472300000, "20200131120500",
        datetime(2020, 1, 31, 12, 5),
    ],
)  # fmt: skip
def test_dates_as_files_write_them(cell: object) -> None:
    value = parse_time(cell, zone=ZoneInfo("UTC"))
    assert (value.value if isinstance(value, Changed) else value) == NOON


def test_an_ambiguous_date_is_taken_with_a_format_only() -> None:
    zone = ZoneInfo("UTC")
    refused = parse_time("03/04/2020", zone=zone)
    assert isinstance(refused, Bad)
    assert "day/month or month/day" in refused.reason
    assert parse_time("03/04/2020", zone=zone, formats=["%d/%m/%Y"]) == datetime(2020, 4, 3, tzinfo=UTC)


def test_a_time_without_zone_is_of_the_shops_zone() -> None:
    assert parse_time("2020-07-01 08:00", zone=ZoneInfo("Asia/Shanghai")) == datetime(2020, 7, 1, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "cell", ["2020-02-30", "0001-01-01", "yesterday", "99/99/2020", "", 12, True, "2020-13-01", []]
)
def test_what_is_no_date(cell: object) -> None:
    assert isinstance(parse_time(cell, zone=ZoneInfo("Asia/Shanghai")), Bad)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("2.0", 2), ("2", 2.0), ("2.50", 2.5), ("true", True), (" a ", "a"), ("", None), ("-0", 0),
        ("2020-01-31 12:05:00", datetime(2020, 1, 31, 12, 5)), ("2020-01-31T12:05", datetime(2020, 1, 31, 12, 5)),
        ("a\r\nb", "a\nb"), (float("nan"), None),
    ],
)  # fmt: skip
def test_a_cell_is_the_same_from_every_format(left: object, right: object) -> None:
    assert canonical_cell(left) == canonical_cell(right)


def test_cells_that_differ_stay_different() -> None:
    cells = ["007", "7", "1.50a", "A", "a", "12345678901234567890", "12345678901234567891"]
    assert len({canonical_cell(cell) for cell in cells}) == len(cells)


@pytest.mark.parametrize("cell", ["a,b", "a;b", "['a', 'b']", '["a","b"]', "a|b", "a、b", ["a", "b"], "a, b,"])
def test_lists_in_a_cell(cell: object) -> None:
    assert split_list(cell) == ["a", "b"]


def test_attributes_are_one_level_deep() -> None:
    assert flatten_attributes({"a": {"b": 1, "c": None}, "d": [1, "x"], "e": "2.0", "f": True}) == {
        "a.b": 1, "d": ["1", "x"], "e": 2, "f": True,
    }  # fmt: skip
    deep: dict[str, object] = {}
    for _ in range(500):
        deep = {"x": deep}
    assert isinstance(flatten_attributes(deep), Bad)
