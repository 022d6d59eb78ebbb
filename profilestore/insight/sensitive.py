"""Fields that a shop keeps out of all models: the setting `insight_without`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from profilestore.documents import USER_FIELDS, ProfileDocument
from profilestore.elastic.profile_index import ProfileIndex
from profilestore.errors import SettingsError
from profilestore.settings import Settings

__all__ = ["check_without", "fields_allowed", "is_allowed"]

_ATTRIBUTES: Final = "attributes"
# Say nothing of a user that a model could learn from, or are what insight itself is made of and writes.
_NOT_FEATURES: Final = frozenset(("consent", "personalisation"))
# One thing under several names: who keeps one of them out means all.
_ONE_THING: Final = (
    frozenset(("age", "attributes.age", "attributes.age_band")),
    frozenset(("gender", "attributes.gender", "attributes.sex")),
    frozenset(("income", "income_band", "attributes.income", "attributes.income_band")),
    frozenset(("category", "main_categories", "category_shares")),
    frozenset(("main_brands", "brand_shares")),
    frozenset(("main_topics", "topic_shares")),
)
# What a user did, beyond the acts and the spending that value and lifetime are about.
_HABITS: Final = frozenset(
    ("category", "main_categories", "category_shares", "main_brands", "brand_shares", "main_topics", "topic_shares",
     "hour_of_week", "channels", "devices", "payment_methods", "search_words", "rating_mean", "rating_count")
)  # fmt: skip
_FIELDS: Final = (frozenset(USER_FIELDS) - _NOT_FEATURES) | _HABITS


# Who is not to be known by country is not to be known by city either.
_WIDER: Final = {"country": ("province", "city"), "province": ("city",)}


def is_allowed(field: str, settings: Settings) -> bool:
    """Whether models may use a profile field; `attributes.NAME` is one of the shop's own.

    A field is kept out under all its names: without `income` there is no `income_band` either, without `attributes`
    none of them.
    """
    kept_out = set(settings.insight_without)
    kept_out |= {finer for field in settings.insight_without for finer in _WIDER.get(field, ())}
    for together in _ONE_THING:
        if not kept_out.isdisjoint(together):
            kept_out |= together
    return field not in kept_out and not (field.startswith(f"{_ATTRIBUTES}.") and _ATTRIBUTES in kept_out)


def fields_allowed(fields: Iterable[str], settings: Settings) -> list[str]:
    """Those of the fields that models may use, in the order given."""
    return [field for field in fields if is_allowed(field, settings)]


def check_without(settings: Settings, profiles: ProfileIndex) -> None:
    """See that all that is to be kept out exists: a misspelt field would be used on.

    Raises:
        SettingsError: profiles have no such field, no profile has such an attribute, or insight is made of it.
    """
    for field in settings.insight_without:
        if field.startswith(f"{_ATTRIBUTES}."):
            if profiles.count({"exists": {"field": field}}) == 0:
                raise SettingsError(f"insight_without: no profile has an attribute {field}.")
        elif field not in _FIELDS:
            known = ", ".join(sorted(_FIELDS))
            reason = (
                "is what insight itself goes by, or writes"
                if field in ProfileDocument.model_fields
                else "is no field of profiles"
            )
            raise SettingsError(f"insight_without: {field} {reason}. Fields: {known}, and attributes.NAME.")
