"""An audience -> a CSV or JSONL file for mail, SMS, WeChat or ad platforms, with a line in the audit.

Members are read, given their products and written a page at a time; see `export_file.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from profilestore.campaigns.audience.membership import Membership
from profilestore.campaigns.export_file import PLAIN_COLUMN, ExportFile, csv_line, json_line
from profilestore.campaigns.offers import OfferList, Offers
from profilestore.documents import ProfileDocument
from profilestore.elastic.audit_log import AuditLog
from profilestore.elastic.member_pages import Member, MemberPages
from profilestore.errors import UsageError
from profilestore.settings import Settings

__all__ = ["Export", "ExportOptions", "ExportReport", "check_fields"]

# A page looks the lists of the query up again, so it is large; products are found for fewer users at once.
_PAGE: Final = 10_000
_AT_ONCE: Final = 1000
_NOT_HANDED_OUT: Final = frozenset(("state", "taste_items", "text_vector", "topic_vector", "taste_vector"))
# Fields with keys of their own.
_KEYED: Final = frozenset(("attributes", "event_counts", "insight_as_of"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What stands in the file.

    Attributes:
        fields: of the profiles, in the order of the columns; `attributes.NAME` for the shop's own.
        plain_ids: the users' ids as they are, not their pseudonyms.
        offers: recommended products a user.
        explain: reasons of those that are asked for.
        fresh: ask for all of them, whatever the last nightly run stored.
        channel: another one than the definition's.
    """

    fields: tuple[str, ...] = ()
    plain_ids: bool = False
    offers: int = 0
    explain: bool = False
    fresh: bool = False
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export did; `audit` is the id of its line."""

    audience: str
    members: int
    file: str
    audit: str

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        return asdict(self)


def check_fields(fields: Sequence[str]) -> None:
    """Raise UsageError for a field that profiles do not have, or that is not handed out."""
    known = set(ProfileDocument.model_fields) - _NOT_HANDED_OUT
    for name in fields:
        root, dot, rest = name.partition(".")
        if not (name in known if dot == "" else root in _KEYED and rest != ""):
            told = ", ".join(sorted(known))
            raise UsageError(f"profiles have no field {name} to hand out. Fields: {told}, attributes.NAME.")


class Export:
    """One export, checked before anything is done.

    Args:
        settings: of the shop.
        options: what stands in the file.
        path: of the file.

    Raises:
        UsageError, SettingsError: see `Audiences.export`.
    """

    def __init__(self, settings: Settings, options: ExportOptions, path: Path) -> None:
        check_fields(options.fields)
        if not options.plain_ids and PLAIN_COLUMN in options.fields:
            raise UsageError("the plain id is no field beside its pseudonym: ask for plain ids instead.")
        if not 0 <= options.offers <= 100:
            raise UsageError("0 to 100 products a user.")
        self._options = options
        self._file = ExportFile(settings, path, plain_ids=options.plain_ids)

    def run(self, membership: Membership, *, pages: MemberPages, offers: Offers, audit: AuditLog) -> ExportReport:
        """Write the file and the audit.

        Raises:
            UsageError: nobody is in the audience.
            InputError: the file cannot be written.
        """
        audience = membership.audience
        if pages.count(membership.query) == 0:
            raise UsageError(f"nobody is in {audience.name} now: there is nothing to export.")
        options = self._options
        details = {
            # Who is named in a definition is somebody: the audit says how many they are.
            "definition": _unnamed(audience.definition.to_json_dict()), "channel": membership.channel,
            "fields": list(options.fields), "offers": options.offers,
        }  # fmt: skip
        written, entry = self._file.write(
            lambda: self._lines(membership, pages, offers), audit=audit, subject=audience.name, details=details,
            header=self._header(),
        )  # fmt: skip
        return ExportReport(audience.name, written, str(self._file.path), entry.id)

    def _lines(self, membership: Membership, pages: MemberPages, offers: Offers) -> Iterator[list[bytes]]:
        line = self._csv if self._file.is_csv else self._jsonl
        for page in pages.read(membership.query, fields=self._options.fields, page=_PAGE):
            for start in range(0, len(page), _AT_ONCE):
                part = page[start : start + _AT_ONCE]
                found = offers.of(part)
                yield [line(member, found.get(member.user_id)) for member in part]

    def _columns(self) -> list[str]:
        return [name for name in self._options.fields if name != PLAIN_COLUMN]

    def _header(self) -> list[str]:
        places = range(1, self._options.offers + 1)
        offered = [f"{what}_{place}" for place in places for what in ("product", "title", "price", "reason")]
        return [self._file.id_column, *self._columns(), *offered]

    def _csv(self, member: Member, found: OfferList | None) -> bytes:
        cells = [self._file.id_of(member.user_id), *(member.fields.get(name) for name in self._columns())]
        offers = () if found is None else found.offers
        for place in range(self._options.offers):
            offer = offers[place] if place < len(offers) else None
            cells += ["", "", "", ""] if offer is None else [
                offer.product_id, offer.title, offer.price, "; ".join(offer.reasons)
            ]  # fmt: skip
        return csv_line(cells)

    def _jsonl(self, member: Member, found: OfferList | None) -> bytes:
        held: dict[str, Any] = {self._file.id_column: self._file.id_of(member.user_id)}
        held |= {name: member.fields[name] for name in self._columns() if name in member.fields}
        if self._options.offers > 0:
            held["offers"] = [] if found is None else [offer.to_json_dict() for offer in found.offers]
        return json_line(held)


def _unnamed(value: Any) -> Any:
    """A definition with the number of users in the place of those it names."""
    if isinstance(value, dict):
        return {key: len(each) if key == "lookalike" else _unnamed(each) for key, each in value.items()}
    return [_unnamed(each) for each in value] if isinstance(value, list) else value
