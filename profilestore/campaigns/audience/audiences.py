"""Audiences: whom to write to, kept as definitions, and so always current. `shop.audiences`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

from profilestore.campaigns.audience.building import Checked, check_definition, check_name
from profilestore.campaigns.audience.definition import Definition
from profilestore.campaigns.audience.exporting import Export, ExportOptions, ExportReport, check_fields
from profilestore.campaigns.audience.membership import Audience, Membership, Memberships
from profilestore.campaigns.offers import Offers
from profilestore.documents import AudienceDocument
from profilestore.elastic.audience_index import AudienceIndex, IdList
from profilestore.elastic.audit_log import AuditLog
from profilestore.elastic.member_pages import Member, MemberPages
from profilestore.errors import NotFound, UsageError
from profilestore.indexing.parts import Parts
from profilestore.recommend.answers import Answer

__all__ = ["Audiences", "Built", "Overlap", "Size"]

_SEED = 7
# Of a query that looks lists up each page looks them up again: few large pages.
_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Size:
    """How many users an audience comes to, and where the others went.

    Attributes:
        matched: fulfil the definition; of these
        no_consent: gave none to the channel, and
        over_limit: are not among the best that the limit keeps.
        members: are left.
        opted_out: of the members switched personalisation off, and get no offer chosen for them.
    """

    matched: int
    no_consent: int
    over_limit: int
    members: int
    opted_out: int

    def to_json_dict(self) -> dict[str, int]:
        """As printed by `--json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Overlap:
    """`counts[i][j]`: users in both of two audiences; on the diagonal the members of one."""

    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Built:
    """An audience that was just made; `unknown` of the users it names have no profile yet."""

    audience: Audience
    size: Size
    unknown: int


class Audiences:
    """The audiences of one shop.

    Args:
        parts: of the shop.
        recommend: the answers of some users, in their order, told n and whether to explain.
    """

    def __init__(self, parts: Parts, *, recommend: Callable[..., Iterable[Answer]]) -> None:
        settings, client = parts.settings, parts.client
        self._settings = settings
        self._recommend = recommend
        self._parts = parts
        self._index = AudienceIndex(client, alias=settings.index("audiences"))
        plain = MemberPages(client, alias=settings.index("profiles"))
        self._memberships = Memberships(parts, index=self._index, pages=plain)
        withheld = self._memberships.insight
        self._pages = MemberPages(client, alias=settings.index("profiles"), withheld=withheld)

    @property
    def audit(self) -> AuditLog:
        """Who exported what."""
        return AuditLog(self._parts.client, alias=self._settings.index("audits"), actor=self._settings.actor)

    def build(
        self, name: str, definition: Definition, *, allow_unknown: bool = False, folder: Path | None = None
    ) -> Built:
        """Make an audience. All that the definition names is checked before anything is written.

        Args:
            name: by which it is asked for.
            definition: who is in it.
            allow_unknown: users of whom there is no profile are not an error.
            folder: where files of ids are; the working folder when None.

        Raises:
            UsageError: there is one of this name, or the audience matches nobody; more see `check_definition`.
        """
        check_name(name)
        self._index.check()
        if self._index.get(name) is not None:
            raise _exists(name)
        checked = check_definition(
            definition, of=self._memberships, pages=self._pages, folder=folder or Path(), allow_unknown=allow_unknown
        )
        document = self._write(name, checked)
        size = self.size(name)
        self._index.note(name, created=document.created, fields={"members": size.members})
        return Built(self.get(name), size, checked.unknown)

    def _write(self, name: str, checked: Checked) -> AudienceDocument:
        definition = checked.definition
        made: dict[str, IdList] = {}
        for place, ids in checked.files.items():
            made[str(place)] = self._index.write_list(name, ids)
        for place, ids in checked.nearest.items():
            made[f"{place}:{definition.channel}"] = self._index.write_list(name, ids, state=checked.state)
        document = AudienceDocument(
            kind="audience",
            name=name,
            description=definition.description or None,
            channel=definition.channel,
            limit=definition.limit,
            by=definition.by,
            definition=definition.to_json_dict(),
            seeds=checked.seeds or None,
            lists=made,
            created=datetime.now(UTC),
            created_by=self.audit.actor,
        )
        if not self._index.create(document):
            self._index.drop_lists(name, made.values())
            raise _exists(name)
        return document

    def get(self, name: str) -> Audience:
        """The audience of a name.

        Raises:
            NotFound: there is none.
        """
        document = self._index.get(name)
        if document is None:
            raise _missing(name)
        return Audience.of(document)

    def all(self) -> list[Audience]:
        """All audiences by name."""
        return [Audience.of(document) for document in self._index.all()]

    def remove(self, name: str) -> None:
        """Forget an audience and its lists.

        Raises:
            NotFound: there is none.
        """
        if not self._index.remove(name):
            raise _missing(name)

    def current(self, name: str, *, channel: str | None = None) -> Membership:
        """Who is in it now, as a query; by another channel than the definition's where one is given.

        Raises:
            NotFound: there is no such audience, or what it is made of is gone.
        """
        return self._memberships.current(name, channel=channel)

    def count(self, name: str, *, channel: str | None = None) -> int:
        """How many are in it now."""
        return self._pages.count(self.current(name, channel=channel).query)

    def size(self, name: str, *, channel: str | None = None) -> Size:
        """How many are in it now, and where the others went."""
        membership = self.current(name, channel=channel)
        off = {"bool": {"filter": [membership.query, {"term": {"personalisation": "off"}}]}}
        matched, reachable, members, opted_out = self._pages.count_all(
            [membership.matched, membership.reachable, membership.query, off]
        )
        return Size(matched, matched - reachable, reachable - members, members, opted_out)

    def overlap(self, names: Sequence[str]) -> Overlap:
        """How many users two audiences share, for all pairs.

        Raises:
            UsageError: fewer than two names, or more than 50.
            NotFound: there is no such audience.
        """
        wanted = tuple(dict.fromkeys(names))
        if not 2 <= len(wanted) <= 50:
            raise UsageError("name 2 to 50 audiences.")
        queries = [self.current(name).query for name in wanted]
        pairs = list(combinations(range(len(wanted)), 2))
        both = [{"bool": {"filter": [queries[i], queries[j]]}} for i, j in pairs]
        found = self._pages.count_all([*queries, *both])
        counts = [[found[i] if i == j else 0 for j in range(len(wanted))] for i in range(len(wanted))]
        for (i, j), count in zip(pairs, found[len(wanted) :], strict=True):
            counts[i][j] = counts[j][i] = count
        return Overlap(wanted, tuple(tuple(row) for row in counts))

    def members(
        self, name: str, *, fields: Sequence[str] = (), channel: str | None = None, page: int = _PAGE
    ) -> Iterator[Member]:
        """The members of now with those fields of their profiles, in order of their ids; memory holds a page.

        Raises:
            UsageError: a field that profiles do not have, or that is not handed out.
        """
        check_fields(fields)
        membership = self.current(name, channel=channel)
        return (member for held in self._pages.read(membership.query, fields=fields, page=page) for member in held)

    def sample(self, name: str, *, n: int = 10, fields: Sequence[str] = ()) -> list[Member]:
        """Some of the members, drawn at random, the same ones as long as no profile is written."""
        check_fields(fields)
        return self._pages.sample(self.current(name).query, n=n, seed=_SEED, fields=fields)

    def export(self, name: str, path: Path, options: ExportOptions | None = None) -> ExportReport:
        """Write the members of now to a CSV or JSONL file, and a line to the audit.

        Raises:
            SettingsError: pseudonyms are wanted, as they are by default, and the shop has no key.
            UsageError: a field that profiles do not have, a suffix other than .csv and .jsonl, or nobody is in it.
            InputError: the file cannot be written.
        """
        options = options or ExportOptions()
        export = Export(self._settings, options, path)  # all that can be wrong with it is told before
        membership = self.current(name, channel=options.channel)
        offers = Offers(self._parts, recommend=self._recommend, n=options.offers, explain=options.explain,
                        fresh=options.fresh)  # fmt: skip
        return export.run(membership, pages=self._pages, offers=offers, audit=self.audit)


def _exists(name: str) -> UsageError:
    return UsageError(f"there is an audience {name} already: remove it first, or take another name.")


def _missing(name: str) -> NotFound:
    return NotFound(
        "there is no audience of this name: `profilestore audience list` shows them.", kind="audience", id=name
    )
