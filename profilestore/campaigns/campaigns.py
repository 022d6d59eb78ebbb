"""Campaigns: an audience, an offer, a period, a budget and a control group. `shop.campaigns`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from profilestore.campaigns.running.records import Campaign
from profilestore.documents import CampaignDocument
from profilestore.elastic.audit_log import AuditLog
from profilestore.elastic.campaign_index import CampaignIndex
from profilestore.errors import NotFound
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
    """

    def __init__(self, parts: Parts, *, recommend: Callable[..., Iterable[Answer]]) -> None:
        self._parts = parts
        self._recommend = recommend
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

    def offers_of(self, user_id: str) -> list[CampaignDocument]:
        """All places of a user in campaigns, whatever came of them, the latest first."""
        self._index.check()
        return self._index.of_user(user_id)

    def import_past(self, files: ImportFiles, options: ImportOptions | None = None) -> ImportReport:
        """Take in campaigns that were run elsewhere; see `PastCampaigns.run`."""
        from profilestore.campaigns.importing.importing import PastCampaigns

        return PastCampaigns(self._parts).run(files, options)
