"""What the classifier sees of a text: hashed word and character n-grams, and what the lexicon reads in it.

Features are hashed (Weinberger et al. 2009): memory does not grow with the vocabulary, and a stored model
holds no word that a customer wrote. A word after a negator in its clause has a second form (¬good).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.features.sentiment.cutting import words_of
from profilestore.features.sentiment.lexicon import Hit, read_clause, read_clauses
from profilestore.features.sentiment.tables import is_negator
from profilestore.features.sentiment.text import is_chinese, normalise, split_clauses

__all__ = ["BLOCKS", "HASHED", "LEXICON_COLUMNS", "Counts", "Seen", "count_features", "join_counts", "look_at"]

BLOCKS: Final = ("words", "characters")
HASHED: Final = 1 << 20
LEXICON_COLUMNS: Final = 4
_NEGATION: Final = "¬"
_NEGATED_WORDS: Final = 3
_HAN_GRAMS: Final = (1, 2, 3, 4)
_LATIN_GRAMS: Final = (3, 4, 5)


@dataclass(frozen=True, slots=True)
class Seen:
    """A text as the classifier sees it. `lexicon_score` is None where the lexicon knows no word of it."""

    words: list[str]
    characters: list[str]
    lexicon: tuple[float, ...]
    lexicon_score: float | None
    chinese: bool


@dataclass(frozen=True)
class Counts:
    """Many texts: sparse counts (n, HASHED) by block, float32, and the lexicon's columns (n, LEXICON_COLUMNS)."""

    blocks: dict[str, Any]
    lexicon: NDArray[np.float32]

    def rows(self, chosen: NDArray[np.intp]) -> Counts:
        """Some of the texts."""
        return Counts({name: block[chosen] for name, block in self.blocks.items()}, self.lexicon[chosen])


def look_at(text: str) -> Seen:
    """See one text."""
    plain = normalise(text)
    clauses = split_clauses(plain)
    words: list[str] = []
    characters: list[str] = []
    for clause in clauses:
        cut = words_of(clause.text)
        negated = [hit for hit in read_clause(cut) if hit.negated]
        words += _marked(cut, negated)
        characters += _characters(cut, negated)
    reading = read_clauses(clauses)
    good = sum(hit.value for hit in reading.hits if hit.value > 0)
    bad = -sum(hit.value for hit in reading.hits if hit.value < 0)
    columns = (reading.score or 0.0, _squash(good), _squash(bad), float(reading.score is not None))
    return Seen(words, characters, columns, reading.score, is_chinese(plain))


def count_features(texts: Sequence[Seen]) -> Counts:
    """Hash the features of texts."""
    from sklearn.feature_extraction import FeatureHasher

    hasher = FeatureHasher(HASHED, input_type="string", alternate_sign=False, dtype=np.float32)
    lexicon = np.asarray([seen.lexicon for seen in texts], dtype=np.float32).reshape(len(texts), LEXICON_COLUMNS)
    grams: dict[str, Iterable[Iterable[str]]] = {
        "words": (_word_grams(seen.words) for seen in texts),
        "characters": (seen.characters for seen in texts),
    }
    return Counts({name: hasher.transform(grams[name]).tocsr() for name in BLOCKS}, lexicon)


def join_counts(parts: Sequence[Counts]) -> Counts:
    """The counts of several lots of texts, one below the other."""
    import scipy.sparse as sp

    blocks = {name: sp.vstack([part.blocks[name] for part in parts], format="csr") for name in BLOCKS}
    return Counts(blocks, np.concatenate([part.lexicon for part in parts]))


def _word_grams(words: Sequence[str]) -> Iterator[str]:
    for place, word in enumerate(words):
        yield word
        if place > 0:
            yield f"{words[place - 1]} {word}"


def _marked(words: Sequence[str], negated: Sequence[Hit]) -> list[str]:
    """The words of a clause, those shortly after a negator in their other form, and each polar word that is
    taken back also as its kind, so that what is learned of some is known of all."""
    marked: list[str] = []
    left = 0
    for word in words:
        if is_negator(word):
            marked.append(word)
            left = _NEGATED_WORDS
        else:
            marked.append(_NEGATION + word if left > 0 else word)
            left = max(0, left - 1)
    return marked + [_NEGATION + ("bad" if hit.value > 0 else "good") + _NEGATION for hit in negated]


def _characters(words: Sequence[str], negated: Sequence[Hit]) -> Iterator[str]:
    """Character n-grams within English words and within runs of Chinese; none of what is taken back, since the
    characters of 不是很差 are those of 很差."""
    hidden = {place for hit in negated for place in range(hit.first, hit.last + 1)}
    run = ""
    for place, word in enumerate(words):
        han = word[0] > "\u3000"
        if han and place not in hidden:
            run += word
            continue
        yield from _grams(run, _HAN_GRAMS)
        run = ""
        if not han and place not in hidden:
            for part in word.split():
                yield from _grams(f" {part} ", _LATIN_GRAMS)
    yield from _grams(run, _HAN_GRAMS)


def _grams(text: str, lengths: Sequence[int]) -> Iterator[str]:
    for length in lengths:
        for start in range(len(text) - length + 1):
            yield text[start : start + length]


def _squash(total: float) -> float:
    return total / math.sqrt(total * total + 6.0)
