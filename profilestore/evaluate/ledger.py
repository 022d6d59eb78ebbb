"""What a split needs to know of each event, in columns: 40 bytes an event, however large the events are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.documents import Event, User
from profilestore.features.taste.interactions import hash_of
from profilestore.features.weights import FoldRules, event_weight

__all__ = ["NO_PRODUCT", "Ledger", "UserFacts", "read_ledger"]

NO_PRODUCT: Final = -1


@dataclass(frozen=True, slots=True)
class UserFacts:
    """What a user is grouped by. `opted_out`: personalisation is off, so nothing is asked about them."""

    gender: str | None = None
    age: str | None = None
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class Ledger:
    """Events in the order in which they were read; all arrays are of shape (events,).

    Attributes:
        user_ids: by number, as `users` has it.
        product_ids: by number, as `products` has it; `NO_PRODUCT` for an event without one.
        times: in epoch seconds.
        keys: hash of the event's id, the same in every run; it orders events of one time.
        bought: what can be asked for: a purchase, or where there are none, an act that counts for the product.
        seen: an act that hides the product from this user's answers.
        attributes: says who the user is and is no act.
        repeated: an id that was read before; the log takes it once.
        by_purchases: whether `bought` are purchases.
        facts: of users by id, those of whom something is known.
    """

    user_ids: tuple[str, ...]
    product_ids: tuple[str, ...]
    users: NDArray[np.int32]
    products: NDArray[np.int32]
    times: NDArray[np.float64]
    keys: NDArray[np.uint64]
    bought: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    attributes: NDArray[np.bool_]
    repeated: NDArray[np.bool_]
    by_purchases: bool
    facts: Mapping[str, UserFacts]

    def __len__(self) -> int:
        return int(self.users.size)

    @property
    def acts(self) -> NDArray[np.bool_]:
        """Events about a product, each once."""
        return np.asarray((self.products != NO_PRODUCT) & ~self.repeated)


def read_ledger(pages: Iterable[Sequence[Event]], rules: FoldRules, *, rows: Iterable[User] = ()) -> Ledger:
    """Read all events once; the last attributes of a user by time tell their group, before them `rows` of users."""
    users: dict[str, int] = {}
    products: dict[str, int] = {}
    columns: list[tuple[NDArray[Any], ...]] = []
    said: dict[str, tuple[float, dict[str, Any]]] = {}
    for user in rows:
        _note(said, user.user_id, -np.inf, user.fields())
    for page in pages:
        made = []
        for event in page:
            time = event.time.timestamp()
            product = NO_PRODUCT if event.product_id is None else products.setdefault(event.product_id, len(products))
            if event.user_fields is not None:
                _note(said, event.user_id, time, event.user_fields)
            made.append((
                users.setdefault(event.user_id, len(users)), product, time, hash_of(event.event_id),
                event.type == "purchase", event_weight(event, rules) > 0.0 and product != NO_PRODUCT,
                event.type in rules.seen_types, event.type == "attributes",
            ))  # fmt: skip
        columns.append(_columns(made))
    number, product_number, times, keys, purchases, liked, seen, attributes = (
        np.concatenate(parts) for parts in zip(_columns([]), *columns, strict=True)
    )
    repeated = np.ones(keys.size, dtype=bool)
    repeated[np.unique(keys, return_index=True)[1]] = False
    by_purchases = bool(purchases.any())
    return Ledger(
        tuple(users), tuple(products), number, product_number, times, keys,
        purchases if by_purchases else liked, seen, attributes, repeated, by_purchases,
        {user: _facts(fields) for user, (_, fields) in said.items()},
    )  # fmt: skip


def _columns(rows: list[tuple[Any, ...]]) -> tuple[NDArray[Any], ...]:
    kinds = (np.int32, np.int32, np.float64, np.uint64, bool, bool, bool, bool)
    by_column = list(zip(*rows, strict=True)) if len(rows) > 0 else [()] * len(kinds)
    return tuple(np.array(column, dtype=kind) for column, kind in zip(by_column, kinds, strict=True))


def _note(said: dict[str, tuple[float, dict[str, Any]]], user_id: str, time: float, fields: Mapping[str, Any]) -> None:
    """Keep what groups a user; of two rows the later one wins field by field."""
    held_time, held = said.get(user_id, (-np.inf, {}))
    told = {name: fields[name] for name in ("gender", "age", "personalisation") if fields.get(name) is not None}
    band = fields.get("attributes", {}).get("age_band")
    if band is not None:
        told["age_band"] = band
    said[user_id] = (max(time, held_time), {**held, **told} if time >= held_time else {**told, **held})


_AGES: Final = ((18, "under 18"), (25, "18-24"), (35, "25-34"), (45, "35-44"), (55, "45-54"), (65, "55-64"))


def _facts(fields: Mapping[str, Any]) -> UserFacts:
    age = fields.get("age")
    # Some files have bands and no ages: they are kept as they are.
    band = fields.get("age_band") if age is None else next((name for top, name in _AGES if age < top), "65+")
    return UserFacts(fields.get("gender"), None if band is None else str(band), fields.get("personalisation") == "off")
