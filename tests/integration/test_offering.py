"""The user's own best product within a category, on a real server."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from profilestore import Settings
from profilestore.campaigns.offering import Filled, OfferFilling, ProductOffer
from profilestore.documents import IndexMeta
from profilestore.elastic.index_identity import write_meta
from profilestore.elastic.member_pages import Member
from profilestore.errors import UsageError
from profilestore.indexing.parts import Parts
from profilestore.recommend.answers import Answer
from tests.integration.recommend_shop import RecommendShop

KITCHEN = ProductOffer.of({"category": "kitchen"})
OFFICE = ProductOffer.of({"category": "office"})
KITCHEN_IDS = ["r1", "r2", "b1", "gone"]


@pytest.fixture(scope="module")
def shop(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecommendShop]:
    settings = Settings(home=tmp_path_factory.mktemp("offering"), prefix=f"t-{uuid.uuid4().hex[:12]}",
                        elasticsearch_url=server_url, embedding_dims=2)  # fmt: skip
    shop = RecommendShop.open(settings)
    write_meta(shop.client, f"{settings.index('products')}-000001", IndexMeta(generation="000001", text_model="words"))
    # A mistake left the vector of somebody who opted out standing.
    shop.put_profile("left", (1.0, 0.0), seen=None, personalisation="off")
    shop.put_profile("pure", (1.0, 0.0), seen=None)
    shop.put_profile("sated", (1.0, 0.0), seen=["r2"], purchased_products=["r1", "b1"])
    shop.put_profile("full", (1.0, 0.0), seen=KITCHEN_IDS)
    shop.refresh()
    yield shop
    shop.close()


class Counting:
    """`recommend_many` that counts how often it is asked."""

    def __init__(self, shop: RecommendShop) -> None:
        self.recommender = shop.recommender()
        self.calls = 0

    def __call__(self, users: Iterable[str | None], **options: Any) -> Iterable[Answer]:
        self.calls += 1
        return self.recommender.recommend_many(users, **options)


def fill(shop: RecommendShop, offer: ProductOffer, *users: str) -> dict[str, Filled | None]:
    members = [Member(user, {}, user in ("off", "left")) for user in users]
    filling = OfferFilling(Parts(shop.client, shop.settings), recommend=shop.recommender().recommend_many)
    return filling.fill(members, offer)


def products(filled: dict[str, Filled | None]) -> dict[str, str | None]:
    return {user: None if each is None else each.product_id for user, each in filled.items()}


def test_each_user_has_their_own_best_product_within_the_category(shop: RecommendShop) -> None:
    # "red" has seen r1, "blue" has seen b1; nobody gets a product of another category.
    assert products(fill(shop, KITCHEN, "red", "blue", "pure")) == {"red": "r2", "blue": "r2", "pure": "r1"}
    assert products(fill(shop, OFFICE, "red", "blue")) == {"red": "r3", "blue": "b2"}
    found = fill(shop, OFFICE, "red")["red"]
    assert found is not None
    assert (found.title, found.chosen) == ("red pen", True)


def test_it_is_what_recommend_answers_within_the_same_filters(shop: RecommendShop) -> None:
    offer = ProductOffer.of({"category": ["kitchen", "office"], "max_price": 6, "in_stock": True})
    users = ["red", "blue", "pure", "vague"]
    answers = shop.recommender().recommend_many(users, n=1, category=["kitchen", "office"], max_price=6, in_stock=True)
    assert products(fill(shop, offer, *users)) == {a.user_id: a.product_ids[0] for a in answers}


def test_who_opted_out_gets_what_is_popular_whatever_vector_was_left(shop: RecommendShop) -> None:
    # By the vector "left" would get r3 and r1, as "pure" does.
    found = fill(shop, OFFICE, "off", "left", "stranger")
    assert products(found) == {"off": "b2", "left": "b2", "stranger": "b2"}
    assert [each.chosen for each in found.values() if each is not None] == [False, False, False]
    assert products(fill(shop, KITCHEN, "left", "pure")) == {"left": "r2", "pure": "r1"}


def test_who_has_seen_all_of_it_is_told_as_one_without_product(shop: RecommendShop) -> None:
    assert products(fill(shop, KITCHEN, "full", "pure")) == {"full": None, "pure": "r1"}
    again = ProductOffer.of({"category": "kitchen", "include_seen": True, "exclude_bought": True})
    assert products(fill(shop, again, "full", "sated")) == {"full": "r1", "sated": "r2"}


def test_one_product_for_all_is_nobodys_choice(shop: RecommendShop) -> None:
    found = fill(shop, ProductOffer.of({"product": "b2"}), "red", "left", "full")
    assert list(found.values()) == [Filled("b2", "blue pen", (), False)] * 3


def test_many_users_are_one_pass_and_the_same_again(shop: RecommendShop) -> None:
    counting = Counting(shop)
    members = [Member(f"nobody {n}", {}, n % 2 == 0) for n in range(250)]
    filling = OfferFilling(Parts(shop.client, shop.settings), recommend=counting)
    first = filling.fill(members, KITCHEN)
    assert (counting.calls, len(first)) == (2, 250)
    assert filling.fill(members, KITCHEN) == first
    assert filling.fill([], KITCHEN) == {}


@pytest.mark.parametrize(
    ("offer", "told"),
    [
        ({"product": "p404"}, "no product p404 on sale"),
        ({"product": "gone"}, "no product gone on sale"),
        ({"category": "Kitchens"}, r"no product on sale is of category Kitchens. Is it kitchen\?"),
        ({"category": ["kitchen", "cellar"]}, "of category cellar"),
        ({"brand": "nobody"}, "of brand nobody"),
        ({"category": "twins", "min_price": 50}, "fulfils all"),
        ({"category": "twins", "exclude": ["c1", "c2"]}, "fulfils all"),
    ],
)
def test_what_is_not_there_is_told_before_anything_is_done(
    shop: RecommendShop, offer: dict[str, Any], told: str
) -> None:
    counting = Counting(shop)
    filling = OfferFilling(Parts(shop.client, shop.settings), recommend=counting)
    with pytest.raises(UsageError, match=told):
        filling.check(ProductOffer.of(offer))
    assert counting.calls == 0


@pytest.mark.parametrize("offer", [{}, {"product": "r1"}, {"category": "twins", "max_price": 1}, {"in_stock": True}])
def test_what_is_there_is_well(shop: RecommendShop, offer: dict[str, Any]) -> None:
    OfferFilling(Parts(shop.client, shop.settings), recommend=Counting(shop)).check(ProductOffer.of(offer))


def test_reasons_are_asked_for_where_the_offer_wants_them(shop: RecommendShop) -> None:
    plain = fill(shop, ProductOffer.of({"category": "office"}), "nobody")["nobody"]
    told = fill(shop, ProductOffer.of({"category": "office", "explain": True}), "nobody")["nobody"]
    assert plain is not None and told is not None
    assert (plain.product_id, plain.reasons) == (told.product_id, ())
    assert len(told.reasons) > 0
