"""Topics of the products' texts: online LDA (Hoffman, Blei and Bach 2010) by gensim.

gensim's LdaMulticore is not reproducible: its workers draw random numbers and are merged in the order
in which they happen to finish. So gensim's LdaModel does the online updates, with its inner loop, the
inference of a chunk, replaced by one that is vectorised over the chunk, starts every document alike and
runs on all cores in slices that are summed in a fixed order. Equal input gives an equal model, and a
text the same topics whatever else is in its batch.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import ModelError, UsageError
from profilestore.features.tokens import content_words
from profilestore.features.topic_model import CHUNK, TopicModel, by_relevance
from profilestore.features.variational import infer_chunk

__all__ = ["train_topics"]

GRID: Final = (10, 20, 40, 80)
# At least so many documents a topic, or topics become single products.
DOCUMENTS_A_TOPIC: Final = 15
SMALLEST_AUTO: Final = 5
LARGEST_VOCABULARY: Final = 30_000
COHERENCE_DOCUMENTS: Final = 3000
PERPLEXITY_DOCUMENTS: Final = 1000
LABEL_WORDS: Final = 3
LABEL_WORDS_MOST: Final = 6
START_DOCUMENTS: Final = 3
ETA: Final = 0.02


def train_topics(
    texts: Sequence[str], *, topics: int | Literal["auto"] = "auto", seed: int = 7, passes: int = 10
) -> TopicModel:
    """Train topics on the texts of a shop's products; equal texts in equal order give an equal model.

    Args:
        texts: of all products.
        topics: how many, or "auto" for the most coherent (c_npmi) of 10, 20, 40 and 80, as far as there are
            15 documents a topic; a smaller shop gets fewer.
        seed: of the starting point.
        passes: how often the texts are gone through.

    Raises:
        UsageError: `topics` is below 1.
        ModelError: the texts hold no word.
    """
    if topics != "auto" and topics < 1:
        raise UsageError(f"topics must be at least 1 or auto, not {topics}")
    started = time.perf_counter()
    written: dict[str, Counter[str]] = {}
    documents: list[list[str]] = []
    for found in map(content_words, texts):
        for token, word in found:
            written.setdefault(token, Counter())[word] += 1
        if len(found) > 0:
            documents.append([token for token, _ in found])
    if len(documents) == 0:
        raise ModelError("no product has a text with words in it: topics need some to learn from")
    dictionary = _choose_words(documents)
    corpus = [dictionary.doc2bow(tokens) for tokens in documents]
    candidates = _grid(len(documents)) if topics == "auto" else [topics]
    best: tuple[float, Any] | None = None
    coherences: dict[str, float] = {}
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for count in candidates:
            model = _train_lda(corpus, dictionary, topics=count, seed=seed, passes=passes, pool=pool)
            coherence = _coherence(model, documents, dictionary)
            coherences[str(count)] = round(coherence, 4)
            if best is None or coherence > best[0]:
                best = coherence, model
    assert best is not None  # there is at least one candidate
    lda = best[1]
    words = [dictionary[column] for column in range(len(dictionary))]
    forms = [written[word].most_common(1)[0][0] for word in words]
    weights = np.asarray(lda.state.get_lambda(), dtype=np.float32)
    return TopicModel(
        words,
        forms=forms,
        weights=weights,
        alpha=np.asarray(lda.alpha, dtype=np.float32),
        labels=_label(forms, weights),
        figures={
            "coherence": coherences,
            "perplexity": _perplexity(lda, corpus),
            "seconds": round(time.perf_counter() - started, 2),
            "documents": len(documents),
            "vocabulary": len(words),
        },
    )


def _grid(documents: int) -> list[int]:
    fitting = [count for count in GRID if count * DOCUMENTS_A_TOPIC <= documents]
    return fitting if len(fitting) > 0 else [max(1, min(SMALLEST_AUTO, documents // 3))]


def _choose_words(documents: list[list[str]]) -> Any:
    """Words in at least 2 documents (3 from 2,000 on) and at most half of them; all, where that leaves none."""
    from gensim.corpora import Dictionary

    dictionary = Dictionary(documents)
    dictionary.filter_extremes(
        no_below=3 if len(documents) >= 2000 else 2, no_above=0.5, keep_n=LARGEST_VOCABULARY
    )  # fmt: skip
    if len(dictionary) == 0:
        dictionary = Dictionary(documents)
        dictionary.filter_extremes(no_below=1, no_above=1.0, keep_n=LARGEST_VOCABULARY)
    return dictionary


def _train_lda(corpus: Any, dictionary: Any, *, topics: int, seed: int, passes: int, pool: ThreadPoolExecutor) -> Any:
    from gensim.models import LdaModel

    class ChunkedLda(LdaModel):  # type: ignore[misc]  # gensim ships no types
        def inference(self, chunk: Any, collect_sstats: bool = False) -> tuple[Any, Any]:
            # In slices of a fixed size, so that the sum does not hang on how many cores there are.
            slices = [chunk[start : start + 250] for start in range(0, len(chunk), 250)]
            parts = list(
                pool.map(lambda s: infer_chunk(s, self.expElogbeta, self.alpha, collect=collect_sstats), slices)
            )
            gamma = np.concatenate([part[0] for part in parts])
            if not collect_sstats:
                return gamma, None
            statistics = np.zeros_like(self.expElogbeta)
            for _, collected in parts:
                if collected is not None:
                    columns, sums = collected
                    statistics[:, columns] += sums
            return gamma, statistics * self.expElogbeta

    lda = ChunkedLda(
        id2word=dictionary, num_topics=topics, random_state=seed, passes=passes, chunksize=CHUNK,
        alpha="symmetric", eta=ETA, eval_every=None, minimum_probability=0.0, dtype=np.float32,
    )  # fmt: skip
    # Each topic starts from a few documents of its own: from gensim's noise alone many topics stay empty.
    order = np.random.default_rng(seed).permutation(len(corpus))
    for place, document in enumerate(order[: topics * START_DOCUMENTS].tolist()):
        for column, count in corpus[document]:
            lda.state.sstats[place % topics, column] += count
    lda.sync_state()
    lda.update(corpus)
    return lda


def _perplexity(lda: Any, corpus: list[Any]) -> float:
    """2 to the power of the negative variational bound a word, over up to 1,000 documents."""
    sample = corpus[:: max(1, len(corpus) // PERPLEXITY_DOCUMENTS)]
    gamma, _ = infer_chunk(sample, lda.expElogbeta, lda.alpha)
    gamma = gamma[:, None, :]  # bound() wants a row of its own for each document
    ratio = len(corpus) / len(sample)
    words = sum(count for document in sample for _, count in document)
    if words == 0:
        return 1.0
    return round(float(2.0 ** -(lda.bound(sample, gamma=gamma, subsample_ratio=ratio) / (ratio * words))), 2)


def _coherence(lda: Any, documents: list[list[str]], dictionary: Any) -> float:
    """Mean c_npmi of the topics' ten first words over up to 3,000 documents: of gensim's measures the
    best correlated with people's judgement that needs no more than co-occurrence (Röder et al. 2015)."""
    from gensim.models import CoherenceModel

    size = min(10, len(dictionary))
    if size < 2:
        return 0.0
    step = max(1, len(documents) // COHERENCE_DOCUMENTS)
    texts = documents[::step]
    order = np.argsort(-lda.get_topics(), axis=1, kind="stable")[:, :size]
    seen = {token for tokens in texts for token in tokens}
    tops = [[dictionary[column] for column in row if dictionary[column] in seen] for row in order.tolist()]
    tops = [top for top in tops if len(top) > 1]
    if len(tops) == 0:
        return 0.0
    measure = CoherenceModel(topics=tops, texts=texts, dictionary=dictionary, coherence="c_npmi", processes=1)
    return float(np.nanmean(measure.get_coherence_per_topic()))


def _label(words: list[str], weights: NDArray[Any]) -> list[str]:
    """Each topic's most relevant words, three or as many as it takes to tell it from those before."""
    order = by_relevance(weights / weights.sum(axis=1, keepdims=True), weights)
    labels: list[str] = []
    for topic, columns in enumerate(order.tolist()):
        # A part of a longer word (连衣 of 连衣裙) says nothing that the word does not.
        top: list[str] = []
        for word in (words[column] for column in columns[:30]):
            if not any(word in other or other in word for other in top):
                top.append(word)
        options = [" · ".join(top[:n]) for n in range(LABEL_WORDS, LABEL_WORDS_MOST + 1)]
        options.append(f"{options[0]} ({topic + 1})")
        labels.append(next(option for option in options if option not in labels))
    return labels
