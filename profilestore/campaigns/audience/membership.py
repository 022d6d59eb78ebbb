"""Who is in an audience at this moment, as one query that any app can send to `{prefix}-profiles`.

Rules, segments and consent are in the query as they are, with the server's clock. What no query can say alone is
worked out when the audience is used and stands in `{prefix}-audiences`, where the query looks it up: the ids of a
file, the users nearest to a vector, the best of a limit by score. It is worked out again once profiles or products
were written since. A limit by a field of the profiles is a cut in the query itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from profilestore.campaigns.audience.compiling import TreeCompiler
from profilestore.campaigns.audience.definition import Definition, definition_of
from profilestore.campaigns.audience.likeness import Likeness
from profilestore.campaigns.audience.tree import Buyers, IdFile, Lookalike, VectorLeg, legs_of
from profilestore.campaigns.consent import has_consent, is_personalised
from profilestore.documents import AudienceDocument
from profilestore.elastic.audience_index import AudienceIndex, IdList
from profilestore.elastic.conditions import Compiler, profile_fields
from profilestore.elastic.conditions.tree import FieldName
from profilestore.elastic.field_owners import fields_of
from profilestore.elastic.index_identity import resolve_index, seq_nos
from profilestore.elastic.member_pages import MemberPages
from profilestore.errors import NotFound, UsageError
from profilestore.indexing.parts import Parts
from profilestore.insight.segments.rule_segments import RuleSegments

__all__ = ["Audience", "Membership", "Memberships"]

Query = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Audience:
    """A saved audience. `members` is how many were in it when it was built."""

    name: str
    definition: Definition
    created: datetime
    created_by: str
    members: int

    @classmethod
    def of(cls, document: AudienceDocument) -> Audience:
        """From its document."""
        assert document.definition is not None and document.created is not None
        return cls(
            document.name,
            definition_of(document.definition, source=f"audience {document.name}"),
            document.created,
            document.created_by or "",
            document.members or 0,
        )


@dataclass(frozen=True, slots=True)
class Membership:
    """Who is in an audience by one channel.

    Attributes:
        audience: which.
        channel: by which they are reached.
        query: finds them.
        reachable: the same without the limit.
        matched: the same without the limit and without asking for consent.
    """

    audience: Audience
    channel: str
    query: Query
    reachable: Query
    matched: Query


class Memberships:
    """Works memberships out."""

    def __init__(self, parts: Parts, *, index: AudienceIndex, pages: MemberPages) -> None:
        self._parts = parts
        self._index = index
        self._pages = pages
        self.likeness = Likeness(parts)
        self.insight = fields_of("insight", kind="profiles", settings=parts.settings)

    @property
    def rules(self) -> Compiler:
        """Reads conditions over profiles, with days of the shop's time zone."""
        settings = self._parts.settings
        return Compiler(profile_fields(settings), time_zone=settings.time_zone)

    def segment(self, name: str) -> Query:
        """The query of a segment by rule or by behaviour.

        Raises:
            NotFound: there is none.
        """
        return RuleSegments(self._parts).get(name).query

    def state(self) -> str:
        """Tells whether profiles or products were written since, and whether a day began."""
        settings, client = self._parts.settings, self._parts.client
        told: list[object] = [datetime.now(ZoneInfo(settings.time_zone)).date().isoformat()]
        for kind in ("profiles", "products"):
            identity = resolve_index(client, settings.index(kind))
            told += [identity.uuid, seq_nos(client, identity.index)[0][0]]
        return " ".join(map(str, told))

    def current(self, name: str, *, channel: str | None = None) -> Membership:
        """The membership of now.

        Args:
            name: of the audience.
            channel: another one than the definition's.

        Raises:
            NotFound: there is no such audience, or no segment of it any more.
        """
        document = self._index.get(name)
        if document is None:
            raise NotFound(
                "there is no audience of this name: `profilestore audience list` shows them.", kind="audience", id=name
            )
        return _Resolving(self, self._index, document, channel).membership()

    def refreshed(self) -> None:
        """Let searches see what was written."""
        self._pages.refresh()

    def cut(self, query: Query, definition: Definition) -> Query:
        """A query confined to the first `limit` by a field of the profiles, as it stands now."""
        path, order = self.order(definition)
        chosen = {"bool": {"filter": [query, {"exists": {"field": path}}, *self._personalised(path)]}}
        assert definition.limit is not None
        last = self._pages.place_of(chosen, field=path, order=order, n=definition.limit)
        if last is None:
            return chosen
        value, user_id = last
        before: Query = {"range": {path: {"gt" if order == "desc" else "lt": value}}}
        tied = {"bool": {"filter": [{"range": {path: {"gte": value, "lte": value}}},
                                    {"range": {"user_id": {"lte": user_id}}}]}}  # fmt: skip
        chosen["bool"]["filter"].append({"bool": {"should": [before, tied], "minimum_should_match": 1}})
        return chosen

    def _personalised(self, path: str) -> list[Query]:
        """Whoever is chosen by what insight believes is one of whom it may."""
        return [is_personalised()] if path.partition(".")[0] in self.insight else []

    def order(self, definition: Definition) -> tuple[str, str]:
        """The path of the number that a limit goes by, and asc or desc.

        Raises:
            UsageError: there is no such number.
        """
        name, _, order = (definition.by or "").partition(" ")
        field = self.rules.fields.find(FieldName(name, 0), condition=name)
        if field.kind != "number" or order.strip() not in ("", "asc", "desc"):
            raise UsageError("`by` is `score` or a number of the profiles, such as clv_90d or `spend_total asc`.")
        return field.path, order.strip() or "desc"


