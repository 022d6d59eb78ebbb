"""Campaigns: an audience, an offer, a period, a budget and a control group. `shop.campaigns`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profilestore.campaigns.audience.audiences import Audiences
from profilestore.campaigns.coupons.coupons import Coupons
from profilestore.campaigns.offering import OfferFilling
from profilestore.campaigns.report.power import DETECTED_LIFT
from profilestore.campaigns.report.reading import read_report
from profilestore.campaigns.report.report import CampaignReport
from profilestore.campaigns.running.definition import CampaignDefinition
from profilestore.campaigns.running.exporting import CampaignExport, CampaignExportReport
from profilestore.campaigns.running.planning import Plan, plan_of
from profilestore.campaigns.running.preparing import Preparing
from profilestore.campaigns.running.records import Campaign
from profilestore.campaigns.running.requests import offers_request
from profilestore.campaigns.running.starting import Started, Starting, check_same
from profilestore.campaigns.running.stopping import stop_campaign
from profilestore.documents import CampaignDocument
from profilestore.documents.base import to_utc
from profilestore.elastic.audit_log import AuditLog
from profilestore.elastic.campaign_index import CampaignIndex
from profilestore.elastic.field_owners import fields_of
from profilestore.elastic.member_pages import MemberPages
from profilestore.elastic.search import SearchFailure, search
from profilestore.errors import NotFound, ServerError
from profilestore.indexing.parts import Parts
from profilestore.recommend.answers import Answer

if TYPE_CHECKING:
    from profilestore.campaigns.importing.options import ImportFiles, ImportOptions, ImportReport

__all__ = ["Campaigns"]


class Campaigns:
    """The campaigns of one shop.

    Args:
        parts: of the shop.
        recommend: the answers of some users, in their order, told n and whether to explain.
        coupons: of the shop.
    """

    def __init__(self, parts: Parts, *, recommend: Callable[..., Iterable[Answer]], coupons: Coupons) -> None:
        self._parts = parts
        self._recommend = recommend
        self._coupons = coupons
        self._index = CampaignIndex(parts.client, alias=parts.settings.index("campaigns"))

    @property
    def index(self) -> CampaignIndex:
        """Where they stand."""
        return self._index

    @property
    def audit(self) -> AuditLog:
        """Who started, stopped and exported what."""
        settings = self._parts.settings
        return AuditLog(self._parts.client, alias=settings.index("audits"), actor=settings.actor)

    def plan(self, definition: CampaignDefinition, *, now: datetime | None = None) -> Plan:
        """What a start would do now: sizes, who is left out and why, overlaps, and what is to be expected.

        Nothing of the campaign is written.

        Raises:
            UsageError: it could not be started; says why.
            NotFound: there is no such audience.
        """
        moment = _moment(now)
        self._index.check()
        held = self._index.get(definition.name)
        if held is not None:
            check_same(held, definition)
        prepared = self._preparing().prepare(definition, now=moment)
        running = [each.name for each in self.all() if each.name != definition.name and each.is_open(moment)]
        overlaps = self._index.shared_with(running, prepared.selection.user_ids)
        return plan_of(prepared, overlaps=overlaps, state=None if held is None else held.state)

    def start(
        self,
        definition: CampaignDefinition,
        *,
        now: datetime | None = None,
        progress: Callable[[str], None] = lambda step: None,
    ) -> Started:
        """Start a campaign: its users and arms are drawn, and each gets a place, a contact of the week and an offer.

        A second start changes nothing; one that was broken off is gone on with. Two at once come to the same.

        Args:
            definition: of the campaign.
            now: the time of it.
            progress: is told how far it is.

        Raises:
            UsageError: it cannot be started (nothing was written), was stopped, or there is another of its name.
            NotFound: there is no such audience.
        """
        self._index.check()
        starting = Starting(
            self._parts, preparing=self._preparing(), index=self._index, filling=self._filling(),
            coupons=self._coupons, audit=self.audit, progress=progress,
        )  # fmt: skip
        return starting.start(definition, now=_moment(now))

    def stop(self, name: str) -> Campaign:
        """Stop a campaign at once and for good: apps find nothing of it any more. Again, it changes nothing.

        Raises:
            NotFound: there is no such campaign.
            UsageError: it was imported.
        """
        return stop_campaign(self._parts, self.get(name), index=self._index, audit=self.audit)

    def export(
        self, name: str, path: Path, *, fields: Sequence[str] = (), plain_ids: bool = False
    ) -> CampaignExportReport:
        """Write who is to be written to now, and with what, to a CSV or JSONL file, and a line to the audit.

        Args:
            name: of the campaign.
            path: of the file.
            fields: of the profiles, beside what the campaign says.
            plain_ids: the users' ids as they are, not their pseudonyms.

        Raises:
            NotFound: there is no such campaign.
            UsageError: it does not run; or see `CampaignExport`.
        """
        settings = self._parts.settings
        export = CampaignExport(settings, path, fields=fields, plain_ids=plain_ids)
        withheld = fields_of("insight", kind="profiles", settings=settings)
        pages = MemberPages(self._parts.client, alias=settings.index("profiles"), withheld=withheld)
        return export.run(
            self.get(name), index=self._index, pages=pages, products=self._parts.in_force.products, audit=self.audit,
            now=datetime.now(UTC),
        )  # fmt: skip

    def get(self, name: str) -> Campaign:
        """The campaign of a name.

        Raises:
            NotFound: there is none.
        """
        self._index.check()
        document = self._index.get(name)
        if document is None:
            raise NotFound(
                "there is no campaign of this name: `profilestore campaign list` shows them.", kind="campaign", id=name
            )
        return Campaign.of(document)

    def all(self) -> list[Campaign]:
        """All campaigns by name."""
        self._index.check()
        return [Campaign.of(document) for document in self._index.all()]

    def assignments(self, name: str, *, fields: Sequence[str] = (), page: int = 10_000) -> Iterator[dict[str, Any]]:
        """All users in a campaign with their arm and what they get, in order of their ids; memory holds a page.

        Raises:
            NotFound: there is no such campaign.
        """
        self.get(name)
        return (each for held in self._index.assignments(name, fields=fields, page=page) for each in held)

    def counts(self, name: str) -> dict[str, Any]:
        """How many users have which place in a campaign now: by arm, withheld by why, with a code, with a product.

        Raises:
            NotFound: there is no such campaign.
        """
        self.get(name)
        return self._index.counts(name)

    def place(self, name: str, user_id: str) -> CampaignDocument:
        """A user's place in a campaign.

        Raises:
            NotFound: there is no such campaign, or the user is not in it.
        """
        self.get(name)
        found = self._index.assignment(name, user_id)
        if found is None:
            raise NotFound(f"user {user_id} is not in campaign {name}.", kind="user", id=user_id)
        return found.document

    def places_of(self, user_id: str) -> list[CampaignDocument]:
        """All places of a user in campaigns, whatever came of them, the latest first."""
        self._index.check()
        return self._index.of_user(user_id)

    def offers_of(self, user_id: str) -> list[dict[str, Any]]:
        """What a user may be contacted with at this moment, as an app finds it with `offers_request`."""
        settings = self._parts.settings
        self._index.check()
        self._index.refresh()
        body = offers_request(settings, user_id, now=datetime.now(UTC))
        answer = search(self._parts.client, path=f"/{settings.index('campaigns')}/_search", body=body)
        if isinstance(answer, SearchFailure):
            raise ServerError(f"looking for a user's offers: Elasticsearch answers {answer.status} {answer.type}.")
        return [hit["_source"] for hit in answer.get("hits", {}).get("hits", [])]

    def offers_request(self, user_id: str) -> dict[str, Any]:
        """The request that an app sends to `{prefix}-campaigns/_search` for a user."""
        return offers_request(self._parts.settings, user_id, now=datetime.now(UTC))

    def report(
        self,
        name: str,
        *,
        now: datetime | None = None,
        lift: float = DETECTED_LIFT,
        progress: Callable[[str], None] = lambda step: None,
    ) -> CampaignReport:
        """What a campaign earned, as of now: treatment against control, by intention to treat; see `read_report`."""
        return read_report(self._parts, name, now=now, lift=lift, progress=progress)

    def import_past(self, files: ImportFiles, options: ImportOptions | None = None) -> ImportReport:
        """Take in campaigns that were run elsewhere; see `PastCampaigns.run`."""
        from profilestore.campaigns.importing.importing import PastCampaigns

        return PastCampaigns(self._parts).run(files, options)

    def _filling(self) -> OfferFilling:
        return OfferFilling(self._parts, recommend=self._recommend)

    def _preparing(self) -> Preparing:
        audiences = Audiences(self._parts, recommend=self._recommend)
        return Preparing(self._parts, audiences=audiences, filling=self._filling(), coupons=self._coupons)


def _moment(now: datetime | None) -> datetime:
    return datetime.now(UTC) if now is None else to_utc(now)
