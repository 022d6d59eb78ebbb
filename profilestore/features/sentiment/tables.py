"""The lexicon's words as tables for looking up, of both languages at once: reviews mix them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from profilestore.features.sentiment import words_en, words_zh
from profilestore.features.tokens import stem

__all__ = ["ADVERBS_TOO", "Tables", "is_negator", "load_tables", "polarity"]

_SHARED: Final = ("NEGATORS", "TOO", "EXCESSIVE", "CONTRASTS", "CONCESSIONS", "HYPOTHETICAL", "FILLERS", "EXPECTED")
# Polar alone, an adverb of degree before another polar word.
ADVERBS_TOO: Final = {"好": 1.3, "真": 1.3, "super": 1.5, "pretty": 1.1}
_EMOJI_POLAR: Final = {
    2.0: "👍🏆💯🎉👏😍🥰😘🤩😻❤💕💖💗💙💚💛💜🧡🌹💐🌟⭐✨🔥🥳😊☺😁😀😃😄😆🤗😋💪✅🙂😎👌🤝🙏",
    -2.0: "👎😡😠🤬😤💔🤮🤢💩😒🙄😞😔😟😣😖😫😩😢😭☹🙁😑🤦🚫❌😾⚠",
}


@dataclass(frozen=True, slots=True)
class Tables:
    """Words by their office. `polar` has values, 0 for what only looks polar; `stems` those of English inflections."""

    polar: Mapping[str, float]
    stems: Mapping[str, float]
    phrases: Mapping[tuple[str, ...], float]
    negators: frozenset[str]
    boosters: Mapping[str, float]
    trailing: frozenset[str]
    trailing_negators: frozenset[str]
    too: frozenset[str]
    excessive: frozenset[str]
    contrasts: frozenset[str]
    concessions: frozenset[str]
    hypothetical: frozenset[str]
    fillers: frozenset[str]
    expected: frozenset[str]
    # all Chinese words above, for the cutting
    han: frozenset[str]
    # first character -> length of the longest of them
    longest_han: Mapping[str, int]


def is_negator(word: str) -> bool:
    """Whether a word, in either language, takes back what follows."""
    return word in load_tables().negators or word.endswith("n't")


def polarity(word: str, tables: Tables) -> float:
    """What a word counts by itself, 0 where it is not polar."""
    value = tables.polar.get(word)
    if value is not None:
        return value
    if not word.isascii() or not word[:1].isalpha():
        return 0.0
    return tables.stems.get(stem(word), 0.0)


@cache
def load_tables() -> Tables:
    polar = {word: value for value, words in words_zh.POLAR.items() for word in words.split()}
    english = {word: value for value, words in words_en.POLAR.items() for word in words.split()}
    stems: dict[str, float] = {}
    for word, value in english.items():
        if value != 0.0:
            stems.setdefault(stem(word), value)
    phrases = {tuple(p.split()): v for v, ps in words_en.PHRASES.items() for p in _phrases(ps)}
    negating = _phrases(words_en.NEGATING_PHRASES)
    trailing = _phrases(words_en.TRAILING_BOOSTERS)
    emoji = {sign: value for value, signs in _EMOJI_POLAR.items() for sign in signs}
    boosters = {
        word: factor for part in (words_zh.BOOSTERS, words_en.BOOSTERS) for factor, words in part.items()
        for word in words.split()
    } | ADVERBS_TOO  # fmt: skip
    both = {name: frozenset(f"{getattr(words_zh, name)} {getattr(words_en, name)}".split()) for name in _SHARED}
    trailing_negators = frozenset(words_zh.TRAILING_NEGATORS.split())
    all_words = frozenset().union(
        polar, boosters, trailing_negators, words_zh.TRAILING_BOOSTERS.split(), *both.values()
    )
    # hardly is no "hard": what has another office is not polar by its stem
    silent = dict.fromkeys(all_words, 0.0)
    han = frozenset(word for word in all_words if word[0] > "\u3000")
    longest_han: dict[str, int] = {}
    for word in han:
        longest_han[word[0]] = max(len(word), longest_han.get(word[0], 0))
    return Tables(
        polar=silent | polar | english | emoji | {" ".join(phrase): value for phrase, value in phrases.items()},
        stems=stems,
        phrases=phrases | {tuple(phrase.split()): 0.0 for phrase in (*trailing, *negating) if " " in phrase},
        negators=both["NEGATORS"] | set(negating),
        boosters=boosters,
        trailing=frozenset((*words_zh.TRAILING_BOOSTERS.split(), *trailing)),
        trailing_negators=trailing_negators,
        too=both["TOO"],
        excessive=both["EXCESSIVE"],
        contrasts=both["CONTRASTS"],
        concessions=both["CONCESSIONS"],
        hypothetical=both["HYPOTHETICAL"],
        fillers=both["FILLERS"],
        expected=both["EXPECTED"],
        han=han,
        longest_han=longest_han,
    )


def _phrases(text: str) -> list[str]:
    return [phrase.strip() for phrase in text.split(",") if phrase.strip() != ""]
