"""The sentiment of any text: by the shop's classifier where it knows its language and a word of it, else by the
lexicon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from profilestore.features.sentiment.aspects import aspects_of
from profilestore.features.sentiment.features import Seen, count_features, look_at
from profilestore.features.sentiment.lexicon import read_text
from profilestore.features.sentiment.model import SentimentModel
from profilestore.features.sentiment.text import is_blank_review, normalise

__all__ = ["Scorer", "Sentiment", "label_of"]

# Nearer to 0 a text is neither.
NEUTRAL: Final = 0.2
# Of a language with fewer texts the classifier has learned too little.
LEAST_OF_A_LANGUAGE: Final = 50
_WORDS_SHOWN: Final = 6

Label = Literal["positive", "negative", "neutral", "mixed"]


@dataclass(frozen=True, slots=True)
class Sentiment:
    """What a text says.

    `score` is from -1 to 1, None where it says nothing known; `method` tells who says so: the shop's `model`, our own
    `lexicon`, or `none`. `aspects` and `words` (what spoke, and how much) are by the lexicon.
    """

    score: float | None
    label: Label | None
    method: Literal["model", "lexicon", "none"]
    aspects: dict[str, float | None] = field(default_factory=dict)
    words: dict[str, float] = field(default_factory=dict)


def label_of(scores: Sequence[float]) -> Label:
    """The label of a text, or of many: mixed where good and bad ones cancel out."""
    mean = sum(scores) / len(scores)
    if abs(mean) >= NEUTRAL:
        return "positive" if mean > 0 else "negative"
    return "mixed" if max(scores) >= NEUTRAL and min(scores) <= -NEUTRAL else "neutral"


class Scorer:
    """Scores texts by a model, or without one by the lexicon."""

    def __init__(self, model: SentimentModel | None = None) -> None:
        self.model = model

    def score(self, texts: Sequence[str]) -> list[tuple[float | None, Literal["model", "lexicon", "none"]]]:
        """Score and method of each text; what a shop fills in for who wrote nothing has none."""
        seen = [None if is_blank_review(normalise(text)) else look_at(text) for text in texts]
        by_model = self._by_model([one for one in seen if one is not None])
        found: list[tuple[float | None, Literal["model", "lexicon", "none"]]] = []
        for one in seen:
            score = None if one is None else by_model.get(id(one))
            if score is not None:
                found.append((score, "model"))
            elif one is not None and one.lexicon_score is not None:
                found.append((one.lexicon_score, "lexicon"))
            else:
                found.append((None, "none"))
        return found

    def explain(self, text: str) -> Sentiment:
        """All there is to say of one text."""
        ((score, method),) = self.score([text])
        if score is None:
            return Sentiment(None, None, "none")
        hits = read_text(text).hits
        strongest = sorted(hits, key=lambda hit: -abs(hit.value))[:_WORDS_SHOWN]
        return Sentiment(
            score, label_of([score]), method, aspects_of(text), {hit.words: hit.value for hit in strongest}
        )

    def _by_model(self, seen: Sequence[Seen]) -> dict[int, float]:
        if self.model is None:
            return {}
        learned = {language for language, texts in self.model.languages.items() if texts >= LEAST_OF_A_LANGUAGE}
        asked = [one for one in seen if ("zh" if one.chinese else "en") in learned]
        if len(asked) == 0:
            return {}
        counts = count_features(asked)
        scores = np.round(2.0 * self.model.probabilities_of(counts) - 1.0, 4)
        return {
            id(one): float(score) for one, score, ok in zip(asked, scores, self.model.knows(counts), strict=True) if ok
        }
