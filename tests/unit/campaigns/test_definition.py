"""Definitions of audiences: tables and flags in, trees out, and what cannot be meant is told with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from profilestore.campaigns.audience.building import check_name
from profilestore.campaigns.audience.definition import definition_of
from profilestore.campaigns.audience.definition_file import read_definition
from profilestore.campaigns.audience.flags import definition_of_flags
from profilestore.campaigns.audience.tree import AllOf, AnyOf, Buyers, IdFile, InSegment, Lookalike, Not, Rule, legs_of
from profilestore.errors import InputError, UsageError

FULL: dict[str, Any] = {
    "channel": "mail",
    "description": "all that there is",
    "limit": 10,
    "by": "score",
    "members": {
        "and": [
            {"rule": "age > 3"},
            {"or": [{"lookalike": ["u1", "u2"], "top": 5}, {"buyers": "p1", "min_score": 0.5, "method": "text"}]},
            {"not": {"or": [{"segment": "lost"}, {"ids": "out.csv", "column": "who"}]}},
            {"buyers": "p2", "include_buyers": True},
        ]
    },
}


def test_tables_become_a_tree_and_tables_again() -> None:
    definition = definition_of(FULL, source="x")
    assert definition.members == AllOf(
        (
            Rule("age > 3"),
            AnyOf((Lookalike(("u1", "u2"), top=5), Buyers("p1", min_score=0.5, method="text"))),
            Not(AnyOf((InSegment("lost"), IdFile("out.csv", "who")))),
            Buyers("p2", include_buyers=True),
        )
    )
    assert definition.to_json_dict() == FULL
    assert definition_of(definition.to_json_dict(), source="x") == definition


def test_legs_from_left_to_right_with_their_sign() -> None:
    tree = definition_of(FULL, source="x").members
    assert [(type(leg).__name__, positive) for leg, positive in legs_of(tree)] == [
        ("Rule", True), ("Lookalike", True), ("Buyers", True), ("InSegment", False), ("IdFile", False),
        ("Buyers", True),
    ]  # fmt: skip
    assert [positive for _, positive in legs_of(Not(Not(Rule("a > 1"))))] == [True]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"channel": None}, "`channel` is missing"),
        ({"members": None}, "wants a table"),
        ({"members": {}}, "exactly one of"),
        ({"members": {"rule": "a", "segment": "b"}}, "exactly one of"),
        ({"members": {"rule": "a", "top": 3}}, "`rule` takes no `top`"),
        ({"members": {"and": []}}, "at least one"),
        ({"members": {"and": [{"rule": "a > 1"}, {"or": [{"segment": 3}]}]}}, r"members.and\[1\].or\[0\]"),
        ({"members": {"rule": "  "}}, "wants a text"),
        ({"members": {"lookalike": []}}, "list of user ids"),
        ({"members": {"buyers": "p", "top": 0}}, "`top` is a whole number"),
        ({"members": {"buyers": "p", "min_score": 1.5}}, "from 0 to 1"),
        ({"members": {"buyers": "p", "method": "topics"}}, "auto, taste or text"),
        ({"members": {"buyers": "p", "include_buyers": "yes"}}, "true or false"),
        ({"limit": 0}, "`limit` is a whole number"),
        ({"limit": True}, "`limit` is a whole number"),
        ({"limit": None}, "there is none"),
        ({"budget": 3}, "no key budget"),
        ({"members": {"rule": "a > 1"}}, "only `lookalike` and `buyers` give a score"),
        ({"members": {"rule": "a > 1"}, "by": None}, "a `limit` wants `by`"),
        ({"members": {"buyers": "p"}, "limit": None, "by": None}, "everybody is alike"),
        ({"members": {"buyers": "p"}, "by": "age"}, "everybody is alike"),
        ({"members": {"and": [{"buyers": "p"}, {"not": {"buyers": "q"}}]}}, "behind `not`"),
    ],
)
def test_what_cannot_be_meant_is_told(change: dict[str, Any], told: str) -> None:
    given = {name: value for name, value in {**FULL, **change}.items() if value is not None or name == "members"}
    with pytest.raises(UsageError, match=told):
        definition_of(given, source="x")


def test_without_end() -> None:
    node: dict[str, Any] = {"rule": "a > 1"}
    for _ in range(20):
        node = {"not": node}
    with pytest.raises(UsageError, match="nested deeper"):
        definition_of({"channel": "mail", "members": node}, source="x")


def test_a_file_says_the_same_as_tables(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('channel = "sms"\n[members]\nand = [{ rule = "age > 3" }, { not = { segment = "lost" } }]\n')
    assert read_definition(path).members == AllOf((Rule("age > 3"), Not(InSegment("lost"))))
    path.write_text("\ufeff" + path.read_text())
    assert read_definition(path).channel == "sms"
    path.write_text("channel = ")
    with pytest.raises(UsageError, match="not valid TOML"):
        read_definition(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read_definition(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_definition(tmp_path / "none.toml")


def test_flags_are_joined() -> None:
    legs = {"rule": ["age > 3"], "lookalike": [["u1", "u2"]], "ids": ["in.csv"]}
    both = definition_of_flags(legs, channel="mail", top=4, id_column="who", without=["segment=lost"])
    assert both.members == AllOf(
        (Rule("age > 3"), Lookalike(("u1", "u2"), top=4), IdFile("in.csv", "who"), Not(InSegment("lost")))
    )
    either = definition_of_flags(legs, channel="mail", top=4, either=True, without=["rule=age < 9"])
    assert isinstance(either.members, AllOf)
    assert isinstance(either.members.parts[0], AnyOf)
    assert either.members.parts[1] == Not(Rule("age < 9"))
    assert definition_of_flags({"segment": ["x"]}, channel="mail").members == InSegment("x")
    for bad, told in (
        ({"legs": {}}, "say who is in it"),
        ({"legs": {"rule": ["a > 1"]}, "top": 3}, "--top and --min-score"),
        ({"legs": {"rule": ["a > 1"]}, "without": ["buyers=p"]}, "KIND=VALUE"),
        ({"legs": {"rule": ["a > 1"]}, "without": ["lost"]}, "KIND=VALUE"),
    ):
        with pytest.raises(UsageError, match=told):
            definition_of_flags(bad.pop("legs"), channel="mail", **bad)  # type: ignore[arg-type]  # each as it comes


def test_names() -> None:
    assert check_name("Frühjahr 2026, nein".replace(",", "")) == "Frühjahr 2026 nein"
    assert check_name("春节 VIP") == "春节 VIP"
    for bad in ("", " a", "a ", "a/b", "-a", "x" * 101, "a\nb"):
        with pytest.raises(UsageError, match="letters, digits"):
            check_name(bad)
