"""Who of a campaign is to be written to at this moment, with what -> a file for mail, SMS, WeChat or ad platforms.

Consent, personalisation and whether a product is still on sale are looked at as the file is written, whatever they
were when the campaign started.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from profilestore.campaigns.audience.exporting import check_fields
from profilestore.campaigns.consent import has_consent
from profilestore.campaigns.export_file import PLAIN_COLUMN, ExportFile, csv_line, json_line
from profilestore.campaigns.running.assigning import OFF
from profilestore.campaigns.running.preparing import details
from profilestore.campaigns.running.records import Campaign
from profilestore.campaigns.running.requests import WITHOUT_PRODUCT
from profilestore.elastic.audience_index import inline_query
from profilestore.elastic.audit_log import AuditLog
from profilestore.elastic.campaign_index import CampaignIndex
from profilestore.elastic.member_pages import MemberPages
from profilestore.elastic.product_index import ProductIndex
from profilestore.errors import UsageError
from profilestore.insight.spreadsheets import reads_as_formula
from profilestore.settings import Settings

__all__ = ["CampaignExport", "CampaignExportReport"]

_TREATED: Final = {
    "bool": {
        "filter": [{"term": {"arm": "treatment"}}],
        "must_not": [{"exists": {"field": "withheld"}}, WITHOUT_PRODUCT],
    }
}
_OF_PRODUCTS: Final = ("product_id", "product_title", "reasons")
_OF_PLACES: Final = ("channel", "contact_at", "ends", "offer", "code", *_OF_PRODUCTS)


@dataclass(frozen=True, slots=True)
class CampaignExportReport:
    """What an export did.

    Attributes:
        campaign: whose users they are.
        users: in the file.
        held_back: consent withdrawn, personalisation switched off, or the product off sale, at that moment.
        contact_at: not to be contacted before, UTC.
        quiet_hours: nor in these, on the clock of the shop's time zone.
        file: where they are.
        audit: the id of the audit's line.
    """

    campaign: str
    users: int
    held_back: int
    contact_at: datetime | None
    quiet_hours: str | None
    file: str
    audit: str

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        return asdict(self)


class CampaignExport:
    """One export, checked before anything is done.

    Args:
        settings: of the shop.
        path: of the file.
        fields: of the profiles, beside what the campaign says.
        plain_ids: the users' ids as they are, not their pseudonyms.

    Raises:
        UsageError: a field that profiles do not have, or a suffix other than .csv and .jsonl.
        InputError: there is no such folder.
        SettingsError: pseudonyms are wanted, and the shop has no key.
    """

    def __init__(self, settings: Settings, path: Path, *, fields: Sequence[str], plain_ids: bool) -> None:
        check_fields(fields)
        if PLAIN_COLUMN in fields:
            raise UsageError("the id is there already: ask for plain ids where it is to be the plain one.")
        self._fields = tuple(fields)
        self._file = ExportFile(settings, path, plain_ids=plain_ids)
        self._held_back = 0

    def run(
        self, campaign: Campaign, *, index: CampaignIndex, pages: MemberPages, products: ProductIndex, audit: AuditLog,
        now: datetime,
    ) -> CampaignExportReport:  # fmt: skip
        """Write the file and the audit.

        Raises:
            UsageError: the campaign does not run, or a code cannot stand in a CSV file as it is.
            InputError: the file cannot be written.
        """
        if campaign.definition is None or campaign.phase(now) != "running":
            raise UsageError(f"campaign {campaign.name} is {campaign.phase(now)}: nobody is written to.")
        told = details(campaign.definition, dict(campaign.counts)) | {"fields": list(self._fields)}
        written, entry = self._file.write(
            lambda: self._lines(campaign, index, pages, products), audit=audit, subject=campaign.name, details=told,
            header=[self._file.id_column, *_OF_PLACES, *self._fields],
        )  # fmt: skip
        quiet = campaign.definition.quiet_hours
        return CampaignExportReport(
            campaign.name, written, self._held_back, campaign.contact_at, None if quiet is None else str(quiet),
            str(self._file.path), entry.id,
        )  # fmt: skip

    def _lines(
        self, campaign: Campaign, index: CampaignIndex, pages: MemberPages, products: ProductIndex
    ) -> Iterator[list[bytes]]:
        fields = (*_OF_PLACES, "unless")
        for places in index.assignments(campaign.name, fields=fields, query=_TREATED):
            users = [place["user_id"] for place in places]
            agreed = {"bool": {"filter": [has_consent(campaign.channel or ""), inline_query(users)]}}
            found = {member.user_id: member for page in pages.read(agreed, fields=self._fields) for member in page}
            on_sale = _on_sale(products, places)
            lines = []
            for place in places:
                member = found.get(place["user_id"])
                held = _still_offered(place, on_sale)
                if held is None or member is None or (member.opted_out and place.get("unless") == OFF):
                    self._held_back += 1
                else:
                    lines.append(self._line(held, member.fields))
            yield lines

    def _line(self, place: Mapping[str, Any], fields: Mapping[str, Any]) -> bytes:
        id = self._file.id_of(place["user_id"])
        if self._file.is_csv:
            reasons = "; ".join(place.get("reasons", ()))
            told = [reasons if name == "reasons" else place.get(name) for name in _OF_PLACES]
            _check_code(place.get("code"))
            return csv_line([id, *told, *(fields.get(name) for name in self._fields)])
        held = {name: place[name] for name in _OF_PLACES if name in place}
        return json_line({self._file.id_column: id, **held, **{k: v for k, v in fields.items() if k in self._fields}})


def _check_code(code: str | None) -> None:
    """A code must reach its user as it is, and what a spreadsheet would run must not stand in a file for one."""
    if code is not None and reads_as_formula(code):
        raise UsageError(
            "a code begins as formulas of spreadsheets do (=, +, -, @): CSV would have to change it. Export to a "
            ".jsonl file, which has codes as they are."
        )


def _on_sale(products: ProductIndex, places: Sequence[Mapping[str, Any]]) -> set[str]:
    """Which of the products of these places are still there and not off sale."""
    offered = sorted({place["product_id"] for place in places if "product_id" in place})
    if len(offered) == 0:
        return set()
    found = products.read(products.identity().index, offered, fields=["deleted"])
    return {product_id for product_id, (source, _) in found.items() if source.get("deleted") is not True}


def _still_offered(place: Mapping[str, Any], on_sale: set[str]) -> Mapping[str, Any] | None:
    """What is left of an offer without a product that is off sale: a coupon is worth having alone."""
    if "product_id" not in place or place["product_id"] in on_sale:
        return place
    if place["offer"] == "product":
        return None
    return {name: value for name, value in place.items() if name not in _OF_PRODUCTS}
