"""What a customer is worth, whether they may leave, and what they turn to: beliefs, and the records beside them.

Of who switched personalisation off only the records are told, whatever a mistake may have left in the profile.
"""

from __future__ import annotations

from typing import Final

from profilestore.insight.card.parts import Entry, Known
from profilestore.insight.card.staff.service_case import ServiceCase, entry_of, joined, nothing
from profilestore.insight.card.staff.words import TIERS, WORDS
from profilestore.insight.card.words import day, listed, share_of, word_of
from profilestore.insight.churn.words import reason_words

__all__ = ["interests", "risk", "worth"]

_NAMES_SHOWN: Final = 4


def worth(case: ServiceCase, language: str) -> list[Entry]:
    known, profile, zh = case.known, case.known.profile, language == "zh"
    entries: list[Entry] = []
    if not case.off:
        kinds = [word_of(name, profile[name], language) for name in ("value_tier", "rfm_segment") if profile.get(name)]
        if len(kinds) > 0:
            tier = profile.get("value_tier")
            named = "" if tier is None else f"{_tier(tier, language)}{'：' if zh else ': '}"
            entries.append(
                entry_of("tier", language, named + joined(language, *kinds) + _doubt(known, "value", language))
            )
    orders, spend = int(profile.get("order_count") or 0), profile.get("spend_total") or 0.0
    if orders == 0:
        entries.append(entry_of("spend", language, WORDS[language]["no_orders"]))
    else:
        money, each = f"{spend:,.2f} {known.currency}", f"{spend / orders:,.2f}"
        last = day(profile.get("last_purchase"))
        entries.append(entry_of(
            "spend", language,
            f"{orders:,} 笔订单，共 {money}，平均 {each}；最近一笔 {last}" if zh
            else f"{orders:,} {'order' if orders == 1 else 'orders'} for {money}, {each} each; the last on {last}",
        ))  # fmt: skip
    if not case.off:
        entries += _forecasts(known, language)
    return entries


def _tier(tier: str, language: str) -> str:
    return TIERS[tier][1 if language == "zh" else 0] if tier in TIERS else tier


def _forecasts(known: Known, language: str) -> list[Entry]:
    profile, zh = known.profile, language == "zh"
    entries: list[Entry] = []
    value = profile.get("clv_90d")
    if value is not None:
        low, high, times = (profile.get(name) for name in ("clv_90d_low", "clv_90d_high", "expected_purchases_90d"))
        between = "" if low is None or high is None else (
            f"（{low:,.2f} 至 {high:,.2f}）" if zh else f" ({low:,.2f} to {high:,.2f})"
        )  # fmt: skip
        visits = None if times is None else f"约 {times:.1f} 次购买" if zh else f"{times:.1f} purchases"
        money = f"约 {value:,.2f} {known.currency}{between}" if zh else f"about {value:,.2f} {known.currency}{between}"
        entries.append(
            entry_of("lifetime", language, joined(language, money, visits) + _doubt(known, "lifetime", language))
        )
    chance = profile.get("purchase_30d")
    if chance is not None:
        said = f"购买的可能性 {share_of(chance)}" if zh else f"buys with a chance of {share_of(chance)}"
        entries.append(entry_of("chance", language, said + _doubt(known, "propensity", language)))
    return entries


def risk(case: ServiceCase, language: str) -> list[Entry]:
    from profilestore.insight.odd.words import flag_word, odd_reasons

    known, profile, zh = case.known, case.known.profile, language == "zh"
    if case.off:
        return [nothing(case, language)]
    entries: list[Entry] = []
    risk, band, stage = (profile.get(name) for name in ("churn_risk", "churn_band", "lifecycle"))
    if risk is not None or stage is not None:
        head = None if risk is None else (
            f"{word_of('churn_band', band or '', language)} {share_of(risk)}".strip()
        )  # fmt: skip
        why = reason_words(profile.get("churn_reasons") or [], profile, language=language)
        because = None if len(why) == 0 else (f"原因：{'、'.join(why)}" if zh else f"because: {', '.join(why)}")
        kind = None if stage is None else word_of("lifecycle", stage, language)
        entries.append(
            entry_of("leaving", language, joined(language, head, kind, because) + _doubt(known, "churn", language))
        )
    flags = profile.get("odd_flags") or []
    if len(flags) > 0:
        facts = odd_reasons(profile.get("odd_facts") or [], language, currency=known.currency)
        named = listed([flag_word(flag, language) for flag in flags], language)
        entries.append(entry_of("odd", language, joined(language, named, *facts)))
    if profile.get("sentiment_label") is not None:
        entries.append(entry_of("mood", language, word_of("sentiment_label", profile["sentiment_label"], language)))
    return entries or [nothing(case, language)]


def _doubt(known: Known, group: str, language: str) -> str:
    record = known.records.get(group)
    if record is None or record.accepted:
        return ""
    return ("" if language == "zh" else " ") + WORDS[language]["doubt"]


def interests(case: ServiceCase, language: str) -> list[Entry]:
    profile, zh = case.known.profile, language == "zh"
    if case.off:
        return [nothing(case, language)]
    entries: list[Entry] = []
    for detail, name in (("categories", "category_shares"), ("brands", "brand_shares")):
        shares = [f"{each['name']} {share_of(each['share'])}" for each in (profile.get(name) or [])[:_NAMES_SHOWN]]
        if len(shares) > 0:
            entries.append(entry_of(detail, language, listed(shares, language)))
    rising = [name for kind in ("categories", "brands", "topics") for name in profile.get(f"rising_{kind}") or []]
    if len(rising) > 0:
        entries.append(entry_of("lately", language, listed(list(dict.fromkeys(rising))[:_NAMES_SHOWN], language)))
    at = profile.get("next_purchase_at")
    if at is not None:
        product = profile.get("next_purchase_product")
        what = profile.get("next_purchase_category") if product is None else case.known.titles.get(product, product)
        said = f"约 {day(at)}" if zh else f"about {day(at)}"
        entries.append(entry_of("again", language, joined(language, what, said)))
    return entries or [nothing(case, language)]
