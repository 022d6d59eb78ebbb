"""A file of coupon codes: one a line, or a column of a CSV file. All that is wrong with it is told at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from profilestore.campaigns.cells import read_cells
from profilestore.errors import InputError

__all__ = ["CodeFile", "code_problem", "read_codes"]

# Headers in the order in which they are looked for, without case, blanks and underscores.
_HEADERS: Final = (
    "code", "codes", "couponcode", "couponcodes", "vouchercode", "promocode", "promotioncode", "discountcode", "coupon",
    "coupons", "voucher", "vouchers", "券码", "优惠券码", "优惠码", "优惠券", "兑换码", "代金券码",
)  # fmt: skip
_LONGEST: Final = 100
_TOLD: Final = 5


@dataclass(frozen=True, slots=True)
class CodeFile:
    """The codes of a file in its order, each once, and the line of each."""

    name: str
    codes: tuple[str, ...]
    lines: tuple[int, ...]

    def line_of(self, code: str) -> int:
        """In which line a code is."""
        return self.lines[self.codes.index(code)]


def read_codes(path: Path, *, column: str | None = None) -> CodeFile:
    """The codes of a file. UTF-8, with or without a mark, or GB18030.

    Args:
        path: of the file.
        column: whose cells are codes; else the one whose header says so, or the only one there is.

    Raises:
        InputError: it cannot be read, has no such column or no codes, or lines that have no code, one that is too long
            or cannot be printed, or one again that another line has. Codes themselves are not told.
    """
    rows = _without_end(list(read_cells(path)))
    if len(rows) == 0:
        raise InputError(f"{path.name}: the file is empty.")
    place, headed = _place(rows[0][1], column, path.name)
    found: dict[str, int] = {}
    problems: list[str] = []
    for line, cells in rows[1:] if headed else rows:
        code = cells[place].strip() if place < len(cells) else ""
        problem = code_problem(code)
        if problem is None and code in found:
            problem = f"the code of line {found[code]} again"
        if problem is not None:
            problems.append(f"line {line}: {problem}")
        else:
            found[code] = line
    if len(problems) > 0:
        more = f"; and {len(problems) - _TOLD:,} more" if len(problems) > _TOLD else ""
        raise InputError(f"{path.name}, {'; '.join(problems[:_TOLD])}{more}. Each code must be there, and once.")
    if len(found) == 0:
        raise InputError(f"{path.name}: there are no codes below the header.")
    return CodeFile(path.name, tuple(found), tuple(found.values()))


def code_problem(code: str) -> str | None:
    """What is wrong with a code; None for one that can be taken."""
    if code.strip() == "":
        return "there is no code"
    if len(code) > _LONGEST:
        return f"a code has at most {_LONGEST} characters"
    return None if code.isprintable() else "a code has a character that cannot be printed"


def _without_end(rows: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """Without the blank lines before the first and after the last; one in between is a code that is missing."""
    full = [place for place, (_, cells) in enumerate(rows) if not _is_blank(cells)]
    return rows[full[0] : full[-1] + 1] if len(full) > 0 else []


def _is_blank(cells: Sequence[str]) -> bool:
    """Whether there is nothing on a line. A cell that says that it is empty, "" or beside a comma, is a cell."""
    return len(cells) == 0 or (len(cells) == 1 and cells[0] != "" and cells[0].strip() == "")


def _place(header: Sequence[str], column: str | None, label: str) -> tuple[int, bool]:
    """Which cell is the code, and whether the first line is a header."""
    names = [cell.strip() for cell in header]
    if column is not None:
        if column not in names:
            raise InputError(f"{label}, line 1: the header names no column {column}.")
        return names.index(column), True
    plain = ["".join(each for each in name.casefold() if each not in " _-") for name in names]
    for word in _HEADERS:
        if word in plain:
            return plain.index(word), True
    if len(names) == 1:
        return 0, False
    raise InputError(
        f"{label}, line 1: none of its {len(names)} columns is called code: say which one holds the codes."
    )
