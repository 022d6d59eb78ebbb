"""`similar`, `search` and `explain` on a real server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from recommend_shop import RecommendShop

from profilestore.documents import Event
from profilestore.elastic.product_index import ProductIndex
from profilestore.errors import ModelError, NotFound, UsageError
from profilestore.recommend.phrases import Telling
from profilestore.recommend.reasons import dot_of_score
from profilestore.recommend.recommender import Recommender
from profilestore.recommend.trained import Trained
from profilestore.settings import Settings

WORDS = {"red": (1.0, 0.0), "crimson": (1.0, 0.02), "blue": (0.0, 1.0), "mug": (0.5, 0.5)}


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """A text model of four words; another word is a zero row."""
    return np.array([np.sum([WORDS.get(w, (0.0, 0.0)) for w in text.split()], axis=0) for text in texts], np.float32)


@pytest.fixture(scope="module")
def shop(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecommendShop]:
    opened = RecommendShop.open(
        Settings(
            home=tmp_path_factory.mktemp("home"),
            prefix=f"t-{uuid.uuid4().hex[:12]}",
            elasticsearch_url=server_url,
            embedding_dims=2,
        )
    )
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


def test_similar_without_itself_and_deleted(shop: RecommendShop) -> None:
    answer = shop.recommender().similar("r1", n=3)
    assert answer.product_ids == ["r2", "r3", "c1"]
    assert (answer.method, answer.fallback) == ("text", None)
    assert list(answer.to_json_dict()) == ["product_id", "method", "took_ms", "items"]


@pytest.mark.parametrize("method", ["auto", "text", "topics", "hybrid"])
def test_similar_by_every_method(shop: RecommendShop, method: str) -> None:
    assert shop.recommender().similar("b1", n=1, method=method).product_ids == ["b2"]


def test_similar_takes_filters(shop: RecommendShop) -> None:
    assert shop.recommender().similar("r1", in_stock=True, category="office").product_ids == ["r3", "b2"]


def test_similar_to_a_deleted_product_still_answers(shop: RecommendShop) -> None:
    assert shop.recommender().similar("gone", n=2).product_ids == ["r1", "r2"]


def test_similar_to_a_product_without_text_is_popular_of_its_category(shop: RecommendShop) -> None:
    answer = shop.recommender().similar("bare")
    assert (answer.method, answer.product_ids) == ("popular", ["b2", "r3"])
    assert answer.fallback is not None
    assert by_hand(shop, shop.recommender().similar_request("bare").as_dict()) == answer.product_ids


def test_similar_to_nothing_we_know(shop: RecommendShop) -> None:
    with pytest.raises(NotFound) as caught:
        shop.recommender().similar("nope")
    assert (caught.value.kind, caught.value.id) == ("product", "nope")
    with pytest.raises(NotFound):
        shop.recommender().similar_request("nope")


def test_similar_many_keeps_order_and_places(shop: RecommendShop) -> None:
    first, unknown, bare, last = shop.recommender().similar_many(["b1", "nope", "bare", "r1"], n=1)
    assert isinstance(unknown, NotFound)
    assert not any(isinstance(answer, NotFound) for answer in (first, bare, last))
    assert [answer.product_ids for answer in (first, bare, last)] == [["b2"], ["b2"], ["r2"]]  # type: ignore[union-attr]  # checked above


def test_similar_by_hand(shop: RecommendShop) -> None:
    for method in ("text", "hybrid"):
        request = shop.recommender().similar_request("r1", method=method).as_dict()
        assert by_hand(shop, request) == shop.recommender().similar("r1", method=method).product_ids


def test_search_by_words(shop: RecommendShop) -> None:
    answer = shop.recommender(embed=embed).search("blue mug", n=2)
    assert answer.product_ids[0] == "b1"
    assert (answer.method, answer.user_id) == ("search", None)
    assert list(answer.to_json_dict()) == ["words", "user_id", "method", "took_ms", "items"]


def test_search_by_meaning_where_no_word_matches(shop: RecommendShop) -> None:
    assert shop.recommender(embed=embed).search("crimson", n=2).product_ids == ["r1", "r2"]
    assert shop.recommender().search("crimson").items == ()  # without a text model


def test_search_by_words_alone_where_the_model_knows_none(shop: RecommendShop) -> None:
    assert set(shop.recommender(embed=embed).search("pen").product_ids) == {"r3", "b2"}
    assert shop.recommender(embed=embed).search("xyzzy").items == ()
    assert shop.recommender(embed=embed).search("!?").items == ()


def test_search_finds_deleted_products_by_no_way(shop: RecommendShop) -> None:
    assert shop.recommender(embed=embed).search("red ghost", user="red").product_ids.count("gone") == 0


def test_search_leans_to_the_user(shop: RecommendShop) -> None:
    """Both mugs are as near to the words; which comes first is the user's."""

    def mugs(**options: Any) -> list[str]:
        found = shop.recommender(embed=embed).search("mug", **options).product_ids
        return [id for id in found if id in ("r1", "b1")]

    assert mugs(user="red") == ["r1", "b1"]
    assert mugs(user="blue") == ["b1", "r1"]
    assert shop.recommender(embed=embed).search("mug", user="blue").user_id == "blue"
    lexical = shop.recommender()
    assert lexical.search("mug", user="blue").product_ids == ["b1", "r1"]
    assert lexical.search("mug", user="red").product_ids == ["r1", "b1"]


