"""The laws of audiences: and, or and not are those of sets, and who opted out is chosen by no vector and no score."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from profilestore.campaigns.audience.best import Best
from profilestore.campaigns.audience.compiling import TreeCompiler
from profilestore.campaigns.audience.definition import Definition, definition_of
from profilestore.campaigns.audience.tree import AllOf, AnyOf, Node, Not, legs_of
from profilestore.elastic.audience_index import inline_query
from profilestore.elastic.conditions import Compiler, profile_fields
from profilestore.elastic.field_owners import fields_of
from profilestore.settings import Settings
from tests.property.audience_trees import EVERYBODY, OFF, expected, found, listed_trees

SETTINGS = Settings(prefix="law")
RULES = Compiler(profile_fields(SETTINGS))
INSIGHT = fields_of("insight", kind="profiles", settings=SETTINGS)


def members(tree: Node, lists: dict[int, frozenset[str]]) -> frozenset[str]:
    compiler = TreeCompiler(
        RULES, INSIGHT, lambda name: {"term": {"segment": name}}, lambda place: inline_query(sorted(lists[place]))
    )
    return found(compiler.query(tree))


@given(listed_trees())
def test_membership_is_set_algebra_and_opt_outs_are_sure(case: tuple[Node, dict[int, frozenset[str]]]) -> None:
    tree, lists = case
    assert members(tree, lists) == expected(tree, lists)


@given(listed_trees())
def test_scores_do_not_move_who_opted_out(case: tuple[Node, dict[int, frozenset[str]]]) -> None:
    """Neither a tree nor its contrary takes somebody of whom it could only say so by a score."""
    tree, lists = case
    inside, outside = members(tree, lists), members(Not(tree), lists)
    assert inside & outside == frozenset()
    assert (inside | outside) - OFF == EVERYBODY - OFF


@given(listed_trees(), listed_trees())
def test_de_morgan_and_double_negation(
    first: tuple[Node, dict[int, frozenset[str]]], second: tuple[Node, dict[int, frozenset[str]]]
) -> None:
    # The places of the second tree's legs follow those of the first.
    shift = sum(1 for _ in legs_of(first[0]))
    lists = {**first[1], **{place + shift: users for place, users in second[1].items()}}
    left, right = first[0], second[0]
    assert members(Not(AllOf((left, right))), lists) == members(AnyOf((Not(left), Not(right))), lists)
    assert members(Not(AnyOf((left, right))), lists) == members(AllOf((Not(left), Not(right))), lists)
    assert members(Not(Not(left)), first[1]) == members(left, first[1])


@given(listed_trees())
def test_a_definition_reads_back_as_it_was(case: tuple[Node, dict[int, frozenset[str]]]) -> None:
    definition = Definition(case[0], "mail")
    assert definition_of(definition.to_json_dict(), source="law") == definition


@given(st.dictionaries(st.text("abc", max_size=4), st.sampled_from([0.1, 0.5, 0.9])), st.integers(1, 8), st.randoms())
def test_the_best_are_the_best_in_any_batches(scores: dict[str, float], n: int, order: Any) -> None:
    best, users = Best(n), sorted(scores)
    order.shuffle(users)
    for part in np.array_split(np.array(users, dtype=object), 3):
        best.add({user: scores[user] for user in part})
    assert best.ids() == sorted(scores, key=lambda user: (-scores[user], user))[:n]
