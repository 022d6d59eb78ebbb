"""`shop.insight.churn`: customers by lifecycle, the most endangered first, and why somebody is thought to leave."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from profilestore.errors import NotFound, UsageError
from profilestore.indexing.parts import Parts
from profilestore.insight.churn.words import REASON_FIELDS, reason_words
from profilestore.insight.profiles import InsightProfiles

__all__ = ["LISTS", "LIST_FIELDS", "Churn", "ChurnReasons"]

LISTS: Final = ("at-risk", "new", "active", "lapsed")
LIST_FIELDS: Final = (
    "lifecycle", "churn_risk", "churn_band", "churn_reasons", "last_purchase", "order_count", "spend_total",
    "value_tier", "consent",
)  # fmt: skip
_LANGUAGES: Final = ("en", "zh")
_PAGE: Final = 5_000

Row = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ChurnReasons:
    """What is believed of a user, as of when, and why, in words; `risk` and `band` are None for who waits for a sale
    that is too far ahead to be checked."""

    user_id: str
    lifecycle: str
    risk: float | None
    band: str | None
    codes: list[str]
    reasons: list[str]
    as_of: datetime | str | None


class Churn:
    """Churn of one shop, as the last `insight run churn` wrote it."""

    def __init__(self, parts: Parts) -> None:
        self._profiles = InsightProfiles(parts.in_force.profiles)

    def customers(
        self,
        lifecycle: str = "at-risk",
        *,
        min_risk: float = 0.0,
        band: str | None = None,
        n: int | None = None,
        by: str = "risk",
        language: str = "en",
    ) -> list[Row]:
        """Users of a lifecycle with `LIST_FIELDS` and `reasons` in words, who switched personalisation off not among
        them.

        Args:
            lifecycle: at-risk, new, active or lapsed.
            min_risk: only from this risk on.
            band: only of this one: low, medium or high.
            n: at most so many; all when None.
            by: which come first: risk, the greatest (of equal ones who spent most); stake, where most spending is at
                stake (risk times what was spent); new customers come the latest first in any case.
            language: of the reasons, en or zh.

        Raises:
            UsageError: no such lifecycle, band or language, or n below 1.
        """
        if lifecycle not in LISTS or band not in (None, "low", "medium", "high") or language not in _LANGUAGES:
            raise UsageError(f"lists are {', '.join(LISTS)}; bands low, medium, high; languages en, zh.")
        if by not in _RANKS:
            raise UsageError("a list is by risk or by stake.")
        if n is not None and n < 1:
            raise UsageError("a list has at least 1 user.")
        filters: list[dict[str, Any]] = [{"term": {"lifecycle": lifecycle}}]
        if min_risk > 0.0:
            filters.append({"range": {"churn_risk": {"gte": min_risk}}})
        if band is not None:
            filters.append({"term": {"churn_band": band}})
        fields = sorted({*LIST_FIELDS, *REASON_FIELDS})
        pages = self._profiles.read(fields, query={"bool": {"filter": filters}}, page=_PAGE)
        rows = (row for page in pages for row in page)
        rank = _latest_first if lifecycle == "new" else _RANKS[by]
        chosen = sorted(rows, key=rank) if n is None else heapq.nsmallest(n, rows, key=rank)
        return [(user_id, _with_words(source, language)) for user_id, source in chosen]

    def why(self, user_id: str, *, language: str = "en") -> ChurnReasons:
        """What is believed of a user, and why.

        Raises:
            NotFound: nothing is believed of such a user: no order, no run yet, or personalisation switched off.
            UsageError: no such language.
        """
        if language not in _LANGUAGES:
            raise UsageError("the language of reasons is en or zh.")
        fields = sorted({*LIST_FIELDS, *REASON_FIELDS})
        query = {"bool": {"filter": [{"term": {"user_id": user_id}}, {"exists": {"field": "lifecycle"}}]}}
        found = [source for page in self._profiles.read(fields, query=query) for _, source in page]
        if len(found) == 0:
            raise NotFound(
                "nothing is believed of this user: there is no order, personalisation is off, or `profilestore insight "
                "run churn` was not run since.",
                kind="user",
                id=user_id,
            )
        source = found[0]
        codes = list(source.get("churn_reasons") or [])
        return ChurnReasons(
            user_id=user_id,
            lifecycle=source["lifecycle"],
            risk=source.get("churn_risk"),
            band=source.get("churn_band"),
            codes=codes,
            reasons=reason_words(codes, source, language=language),
            as_of=(source.get("insight_as_of") or {}).get("churn"),
        )


def _with_words(source: Mapping[str, Any], language: str) -> dict[str, Any]:
    told = {field: source[field] for field in LIST_FIELDS if source.get(field) is not None}
    words = reason_words(source.get("churn_reasons") or [], source, language=language)
    return told if len(words) == 0 else {**told, "reasons": words}


def _riskiest_first(row: Row) -> tuple[float, float, str]:
    user_id, source = row
    return -(source.get("churn_risk") or 0.0), -(source.get("spend_total") or 0.0), user_id


def _most_at_stake_first(row: Row) -> tuple[float, float, str]:
    user_id, source = row
    risk = source.get("churn_risk") or 0.0
    return -risk * (source.get("spend_total") or 0.0), -risk, user_id


_RANKS: Final = {"risk": _riskiest_first, "stake": _most_at_stake_first}


def _latest_first(row: Row) -> tuple[float, str]:
    user_id, source = row
    return -datetime.fromisoformat(source["first_purchase"]).timestamp(), user_id
