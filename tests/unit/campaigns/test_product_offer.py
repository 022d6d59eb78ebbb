"""What a product offer may say."""

from __future__ import annotations

from typing import Any

import pytest

from profilestore.campaigns.offering import ProductOffer
from profilestore.errors import UsageError
from profilestore.recommend.wish import Options


def test_one_text_is_a_list_of_one() -> None:
    offer = ProductOffer.of({"category": "Shoes", "max_price": 50, "in_stock": True})
    assert (offer.category, offer.max_price, offer.in_stock) == (("Shoes",), 50.0, True)
    assert offer.to_json_dict() == {"category": ["Shoes"], "max_price": 50.0, "in_stock": True}
    assert ProductOffer.of(offer.to_json_dict()) == offer
    assert ProductOffer.of({}) == ProductOffer()
    explained = ProductOffer.of({"category": "Shoes", "explain": True})
    assert ProductOffer.of(explained.to_json_dict()) == explained
    assert explained.options() == ProductOffer.of({"category": "Shoes"}).options()


def test_its_filters_are_options_of_recommend() -> None:
    assert ProductOffer().options().keys() <= Options.__optional_keys__


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"categories": "Shoes"}, "there is no categories"),
        ({"category": 7}, "category is a text or a list of texts"),
        ({"category": []}, "category is a text or a list of texts"),
        ({"in_stock": "yes"}, "in_stock is true or false"),
        ({"min_price": True}, "min_price is a number"),
        ({"product": ["p1"]}, "product is a text"),
        ({"product": "p1", "category": "Shoes"}, "neither filters nor reasons beside it"),
        ({"min_price": 9, "max_price": 3}, "min_price is above max_price"),
        ({"max_price": float("nan")}, "max_price must be a number"),
        ({"product": " "}, "product id is missing"),
        ({"boost": ["nonsense"]}, "boost wants"),
    ],
)
def test_what_cannot_be_meant_is_told(given: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        ProductOffer.of(given)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(UsageError, match=r"spring.toml.*there is no size.*brand is a text"):
        ProductOffer.of({"size": 3, "brand": 1}, source="spring.toml")
