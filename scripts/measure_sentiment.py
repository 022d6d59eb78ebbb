#!/usr/bin/env python
"""How good the sentiment of reviews is: macro-F1 of classifier, lexicon and the more frequent kind, with intervals.

Without arguments on reviews made from templates, held out by customer, by time, and by vocabulary (nouns and polar
words that no training text has). With `--good FILE --bad FILE` on real ones, a text a line: each line its own customer.

    scripts/measure_sentiment.py
    scripts/measure_sentiment.py --good pos.txt --bad neg.txt --most 10000
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from profilestore.features.sentiment.features import count_features, look_at
from profilestore.features.sentiment.figures import Judged
from profilestore.features.sentiment.model import SentimentModel
from profilestore.features.sentiment.training import RatedText, train_sentiment


def read_reviews(good: Path, bad: Path, most: int) -> list[RatedText]:
    """Different lines of both files, as many of either, in a shuffled order."""
    kinds: list[list[str]] = []
    for path in (good, bad):
        lines = sorted({line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip() != ""})
        kinds.append(random.Random(1).sample(lines, min(len(lines), most // 2)))
    rated = [(text, kind == 0) for kind, texts in enumerate(kinds) for text in texts]
    random.Random(2).shuffle(rated)
    return [RatedText(text, good, f"u{place}", float(place)) for place, (text, good) in enumerate(rated)]


def print_figures(name: str, figures: dict[str, Any]) -> None:
    """A line a predictor."""
    print(f"{name}:")
    lines = {"classifier": "macro_f1", "lexicon": "macro_f1_lexicon", "more frequent kind": "macro_f1_more_frequent",
             "beyond the lexicon": "beyond_lexicon"}  # fmt: skip
    for label, key in lines.items():
        figure = figures[key]
        print(f"  {label:20} {figure['mean']:.4f} [{figure['low']:.4f}, {figure['high']:.4f}]")
    print(f"  the lexicon knows a word of {figures['lexicon_knows']:.1%}; Brier {figures['brier']} (even odds 0.25)")


def held_out_words(model: SentimentModel, reviews: list[RatedText]) -> str:
    """Macro-F1 on reviews whose nouns and polar words are in no training text."""
    truth = np.asarray([review.good for review in reviews])
    said = model.probabilities_of(count_features([look_at(review.text) for review in reviews])) > 0.5
    figure = Judged(truth, np.arange(truth.size), seed=7).macro_f1(said)
    return f"{figure.value:.4f} [{figure.low:.4f}, {figure.high:.4f}]"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--good", type=Path)
    parser.add_argument("--bad", type=Path)
    parser.add_argument("--most", type=int, default=10_000, help="texts in all")
    options = parser.parse_args()
    made = options.good is None or options.bad is None
    if made:
        from tests.unit.features.made_reviews import make_reviews

        reviews = make_reviews(min(2000, options.most))
    else:
        reviews = read_reviews(options.good, options.bad, options.most)
    started = time.process_time()
    trained = train_sentiment(reviews)
    print(f"{trained.figures['texts']} texts, {trained.settings}, {time.process_time() - started:.0f} s of one core")
    print_figures("customers not learned from", trained.figures)
    if trained.figures["later"] is not None:
        print_figures("the latest fifth", trained.figures["later"])
    if made:
        unseen = make_reviews(1000, seed=2, vocabulary=1, wrong=0.0)
        print(f"words that no training text has: classifier {held_out_words(trained.model, unseen)}")


if __name__ == "__main__":
    main()
