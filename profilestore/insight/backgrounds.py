"""Gender, age band and region of users, where the shop knows them: for looking at models, never a feature of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.profiles import InsightProfiles

__all__ = ["DIMENSIONS", "OTHERS", "Backgrounds", "band_of", "read_backgrounds"]

DIMENSIONS: Final = ("gender", "age", "region")
OTHERS: Final = "others"
# The last one is open. Bands of statistical offices, so that they can be compared.
_BANDS: Final = ((0, 17), (18, 24), (25, 34), (35, 44), (45, 54), (55, 64), (65, None))
# The widest that tells users apart is taken.
_REGIONS: Final = ("country", "province", "city")
_FIELDS: Final = ("age", "attributes.age_band", "gender", *_REGIONS)
_REGIONS_TOLD: Final = 8


@dataclass(frozen=True)
class Backgrounds:
    """What is known of the users with personalisation on.

    Attributes:
        rows: user id -> row of the columns.
        columns: dimension -> (n,) codes, rows of `names`, -1 where unknown.
        names: dimension -> the groups, in order.
        region: which field is the region: country, province or city; "" where none tells users apart.
    """

    rows: Mapping[str, int]
    columns: Mapping[str, NDArray[np.int32]]
    names: Mapping[str, tuple[str, ...]]
    region: str = ""

    def groups_of(self, user_ids: Sequence[str], dimension: str, *, least: int) -> tuple[NDArray[np.int64], list[str]]:
        """(n,) numbers of the groups of these users, -1 where unknown, and the names of the groups.

        Groups of fewer than `least` of these users, and regions beyond the eight largest, are one group `others`,
        the last; where that is too small itself its users are unknown.
        """
        column = np.append(self.columns[dimension], -1)
        codes = column[[self.rows.get(user_id, -1) for user_id in user_ids]].astype(np.int64)
        names = self.names[dimension]
        sizes = np.bincount(codes[codes >= 0], minlength=len(names))
        kept = np.flatnonzero(sizes >= least)
        if dimension == "region" and kept.size > _REGIONS_TOLD:
            kept = np.sort(np.argsort(-sizes, kind="stable")[:_REGIONS_TOLD])
        number = np.full(len(names) + 1, -1, dtype=np.int64)
        told = [names[place] for place in kept.tolist()]
        rest = int(sizes.sum() - sizes[kept].sum())
        if rest >= least:
            number[:-1] = len(told)
            told.append(OTHERS)
        number[kept] = np.arange(kept.size)
        return number[codes], told


def band_of(age: int) -> str:
    """The age band: under 18, 18-24, …, 65+."""
    for low, high in _BANDS:
        if high is None:
            return f"{low}+"
        if age <= high:
            return f"{low}-{high}" if low > 0 else "under 18"
    raise AssertionError("the last band is open")


def read_backgrounds(profiles: InsightProfiles) -> Backgrounds:
    """Read them a page at a time, as they are known today; three numbers a user are kept.

    An age that the shop has only as a band (`attributes.age_band`) is taken as it is.
    """
    rows: dict[str, int] = {}
    found: dict[str, list[int]] = {name: [] for name in ("age", "gender", *_REGIONS)}
    names: dict[str, dict[str, int]] = {name: {} for name in found}
    for page in profiles.read(_FIELDS):
        for user_id, source in page:
            rows[user_id] = len(rows)
            for name, codes in found.items():
                value = _age(source) if name == "age" else source.get(name)
                codes.append(-1 if value is None else names[name].setdefault(str(value), len(names[name])))
    region = next((name for name in _REGIONS if len(names[name]) > 1 and _tells(found[name])), "")
    columns: dict[str, NDArray[np.int32]] = {}
    told: dict[str, tuple[str, ...]] = {}
    for dimension, name in zip(DIMENSIONS, ("gender", "age", region), strict=True):
        if name == "":
            columns[dimension], told[dimension] = np.full(len(rows), -1, dtype=np.int32), ()
        else:
            columns[dimension], told[dimension] = _in_order(found[name], names[name])
    return Backgrounds(rows, columns, told, region)


def _age(source: Mapping[str, Any]) -> str | None:
    age = source.get("age")
    if age is not None:
        return band_of(int(age))
    band = (source.get("attributes") or {}).get("age_band")
    return None if band is None else str(band)


def _tells(codes: Sequence[int]) -> bool:
    """Whether at least a hundredth of the users with a region are elsewhere than most."""
    known = Counter(code for code in codes if code >= 0)
    return known.total() - max(known.values()) >= max(1, known.total() // 100)


def _in_order(codes: Sequence[int], names: Mapping[str, int]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """The codes in the order of their names, whatever order the profiles came in."""
    ordered = sorted(names, key=lambda name: (not name.startswith("under"), name))
    new = np.full(len(names) + 1, -1, dtype=np.int32)
    for place, name in enumerate(ordered):
        new[names[name]] = place
    return new[np.array(codes, dtype=np.int64)], tuple(ordered)
