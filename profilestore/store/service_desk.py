"""The service desk's card of a user: insight's blocks, with what to offer and the campaigns put in, and the audit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from profilestore.campaigns.desk.campaign_block import campaign_block, find_participation
from profilestore.campaigns.desk.offer_block import find_offers, offer_block
from profilestore.elastic.audit_log import AuditLog
from profilestore.elastic.member_pages import Member
from profilestore.indexing.parts import Parts
from profilestore.insight.card.staff.staff_card import OWN, StaffCards
from profilestore.insight.card.user_card import Card, CardLanguage
from profilestore.recommend.answers import Answer

__all__ = ["STAFF_VIEW", "audited_staff_card", "staff_card"]

STAFF_VIEW = "staff-view"


def audited_staff_card(
    parts: Parts, user_id: str, *, recommend: Callable[..., Iterable[Answer]], language: CardLanguage
) -> Card:
    """The card, with a line in the audit that is there before anything was read.

    The line says who looked at a profile and when, also where there is no such user; as every line of the audit it
    names no user, so that nothing is left in it of one who is forgotten.
    """
    settings = parts.settings
    audit = AuditLog(parts.client, alias=settings.index("audits"), actor=settings.actor)
    entry = audit.begin(STAFF_VIEW, subject="profile", details={"language": language})
    try:
        card = staff_card(parts, user_id, recommend=recommend, language=language)
    except BaseException as error:
        audit.fail(entry, error=type(error).__name__)
        raise
    audit.finish(entry, count=1)
    return card


def staff_card(
    parts: Parts, user_id: str, *, recommend: Callable[..., Iterable[Answer]], language: CardLanguage
) -> Card:
    """The card as of now.

    Args:
        parts: of the shop.
        user_id: whose.
        recommend: as `shop.recommend_many`.
        language: of all words but the shop's own.

    Raises:
        NotFound: nothing is known of this user.
        NotInitialised: a shop of an earlier version has no campaigns yet.
    """
    settings, now = parts.settings, datetime.now(UTC)
    cards = StaffCards(parts)
    known = cards.known(user_id)
    off = known.profile.get("personalisation") == "off"
    card = cards.card(known, language=language, now=now)
    offers = find_offers(parts, Member(user_id, {}, off), recommend=recommend, language=language)
    part = find_participation(parts, user_id, consent=known.profile.get("consent") or [], off=off)
    return card.with_blocks(
        offer_block(offers, off=off, currency=settings.currency, language=language),
        campaign_block(part, language=language, time_zone=settings.time_zone, now=now),
        before=OWN,
    )