@pytest.mark.parametrize("user", ["nobody", "off"])
def test_search_for_a_user_without_a_vector_leans_nowhere(shop: RecommendShop, user: str) -> None:
    recommender = shop.recommender(embed=embed)
    answer = recommender.search("mug", user=user)
    assert answer.user_id is None
    assert answer.product_ids == recommender.search("mug").product_ids


def test_search_many_in_order(shop: RecommendShop) -> None:
    recommender = shop.recommender(embed=embed)
    queries = ["red mug", "pen", "xyzzy", "blue"]
    for user in (None, "blue", "nobody"):
        many = [answer.product_ids for answer in recommender.search_many(queries, user=user)]
        assert many == [recommender.search(words, user=user).product_ids for words in queries]


@pytest.mark.parametrize("user", [None, "blue", "nobody"])
def test_search_by_hand(shop: RecommendShop, user: str | None) -> None:
    recommender = shop.recommender(embed=embed)
    for words in ("red mug", "pen", "crimson"):
        request = recommender.search_request(words, user=user)
        assert by_hand(shop, request.as_dict()) == recommender.search(words, user=user).product_ids


def test_search_filters(shop: RecommendShop) -> None:
    recommender = shop.recommender(embed=embed)
    assert recommender.search("red", user="red", in_stock=True, category="kitchen").product_ids == ["r1", "b1"]


def test_search_for_odd_words(shop: RecommendShop) -> None:
    recommender = shop.recommender(embed=embed)
    for empty in ("", " \t"):
        with pytest.raises(UsageError):
            recommender.search(empty)
    assert {"r1", "b1"} <= set(recommender.search("\udce4 mug").product_ids)
    assert recommender.search("mug " * 5000).product_ids != []
    assert recommender.search(" ".join(f"w{i}" for i in range(3000))).items == ()


def test_similar_without_any_space(shop: RecommendShop) -> None:
    with pytest.raises(ModelError):
        RecommendShop(shop.client, shop.settings, frozenset()).recommender().similar("r1")


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HISTORY = [
    Event(event_id="1", user_id="red", type="purchase", time=NOON, product_id="r1"),
    Event(event_id="2", user_id="red", type="purchase", time=NOON - timedelta(days=90), product_id="r3"),
    Event(event_id="3", user_id="red", type="search", time=NOON, text="blue"),
    Event(event_id="4", user_id="red", type="view", time=NOON, product_id="unknown"),
    Event(event_id="5", user_id="red", type="impression", time=NOON, product_id="b1"),
]