class _Resolving:
    """One audience being worked out."""

    def __init__(self, of: Memberships, index: AudienceIndex, document: AudienceDocument, channel: str | None) -> None:
        self._of = of
        self._index = index
        self._document = document
        self._audience = Audience.of(document)
        self._definition = self._audience.definition
        self._channel = channel or self._definition.channel
        self._held: dict[str, IdList] = dict(document.lists or {})
        self._fresh: dict[str, IdList] = {}
        self._state: str | None = None

    def membership(self) -> Membership:
        legs = [leg for leg, _ in legs_of(self._definition.members)]
        listed = {place: self._listed(place, leg) for place, leg in enumerate(legs)
                  if isinstance(leg, IdFile | Lookalike | Buyers)}  # fmt: skip
        tree = TreeCompiler(self._of.rules, self._of.insight, self._of.segment, listed.__getitem__)
        matched = tree.query(self._definition.members)
        reachable = {"bool": {"filter": [has_consent(self._channel), matched]}}
        query = self._limited(reachable)
        self._note(query)
        return Membership(self._audience, self._channel, query, reachable, matched)

    def _listed(self, place: int, leg: VectorLeg | IdFile) -> Query:
        if isinstance(leg, IdFile):
            return self._index.list_query(self._audience.name, self._held[str(place)])
        if leg.top is None and leg.min_score is None:
            return self._of.likeness.compared(leg).everybody()
        key, state = f"{place}:{self._channel}", self._current_state()
        made = self._held.get(key)
        if made is None or made.get("state") != state:
            ids = self._of.likeness.ids(leg, channel=self._channel)
            made = self._fresh[key] = self._index.write_list(self._audience.name, ids, state=state)
        return self._index.list_query(self._audience.name, made)

    def _limited(self, query: Query) -> Query:
        definition = self._definition
        if definition.limit is None:
            return query
        if definition.by not in (None, "score"):
            return self._of.cut(query, definition)
        digest = hashlib.sha256(orjson.dumps([query, definition.limit], option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
        key, state = f"limit:{self._channel}", f"{self._current_state()} {digest}"
        made = self._held.get(key)
        if made is None or made.get("state") != state:
            legs = {place: leg for place, (leg, positive) in enumerate(legs_of(definition.members))
                    if positive and isinstance(leg, Lookalike | Buyers)}  # fmt: skip
            ids = self._of.likeness.best(legs, among=query, n=definition.limit)
            made = self._fresh[key] = self._index.write_list(self._audience.name, ids, state=state)
        # Who took consent back since, or opted out, is left out by the query itself.
        kept = self._index.list_query(self._audience.name, made)
        return {"bool": {"filter": [query, kept, is_personalised()]}}

    def _current_state(self) -> str:
        if self._state is None:
            # Read before the refresh: what is written in between is seen now and looked at again next time.
            self._state = self._of.state()
            self._of.refreshed()
        return self._state

    def _note(self, query: Query) -> None:
        if len(self._fresh) == 0:
            return
        lists = self._index.replaced(self._held, self._fresh)
        fields = {"lists": lists, "query": query, "used": datetime.now(UTC)}
        self._index.note(self._audience.name, created=self._document.created, fields=fields)
        self._index.sweep(self._audience.name)
