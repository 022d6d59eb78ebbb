"""The service desk's view: what is open, what the last orders were, and that it stays on one screen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from profilestore import Event
from profilestore.insight.card.columns import columns, cut, fitted
from profilestore.insight.card.html import card_html
from profilestore.insight.card.parts import Block, Entry, Known
from profilestore.insight.card.printable import printable
from profilestore.insight.card.screen import HEIGHT, WIDTH, screen_text
from profilestore.insight.card.staff.cases import open_cases
from profilestore.insight.card.staff.orders import orders_of
from profilestore.insight.card.staff.service_case import ServiceCase
from profilestore.insight.card.staff.staff_card import OWN, build_staff_card
from profilestore.insight.card.staff.states import is_closed, is_open, refund_state
from profilestore.insight.card.text import card_text
from profilestore.insight.card.user_card import Card, CardLanguage
from profilestore.insight.records import InsightRecord

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOSTILE = "<script>alert(1)</script>\x1b[2J\x1b]0;owned\x07\u202egnirts\r\nforged line"


def act(kind: str, days: float, product: str | None = "mug", **fields: Any) -> Event:
    own: dict[str, Any] = {} if kind == "contact" else {"product_id": product, "price": 10.0}
    return Event.model_validate({"user_id": "u7", "type": kind, "time": NOW - days * DAY, **own, **fields})


def cases_of(*events: Event) -> list[str]:
    return [f"{case.kind} {case.state}" for case in open_cases(events, now=NOW)]


# ------------------------------------------------------------------ states


@pytest.mark.parametrize(
    "said", ["requested", "In Progress", "under_review", "Refund-Requested", "return requested", "refundPending",
             "returning", "refund pending approval", "退款中", "申请退款", "待退款", "处理中"]
)  # fmt: skip
def test_words_that_wait(said: str) -> None:
    assert is_open(said)
    assert not is_closed(said)


@pytest.mark.parametrize(
    "said", ["refunded", "Closed", "refund rejected", "returned", "已退款", "done", "return_completed"]
)
def test_words_that_are_done_with(said: str) -> None:
    assert is_closed(said)
    assert not is_open(said)


@pytest.mark.parametrize("said", ["delivered", "level 2", "已发货", "B"])
def test_a_word_that_is_not_known_opens_nothing(said: str) -> None:
    assert not is_open(said)
    assert not is_closed(said)


def test_which_attribute_says_how_a_refund_stands() -> None:
    assert refund_state({"refundStatus": " open ", "status": "sent"}, is_refund=False) == "open"
    assert refund_state({"Return-Status": "open"}, is_refund=False) == "open"
    assert refund_state({"退款状态": "退款中"}, is_refund=False) == "退款中"
    assert refund_state({"status": "pending"}, is_refund=False) is None  # that of the order
    assert refund_state({"status": "pending"}, is_refund=True) == "pending"
    assert refund_state({"status": "return requested"}, is_refund=False) == "return requested"
    assert refund_state({"status": 7, "refund_status": ""}, is_refund=True) is None
    assert refund_state(None, is_refund=True) is None


# ------------------------------------------------------------------ open cases


def test_a_refund_is_settled_unless_it_says_otherwise() -> None:
    assert cases_of(act("refund", 3)) == []
    assert cases_of(act("refund", 3, attributes={"status": "requested"})) == ["refund requested"]
    assert cases_of(act("refund", 3, attributes={"status": "refunded"})) == []
    assert cases_of(act("refund", 400, attributes={"status": "requested"})) == []


def test_the_last_word_on_an_order_counts() -> None:
    wished = act("purchase", 9, order_id="o1", attributes={"refund_status": "requested"})
    assert cases_of(wished) == ["refund requested"]
    assert cases_of(wished, act("refund", 2, order_id="o1")) == []
    assert cases_of(wished, act("refund", 2, order_id="o2")) == ["refund requested"]
    assert cases_of(wished, act("refund", 2, product="cup", order_id="o1")) == ["refund requested"]
    assert cases_of(wished, act("refund", 2, order_id="o1", attributes={"status": "processing"})) == [
        "refund processing"
    ]
    assert cases_of(wished, act("contact", 1, order_id="o1", attributes={"refund_status": "rejected"})) == []
    given = act("refund", 5, order_id="o1", attributes={"status": "requested"})
    assert cases_of(given, act("contact", 1, order_id="o1", attributes={"refund_status": "paid"})) == []
    assert cases_of(given, act("contact", 1, order_id="o2", attributes={"refund_status": "paid"})) == [
        "refund requested"
    ]
    of_another = act("contact", 1, order_id="o1", product_id="cup", attributes={"refund_status": "paid"})
    assert cases_of(given, of_another) == ["refund requested"]
    # A word from before says nothing of it.
    assert cases_of(act("contact", 8, order_id="o1", attributes={"refund_status": "paid"}), given) == [
        "refund requested"
    ]


def test_a_question_waits_for_an_answer() -> None:
    asked = act("contact", 5, order_id="o1", attributes={"topic": "lid"})
    assert cases_of(asked) == ["question None"]
    assert cases_of(asked, act("contact", 3, attributes={"direction": "outbound"})) == []
    assert cases_of(asked, act("contact", 3, order_id="o1", attributes={"status": "resolved"})) == []
    assert cases_of(asked, act("contact", 3, order_id="o2", attributes={"status": "resolved"})) == ["question None"]
    assert cases_of(act("contact", 40)) == []
    assert cases_of(act("contact", 40, attributes={"status": "open"})) == ["question open"]
    assert cases_of(act("contact", 5, attributes={"status": "closed"})) == []
    assert cases_of(act("contact", -5)) == []  # dated ahead


# ------------------------------------------------------------------ orders


def test_lines_of_one_number_or_one_instant_are_one_order() -> None:
    numbered = [act("purchase", 9, "a", order_id="o1", price=3.0, quantity=2), act("purchase", 8, "b", order_id="o1")]
    orders = orders_of([*numbered, act("purchase", 2, "c"), act("purchase", 2, "d"), act("view", 1, "a")])
    assert [(each.products, each.pieces, each.amount) for each in orders] == [
        (("c", "d"), 2.0, 20.0), (("b", "a"), 3.0, 16.0),
    ]  # fmt: skip


def test_what_was_sent_back_is_taken_from_its_own_line() -> None:
    bought = [act("purchase", 9, order_id="o1", quantity=2), act("purchase", 5, order_id="o2")]
    (late, early) = orders_of([*bought, act("refund", 1, order_id="o1")])
    assert (early.sent_back, early.back, late.sent_back) == ("part", 10.0, "none")
    (late, early) = orders_of([*bought, act("refund", 1)])  # no number: the latest line of the product
    assert (early.sent_back, late.sent_back, late.back) == ("none", "all", 10.0)
    (late, early) = orders_of([*bought, act("refund", 1, purchase_time=NOW - 9 * DAY, quantity=2, price=None)])
    assert (early.sent_back, early.back, late.sent_back) == ("all", 20.0, "none")
    (late, early) = orders_of([*bought, act("refund", 1, quantity=9)])
    assert (early.sent_back, late.sent_back) == ("all", "all")
    assert orders_of([act("refund", 1)]) == []


def test_the_latest_line_says_the_state() -> None:
    told = [act("purchase", 9, "a", order_id="o1", attributes={"status": "sent"}),
            act("purchase", 8, "b", order_id="o1", attributes={"Order Status": "delivered"}),
            act("purchase", 7, "c", order_id="o1")]  # fmt: skip
    assert [order.state for order in orders_of(told)] == ["delivered"]
    assert [order.state for order in orders_of([act("purchase", 9)])] == [None]


# ------------------------------------------------------------------ the card


def profile(**more: Any) -> dict[str, Any]:
    return {
        "user_id": "u7", "gender": "female", "age": 41, "city": "Lyon", "consent": ["mail"], "personalisation": "on",
        "first_seen": "2026-01-02T08:00:00Z", "last_seen": "2026-11-01T08:00:00Z", "order_count": 3,
        "spend_total": 120.5, "last_purchase": "2026-10-02T08:00:00Z", "member_tier": "gold",
        "category_shares": [{"name": "Kitchen", "share": 0.7}], "brand_shares": [{"name": "Netto", "share": 1.0}],
        "value_tier": "high", "rfm_segment": "loyal", "clv_90d": 33.0, "clv_90d_low": 0.0, "clv_90d_high": 81.0,
        "expected_purchases_90d": 1.25, "purchase_30d": 0.21, "churn_risk": 0.87, "churn_band": "high",
        "churn_reasons": ["sent_back", "irregular"], "lifecycle": "at-risk", "sentiment_label": "negative",
        "odd_flags": ["refunds"], "rising_categories": ["Tea"], "next_purchase_at": "2026-12-05",
        "next_purchase_product": "mug", "attributes": {"first_name": "Anna", "iban": "FR761234", "mobile": 5550123},
        **more,
    }  # fmt: skip


def known(records: Mapping[str, InsightRecord] | None = None, **more: Any) -> Known:
    return Known(profile(**more), records or {}, {"mug": "blue mug"}, "EUR")


def card_of(
    it: Known, language: CardLanguage = "en", events: list[Event] | None = None, title: str = "blue mug"
) -> Card:
    acts = events if events is not None else [act("purchase", n, order_id=f"o{n}") for n in range(5)]
    case = ServiceCase(it, orders_of(acts), open_cases(acts, now=NOW), None, {"mug": title})
    return build_staff_card(case, language=language, shop="shop", now=NOW)


def test_it_is_the_customers_own_card_with_more_on_it() -> None:
    keys = [block.key for block in card_of(known()).blocks]
    assert keys == ["who", "worth", "risk", "orders", "refunds", "interests", OWN, "told", "acts", "beliefs", "used",
                    "objecting"]  # fmt: skip
    text = " ".join(screen_text(card_of(known())).split())
    for told in ("Anna, 5550123", "member: gold", "HIGH: among the fifth", "3 orders for 120.50 EUR, 40.17 each",
                 "about 33.00 EUR (0.00 to 81.00); 1.2 purchases", "a chance of 21 %", "high 87 %",
                 "because: sent goods back, buys at very uneven intervals", "refunds", "mostly not content",
                 "Kitchen 70 %", "Tea", "blue mug; about 2026-12-05"):  # fmt: skip
        assert told in text
    assert "FR761234" not in text


def test_a_model_that_beat_nothing_is_doubted() -> None:
    record = InsightRecord("churn", {}, accepted=False)
    assert "(no better than a simple guess)" in screen_text(card_of(known({"churn": record})))
    assert "no better" not in screen_text(card_of(known({"churn": replace(record, accepted=True)})))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_is_believed_of_who_switched_personalisation_off(language: CardLanguage) -> None:
    card = card_of(known(personalisation="off"), language)
    text = screen_text(card)
    assert {"en": "Personalisation is OFF", "zh": "个性化已关闭"}[language] in text.splitlines()[3]
    believed = ("33.00", "21 %", "87 %", "Kitchen", "Netto", "Tea", "2026-12-05", "loyal", "回购", "uneven")
    assert [word for word in believed if word in text] == []
    assert "120.50 EUR" in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_word_of_it_is_in_the_language_asked_for(language: CardLanguage) -> None:
    waiting = act("refund", 3, attributes={"status": "requested"})
    card = card_of(known(), language, [act("purchase", 9), waiting, act("contact", 2)])
    english = [
        len(block.entries) for block in card_of(known(), "en", [act("purchase", 9), waiting, act("contact", 2)]).blocks
    ]
    assert [len(block.entries) for block in card.blocks] == english
    if language == "zh":
        own = re.compile(
            r"Anna|Lyon|gold|Kitchen|Netto|Tea|blue mug|requested|EUR|UTC|shop|u7|mug|mail|profile show --card"
        )
        own_blocks = [block for block in card.blocks if block.brief or block.key == OWN]
        words = [card.title, card.about, *(said for block in own_blocks for said in (block.title, *block.lead))]
        words += [said for block in own_blocks for entry in block.entries for said in (entry.label, *entry.said)]
        assert [text for text in words if re.search("[A-Za-z]{3}", own.sub("", text))] == []


def test_a_user_of_whom_nothing_is_known_has_a_card_all_the_same() -> None:
    card = card_of(Known({"user_id": "u7"}, {}, {}, "EUR"), events=[])
    text = screen_text(card)
    for told in (
        "no name on file",
        "no channel",
        "no orders yet",
        "nothing is believed yet",
        "none, as the log has it",
    ):
        assert told in text


# ------------------------------------------------------------------ one screen


def lines_of(card: Card) -> list[str]:
    return screen_text(card).splitlines()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("personalisation", ["on", "off"])
def test_it_fits_one_screen_however_much_there_is_to_say(language: CardLanguage, personalisation: str) -> None:
    long = "一个很长的商品名称 with words " * 20 + "x" * 300
    names = {f"{name}_name": long for name in ("first", "second", "third", "fourth", "fifth")}
    shares = [{"name": f"{long}{n}", "share": 0.1} for n in range(9)]
    events = [act("purchase", n + 1, order_id=f"o{n}", attributes={"status": long}) for n in range(9)]
    events += [act("refund", n / 10, attributes={"status": "requested"}) for n in range(1, 9)]
    it = known(attributes=names, category_shares=shares, brand_shares=shares, city=long, rising_topics=[long] * 5,
               personalisation=personalisation)  # fmt: skip
    card = card_of(it, language, events, title=long)
    offers = Block("offer", "What to offer", (long,), tuple(Entry("", (f"{n}. {long}",)) for n in range(3)), brief=True)
    campaigns = Block("campaigns", "Campaigns", (), tuple(Entry(f"{n} {long}", (long,)) for n in range(6)), brief=True)
    lines = lines_of(card.with_blocks(offers, campaigns, before=OWN))
    assert len(lines) <= HEIGHT
    assert max(columns(line) for line in lines) <= WIDTH
    assert sum(line.endswith("…") for line in lines) > 5


def test_a_screen_with_room_sets_blocks_apart_and_cuts_nothing() -> None:
    lines = lines_of(card_of(known()))
    assert lines.count("") == 6
    assert not any("…" in line for line in lines)
    titles = [line.split("  ")[0] for line in lines[2:] if line != "" and not line.startswith(" ")]
    assert titles == ["Who", "Value", "Risk", "Last orders", "Open refunds", "Interests"]


def test_text_is_fitted_by_columns_and_cut_with_an_ellipsis() -> None:
    assert fitted("one two three", width=8, lines=2) == ["one two", "three"]
    assert fitted("one two three", width=8, lines=1) == ["one two…"]
    assert fitted("x" * 25, width=10, lines=2) == ["x" * 10, "x" * 9 + "…"]
    assert fitted("", width=10, lines=2) == [""]
    assert (cut("红茶杯", 5), cut("red", 3), columns("é"), columns("e\u0301")) == ("红茶…", "red", 1, 1)


# ------------------------------------------------------------------ hostile values


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)


def hostile_card(language: CardLanguage = "en") -> Card:
    events = [act("purchase", 2, attributes={"status": HOSTILE}), act("contact", 1, attributes={"topic": HOSTILE})]
    it = known(attributes={"first_name": HOSTILE}, city=HOSTILE, consent=[HOSTILE], member_tier=HOSTILE,
               category_shares=[{"name": HOSTILE, "share": 1.0}])  # fmt: skip
    card = card_of(it, language, events, title=HOSTILE)
    return card.with_blocks(Block("campaigns", "Campaigns", (), (Entry(HOSTILE, (HOSTILE,)),), brief=True), before=OWN)


def test_a_name_is_text_on_the_page_never_markup() -> None:
    page = card_html(hostile_card())
    assert "script" not in Tags(page).tags
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page
    assert "\u202e" not in page


@pytest.mark.parametrize("render", [screen_text, card_text])
def test_a_name_moves_no_cursor_and_forges_no_line(render: Any) -> None:
    text = render(hostile_card())
    assert [character for character in text if ord(character) < 32 and character != "\n"] == []
    assert "\u202e" not in text
    assert "\x07" not in text
    assert not any(line.lstrip().startswith("forged") and line.startswith("forged") for line in text.splitlines())


def test_what_is_printable_stays_as_it_is() -> None:
    plain = "Zoë 王小明 «a» 👩\u200d🍳 naïve e\u0301 \u200fעברית"
    assert printable(plain) == plain
    assert printable("a\tb\r\nc\u2028d") == "a b  c d"
    assert printable("\x00\x1b[31m\x9b\ud800\u2066") == "\ufffd\ufffd[31m\ufffd\ufffd\ufffd"
