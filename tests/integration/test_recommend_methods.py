"""Every method and every rule on a real server, on a shop small enough to work out by hand."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from recommend_shop import RecommendShop

from profilestore.errors import ModelError, UsageError
from profilestore.recommend import asking
from profilestore.recommend.asking import Shop
from profilestore.recommend.methods import METHODS
from profilestore.recommend.recommender import Recommender
from profilestore.recommend.trained import Trained
from profilestore.settings import Settings

ALL = frozenset(("text", "topics", "taste"))
DENSE = Trained(spaces=ALL)
SPARSE = Trained(spaces=ALL, taste_form="sparse")
# x is bought with a; y with a and b; z was never bought and has only its text; w has nothing at all.
PRODUCTS: dict[str, dict[str, Any]] = {
    "a": {"brand": "Acme", "category": "c1", "text": (1.0, 0.0), "taste": (1.0, 0.0), "listed": date(2026, 1, 1),
          "popularity": 9.0, "trending": 1400.0},
    "b": {"brand": "Acme", "category": "c1", "text": (0.9, 0.1), "taste": (0.0, 1.0), "listed": date(2026, 1, 2),
          "popularity": 8.0, "trending": 1401.0},
    "x": {"brand": "Bolt", "category": "c1", "text": (0.1, 1.0), "taste": (0.9, 0.1), "weights": {"a": 2.0},
          "listed": date(2026, 1, 3), "popularity": 7.0, "segment": {"gender=female": 3.0}},
    "y": {"brand": "Acme", "category": "c2", "text": (0.2, 1.0), "taste": (0.8, 0.2), "weights": {"a": 1.0, "b": 0.5},
          "listed": date(2026, 1, 4), "popularity": 6.0, "segment": {"gender=female": 5.0, "country=UK": 9.0}},
    "z": {"brand": "Bolt", "category": "c2", "text": (1.0, 0.05), "listed": date(2026, 1, 5), "popularity": 5.0,
          "segment": {"country=UK": 8.0}},
    "w": {"brand": "Bolt", "category": "c3", "popularity": 4.0},
}  # fmt: skip
PERSONAL = ["taste", "hybrid", "text", "topics", "popular-in-segment"]
EVERYBODY = ["popular", "trending", "new"]


@pytest.fixture(scope="module")
def shop(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecommendShop]:
    """`u` bought a, `off` switched personalisation off, `she` only said who she is."""
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, prefix=f"t-{uuid.uuid4().hex[:12]}", elasticsearch_url=server_url, embedding_dims=2)
    opened = RecommendShop.open(settings)
    for name in [
        hit["_id"] for hit in opened.client.search(index=settings.index("products"), size=100)["hits"]["hits"]
    ]:
        opened.client.delete(index=settings.index("products"), id=name, refresh=True)
    for name, fields in PRODUCTS.items():
        document: dict[str, Any] = {
            "product_id": name,
            "title": name,
            "generation": "000001",
            "price": 10.0,
            "stock": 1,
            "tokens": f"lamp {name}",
        }
        document |= {
            key: fields[key] for key in ("brand", "category", "popularity", "trending", "listed") if key in fields
        }
        if "text" in fields:
            document["text_vector"] = document["topic_vector"] = list(fields["text"])
        if "taste" in fields:
            document["taste_vector"] = document["taste_in"] = list(fields["taste"])
        document |= {"taste_weights": fields["weights"]} if "weights" in fields else {}
        document |= {"segment_popularity": fields["segment"]} if "segment" in fields else {}
        opened.client.index(index=settings.index("products"), id=name, document=document)
    opened.put_profile(
        "u", (1.0, 0.0), seen=["a"], taste_vector=[1.0, 0.0], taste_items={"a": 1.0}, gender="female",
        event_counts={"purchase": 1, "impression": 40},
        country="UK", purchased_products=["a"], cart_products=["y"],
    )  # fmt: skip
    opened.put_profile("off", None, seen=None, personalisation="off", gender="female", event_counts={"view": 9})
    opened.put_profile("she", None, seen=None, gender="female", country="UK")
    opened.refresh()
    yield opened
    opened.close()


def asked(shop: RecommendShop, trained: Trained = DENSE) -> Recommender:
    return Recommender(shop.client, shop.settings, trained=lambda: trained)


def by_hand(shop: RecommendShop, request: dict[str, Any]) -> list[str]:
    answer = shop.client.perform_request(
        request["method"], request["path"], body=request["body"],
        headers={"content-type": "application/json", "accept": "application/json"},
    )  # fmt: skip
    return [hit["_source"]["product_id"] for hit in answer.body["hits"]["hits"]]


def test_taste_in_sparse_form_is_the_dot_product_of_weights(shop: RecommendShop) -> None:
    answer = asked(shop, SPARSE).recommend("u", method="taste", n=2)
    assert [(item.product_id, item.score) for item in answer.items] == [("x", 2.0), ("y", 1.0)]
    assert (answer.method, answer.filled) == ("taste", 0)
    more = asked(shop, SPARSE).recommend("u", method="taste", n=4)
    assert (more.product_ids, more.filled) == (["x", "y", "b", "z"], 2)  # filled up by popularity
    assert [item.score for item in more.items][2:] == [0.0, 0.0]


@pytest.mark.parametrize("user", ["nobody", "she", "off"])
def test_taste_without_items_falls_back(shop: RecommendShop, user: str) -> None:
    answer = asked(shop, SPARSE).recommend(user, method="taste", n=1)
    assert (answer.method, answer.product_ids) == ("popular", ["a"])


def test_sparse_taste_of_another_generation_is_not_mixed(shop: RecommendShop) -> None:
    shop.put_profile("old", None, seen=None, generation="000000", taste_items={"a": 1.0})
    shop.refresh()
    answer = asked(shop, SPARSE).recommend("old", method="taste", n=1)
    assert (answer.method, answer.product_ids) == ("popular", ["a"])


@pytest.mark.parametrize("method", ["taste", "hybrid", "session"])
def test_what_was_read_before_a_switch_is_read_again(
    shop: RecommendShop, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """The first read is of the generation before: the same body once more would find nothing for ever."""
    name = "read_products" if method == "session" else "read_profiles"
    read, reads = getattr(Shop, name), []

    def stale(self: Shop, ids: Any, fields: Any) -> Any:
        found = read(self, ids, fields)
        reads.append(ids)
        sources = found.values() if isinstance(found, dict) else found
        for source in sources if len(reads) == 1 else ():
            source["generation"] = "000000"
        return found

    monkeypatch.setattr(Shop, name, stale)
    options: dict[str, Any] = {"session": ["a"]} if method == "session" else {"method": method}
    answer = asked(shop, SPARSE).recommend(None if method == "session" else "u", n=2, **options)
    assert (answer.method, answer.filled, answer.fallback) == (method, 0, None)
    assert len(reads) == 2


def test_neighbours_that_a_switch_hid_are_looked_for_again(
    shop: RecommendShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.put_profile("twin", (1.0, 0.0), seen=[], taste_vector=[1.0, 0.0], purchased_products=["x"])
    shop.refresh()
    send, sent = asking.multi_search, []

    def caught(client: Any, *, index: str, bodies: Any) -> Any:
        sent.append(index)
        hidden = index.endswith("profiles") and sent.count(index) == 1
        return [{"hits": {"hits": []}} for _ in bodies] if hidden else send(client, index=index, bodies=bodies)

    monkeypatch.setattr(asking, "multi_search", caught)
    answer = asked(shop).recommend("u", method="similar-users", n=1)
    shop.client.delete(index=shop.settings.index("profiles"), id="twin", refresh=True)
    assert (answer.method, answer.product_ids) == ("similar-users", ["x"])


def test_auto_goes_by_the_text_of_who_only_searched_where_taste_is_sparse(shop: RecommendShop) -> None:
    shop.put_profile("seeker", (1.0, 0.0), seen=None, taste_vector=[1.0, 0.0], event_counts={"search": 3})
    shop.refresh()
    answer = asked(shop, SPARSE).recommend("seeker", n=2)
    assert (answer.method, answer.product_ids, answer.fallback) == ("text", ["a", "z"], None)
    steps = Trained(spaces=ALL, taste_form="sparse", auto_methods=((0, "trending"), (1, "hybrid")))
    assert asked(shop, steps).recommend("seeker", n=2).method == "text"
    assert asked(shop, SPARSE).recommend("nobody", n=1).method == "popular"


@pytest.mark.parametrize("trained", [DENSE, SPARSE], ids=["dense", "sparse"])
def test_hybrid_reaches_what_no_taste_model_has_learned(shop: RecommendShop, trained: Trained) -> None:
    """z is nearest to the user's text and unknown to taste; x and y are near in taste alone."""
    by_text = trained.__class__(
        spaces=ALL, taste_form=trained.taste_form, hybrid_boosts=(("taste", 0.01), ("text", 1.0))
    )
    assert asked(shop, by_text).recommend("u", method="hybrid", n=1).product_ids == ["z"]
    by_taste = trained.__class__(
        spaces=ALL, taste_form=trained.taste_form, hybrid_boosts=(("taste", 1.0), ("text", 0.01))
    )
    answer = asked(shop, by_taste).recommend("u", method="hybrid", n=4)
    assert answer.product_ids[:2] == ["x", "y"]
    assert "z" in answer.product_ids
    assert answer.filled == 0


