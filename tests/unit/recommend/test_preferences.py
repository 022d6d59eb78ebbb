"""The small language of --boost and --bury, and what it becomes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profilestore.errors import UsageError
from profilestore.recommend.bodies import build_sorted_body
from profilestore.recommend.preferences import Preference, parse_preferences
from profilestore.recommend.shaping import preferred


@pytest.mark.parametrize(
    ("text", "clause", "factor"),
    [
        ("brand=Acme", {"term": {"brand": "Acme"}}, 2.0),
        ("brand=Acme:1.5", {"term": {"brand": "Acme"}}, 1.5),
        (" category = Home & Garden:3 ", {"term": {"category": "Home & Garden"}}, 3.0),
        ("brand=A:B", {"term": {"brand": "A:B"}}, 2.0),
        ("brand=A:2:3", {"term": {"brand": "A:2"}}, 3.0),
        ("brand=红色", {"term": {"brand": "红色"}}, 2.0),
        ("brand!=Acme", {"bool": {"must_not": [{"term": {"brand": "Acme"}}]}}, 2.0),
        ("price<20", {"range": {"price": {"lt": 20.0}}}, 2.0),
        ("price>=2.5:4", {"range": {"price": {"gte": 2.5}}}, 4.0),
        ("stock>0", {"range": {"stock": {"gt": 0}}}, 2.0),
        ("released>=2026-01-01", {"range": {"released": {"gte": "2026-01-01"}}}, 2.0),
        ("released>=2026-W01-1", {"range": {"released": {"gte": "2025-12-29"}}}, 2.0),
        ("stock<1e30", {"range": {"stock": {"lt": 2**31 - 1}}}, 2.0),
        ("attributes.colour=red", {"term": {"attributes.colour": "red"}}, 2.0),
        ('{"terms": {"brand": ["A", "B"]}}', {"terms": {"brand": ["A", "B"]}}, 2.0),
        ('{"range": {"price": {"gte": 1, "lt": 9}}}:1.2', {"range": {"price": {"gte": 1.0, "lt": 9.0}}}, 1.2),
        (
            '{"bool": {"must": [{"term": {"brand": "A"}}], "must_not": {"exists": {"field": "stock"}}}}',
            {"bool": {"must": [{"term": {"brand": "A"}}], "must_not": [{"exists": {"field": "stock"}}]}},
            2.0,
        ),
    ],
)
def test_conditions(text: str, clause: dict[str, Any], factor: float) -> None:
    assert parse_preferences([text], []) == (Preference(clause, factor),)
    assert parse_preferences([], [text]) == (Preference(clause, 1.0 / factor),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "FIELD=VALUE"), ("brand", "FIELD=VALUE"), ("=Acme", "FIELD=VALUE"), ("brand=", "FIELD=VALUE"),
        ("brand=:2", "no value"), ("colour=red", "no field colour"), ("text_vector=1", "no field"),
        ("brand<Acme", "no order"), ("price=cheap", "number"), ("price<nan", "number"), ("released>soon", "date"),
        ("brand=" + 6000 * "a", "at most"),
        ("brand=A:0", "above 0"), ("brand=A:1001", "above 0"), ('{"term": {"brand": "A"}}:x', "factor"),
        ('{"term"', "JSON"), ('{"script": {"source": "1"}}', "only bool"), ('{"match": {"tokens": "a"}}', "only bool"),
        ('{"term": {"brand": "A"}, "script": {}}', "one key"), ('{"term": {"seen_products": "A"}}', "no field"),
        ('{"terms": {"brand": {"index": "other", "id": "1", "path": "p"}}}', "list"),
        ('{"term": {"price": {"value": 1}}}', "number"), ('{"bool": {"script": []}}', "bool takes"),
        ('{"bool": {"must": {"bool": {"must": {"bool": {"must": {"bool": {"must": {"bool": {"must": {"bool": '
         '{"must": {"term": {"brand": "A"}}}}}}}}}}}}}}', "one object"),
    ],
)  # fmt: skip
def test_what_is_no_condition_says_why(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_preferences([text], [])


@given(st.text())
def test_any_text_is_a_condition_or_a_usage_error(text: str) -> None:
    try:
        (preference,) = parse_preferences([text], [])
    except UsageError:
        return
    assert 0.0 < preference.factor <= 1000.0
    assert "script" not in preference.clause


def test_nothing_to_prefer_changes_nothing() -> None:
    body = {"size": 1, "knn": {"k": 2, "num_candidates": 9}, "sort": ["_score"]}
    assert preferred(body, ()) is body


def test_conditions_choose_among_all_candidates() -> None:
    body = {"size": 1, "knn": {"k": 2, "num_candidates": 9}, "sort": ["_score"]}
    shaped = preferred(body, parse_preferences(["brand=A"], []))
    assert shaped["query"]["function_score"]["query"]["knn"]["k"] == 9
    assert body["knn"] == {"k": 2, "num_candidates": 9}
    assert "knn" not in shaped


def test_trending_is_a_logarithm_so_factors_are_added() -> None:
    body = build_sorted_body(required=[], forbidden=[], n=1, by=("trending",))
    score = preferred(body, parse_preferences(["brand=A:4"], ["brand=B:8"]))["query"]["function_score"]
    assert (score["score_mode"], score["boost_mode"]) == ("sum", "sum")
    assert [function["weight"] for function in score["functions"]] == [2.0, 3.0]
    assert score["functions"][1]["filter"] == {"bool": {"must_not": [{"term": {"brand": "B"}}]}}
