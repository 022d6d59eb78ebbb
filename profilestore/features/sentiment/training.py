"""Train the classifier on a shop's own rated reviews, and say honestly how good it is.

Held-out figures are of 5-fold cross-validation in which no customer straddles a split, the learner chosen
within each training part; beside them, where the reviews have a history, of the latest fifth after a training
on what was before. Equal texts are one text, so none is known from training.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.features.sentiment.features import Counts, Seen, count_features, join_counts, look_at
from profilestore.features.sentiment.figures import Figure, Judged
from profilestore.features.sentiment.fitting import CANDIDATES, Candidate, fit_model
from profilestore.features.sentiment.model import SentimentModel
from profilestore.features.sentiment.text import is_blank_review, normalise

__all__ = ["RatedText", "Trained", "train_sentiment"]

LEAST_TEXTS: Final = 60
LEAST_OF_A_KIND: Final = 15
LEAST_WRITERS: Final = 10
TRAIN_MOST: Final = 100_000
VALIDATE_MOST: Final = 15_000
_FOLDS: Final = 5
_INNER_FOLDS: Final = 4
_LATER_SHARE: Final = 0.2
_SEEN_AT_ONCE: Final = 2000
_LEAST_LATER: Final = 30

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RatedText:
    """A review that says how it is meant: its words, whether its rating is good, who wrote it, and when (seconds)."""

    text: str
    good: bool
    writer: str
    time: float


@dataclass(frozen=True)
class HeldOut:
    """What was said of texts by classifiers that had learned from other customers: n writers, and (n,) each whether
    a text is good, and was said to be."""

    writers: tuple[str, ...]
    good: NDArray[np.bool_]
    said: NDArray[np.bool_]


@dataclass(frozen=True)
class Trained:
    """A classifier with its held-out figures. `better`: its macro-F1 beats the lexicon's, interval above zero."""

    model: SentimentModel
    figures: dict[str, Any]
    settings: dict[str, Any]
    better: bool
    held_out: HeldOut


@dataclass(frozen=True)
class _Texts:
    """Distinct texts as seen and counted, one row a text; `said` is what the lexicon says, nan for nothing.
    `writers` are rows of `writer_ids`."""

    seen: list[Seen]
    counts: Counts
    good: NDArray[np.bool_]
    writers: NDArray[np.intp]
    times: NDArray[np.float64]
    said: NDArray[np.float64]
    writer_ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.seen)

    def part(self, rows: NDArray[np.intp]) -> _Texts:
        """Some of them."""
        seen = [self.seen[row] for row in rows.tolist()]
        return _Texts(
            seen, self.counts.rows(rows), self.good[rows], self.writers[rows], self.times[rows], self.said[rows],
            self.writer_ids,
        )  # fmt: skip

    def languages(self) -> dict[str, int]:
        """How many texts of each language."""
        chinese = sum(seen.chinese for seen in self.seen)
        return {"zh": chinese, "en": len(self.seen) - chinese}

    def lexicon_says(self, more_frequent: bool) -> NDArray[np.bool_]:
        """The baseline: the lexicon, and the more frequent kind of the training part where it knows no word."""
        return np.asarray(np.where(np.nan_to_num(self.said) == 0.0, more_frequent, self.said > 0.0), dtype=np.bool_)


def train_sentiment(reviews: Sequence[RatedText], *, seed: int = 7, progress: Progress = lambda step: None) -> Trained:
    """Train, choosing the learner by validation; equal reviews in any order and an equal seed give an equal model.

    Raises:
        TooLittleData: too few different texts, writers, or reviews of one kind; says how many there are.
    """
    rated = distinct_texts(reviews)
    check_enough(rated, given=len(reviews))
    rng = np.random.default_rng(seed)
    if len(rated) > TRAIN_MOST:
        rated = [rated[place] for place in sorted(rng.choice(len(rated), TRAIN_MOST, replace=False).tolist())]
    progress(f"reading {len(rated):,} different texts")
    texts = _see(rated)
    sample = texts
    if len(texts) > VALIDATE_MOST:
        sample = texts.part(np.sort(rng.choice(len(texts), VALIDATE_MOST, replace=False)))
    progress(f"validating on {len(sample):,} texts, {_FOLDS} folds by customer")
    figures, better, held_out = _cross_validate(sample, seed=seed)
    figures["later"] = _validate_later(sample, seed=seed)
    progress("training on all")
    candidate = _choose(sample, seed=seed)
    figures |= {
        "texts": len(texts), "good": int(texts.good.sum()), "bad": int((~texts.good).sum()),
        "reviews": len(reviews), "writers": len(np.unique(texts.writers)), "languages": texts.languages(),
        "validated_on": len(sample), "beats_lexicon": better,
    }  # fmt: skip
    model = fit_model(
        texts.counts, texts.good, texts.writers, candidate, seed=seed, languages=texts.languages(), figures=figures
    )
    return Trained(model, figures, {**candidate.to_dict(), "seed": seed, "folds": _FOLDS}, better, held_out)


