"""The service desk's card on a real server: what the log, the models and the campaigns say of one user, and no more."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from profilestore import Event, Product, ProfileStore, Settings, User
from profilestore.campaigns.running.assigning import USED_UP
from profilestore.documents import CampaignDocument
from profilestore.elastic.audit_log import AuditLog
from profilestore.elastic.campaign_index import CampaignIndex
from profilestore.elastic.temporary import erase_shop
from profilestore.errors import NotFound
from profilestore.insight.card.html import card_html
from profilestore.insight.card.screen import screen_text
from profilestore.insight.card.user_card import Card
from profilestore.insight.profiles import InsightProfiles

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
KEYS = ["who", "worth", "risk", "orders", "refunds", "interests", "offer", "campaigns", "own"]
BELIEVED = ("among the fifth", "87 %", "90 %", "stop buying", "Kitchen", "Netto")


def events() -> Iterator[Event]:
    for user in ("anna", "off"):
        for n, (product, days, state) in enumerate((("pot", 60, None), ("mug", 20, "delivered"), ("cup", 5, "sent"))):
            told: Any = None if state is None else {"status": state}
            yield Event(user_id=user, type="purchase", time=NOW - days * DAY, product_id=product, order_id=f"o{n}",
                        quantity=2, price=10.0 + n, attributes=told)  # fmt: skip
        yield Event(user_id=user, type="refund", time=NOW - 4 * DAY, product_id="mug", order_id="o1", quantity=1,
                    price=11.0, attributes={"refund_status": "requested"})  # fmt: skip
        yield Event(
            user_id=user, type="contact", time=NOW - 2 * DAY, order_id="o2", attributes={"topic": "lid missing"}
        )
        yield Event(user_id=user, type="coupon_redeem", time=NOW - 3 * DAY, campaign="spring")
    yield Event(user_id="looker", type="view", time=NOW - DAY, product_id="mug")
    for n in range(9):
        yield Event(user_id=f"other{n}", type="purchase", time=NOW - 30 * DAY, product_id="pan", price=5.0)


def place(campaign: str, user: str, **fields: object) -> CampaignDocument:
    return CampaignDocument(kind="assignment", campaign=campaign, user_id=user, assigned_at=NOW - 9 * DAY,
                            **{"arm": "treatment", "channel": "mail", **fields})  # type: ignore[arg-type]  # fmt: skip


def plant_campaigns(shop: ProfileStore) -> None:
    index = CampaignIndex(shop._client, alias=shop.settings.index("campaigns"))
    for name, ends in (("spring", NOW + 9 * DAY), ("cups", NOW + 8 * DAY), ("sale", NOW - 20 * DAY)):
        state = "running" if ends > NOW else "stopped"
        index.create(CampaignDocument(kind="campaign", campaign=name, state=state, starts=NOW - 40 * DAY))  # type: ignore[arg-type]
        for user in ("anna", "off"):
            if name == "spring":
                one = place(name, user, ends=ends, contact_at=NOW - 8 * DAY, offer="coupon", code="SPRING10")
            elif name == "cups":
                one = place(name, user, ends=ends, contact_at=NOW + DAY, offer="product", product_id="cup",
                            product_title="red cup", unless="off", channel="sms")  # fmt: skip
            else:
                one = place(name, user, ends=ends, withheld=USED_UP)
            index.write_assignments([one])
    index.write_assignments([place("cups", "looker", arm="control", ends=NOW + 8 * DAY)])


@pytest.fixture(scope="module")
def shop(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProfileStore]:
    settings = Settings(home=tmp_path_factory.mktemp("desk"), prefix=f"t-{uuid.uuid4().hex[:12]}", actor="desk 4",
                        elasticsearch_url=server_url, text_model="words", currency="EUR")  # fmt: skip
    with ProfileStore.open(settings) as store:
        store.init()
        store.index_products(
            Product(product_id=id, title=title, category="Kitchen", brand="Netto", price=10.0)
            for id, title in (("pot", "iron pot"), ("mug", "blue mug"), ("cup", "red cup"), ("pan", "iron pan"),
                              ("jug", "red jug"), ("bowl", "blue bowl"))
        )  # fmt: skip
        store.index_events(events())
        attributes: dict[str, Any] = {
            "first_name": "Anna",
            "surname": "Ek",
            "email": "anna@ek.example",
            "card_number": "4111111111",
        }
        for user in ("anna", "off"):
            store.index_users([User(user_id=user, gender="female", age=41, city="Lyon", consent=["mail"],
                                    member_tier="gold", attributes=attributes)])  # fmt: skip
        store.index_users([User(user_id="paper", consent=[])])
        profiles = InsightProfiles(store._parts.in_force.profiles)
        profiles.write("value", lambda user, source: {"value_tier": "high"}, as_of=NOW)
        churn = {"churn_risk": 0.87, "churn_band": "high", "lifecycle": "at-risk", "churn_reasons": ["sent_back"]}
        profiles.write("churn", lambda user, source: churn, as_of=NOW)
        store.index_users([User(user_id="off", personalisation="off")])
        plant_campaigns(store)
        store.refresh_popularity()
        yield store
        erase_shop(store._client, settings)


def said(card: Card, key: str) -> str:
    (block,) = (block for block in card.blocks if block.key == key)
    return " | ".join([*block.lead, *(f"{entry.label}: {' '.join(entry.said)}" for entry in block.entries)])


def test_it_has_what_a_member_of_staff_needs(shop: ProfileStore) -> None:
    card = shop.staff_card("anna")
    assert [block.key for block in card.blocks][: len(KEYS)] == KEYS
    assert "Anna, Ek, anna@ek.example" in said(card, "who")
    assert "4111" not in screen_text(card)
    assert "write by: mail" in said(card, "who")
    assert "HIGH: among the fifth" in said(card, "worth")
    assert "3 orders for 55.00 EUR" in said(card, "worth")  # 20 + 22 + 24 less the refund of 11
    assert "high 87 %; a customer who may stop buying; because: sent goods back" in said(card, "risk")
    assert "Kitchen 100 %" in said(card, "interests")
    own = [block.key for block in shop.card("anna").blocks]
    assert [block.key for block in card.blocks][len(KEYS) :] == own


def test_the_last_orders_and_what_is_open_of_them(shop: ProfileStore) -> None:
    card = shop.staff_card("anna")
    days = [f"{NOW - days * DAY:%Y-%m-%d}" for days in (5, 20, 60)]
    first, second, third = said(card, "orders").split(" | ")
    assert first == f"{days[0]}: 24.00 EUR; 2 pieces; sent; red cup"
    assert second == f"{days[1]}: 22.00 EUR; 2 pieces; delivered; 11.00 EUR sent back; blue mug"
    assert third == f"{days[2]}: 20.00 EUR; 2 pieces; no state on file; iron pot"
    refund, question = said(card, "refunds").split(" | ")
    assert refund == f"refund: since {NOW - 4 * DAY:%Y-%m-%d}; 11.00 EUR; “requested”; order o1; blue mug"
    assert question == f"question: since {NOW - 2 * DAY:%Y-%m-%d}; lid missing; no answer on file; order o2"
    shop.record(Event(user_id="anna", type="contact", time=NOW, order_id="o2", attributes={"status": "answered"}))
    shop.record(Event(user_id="anna", type="contact", time=NOW, order_id="o1", attributes={"refund_status": "paid"}))
    assert said(shop.staff_card("anna"), "refunds").startswith(": none, as the log has it; the last was 11.00 EUR")


def test_what_to_offer_has_a_reason_to_say_aloud(shop: ProfileStore) -> None:
    english, chinese = (said(shop.staff_card("anna", language=language), "offer") for language in ("en", "zh"))
    assert english.startswith("asked now: | : 1. ")
    assert not any(title in english.partition("because")[0] for title in ("pot", "mug", "cup"))  # they have these
    assert "because you" in english
    assert "因为您" in chinese


def test_the_list_of_the_nightly_run_is_shown_with_its_day(shop: ProfileStore) -> None:
    shop.recommend_all(n=3, explain=True)
    assert said(shop.staff_card("anna"), "offer").startswith(f"their list of {datetime.now(UTC):%Y-%m-%d}: | : 1. ")
    assert said(shop.staff_card("anna", language="zh"), "offer").startswith("即时推荐")  # its reasons are English


def test_the_campaigns_they_are_in_and_lately_were(shop: ProfileStore) -> None:
    spring, cups, sale = said(shop.staff_card("anna"), "campaigns").split(" | ")
    assert spring.startswith("spring: now, until ")
    assert "by mail; coupon SPRING10; redeemed on " in spring
    assert "contact was due on " in spring
    assert "product red cup" in cups
    assert "held back: they no longer agree to sms" in cups
    assert "nothing is sent: the contacts allowed in a week" in sale
    control = said(shop.staff_card("looker"), "campaigns")
    assert "control group: gets nothing on purpose" in control


def test_who_switched_personalisation_off_is_no_subject_of_beliefs(shop: ProfileStore) -> None:
    # A mistake left a score standing.
    shop._client.update(index=shop.settings.index("profiles"), id="off", doc={"churn_risk": 0.9, "value_tier": "high"})
    card = shop.staff_card("off")
    text = screen_text(card)
    assert card.blocks[0].key == "off"
    assert "Personalisation is OFF" in text.splitlines()[2] + text.splitlines()[3]
    assert not any(belief in card_html(card) for belief in BELIEVED)
    assert "Nothing is chosen for them" in said(card, "offer")
    assert "1. iron pan (10.00 EUR), because 9 customers chose it" in said(card, "offer")
    assert "held back: it was chosen for them" in said(card, "campaigns")
    assert "red cup" not in said(card, "campaigns")
    assert "3 orders for 55.00 EUR" in said(card, "worth")  # a record
    assert "24.00 EUR" in said(card, "orders")


def test_a_user_without_orders_and_one_without_acts(shop: ProfileStore) -> None:
    looker, paper = shop.staff_card("looker"), shop.staff_card("paper")
    for card in (looker, paper):
        assert said(card, "orders") == ": no orders yet"
        assert said(card, "refunds") == ": none, as the log has it"
        assert "no name on file" in said(card, "who")
        assert "no channel: they agreed to none" in said(card, "who")
    assert "Nothing is known of their taste" in said(paper, "offer")
    assert said(paper, "campaigns") == ": in none, now or in the last 90 days"


def test_the_audit_says_who_looked_and_names_nobody(shop: ProfileStore) -> None:
    audit = AuditLog(shop._client, alias=shop.settings.index("audits"))
    before = len(audit.list())
    shop.staff_card("anna", language="zh")
    with pytest.raises(NotFound):
        shop.staff_card("nobody")
    failed, done = (entry.line for entry in audit.list()[: len(audit.list()) - before])
    assert (done.action, done.subject, done.who, done.state, done.count) == (
        "staff-view",
        "profile",
        "desk 4",
        "done",
        1,
    )
    assert done.details == {"language": "zh"}
    assert (failed.state, failed.error) == ("failed", "NotFound")
    assert "anna" not in str(done)
    assert "nobody" not in str(failed)


def test_a_forgotten_user_has_no_card(shop: ProfileStore) -> None:
    shop.record(Event(user_id="gone", type="purchase", time=NOW, product_id="mug", price=1.0))
    assert "1.00 EUR" in said(shop.staff_card("gone"), "orders")
    shop.forget("gone")
    with pytest.raises(NotFound):
        shop.staff_card("gone")