def test_hybrid_adds_up_the_servers_scores(shop: RecommendShop) -> None:
    boosts = {"taste": 0.5, "text": 2.0}
    trained = Trained(spaces=ALL, hybrid_boosts=tuple(boosts.items()))
    scores = {item.product_id: item.score for item in asked(shop, trained).recommend("u", method="hybrid").items}
    x = 0.5 * (1 + 0.9) + 2.0 * (1 + 0.1 / (1.01**0.5)) / 2
    z = 0.5 * (1 + 0.0) + 2.0 * (1 + 1.0 / (1.0025**0.5)) / 2  # without a taste vector: at a right angle
    assert scores["x"] == pytest.approx(x, rel=1e-3)
    assert scores["z"] == pytest.approx(z, rel=1e-3)


def test_new_goes_by_the_day_of_listing(shop: RecommendShop) -> None:
    assert asked(shop).recommend("nobody", method="new").product_ids == ["z", "y", "x", "b", "a", "w"]


def test_popular_in_segment_takes_the_users_own_and_the_next_for_the_rest(shop: RecommendShop) -> None:
    answer = asked(shop).recommend("she", method="popular-in-segment")
    assert answer.method == "popular-in-segment"
    assert answer.product_ids == ["y", "x", "z", "a", "b", "w"]  # female 5 and 3, UK 8, then the popular ones
    assert answer.filled == 3
    assert asked(shop).recommend("she", segment_field="country", n=2).product_ids == ["y", "z"]


