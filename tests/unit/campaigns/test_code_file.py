"""Files of codes: what is taken, and what is told of one that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from profilestore.campaigns.coupons.code_file import read_codes
from profilestore.campaigns.coupons.pool import Pool
from profilestore.errors import InputError, UsageError


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "codes.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    ("text", "codes", "lines"),
    [
        ("A1\nB2\n", ("A1", "B2"), (1, 2)),
        ("code\nA1\n B2 \n\n \n", ("A1", "B2"), (2, 3)),
        ("\n\nCoupon Code\r\nA1\r\nB2", ("A1", "B2"), (4, 5)),
        ("number;voucher_code\n1;A1\n2;B2\n", ("A1", "B2"), (2, 3)),
        ("\ufeff券码\n春天10\n", ("春天10",), (2,)),
        ("券码\n春天10\n".encode("gb18030"), ("春天10",), (2,)),
        ('code,note\n"A,1","x\ny"\nB2,\n', ("A,1", "B2"), (3, 4)),
        ("a1\nA1\n", ("a1", "A1"), (1, 2)),
        ("coupon,code\n7,A1\n", ("A1",), (2,)),
        ("A1\rB2\r", ("A1", "B2"), (1, 2)),
        ('code,note\nA1,"x\u2028y"\nB2,\n', ("A1", "B2"), (2, 3)),
    ],
)
def test_what_is_taken(tmp_path: Path, text: str | bytes, codes: tuple[str, ...], lines: tuple[int, ...]) -> None:
    found = read_codes(written(tmp_path, text))
    assert (found.codes, found.lines, found.name) == (codes, lines, "codes.csv")


def test_codes_that_a_spreadsheet_would_run_are_told(tmp_path: Path) -> None:
    file = read_codes(written(tmp_path, "code\n=A1\nB-2\n+5\n＠C\n-20%\n"))
    assert (Pool.of_file(file).caution or "").startswith("3 of 5 codes begin as formulas")
    assert (Pool.of_one("@home", size=9).caution or "").startswith("the code begins")
    assert Pool.of_file(file, size=2).first(2).caution is not None
    assert [Pool.of_codes(["B-2", "+5"]).caution, Pool.of_one("SPRING10", size=9).caution] == [None, None]


def test_the_column_that_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "code,other\nA1,B1\nA2,B2\n")
    assert read_codes(path, column="other").codes == ("B1", "B2")
    with pytest.raises(InputError, match=r"codes.csv, line 1: .* no column mine"):
        read_codes(path, column="mine")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "codes.csv: the file is empty"),
        ("\n \n", "codes.csv: the file is empty"),
        ("code\n", "codes.csv: there are no codes below the header"),
        ("A1\nB2\nA1\n", "line 3: the code of line 1 again"),
        ("A1\n\nB2\n", "line 2: there is no code"),
        ('A1\n""\n', "line 2: there is no code"),
        ("n,code\n1,A1\n,\n", "line 3: there is no code"),
        ("n,code\n1,A1\n2,\n", "line 3: there is no code"),
        ("n,code\n1,A1\n2\n", "line 3: there is no code"),
        ("A1\n" + "x" * 101 + "\n", "line 2: a code has at most 100 characters"),
        ("A1\nB\u200b2\n", "line 2: a code has a character that cannot be printed"),
        *((f"A1\nB{sign}2\nC3\n", "line 2: a code has a character") for sign in "\u2028\u2029\x85\x0b\x0c\x1c"),
        ("n,what\n1,A1\n", "line 1: none of its 2 columns is called code"),
        ('code,n\n"A1,1\n', "this is no CSV"),
        (b"A\x00B\n", "no text"),
        ("A1\nA1\n" * 9, "and 12 more"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(InputError, match=r"codes\.csv") as raised:
        read_codes(written(tmp_path, text))
    assert said in str(raised.value)
    assert "A1" not in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_codes(tmp_path / "codes.csv")


def test_pools() -> None:
    one = Pool.of_one(" SPRING10 ", size=3)
    assert (list(one.all_codes()), one.distinct(), one.size) == (["SPRING10"] * 3, ["SPRING10"], 3)
    own = Pool.of_codes(["A", "B", "C"], size=2)
    assert (list(own.all_codes()), own.size) == (["A", "B"], 2)
    assert own.digest == Pool.of_codes(["A", "B"]).digest != Pool.of_codes(["B", "A"]).digest
    assert Pool.of_codes(["AB", "C"]).digest != Pool.of_codes(["A", "BC"]).digest


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Pool.of_one("", size=1), "there is no code"),
        (lambda: Pool.of_one("A", size=0), "at least one"),
        (lambda: Pool.of_codes([]), "at least one"),
        (lambda: Pool.of_codes(["A", "B", "A"]), "number 3: is there twice"),
        (lambda: Pool.of_codes(["A", " "]), "number 2: there is no code"),
        (lambda: Pool.of_codes(["A"], size=2), "there are 1, and 2 are wanted"),
    ],
)
def test_pools_that_cannot_be(make: object, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        make()  # type: ignore[operator]
    assert said in str(raised.value)
