"""`insight_without`: a field is kept out under all its names, and one that does not exist is an error."""

from __future__ import annotations

from typing import Any

import pytest

from profilestore.errors import SettingsError
from profilestore.insight.segments.features import kept_out_habits
from profilestore.insight.sensitive import check_without, fields_allowed, is_allowed
from profilestore.settings import Settings


def without(*fields: str) -> Settings:
    return Settings(insight_without=fields)


class Profiles:
    """Counts the profiles with an attribute."""

    def __init__(self, *attributes: str) -> None:
        self._attributes = attributes

    def count(self, query: dict[str, Any]) -> int:
        return int(query["exists"]["field"] in self._attributes)


def test_nothing_is_kept_out_by_default() -> None:
    assert Settings().insight_without == ()
    assert fields_allowed(("gender", "attributes.pets"), Settings()) == ["gender", "attributes.pets"]


@pytest.mark.parametrize(
    ("kept_out", "field", "allowed"),
    [
        ("gender", "gender", False),
        ("gender", "age", True),
        ("age", "attributes.age_band", False),
        ("income_band", "income", False),
        ("country", "city", False),
        ("city", "country", True),
        ("attributes", "attributes.pets", False),
        ("attributes.pets", "attributes.pets", False),
        ("attributes.pets", "attributes.petshop", True),
        ("category", "main_categories", False),
        ("main_topics", "main_categories", True),
    ],
)
def test_a_field_is_kept_out_under_all_its_names(kept_out: str, field: str, allowed: bool) -> None:
    assert is_allowed(field, without(kept_out)) is allowed


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("gendre", "is no field of profiles"),
        ("clv_90d", "is what insight itself goes by"),
        ("personalisation", "is what insight itself goes by"),
        ("attributes.sauce", "no profile has an attribute attributes.sauce"),
    ],
)
def test_what_cannot_be_kept_out_is_an_error_that_names_it(field: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        check_without(without(field), Profiles("attributes.pets"))  # type: ignore[arg-type]


def test_what_exists_is_fine() -> None:
    known = without("gender", "attributes", "attributes.pets", "hour_of_week")
    check_without(known, Profiles("attributes.pets"))  # type: ignore[arg-type]


def test_habits_that_tell_of_a_field_go_with_it() -> None:
    assert kept_out_habits(without("hour_of_week")) == {"weekends", "evenings"}
    assert kept_out_habits(without("gender")) == frozenset()