def distinct_texts(reviews: Sequence[RatedText]) -> list[RatedText]:
    """One of each text, in the order of time: equal texts of both kinds count as what most of them are.

    Texts that say nothing, and those as often good as bad, are left out.
    """
    votes: dict[str, Counter[bool]] = {}
    first: dict[str, RatedText] = {}
    for review in sorted(reviews, key=lambda review: (review.time, review.writer, review.text, review.good)):
        plain = normalise(review.text)
        if is_blank_review(plain):
            continue
        key = "".join(plain.split())
        votes.setdefault(key, Counter())[review.good] += 1
        first.setdefault(key, review)
    return [
        RatedText(review.text, votes[key][True] > votes[key][False], review.writer, review.time)
        for key, review in first.items()
        if votes[key][True] != votes[key][False]
    ]


def check_enough(rated: Sequence[RatedText], *, given: int) -> None:
    """Raise TooLittleData where no honest figure could be had."""
    good = sum(review.good for review in rated)
    rarer, kind = min((good, "good"), (len(rated) - good, "bad"))
    writers_of = {kind: len({review.writer for review in rated if review.good is kind}) for kind in (True, False)}
    found = f"{given} rated reviews with words hold {len(rated)} different texts"
    if len(rated) < LEAST_TEXTS:
        raise TooLittleData(f"{found}: a classifier needs {LEAST_TEXTS}. The lexicon is used.")
    if rarer < LEAST_OF_A_KIND:
        raise TooLittleData(
            f"{found}, only {rarer} of them {kind}: a classifier needs {LEAST_OF_A_KIND} of each kind. "
            "The lexicon is used. If the shop rates on another scale than 1 to 5, set rating_midpoint and rating_max."
        )
    if min(writers_of.values()) < LEAST_WRITERS:
        raise TooLittleData(
            f"{found} by too few customers: {LEAST_WRITERS} must have written good ones, and as many bad ones, so that "
            "some can be held out. The lexicon is used."
        )


def _see(rated: Sequence[RatedText]) -> _Texts:
    seen: list[Seen] = []
    parts: list[Counts] = []
    for start in range(0, len(rated), _SEEN_AT_ONCE):
        looked = [look_at(review.text) for review in rated[start : start + _SEEN_AT_ONCE]]
        parts.append(count_features(looked))
        # What was made for the counting is not needed any more, and is most of the memory.
        seen += [Seen([], [], s.lexicon, s.lexicon_score, s.chinese) for s in looked]
    counts = join_counts(parts)
    writer_ids, writers = np.unique(np.asarray([review.writer for review in rated], dtype=object), return_inverse=True)
    return _Texts(
        seen=seen,
        counts=counts,
        good=np.asarray([review.good for review in rated], dtype=np.bool_),
        writers=writers.astype(np.intp),
        times=np.asarray([review.time for review in rated], dtype=np.float64),
        said=np.asarray([np.nan if s.lexicon_score is None else s.lexicon_score for s in seen], dtype=np.float64),
        writer_ids=tuple(writer_ids.tolist()),
    )


