"""The sentence model, the choice of a model, and the hash of a text."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from profilestore.errors import ModelError
from profilestore.features import text as text_module
from profilestore.features.text import SentenceModel
from profilestore.features.text_model import (
    choose_text_model,
    encode_stream,
    known_words_share,
    packaged_model_folder,
    text_hash,
)
from profilestore.ingest.sample import generate_shop
from profilestore.settings import Settings

ENGLISH = ["red summer dress with flowers", "running shoes for men", "noise-cancelling headphones", "", "…"]


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("the network was touched")


@pytest.fixture(scope="module")
def model() -> SentenceModel:
    return SentenceModel()


def test_the_packaged_model_loads_without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert SentenceModel().encode(["dress"]).shape == (1, 384)


def test_vectors_are_those_of_sentence_transformers(model: SentenceModel) -> None:
    plain = model._model.encode(ENGLISH[:3], normalize_embeddings=True, show_progress_bar=False)
    vectors = model.encode(ENGLISH)
    assert np.allclose(vectors[:3], plain, atol=1e-5)
    assert (vectors[3:] == 0).all()
    assert vectors.dtype == np.float32


def test_order_is_kept_over_batches_and_windows(model: SentenceModel, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{'very ' * (n * 7 % 11)}long dress number {n}" for n in range(20)]
    expected = model.encode(texts)
    monkeypatch.setattr(text_module, "BATCH_TEXTS", 3)
    monkeypatch.setattr(text_module, "WINDOW", 8)
    assert np.allclose(model.encode(texts), expected, atol=1e-5)


def test_equal_texts_are_embedded_once(model: SentenceModel, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded: list[str] = []
    encode_batch = model._encode_batch
    monkeypatch.setattr(model, "_encode_batch", lambda batch: (embedded.extend(batch), encode_batch(batch))[1])
    vectors = model.encode(["dress", "shoes", "dress", "dress"])
    assert sorted(embedded) == ["dress", "shoes"]
    assert (vectors[0] == vectors[2]).all()
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert (vectors[0] != vectors[1]).any()


def test_a_stream_comes_in_windows_and_in_order(model: SentenceModel) -> None:
    parts = list(encode_stream(model, iter(ENGLISH), window=2))
    assert [batch for batch, _ in parts] == [ENGLISH[:2], ENGLISH[2:4], ENGLISH[4:]]
    assert np.allclose(np.vstack([vectors for _, vectors in parts]), model.encode(ENGLISH), atol=1e-5)


def test_other_dimensions_are_refused_and_said_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"384 dimensions, the index has 128.*embedding_dims = 384"):
        SentenceModel(dims=128)


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_module, "MINILM_SHA256", "0" * 64)
    with pytest.raises(ModelError, match="not the published"):
        SentenceModel()


@pytest.mark.parametrize("wrong", ["/no/such/folder", "./no-such-folder"])
def test_a_folder_that_is_not_there(wrong: str) -> None:
    with pytest.raises(ModelError, match="no folder"):
        SentenceModel(wrong)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        SentenceModel(str(tmp_path))


def test_a_model_in_a_folder_is_named_after_its_weights(model: SentenceModel) -> None:
    other = SentenceModel(str(packaged_model_folder()))
    assert other.name.startswith("model@")
    assert other.name == SentenceModel(str(packaged_model_folder())).name != model.name


def test_nothing_is_printed_in_a_fresh_process() -> None:
    script = "from profilestore.features.text import SentenceModel as M; M().encode(['dress'])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, check=True)
    assert done.stdout + done.stderr == b""


def test_importing_the_module_does_not_load_torch() -> None:
    script = "import sys, profilestore.features.text; assert not {'torch', 'sentence_transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(("language", "kind"), [("zh", "words"), ("mixed", "words"), ("en", "minilm")])
def test_auto_looks_at_the_texts(language: str, kind: str) -> None:
    shop = generate_shop(users=1, products=120, events=0, language=language)  # type: ignore[arg-type]
    chosen, reason = choose_text_model([p.full_text() for p in shop.products], settings=Settings())
    assert chosen == kind
    assert "120 texts" in reason


def test_auto_on_other_languages_and_on_nothing() -> None:
    german = ["Gemütliche Wolldecke für das Wohnzimmer", "Edelstahl Kochtopf mit Glasdeckel", "Laufschuhe für Herren"]
    assert choose_text_model(german, settings=Settings())[0] == "words"
    assert choose_text_model([], settings=Settings())[0] == "minilm"
    assert known_words_share(["12 34"]) == 1.0


def test_what_is_set_is_taken() -> None:
    assert choose_text_model(["连衣裙"], settings=Settings(text_model="minilm"))[0] == "minilm"
    assert choose_text_model(["dress"], settings=Settings(text_model="org/some-model"))[0] == "org/some-model"


def test_text_hash_hangs_on_text_and_model() -> None:
    hashes = {text_hash(t, model=m) for t in ("a", "b") for m in ("x", "y")}
    assert len(hashes) == 4
    assert text_hash("a", model="x") == text_hash("a", model="x")
    assert text_hash("b", model="xa") != text_hash("ab", model="x")
    assert len(text_hash("\ud800", model="x")) == 32
