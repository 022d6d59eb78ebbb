"""How unusual a user is, by isolation forests (Liu, Ting and Zhou 2008), and what makes them so.

A user who is told apart from the others by few random cuts is unusual. The score is Liu's: 1 for who is apart at
once, under 0.5 for who is like the others. Five forests of different seeds are asked, so that the score does not hang
on one draw, and so that it can be said how much they agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.insight.intervals import settled
from profilestore.insight.odd.acts import SKEWED, OddActs
from profilestore.insight.odd.rules import Facts, Limits

__all__ = ["FORESTS", "Unusual", "find_unusual"]

Floats = NDArray[np.float64]

# Fewer acts, and every share is an accident.
LEAST_ACTS: Final = 4
USERS_LEAST: Final = 20
FORESTS: Final = 5
_TREES: Final = 200
# Each tree sees 256 users (Liu's default); more do not make it better.
_SAMPLE: Final = 256
_TO_DEVIATION: Final = 1.4826
_REASONS: Final = 3


@dataclass(frozen=True)
class Unusual:
    """What the forests say of the users with enough acts.

    Attributes:
        rows: (n,) of the history's users.
        names: of the f figures that tell users apart.
        raw: (n, f) in the units a person reads.
        points: (n, f) as the forests see them: skewed ones logarithmic.
        votes: (FORESTS, n) scores.
        left_out: figures that are the same for all.
    """

    rows: NDArray[np.int64]
    names: tuple[str, ...]
    raw: Floats
    points: Floats
    votes: Floats
    forests: tuple[Any, ...]
    left_out: tuple[str, ...]

    @property
    def scores(self) -> Floats:
        """(n,) the mean of the forests' scores, 0 to 1."""
        return np.asarray(self.votes.mean(axis=0))

    def odd(self, limits: Limits, scores: Floats | None = None) -> NDArray[np.int64]:
        """(m,) positions of who is above the limit; the highest alone where these were more than a person can look at.

        Args:
            limits: `score` and `share` of the users.
            scores: (n,) of one forest; of all when None.
        """
        scores = self.scores if scores is None else scores
        most = int(limits.share * scores.size)
        highest = np.lexsort((self.rows, -scores))[:most]
        return np.sort(highest[scores[highest] >= limits.score])

    def facts(self, limits: Limits) -> Facts:
        """Who is odd, with the figures that make them so."""
        odd = self.odd(limits)
        if odd.size == 0:
            return {}
        middle = np.median(self.points, axis=0)
        usual = np.median(self.raw, axis=0)
        falls = self._falls(odd, middle)
        found: Facts = {}
        for place, row in enumerate(odd.tolist()):
            largest = np.argsort(-falls[place], kind="stable")[:_REASONS].tolist()
            found[int(self.rows[row])] = {
                "flag": "unusual",
                "score": settled(float(self.scores[row])),
                "by": [
                    {
                        "what": self.names[f],
                        "value": settled(float(self.raw[row, f])),
                        "usual": settled(float(usual[f])),
                    }
                    for f in largest
                    if falls[place, f] > 0.0
                ],
            }
        return found

    def _falls(self, odd: NDArray[Any], middle: Floats) -> Floats:
        """By how much the score of each falls if one figure were the usual one: (odd, f)."""
        here = self._score(self.points[odd])
        falls = np.empty((odd.size, len(self.names)))
        for column in range(len(self.names)):
            other = self.points[odd].copy()
            other[:, column] = middle[column]
            falls[:, column] = here - self._score(other)
        return falls

    def _score(self, points: Floats) -> Floats:
        return np.asarray(np.mean([-forest.score_samples(points) for forest in self.forests], axis=0))


def find_unusual(acts: OddActs, *, seed: int) -> Unusual:
    """Grow the forests and score the users with at least `LEAST_ACTS` acts.

    Raises:
        TooLittleData: fewer than 20 such users, or all of them alike.
    """
    from sklearn.ensemble import IsolationForest

    rows = np.flatnonzero(acts.acts >= LEAST_ACTS)
    if rows.size < USERS_LEAST:
        raise TooLittleData(
            f"odd behaviour needs {USERS_LEAST} users with at least {LEAST_ACTS} acts each; there are {rows.size}."
        )
    columns = {name: values[rows] for name, values in acts.columns().items()}
    kept = [name for name, values in columns.items() if float(np.ptp(values)) > 1e-9]
    if len(kept) == 0:
        raise TooLittleData("all users are alike in everything that could be odd.")
    raw = np.column_stack([columns[name] for name in kept])
    points = np.column_stack([np.log1p(columns[name]) if name in SKEWED else columns[name] for name in kept])
    forests = tuple(
        IsolationForest(
            n_estimators=_TREES, max_samples=min(_SAMPLE, rows.size), random_state=seed * FORESTS + number
        ).fit(points)
        for number in range(FORESTS)
    )
    votes = np.stack([-forest.score_samples(points) for forest in forests])
    return Unusual(rows, tuple(kept), raw, points, votes, forests, tuple(name for name in columns if name not in kept))
