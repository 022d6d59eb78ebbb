"""Short made-up reviews that teach a classifier what negation does, whatever its shop's reviews happen to hold.

Reviews that say 不差 or "no problems" are often lukewarm, so that a linear model learns the words and not the
turn. Each word of the lexicon stands in a few frames, plain and taken back; together they weigh a twentieth of
the shop's own texts, and they are never among the texts that a figure is measured on.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from profilestore.features.sentiment import words_en, words_zh
from profilestore.features.sentiment.cutting import words_of
from profilestore.features.sentiment.features import Counts, Seen, count_features, look_at
from profilestore.features.sentiment.tables import is_negator

__all__ = ["drill_counts", "drill_texts"]

_WEAKEST: Final = 1.0
_STRONGEST: Final = 2.4
# frame -> whether it takes back
_FRAMES: Final[dict[str, dict[str, bool]]] = {
    "zh": {"{}": False, "很{}": False, "不{}": True, "不是很{}": True, "没有{}": True},
    "en": {"{}": False, "very {}": False, "not {}": True, "not very {}": True, "no {}": True},
}  # fmt: skip


@cache
def drill_texts(language: str) -> tuple[tuple[str, bool], ...]:
    """The drills of a language, zh or en: text, and whether it is good."""
    table = words_zh.POLAR if language == "zh" else words_en.POLAR
    drills: list[tuple[str, bool]] = []
    for value, words in table.items():
        if not _WEAKEST <= abs(value) <= _STRONGEST:
            continue
        for word in words.split():
            if any(is_negator(part) or part[0] in "不没无别" for part in words_of(word)):
                continue
            drills += [(frame.format(word), (value > 0) is not back) for frame, back in _FRAMES[language].items()]
    return tuple(drills)


@cache
def _counted(language: str) -> tuple[Counts, tuple[bool, ...]]:
    seen: list[Seen] = [look_at(text) for text, _ in drill_texts(language)]
    return count_features(seen), tuple(good for _, good in drill_texts(language))


def drill_counts(language: str) -> tuple[Counts, tuple[bool, ...]]:
    """The drills of a language, counted, and which are good. The same arrays each time: do not change them."""
    return _counted(language)
