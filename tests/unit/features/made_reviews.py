"""Rated reviews made from templates, with a truth that is known: words the lexicon knows, and words of the shop's own.

`vocabulary` 0 and 1 share no noun and no polar word, so that what is learned of one can be held against the other.
A twentieth of the ratings say the opposite of the words, as in real shops.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from profilestore.features.sentiment.training import RatedText

__all__ = ["make_reviews"]

# language -> two vocabularies -> nouns, good words, bad words; the last two of each the lexicon does not know
_WORDS: Final = {
    "zh": (
        ("杯子 衬衫 面霜 键盘", "好用 漂亮 舒服 结实 挺括 绵密", "粗糙 难看 难闻 劣质 拔干 发柴"),
        ("耳机 被子 茶叶 跑鞋", "精致 实用 满意 耐用 丝滑 软糯", "破旧 难用 糟糕 失望 闷痘 塌陷"),
    ),
    "en": (
        ("mug shirt cream keyboard", "lovely sturdy comfortable useful plush buttery",
         "flimsy ugly noisy useless runny patchy"),
        ("phone quilt tea shoe", "elegant reliable pleasant durable snappy velvety",
         "broken dirty defective awful crumbly chalky"),
    ),
}  # fmt: skip
_PLAIN: Final = {
    "zh": ("这个{noun}{word}", "{noun}真的很{word}，{when}", "{when}，{noun}{word}", "收到{noun}，{word}"),
    "en": ("this {noun} is {word}", "{when} the {noun} is really {word}", "a {word} {noun}, {when}", "{noun}: {word}"),
}
_TURNED: Final = {
    "zh": ("{noun}一点都不{word}，{when}", "{noun}不是很{word}", "{when}，没有觉得{noun}{word}"),
    "en": ("the {noun} is not {word}, {when}", "{when} this {noun} isn't {word}", "the {noun} was never {word}"),
}
_WHEN: Final = {
    "zh": ["昨天到的", "用了一周", "给妈妈买的", "第二次买", "双十一下的单", "早上收到", "等了三天", "上班用",
           "周末试了试", "颜色是蓝的"],
    "en": [
        "arrived yesterday", "used it for a week", "bought for my mother", "second time I order", "ordered on Monday",
        "came this morning", "after three days", "for the office", "tried on the weekend", "the colour is blue",
    ],
}  # fmt: skip


def make_reviews(
    n: int, *, seed: int = 1, vocabulary: int = 0, languages: tuple[str, ...] = ("zh", "en"), good_share: float = 0.6,
    wrong: float = 0.05, turned: float = 0.25,
) -> list[RatedText]:  # fmt: skip
    """Some n reviews, by n / 4 customers, a second apart; `turned` of them say it with a negation."""
    rng = np.random.default_rng(seed)
    made: list[RatedText] = []
    for number in range(n):
        language = languages[int(rng.integers(len(languages)))]
        nouns, good_words, bad_words = (words.split() for words in _WORDS[language][vocabulary])
        good, turn = bool(rng.random() < good_share), bool(rng.random() < turned)
        words = good_words if good is not turn else bad_words
        templates = (_TURNED if turn else _PLAIN)[language]
        text = templates[int(rng.integers(len(templates)))].format(
            noun=nouns[int(rng.integers(len(nouns)))],
            word=words[int(rng.integers(len(words)))],
            when=_WHEN[language][int(rng.integers(len(_WHEN[language])))],
        )
        rated = good is not bool(rng.random() < wrong)
        # A number keeps texts apart as customers' words do, and says nothing.
        made.append(RatedText(f"{text} {number}", rated, f"u{int(rng.integers(max(1, n // 4)))}", float(number)))
    return made
