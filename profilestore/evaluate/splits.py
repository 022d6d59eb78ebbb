"""Which events are trained on, which are only known of the user who is asked about, and which are held out.

- **time** (default): all before the time below which `share` of the acts on products lie. Nothing of the
  rest is known to anybody.
- **leave-one-out**: of each user the last purchase (of a product they had not bought before, unless repeats
  count) is asked for; it, all acts on that product and all the user did from then on are held out. Where
  times tie, a stable hash orders. What others did later stays in the training, as everywhere with this split.
- **user**: a share of the users, by a stable hash, is trained on. Of the others is known what they did until
  they had met four fifths of their products, and no model has seen it (as Liang et al. 2018, but by
  time); or only their first acts, as many as the options say, and all they did later is asked for.

Where times cannot order the events, `time` becomes a split of pairs of user and product by a stable hash.
Who a user is (`attributes`) is not an act: known are the attributes said before the cut, and of a user
without any such the first ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from profilestore.evaluate.ledger import Ledger
from profilestore.evaluate.options import EvaluateOptions
from profilestore.features.taste.interactions import hash_of, mixed

__all__ = ["HELD_OUT", "KNOWN", "TRAINED", "Stages", "stage_events"]

TRAINED: Final = 0
KNOWN: Final = 1  # of the user who is asked about, after all training
HELD_OUT: Final = 2

_KNOWN_SHARE: Final = 0.8

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Stages:
    """The stage of each event, shape (events,); how it came about, in words; the cut of a split by time."""

    of: NDArray[np.int8]
    how: str
    cut: datetime | None = None

    @property
    def trained(self) -> Mask:
        """What every model and count may see."""
        return np.asarray(self.of == TRAINED)

    @property
    def asked(self) -> Mask:
        """What is known of the users when they are asked about."""
        return np.asarray(self.of != HELD_OUT)


def stage_events(ledger: Ledger, options: EvaluateOptions) -> Stages:
    """The stage of each event by the split asked for; an event that was read twice counts once."""
    if options.split == "leave-one-out":
        stages = _leave_one_out(ledger, options)
    elif options.split == "user":
        stages = _by_user(ledger, options)
    else:
        stages = _by_time(ledger, options)
    stages.of[ledger.repeated] = HELD_OUT
    return stages


def _by_time(ledger: Ledger, options: EvaluateOptions) -> Stages:
    acts = ledger.acts
    cut = float(np.quantile(ledger.times[acts], options.share))
    held = ledger.times >= cut
    before = np.count_nonzero(acts & ~held) / np.count_nonzero(acts)
    # One day's file, or one without times: the cut falls into a heap of equal times.
    if before < options.share / 2.0 or not (held & ledger.bought & acts).any():
        return _by_hash(ledger, options)
    moment = datetime.fromtimestamp(cut, UTC)
    stage = np.where(held, HELD_OUT, TRAINED).astype(np.int8)
    stage[_first_attributes(ledger) & held] = TRAINED
    return Stages(stage, f"by time: all before {moment.isoformat(timespec='seconds')} is trained on", moment)


def _by_hash(ledger: Ledger, options: EvaluateOptions) -> Stages:
    """Pairs of user and product, whole, so that what is asked for is new to the user."""
    products = np.array([hash_of(product_id) for product_id in ledger.product_ids], dtype=np.uint64)
    users = np.array([hash_of(user_id) for user_id in ledger.user_ids], dtype=np.uint64)
    pairs = users[ledger.users] ^ (products[ledger.products] * np.uint64(0x9E3779B97F4A7C15))
    held = ledger.acts & (mixed(pairs, seed=options.seed) >= options.share)
    return Stages(
        np.where(held, HELD_OUT, TRAINED).astype(np.int8),
        "by a hash of user and product, since the times do not order the events",
    )


def _leave_one_out(ledger: Ledger, options: EvaluateOptions) -> Stages:
    order = np.lexsort((ledger.keys, ledger.times, ledger.users))
    users, pairs = ledger.users[order], _pairs(ledger)[order]
    wanted = (ledger.bought & ledger.acts)[order]
    if not options.repeats:
        wanted = _firsts(wanted, pairs)
    # The last wanted act of each user, and all that follows it: the order is ascending, the last one stays.
    last = np.full(len(ledger.user_ids), -1, dtype=np.int64)
    places = np.flatnonzero(wanted)
    last[users[places]] = places
    held = (last[users] >= 0) & (np.arange(order.size) >= last[users])
    if not options.repeats:  # whoever looked at it before they bought it, did so before it was new to them
        held |= np.isin(pairs, pairs[last[last >= 0]]) & ledger.acts[order]
    stage = np.full(order.size, TRAINED, dtype=np.int8)
    stage[order[held]] = HELD_OUT
    stage[_first_attributes(ledger)] = TRAINED
    how = "leave one out: each user's last purchase is asked for, what others did later is known"
    return Stages(stage, how)


def _pairs(ledger: Ledger) -> NDArray[np.int64]:
    """A number of the user and product of each event."""
    return ledger.users.astype(np.int64) * (len(ledger.product_ids) + 1) + ledger.products


def _firsts(chosen: Mask, pairs: NDArray[np.int64]) -> Mask:
    """Of the chosen places the first one of each pair."""
    places = np.flatnonzero(chosen)
    first = np.zeros(chosen.size, dtype=bool)
    first[places[np.unique(pairs[places], return_index=True)[1]]] = True
    return first


def _by_user(ledger: Ledger, options: EvaluateOptions) -> Stages:
    users = np.array([hash_of(user_id) for user_id in ledger.user_ids], dtype=np.uint64)
    tested = (mixed(users, seed=options.seed) >= options.share)[ledger.users]
    order = np.lexsort((ledger.keys, ledger.times, ledger.users))
    order = order[(tested & ledger.acts)[order]]
    # How many products the user had come across by then, this one included, and how many it will be in all.
    news = _firsts(np.ones(order.size, dtype=bool), _pairs(ledger)[order]).astype(np.int64)
    owners, starts, acts = np.unique(ledger.users[order], return_index=True, return_counts=True)
    met = np.cumsum(news)
    met -= np.repeat(met[starts] - 1, acts)
    products = np.add.reduceat(news, starts) if order.size > 0 else np.zeros(0, dtype=np.int64)
    kept = np.clip((products * _KNOWN_SHARE).astype(np.int64), 1, np.maximum(products - 1, 1))
    stage = np.full(len(ledger), TRAINED, dtype=np.int8)
    stage[tested & ~ledger.attributes] = HELD_OUT
    known = met <= np.repeat(kept, acts)
    how = f"what they did until they had met {_KNOWN_SHARE:.0%} of their products"
    if options.history is not None:
        known &= np.arange(order.size) - np.repeat(starts, acts) < options.history
        how = f"their first {options.history} act(s) on products"
    stage[order[known]] = KNOWN
    return Stages(stage, f"by user: {owners.size} users are held out of all training, and known by {how}")


def _first_attributes(ledger: Ledger) -> Mask:
    """The first attributes of each user by time."""
    order = np.lexsort((ledger.keys, ledger.times, ledger.users))
    order = order[ledger.attributes[order]]
    first = np.zeros(len(ledger), dtype=bool)
    first[order[np.unique(ledger.users[order], return_index=True)[1]]] = True
    return first
