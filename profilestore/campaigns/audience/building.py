"""A definition is checked whole before anything of it is written: nobody finds half an audience."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from profilestore.campaigns.audience.compiling import TreeCompiler
from profilestore.campaigns.audience.definition import Definition
from profilestore.campaigns.audience.id_file import read_ids
from profilestore.campaigns.audience.membership import Memberships
from profilestore.campaigns.audience.tree import (
    AllOf,
    AnyOf,
    Buyers,
    IdFile,
    Leg,
    Lookalike,
    Node,
    Not,
    VectorLeg,
    legs_of,
)
from profilestore.campaigns.consent import has_consent
from profilestore.elastic.audience_index import PIECE, inline_query
from profilestore.elastic.member_pages import MemberPages
from profilestore.errors import InputError, UsageError

__all__ = ["Checked", "check_definition", "check_name"]

Query = dict[str, Any]
_NAME: Final = re.compile(r"\w[\w .+-]{0,99}")


@dataclass(frozen=True, slots=True)
class Checked:
    """A definition that can be written.

    Attributes:
        definition: files by their names alone.
        files: ids by the place of their leg.
        nearest: ids of the legs by vector with `top` or `min_score`, by place.
        state: of the shop in which they were found.
        unknown: ids that no profile has.
        seeds: users whom the definition names.
    """

    definition: Definition
    files: dict[int, list[str]]
    nearest: dict[int, list[str]]
    state: str | None
    unknown: int
    seeds: list[str]


def check_name(name: str) -> str:
    """The name, if audiences may be called so.

    Raises:
        UsageError: it is none.
    """
    if _NAME.fullmatch(name) is None or name != name.strip():
        raise UsageError("an audience's name has letters, digits, spaces and . _ + -, 100 at most.")
    return name


def check_definition(
    definition: Definition, *, of: Memberships, pages: MemberPages, folder: Path, allow_unknown: bool
) -> Checked:
    """Read, ask and count all that a definition names; nothing is written.

    Raises:
        ConditionError: a rule over an unknown field, or one that cannot be read.
        UsageError: a channel to which nobody gave consent, a bad `by`, or nobody is in the audience.
        InputError: a file that cannot be read, or users that are not known.
        NotFound: a segment or product that is not there, or lookalike users of whom nothing is known.
        ModelError: nothing is trained by which users could be compared.
    """
    # Words first, which cost nothing; then files; then what the server has to work out.
    TreeCompiler(of.rules, of.insight, of.segment).query(definition.members)
    if definition.by not in (None, "score"):
        of.order(definition)
    channels = pages.channels()
    if definition.channel not in channels:
        told = ", ".join(f"{channel} ({users:,} users)" for channel, users in channels.items()) or "none so far"
        raise UsageError(f"nobody gave consent to the channel {definition.channel}. Channels with consent: {told}.")
    legs = dict(enumerate(leg for leg, _ in legs_of(definition.members)))
    files = {place: read_ids(folder / leg.file, column=leg.column) for place, leg in legs.items()
             if isinstance(leg, IdFile)}  # fmt: skip
    unknown = _unknown(legs, files, pages, allowed=allow_unknown)
    vectors = {place: leg for place, leg in legs.items() if isinstance(leg, Lookalike | Buyers)}
    state = of.state() if len(vectors) > 0 else None
    near = {place: of.likeness.ids(leg, channel=definition.channel) for place, leg in vectors.items()
            if leg.top is not None or leg.min_score is not None}  # fmt: skip
    _refuse_empty(definition, vectors, {**files, **near}, of, pages)
    seeds = sorted({user for leg in vectors.values() if isinstance(leg, Lookalike) for user in leg.users})
    named = replace(definition, members=_by_name(definition.members))
    return Checked(named, files, near, state, unknown, seeds)


def _unknown(legs: dict[int, Leg], files: dict[int, list[str]], pages: MemberPages, *, allowed: bool) -> int:
    """How many of the users who are named there is no profile of."""
    total, told = 0, []
    for place, leg in legs.items():
        ids = leg.users if isinstance(leg, Lookalike) else files.get(place, ())
        missing = len(ids) - _known(ids, pages)
        if missing > 0:
            total += missing
            label = f"{Path(leg.file).name}" if isinstance(leg, IdFile) else "lookalike"
            told.append(f"{label}: {missing:,} of {len(ids):,} users are unknown")
    if total > 0 and not allowed:
        raise InputError(
            f"{'; '.join(told)}: no profile has such an id. --allow-unknown goes on, and they become members once "
            "something is known of them."
        )
    return total


def _known(ids: Sequence[str], pages: MemberPages) -> int:
    pieces = [list(ids[start : start + PIECE]) for start in range(0, len(ids), PIECE)]
    return sum(pages.count_all([{"terms": {"user_id": piece}} for piece in pieces]))


def _refuse_empty(
    definition: Definition,
    vectors: dict[int, VectorLeg],
    lists: dict[int, list[str]],
    of: Memberships,
    pages: MemberPages,
) -> None:
    everybody = {place: of.likeness.compared(leg).everybody() for place, leg in vectors.items() if place not in lists}
    inline = {place: inline_query(ids) for place, ids in lists.items()}
    matched = TreeCompiler(of.rules, of.insight, of.segment, {**everybody, **inline}.__getitem__).query(
        definition.members
    )
    clauses: list[Query] = [matched, has_consent(definition.channel)]
    queries = [matched, {"bool": {"filter": clauses}}]
    if definition.limit is not None:
        queries.append({"bool": {"filter": [*clauses, _rankable(definition, vectors, of)]}})
    counts = pages.count_all(queries)
    if counts[0] == 0:
        raise UsageError("this audience matches nobody.")
    if counts[1] == 0:
        raise UsageError(
            f"this audience matches nobody who may be written to: of {counts[0]:,} users none gave consent to the "
            f"channel {definition.channel}."
        )
    if counts[-1] == 0:
        raise UsageError(
            f"this audience matches nobody whom its limit could keep: none of {counts[1]:,} users has a score."
        )


def _rankable(definition: Definition, vectors: dict[int, VectorLeg], of: Memberships) -> Query:
    """Who has what the limit goes by."""
    if definition.by not in (None, "score"):
        return {"exists": {"field": of.order(definition)[0]}}
    scored = {place for place, (_, positive) in enumerate(legs_of(definition.members)) if positive}
    compared = [of.likeness.compared(leg).everybody() for place, leg in vectors.items() if place in scored]
    return {"bool": {"should": compared, "minimum_should_match": 1}}


def _by_name(node: Node) -> Node:
    """The tree with files by their names alone: the way to them is nobody else's business."""
    match node:
        case AllOf(parts):
            return AllOf(tuple(_by_name(part) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(_by_name(part) for part in parts))
        case Not(part):
            return Not(_by_name(part))
        case IdFile(file):
            return replace(node, file=Path(file).name)
        case _:
            return node
