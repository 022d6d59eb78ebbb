"""What a member of staff can offer a customer, each with a reason to say aloud."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from profilestore.campaigns.desk.words import WORDS
from profilestore.campaigns.offers import POPULAR, Offer, OfferList, Offers
from profilestore.elastic.member_pages import Member
from profilestore.indexing.parts import Parts
from profilestore.insight.card.columns import cut
from profilestore.insight.card.parts import Block, Entry
from profilestore.recommend.answers import Answer
from profilestore.recommend.phrases import Language, Telling

__all__ = ["find_offers", "offer_block"]

_SHOWN: Final = 3
_TITLE_COLUMNS: Final = 60


def find_offers(
    parts: Parts, member: Member, *, recommend: Callable[..., Iterable[Answer]], language: Language
) -> OfferList:
    """The products of a user: their list of the last nightly run where it has reasons in this language, else asked now.

    Who switched personalisation off gets the popular ones.
    """
    if language == parts.settings.language:
        stored = Offers(parts, recommend=recommend, n=_SHOWN, explain=True).of([member])[member.user_id]
        if stored.method == POPULAR or all(len(offer.reasons) > 0 for offer in stored.offers):
            return stored
    telling = Telling(most=1, language=language)
    return Offers(parts, recommend=recommend, n=_SHOWN, explain=telling, fresh=True).of([member])[member.user_id]


def offer_block(found: OfferList, *, off: bool, currency: str, language: str) -> Block:
    """The block, pure.

    Args:
        found: the products, best first.
        off: whether the user switched personalisation off.
        currency: of the prices.
        language: en or zh.
    """
    words = WORDS[language]
    if len(found.offers) == 0:
        return Block("offer", words["offer"], entries=(Entry("", (words["no_products"],)),), brief=True)
    if off or found.method == POPULAR:
        lead = words["off" if off else "popular"]
    else:
        lead = words["asked"] if found.as_of is None else words["stored"].format(day=found.as_of[:10])
    told = [_said(offer, currency, language) for offer in found.offers]
    entries = tuple(Entry("", (f"{place}. {said}",)) for place, said in enumerate(told, start=1))
    return Block("offer", words["offer"], (lead,), entries, brief=True)


def _said(offer: Offer, currency: str, language: str) -> str:
    cost = "" if offer.price is None else f" ({offer.price:,.2f} {currency})"
    why = offer.reasons[0] if len(offer.reasons) > 0 else WORDS[language]["everybody"]
    title = cut(offer.title or offer.product_id, _TITLE_COLUMNS)  # the reason is what is said aloud
    return f"{title}{cost}{'，' if language == 'zh' else ', '}{why}"
