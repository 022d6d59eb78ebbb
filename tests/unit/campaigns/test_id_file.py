"""Files of ids: with and without a header, in the encodings people have, and what is wrong told by its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from profilestore.campaigns.audience.id_file import read_ids
from profilestore.errors import InputError


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "ids.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("u1\nu2\n", ["u1", "u2"]),
        ("u1\r\n\r\n u2 \r\nu1", ["u1", "u2"]),
        ("user_id\nu1\n", ["u1"]),
        ("\ufeffCustomer ID,name\nu1,Ann\nu2,Bo\n", ["u1", "u2"]),
        ("name;user_id\n\"A;B\";u1\n", ["u1"]),
        ("用户ID\t城市\nu1\t北京\n".encode("gb18030"), ["u1"]),
    ],
)  # fmt: skip
def test_ids_in_their_order_each_once(tmp_path: Path, text: str | bytes, expected: list[str]) -> None:
    assert read_ids(written(tmp_path, text)) == expected


def test_a_column_by_its_name(tmp_path: Path) -> None:
    path = written(tmp_path, "who,age\nu1,3\n")
    assert read_ids(path, column="who") == ["u1"]
    with pytest.raises(InputError, match="no column whom"):
        read_ids(path, column="whom")
    with pytest.raises(InputError, match="none of its 2 columns is called user_id"):
        read_ids(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
        ("user_id\n", "no ids below the header"),
        ("user_id,a\nu1,1\n,2\n", "line 3: there is no id"),
        ("a,user_id\n1,u1\n2\n", "line 3: there is no id"),
        ("user_id\n" + "x" * 513, "at most 512 bytes"),
        (b"\xff\xff\xff", "no text in UTF-8 or GB18030"),
        ("u1\x00\n", "no text in UTF-8 or GB18030"),
        ('user_id,a\n"u1"x,2\n', "line 2: this is no CSV"),
    ],
)
def test_what_is_wrong_is_told_without_a_value(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(InputError, match=told) as raised:
        read_ids(written(tmp_path, text))
    assert "u1" not in str(raised.value)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.csv cannot be read \(FileNotFoundError\)"):
        read_ids(tmp_path / "none.csv")
