"""`insight run segments`: users in segments by what they turn to and how they shop, named and written.

Which features tell users apart is decided by the data: interests, habits and both are tried, and of those
whose clusters stand out from what is found in shuffled columns, the set is taken whose segments, made before the
last fifth of the time, tell most of how their users differ in it. Where there is too little time for that, the
set that stands out most is taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.elastic.segment_history import SegmentHistory
from profilestore.errors import TooLittleData
from profilestore.insight.fairness import by_group
from profilestore.insight.history import History
from profilestore.insight.records import InsightRecord, window_of
from profilestore.insight.segments.cards import describe_segments, segment_card
from profilestore.insight.segments.clustering import MOST_FITTED, Choice, Clusters, Method, choose_clusters
from profilestore.insight.segments.features import (
    LEAST_ACTS,
    UserFeatures,
    columns_of,
    kept_out_habits,
    user_features,
)
from profilestore.insight.segments.foresight import look_ahead
from profilestore.insight.segments.names import Trait, kept_names, name_segments, traits_of
from profilestore.insight.segments.snapshots import count_segments
from profilestore.insight.sensitive import is_allowed
from profilestore.insight.steps import Outcome, Run

__all__ = ["Segmentation", "derive_segments", "product_groups", "segment_users"]

_BOOTSTRAPS: Final = 1000
_CONFIDENCE: Final = (2.5, 97.5)


@dataclass(frozen=True)
class Segmentation:
    """Users in segments.

    Attributes:
        features: of the users of whom enough is known.
        columns: of the features that were taken, as a slice; `taken` is their name.
        choice: the clusters, and what was tried.
        labels: (n,) segment of each of the features' users, -1 for none.
        traits: what sets each segment apart.
        names: of the segments.
        gains: set of features -> silhouette above that on shuffled columns.
        foresights: set of features -> what `Foresight.explained` says of its segments.
    """

    features: UserFeatures
    columns: slice
    taken: str
    choice: Choice
    labels: NDArray[np.int64]
    traits: tuple[list[Trait], ...]
    names: tuple[str, ...]
    gains: dict[str, float]
    foresights: dict[str, dict[str, Any] | None]

    @property
    def foresight(self) -> dict[str, Any] | None:
        """Of the set that was taken."""
        return self.foresights[self.taken]

    @property
    def clusters(self) -> Clusters:
        """The fit."""
        return self.choice.clusters

    @property
    def sizes(self) -> list[int]:
        """Users a segment."""
        counts: list[int] = np.bincount(self.labels[self.labels >= 0], minlength=self.clusters.count).tolist()
        return counts


def segment_users(
    history: History,
    *,
    groups_of: Mapping[str, Sequence[str]],
    time_zone: str,
    method: Method = "kmeans",
    count: int | None = None,
    seed: int = 7,
    kept_out: Collection[str] = (),
) -> Segmentation:
    """Find segments; the same history and seed give the same.

    Raises:
        TooLittleData: too few users, or none that differ.
    """
    features = user_features(history, groups_of=groups_of, time_zone=time_zone, kept_out=kept_out)
    choices: dict[str, tuple[slice, Choice]] = {}
    for name, columns in feature_sets(features).items():
        try:
            found = choose_clusters(features.scaled[:, columns], method=method, count=count, seed=seed)
        except TooLittleData:
            continue
        choices[name] = columns, found
    if len(choices) == 0:
        raise TooLittleData(f"{method} finds no two groups of users that differ.")
    gains = {name: found.trial.silhouette - found.trial.shuffled for name, (_, found) in choices.items()}
    ahead = look_ahead(history, groups_of=groups_of, time_zone=time_zone, kept_out=kept_out)
    foresights = {
        name: None if ahead is None else ahead.explained(name, method=method, count=found.clusters.count, seed=seed)
        for name, (_, found) in choices.items()
    }
    taken = max(choices, key=lambda name: _worth(gains[name], foresights[name]))
    columns, choice = choices[taken]
    labels = choice.clusters.assign(features.scaled[:, columns])
    traits = tuple(traits_of(features, labels, segment) for segment in range(choice.clusters.count))
    sizes = np.bincount(labels[labels >= 0], minlength=choice.clusters.count).tolist()
    names = tuple(name_segments(traits, sizes=sizes))
    return Segmentation(features, columns, taken, choice, labels, traits, names, gains, foresights)


def feature_sets(features: UserFeatures) -> dict[str, slice]:
    """The sets of features that are tried, as columns."""
    sets = {name: columns_of(features, name) for name in ("interests", "habits", "both")}
    used = {name: columns for name, columns in sets.items() if columns.stop - columns.start >= 2}
    return used if 0 < features.interests < features.scaled.shape[1] else dict(list(used.items())[:1])


def _worth(gain: float, foresight: Mapping[str, Any] | None) -> tuple[bool, float, float]:
    """The order of the sets: what does not stand out comes last, then by foresight, then by how far it stands out."""
    return gain > 0, 0.0 if foresight is None else float(foresight["explained"]["mean"]), gain


def derive_segments(run: Run) -> Outcome:
    """The step of `insight run`.

    Raises:
        TooLittleData: too few users, or none that differ.
    """
    history, settings = run.history, run.settings
    run.progress(f"finding segments among {len(history.user_ids):,} users")
    groups_of, groups = product_groups(run)
    made = segment_users(
        history, groups_of=groups_of, time_zone=settings.time_zone,
        method=settings.segment_method, count=settings.segment_count, seed=run.seed,
        kept_out=kept_out_habits(settings),
    )  # fmt: skip
    ids = [history.user_ids[row] for row in made.features.users.tolist()]
    before = {user_id: source["segment"] for page in run.profiles.read(["segment"], query=_IN_ONE)
              for user_id, source in page}  # fmt: skip
    names = kept_names(made.names, [before.get(user_id) for user_id in ids], made.labels)
    gain = _interval(made.choice.silhouettes - made.choice.trial.shuffled, run.seed)
    foresight = made.foresight
    doubt = _doubt(gain, foresight)
    accepted = doubt is None
    record = InsightRecord(
        name="segments",
        window=window_of(history),
        settings=_settings(run, made, groups),
        figures={
            "silhouette": made.choice.trial.silhouette,
            "silhouette_on_shuffled_columns": made.choice.trial.shuffled,
            "silhouette_above_shuffled": gain,
            "stability": made.choice.trial.stability,
            "foretold": foresight,
        },
        tables=describe_segments(made, names, ids),
        by_group=_by_group(run, made, names, ids),
        accepted=accepted,
        card=segment_card(made, names, users=len(history.user_ids), doubt=doubt, foresight=foresight,
                          method=settings.segment_method),
    )  # fmt: skip
    told = f"{made.clusters.count} segments of {len(ids):,} users by {made.taken} ({settings.segment_method})"
    if doubt is not None and not run.force:
        return Outcome(record, f"{told} {doubt[0]}; nothing was written")
    segment_of = {user_id: names[label] for user_id, label in zip(ids, made.labels.tolist(), strict=True) if label >= 0}

    def describe(user_id: str, source: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return {"segment": segment_of[user_id]} if user_id in segment_of else None

    written = run.profiles.write("segments", describe, as_of=history.as_of_time)
    counts = SegmentHistory(run.parts.client, alias=settings.index("segments"))
    count_segments(counts, before, segment_of, users=len(history.user_ids), now=history.as_of_time)
    return Outcome(record, f"{told}{_sample_told(made, settings.segment_method)}", written)


def _doubt(gain: Mapping[str, float], foresight: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """Why the segments are not worth writing, in English and Chinese; None where they are."""
    if gain["low"] <= 0:
        return "do not stand out from what is found in shuffled data", "与打乱数据后的结果没有明显区别"
    if foresight is not None and foresight["explained"]["low"] <= 0:
        return "do not foretell what their users do later", "不能预示用户之后的行为"
    return None


def _by_group(run: Run, made: Segmentation, names: Sequence[str], ids: Sequence[str]) -> dict[str, Any]:
    """How clearly the users of each group are in their segment, and the share of each segment."""
    in_one = made.labels >= 0
    shares = {f"in {name}": made.labels == segment for segment, name in enumerate(names)}
    clear = made.clusters.clearness(made.features.scaled[:, made.columns], made.labels)
    return by_group(run.backgrounds, ids, means={"clearness": clear, "in_a_segment": in_one, **shares})


_IN_ONE: Final = {"exists": {"field": "segment"}}


def product_groups(run: Run) -> tuple[dict[str, list[str]], str]:
    """The categories of the products, or their topics where there are not two categories."""
    shelf = run.history.shelf
    named = {category for category in shelf.categories if category != ""}
    if len(named) >= 2 and is_allowed("category", run.settings):
        pairs = zip(shelf.product_ids, shelf.categories, strict=True)
        return {product_id: [category] for product_id, category in pairs if category != ""}, "categories"
    if not is_allowed("main_topics", run.settings):
        return {}, "none"
    products = run.parts.in_force.products
    pages = products.scan(products.identity().index, fields=["main_topics"])
    topics = {id: source["main_topics"] for page in pages for id, source, _ in page if source.get("main_topics")}
    return topics, "topics" if len(topics) > 0 else "none"


def _settings(run: Run, made: Segmentation, groups: str) -> dict[str, Any]:
    method = run.settings.segment_method
    users = len(made.features.users)
    return {
        "method": method,
        "segments": made.clusters.count,
        "features": made.taken,
        "feature_names": list(made.features.names[made.columns]),
        "features_left_out": made.features.left_out,
        "gain_by_features": {name: round(value, 4) for name, value in made.gains.items()},
        "interests_from": groups,
        "least_acts": LEAST_ACTS,
        "users_with_too_few_acts": made.features.unknown,
        "fitted_on": min(users, MOST_FITTED[method]),
        "assigned": users,
        "seed": run.seed,
        "tried": [asdict(trial) for trial in made.choice.trials],
    }


def _sample_told(made: Segmentation, method: str) -> str:
    users = len(made.features.users)
    unknown = f"; {made.features.unknown:,} users with fewer than {LEAST_ACTS} acts are in none"
    if users <= MOST_FITTED[method]:
        return unknown
    return f"; fitted on a sample of {MOST_FITTED[method]:,}, the others assigned to the nearest{unknown}"


def _interval(values: NDArray[np.float64], seed: int) -> dict[str, float]:
    """The mean with its 95 % bootstrap interval (percentiles)."""
    rng = np.random.default_rng(seed)
    means = [float(values[rng.integers(0, values.size, values.size)].mean()) for _ in range(_BOOTSTRAPS)]
    low, high = np.percentile(means, _CONFIDENCE)
    return {"mean": float(values.mean()), "low": float(low), "high": float(high)}