def test_who_opted_out_gets_no_segment(shop: RecommendShop) -> None:
    answer = asked(shop).recommend("off", method="popular-in-segment", n=1)
    assert (answer.method, answer.product_ids) == ("popular", ["a"])
    assert asked(shop).recommend("off", n=1).method == "popular"


def test_auto_takes_the_segment_of_whom_it_knows_nothing_else(shop: RecommendShop) -> None:
    answer = asked(shop).recommend("she", n=1)
    assert (answer.method, answer.product_ids) == ("popular-in-segment", ["y"])
    assert answer.fallback is not None
    many = list(asked(shop).recommend_many(["nobody", "she", "u", "off"], n=1))
    assert [each.method for each in many] == ["popular", "popular-in-segment", "taste", "popular"]


def test_auto_goes_by_how_much_is_known(shop: RecommendShop) -> None:
    trained = Trained(spaces=ALL, auto_methods=((0, "new"), (1, "hybrid"), (5, "taste"), (7, "gone-since")))
    shop.put_profile("busy", (1.0, 0.0), seen=[], taste_vector=[1.0, 0.0], event_counts={"view": 50})
    shop.refresh()
    answers = list(asked(shop, trained).recommend_many(["nobody", "u", "busy"], n=1))
    assert [each.method for each in answers] == ["new", "hybrid", "taste"]
    request = asked(shop, trained).request_for("u", n=3)
    assert by_hand(shop, request.as_dict()) == asked(shop, trained).recommend("u", n=3).product_ids


