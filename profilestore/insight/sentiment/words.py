"""The record of sentiment in words and tables, for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from profilestore.insight.records import InsightRecord
    from profilestore.insight.sentiment.opinions import Opinions

__all__ = ["card_of", "tables_of"]

# Fewer reviews of a product are an anecdote.
_LEAST_REVIEWS: Final = 5
_SHOWN: Final = 10


def tables_of(opinions: Opinions) -> dict[str, list[dict[str, Any]]]:
    """Months, aspects, the best and worst products of at least five reviews, and those whose reviews turn worse."""
    products: list[dict[str, Any]] = [
        {"product_id": product_id, "reviews": said["sentiment_count"], "mean": said["sentiment_mean"],
         "change": said["sentiment_change"]}
        for product_id, said in sorted(opinions.by_product().items())
        if (said["sentiment_count"] or 0) >= _LEAST_REVIEWS
    ]  # fmt: skip
    best = sorted(products, key=lambda row: (-row["mean"], row["product_id"]))
    changed = [row for row in products if row["change"] is not None]
    worse = [row for row in sorted(changed, key=lambda row: (row["change"], row["product_id"])) if row["change"] < 0]
    return {
        "by month": opinions.by_month(),
        "by aspect": opinions.by_aspect(),
        "best products": best[:_SHOWN],
        "worst products": best[::-1][:_SHOWN],
        "turning worse (90 days against before)": worse[:_SHOWN],
    }


def card_of(record: InsightRecord) -> dict[str, str]:
    """What sentiment is here, how good, and what it is not for."""
    figures, model = record.figures, record.settings.get("model_id")
    english = ["Sentiment says how a customer's review speaks, from -1 (bad) to 1 (good)."]
    chinese = ["情感得分说明评论的褒贬，从 -1（差）到 1（好）。"]
    if model is None:
        english.append("It is read by a small lexicon of our own, a fallback: no classifier of this shop is in force.")
        chinese.append("目前由内置的小词典判断，这只是后备方案：本店还没有启用自己训练的分类器。")
    else:
        english.append(
            "It is read by a classifier that learned from this shop's own rated reviews (4 and 5 stars against 1 and "
            "2); in a language it has not learned, by a small lexicon."
        )
        chinese.append("由分类器判断，它学自本店带评分的评论（4、5 星对 1、2 星）；没有学过的语言由小词典判断。")
    if len(figures) > 0:
        f1, lexicon = figures["macro_f1"], figures["macro_f1_lexicon"]
        beats = figures["beats_lexicon"]
        english.append(
            f"On {figures['validated_on']:,} reviews of customers it had not learned from, the classifier's macro-F1 "
            f"is {f1['mean']:.3f} ({f1['low']:.3f} to {f1['high']:.3f}), the lexicon's {lexicon['mean']:.3f}: it "
            f"{'is better' if beats else 'is not surely better'}."
        )
        chinese.append(
            f"在 {figures['validated_on']:,} 条未参与训练的顾客评论上，"
            f"分类器的宏平均 F1 为 {f1['mean']:.3f}"
            f"（{f1['low']:.3f} 至 {f1['high']:.3f}），词典为 {lexicon['mean']:.3f}："
            f"{'更好' if beats else '不能确定更好'}。"
        )
    english.append("Irony and comparisons are often misread, so read many reviews together, and never judge a customer "
                   "by it. Users with personalisation off count for products only.")  # fmt: skip
    chinese.append("反讽和比较常会误判，请看整体趋势，不要据此评判单个顾客。关闭个性化的用户只计入商品统计。")
    return {"en": " ".join(english), "zh": "".join(chinese)}
