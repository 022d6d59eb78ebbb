"""Sentiment by words of our own: the fallback where a shop has no trained classifier.

A text is read clause by clause. A polar word is turned by a negator before it (not good; 不是很差), weakened
or strengthened by adverbs of degree, and what follows a "but" counts more than what stood before it, as in
VADER (Hutto and Gilbert 2014). The score is s / sqrt(s^2 + 6) of the weighed sum s, between -1 and 1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from profilestore.features.sentiment.cutting import words_of
from profilestore.features.sentiment.tables import ADVERBS_TOO, Tables, is_negator, load_tables, polarity
from profilestore.features.sentiment.text import Clause, normalise, split_clauses
from profilestore.features.tokens import HAN

__all__ = ["Hit", "Reading", "read_clause", "read_clauses", "read_text"]

# How many words that count may stand between a negator or an adverb and what it is about.
_REACH: Final = 3
_NEGATED: Final = -0.75
_NEGATED_DEGREE: Final = -0.5  # not very good, 不是很好
_TWICE_NEGATED: Final = 0.8
_TOO: Final = -1.2
_EXPECTED: Final = 1.5
_TRAILING: Final = 1.4
_BEFORE_BUT: Final = 0.5
_AFTER_BUT: Final = 1.3
_WISHED: Final = -0.3
_ASKED: Final = 0.3
_SOFTENING: Final = 6.0
_HAN_RUN: Final = re.compile(rf"[{HAN}]")
_A_NOT_A: Final = re.compile(rf"([{HAN}]{{1,2}}?)[不没]\1")


@dataclass(frozen=True, slots=True)
class Hit:
    """A polar word as it was read: with its negator, and what it counts after all rules. It is the words
    `first` to `last` of its clause."""

    words: str
    value: float
    negated: bool
    first: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What the lexicon says: -1 to 1, or None where it knows no word of the text; and why."""

    score: float | None
    hits: tuple[Hit, ...]


def read_text(text: str) -> Reading:
    """What the lexicon says of a text as it was written."""
    return read_clauses(split_clauses(normalise(text)))


def read_clauses(clauses: Iterable[Clause]) -> Reading:
    """What it says of the clauses of one text."""
    total, hits = 0.0, []
    sentences: dict[int, list[Clause]] = {}
    for clause in clauses:
        sentences.setdefault(clause.sentence, []).append(clause)
    for sentence in sentences.values():
        for part_hits, weight in _weigh(sentence):
            for hit in part_hits:
                value = hit.value * (weight if hit.value > 0 or weight > 0 else -_WISHED)
                total += value
                hits.append(replace(hit, value=round(value, 3)))
    if len(hits) == 0:
        return Reading(None, ())
    return Reading(round(total / math.sqrt(total * total + _SOFTENING), 4), tuple(hits))


def read_clause(words: Sequence[str]) -> list[Hit]:
    """The polar words of one clause, given as `words_of` cuts it."""
    tables = load_tables()
    hits: list[Hit] = []
    for place, word in enumerate(words):
        value = _value_at(words, place, tables)
        missed = value == 0.0 and word in tables.expected and not _polar_next(words, place, tables)
        if value == 0.0 and not missed:
            continue
        first, negated = place, False
        if word[0] < "\u2600" or word[0].isalpha():  # no word takes an emoji back
            value, first, negated = _in_context(words, place, _EXPECTED if missed else value, tables)
        if value != 0.0 and (negated or not missed):
            between = "" if _HAN_RUN.search(word) is not None else " "
            hits.append(Hit(between.join(words[first : place + 1]), value, negated, first, place))
    return hits


def _weigh(sentence: list[Clause]) -> list[tuple[list[Hit], float]]:
    """The hits of each part of a sentence with the part's weight; parts end at clauses and before contrasts."""
    tables = load_tables()
    parts: list[Sequence[str]] = []
    contrasts: list[int] = []
    for clause in sentence:
        cut, start = words_of(_A_NOT_A.sub(" ", clause.text)), 0
        for place, word in enumerate(cut):
            if word in tables.contrasts and (place > 0 or len(parts) > 0):
                if place > start:
                    parts.append(cut[start:place])
                contrasts.append(len(parts))
                start = place
        parts.append(cut[start:])
    weighed: list[tuple[list[Hit], float]] = []
    wished = False
    for number, words in enumerate(parts):
        weight = 1.0
        if len(contrasts) > 0:
            weight = _AFTER_BUT if number >= contrasts[-1] else _BEFORE_BUT
        if any(word in tables.concessions for word in words):
            weight = _BEFORE_BUT
        # 如果再便宜一点，就更好了: the wish goes on where 就 takes it up.
        goes_on = wished and len(words) > 0 and words[0][0] in "就那会"
        wished = goes_on or any(word in tables.hypothetical for word in words)
        if wished:
            weight = _WISHED
        elif "?" in sentence[-1].mark or (len(words) > 0 and words[-1] in ("吗", "么")):
            weight = _ASKED
        hits = read_clause(words)
        louder = 1.0 + 0.1 * min(3, sentence[-1].mark.count("!"))
        weighed.append((hits, weight * louder))
    return weighed


def _in_context(words: Sequence[str], place: int, value: float, tables: Tables) -> tuple[float, int, bool]:
    """The value under what stands before and after; where the expression begins; whether it is negated."""
    negators: list[int] = []
    boost_near = boost_far = 1.0
    distance = 0
    for before in range(place - 1, -1, -1):
        word = words[before]
        if is_negator(word):
            negators.append(before)
        elif word in tables.boosters:
            if len(negators) == 0:
                boost_near *= tables.boosters[word]
            else:
                boost_far *= tables.boosters[word]
        elif _value_at(words, before, tables) != 0.0:
            break
        elif word not in tables.fillers:
            distance += 1
            if distance > _REACH or len(negators) > 0:  # 不卡不闪退: a negator each
                break
    after = words[place + 1 : place + 3]
    if any(word in tables.trailing for word in after):
        boost_far *= _TRAILING
    if len(after) == 1 and after[0] in tables.trailing_negators:
        negators.insert(0, place)
    first = negators[-1] if len(negators) > 0 else place
    if len(negators) == 0:
        return value * boost_near * boost_far, place, False
    if words[place] in tables.excessive and polarity(words[place], tables) == 0.0:
        return 0.0, first, True  # not too big
    if len(negators) % 2 == 0:
        return value * _TWICE_NEGATED * boost_far, first, True
    # 不是很差 and "not very good" say less than 不差 and "not good"; 不够好 is no degree.
    return value * (_NEGATED_DEGREE if boost_near > 1.0 else _NEGATED) * boost_far, first, True


def _polar_next(words: Sequence[str], place: int, tables: Tables) -> bool:
    """没有质量问题 misses no quality."""
    return place + 1 < len(words) and polarity(words[place + 1], tables) != 0.0


def _value_at(words: Sequence[str], place: int, tables: Tables) -> float:
    word = words[place]
    if place > 0 and word in tables.excessive and words[place - 1] in tables.too:
        return _TOO if polarity(word, tables) >= 0.0 else polarity(word, tables)
    value = polarity(word, tables)
    if value != 0.0 and word in tables.boosters | ADVERBS_TOO.keys() and place + 1 < len(words):
        # pretty good, 好慢: an adverb here
        following = words[place + 1]
        if (
            (following[0].isalpha() and polarity(following, tables) != 0.0)
            or following in tables.excessive
            or following in tables.boosters
        ):
            return 0.0
    return value
