"""How weights by token are brought up to date: what a partial update of a `sparse_vector` field must say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

__all__ = ["changed_weights"]

# A weight is kept in 9 bits: 1,001 comes back as 1,000.
_PRECISION: Final = 0.005


def changed_weights(held: Mapping[str, float], wanted: Mapping[str, float]) -> dict[str, float | None] | None:
    """The partial update that makes the stored weights these; None where they are, as exactly as the server keeps them.

    An update merges maps token by token, so what is gone is named, with None for its weight.

    Args:
        held: as they were read back.
        wanted: what they are to be, each above 0.
    """
    same = held.keys() == wanted.keys() and all(
        math.isclose(held[token], weight, rel_tol=_PRECISION) for token, weight in wanted.items()
    )
    return None if same else {**wanted, **dict.fromkeys(held.keys() - wanted.keys())}
