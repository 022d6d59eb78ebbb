"""The service desk's blocks on offers and campaigns, in both languages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from profilestore import Event
from profilestore.campaigns.desk.campaign_block import Participation, campaign_block, redeemed_by
from profilestore.campaigns.desk.offer_block import offer_block
from profilestore.campaigns.desk.words import WORDS
from profilestore.campaigns.offers import Offer, OfferList
from profilestore.campaigns.running.assigning import USED_UP
from profilestore.documents import CampaignDocument

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def campaign(name: str, **fields: Any) -> CampaignDocument:
    return CampaignDocument(kind="campaign", campaign=name, **{"state": "running", "starts": NOW - 9 * DAY, **fields})


def place(name: str = "spring", *, ends: float = 9.5, **fields: Any) -> CampaignDocument:
    given = {"arm": "treatment", "channel": "mail", "offer": "message", **fields}
    return CampaignDocument(kind="assignment", campaign=name, user_id="u7", ends=NOW + ends * DAY, **given)


def said(*places: CampaignDocument, language: str = "en", state: str = "running", **fields: Any) -> list[str]:
    campaigns = {each.campaign or "": campaign(each.campaign or "", state=state) for each in places}
    part = Participation(places, **{"campaigns": campaigns, "consent": ["mail"], **fields})
    block = campaign_block(part, language=language, time_zone="UTC", now=NOW)
    return [f"{entry.label}: {' '.join(entry.said)}" for entry in block.entries]


def test_what_they_get_and_whether_it_was_used() -> None:
    code = place(code="SPRING10", offer="coupon", contact_at=NOW - DAY)
    assert said(code) == [
        "spring: now, until 2026-12-02; by mail; coupon SPRING10; not redeemed; contact was due on 2026-11-22"
    ]
    used = said(code, redeemed={"spring": NOW - DAY})
    assert "coupon SPRING10; redeemed on 2026-11-22" in used[0]
    assert "coupon not taken yet" in said(place(offer="coupon"))[0]
    assert "contact is due on 2026-11-24" in said(place(contact_at=NOW + DAY))[0]
    assert "product red cup" in said(place(offer="product", product_id="p", product_title="red cup"))[0]


def test_what_is_held_back_and_why() -> None:
    assert said(place(withheld=USED_UP))[0].endswith("nothing is sent: the contacts allowed in a week were used up")
    assert said(place(withheld="of another reason"))[0].endswith("nothing is sent: of another reason")
    assert "they no longer agree to mail" in said(place(contact_at=NOW), consent=[])[0]
    assert said(place(arm="control", code=None)) == [
        "spring: now, until 2026-12-02; control group: gets nothing on purpose, do not make up for it"
    ]
    chosen = place(offer="product", product_id="p", product_title="red cup", unless="off")
    held = said(chosen, off=True)[0]
    assert "it was chosen for them" in held
    assert "red cup" not in held
    assert "red cup" in said(chosen)[0]


def test_an_end_at_midnight_is_that_of_the_day_before() -> None:
    assert "until 2026-11-30" in said(place(ends=7.5))[0]  # 2026-12-01T00:00


@pytest.mark.parametrize(("state", "told"), [("running", "now, until"), ("stopped", "stopped; by mail")])
def test_a_campaign_that_was_stopped_says_so(state: str, told: str) -> None:
    assert told in said(place(), state=state)[0]


def test_those_that_run_stand_first_and_the_rest_is_counted() -> None:
    places = [place(f"c{n}", ends=ends) for n, ends in enumerate((-300, -20, 5, -95, 9, -10, -30))]
    told = said(*places)
    assert [each.partition(":")[0] for each in told] == ["c4", "c2", "c5", "c1", "", ""]
    assert told[4:] == [": and 1 more", ": in 2 earlier, the last until 2026-08-20"]
    assert said() == [": in none, now or in the last 90 days"]


def test_of_one_run_elsewhere_and_of_one_whose_record_is_gone() -> None:
    old = place(ends=-5, channel=None, offer=None)
    assert said(old, campaigns={"spring": campaign("spring", imported=True)}) == [
        "spring: run elsewhere; was until 2026-11-18"
    ]
    assert said(old, campaigns={}) == ["spring: was until 2026-11-18"]


def test_a_coupon_counts_from_its_first_use() -> None:
    acts = [Event(user_id="u7", type="coupon_redeem", time=NOW - n * DAY, campaign=name)
            for n, name in ((1, "a"), (3, "a"), (2, "b"), (4, None))]  # fmt: skip
    acts.append(Event(user_id="u7", type="coupon_claim", time=NOW - 9 * DAY, campaign="a"))
    assert redeemed_by(acts) == {"a": NOW - 3 * DAY, "b": NOW - 2 * DAY}


def test_offers_say_where_they_are_from_and_why() -> None:
    mug = Offer("p1", "blue mug", 5.0, ("because you bought red mug", "and more"))
    stored = offer_block(OfferList((mug,), "taste", "2026-11-22T01:00:00Z"), off=False, currency="EUR", language="en")
    assert stored.lead == ("their list of 2026-11-22:",)
    assert stored.entries[0].said == ("1. blue mug (5.00 EUR), because you bought red mug",)
    bare = offer_block(OfferList((Offer("p2", None, None),), "popular"), off=True, currency="EUR", language="en")
    assert bare.lead == (WORDS["en"]["off"],)
    assert bare.entries[0].said == ("1. p2, because many customers choose it",)
    none = offer_block(OfferList((), "taste"), off=False, currency="EUR", language="zh")
    assert (none.lead, none.entries[0].said) == ((), (WORDS["zh"]["no_products"],))


def test_all_words_are_there_in_chinese() -> None:
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    assert [key for key, words in WORDS["zh"].items() if re.search("[A-Za-z]{3}", re.sub("{.*?}", "", words))] == []
    chinese = said(place(withheld="no product"), place("b", arm="control"), place("c", code="X", offer="coupon"),
                   language="zh", redeemed={"c": NOW})  # fmt: skip
    own = re.compile("spring|mail")
    assert [each for each in chinese if re.search("[A-Za-z]{3}", own.sub("", each))] == []
