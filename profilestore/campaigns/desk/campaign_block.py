"""The campaigns that a customer is in, now and lately, with what they get, what is held back, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from profilestore.campaigns.desk.words import WITHHELD, WORDS
from profilestore.documents import CampaignDocument, Event
from profilestore.elastic.campaign_index import CampaignIndex
from profilestore.elastic.user_acts import latest_acts
from profilestore.indexing.parts import Parts
from profilestore.insight.card.columns import cut
from profilestore.insight.card.parts import Block, Entry

__all__ = ["Participation", "campaign_block", "find_participation"]

_SHOWN: Final = 4
_LATELY_DAYS: Final = 90
_ACTS: Final = 1000
_TITLE_COLUMNS: Final = 48
_LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Participation:
    """A user's places in campaigns.

    Attributes:
        places: in no order.
        campaigns: by name.
        redeemed: when a coupon of a campaign was redeemed, by the campaign's name.
        consent: the channels that the user agrees to now.
        off: whether personalisation is switched off.
    """

    places: Sequence[CampaignDocument] = ()
    campaigns: Mapping[str, CampaignDocument] = field(default_factory=dict)
    redeemed: Mapping[str, datetime] = field(default_factory=dict)
    consent: Sequence[str] = ()
    off: bool = False


def find_participation(parts: Parts, user_id: str, *, consent: Sequence[str], off: bool) -> Participation:
    """What the shop's campaigns and its log say of a user.

    Raises:
        NotInitialised: a shop of an earlier version has no campaigns yet.
    """
    settings = parts.settings
    index = CampaignIndex(parts.client, alias=settings.index("campaigns"))
    index.check()
    places = index.of_user(user_id)
    if len(places) == 0:
        return Participation(consent=consent, off=off)
    acts = latest_acts(
        parts.client, alias=settings.index("events"), user_id=user_id, types=["coupon_redeem"], n=_ACTS,
        future_limit_hours=settings.future_limit_hours,
    )  # fmt: skip
    campaigns = {each.campaign: each for each in index.all() if each.campaign is not None}
    return Participation(places, campaigns, redeemed_by(acts), consent, off)


def redeemed_by(acts: Iterable[Event]) -> dict[str, datetime]:
    """When a coupon of each campaign was first redeemed."""
    found: dict[str, datetime] = {}
    for act in acts:
        if act.type == "coupon_redeem" and act.campaign is not None:
            found[act.campaign] = min(act.time, found.get(act.campaign, act.time))
    return found


def campaign_block(part: Participation, *, language: str, time_zone: str, now: datetime) -> Block:
    """The block, pure: those that run first, then by their ends, the latest first; at most four in full.

    Args:
        part: the user's places.
        language: en or zh.
        time_zone: of the dates.
        now: the time of the card.
    """
    words, zone = WORDS[language], ZoneInfo(time_zone)
    lately = now - timedelta(days=_LATELY_DAYS)
    places = sorted(part.places, key=lambda place: place.campaign or "")
    places.sort(key=lambda place: (_runs(place, part, now), place.ends or _LONG_AGO), reverse=True)
    current = [place for place in places if place.ends is None or place.ends > lately]
    entries = [
        Entry(place.campaign or "", (_said(place, part, language, zone, now),)) for place in current[:_SHOWN]
    ]  # fmt: skip
    if len(current) > _SHOWN:
        entries.append(Entry("", (words["more"].format(count=len(current) - _SHOWN),)))
    earlier = [place.ends for place in places if place.ends is not None and place.ends <= lately]
    if len(current) == 0:
        entries.append(Entry("", (words["no_campaigns"].format(days=_LATELY_DAYS),)))
    if len(earlier) > 0:
        entries.append(Entry("", (words["earlier"].format(count=len(earlier), day=_day(max(earlier), zone)),)))
    return Block("campaigns", words["campaigns"], entries=tuple(entries), brief=True)


def _runs(place: CampaignDocument, part: Participation, now: datetime) -> bool:
    campaign = part.campaigns.get(place.campaign or "")
    stopped = campaign is not None and campaign.state == "stopped"
    return not stopped and place.ends is not None and place.ends > now


def _said(place: CampaignDocument, part: Participation, language: str, zone: ZoneInfo, now: datetime) -> str:
    words = WORDS[language]
    parts = [_when(place, part, language, zone, now)]
    if place.arm == "control":
        return _joined(language, *parts, words["control"])
    if place.channel is not None:
        parts.append(words["by"].format(channel=place.channel))
    if place.withheld is not None:
        why = WITHHELD.get(place.withheld, (place.withheld, place.withheld))[1 if language == "zh" else 0]
        return _joined(language, *parts, words["withheld"].format(why=why))
    parts.append(_offer(place, part, language, zone))
    if _runs(place, part, now):
        if part.off and place.unless == "off":
            parts.append(words["no_personalisation"])
        elif place.channel is not None and place.channel not in part.consent:
            parts.append(words["no_consent"].format(channel=place.channel))
        elif place.contact_at is not None:
            word = words["due" if place.contact_at <= now else "to_come"]
            parts.append(word.format(day=_day(place.contact_at, zone)))
    return _joined(language, *parts)


def _when(place: CampaignDocument, part: Participation, language: str, zone: ZoneInfo, now: datetime) -> str:
    words, campaign = WORDS[language], part.campaigns.get(place.campaign or "")
    imported = None if campaign is None or campaign.imported is not True else words["imported"]
    if place.ends is None:
        return _joined(language, imported)
    ends = _day(place.ends - timedelta(microseconds=1), zone)  # an end at midnight is that of the day before
    if place.ends <= now:
        return _joined(language, imported, words["over"].format(day=ends))
    if campaign is not None and campaign.state == "stopped":
        return _joined(language, imported, words["stopped"])
    starts = None if campaign is None else campaign.starts
    if starts is not None and starts > now:
        return _joined(language, imported, words["soon"].format(day=_day(starts, zone)))
    return _joined(language, imported, words["now"].format(day=ends))


def _offer(place: CampaignDocument, part: Participation, language: str, zone: ZoneInfo) -> str:
    words = WORDS[language]
    told: list[str] = []
    if place.offer == "message":
        told.append(words["message"])
    if place.code is not None:
        told.append(words["code"].format(code=place.code))
    elif place.offer == "coupon":
        told.append(words["no_code"])
    at = part.redeemed.get(place.campaign or "")
    if at is not None:
        told.append(words["redeemed"].format(day=_day(at, zone)))
    elif place.code is not None:
        told.append(words["not_redeemed"])
    if place.product_id is not None:
        # What was chosen for somebody is not shown once they said that nothing should be.
        shown = place.unless != "off" or not part.off
        if shown:
            title = cut(place.product_title or place.product_id, _TITLE_COLUMNS)
            told.append(words["product"].format(product=title))
    return _joined(language, *told)


def _joined(language: str, *parts: str | None) -> str:
    return ("；" if language == "zh" else "; ").join(part for part in parts if part)


def _day(time: datetime, zone: ZoneInfo) -> str:
    return f"{time.astimezone(zone):%Y-%m-%d}"
