"""Starting a campaign: a plan frozen by one create, then carried out by whoever comes by, as often as they like.

1. Users and arms are chosen and written as two lists. Then the campaign's record is created, which names them. Of
   several that start it at once one has its record; the others drop their lists and go on with that one's.
2. The record is carried out: coupons are made, each user gets their place. All of that may be repeated, so that a
   start that was killed is gone on with by the next.
3. The campaign runs: its state says so, and the document in which apps look up what runs.

So whoever dies when, the users and arms are those of one plan, and no more of them are written to than the budget pays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from profilestore.campaigns.coupons.coupons import Coupons
from profilestore.campaigns.offering import OfferFilling
from profilestore.campaigns.running.assigning import BELIEFS, OFF, Assigning, Frozen
from profilestore.campaigns.running.definition import CampaignDefinition
from profilestore.campaigns.running.lists import list_name
from profilestore.campaigns.running.pools import pool_of
from profilestore.campaigns.running.preparing import Prepared, Preparing, details
from profilestore.campaigns.running.records import Campaign
from profilestore.campaigns.running.stopping import after_stop
from profilestore.documents import CampaignDocument
from profilestore.elastic.audience_index import AudienceIndex
from profilestore.elastic.audit_log import AuditLog
from profilestore.elastic.campaign_index import CampaignIndex
from profilestore.elastic.member_pages import Member
from profilestore.elastic.running_campaigns import renew_running
from profilestore.elastic.withdrawing import withdraw_beliefs
from profilestore.errors import CouponRefused, UsageError
from profilestore.indexing.parts import Parts

__all__ = ["Started", "Starting", "check_same"]

_AT_ONCE: Final = 5000
Outcome = Literal["started", "gone-on", "unchanged", "stopped"]
_GONE_ON: Final = "gone-on"


@dataclass(frozen=True, slots=True)
class Started:
    """What a start did: `started`; `gone-on` with one that was begun; left one `unchanged` that runs; or the campaign
    was `stopped` meanwhile."""

    campaign: Campaign
    outcome: Outcome


class Starting:
    """Starts campaigns of one shop.

    Args:
        parts: of the shop.
        preparing: of campaigns.
        index: of campaigns.
        filling: of offers with products.
        coupons: of campaigns.
        audit: of the shop.
        progress: is told how far it is.
    """

    def __init__(
        self, parts: Parts, *, preparing: Preparing, index: CampaignIndex, filling: OfferFilling, coupons: Coupons,
        audit: AuditLog, progress: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._parts = parts
        self._alias = parts.settings.index("campaigns")
        self._lists = AudienceIndex(parts.client, alias=parts.settings.index("audiences"))
        self._preparing = preparing
        self._index = index
        self._filling = filling
        self._coupons = coupons
        self._audit = audit
        self._progress = progress

    def start(self, definition: CampaignDefinition, *, now: datetime) -> Started:
        """Start a campaign, go on with a start that was broken off, or leave one that runs as it is.

        Raises:
            UsageError: it cannot be started, or there is another of its name.
            NotFound: there is no such audience.
        """
        name = definition.name
        held = self._index.get(name)
        outcome: Outcome = _GONE_ON
        if held is None:
            held, outcome = self._freeze(self._preparing.prepare(definition, now=now))
        check_same(held, definition)
        if held.state == "stopped":
            raise UsageError(f"campaign {name} was stopped, and is not started again: take another name.")
        if held.state == "running":
            self._finish(held)
            return Started(Campaign.of(held), "unchanged")
        if held.ends is not None and held.ends <= now:
            raise UsageError(f"campaign {name} was never started whole, and its period is over: stop it.")
        entry = self._audit.begin(
            "campaign-start", subject=name, details=details(definition, {**(held.counts or {}), "as": outcome})
        )
        try:
            self._carry_out(held, definition)
            ended = self._finish(held)
        except BaseException as error:
            self._audit.fail(entry, error=type(error).__name__)
            raise
        self._audit.finish(entry, count=(held.counts or {})["treatment"])
        return Started(Campaign.of(ended), "stopped" if ended.state == "stopped" else outcome)

    def _freeze(self, prepared: Prepared) -> tuple[CampaignDocument, Outcome]:
        """The record of the campaign, this one or that of whoever was first."""
        name, chosen = prepared.definition.name, prepared.selection
        self._progress(f"{chosen.treatment:,} users in treatment, {chosen.control:,} in control")
        lists = {
            "treatment": self._lists.write_list(list_name(name), chosen.ids(treated=True)),
            "control": self._lists.write_list(list_name(name), chosen.ids(treated=False)),
        }
        record = _record(prepared, lists, by=self._audit.actor)
        if self._index.create(record):
            return record, "started"
        first = self._index.get(name)
        assert first is not None  # campaigns are not deleted
        if first.lists == lists:  # ours, after all: a write whose answer is lost is sent again, and meets itself
            return first, "started"
        self._lists.drop_lists(list_name(name), lists.values())
        return first, _GONE_ON

    def _carry_out(self, record: CampaignDocument, definition: CampaignDefinition) -> None:
        """Give all users of the lists their places; ends early once the campaign is stopped."""
        counts, lists = record.counts or {}, record.lists or {}
        pool = pool_of(definition.offer, treatment=counts["treatment"])
        if pool is not None:
            self._progress(f"making {pool.size:,} coupons{'' if pool.caution is None else f'; note: {pool.caution}'}")
            self._coupons.open_pool(definition.name, pool, value=definition.offer.value)
        assigning = Assigning(
            _frozen(record, definition), index=self._index, places=self._preparing.places, filling=self._filling,
            coupons=self._coupons, pages=self._preparing.pages,
        )  # fmt: skip
        for arm, assign in (("treatment", assigning.treat), ("control", assigning.leave)):
            if not self._each(definition.name, lists[arm], assign, what=f"{counts[arm]:,} users in {arm}"):
                return
            self._withdraw(definition.name, lists[arm])
        if pool is not None:
            self._coupons.settle(definition.name)

    def _withdraw(self, name: str, made: dict[str, Any]) -> None:
        """Who opted out between the reading of their profile and the writing of their place loses what is believed."""
        self._index.refresh()
        off = {"term": {"personalisation": "off"}}
        query = {"bool": {"filter": [off, self._lists.list_query(list_name(name), made)]}}
        for page in self._preparing.pages.read(query):
            withdraw_beliefs(self._parts.client, self._parts.settings, [member.user_id for member in page])

    def _each(self, name: str, made: dict[str, Any], assign: Callable[[Sequence[Member]], None], *, what: str) -> bool:
        """Whether all of a list have their places; False where the campaign was stopped meanwhile."""
        done = 0
        for page in self._preparing.pages.read(self._lists.list_query(list_name(name), made), fields=BELIEFS):
            for begin in range(0, len(page), _AT_ONCE):
                if self._is_stopped(name):
                    return False
                part = page[begin : begin + _AT_ONCE]
                try:
                    assign(part)
                except CouponRefused:
                    if not self._is_stopped(name):
                        raise
                    return False
                done += len(part)
                self._progress(f"{done:,} of {what} have their place")
        return True

    def _is_stopped(self, name: str) -> bool:
        held = self._index.get(name)
        return held is not None and held.state == "stopped"

    def _finish(self, record: CampaignDocument) -> CampaignDocument:
        """Let the campaign run, unless it was stopped; and drop its lists, those of starts that died too."""
        assert record.campaign is not None
        name = record.campaign
        told = self._index.counts(name) if record.state == "starting" else {}

        def running(held: CampaignDocument) -> CampaignDocument:
            if held.state != "starting":
                return held
            counts = {**(held.counts or {}), "withheld": told["withheld"]}
            return held.model_copy(update={"state": "running", "lists": None, "counts": counts})

        ended = self._index.change(name, running)
        if ended.state == "stopped":
            after_stop(self._parts, Campaign.of(ended))
            return ended
        renew_running(self._parts.client, alias=self._alias, now=datetime.now(UTC))
        self._lists.remove(list_name(name))
        return ended


def check_same(held: CampaignDocument, definition: CampaignDefinition) -> None:
    """Raise UsageError where the campaign of this name is another one."""
    name = definition.name
    if held.imported is True:
        raise UsageError(f"campaign {name} was imported: take another name.")
    was, wanted = held.definition or {}, definition.to_json_dict()
    differing = sorted(key for key in was.keys() | wanted.keys() if was.get(key) != wanted.get(key))
    if len(differing) > 0:
        raise UsageError(
            f"there is another campaign {name}, which differs in {', '.join(differing)}: a campaign does not change "
            "once it is started; take another name."
        )


def _record(prepared: Prepared, lists: dict[str, Any], *, by: str) -> CampaignDocument:
    definition, timing = prepared.definition, prepared.timing
    quiet = definition.quiet_hours
    return CampaignDocument(
        kind="campaign",
        campaign=definition.name,
        state="starting",
        description=definition.description or None,
        audience=definition.audience,
        channel=prepared.channel,
        starts=timing.starts,
        ends=definition.ends,
        contact_at=timing.contact_at,
        week=timing.week,
        budget=definition.budget,
        offer=definition.offer.kind,
        definition=definition.to_json_dict(),
        counts=prepared.counts(),
        lists=lists,
        unless=OFF if prepared.is_scored else None,
        quiet=None if quiet is None else quiet.minutes(),
        created=datetime.now(UTC),
        created_by=by,
    )


def _frozen(record: CampaignDocument, definition: CampaignDefinition) -> Frozen:
    assert record.channel is not None and record.contact_at is not None and record.week is not None
    return Frozen(
        definition=definition,
        channel=record.channel,
        contact_at=record.contact_at,
        week=record.week,
        is_scored=record.unless == OFF,
    )