def test_explain_gives_exact_shares(shop: RecommendShop) -> None:
    """Half-life 90 days: the purchase of r3 counts half; the search has weight 0.3."""
    asked: list[str] = []

    def evidence(user_ids: Sequence[str]) -> Any:
        asked.extend(user_ids)
        return {id: (HISTORY, {"blue": {"text": np.array([0.0, 1.0], dtype=np.float32)}}) for id in user_ids}

    answer = shop.recommender(evidence=evidence).recommend("red", method="text", n=2, explain=True)
    assert asked == ["red"]
    best = answer.items[0]
    assert best.product_id == "r2"
    out = np.array([0.95, 0.05])
    terms = {
        "1": 1.0 * np.dot((1.0, 0.0), out),
        "2": 0.5 * np.dot((0.9, 0.2), out),
        "3": 0.3 * np.dot((0.0, 1.0), out),
    }
    total = sum(terms.values())
    assert [reason.event_id for reason in best.reasons] == ["1", "2", "3"]
    assert [reason.share for reason in best.reasons] == pytest.approx([terms[id] / total for id in "123"], rel=1e-6)
    assert [reason.title for reason in best.reasons] == ["red mug", "red pen", None]
    assert best.to_json_dict()["reasons"][0] == {
        "event_id": "1", "type": "purchase", "product_id": "r1", "title": "red mug",
        "time": "2026-03-01T12:00:00+00:00", "share": best.reasons[0].share, "points": best.reasons[0].points,
        "words": "because you bought red mug",
    }  # fmt: skip
    assert best.reasons[2].words == "because of what you searched for"


def test_the_users_of_a_page_are_read_together_and_each_has_the_reasons_of_their_own(shop: RecommendShop) -> None:
    histories = {"red": HISTORY[:1], "blue": HISTORY[1:2], "nobody": []}
    asked: list[list[str]] = []

    def evidence(user_ids: Sequence[str]) -> Any:
        asked.append(list(user_ids))
        return {id: (histories[id], {}) for id in user_ids if id in histories}

    recommender = shop.recommender(evidence=evidence)
    together = list(recommender.recommend_many(["red", "nobody", "blue", "red"], method="text", n=2, explain=True))
    assert asked == [["red", "nobody", "blue"]]
    alone = [recommender.recommend(id, method="text", n=2, explain=True) for id in ("red", "nobody", "blue", "red")]
    assert [a.items for a in together] == [a.items for a in alone]
    first, _, third, _ = together
    assert {r.event_id for item in first.items for r in item.reasons} == {"1"}
    assert {r.event_id for item in third.items for r in item.reasons} <= {"2"}


