"""The methods that go by products alone: popular, trending, new, and popular among users like this one.

`new` goes by `listed`: the day of release, or the one on which the product was first indexed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from profilestore.errors import UsageError
from profilestore.indexing.segment_popularity import segment_token
from profilestore.recommend.bodies import build_sorted_body
from profilestore.recommend.clauses import Body, all_of, page, sparse
from profilestore.recommend.method import Method, Question
from profilestore.recommend.trained import Trained
from profilestore.recommend.wish import Wish
from profilestore.settings import SEGMENT_FIELDS, Settings

__all__ = ["NEW", "POPULAR", "POPULAR_IN_SEGMENT", "TRENDING", "segment_fields"]

# The next segment counts where the one before says nothing: it has at most this many users less.
_NEXT_SEGMENT: Final = 1e-3


def _build_sorted(question: Question, *, by: Sequence[str]) -> Body:
    return build_sorted_body(required=question.required(), forbidden=question.forbidden(), n=question.size, by=by)


def segment_fields(settings: Settings, wish: Wish) -> tuple[str, ...]:
    """The profile fields to go by, the first one first.

    Raises:
        UsageError: one was asked for by which nothing is counted.
    """
    if wish.segment_field is None:
        return settings.segment_fields
    if wish.segment_field not in settings.segment_fields:
        raise UsageError(
            f"popularity is not counted by {wish.segment_field}, only by {', '.join(settings.segment_fields)}: "
            "name it in the setting segment_fields, and run `profilestore fold`."
        )
    return (wish.segment_field,)


def _segment_reads(trained: Trained, wish: Wish) -> tuple[str, ...]:
    return (*sorted(SEGMENT_FIELDS), "personalisation")


def _build_segment(question: Question) -> Body | None:
    """One search by the user's own segments; segments that are too small are in no product."""
    profile = question.profile or {}
    if profile.get("personalisation") == "off":
        return None
    tokens: dict[str, float] = {}
    weight = 1.0
    for field in segment_fields(question.settings, question.wish):
        values = _values(profile.get(field))
        tokens |= {segment_token(field, value): weight for value in values}
        weight = weight * _NEXT_SEGMENT if len(values) > 0 else weight
    if len(tokens) == 0:
        return None
    query = all_of(question.required(), question.forbidden(), must=[sparse("segment_popularity", tokens)])
    ties = [{field: {"order": "desc", "missing": "_last"}} for field in ("popularity", "listed")]
    return {**page(question.size), "query": query, "sort": ["_score", *ties, {"product_id": "asc"}]}


def _values(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


POPULAR: Final = Method(name="popular", build=partial(_build_sorted, by=("popularity", "listed")), lists_all=True)
TRENDING: Final = Method(name="trending", build=partial(_build_sorted, by=("trending",)), lists_all=True)
NEW: Final = Method(name="new", build=partial(_build_sorted, by=("listed", "released")), lists_all=True)
POPULAR_IN_SEGMENT: Final = Method(name="popular-in-segment", build=_build_segment, reads=_segment_reads)
