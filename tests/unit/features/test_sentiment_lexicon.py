"""The lexicon: what it says of plain, negated, mixed and odd reviews in both languages."""

from __future__ import annotations

import pytest

from profilestore.features.sentiment.aspects import aspects_of
from profilestore.features.sentiment.cutting import words_of
from profilestore.features.sentiment.lexicon import read_text
from profilestore.features.sentiment.scoring import Scorer, label_of
from profilestore.features.sentiment.text import is_blank_review, is_chinese, normalise, split_clauses

GOOD = """
    Love it!! | goooood | great value, fast delivery | I would definitely buy again
    👍👍 |     not bad | not bad at all | isn't bad | it is not a bad phone | no problems whatsoever | no complaints
    without any problem | never disappointed | didn't disappoint | I don't regret buying it | nothing wrong with it
    I have never had a problem with it | can't complain | couldn't be happier | not only cheap but also good
    I was worried but it is great | no smell at all | the colour doesn't fade | won't let you down | not overpriced
    很好 | 好用 | 不错 | 还不错 | 也不错 | 都不错 | 棒棒哒 | 很nice
    性价比高 | 好喜欢 | 没想到这么好用 | 不得不说很好
    不差 | 不是很差 | 一点也不差 | 并不差 | 没有问题 | 没问题 | 没有任何问题 | 没毛病
    一点毛病都没有 | 没有异味 | 无异味
    不会后悔
    从来没有失望过 | 没有不满意的地方 | 不是不喜欢 | 没有想象中那么差 | 挑不出毛病 | 一点都不贵 | 不卡不闪退 | 不难吃
    虽然有点贵，但是质量很好 | 質量很好，沒有問題 | 無可挑剔 | 不後悔買了"""
BAD = """
    terrible | stopped working after a week | waste of money | 👎 | poor quality | too small and too expensive
    not good | not very good | isn't good | I do not like it | didn't like it | not happy with this
    I don't think this is good | would not recommend | wouldn't recommend it to anyone | not at all comfortable
    hardly useful | neither useful nor pretty | nothing special | far from perfect | no one replied, no support
    good idea but it broke after two days | it could be better | wish it was better | never again
    不好 | 很不好 | 不好用 | 不是很好 | 不太好 | 不怎么好 | 不怎么样
    一点都不好 | 不喜欢 | 不推荐 | 不值 | 不满意 | 不ok
    没有想象中好 | 没有图片好看 | 谈不上满意 | 喜欢不起来 | 不会再买了
    再也不会买了 | 毫无用处 | 没有效果 | 毫无质量可言
    有点小 | 偏大，不合适 | 质量好差 | 好难吃 | 说好的正品，结果是假货
    看起来不错，但是用了两天就坏了 | 如果再便宜一点就更好了
    質量不好，服務態度很差 | 沒有想像中的好 | 垃圾 | 客服不耐烦"""
UNKNOWN = [
    "",
    "   ",
    "....",
    "12345",
    "x",
    "书",
    "此用户没有填写评价。",
    "系统默认好评",
    "N/A",
    "http://a.example/good",
]


def listed(table: str) -> list[str]:
    return [text.strip() for line in table.strip().splitlines() for text in line.split("|")]


@pytest.mark.parametrize("text", listed(GOOD))
def test_good(text: str) -> None:
    score = read_text(text).score
    assert score is not None
    assert 0 < score <= 1


@pytest.mark.parametrize("text", listed(BAD))
def test_bad(text: str) -> None:
    score = read_text(text).score
    assert score is not None
    assert -1 <= score < 0


@pytest.mark.parametrize("text", UNKNOWN)
def test_nothing_is_said_of_what_says_nothing(text: str) -> None:
    assert Scorer().score([text]) == [(None, "none")]


def test_degrees_are_in_order() -> None:
    for row in ("不好 | 不太好 | 还可以 | 好 | 非常好", "not good | not very good | ok | good | extremely good"):
        texts = [text.strip() for text in row.split("|")]
        scores = [read_text(text).score for text in texts]
        assert all(score is not None for score in scores)
        positive = [score for score in scores if score is not None and score > 0]
        negative = [score for score in scores if score is not None and score < 0]
        assert (len(negative), len(positive)) == (2, 3)
        assert positive == sorted(positive)
        # Of the two negatives, "not very good" says less.
        assert abs(scores[1] or 0.0) <= abs(scores[0] or 0.0) + 0.1


def test_polar_characters_in_other_words_say_nothing() -> None:
    for text in ("好像收到了", "快递到了", "放假买的", "垃圾桶收到", "价值和差别", "likely", "he kindly goods"):
        assert read_text(text).score is None, text


def test_traditional_and_simplified_are_one() -> None:
    assert read_text("這個質量不好，服務態度很差").score == read_text("这个质量不好，服务态度很差").score


def test_hits_say_why() -> None:
    (hit,) = read_text("not bad at all").hits
    assert (hit.words, hit.negated) == ("not bad", True)
    (hit,) = read_text("东西不是很差").hits
    assert (hit.words, hit.negated) == ("不是很差", True)


def test_odd_texts_do_not_raise() -> None:
    for text in (
        "\ud800坏",
        "好" * 50_000,
        "a" * 50_000,
        "不" * 1000,
        "𠮷𠮷好",
        "\x00好",
        "<br>好&nbsp;用",
        "not " * 500,
        "，。！？",
    ):
        score = read_text(text).score
        assert score is None or -1 <= score <= 1


def test_text_is_made_plain() -> None:
    assert (
        normalise("ＧＯＯＤ　質量！ see https://a.example/x or me@a.example 13800138000") == "good 质量! see   or    "
    )
    assert normalise("soooo 好好好好 👍🏽❤️ :) T_T").split() == ["soo", "好", "👍❤", "🙂", "🙁"]
    assert [clause.sentence for clause in split_clauses("好，但是贵。 不买! 3.5 stars")] == [0, 0, 1, 2]
    assert words_of("质量很好not bad棒") == ("质量", "很", "好", "not", "bad", "棒")
    assert is_chinese("我要 nice 的")
    assert not is_chinese("the 的 word is good")
    assert is_blank_review("该用户未填写评价内容")
    assert not is_blank_review("👍")


def test_aspects_by_clause() -> None:
    chinese = aspects_of("价格便宜，但是质量太差了，快递很快，客服态度不好")
    english = aspects_of("Great price but the fabric ripped, shipping was fast and the seller was rude")
    for found in (chinese, english):
        signs = {aspect: score is not None and score > 0 for aspect, score in found.items()}
        assert signs == {"price": True, "quality": False, "delivery": True, "service": False}
    assert aspects_of("价格方面，很满意") == {"price": aspects_of("价格很满意")["price"]}
    assert aspects_of("物流") == {"delivery": None}
    assert aspects_of("nice colour") == {}


def test_labels() -> None:
    assert label_of([0.5]) == "positive"
    assert label_of([-0.5, -0.1]) == "negative"
    assert label_of([0.1]) == "neutral"
    assert label_of([0.9, -0.9]) == "mixed"
