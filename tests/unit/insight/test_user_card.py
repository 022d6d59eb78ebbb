"""A user's card: all that is believed is told in both languages, nothing that is absent, and nobody is named."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from profilestore.documents import EVENT_TYPES, ProfileDocument
from profilestore.errors import NotFound
from profilestore.insight.card.beliefs import BELIEFS
from profilestore.insight.card.facts import is_identifying
from profilestore.insight.card.html import card_html
from profilestore.insight.card.parts import Block, Entry, Known
from profilestore.insight.card.text import card_text
from profilestore.insight.card.user_card import Card, CardLanguage, build_card
from profilestore.insight.card.words import word_of
from profilestore.insight.churn.step import BANDS, LIFECYCLES
from profilestore.insight.churn.words import REASON_CODES
from profilestore.insight.groups import GROUPS
from profilestore.insight.odd.words import FLAGS
from profilestore.insight.records import InsightRecord
from profilestore.insight.value.rfm import TIERS

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
AS_OF = "2026-11-20T00:00:00.000Z"
FACTS = {
    "user_id": "u7", "gender": "female", "age": 41, "country": "FR", "consent": [], "personalisation": "on",
    "event_counts": {"view": 12, "purchase": 3, "refund": 0}, "events_total": 15, "first_seen": "2026-01-02T08:00:00Z",
    "last_seen": "2026-11-01T08:00:00Z", "first_purchase": "2026-02-02T08:00:00Z",
    "last_purchase": "2026-10-02T08:00:00Z", "order_count": 3, "purchase_count": 3, "spend_total": 120.5,
    "average_order_value": 40.17, "category_shares": [{"name": "Kitchen", "share": 0.7}, {"name": "Tea", "share": 0.3}],
    "seen_products": ["a", "b"], "purchased_products": ["a"],
}  # fmt: skip
BELIEVED: dict[str, dict[str, Any]] = {
    "value": {"value_tier": "high", "rfm_recency": 5, "rfm_frequency": 4, "rfm_monetary": 3, "rfm_segment": "loyal"},
    "lifetime": {"clv_90d": 33.0, "clv_90d_low": 0.0, "clv_90d_high": 81.0, "expected_purchases_90d": 1.25},
    "segments": {"segment": "Kitchen, browsers"},
    "rules": {"rule_segments": ["spenders"]},
    "churn": {"churn_risk": 0.87, "churn_band": "high", "churn_reasons": ["long_silence"], "lifecycle": "at-risk"},
    "propensity": {"purchase_30d": 0.21, "purchase_30d_categories": [{"category": "Tea", "probability": 0.1}]},
    "sentiment": {"sentiment_mean": -0.4, "sentiment_label": "negative"},
    "odd": {"odd_score": 0.9, "odd_flags": ["refunds"], "odd_facts": [
        {"flag": "refunds", "refunds": 4, "purchases": 5, "share": 0.8, "usual": 0.02}]},
    "map": {"map_pca_x": 0.1, "map_pca_y": -0.2, "map_tsne_x": 3.0, "map_tsne_y": 4.0},
    "interests": {"rising_categories": ["Tea"], "falling_categories": ["Garden"], "interest_drift": 0.4,
                  "next_purchase_at": "2026-12-05", "next_purchase_product": "a"},
}  # fmt: skip
# What of each group must stand on the card.
TOLD = {
    "value": "fifth of customers", "lifetime": "33.00 GBP", "segments": "Kitchen, browsers", "rules": "spenders",
    "churn": "87 %", "propensity": "21 %", "sentiment": "not content", "odd": "4 refunds on 5", "map": "(0.10, -0.20)",
    "interests": '"Earl Grey" again about 2026-12-05',
}  # fmt: skip


def known(*groups: str, **more: Any) -> Known:
    profile: dict[str, Any] = FACTS | {name: value for group in groups for name, value in BELIEVED[group].items()}
    records = {
        group: InsightRecord(group, {"as_of": AS_OF, "users": 900, "first_act": "2025-01-01", "last_act": "2026-11-19"},
                             figures={"customers": {"auc": {"mean": 0.81, "low": 0.8, "high": 0.82}}})
        for group in groups
    }  # fmt: skip
    profile |= {"insight_as_of": dict.fromkeys(groups, AS_OF)} | more
    return Known(profile, records, {"a": "Earl Grey"}, "GBP")


def card_of(it: Known, language: CardLanguage = "en") -> Card:
    return build_card(it, language=language, shop="shop", now=NOW)


def flat(card: Card) -> str:
    return " ".join(card_text(card).split())


class Page(HTMLParser):
    """The text of a page, its tags, and whatever it would load or run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.tags, self.loads = "", [], []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "srcset", "action", "onclick")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_group_of_fields_is_told_of() -> None:
    assert {belief.group for belief in BELIEFS} == set(GROUPS) == set(BELIEVED)
    unknown = {name for fields in BELIEVED.values() for name in fields} - set(ProfileDocument.model_fields)
    assert unknown == set()


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_a_group_is_told_with_its_basis_where_it_is_there_and_only_then(group: str) -> None:
    label = next(belief.label[0] for belief in BELIEFS if belief.group == group)
    text = flat(card_of(known(group)))
    assert TOLD[group] in text
    assert f"* {label}" in text
    assert "as of 2026-11-20" in text
    assert "on what 900 customers did from 2025-01-01 to 2026-11-19" in text
    others = [belief.label[0] for belief in BELIEFS if belief.group != group]
    assert not any(f"* {other}" in text for other in others)
    emptied = flat(card_of(Known({**FACTS, **dict.fromkeys(BELIEVED[group])}, {}, {}, "GBP")))
    assert f"* {label}" not in emptied


