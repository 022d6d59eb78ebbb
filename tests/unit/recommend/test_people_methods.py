"""What `bought-together` asks with, what `similar-users` adds up, and the bodies over profiles: no network."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profilestore.recommend.clauses import Clause, Filters
from profilestore.recommend.neighbours import opted_out, people_space, scores_of
from profilestore.recommend.people_bodies import build_buyers_body, build_like_user_body, build_segment_clause
from profilestore.recommend.together import build_together_body, tokens_of
from profilestore.recommend.trained import Trained
from profilestore.settings import Settings

IDS = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


def test_the_cart_comes_first_then_purchases_the_latest_first() -> None:
    profile = {
        "cart_products": ["e"],
        "purchased_products": ["a", "b", "c"],
        "seen_products": ["x", "c", "e", "a"],
    }
    assert tokens_of(profile) == ["e", "c", "a", "b"]  # when b was bought is not known any more


def test_at_most_twenty_purchases_and_one_value_is_a_list_of_one() -> None:
    bought = [f"p{n:03d}" for n in range(50)]
    assert tokens_of({"purchased_products": bought, "seen_products": bought[::-1]}) == bought[:29:-1]
    assert tokens_of({"purchased_products": "abc", "cart_products": "de"}) == ["de", "abc"]


@given(cart=IDS, bought=IDS, seen=IDS)
def test_tokens_are_of_this_user_each_once_and_none_of_who_opted_out(
    cart: list[str], bought: list[str], seen: list[str]
) -> None:
    profile = {"cart_products": cart, "purchased_products": bought, "seen_products": seen}
    tokens = tokens_of(profile)
    assert set(tokens) == set(cart) | set(bought)
    assert len(tokens) == len(set(tokens))
    assert tokens_of({**profile, "personalisation": "off"}) == []


def test_neighbours_add_up_by_likeness_and_say_less_the_more_they_bought() -> None:
    hits = [
        {"_score": 1.0, "fields": {"purchased_products": ["a", "b", "c", "d"]}},
        {"_score": 0.8, "fields": {"purchased_products": ["a"]}},
        {"_score": 0.5, "fields": {"purchased_products": ["b"]}},  # a right angle says nothing
        {"_score": 0.1, "fields": {"purchased_products": ["b"]}},  # nor does the opposite
        {"_score": 0.9},
    ]
    assert scores_of(hits, without=frozenset("d")) == pytest.approx({"a": 0.5 + 0.6, "b": 0.5, "c": 0.5})
    assert list(scores_of(hits, without=frozenset())) == ["a", "b", "c", "d"]


def test_users_are_compared_by_taste_where_there_is_one() -> None:
    assert people_space(Trained(spaces=frozenset(("text", "taste")))) == "taste"
    assert people_space(Trained(spaces=frozenset(("text", "topics")))) == "text"
    assert people_space(Trained(spaces=frozenset(("topics",)))) is None


def test_every_body_over_profiles_leaves_out_who_opted_out() -> None:
    settings = Settings(prefix="s")
    bodies = [
        build_buyers_body("p", space="taste", wanted=[], include_buyers=True, n=5, settings=settings),
        build_like_user_body("u", space="text", wanted=[], n=5, settings=settings),
    ]
    for body in bodies:
        assert opted_out() in body["knn"]["filter"]["bool"]["must_not"]
        assert body["_source"] == ["user_id"]


def test_a_segment_is_a_condition_or_a_name() -> None:
    asked: list[str] = []

    def query(condition: str) -> Clause:
        asked.append(condition)
        return {"match_none": {}}

    assert build_segment_clause('city = Foo "Bar" \\', query=query) == {"match_none": {}}
    assert asked == ['city == "Foo \\"Bar\\" \\\\"']
    named = build_segment_clause("champions", query=query)
    assert {"term": {"segment": "champions"}} in named["bool"]["should"]


def test_together_leaves_the_product_itself_out() -> None:
    body = build_together_body("p.1", filters=Filters(in_stock=True), n=3)
    (rules,) = body["query"]["bool"]["must"]
    assert rules["sparse_vector"]["query_vector"] == {"p.1": 1.0}
    assert {"term": {"product_id": "p.1"}} in body["query"]["bool"]["must_not"]
    assert {"range": {"stock": {"gt": 0}}} in body["query"]["bool"]["filter"]
