"""Cut a clause into words: phrases of the lexicon whole, the Chinese between them by jieba."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from profilestore.features.sentiment.tables import load_tables
from profilestore.features.sentiment.text import EMOJI
from profilestore.features.tokens import HAN, cut_words

__all__ = ["words_of"]

_LONGEST_PHRASE: Final = 5
_PIECES: Final = re.compile(rf"[{HAN}]+|[{EMOJI}]|[a-z]+(?:['-][a-z]+)*|\d+(?:\.\d+)?")
_HAN_RUN: Final = re.compile(rf"[{HAN}]")


@lru_cache(maxsize=4096)  # one clause is asked for by the lexicon, the classifier and the aspects
def words_of(plain: str) -> tuple[str, ...]:
    """The words of a normalised clause, in order: phrases of the lexicon whole, Chinese between them by jieba."""
    found: list[str] = []
    latin: list[str] = []
    for piece in _PIECES.findall(plain):
        if _HAN_RUN.match(piece) is None:
            latin.append(piece)
            continue
        found += _join_phrases(latin)
        latin = []
        found += _cut_han(piece)
    return (*found, *_join_phrases(latin))


def _cut_han(run: str) -> list[str]:
    tables = load_tables()
    words: list[str] = []
    gap_start = place = 0
    while place < len(run):
        longest = min(tables.longest_han.get(run[place], 0), len(run) - place)
        length = next((n for n in range(longest, 1, -1) if run[place : place + n] in tables.han), 0)
        if length == 0:
            place += 1
            continue
        words += _cut_gap(run[gap_start:place])
        words.append(run[place : place + length])
        place += length
        gap_start = place
    return words + _cut_gap(run[gap_start:])


def _cut_gap(gap: str) -> list[str]:
    """By jieba; a word of its dictionary that consists of words of the lexicon (很好, 太差) is parted, no other."""
    if gap == "":
        return []
    han = load_tables().han
    words: list[str] = []
    for word in cut_words(gap):
        words += list(word) if len(word) > 1 and all(character in han for character in word) else [word]
    return words


def _join_phrases(latin: list[str]) -> list[str]:
    tables = load_tables()
    words: list[str] = []
    place = 0
    while place < len(latin):
        length = next(
            (
                n
                for n in range(min(_LONGEST_PHRASE, len(latin) - place), 1, -1)
                if tuple(latin[place : place + n]) in tables.phrases
            ),
            1,
        )
        word = " ".join(latin[place : place + length])
        words += word.split("-") if length == 1 and "-" in word and word not in tables.polar else [word]
        place += length
    return words
