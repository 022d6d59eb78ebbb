"""Lists of recommendations as people read them, with who they are for: fields of `{prefix}-recommendations`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from profilestore.dashboards.refresh.shelf import Shelf, is_new
from profilestore.elastic.recommendation_index import RecommendationIndex

__all__ = ["LIST_FIELDS", "describe_list", "describe_lists"]

_OF_USER: Final = ("segment", "value_tier", "category")
LIST_FIELDS: Final = (*_OF_USER, "product_names", "lines", "new_share", "catalogue")
_TITLE_LENGTH: Final = 60

Fields = dict[str, Any]


def describe_lists(
    lists: RecommendationIndex,
    profiles: Callable[[Sequence[str]], Mapping[str, Mapping[str, Any]]],
    shelf: Shelf,
    *,
    currency: str,
) -> int:
    """Bring all lists to what their users and products are now. Returns how many were changed.

    Args:
        lists: of the shop.
        profiles: gives the profiles of users that have one.
        shelf: the products.
        currency: of prices.
    """
    changed = 0
    for page in lists.read():
        known = profiles([user_id for user_id, _, _ in page])
        changes: list[tuple[str, Fields, Any]] = []
        for user_id, source, revision in page:
            wanted = describe_list(source, known.get(user_id, {}), shelf, currency=currency)
            change = {name: wanted.get(name) for name in LIST_FIELDS if source.get(name) != wanted.get(name)}
            if len(change) > 0:
                changes.append((user_id, change, revision))
        changed += lists.update(changes)
    lists.refresh()
    return changed


def describe_list(source: Mapping[str, Any], profile: Mapping[str, Any], shelf: Shelf, *, currency: str) -> Fields:
    """The derived fields of one list; nothing of the user and no names where personalisation is off."""
    products: Sequence[str] = source["products"]
    made = date.fromisoformat(source["as_of"][:10])
    new = [is_new(shelf.get(product_id), made) is True for product_id in products]
    fields: Fields = {"catalogue": shelf.on_sale}
    if len(new) > 0:
        fields["new_share"] = round(sum(new) / len(new), 6)
    if profile.get("personalisation") == "off":
        return fields
    fields |= {name: profile[name] for name in _OF_USER if profile.get(name) is not None}
    if len(products) > 0:
        fields["product_names"] = [shelf.get(product_id).label for product_id in products]
        fields["lines"] = [_line(place, item, shelf, currency) for place, item in enumerate(source["items"], 1)]
    return fields


def _line(place: int, item: Mapping[str, Any], shelf: Shelf, currency: str) -> str:
    title = shelf.get(item["product_id"]).title or item.get("title") or item["product_id"]
    parts = [f"{place:02d}", title[:_TITLE_LENGTH]]
    if item.get("price") is not None:
        parts.append(f"{item['price']:,.2f} {currency}")
    reasons = item.get("reasons") or []
    if len(reasons) > 0:
        parts.append(reasons[0]["words"])
    return " · ".join(parts)