@pytest.mark.parametrize("trained", [DENSE, SPARSE], ids=["dense", "sparse"])
def test_session_by_taste(shop: RecommendShop, trained: Trained) -> None:
    answer = asked(shop, trained).recommend(None, session=["a", "nope"], n=2)
    assert (answer.method, answer.user_id, answer.product_ids) == ("session", None, ["x", "y"])
    request = asked(shop, trained).request_for(None, session=["a", "nope"], n=2)
    assert by_hand(shop, request.as_dict()) == ["x", "y"]


def test_session_of_what_taste_does_not_know_goes_by_text(shop: RecommendShop) -> None:
    assert asked(shop).recommend(None, session="z", n=2).product_ids == ["a", "b"]
    assert asked(shop).recommend("u", session="z", n=2).product_ids == ["b", "y"]  # u has seen a


@pytest.mark.parametrize("session", [["nope"], ["w"], ["nope", "never"]])
def test_session_of_unknown_products_is_told(shop: RecommendShop, session: list[str]) -> None:
    answer = asked(shop).recommend(None, session=session, n=1)
    assert (answer.method, answer.product_ids) == ("popular", ["a"])
    assert "none of these products" in str(answer.fallback)


@pytest.mark.parametrize("trained", [DENSE, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize("method", [*PERSONAL, *EVERYBODY])
@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, "bxyzw"),
        ({"include_seen": True}, "abxyzw"),
        ({"include_seen": True, "exclude_bought": True}, "bxyzw"),
        ({"exclude_cart": True}, "bxzw"),
        ({"brand": "Acme"}, "by"),
        ({"brand": ["Acme", "Bolt"], "category": "c1"}, "bx"),
        ({"exclude": ["b", "x"]}, "yzw"),
        ({"min_price": 11.0}, ""),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_rules_hold_for_every_method_and_nothing_eligible_is_missing(
    shop: RecommendShop, method: str, trained: Trained, options: dict[str, Any], kept: str
) -> None:
    answer = asked(shop, trained).recommend("u", method=method, **options)
    assert sorted(answer.product_ids) == sorted(kept)
    request = asked(shop, trained).request_for("u", method=method, **options)
    assert by_hand(shop, request.as_dict()) == answer.product_ids


@pytest.mark.parametrize("method", [*PERSONAL, *EVERYBODY])
@pytest.mark.parametrize("trained", [DENSE, SPARSE], ids=["dense", "sparse"])
def test_boost_and_bury_move_and_hide_nothing(shop: RecommendShop, method: str, trained: Trained) -> None:
    def places(**options: Any) -> dict[str, int]:
        ids = asked(shop, trained).recommend("u", method=method, n=3, include_seen=True, **options).product_ids
        return {id: place for place, id in enumerate(ids)}

    plain = places()
    first, second = list(plain)[:2]
    assert next(iter(places(bury=f"product_id={first}:1000"))) != first
    assert next(iter(places(boost=f"product_id={second}:1000"))) == second
    everything = asked(shop, trained).recommend("u", method=method, include_seen=True, bury=f"product_id={first}:1000")
    assert sorted(everything.product_ids) == sorted("abxyzw")


def test_a_factor_multiplies_the_score(shop: RecommendShop) -> None:
    plain = {item.product_id: item.score for item in asked(shop).recommend("u", method="text").items}
    boosted = {i.product_id: i.score for i in asked(shop).recommend("u", method="text", boost="brand=Acme:1.5").items}
    assert boosted["b"] == pytest.approx(1.5 * plain["b"], rel=1e-4)
    assert boosted["x"] == pytest.approx(plain["x"], rel=1e-4)


def test_a_small_factor_on_new_products_moves_them_by_little(shop: RecommendShop) -> None:
    """A year halves what `new` goes by: 1.001 is half a day, and 2 a year."""
    plain = ["z", "y", "x", "b", "a", "w"]
    assert asked(shop).recommend("nobody", method="new", boost="brand=Acme:1.001").product_ids == plain
    assert asked(shop).recommend("nobody", method="new", boost="brand=Acme:2").product_ids[:3] == ["y", "b", "a"]


@pytest.mark.parametrize("method", [*PERSONAL, *EVERYBODY, "session"])
@pytest.mark.parametrize("limit", [1, 2])
def test_at_most_m_of_a_category_and_still_full(shop: RecommendShop, method: str, limit: int) -> None:
    options: dict[str, Any] = {"session": ["z"]} if method == "session" else {"method": method}
    answer = asked(shop).recommend("u", n=10, max_per_category=limit, **options)
    categories = [PRODUCTS[id]["category"] for id in answer.product_ids]
    assert all(categories.count(category) <= limit for category in categories)
    eligible = [
        fields["category"] for id, fields in PRODUCTS.items() if id != "a" and not (method == "session" and id == "z")
    ]
    assert len(answer.items) == sum(min(limit, eligible.count(category)) for category in set(eligible))


def test_similar_and_search_take_rules_too(shop: RecommendShop) -> None:
    recommender = asked(shop)
    assert recommender.similar("a", n=1).product_ids == ["z"]
    assert recommender.similar("a", n=1, boost="brand=Acme:5").product_ids == ["b"]
    assert recommender.similar("z", n=1, method="hybrid").product_ids == ["a"]  # z has no place in taste
    one_each = recommender.similar("a", max_per_category=1).product_ids
    assert one_each == ["z", "b"]
    assert recommender.search("lamp", n=1).product_ids == ["a"]
    assert recommender.search("lamp", n=1, bury="product_id=a:100").product_ids == ["b"]
    assert len(recommender.search("lamp", max_per_category=1).product_ids) == 3
    with pytest.raises(UsageError, match="one request"):
        recommender.similar_request("a", max_per_category=1)


@pytest.mark.parametrize("method", [*PERSONAL, *EVERYBODY])
@pytest.mark.parametrize("trained", [DENSE, SPARSE], ids=["dense", "sparse"])
def test_diversity_is_one_request_and_keeps_the_rules(shop: RecommendShop, method: str, trained: Trained) -> None:
    recommender = asked(shop, trained)
    for diversity in (0.0, 0.3, 1.0):
        answer = recommender.recommend("u", method=method, n=2, diversity=diversity)
        assert len(answer.items) == 2
        assert "a" not in answer.product_ids
        request = recommender.request_for("u", method=method, n=2, diversity=diversity).as_dict()
        assert by_hand(shop, request) == answer.product_ids
    assert len(recommender.recommend("u", method=method, n=5, diversity=0.5).items) == 5  # w has no vector


@pytest.mark.parametrize("options", [{}, {"diversity": 0.5}, {"boost": "brand=B"}], ids=str)
def test_a_request_gives_a_list_that_was_filled_up_or_says_why_not(
    shop: RecommendShop, options: dict[str, Any]
) -> None:
    recommender = asked(shop)
    for method in PERSONAL:
        answer = recommender.recommend("u", method=method, n=5, **options)
        if answer.filled == 0:
            continue
        try:
            request = recommender.request_for("u", method=method, n=5, **options).as_dict()
        except UsageError as error:
            assert len(options) > 0 or method == "similar-users"
            assert "request" in str(error)
        else:
            assert by_hand(shop, request) == answer.product_ids


@pytest.mark.parametrize("trained", [DENSE, SPARSE], ids=["dense", "sparse"])
def test_diversity_of_several_spaces_looks_no_vector_up(shop: RecommendShop, trained: Trained) -> None:
    """Elasticsearch 9.5.4 never answers one in 25 of those searches that do."""
    recommender = asked(shop, trained)
    body = recommender.request_for("u", method="hybrid", n=2, diversity=0.5).as_dict()["body"]
    assert "retriever" in body
    assert "query_vector_builder" not in str(body)
    assert "'generation': {'index'" not in str(body)  # of the same moment as the vectors
    assert recommender.recommend("nobody", method="hybrid", n=2, diversity=0.5).method == "popular"


def test_diversity_takes_what_differs(shop: RecommendShop) -> None:
    """By text, b and z are alike; x is the other way."""
    assert asked(shop).recommend("u", method="text", n=2).product_ids == ["z", "b"]
    assert asked(shop).recommend("u", method="text", n=2, diversity=0.9).product_ids == ["z", "x"]


@pytest.mark.parametrize(
    "options",
    [
        {"diversity": -0.1}, {"diversity": 1.1}, {"diversity": float("nan")}, {"max_per_category": 0},
        {"max_per_category": -3}, {"method": "session"}, {"session": []}, {"session": ["a"], "method": "taste"},
        {"session": [""]}, {"segment_field": "shoe_size"}, {"segment_field": "gender", "method": "text"},
        {"boost": "brand"}, {"boost": "colour=red"}, {"bury": "price=cheap"}, {"boost": '{"script": {"source": "1"}}'},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_meant_is_told_at_once(shop: RecommendShop, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        asked(shop).recommend_many(["u"], **options)


@pytest.mark.parametrize(
    "options",
    [{"category": "\udcff"}, {"exclude": ["\udcff"]}, {"boost": "brand=\udcff"}, {"brand": 6000 * "b"}],
    ids=ascii,
)
def test_a_text_that_cannot_be_sent_is_told(shop: RecommendShop, options: dict[str, Any]) -> None:
    for users in (["u"], ["u", "u"]):
        with pytest.raises(UsageError, match=r"UTF-8|at most"):
            list(asked(shop).recommend_many(users, **options))


def test_diversity_without_a_space_says_what_to_train(shop: RecommendShop) -> None:
    with pytest.raises(ModelError):
        asked(shop, Trained()).recommend("u", diversity=0.5)


def test_nobody_without_a_session_is_told(shop: RecommendShop) -> None:
    with pytest.raises(UsageError, match="session"):
        asked(shop).recommend(None)


def test_every_method_is_tried_here() -> None:
    assert set(METHODS) == {*PERSONAL, *EVERYBODY, "session", "similar-users", "bought-together"}


def test_many_users_cost_as_few_requests_as_one(shop: RecommendShop, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    send = shop.client.perform_request

    def counting(method: str, path: str, **options: Any) -> Any:
        sent.append(path.rsplit("/", 1)[-1].split("?")[0])
        return send(method, path, **options)

    recommender = asked(shop, SPARSE)
    monkeypatch.setattr(shop.client, "perform_request", counting)
    list(recommender.recommend_many(["u"] * 70, method="taste", n=1))
    assert sent == ["_mget", "_msearch"]


def test_a_product_deleted_after_training_is_in_no_list(shop: RecommendShop) -> None:
    """Its weights and vectors stay in the index, and its token in the profiles."""
    shop.client.index(
        index=shop.settings.index("products"), id="dead", refresh=True,
        document={
            "product_id": "dead", "generation": "000001", "deleted": True, "taste_vector": [9.0, 0.0],
            "taste_in": [1.0, 0.0], "taste_weights": {"a": 9.0}, "text_vector": [1.0, 0.0], "popularity": 99.0,
            "segment_popularity": {"gender=female": 99.0},
        },
    )  # fmt: skip
    for trained in (DENSE, SPARSE):
        for method in (*PERSONAL, *EVERYBODY):
            assert "dead" not in asked(shop, trained).recommend("u", method=method).product_ids
        # what was bought while it was there still speaks for others
        assert asked(shop, trained).recommend(None, session=["dead"], n=1, exclude="a").product_ids[0] in "xyb"
    shop.client.delete(index=shop.settings.index("products"), id="dead", refresh=True)


def test_a_user_of_whom_very_much_is_known(shop: RecommendShop) -> None:
    """50,000 events leave 5,000 seen products, and 500 weights, which is what the profile keeps."""
    shop.put_profile(
        "heavy", (1.0, 0.0), seen=[f"s{i}" for i in range(5000)], taste_vector=[1.0, 0.0],
        event_counts={"view": 50_000},
        taste_items={"a": 0.9, **{f"s{i}": 0.01 for i in range(499)}},
        purchased_products=[f"s{i}" for i in range(5000)],
    )  # fmt: skip
    shop.refresh()
    for trained in (DENSE, SPARSE):
        for method in ("taste", "hybrid", "auto"):
            answer = asked(shop, trained).recommend("heavy", method=method, n=1, exclude_bought=True, exclude="a")
            assert answer.fallback is None
            assert answer.product_ids[0] in ("x", "z")
