"""A state as one base64 string, for the profile's `state` field, and back.

Layout: length of the header (uint32, little endian), header (JSON), then the arrays one after another
as little-endian float64 (uint64 for orders, int64 for hours). JSON floats are the shortest that read
back equal, so nothing is rounded. Packed and not a JSON map: five times the ids then cost 1.9 times
the reading and writing, against 3.8 times.
"""

from __future__ import annotations

import base64
import struct
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from profilestore.errors import ModelError
from profilestore.features.state import HOURS_OF_WEEK, SPACES, DecayedShares, DecayedSum, State

__all__ = ["FORMAT", "pack", "unpack"]

FORMAT: Final = 1
_LENGTH: Final = struct.Struct("<I")


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def pack(state: State) -> str:
    """The state as base64. `unpack(pack(state))` equals the state to the last bit."""
    sums = [state.sums.get(space, DecayedSum()) for space in SPACES]
    header = {
        "format": FORMAT,
        "counts": dict(state.counts),
        "times": [
            _finite(time) for time in (state.first_seen, state.last_seen, state.first_purchase, state.last_purchase)
        ],
        "numbers": [
            state.purchase_count, state.quantity, state.spend, state.turnover, state.rating_sum, state.rating_count,
        ],
        "channels": dict(state.channels),
        "devices": dict(state.devices),
        "payments": dict(state.payments),
        "categories": [state.categories.anchor, dict(state.categories.sums)],
        "brands": [state.brands.anchor, dict(state.brands.sums)],
        "purchased": list(state.purchased),
        "seen": list(state.seen),
        "words": dict(state.words),
        "user_fields": {name: list(entry) for name, entry in state.user_fields.items()},
        "orders": state.orders.size,
        "sums": [[part.vector.size, part.anchor, part.norm] for part in sums],
    }  # fmt: skip
    head = orjson.dumps(header)
    arrays: list[NDArray[Any]] = [
        np.fromiter(state.purchased.values(), dtype="<f8", count=len(state.purchased)),
        np.fromiter(state.seen.values(), dtype="<f8", count=len(state.seen)),
        state.orders.astype("<u8", copy=False),
        state.hours.astype("<i8", copy=False),
        *(part.vector.astype("<f8", copy=False) for part in sums),
    ]
    packed = b"".join([_LENGTH.pack(len(head)), head, *(array.tobytes() for array in arrays)])
    return base64.b64encode(packed).decode("ascii")


class _Arrays:
    """Takes one array after another off the packed bytes."""

    def __init__(self, data: bytes, offset: int) -> None:
        self._data = data
        self._offset = offset

    def take(self, size: int, dtype: str) -> NDArray[Any]:
        array = np.frombuffer(self._data, dtype=dtype, count=size, offset=self._offset)
        self._offset += array.nbytes
        return array


def unpack(text: str) -> State:
    """The state that was packed.

    Raises:
        ModelError: the text is no packed state of this format; rebuild the profile.
    """
    try:
        data = base64.b64decode(text, validate=True)
        (length,) = _LENGTH.unpack_from(data)
        header = orjson.loads(data[_LENGTH.size : _LENGTH.size + length])
        if header["format"] != FORMAT:
            raise ModelError(f"a profile's state has format {header['format']}, not {FORMAT}: rebuild the profiles.")
        return _state(header, _Arrays(data, _LENGTH.size + length))
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise ModelError("a profile's packed state cannot be read: run `profilestore profile rebuild`.") from error


def _state(header: dict[str, Any], arrays: _Arrays) -> State:
    times = header["times"]
    numbers = header["numbers"]
    purchased = arrays.take(len(header["purchased"]), "<f8").tolist()
    seen = arrays.take(len(header["seen"]), "<f8").tolist()
    orders = arrays.take(header["orders"], "<u8")
    hours = arrays.take(HOURS_OF_WEEK, "<i8")
    sums = {
        space: DecayedSum(anchor, arrays.take(size, "<f8"), norm)
        for space, (size, anchor, norm) in zip(SPACES, header["sums"], strict=True)
    }
    return State(
        counts=header["counts"],
        first_seen=float("inf") if times[0] is None else times[0],
        last_seen=float("-inf") if times[1] is None else times[1],
        first_purchase=float("inf") if times[2] is None else times[2],
        last_purchase=float("-inf") if times[3] is None else times[3],
        purchase_count=numbers[0],
        quantity=numbers[1],
        spend=numbers[2],
        turnover=numbers[3],
        rating_sum=numbers[4],
        rating_count=numbers[5],
        orders=orders,
        hours=hours,
        channels=header["channels"],
        devices=header["devices"],
        payments=header["payments"],
        categories=DecayedShares(*header["categories"]),
        brands=DecayedShares(*header["brands"]),
        purchased=dict(zip(header["purchased"], purchased, strict=True)),
        seen=dict(zip(header["seen"], seen, strict=True)),
        words=header["words"],
        user_fields={name: (entry[0], entry[1], entry[2]) for name, entry in header["user_fields"].items()},
        sums=sums,
    )
