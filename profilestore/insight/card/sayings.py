"""What each group of insight's fields says of a user, as sentences to the customer, English or Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from profilestore.insight.card.parts import Known
from profilestore.insight.card.words import day, listed, share_of, word_of
from profilestore.insight.churn.words import reason_words

__all__ = [
    "say_churn",
    "say_interests",
    "say_lifetime",
    "say_map",
    "say_odd",
    "say_propensity",
    "say_rules",
    "say_segment",
    "say_sentiment",
    "say_value",
]


def say_value(known: Known, language: str) -> tuple[str, ...]:
    """Value tier, segment of the RFM grid, and scores."""
    profile, zh = known.profile, language == "zh"
    said: list[str] = []
    if profile.get("value_tier") is not None:
        tier = word_of("value_tier", profile["value_tier"], language)
        said.append(f"您{tier}。" if zh else f"You are {tier}.")
    if profile.get("rfm_segment") is not None:
        kind = word_of("rfm_segment", profile["rfm_segment"], language)
        said.append(f"类型：{kind}。" if zh else f"Kind of customer: {kind}.")
    scores = [profile.get(f"rfm_{name}") for name in ("recency", "frequency", "monetary")]
    if all(score is not None for score in scores):
        lately, often, much = scores
        said.append(
            f"得分（1 至 5）：最近购买 {lately}，次数 {often}，金额 {much}。"
            if zh
            else f"Scores from 1 to 5: how lately {lately}, how often {often}, how much {much}."
        )
    return tuple(said)


def say_lifetime(known: Known, language: str) -> tuple[str, ...]:
    """Expected spend with its interval, and expected purchases."""
    profile, zh, said = known.profile, language == "zh", []
    if profile.get("clv_90d") is not None:
        spend, low, high = (profile.get(name) for name in ("clv_90d", "clv_90d_low", "clv_90d_high"))
        between = ""
        if low is not None and high is not None:
            between = (
                f"，每五种情况中有四种在 {low:,.2f} 至 {high:,.2f} 之间"
                if zh
                else f"; in four of five cases between {low:,.2f} and {high:,.2f}"
            )
        said.append(
            f"预计消费约 {spend:,.2f} {known.currency}{between}。"
            if zh
            else f"You may spend about {spend:,.2f} {known.currency}{between}."
        )
    if profile.get("expected_purchases_90d") is not None:
        times = profile["expected_purchases_90d"]
        said.append(f"预计购买 {times:.1f} 次。" if zh else f"Purchases to expect: {times:.1f}.")
    return tuple(said)


def say_segment(known: Known, language: str) -> tuple[str, ...]:
    """The segment by behaviour, under the name that the shop sees."""
    name = known.profile.get("segment")
    if name is None:
        return ()
    return (f"您被归入“{name}”。" if language == "zh" else f'You are counted among "{name}".',)


def say_rules(known: Known, language: str) -> tuple[str, ...]:
    """The segments by rule."""
    names = known.profile.get("rule_segments") or []
    if len(names) == 0:
        return ()
    return (
        f"您在名单中：{listed(names, language)}。" if language == "zh" else f"You are on: {listed(names, language)}.",
    )


def say_churn(known: Known, language: str) -> tuple[str, ...]:
    """Lifecycle, risk with its band, and the reasons."""
    profile, zh, said = known.profile, language == "zh", []
    if profile.get("lifecycle") is not None:
        stage = word_of("lifecycle", profile["lifecycle"], language)
        said.append(f"您被视为{stage}。" if zh else f"You are seen as {stage}.")
    if profile.get("churn_risk") is not None:
        risk = share_of(profile["churn_risk"])
        band = word_of("churn_band", profile.get("churn_band") or "", language)
        told = "" if band == "" else f"（{band}）" if zh else f" ({band})"
        said.append(
            f"您停止购买的可能性：{risk}{told}。" if zh else f"The chance that you stop buying here: {risk}{told}."
        )
    reasons = reason_words(profile.get("churn_reasons") or [], profile, language=language)
    if len(reasons) > 0:
        said.append(f"理由：{'；'.join(reasons)}。" if zh else f"Because: {'; '.join(reasons)}.")
    return tuple(said)


def say_propensity(known: Known, language: str) -> tuple[str, ...]:
    """The chance of a purchase, over all and by category."""
    profile, zh, said = known.profile, language == "zh", []
    if profile.get("purchase_30d") is not None:
        chance = share_of(profile["purchase_30d"])
        said.append(f"您购买的可能性：{chance}。" if zh else f"The chance that you buy: {chance}.")
    parts = [f"{entry['category']} {share_of(entry['probability'])}"
             for entry in profile.get("purchase_30d_categories") or []]  # fmt: skip
    if len(parts) > 0:
        said.append(f"按品类：{listed(parts, language)}。" if zh else f"By category: {listed(parts, language)}.")
    return tuple(said)


def say_interests(known: Known, language: str) -> tuple[str, ...]:
    """What rises and falls, how far interests moved, and the next regular purchase."""
    profile, zh, said = known.profile, language == "zh", []
    for direction, english, chinese in (
        ("rising", "More than before", "比以前更关注"), ("falling", "Less than before", "比以前更少关注"),
    ):  # fmt: skip
        names = [
            name for kind in ("categories", "brands", "topics") for name in profile.get(f"{direction}_{kind}") or []
        ]
        if len(names) > 0:
            told = listed(dict.fromkeys(names), language)
            said.append(f"{chinese}：{told}。" if zh else f"{english}: {told}.")
    if profile.get("interest_drift") is not None:
        drift = share_of(profile["interest_drift"])
        said.append(f"兴趣的变化程度：{drift}。" if zh else f"So much of your interests moved: {drift}.")
    if profile.get("next_purchase_at") is not None:
        said.append(_next_purchase(known, language))
    return tuple(said)


def _next_purchase(known: Known, language: str) -> str:
    profile = known.profile
    product = profile.get("next_purchase_product")
    what = profile.get("next_purchase_category") if product is None else known.titles.get(product, product)
    first, last = profile.get("next_purchase_from"), profile.get("next_purchase_to")
    between = first is not None and last is not None
    if language == "zh":
        range_zh = f"（{day(first)} 至 {day(last)} 之间）" if between else ""
        named = "" if what is None else f"“{what}”"
        return f"您可能在 {day(profile['next_purchase_at'])} 前后{range_zh}再次购买{named}。"
    named = "" if what is None else f' "{what}"'
    range_en = f" (between {day(first)} and {day(last)})" if between else ""
    return f"You may buy{named} again about {day(profile['next_purchase_at'])}{range_en}."


def say_sentiment(known: Known, language: str) -> tuple[str, ...]:
    """How the user's reviews speak."""
    profile = known.profile
    if profile.get("sentiment_label") is None:
        return ()
    label = word_of("sentiment_label", profile["sentiment_label"], language)
    mean = profile.get("sentiment_mean")
    if language == "zh":
        return (f"您的评价{label}" + ("" if mean is None else f"（{mean:+.2f}，范围 -1 至 1）") + "。",)
    return (
        f"Your reviews speak of a customer {label}" + ("" if mean is None else f" ({mean:+.2f} from -1 to 1)") + ".",
    )


