"""Many accounts with one pattern: groups of users who take the same steps, whenever they take them.

A step is from a product that was put into the cart, bought, rated or the like to the next other one; looking does not
count, since all who scroll down one page look at the same things. Two accounts are alike when the share of steps that
they have in common (Jaccard) is high. Pairs of all users are not compared: MinHash (Broder 1997) with bands
(Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, ch. 3) finds those that may be alike, and their share
is then counted exactly. Time and memory grow with the acts, not with the pairs.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.history import History, type_code
from profilestore.insight.intervals import settled
from profilestore.insight.odd.rules import Facts, Limits

__all__ = ["flag_patterns", "steps_of"]

# Fewer different steps may coincide by chance.
STEPS_LEAST: Final = 4
# A pair of a likeness s is missed with probability (1 - s ** rows) ** bands: 1.4 % at 0.5 with three rows; a group
# as a whole hardly ever.
_BANDS: Final = 32
_ROWS_MOST: Final = 3
_MISSED_MOST: Final = 0.02
_COUNTED: Final = ("favorite", "like", "share", "comment", "cart", "purchase", "rate", "review")

Keys = NDArray[np.uint64]


def steps_of(history: History) -> tuple[NDArray[np.int64], Keys]:
    """(n,) users and keys of their different steps, by user and key.

    Acts of one moment are in the order of their products, so that baskets of the same things are the same steps.
    """
    kept = np.flatnonzero((history.products >= 0) & np.isin(history.types, [type_code(type) for type in _COUNTED]))
    order = kept[np.lexsort((history.products[kept], history.times[kept], history.users[kept]))]
    users, products = history.users[order].astype(np.int64), history.products[order].astype(np.uint64)
    turned = (users[1:] == users[:-1]) & (products[1:] != products[:-1])
    keys = _mixed((products[:-1][turned] << np.uint64(32)) | products[1:][turned])
    owners = users[:-1][turned]
    order = np.lexsort((keys, owners))
    owners, keys = owners[order], keys[order]
    new = np.r_[True, (owners[1:] != owners[:-1]) | (keys[1:] != keys[:-1])][: keys.size]
    return owners[new], keys[new]


def flag_patterns(history: History, limits: Limits) -> Facts:
    """Groups of at least `limits.accounts` users of whom each is like another of the group by `limits.likeness`."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    owners, keys = steps_of(history)
    users, starts, counts = np.unique(owners, return_index=True, return_counts=True)
    stops = starts + counts
    enough = counts >= STEPS_LEAST
    users, starts, stops = users[enough], starts[enough], stops[enough]
    if users.size < limits.accounts:
        return {}
    steps = [keys[start:stop] for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)]
    pairs = {
        (one, two): share
        for one, two in _candidates(steps, rows=_rows_for(limits.likeness))
        if (share := _likeness(steps[one], steps[two])) >= limits.likeness
    }
    if len(pairs) == 0:
        return {}
    ends = np.array(list(pairs), dtype=np.int64)
    graph = coo_array((np.ones(len(pairs)), (ends[:, 0], ends[:, 1])), shape=(users.size, users.size))
    labels = connected_components(graph, directed=False)[1]
    best = np.zeros(users.size)
    for (one, two), share in pairs.items():
        best[one], best[two] = max(best[one], share), max(best[two], share)
    sizes = np.bincount(labels)
    found: Facts = {}
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels[sizes[labels] >= limits.accounts]), 1)}
    for row in np.flatnonzero(sizes[labels] >= limits.accounts).tolist():
        found[int(users[row])] = {
            "flag": "same-pattern",
            "pattern": numbers[labels[row]],
            "accounts": int(sizes[labels[row]]),
            "steps": int(steps[row].size),
            "likeness": settled(float(best[row])),
        }
    return found


def _rows_for(likeness: float) -> int:
    """The most rows of a band with which hardly a pair of this likeness is missed: fewer make more candidates."""
    fit = [rows for rows in range(1, _ROWS_MOST + 1) if (1.0 - likeness**rows) ** _BANDS <= _MISSED_MOST]
    return max(fit, default=1)


def _candidates(steps: list[Keys], *, rows: int) -> set[tuple[int, int]]:
    """Pairs that share a band of smallest hashes: each with the first of its bucket, and with the one before it."""
    lengths = np.array([keys.size for keys in steps])
    starts = np.r_[0, np.cumsum(lengths)[:-1]]
    every = np.concatenate(steps)
    salts = _mixed(np.arange(1, _BANDS * rows + 1, dtype=np.uint64))
    pairs: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        signature = np.zeros(len(steps), dtype=np.uint64)
        for row in range(rows):
            with np.errstate(over="ignore"):
                hashed = _mixed(every ^ salts[band * rows + row])
                signature = _mixed(signature * np.uint64(3) + np.minimum.reduceat(hashed, starts))
        order = np.argsort(signature, kind="stable")
        same = signature[order][1:] == signature[order][:-1]
        first = 0
        for place in np.flatnonzero(same).tolist():
            if place == 0 or not same[place - 1]:
                first = int(order[place])
            before, here = int(order[place]), int(order[place + 1])
            pairs.add((min(first, here), max(first, here)))
            pairs.add((min(before, here), max(before, here)))
    return pairs


def _likeness(one: Keys, two: Keys) -> float:
    """The share of the steps of either that are steps of both."""
    both = np.intersect1d(one, two, assume_unique=True).size
    return float(both / (one.size + two.size - both))


def _mixed(values: NDArray[Any]) -> Keys:
    """Well mixed bits of each number (the finaliser of SplitMix64, Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        mixed = values + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)
