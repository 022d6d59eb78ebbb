"""`lookalike`, `buyers` and the methods that go by other users and by rules, on vectors worked out by hand."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from profilestore.errors import ConditionError, ModelError, NotFound, UsageError
from profilestore.recommend.people import People
from profilestore.recommend.trained import Trained
from profilestore.settings import Settings
from tests.integration.recommend_shop import RecommendShop

TEXT = Trained(spaces=frozenset(("text", "topics")))


@pytest.fixture(scope="module")
def shop(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecommendShop]:
    settings = Settings(
        home=tmp_path_factory.mktemp("people-home"), prefix=f"t-{uuid.uuid4().hex[:12]}", elasticsearch_url=server_url,
        embedding_dims=2,
    )  # fmt: skip
    made = RecommendShop.open(settings)
    # red, new: (1, 0.1); blue: (0.1, 1); vague and off have no vector.
    made.put_profile("rose", (1.0, 0.2), seen=["r2"], purchased_products=["r2", "r3"], country="FR", segment="warm")
    made.put_profile("ruby", (1.0, 0.3), seen=["r2", "b1"], purchased_products=["b1", "r2"], country="UK")
    made.put_profile("navy", (0.0, 1.0), seen=["b2"], purchased_products=["b2"], country="FR", rule_segments=["cold"])
    made.put_profile("sly", (1.0, 0.1), seen=None, purchased_products=["r3"], personalisation="off")
    made.put_profile("shut", None, seen=None, purchased_products=["r1", "tea"], personalisation="off")
    made.put_profile(
        "basket", (0.5, 0.5), seen=["tea", "jam"], purchased_products=["jam", "tea"], cart_products=["pot"]
    )
    for product, weights in (("cup", {"tea": 0.5}), ("pot", {"tea": 0.9}), ("lid", {"pot": 0.6, "jam": 0.1})):
        made.put_product(product, {"title": product, "category": "tea", "price": 2.0, "stock": 1,
                                   "rules_weights": weights})  # fmt: skip
    made.put_product("tea", {"title": "tea", "category": "tea", "price": 2.0, "popularity": 0.5})
    made.put_product("old", {"title": "old", "deleted": True, "rules_weights": {"tea": 5.0}})
    made.refresh()
    yield made
    made.close()


@pytest.fixture(scope="module")
def people(shop: RecommendShop) -> People:
    return People(shop.client, shop.settings, trained=lambda: TEXT)


class TestLookalike:
    def test_the_nearest_to_one_user_without_themselves(self, people: People) -> None:
        answer = people.lookalike(["red"], n=3)
        assert answer.user_ids == ["new", "rose", "ruby"]
        assert answer.users[0].score == pytest.approx(1.0, abs=1e-3)
        assert answer.users[0].score >= answer.users[1].score > answer.users[2].score
        assert (answer.method, answer.seeds) == ("text", 1)
        assert answer.to_json_dict().keys() == {"like", "method", "took_ms", "users"}
        assert all(user.keys() == {"user_id", "score"} for user in answer.to_json_dict()["users"])

    def test_the_mean_of_several_lies_between_them(self, people: People) -> None:
        answer = people.lookalike(["red", "blue", "vague"], n=2)
        assert answer.seeds == 2  # nothing is known of the third
        assert answer.user_ids == ["basket", "ruby"]

    @pytest.mark.parametrize("segment", ["warm", "segment=warm"])
    def test_a_segment_is_a_mean_too_and_its_members_are_left_out(self, people: People, segment: str) -> None:
        answer = people.lookalike(segment=segment, n=2)
        assert answer.user_ids == ["ruby", "new"]  # red is as near as new and comes after it by its id
        assert answer.to_json_dict()["segment"] == segment

    def test_other_fields_and_named_rules(self, people: People) -> None:
        assert people.lookalike(segment="country=FR", n=1).user_ids == ["basket"]
        assert people.lookalike(segment="cold", n=1).user_ids == ["blue"]

    def test_conditions_confine(self, people: People) -> None:
        assert people.lookalike(["red"], where='country == "FR"').user_ids == ["rose", "navy"]

    def test_who_opted_out_is_in_no_list_and_nobody_is_like_them(self, people: People) -> None:
        everybody = people.lookalike(["red"], n=10_000).user_ids
        assert set(everybody) == {"new", "rose", "ruby", "blue", "navy", "basket"}
        for users in (["sly"], ["shut"], ["off"], ["nobody"], ["off", "shut"]):
            with pytest.raises(NotFound, match="personalisation is off"):
                people.lookalike(users)
        assert people.lookalike(["red", "sly"]).seeds == 1
        with pytest.raises(NotFound, match="personalisation is off"):
            people.lookalike(segment="personalisation=off")

    def test_bad_input(self, people: People, shop: RecommendShop) -> None:
        with pytest.raises(ConditionError, match="no field `colour`"):
            people.lookalike(segment="colour=red")
        with pytest.raises(ConditionError, match="stored and cannot be searched"):
            people.lookalike(segment="seen_products=r1")
        for bad in ({}, {"user_ids": ["red"], "segment": "warm"}, {"user_ids": ["red"], "n": 0},
                    {"user_ids": ["red"], "n": 10_001}, {"user_ids": ["red"], "method": "topics"},
                    {"user_ids": [" "]}):  # fmt: skip
            with pytest.raises(UsageError):
                people.lookalike(**bad)
        with pytest.raises(NotFound):
            people.lookalike(segment="no such segment")
        with pytest.raises(ModelError, match="profilestore train"):
            People(shop.client, shop.settings, trained=Trained).lookalike(["red"])
        with pytest.raises(ModelError):
            people.lookalike(["red"], method="taste")

    def test_the_request_of_one_user_and_why_there_is_none_of_several(
        self, people: People, shop: RecommendShop
    ) -> None:
        request = people.lookalike_request(["red"], n=3)
        answer = shop.client.perform_request(
            "POST", request.path, headers={"content-type": "application/json", "accept": "application/json"},
            body=request.body,
        )  # fmt: skip
        found = [hit["_source"]["user_id"] for hit in answer.body["hits"]["hits"]]
        assert found == people.lookalike(["red"], n=3).user_ids
        for users, segment in ((["red", "blue"], None), ([], "warm")):
            with pytest.raises(UsageError, match="two requests"):
                people.lookalike_request(users, segment=segment)


class TestBuyers:
    def test_the_users_nearest_to_a_product_less_who_has_it(self, people: People) -> None:
        answer = people.buyers("r3", n=3)  # (0.9, 0.2); rose and sly bought it
        assert answer.user_ids == ["ruby", "new", "red"]
        assert people.buyers("r3", n=1, include_buyers=True).user_ids == ["rose"]
        assert answer.to_json_dict().keys() == {"product_id", "method", "took_ms", "users"}

    def test_a_product_nobody_bought_finds_its_buyers(self, people: People) -> None:
        assert people.buyers("b1", n=2).user_ids == ["navy", "blue"]

    def test_who_opted_out_is_in_no_list(self, people: People) -> None:
        assert not {"sly", "shut", "off"} & set(people.buyers("r1", n=10_000, include_buyers=True).user_ids)

    def test_conditions_confine(self, people: People) -> None:
        assert people.buyers("r1", where='country == "FR"').user_ids == ["rose", "navy"]

    def test_a_product_without_a_vector_and_an_unknown_one(self, people: People) -> None:
        bare = people.buyers("bare")
        assert bare.users == ()
        assert bare.fallback is not None
        with pytest.raises(NotFound, match="no product nothing"):
            people.buyers("nothing")
        first, second = people.buyers_many(["nothing", "r1"], n=1)
        assert isinstance(first, NotFound)
        assert not isinstance(second, NotFound)

    def test_text_stands_in_where_taste_knows_nothing_of_the_product(self, shop: RecommendShop) -> None:
        both = People(shop.client, shop.settings, trained=lambda: Trained(spaces=frozenset(("text", "taste"))))
        answer = both.buyers("r1", n=1)
        assert (answer.method, len(answer.users)) == ("text", 1)
        assert both.lookalike(["red"], n=1).method == "text"

    def test_the_request_is_one(self, people: People, shop: RecommendShop) -> None:
        request = people.buyers_request("r3", n=3)
        assert request.path == f"/{shop.settings.index('profiles')}/_search"
        assert "lookup" in str(request.body)
        answer = shop.client.perform_request(
            "POST", request.path, headers={"content-type": "application/json", "accept": "application/json"},
            body=request.body,
        )  # fmt: skip
        assert [hit["_source"] for hit in answer.body["hits"]["hits"]] == [
            {"user_id": user} for user in people.buyers("r3", n=3).user_ids
        ]
        with pytest.raises(NotFound):
            people.buyers_request("nothing")


class TestSimilarUsers:
    def test_what_the_neighbours_bought_and_this_user_has_not_seen(self, shop: RecommendShop) -> None:
        answer = shop.recommender().recommend("red", n=3, method="similar-users")
        assert answer.method == "similar-users"
        # Bought by rose and ruby; the opted-out neighbours' r3 counts rose's purchase alone.
        assert answer.product_ids[:2] == ["r2", "r3"]
        cosine = {"rose": 0.9950, "ruby": 0.9816}
        assert answer.items[0].score == pytest.approx(sum(cosine.values()) / 2**0.5, abs=5e-3)
        assert answer.items[1].score == pytest.approx(cosine["rose"] / 2**0.5, abs=5e-3)

    def test_business_rules_hold(self, shop: RecommendShop) -> None:
        recommender = shop.recommender()
        assert "r2" not in recommender.recommend("red", method="similar-users", in_stock=True).product_ids
        assert recommender.recommend("red", n=1, method="similar-users", category="office").product_ids == ["r3"]
        assert "r3" not in recommender.recommend("red", method="similar-users", exclude=["r3"]).product_ids

    def test_seen_products_come_back_only_when_asked_for(self, shop: RecommendShop) -> None:
        recommender = shop.recommender()
        assert "r2" not in recommender.recommend("rose", n=2, method="similar-users").product_ids
        assert "r2" in recommender.recommend("rose", n=3, method="similar-users", include_seen=True).product_ids

    @pytest.mark.parametrize("user", ["off", "shut", "vague", "nobody"])
    def test_nothing_known_or_opted_out_gets_the_popular_ones(self, shop: RecommendShop, user: str) -> None:
        answer = shop.recommender().recommend(user, n=3, method="similar-users")
        assert answer.method == "popular"
        assert answer.fallback is not None

    def test_no_single_request_says_it(self, shop: RecommendShop) -> None:
        with pytest.raises(UsageError, match="two requests"):
            shop.recommender().request_for("red", method="similar-users")


class TestBoughtTogether:
    def test_the_cart_and_the_latest_purchases_add_up(self, shop: RecommendShop) -> None:
        answer = shop.recommender().recommend("basket", n=3, method="bought-together", exclude_cart=True)
        assert answer.method == "bought-together"
        assert answer.product_ids[:2] == ["lid", "cup"]  # pot 0.6 and jam 0.1, tea 0.5; pot stands in the cart
        assert [item.score for item in answer.items[:2]] == pytest.approx([0.7, 0.5], rel=0.01)

    def test_a_session_stands_in_for_the_user(self, shop: RecommendShop) -> None:
        answer = shop.recommender().recommend("nobody", n=1, method="bought-together", session=["pot"])
        assert answer.product_ids == ["lid"]

    def test_what_goes_with_one_product(self, shop: RecommendShop) -> None:
        recommender = shop.recommender()
        answer = recommender.similar("tea", method="bought-together")
        assert answer.product_ids == ["pot", "cup"]  # the deleted one is in no answer
        assert answer.method == "bought-together"
        assert recommender.similar("tea", method="bought-together", max_price=1.0).product_ids == []
        request = recommender.similar_request("tea", method="bought-together")
        assert "rules_weights" in str(request.body)

    def test_a_product_without_rules_and_an_unknown_one(self, shop: RecommendShop) -> None:
        answer = shop.recommender().similar("cup", method="bought-together", n=1)
        assert (answer.method, answer.product_ids) == ("popular", ["tea"])
        with pytest.raises(NotFound):
            shop.recommender().similar("nothing", method="bought-together")

    @pytest.mark.parametrize("user", ["shut", "nobody", "red"])
    def test_who_opted_out_or_bought_nothing_gets_the_popular_ones(self, shop: RecommendShop, user: str) -> None:
        assert shop.recommender().recommend(user, n=3, method="bought-together").method == "popular"

    def test_the_request_is_one_search(self, shop: RecommendShop) -> None:
        body = shop.recommender().request_for("basket", n=2, method="bought-together").body
        assert "rules_weights" in str(body)