def test_how_sure_it_is_and_what_beats_no_baseline_says_so() -> None:
    sure = flat(card_of(known("churn")))
    assert "it named the right one in 81 of 100 cases" in sure
    assert "no better than a simple guess" not in sure
    doubtful = known("churn")
    doubtful = replace(doubtful, records={"churn": replace(doubtful.records["churn"], accepted=False)})
    assert "no better than a simple guess" in flat(card_of(doubtful))
    assert "简单的估计" in card_text(card_of(doubtful, "zh"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_both_languages_tell_the_same_entries(language: CardLanguage) -> None:
    card = card_of(known(*BELIEVED), language)
    assert [block.key for block in card.blocks] == ["told", "acts", "beliefs", "used", "objecting"]
    assert [len(block.entries) for block in card.blocks] == [len(b.entries) for b in card_of(known(*BELIEVED)).blocks]
    if language == "zh":
        own = re.compile(r"Kitchen, browsers|Kitchen|Tea|Garden|Earl Grey|spenders|FR|GBP|UTC|PCA|t-SNE|BG/NBD"
                         r"|Gamma-Gamma|Isolation Forest|Netto|shop|u7")  # fmt: skip
        words = [said for block in card.blocks for entry in block.entries
                 for said in (entry.label, *entry.said, entry.basis, entry.sure)]  # fmt: skip
        words += [line for block in card.blocks for line in (block.title, *block.lead)]
        words += [command.what for block in card.blocks for command in block.commands]
        assert [text for text in words if re.search("[A-Za-z]{3}", own.sub("", text))] == []


def test_every_code_has_words_in_both_languages() -> None:
    codes = [("value_tier", code) for code in TIERS] + [("lifecycle", code) for code in LIFECYCLES]
    codes += [("churn_band", code) for code in BANDS] + [("event_counts", code) for code in EVENT_TYPES]
    codes += [("sentiment_label", code) for code in ("positive", "negative", "neutral", "mixed")]
    for field, code in codes:
        assert re.search("[\u4e00-\u9fff]", word_of(field, code, "zh")), (field, code)
    reasons = card_text(card_of(known("churn", churn_reasons=list(REASON_CODES)), "zh"))
    assert not any(code in reasons for code in REASON_CODES)
    flags = card_text(card_of(known("odd", odd_flags=list(FLAGS), odd_facts=[]), "zh"))
    assert not any(flag in flags for flag in FLAGS)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_of_who_opted_out_only_what_is_kept_is_told(language: CardLanguage) -> None:
    """Even where a belief should still stand in the profile."""
    card = card_of(known(*BELIEVED, personalisation="off"), language)
    text = card_text(card)
    assert [block.key for block in card.blocks] == ["told", "acts", "beliefs", "objecting"]
    assert next(block for block in card.blocks if block.key == "beliefs").entries == ()
    assert not any(word in text for word in ("87 %", "33.00", "browsers", "spenders", "Earl Grey", "Tea", "Garden"))
    assert ("Nothing. You switched" in text) is (language == "en")
    assert '"personalisation":"on"' in text
    assert "120.50 GBP" in text


def test_nothing_known_is_said_to_be_nothing() -> None:
    card = card_of(Known({"user_id": "new"}))
    assert "Nothing yet" in card_text(card)
    assert "acts of" not in card_text(card)


@pytest.mark.parametrize(
    ("name", "value"),
    [("email", "x"), ("homePhone", "x"), ("billing-address", "x"), ("手机号", "x"), ("note", "ann@example.org"),
     ("note", "call +33 6 12 34 56 78"), ("full_name", "x")],
)  # fmt: skip
def test_no_direct_identifier_but_the_id(name: str, value: str) -> None:
    assert is_identifying(name, value)
    card = card_of(known(attributes={name: value}, search_words=["scarf", "ann@example.org"]))
    assert value not in [said for block in card.blocks for entry in block.entries for said in entry.said]
    assert "ann@example.org" not in card_text(card) + card_html(card)
    assert "scarf" in card_text(card)


def test_what_is_no_identifier_is_shown() -> None:
    for name, value in (
        ("household_size", 3),
        ("shipping", "standard"),
        ("cardigan_size", "M"),
        ("loyalty", "2024-10"),
    ):
        assert not is_identifying(name, value)
    assert "household size" in card_text(card_of(known(attributes={"household_size": 3})))


def test_the_commands_are_for_this_user_of_this_shop_whatever_the_id() -> None:
    import shlex

    from profilestore.cli import COMMANDS

    for user in ("u7", "o'neil; rm -rf ~", "-x", '"quoted" $HOME'):
        card = build_card(known(user_id=user), language="en", shop="corner", now=NOW)
        commands = [command.command for block in card.blocks for command in block.commands]
        assert len(commands) == 4
        for command in commands:
            words = shlex.split(command)
            assert "--prefix" in words
            assert user in words or any(f'"user_id":"{user}"' in word.replace('\\"', '"') for word in words)
            assert words[words.index("profilestore") + 1] in {planned.name for planned in COMMANDS}


def test_a_page_loads_nothing_runs_nothing_and_takes_text_as_text() -> None:
    card = card_of(known("segments", segment="<script>alert(1)</script>", country='"><img src=x>'))
    page = card_html(card)
    parsed = Page(page)
    assert parsed.loads == []
    assert not {"script", "img", "link", "iframe"} & set(parsed.tags)
    assert "<script>alert(1)</script>" in parsed.text
    assert "url(" not in page
    assert "@import" not in page
    assert page.startswith("<!doctype html>")
    assert '<html lang="zh-Hans">' in card_html(card_of(known("value"), "zh"))
    for block in card.blocks:
        for entry in block.entries:
            assert entry.label in parsed.text
            assert all(said in parsed.text for said in (*entry.said, entry.basis, entry.sure))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_lines_are_no_wider_than_asked_but_for_commands(language: CardLanguage) -> None:
    card = card_of(known(*BELIEVED), language)
    commands = {f"  {command.command}" for block in card.blocks for command in block.commands}
    for width in (60, 100):
        for line in card_text(card, width=width).splitlines():
            wide = sum(2 if ord(character) > 0x2E80 else 1 for character in line)
            # A full stop may hang over the end.
            assert wide <= width + 2 or line in commands, line


def test_another_card_adds_blocks_of_its_own() -> None:
    card = card_of(known("value"))
    block = Block("offers", "What to offer", entries=(Entry("coupon", ("SPRING10",)),))
    extended = card.with_blocks(block, before="objecting")
    assert [each.key for each in extended.blocks][-2:] == ["offers", "objecting"]
    assert card.with_blocks(block).blocks[-1] is block
    assert "SPRING10" in card_text(extended)
    assert "SPRING10" in card_html(extended)
    with pytest.raises(NotFound, match="no block"):
        card.with_blocks(block, before="weather")
