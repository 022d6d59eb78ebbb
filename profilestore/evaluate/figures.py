"""From lists to figures with intervals: by method, by group of users, and between each two methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profilestore.evaluate import beyond
from profilestore.evaluate.ledger import UserFacts
from profilestore.evaluate.metrics import accuracy_at, hits_of, relevant_counts
from profilestore.evaluate.questions import Questions
from profilestore.evaluate.report import Difference, Group, MethodFigures
from profilestore.evaluate.significance import Bootstrap, Interval, randomisation_p
from profilestore.features.holm import holm

__all__ = ["Judge", "Judged", "Variety", "activity_of", "compare", "group_users", "groups_of", "ranked_methods"]

Lists = NDArray[np.int64]
Floats = NDArray[np.float64]
# From lists to how different the products of each are.
Variety = Callable[[Lists], Floats]

_GROUP_METRICS = ("ndcg", "recall", "hr")
_GROUP_LEAST = 5
_BANDS = ((3, "1-3 acts"), (10, "4-10 acts"), (30, "11-30 acts"), (100, "31-100 acts"))


@dataclass(frozen=True, slots=True)
class Judged:
    """A method's figures, and by metric the figure of each user at the first k, shape (users,)."""

    name: str
    figures: Mapping[str, Interval]
    by_user: Mapping[str, Floats]


class Judge:
    """Judges lists of the same users by the same resamples.

    Args:
        questions: what would be right.
        ks: where lists are cut; the first k is told by user too.
        variety: of lists, by text or category; None leaves diversity out.
        seed: of the resamples.
    """

    def __init__(self, questions: Questions, *, ks: Sequence[int], variety: Variety | None, seed: int) -> None:
        self._questions = questions
        self._ks = ks
        self._variety = variety
        self.bootstrap = Bootstrap(len(questions.users), seed=seed)
        self._counts = relevant_counts(questions.relevant)

    def accuracy(self, name: str, lists: Lists) -> Judged:
        """The accuracy alone."""
        hits = hits_of(lists, self._questions.relevant)
        figures: dict[str, Interval] = {}
        by_user = {k: accuracy_at(hits, self._counts, k=k) for k in self._ks}
        for k, metrics in by_user.items():
            figures |= {f"{metric}@{k}": self.bootstrap.mean(values) for metric, values in metrics.items()}
        return Judged(name, figures, by_user[self._ks[0]])

    def whole(self, name: str, lists: Lists) -> Judged:
        """Accuracy, and what is beyond it, of lists cut at the first k."""
        accuracy = self.accuracy(name, lists)
        first = lists[:, : self._ks[0]]
        told = self._questions
        products = len(told.catalogue)
        figures = dict(accuracy.figures)
        figures["coverage"] = self.bootstrap.of_all(first, partial(beyond.coverage, products=products))
        figures["novelty"] = self.bootstrap.mean(beyond.novelty(first, told.buyers, users=told.trained_users))
        if self._variety is not None:
            figures["diversity"] = self.bootstrap.mean(self._variety(first))
        figures["popularity"] = self.bootstrap.mean(beyond.average_popularity(first, told.buyers))
        figures["gini"] = self.bootstrap.of_all(first, partial(beyond.gini, products=products))
        return Judged(name, figures, accuracy.by_user)


def compare(judged: Sequence[Judged], bootstrap: Bootstrap, *, seed: int) -> tuple[Difference, ...]:
    """The difference in NDCG of each two methods, the better one first, all corrected together."""
    ranked = sorted(judged, key=lambda each: (-each.by_user["ndcg"].mean(), each.name))
    pairs = list(combinations(ranked, 2))
    if len(pairs) == 0:
        return ()
    apart = np.stack([better.by_user["ndcg"] - worse.by_user["ndcg"] for better, worse in pairs], axis=1)
    p_values = randomisation_p(apart, seed=seed)
    corrected = holm(p_values)
    return tuple(
        Difference(
            method=better.name,
            against=worse.name,
            interval=bootstrap.mean(apart[:, place]),
            p=float(p_values[place]),
            p_holm=float(corrected[place]),
        )
        for place, (better, worse) in enumerate(pairs)
    )


def activity_of(acts: int) -> str:
    """The band of how many acts are known of a user; the first one are cold users."""
    return next((name for top, name in _BANDS if acts <= top), "over 100 acts")


def group_users(questions: Questions, facts: Mapping[str, UserFacts]) -> dict[tuple[str, str], NDArray[np.int64]]:
    """Rows of users by field and value: activity, gender, age band; those of whom it is not known are a group too."""
    rows: dict[tuple[str, str], list[int]] = {}
    told = [facts.get(user_id, UserFacts()) for user_id in questions.users]
    for row, (acts, fact) in enumerate(zip(questions.acts.tolist(), told, strict=True)):
        rows.setdefault(("activity", activity_of(acts)), []).append(row)
        rows.setdefault(("gender", fact.gender or "unknown"), []).append(row)
        rows.setdefault(("age", fact.age or "unknown"), []).append(row)
    # A field that nobody told is no grouping.
    silent = {name for name in ("gender", "age") if {value for field, value in rows if field == name} == {"unknown"}}
    order = {name: place for place, name in enumerate([name for _, name in _BANDS] + ["over 100 acts"])}
    found = {key: np.array(numbers) for key, numbers in rows.items() if key[0] not in silent}
    return dict(sorted(found.items(), key=lambda item: (item[0][0], order.get(item[0][1], 0), item[0][1])))


def groups_of(
    judged: Sequence[Judged], rows: Mapping[tuple[str, str], NDArray[np.int64]], *, k: int, seed: int
) -> tuple[Group, ...]:
    """Each method's figures on each group of at least five users, with intervals over its users."""
    groups = []
    for (field, value), chosen in rows.items():
        if chosen.size < _GROUP_LEAST:
            continue
        bootstrap = Bootstrap(chosen.size, seed=seed)
        figures = {
            each.name: {f"{metric}@{k}": bootstrap.mean(each.by_user[metric][chosen]) for metric in _GROUP_METRICS}
            for each in judged
        }
        groups.append(Group(field=field, value=value, users=int(chosen.size), figures=figures))
    return tuple(groups)


def ranked_methods(
    judged: Sequence[Judged],
    *,
    k: int,
    answered_by: Mapping[str, Mapping[str, int]],
    settings: Mapping[str, Mapping[str, Any]],
) -> tuple[MethodFigures, ...]:
    """Methods and peers with their figures, best NDCG first.

    Args:
        judged: all of them.
        k: of the NDCG.
        answered_by: of the shop's own methods, by name.
        settings: of peers, by name.
    """
    ranked = sorted(judged, key=lambda each: (-each.figures[f"ndcg@{k}"].mean, each.name))
    return tuple(
        MethodFigures(
            name=each.name,
            kind="shop" if each.name in answered_by else "peer",
            figures=each.figures,
            settings=settings.get(each.name, {}),
            answered_by=answered_by.get(each.name, {}),
        )
        for each in ranked
    )
