"""The bodies as an app would send them."""

from __future__ import annotations

from typing import Any

import pytest

from profilestore.recommend.bodies import (
    TASTE_CANDIDATES,
    build_knn_body,
    build_search_body,
    build_similar_body,
    build_sorted_body,
)
from profilestore.recommend.clauses import Filters
from profilestore.recommend.method import Question
from profilestore.recommend.trained import Trained
from profilestore.recommend.wish import Wish
from profilestore.settings import Settings


def knn(**changes: Any) -> dict[str, Any]:
    spaces = changes.pop("spaces", {"text": 1.0})
    wish = Wish(asked="text", **{"filters": Filters(), "include_seen": False, "n": 10, **changes})
    settings = Settings(num_candidates=200)
    return build_knn_body(Question(user_id="u42", wish=wish, size=wish.n, settings=settings, trained=Trained()), spaces)


def test_knn_body_is_one_that_the_readme_can_show() -> None:
    assert knn(filters=Filters(in_stock=True)) == {
        "size": 10,
        "_source": ["product_id", "title", "price", "category"],
        "track_total_hits": False,
        "sort": ["_score", {"product_id": "asc"}],
        "knn": {
            "field": "text_vector",
            "k": 20,
            "num_candidates": 200,
            "query_vector_builder": {"lookup": {"index": "shop-profiles", "id": "u42", "path": "text_vector"}},
            "filter": {
                "bool": {
                    "must_not": [
                        {"term": {"deleted": True}},
                        {"terms": {"product_id": {"index": "shop-profiles", "id": "u42", "path": "seen_products"}}},
                    ],
                    "filter": [
                        {"range": {"stock": {"gt": 0}}},
                        {"terms": {"generation": {"index": "shop-profiles", "id": "u42", "path": "generation"}}},
                    ],
                }
            },
        },
    }


def test_several_spaces_score_the_candidates_of_the_first() -> None:
    both = knn(spaces={"text": 1.0, "topics": 0.2})["query"]["bool"]
    leading, following = both["must"][0]["knn"], both["should"][0]["knn"]
    assert [clause["field"] for clause in (leading, following)] == ["text_vector", "topic_vector"]
    assert [clause.get("boost") for clause in (leading, following)] == [None, 0.2]
    assert following["filter"] == {"knn": leading}
    assert leading["k"] == following["k"] == 200


@pytest.mark.parametrize("n", [1, 10, 500, 1000])
def test_k_never_exceeds_the_candidates(n: int) -> None:
    clause = knn(n=n)["knn"]
    assert clause["k"] == 2 * n
    assert clause["num_candidates"] == max(2 * n, 200)


def test_popular_body_for_everybody_names_no_user() -> None:
    body = build_sorted_body(required=[], forbidden=Filters().forbidden(), n=5, by=("popularity",))
    assert "profiles" not in str(body)
    assert body["sort"] == [{"popularity": {"order": "desc", "missing": "_last"}}, {"product_id": "asc"}]


def test_filters_of_zero_are_filters() -> None:
    filters = Filters(min_price=0.0, max_price=0.0)
    body = build_sorted_body(required=filters.required(), forbidden=filters.forbidden(), n=5, by=("popularity",))
    assert {"range": {"price": {"gte": 0.0, "lte": 0.0}}} in body["query"]["bool"]["filter"]


def test_similar_leaves_the_product_itself_out() -> None:
    body = build_similar_body("p1", prefix="shop", spaces={"taste": 1.0}, filters=Filters(), n=5, num_candidates=100)
    assert {"term": {"product_id": "p1"}} in body["knn"]["filter"]["bool"]["must_not"]
    # What adds to a profile is compared with what profiles are compared with.
    assert body["knn"]["field"] == "taste_vector"
    assert body["knn"]["query_vector_builder"]["lookup"] == {"index": "shop-products", "id": "p1", "path": "taste_in"}
    # The graph of inner products wants more candidates than one of cosines.
    assert body["knn"]["num_candidates"] == TASTE_CANDIDATES > 100


def search(**changes: Any) -> dict[str, Any]:
    options: dict[str, Any] = {
        "prefix": "shop", "tokens": ["red", "mug"], "vector": [1.0, 0.0], "filters": Filters(), "n": 10,
        "num_candidates": 200,
    }  # fmt: skip
    return build_search_body(**{**options, **changes})


def test_search_by_words_and_by_meaning() -> None:
    body = search()
    words = body["query"]["bool"]["must"][0]
    assert words["match"]["tokens"]["query"] == "red mug"
    without, within = body["knn"]
    assert without["query_vector"] == within["query_vector"] == [1.0, 0.0]
    # Two lists without a product in common, so that none has its similarity twice.
    assert words in without["filter"]["bool"]["must_not"]
    assert words in within["filter"]["bool"]["filter"]


def test_search_without_an_embedding_is_lexical_and_the_other_way_round() -> None:
    assert "knn" not in search(vector=None)
    assert "query" not in search(tokens=[])
    nothing = search(tokens=[], vector=None, user_id="u1")
    assert nothing["query"] == {"match_none": {}}
    assert "knn" not in nothing


def test_search_leans_only_among_what_the_words_found() -> None:
    _, _, leaning = search(user_id="u1")["knn"]
    assert leaning["query_vector_builder"]["lookup"]["id"] == "u1"
    assert leaning["boost"] < 1.0
    (found,) = [clause for clause in leaning["filter"]["bool"]["filter"] if "bool" in clause]
    assert [next(iter(clause)) for clause in found["bool"]["should"]] == ["match", "knn"]


def test_filters_reach_every_clause_of_a_search() -> None:
    body = search(user_id="u1", filters=Filters(category=("a",)))
    wanted = {"terms": {"category": ["a"]}}
    assert wanted in body["query"]["bool"]["filter"]
    assert all(wanted in clause["filter"]["bool"]["filter"] for clause in body["knn"])
    assert all({"term": {"deleted": True}} in clause["filter"]["bool"]["must_not"] for clause in body["knn"])
    assert {"term": {"deleted": True}} in body["query"]["bool"]["must_not"]


def test_bodies_do_not_share_their_parts_with_the_module() -> None:
    first = knn()
    first["_source"].append("cost")
    assert knn()["_source"] == ["product_id", "title", "price", "category"]
