"""A trained model as bytes and back: an npz of plain arrays with a JSON header in it, never a pickle."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from profilestore.errors import ModelError

__all__ = ["content_name", "pack_model", "unpack_model"]

_HEADER: Final = "header"


def pack_model(kind: str, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Bytes of a model of this kind; equal content gives equal bytes."""
    text = orjson.dumps({"kind": kind, **header}, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY)
    out = io.BytesIO()
    everything: dict[str, Any] = {_HEADER: np.frombuffer(text, dtype=np.uint8), **arrays}
    np.savez_compressed(out, **everything)
    return out.getvalue()


def unpack_model(kind: str, data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Header and arrays of a packed model.

    Raises:
        ModelError: the bytes are broken, or of another kind of model.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        header = orjson.loads(arrays.pop(_HEADER).tobytes())
    except (zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError, OSError) as error:
        raise ModelError(f"a stored {kind} model is broken ({type(error).__name__}): train it again") from error
    if not isinstance(header, dict) or header.pop("kind", None) != kind:
        raise ModelError(f"what is stored is not a {kind} model: train it again")
    return header, arrays


def content_name(kind: str, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    """`kind-` and 12 hex digits of the SHA-256 of the content: equal models have equal names everywhere."""
    digest = hashlib.sha256(orjson.dumps(dict(header), option=orjson.OPT_SORT_KEYS))
    for name, array in sorted(arrays.items()):
        digest.update(f"{name}{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return f"{kind}-{digest.hexdigest()[:12]}"
