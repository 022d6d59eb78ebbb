"""Recommendations on a real server: filters, fall-backs, generations, and the request sent by hand."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from recommend_shop import RecommendShop

from profilestore.errors import ModelError, NotInitialised, UsageError
from profilestore.recommend.filling import NOTHING_FITS
from profilestore.recommend.recommender import Recommender
from profilestore.recommend.trained import Trained
from profilestore.settings import Settings

KNOWN = ["text", "topics", "hybrid", "auto"]


@pytest.fixture(scope="module")
def shop(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecommendShop]:
    """One shop for all tests that only read."""
    home = tmp_path_factory.mktemp("home")
    opened = RecommendShop.open(
        Settings(home=home, prefix=f"t-{uuid.uuid4().hex[:12]}", elasticsearch_url=server_url, embedding_dims=2)
    )
    yield opened
    opened.close()


@pytest.fixture
def own_shop(settings: Settings) -> Iterator[RecommendShop]:
    """A shop for one test that writes."""
    opened = RecommendShop.open(settings.model_copy(update={"embedding_dims": 2}))
    yield opened
    opened.close()


def by_hand(shop: RecommendShop, request: dict[str, Any]) -> list[str]:
    answer = shop.client.perform_request(
        request["method"],
        request["path"],
        headers={"content-type": "application/json", "accept": "application/json"},
        body=request["body"],
    )
    return [hit["_source"]["product_id"] for hit in answer.body["hits"]["hits"]]


@pytest.mark.parametrize("method", KNOWN)
def test_nearest_first_without_seen_and_deleted(shop: RecommendShop, method: str) -> None:
    answer = shop.recommender().recommend("red", method=method, n=6)
    assert answer.product_ids == ["r2", "r3", "c1", "c2", "b2", "b1"]
    assert answer.method == ("hybrid" if method == "auto" else method)
    assert answer.fallback is None


def test_score_is_the_servers_own(shop: RecommendShop) -> None:
    (best,) = shop.recommender().recommend("red", method="text", n=1).items
    cosine = (1.0 * 0.95 + 0.1 * 0.05) / ((1.01**0.5) * (0.95**2 + 0.05**2) ** 0.5)
    assert best.score == pytest.approx((1 + cosine) / 2, abs=1e-6)
    assert (best.title, best.price) == ("red cup", 8.0)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"category": "kitchen"}, {"r2", "b1"}),
        ({"category": ["kitchen", "twins"]}, {"r2", "b1", "c1", "c2"}),
        ({"min_price": 3.0}, {"r2", "b1", "b2", "bare"}),
        ({"max_price": 2.0}, {"r3", "c1", "c2"}),
        ({"min_price": 2.0, "max_price": 3.0}, {"r3", "b2"}),
        ({"min_price": 0.0}, {"r2", "r3", "b1", "b2", "c1", "c2", "bare"}),
        ({"in_stock": True}, {"r3", "b1", "b2", "c1", "c2", "bare"}),
        ({"exclude": ["r2", "b1", "nobody"]}, {"r3", "b2", "c1", "c2", "bare"}),
        ({"exclude": "r2"}, {"r3", "b1", "b2", "c1", "c2", "bare"}),
        ({"include_seen": True}, {"r1", "r2", "r3", "b1", "b2", "c1", "c2", "bare"}),
        ({"category": "office", "in_stock": True, "max_price": 2.5}, {"r3"}),
        ({"category": "nothing"}, set()),
    ],
)
def test_filters(shop: RecommendShop, options: dict[str, Any], kept: set[str]) -> None:
    for method in (*KNOWN, "popular", "trending"):
        answer = shop.recommender().recommend("red", method=method, **options)
        assert set(answer.product_ids) == kept, method  # what has no vector fills the list up
        assert answer.filled == (0 if method in ("popular", "trending") else len(kept & {"bare"}))


def test_n_cuts_off_after_the_filters(shop: RecommendShop) -> None:
    assert shop.recommender().recommend("red", n=2, category="office").product_ids == ["r3", "b2"]
    assert shop.recommender().recommend("red", n=1, category="office").product_ids == ["r3"]
    assert len(shop.recommender().recommend("red", n=1000).items) == 7


@pytest.mark.parametrize("user", ["nobody", "off"])
@pytest.mark.parametrize("method", KNOWN)
def test_who_has_no_vector_gets_the_popular_ones_and_is_told(shop: RecommendShop, user: str, method: str) -> None:
    answer = shop.recommender().recommend(user, method=method, n=4)
    assert answer.method == "popular"
    assert answer.fallback is not None
    # By popularity, ties by id; the same for both, so that an opt-out does not show in the list.
    assert [(item.product_id, item.score) for item in answer.items] == [("r2", 9), ("b1", 7), ("b2", 7), ("r1", 4)]


def test_fall_back_leaves_out_what_a_known_user_has_seen(shop: RecommendShop) -> None:
    asked = shop.recommender()
    assert asked.recommend("vague", n=2).product_ids == ["b1", "b2"]
    assert asked.recommend("vague", n=2, include_seen=True).product_ids == ["r2", "b1"]
    many = asked.recommend_many(["vague", "nobody", "red"], n=2)
    assert [answer.product_ids for answer in many][:2] == [["b1", "b2"], ["r2", "b1"]]


def test_fall_back_keeps_the_filters(shop: RecommendShop) -> None:
    assert shop.recommender().recommend("nobody", category="office", n=2).product_ids == ["b2", "r3"]
    assert shop.recommender().recommend("nobody", in_stock=True, n=1).product_ids == ["b1"]


def test_popular_leaves_out_what_the_user_has_seen(shop: RecommendShop) -> None:
    answer = shop.recommender().recommend("blue", method="popular", n=2)
    assert (answer.method, answer.fallback, answer.product_ids) == ("popular", None, ["r2", "b2"])
    assert shop.recommender().recommend("nobody", method="popular", n=2).product_ids == ["r2", "b1"]


def test_trending_sorts_by_its_field(own_shop: RecommendShop) -> None:
    own_shop.client.update(index=own_shop.settings.index("products"), id="c1", doc={"trending": -3.5}, refresh=True)
    own_shop.client.update(index=own_shop.settings.index("products"), id="r3", doc={"trending": 2.5}, refresh=True)
    answer = own_shop.recommender().recommend("nobody", method="trending", n=3)
    assert [(item.product_id, item.score) for item in answer.items] == [("r3", 2.5), ("c1", -3.5), ("b1", 0.0)]


def test_equal_scores_are_ordered_by_id(shop: RecommendShop) -> None:
    # c2 was written before c1, so the order of writing would put it first.
    assert shop.recommender().recommend("red", category="twins", method="text").product_ids == ["c1", "c2"]


def test_many_in_the_order_given_with_unknown_ones_between(shop: RecommendShop) -> None:
    users = ["blue", "nobody", "red", "off", "blue", "new"]
    answers = list(shop.recommender().recommend_many(iter(users), n=3))
    assert [answer.user_id for answer in answers] == users
    assert [answer.method for answer in answers] == ["hybrid", "popular", "hybrid", "popular", "hybrid", "hybrid"]
    alone = [shop.recommender().recommend(user, n=3) for user in users]
    assert [answer.items for answer in answers] == [answer.items for answer in alone]


def test_more_than_one_request_of_many(shop: RecommendShop) -> None:
    users = [name for _ in range(60) for name in ("red", "blue", "nobody", "off")]
    answers = list(shop.recommender().recommend_many(users, n=2))
    expected = {user: shop.recommender().recommend(user, n=2).product_ids for user in set(users)}
    assert [(a.user_id, a.product_ids) for a in answers] == [(user, expected[user]) for user in users]


def test_many_reads_ids_as_they_are_taken(shop: RecommendShop) -> None:
    taken: list[int] = []

    def endless() -> Iterator[str]:
        while True:
            taken.append(1)
            yield "red"

    answers = shop.recommender().recommend_many(endless(), n=1)
    assert next(answers).product_ids == ["r2"]
    assert len(taken) == 100


@pytest.mark.parametrize("user", ["red", "blue", "nobody", "off"])
@pytest.mark.parametrize(
    "options", [{}, {"method": "text", "in_stock": True}, {"method": "popular", "category": "office"}]
)
def test_request_by_hand_gives_the_same_list(shop: RecommendShop, user: str, options: dict[str, Any]) -> None:
    mine = shop.recommender().recommend(user, **options).product_ids
    request = shop.recommender().request_for(user, **options).as_dict()
    assert set(request) == {"method", "path", "body"}
    assert by_hand(shop, json.loads(json.dumps(request))) == mine


def test_curl_gives_the_same_list(own_shop: RecommendShop) -> None:
    own_shop.put_product("it's", {"title": "quo'te", "category": "o'clock", "price": 1.0, "stock": 1, "v": (1.0, 0.1)})
    own_shop.refresh()
    options: dict[str, Any] = {"category": ["o'clock", 'a"$HOME`b'], "exclude": ["$(id)"]}
    assert own_shop.settings.elasticsearch_url is not None
    command = own_shop.recommender().request_for("red", **options).as_curl(own_shop.settings.elasticsearch_url)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, timeout=60)
    hits = json.loads(done.stdout)["hits"]["hits"]
    assert [hit["_source"]["product_id"] for hit in hits] == ["it's"]


def test_other_generation_gives_popular_products_never_a_mix(own_shop: RecommendShop) -> None:
    own_shop.put_profile("old", (1.0, 0.1), seen=None, generation="000000")
    own_shop.refresh()
    answer = own_shop.recommender().recommend("old")
    assert (answer.method, answer.fallback) == ("popular", NOTHING_FITS)


def test_empty_answer_of_a_switch_is_sent_once_more(own_shop: RecommendShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The switch happens between the first answer and the second."""
    own_shop.put_profile("old", (1.0, 0.1), seen=None, generation="000002")
    own_shop.refresh()
    new = own_shop.recreate("products", "000002")
    own_shop.client.index(
        index=new, id="n1", refresh=True, document={"product_id": "n1", "generation": "000002", "text_vector": [1, 0]}
    )
    sent: list[str] = []
    send = own_shop.client.perform_request

    def switching(method: str, path: str, **options: Any) -> Any:
        answer = send(method, path, **options)
        sent.append(path)
        if len(sent) == 1:
            alias = own_shop.settings.index("products")
            moved = [{"remove": {"index": f"{alias}-000001", "alias": alias}}, {"add": {"index": new, "alias": alias}}]
            send(
                "POST",
                "/_aliases",
                headers={"content-type": "application/json", "accept": "application/json"},
                body={"actions": moved},
            )
        return answer

    recommender = own_shop.recommender()
    monkeypatch.setattr(own_shop.client, "perform_request", switching)
    assert recommender.recommend("old", method="text", n=1).product_ids == ["n1"]
    assert len(sent) == 2