def _splits(texts: _Texts, folds: int, seed: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    from sklearn.model_selection import StratifiedGroupKFold

    made = StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(texts.good, texts.good, texts.writers)
    return [(train, test) for train, test in made if 0 < int(texts.good[train].sum()) < train.size and test.size > 0]


def _fit(texts: _Texts, candidate: Candidate, seed: int, *, calibrated: bool = True) -> SentimentModel:
    return fit_model(
        texts.counts,
        texts.good,
        texts.writers,
        candidate,
        seed=seed,
        languages=texts.languages(),
        figures={},
        calibrated=calibrated,
    )


def _choose(texts: _Texts, *, seed: int) -> Candidate:
    """The candidate with the highest macro-F1 on one held-out part of these texts; the first of equals."""
    train, test = _splits(texts, _INNER_FOLDS, seed + 1)[0]
    judged = Judged(texts.good[test], texts.writers[test], seed=seed)
    inner, held_out = texts.part(train), texts.counts.rows(test)
    scores = [
        judged.score(_fit(inner, candidate, seed, calibrated=False).probabilities_of(held_out) > 0.5)
        for candidate in CANDIDATES
    ]
    return CANDIDATES[int(np.argmax(np.round(scores, 6)))]


def _held_out(train: _Texts, test: _Texts, seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_], bool, Candidate]:
    candidate = _choose(train, seed=seed)
    more_frequent = 2 * int(train.good.sum()) >= len(train)
    probabilities = _fit(train, candidate, seed).probabilities_of(test.counts)
    return probabilities, test.lexicon_says(more_frequent), more_frequent, candidate


def _cross_validate(texts: _Texts, *, seed: int) -> tuple[dict[str, Any], bool, HeldOut]:
    probabilities = np.full(len(texts), np.nan)
    lexicon = np.zeros(len(texts), dtype=np.bool_)
    frequent = np.zeros(len(texts), dtype=np.bool_)
    chosen: list[dict[str, Any]] = []
    for train, test in _splits(texts, _FOLDS, seed):
        probabilities[test], lexicon[test], frequent[test], candidate = _held_out(
            texts.part(train), texts.part(test), seed
        )
        chosen.append(candidate.to_dict())
    rows = np.flatnonzero(~np.isnan(probabilities))
    figures, difference = _figures(texts.part(rows), probabilities[rows], lexicon[rows], frequent[rows], seed)
    chinese = np.asarray([seen.chinese for seen in texts.seen])[rows]
    for language, own in (("zh", rows[chinese]), ("en", rows[~chinese])):
        kinds = texts.good[own]
        if own.size >= _LEAST_LATER and 0 < int(kinds.sum()) < own.size:
            judged = Judged(kinds, texts.writers[own], seed=seed)
            figures[f"macro_f1_{language}"] = judged.macro_f1(probabilities[own] > 0.5).to_dict()
    writers = tuple(texts.writer_ids[writer] for writer in texts.writers[rows].tolist())
    held_out = HeldOut(writers, texts.good[rows], probabilities[rows] > 0.5)
    return {**figures, "chosen": chosen}, difference.low > 0.0, held_out


def _validate_later(texts: _Texts, *, seed: int) -> dict[str, Any] | None:
    """Figures of the latest fifth by a model of what was before; None where the reviews have no history."""
    cut = float(np.quantile(texts.times, 1.0 - _LATER_SHARE))
    train, test = np.flatnonzero(texts.times < cut), np.flatnonzero(texts.times >= cut)
    for side in (train, test):
        good = int(texts.good[side].sum())
        if side.size < _LEAST_LATER or min(good, side.size - good) < LEAST_OF_A_KIND // 3:
            return None
    before, after = texts.part(train), texts.part(test)
    if min(len(np.unique(before.writers[before.good == kind])) for kind in (True, False)) < LEAST_WRITERS // 2:
        return None
    probabilities, lexicon, frequent, _ = _held_out(before, after, seed)
    figures, _ = _figures(after, probabilities, lexicon, np.full(len(after), frequent), seed)
    return {**figures, "texts": len(after), "from": cut}


def _figures(
    texts: _Texts,
    probabilities: NDArray[np.float64],
    lexicon: NDArray[np.bool_],
    frequent: NDArray[np.bool_],
    seed: int,
) -> tuple[dict[str, Any], Figure]:
    judged = Judged(texts.good, texts.writers, seed=seed)
    said = probabilities > 0.5
    difference = judged.difference(said, lexicon)
    known = ~np.isnan(texts.said)
    return {
        "macro_f1": judged.macro_f1(said).to_dict(),
        "macro_f1_lexicon": judged.macro_f1(lexicon).to_dict(),
        "macro_f1_more_frequent": judged.macro_f1(frequent).to_dict(),
        "beyond_lexicon": difference.to_dict(),
        "lexicon_knows": round(float(known.mean()), 4),
        "confusion": judged.confusion(said),
        "kinds": judged.by_kind(said),
        "brier": round(float(np.mean((probabilities - texts.good) ** 2)), 4),
        "brier_even": 0.25,
    }, difference
