"""Vectors from the shop's own words, for shops whose language the sentence model does not know.

Two views of a text side by side, five sixths and one sixth of the dimensions, each of unit length before
they are joined: what it says, by TF-IDF and truncated SVD (latent semantic analysis, Deerwester et al.
1990), and how its words are used, by Word2Vec averaged with SIF weights and the common component taken
out (Arora, Liang and Ma 2017). The first keeps brands and rare words apart, the second brings words
together that stand in like places. Figures: scripts/measure_text_models.py.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import ModelError
from profilestore.features.model_bytes import content_name, pack_model, unpack_model
from profilestore.features.text_model import Vectors, unit_rows
from profilestore.features.tokens import content_tokens, tokenize

__all__ = ["WordVectorModel", "train_word_vectors"]

_KIND: Final = "words"
# What a token weighs falls with how common it is: a / (a + p), with the a of the paper.
SIF_A: Final = 1e-3
LARGEST_VOCABULARY: Final = 50_000
# Epochs of Word2Vec: as many as make about this many tokens, within 5 and 20.
TOKENS_TO_SEE: Final = 10_000_000
# One dimension in six is for usage.
USAGE_SHARE: Final = 6


class WordVectorModel:
    """Word vectors of one shop as a `TextModel`.

    `lexical` (V, L) and `usage` (V, U) hold one row a word, `idf` (V,) its inverse document frequency,
    `common` (U,) the direction that all texts share. L + U <= dims; the rest of a vector is zero.
    """

    def __init__(
        self, words: list[str], *, dims: int, idf: NDArray[Any], lexical: NDArray[Any], usage: NDArray[Any],
        common: NDArray[Any],
    ) -> None:  # fmt: skip
        self._words, self._dims = words, dims
        # Stored in half precision (it changes no ranking that was measured), so that a model read back is equal.
        self._stored = {
            name: np.asarray(array, dtype=np.float16)
            for name, array in (("idf", idf), ("lexical", lexical), ("usage", usage), ("common", common))
        }
        self._idf, self._lexical, self._usage, self._common = (
            self._stored[name].astype(np.float32) for name in ("idf", "lexical", "usage", "common")
        )
        self._index = {word: row for row, word in enumerate(words)}
        if len(self._index) != len(self._idf) or self._lexical.shape[1] + self._usage.shape[1] > dims:
            raise ModelError("a stored words model does not fit together: train it again")
        self._name = content_name(_KIND, {"words": words, "dims": dims}, self._stored)

    @property
    def name(self) -> str:
        """`words-` and a hash of the content."""
        return self._name

    @property
    def dims(self) -> int:
        """Length of a vector."""
        return self._dims

    @property
    def vocabulary(self) -> int:
        """How many words are known."""
        return len(self._words)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (n, dims), float32; zero rows for texts without a known word."""
        counts = _count(map(_tokens, texts), self._index)
        lexical = _unit(_weigh(counts, self._idf) @ self._lexical)
        usage = counts @ self._usage
        usage = _unit(_unit(usage) - np.outer(_unit(usage) @ self._common, self._common))
        vectors = np.zeros((len(texts), self._dims), dtype=np.float32)
        vectors[:, : lexical.shape[1]] = lexical
        vectors[:, lexical.shape[1] : lexical.shape[1] + usage.shape[1]] = usage
        return unit_rows(vectors)

    def to_bytes(self) -> bytes:
        """The model as bytes for `from_bytes`, here or on another machine."""
        return pack_model(_KIND, {"words": self._words, "dims": self._dims}, self._stored)

    @classmethod
    def from_bytes(cls, data: bytes) -> WordVectorModel:
        """Read a model back.

        Raises:
            ModelError: the bytes are broken or are no words model.
        """
        header, arrays = unpack_model(_KIND, data)
        try:
            return cls(header["words"], dims=header["dims"], **arrays)
        except (KeyError, TypeError, IndexError) as error:
            raise ModelError("a stored words model is broken: train it again") from error


