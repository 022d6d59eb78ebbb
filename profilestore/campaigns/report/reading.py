"""The report of a campaign of the shop: its assignments and the event log, read and compared."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from profilestore.campaigns.report.campaign_log import read_campaign_log
from profilestore.campaigns.report.known_users import read_known_users
from profilestore.campaigns.report.outcomes import outcomes_of
from profilestore.campaigns.report.participants import ASKED, Participants, participants_of
from profilestore.campaigns.report.power import DETECTED_LIFT
from profilestore.campaigns.report.report import CampaignReport, make_report
from profilestore.campaigns.report.sections import Observational
from profilestore.campaigns.report.terms import CampaignTerms
from profilestore.elastic.campaign_index import CampaignIndex
from profilestore.elastic.member_pages import MemberPages
from profilestore.errors import NotFound, TooLittleData, UsageError
from profilestore.indexing.parts import Parts

__all__ = ["read_participants", "read_report", "read_terms"]


def read_terms(parts: Parts, name: str) -> CampaignTerms:
    """The terms of a campaign.

    Raises:
        NotFound: there is none of this name.
        TooLittleData: it is being started, and not everybody has their place yet; or it was stopped by then.
    """
    index = CampaignIndex(parts.client, alias=parts.settings.index("campaigns"))
    index.check()
    document = index.get(name)
    if document is None:
        raise NotFound(
            "there is no campaign of this name: `profilestore campaign list` shows them.", kind="campaign", id=name
        )
    if document.state == "starting":
        raise TooLittleData(f"campaign {name} is not wholly started: `profilestore campaign start` goes on with it.")
    if document.state == "stopped" and document.imported is not True and "withheld" not in (document.counts or {}):
        # Noted when it begins to run; until then no app, export or claim finds it.
        raise TooLittleData(f"campaign {name} was stopped while it was being started: nobody was written to.")
    return CampaignTerms.of(document)


def read_participants(parts: Parts, name: str, *, now: datetime) -> Participants:
    """All users that a campaign drew; who has personalisation off is in the totals alone."""
    settings = parts.settings
    profiles = MemberPages(parts.client, alias=settings.index("profiles"))
    off = frozenset(member.user_id for page in profiles.read({"term": {"personalisation": "off"}}) for member in page)
    index = CampaignIndex(parts.client, alias=settings.index("campaigns"))
    return participants_of(index.assignments(name, fields=ASKED), now=now, opted_out=off)


def read_report(
    parts: Parts,
    name: str,
    *,
    now: datetime | None = None,
    lift: float = DETECTED_LIFT,
    progress: Callable[[str], None] = lambda step: None,
) -> CampaignReport:
    """What a campaign earned, as of now.

    Args:
        parts: of the shop.
        name: of the campaign.
        now: what came later is not known; the clock's when None.
        lift: the effect its control group should be large enough for, as a share of what that group does.
        progress: is told how far it is.

    Raises:
        NotFound: there is no such campaign.
        TooLittleData: it has not begun, or nobody is in it.
        UsageError: a lift that cannot be meant.
    """
    if not 0.0 < lift <= 10.0:
        raise UsageError("the effect to be seen is above 0: 0.2 is a fifth more buyers than without the campaign.")
    at = datetime.now(UTC) if now is None else now
    terms = read_terms(parts, name)
    progress(f"reading who is in {name}")
    people = read_participants(parts, name, now=at)
    log = read_campaign_log(parts, people.user_ids, campaigns=(name,), starts=terms.starts, until=at, progress=progress)
    outcomes = outcomes_of(log, campaign=name, starts=terms.starts, until=min(at, terms.counted_until))
    unlike: Observational | None = None
    if len(people) > 0 and not people.has_control and at > terms.starts:
        unlike = read_known_users(parts, now=at, progress=progress).compare(
            name, people.user_ids, starts=terms.starts, ends=min(at, terms.counted_until),
            currency=parts.settings.currency,
        )  # fmt: skip
    return make_report(terms, people, outcomes, now=at, currency=parts.settings.currency, lift=lift, unlike=unlike)
