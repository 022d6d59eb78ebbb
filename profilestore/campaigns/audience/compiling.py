"""A tree of legs -> one query over the profiles.

Who switched personalisation off is never chosen by a vector or a score. What such a leg would say of them is not
known, so they are in an audience only where the other legs alone put them there, whatever it would say (Kleene's
logic of three values): `rule or buyers` takes them by the rule, `rule and not buyers` does not take them. To that end
`not` is moved down to the legs, and a leg by score, with or without a `not`, finds personalised users only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from profilestore.campaigns.audience.tree import AllOf, AnyOf, IdFile, InSegment, Leg, Node, Not, Rule
from profilestore.campaigns.consent import is_personalised
from profilestore.elastic.conditions import Compiler, parse_condition
from profilestore.elastic.conditions import tree as conditions

__all__ = ["TreeCompiler", "is_scored", "names_of"]

Query = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TreeCompiler:
    """Makes queries of trees.

    Args:
        rules: reads conditions.
        insight: the fields that insight owns: a rule over one of them goes by a score.
        segment: the query of a segment.
        listed: the query of a leg that needs more than its words (vectors, files), by its place among all legs.
    """

    rules: Compiler
    insight: frozenset[str]
    segment: Callable[[str], Query]
    listed: Callable[[int], Query] = field(default=lambda place: {"match_none": {}})

    def query(self, tree: Node) -> Query:
        """The query that finds who is in the tree.

        Raises:
            ConditionError: a rule that cannot be read.
            NotFound: there is no such segment.
        """
        return self._write(tree, positive=True, places=iter(range(10_000)))

    def _write(self, node: Node, *, positive: bool, places: Iterator[int]) -> Query:
        match node:
            case Not(part):
                return self._write(part, positive=not positive, places=places)
            case AllOf(parts) | AnyOf(parts):
                written = [self._write(part, positive=positive, places=places) for part in parts]
                if isinstance(node, AllOf) == positive:
                    return {"bool": {"filter": written}}
                return {"bool": {"should": written, "minimum_should_match": 1}}
            case _:
                return self._leg(node, next(places), positive=positive)

    def _leg(self, leg: Leg, place: int, *, positive: bool) -> Query:
        match leg:
            case Rule(condition):
                query = self.rules.query(condition)
            case InSegment(name):
                query = self.segment(name)
            case _:
                query = self.listed(place)
        scored = is_scored(leg, rules=self.rules, insight=self.insight)
        if positive and not scored:
            return query
        clauses: Query = {"filter": [query]} if positive else {"must_not": [query]}
        if scored:
            clauses["filter"] = [*clauses.get("filter", []), is_personalised()]
        return {"bool": clauses}


def is_scored(leg: Leg, *, rules: Compiler, insight: frozenset[str]) -> bool:
    """Whether a leg chooses by vectors or scores: all but files, and rules over nothing that insight found."""
    match leg:
        case IdFile():
            return False
        case Rule(condition):
            paths = (rules.fields.find(name, condition=condition).path for name in names_of(parse_condition(condition)))
            return any(path.partition(".")[0] in insight for path in paths)
        case _:
            return True


def names_of(condition: conditions.Condition) -> Iterator[conditions.FieldName]:
    """The fields that a condition names."""
    match condition:
        case conditions.AllOf(parts) | conditions.AnyOf(parts):
            for part in parts:
                yield from names_of(part)
        case conditions.Negation(part):
            yield from names_of(part)
        case conditions.Comparison(name) | conditions.IsKnown(name):
            yield name