def train_word_vectors(texts: Sequence[str], *, dims: int = 384, seed: int = 7) -> WordVectorModel:
    """Train on the texts of a shop's products, each once; equal texts in equal order give an equal model.

    Args:
        texts: of all products; a shop of one product is enough, though it says little.
        dims: length of a vector (`embedding_dims`), at least 2.
        seed: of Word2Vec and of the randomised SVD.

    Raises:
        ModelError: the texts hold no word.
    """
    documents = [tokens for tokens in map(_tokens, texts) if len(tokens) > 0]
    frequency = Counter(token for tokens in documents for token in tokens)
    # By frequency and then by name, so that the order of equals does not hang on the order of texts.
    words = sorted(frequency, key=lambda word: (-frequency[word], word))[:LARGEST_VOCABULARY]
    if len(words) == 0:
        raise ModelError("no product has a text with words in it: word vectors need some to learn from")
    counts = _count(documents, {word: row for row, word in enumerate(words)})
    found_in = np.bincount(counts.indices, minlength=len(words))
    idf = np.log((1 + len(documents)) / (1 + found_in)) + 1.0
    usage_dims = max(1, dims // USAGE_SHARE)
    usage = _train_usage(documents, words, dims=usage_dims, seed=seed)
    share = np.asarray([frequency[word] for word in words]) / sum(frequency.values())
    usage *= (SIF_A / (SIF_A + share))[:, None]
    return WordVectorModel(
        words,
        dims=dims,
        idf=idf,
        lexical=_train_lexical(_weigh(counts, idf), dims=dims - usage_dims, seed=seed),
        usage=usage,
        common=_common_component(_unit(counts @ usage)),
    )


def _tokens(text: str) -> list[str]:
    """Words with content; of a text that has none (numbers, single characters), all its tokens."""
    tokens = content_tokens(text)
    return tokens if len(tokens) > 0 else tokenize(text)


def _count(documents: Any, index: dict[str, int]) -> Any:
    """Sparse counts, shape (documents, words); unknown words are left out."""
    from scipy.sparse import csr_matrix

    columns: list[int] = []
    starts = [0]
    for tokens in documents:
        columns.extend(index[token] for token in tokens if token in index)
        starts.append(len(columns))
    shape = (len(starts) - 1, len(index))
    matrix = csr_matrix((np.ones(len(columns), dtype=np.float32), columns, starts), shape=shape)
    matrix.sum_duplicates()
    return matrix


def _weigh(counts: Any, idf: NDArray[Any]) -> Any:
    """TF-IDF with sublinear term frequency, 1 + log(tf)."""
    weighed = counts.copy()
    weighed.data = (1.0 + np.log(weighed.data)) * np.asarray(idf, dtype=np.float32)[weighed.indices]
    return weighed


def _unit(rows: NDArray[Any]) -> NDArray[Any]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-7))


def _train_lexical(weighed: Any, *, dims: int, seed: int) -> NDArray[Any]:
    from sklearn.preprocessing import normalize
    from sklearn.utils.extmath import randomized_svd

    rank = min(dims, *weighed.shape)
    _, _, components = randomized_svd(normalize(weighed), n_components=rank, n_iter=7, random_state=seed)
    return np.ascontiguousarray(components.T)


def _train_usage(documents: list[list[str]], words: list[str], *, dims: int, seed: int) -> NDArray[np.float32]:
    from gensim.models import Word2Vec

    tokens = sum(len(document) for document in documents)
    model = Word2Vec(
        documents,
        vector_size=dims,
        window=10,
        min_count=1,
        sg=1,
        negative=5,
        sample=1e-3,
        epochs=int(min(20, max(5, TOKENS_TO_SEE // tokens))),
        seed=seed,
        workers=1,  # more would race, and the model would differ from run to run
        hashfxn=lambda word: zlib.crc32(str(word).encode()),  # hash() differs with PYTHONHASHSEED
    )
    return np.asarray(model.wv[words], dtype=np.float32).copy()


def _common_component(rows: NDArray[Any]) -> NDArray[Any]:
    """The first right singular vector: what all texts have in common. Zero for a single text,
    of which it would leave nothing."""
    if len(rows) < 3:
        return np.zeros(rows.shape[1])
    _, vectors = np.linalg.eigh(rows.T.astype(np.float64) @ rows)
    return np.asarray(vectors[:, -1])