def say_odd(known: Known, language: str) -> tuple[str, ...]:
    """What is unusual, each with its facts; nothing where nothing is flagged, whatever the score."""
    from profilestore.insight.odd.words import flag_word, odd_reasons

    flags: Sequence[str] = known.profile.get("odd_flags") or []
    facts: Sequence[dict[str, Any]] = known.profile.get("odd_facts") or []
    if len(flags) == 0:
        return ()
    named = listed([flag_word(flag, language) for flag in flags], language)
    reasons = odd_reasons(facts, language, currency=known.currency)
    head = f"已标记供人工查看：{named}。" if language == "zh" else f"Flagged for a person to look at: {named}."
    return (head, *(f"{reason}。" if language == "zh" else f"{reason[:1].upper()}{reason[1:]}." for reason in reasons))


def say_map(known: Known, language: str) -> tuple[str, ...]:
    """The coordinates."""
    profile, said = known.profile, []
    for name in ("pca", "tsne"):
        x, y = profile.get(f"map_{name}_x"), profile.get(f"map_{name}_y")
        if x is not None and y is not None:
            told = {"pca": "PCA", "tsne": "t-SNE"}[name]
            said.append(f"{told}：({x:.2f}, {y:.2f})。" if language == "zh" else f"{told}: ({x:.2f}, {y:.2f}).")
    return tuple(said)