def test_the_products_of_a_page_are_read_in_one_request_a_kind(
    shop: RecommendShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    histories = {"red": HISTORY[:1], "blue": HISTORY[1:2]}
    read: list[tuple[tuple[str, ...], int]] = []
    whole = ProductIndex.read

    def reading(self: ProductIndex, index: str, ids: Sequence[str], **options: Any) -> Any:
        read.append((tuple(options["fields"]), len(ids)))
        return whole(self, index, ids, **options)

    monkeypatch.setattr(ProductIndex, "read", reading)
    recommender = shop.recommender(evidence=lambda user_ids: {id: (histories[id], {}) for id in user_ids})
    list(recommender.recommend_many(["red", "blue"] * 10, method="text", n=2, explain=True))
    # In-vectors of what was acted on, vectors of what is answered, titles: not one of them a user.
    assert len(read) <= 3


def test_popular_answers_are_explained_by_what_others_did(shop: RecommendShop) -> None:
    def never(user_ids: Sequence[str]) -> Any:
        raise AssertionError(user_ids)

    recommender = shop.recommender(evidence=never)
    best = recommender.recommend("nobody", explain=True).items[0]
    assert [(r.type, r.share, r.words, r.event_id) for r in best.reasons] == [
        ("popular", 1.0, "because 9 customers chose it", None)
    ]
    (told,) = recommender.recommend("red", method="popular", explain=Telling(language="zh")).items[0].reasons
    assert told.words == "因为有 9 位顾客选择了它"


def test_points_of_all_events_add_up_to_the_score_that_was_served(shop: RecommendShop) -> None:
    """The profile of the history, written as the fold would: text at half-life 90 days."""
    vector = np.array([1.0, 0.0]) + 0.5 * np.array([0.9, 0.2]) + 0.3 * np.array([0.0, 1.0])
    shop.put_profile("exact", tuple((vector / np.linalg.norm(vector)).tolist()), seen=None)
    shop.refresh()
    words = {"blue": {"text": np.array([0.0, 1.0], dtype=np.float32)}}
    evidence: Any = lambda user_ids: dict.fromkeys(user_ids, (HISTORY, words))  # noqa: E731
    answer = shop.recommender(evidence=evidence).recommend("exact", method="text", n=7, explain=Telling(most=None))
    assert len(answer.items) == 7
    for item in answer.items:
        points = sum(reason.points or 0.0 for reason in item.reasons)
        assert points == pytest.approx(dot_of_score(item.score, cosine=True), abs=1e-3)


def test_weights_by_product_are_explained_by_what_was_asked(shop: RecommendShop) -> None:
    """Sparse taste: two purchases of r1 a half-life apart share its token, r3 has its own."""
    shop.client.index(
        index=shop.settings.index("products"), id="woven",
        document={"product_id": "woven", "generation": "000001", "taste_weights": {"r1": 2.0, "r3": 1.0}},
    )  # fmt: skip
    shop.put_profile("sparse", None, seen=["r1"], taste_items={"r1": 0.8, "r3": 0.6})
    shop.refresh()
    history = [
        Event(event_id="1", user_id="sparse", type="purchase", time=NOON, product_id="r1"),
        Event(event_id="2", user_id="sparse", type="purchase", time=NOON - timedelta(days=60), product_id="r1"),
        Event(event_id="3", user_id="sparse", type="view", time=NOON, product_id="r3"),
    ]
    recommender = Recommender(
        shop.client,
        shop.settings,
        trained=lambda: Trained(spaces=frozenset(("taste",)), taste_form="sparse"),
        evidence=lambda user_ids: {id: (history, {}) for id in user_ids},
    )
    best = recommender.recommend("sparse", method="taste", n=1, explain=Telling(most=None)).items[0]
    shop.client.delete(index=shop.settings.index("products"), id="woven", refresh=True)
    assert best.product_id == "woven"
    points = {reason.event_id: reason.points for reason in best.reasons}
    assert points == pytest.approx({"1": 0.8 * 2.0 * 2 / 3, "2": 0.8 * 2.0 / 3, "3": 0.6}, rel=1e-6)
    assert best.score == pytest.approx(sum(p or 0.0 for p in points.values()), rel=0.01)
    assert best.reasons[0].words == "because you bought red mug"


def test_a_session_is_explained_by_its_products(shop: RecommendShop) -> None:
    answer = shop.recommender().recommend(None, session=["r1", "b1"], explain=Telling(most=None), n=2)
    for item in answer.items:
        told = {reason.product_id: reason.points or 0.0 for reason in item.reasons}
        assert set(told) == {"r1", "b1"}
        assert sum(told.values()) == pytest.approx(dot_of_score(item.score, cosine=True), abs=1e-3)
        assert all(reason.event_id is None and reason.time is None for reason in item.reasons)
    assert answer.items[0].reasons[0].words.startswith("because you are looking at ")


def test_an_impossible_number_of_reasons_is_refused(shop: RecommendShop) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        shop.recommender().recommend("red", explain=Telling(most=0))