def test_one_search_an_answer(shop: RecommendShop, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    send = shop.client.perform_request

    def counting(method: str, path: str, **options: Any) -> Any:
        sent.append(f"{method} {path}")
        return send(method, path, **options)

    recommender = shop.recommender()
    monkeypatch.setattr(shop.client, "perform_request", counting)
    for method in KNOWN:
        recommender.recommend("red", method=method, n=6)
    recommender.similar("r1")
    recommender.search("red", user="red")
    products = shop.settings.index("products")
    assert sent == [f"POST /{products}/_search"] * 6


def test_space_that_was_trained_meanwhile_is_noticed(shop: RecommendShop) -> None:
    text = Trained(spaces=frozenset(("text",)))
    both = Trained(spaces=frozenset(("text", "taste")))
    trained = [both, both, text]
    recommender = Recommender(shop.client, shop.settings, trained=lambda: trained.pop(0) if trained[1:] else trained[0])
    assert recommender.recommend("nobody").method == "popular"  # the taste model is taken back after this
    assert recommender.recommend("red").method == "text"
    assert [a.method for a in recommender.recommend_many(["red", "nobody"])] == ["text", "popular"]


def test_nothing_trained_gives_popular(shop: RecommendShop) -> None:
    answer = replace(shop, spaces=frozenset()).recommender().recommend("red", n=1)
    assert (answer.method, answer.product_ids) == ("popular", ["r2"])


@pytest.mark.parametrize(
    "options",
    [
        {"n": 0}, {"n": 1001}, {"n": -5}, {"method": "magic"}, {"min_price": -1.0}, {"max_price": float("nan")},
        {"min_price": 5.0, "max_price": 4.0}, {"exclude": [str(i) for i in range(65_537)]},
    ],
)  # fmt: skip
def test_what_cannot_be_meant(shop: RecommendShop, options: dict[str, Any]) -> None:
    recommender = shop.recommender()
    with pytest.raises(UsageError):
        recommender.recommend("red", **options)
    with pytest.raises(UsageError):
        recommender.recommend_many(["red"], **options)  # before the first answer is taken
    with pytest.raises(UsageError):
        recommender.request_for("red", **options)


@pytest.mark.parametrize("user", ["", "  ", "\udce4", "x" * 513])
def test_ids_that_no_user_has(shop: RecommendShop, user: str) -> None:
    with pytest.raises(UsageError):
        shop.recommender().recommend(user)
    with pytest.raises(UsageError):
        list(shop.recommender().recommend_many(["red", user]))


def test_ids_of_any_script_are_fine(own_shop: RecommendShop) -> None:
    own_shop.put_profile('用户/1 "ü"', (0.1, 1.0), seen=["b1"])
    own_shop.refresh()
    assert own_shop.recommender().recommend('用户/1 "ü"', n=1).product_ids == ["b2"]


def test_untrained_method_says_which_command_trains_it(shop: RecommendShop) -> None:
    with pytest.raises(ModelError, match="profilestore train"):
        shop.recommender().recommend("red", method="taste")


def test_shop_without_indices(shop: RecommendShop) -> None:
    other = shop.settings.model_copy(update={"prefix": f"{shop.settings.prefix}-none"})
    recommender = Recommender(shop.client, other, trained=lambda: Trained(spaces=frozenset(("text",))))
    with pytest.raises(NotInitialised):
        recommender.recommend("red")
    with pytest.raises(NotInitialised):
        list(recommender.recommend_many(["red"]))


def test_json_has_exactly_the_keys(shop: RecommendShop) -> None:
    answer = shop.recommender().recommend("red", n=1).to_json_dict()
    assert list(answer) == ["user_id", "method", "took_ms", "items"]
    assert list(answer["items"][0]) == ["product_id", "title", "score", "price", "reasons"]
    assert answer["took_ms"] > 0


def test_space_in_which_no_profile_has_a_vector_yet(shop: RecommendShop) -> None:
    """The server answers 500 there, not 404; the user is as unknown in that space."""
    recommender = replace(shop, spaces=frozenset(("text", "taste"))).recommender()
    assert recommender.recommend("red").method == "popular"
    assert [a.method for a in recommender.recommend_many(["red", "nobody"])] == ["popular", "popular"]


def test_a_misspelt_option_is_told_and_not_ignored(shop: RecommendShop) -> None:
    asked = shop.recommender()
    for ask in (
        lambda: asked.recommend("red", only_in_stock=True),  # type: ignore[call-arg]  # the mistake
        lambda: asked.similar("r1", include_seen=True),  # type: ignore[call-arg]
        lambda: asked.search("mug", method="text"),  # type: ignore[call-arg]
    ):
        with pytest.raises(UsageError, match="there is no option"):
            ask()
