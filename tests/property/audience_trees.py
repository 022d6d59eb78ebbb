"""Trees of audiences over a few users, who is in them said in sets, and a reader of the queries that they become."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

from hypothesis import strategies as st

from profilestore.campaigns.audience.tree import (
    AllOf,
    AnyOf,
    Buyers,
    IdFile,
    InSegment,
    Lookalike,
    Node,
    Not,
    Rule,
    legs_of,
)

USERS: dict[str, dict[str, Any]] = {
    f"u{n}": {
        "user_id": f"u{n}",
        "order_count": n % 4,
        "gender": "female" if n % 3 == 0 else "male",
        **({} if n % 5 == 0 else {"churn_risk": n / 16.0}),
        **({"segment": "gold"} if n % 2 == 0 else {}),
        **({"personalisation": "off"} if n in (2, 3, 6, 9, 12) else {}),
    }
    for n in range(16)
}
OFF = frozenset(user for user, fields in USERS.items() if "personalisation" in fields)
EVERYBODY = frozenset(USERS)
# Who fulfils each rule, said in Python.
RULES: dict[str, frozenset[str]] = {
    "order_count >= 2": frozenset(u for u, f in USERS.items() if f["order_count"] >= 2),
    'gender == "female"': frozenset(u for u, f in USERS.items() if f["gender"] == "female"),
    'gender != "female" and order_count < 3': frozenset(
        u for u, f in USERS.items() if f["gender"] != "female" and f["order_count"] < 3
    ),
    "churn_risk > 0.4": frozenset(u for u, f in USERS.items() if f.get("churn_risk", 0.0) > 0.4),
}
SCORED_RULES = frozenset(("churn_risk > 0.4",))
GOLD = frozenset(u for u, f in USERS.items() if f.get("segment") == "gold")

some_users = st.frozensets(st.sampled_from(sorted(USERS)), max_size=9)
leaves = st.one_of(
    st.sampled_from(sorted(RULES)).map(Rule),
    st.just(InSegment("gold")),
    st.just(Lookalike(("u1",), top=3)),
    st.just(Buyers("p1", top=3)),
    st.just(IdFile("ids.csv")),
)
trees: st.SearchStrategy[Node] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: AllOf(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=8,
)


@st.composite
def listed_trees(draw: st.DrawFn) -> tuple[Node, dict[int, frozenset[str]]]:
    """A tree, and the users of those of its legs that are lists. Vectors list nobody who opted out."""
    tree = draw(trees)
    lists: dict[int, frozenset[str]] = {}
    for place, (leg, _) in enumerate(legs_of(tree)):
        if isinstance(leg, IdFile):
            lists[place] = draw(some_users)
        elif isinstance(leg, Lookalike | Buyers):
            lists[place] = draw(some_users) - OFF
    return tree, lists


def is_score(leg: Any) -> bool:
    """Whether a leg chooses by vectors or scores."""
    return isinstance(leg, InSegment | Lookalike | Buyers) or (isinstance(leg, Rule) and leg.condition in SCORED_RULES)


def expected(tree: Node, lists: Mapping[int, frozenset[str]]) -> frozenset[str]:
    """Who is in the tree: by sets; who opted out where that holds whatever the legs by score might say of them."""
    legs = [leg for leg, _ in legs_of(tree)]
    facts = {place: _users(leg, lists.get(place, frozenset())) for place, leg in enumerate(legs)}
    scored = [place for place, leg in enumerate(legs) if is_score(leg)]
    members = _evaluate(tree, facts)
    sure = EVERYBODY
    for answers in product((frozenset(), EVERYBODY), repeat=len(scored)):
        sure &= _evaluate(tree, facts | dict(zip(scored, answers, strict=True)))
    return (members - OFF) | (sure & OFF)


def _users(leg: Any, listed: frozenset[str]) -> frozenset[str]:
    if isinstance(leg, Rule):
        return RULES[leg.condition]
    return GOLD if isinstance(leg, InSegment) else listed


def _evaluate(tree: Node, facts: Mapping[int, frozenset[str]]) -> frozenset[str]:
    places = iter(range(len(facts)))

    def users(node: Node) -> frozenset[str]:
        match node:
            case AllOf(parts):
                return frozenset.intersection(*[users(part) for part in parts])
            case AnyOf(parts):
                return frozenset.union(*[users(part) for part in parts])
            case Not(part):
                return EVERYBODY - users(part)
            case _:
                return facts[next(places)]

    return users(tree)


def found(query: Mapping[str, Any]) -> frozenset[str]:
    """The users that a query finds, by the meaning that Elasticsearch gives its clauses."""
    ((kind, body),) = query.items()
    match kind:
        case "match_none":
            return frozenset()
        case "bool":
            assert body.keys() <= {"filter", "must_not", "should", "minimum_should_match"}
            result = EVERYBODY
            for part in body.get("filter", []):
                result &= found(part)
            for part in body.get("must_not", []):
                result -= found(part)
            if body.get("minimum_should_match", 0) == 1:
                result &= frozenset().union(*[found(part) for part in body["should"]])
            return result
        case "exists":
            return frozenset(u for u, fields in USERS.items() if body["field"] in fields)
        case "term":
            ((field, value),) = body.items()
            return frozenset(u for u, fields in USERS.items() if fields.get(field) == value)
        case "terms":
            ((field, values),) = body.items()
            return frozenset(u for u, fields in USERS.items() if fields.get(field) in values)
        case "range":
            ((field, limits),) = body.items()
            return frozenset(u for u, fields in USERS.items() if field in fields and _within(fields[field], limits))
    raise AssertionError(f"a clause {kind}")


def _within(value: float, limits: Mapping[str, float]) -> bool:
    tests = {"gt": value.__gt__, "gte": value.__ge__, "lt": value.__lt__, "lte": value.__le__}
    return all(tests[name](type(value)(limit)) for name, limit in limits.items())
