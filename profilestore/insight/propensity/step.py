"""`insight run propensity`: the chance that a user buys in the next 30 days, over all and in their main categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.insight.fairness import by_group
from profilestore.insight.intervals import settled
from profilestore.insight.labelled.agreement import agreement_of
from profilestore.insight.labelled.selection import select_features
from profilestore.insight.labelled.table import LabelledTable
from profilestore.insight.labelled.validation import TUNED_ROWS
from profilestore.insight.profiles import Written
from profilestore.insight.propensity.card import propensity_card
from profilestore.insight.propensity.check import PropensityCheck, check_propensity
from profilestore.insight.propensity.features import PurchaseFeatures, purchase_features
from profilestore.insight.propensity.model import DAYS, Chances, Moment, learn_moments, moments_of, table_of
from profilestore.insight.propensity.pairs import Categories, CategoryChances, CategoryCheck, check_categories
from profilestore.insight.records import InsightRecord, window_of
from profilestore.insight.segments.step import product_groups
from profilestore.insight.steps import Outcome, Run

__all__ = ["derive_propensity"]

# What a profile holds of a user's main categories, by what they are made of.
_MAIN_FIELDS: Final = {"categories": "main_categories", "topics": "main_topics"}

Floats = NDArray[np.float64]


def derive_propensity(run: Run) -> Outcome:
    """Compare the models, check the best on the last 30 days, learn them anew from all there is, and write.

    Raises:
        TooLittleData: too few users, too short a history, nearly nobody buys, or nearly everybody.
    """
    history, zone = run.history, ZoneInfo(run.settings.time_zone)
    run.progress("users at earlier times")
    moments = moments_of(history, zone=zone, seed=run.seed)
    check = check_propensity(moments, seed=run.seed, progress=run.progress)
    run.progress("checking chances by category")
    groups_of, kind = product_groups(run)
    categories = Categories.of(history, groups_of, run.settings)
    pairs, untold = _checked(categories, moments, run)
    run.progress("learning from all there is")
    # Not from more days than the check learned from, so that what was checked is what is written.
    newest = moments[: max(1, len(moments) - 1)]
    table = table_of(newest)
    model = learn_moments(check.parts, newest, table, seed=run.seed)
    features = purchase_features(history, horizon_days=DAYS, zone=zone, seed=run.seed)
    chances = model.of(features.names, features.values)
    record = _record(run, check, pairs, model, table, users=len(features), kind=kind, untold=untold)
    told = f"{float(chances.sum()):,.0f} of {len(features):,} users are expected to buy in the next 30 days."
    if not record.accepted and not run.force:
        return Outcome(
            record, f"propensity does not beat a model on recency and frequency alone, nothing is written. {told}"
        )
    by_category = None
    if pairs is not None and (pairs.beats or run.force):
        by_category = CategoryChances.learn(pairs, categories, features, seed=run.seed)
    run.progress("writing propensity")
    written = _write(run, features, chances, by_category, pairs, kind)
    return Outcome(record, told + (f" Nothing by category: {untold}" if untold != "" else ""), written)


def _checked(categories: Categories, moments: Sequence[Moment], run: Run) -> tuple[CategoryCheck | None, str]:
    """The check by category; None, and why, where nothing can be said."""
    try:
        found = check_categories(categories, moments, seed=run.seed)
    except TooLittleData as error:
        return None, str(error)
    return found, "" if found.beats or run.force else "it does not beat recency and frequency alone."


def _write(
    run: Run,
    features: PurchaseFeatures,
    chances: Floats,
    by_category: CategoryChances | None,
    pairs: CategoryCheck | None,
    kind: str,
) -> Written:
    user_ids = run.history.user_ids
    row_of = {user_ids[user]: row for row, user in enumerate(features.users.tolist())}
    main_field = _MAIN_FIELDS.get(kind, "main_categories")

    def describe(user_id: str, source: Mapping[str, Any]) -> Mapping[str, Any] | None:
        row = row_of.get(user_id)
        if row is None:
            return None
        found: dict[str, Any] = {"purchase_30d": round(float(chances[row]), 4)}
        if by_category is None or pairs is None:
            return found
        known = by_category.of(int(features.users[row]))
        # Who buys in a category buys: two models may differ there, two numbers in one profile may not.
        told = [
            (name, round(min(known[name], float(chances[row])), 4))
            for name in source.get(main_field) or ()
            if name in known
        ]
        if len(told) > 0:
            ranked = sorted(told, key=lambda pair: (-pair[1], pair[0]))
            found["purchase_30d_categories"] = [{"category": name, "probability": chance} for name, chance in ranked]
            likely = [name for name, chance in ranked if chance >= pairs.likely_from]
            found |= {"likely_categories": likely} if len(likely) > 0 else {}
        return found

    return run.profiles.write("propensity", describe, as_of=run.history.as_of_time, reading=[main_field])


def _record(
    run: Run,
    check: PropensityCheck,
    pairs: CategoryCheck | None,
    model: Chances,
    table: LabelledTable,
    *,
    users: int,
    kind: str,
    untold: str,
) -> InsightRecord:
    history = run.history
    agreement = agreement_of([select_features(table, seed=run.seed)])
    tables: dict[str, list[dict[str, Any]]] = {
        "models: cross-validated before the last 30 days, and on them": check.models,
        "last 30 days, by tenths of the users by chance": check.calibration,
        "confusion matrix of a chance of a half": [_confusion_row(check.figures)],
        "what features say of a purchase (1: the method takes it)": agreement.features,
        "how far the methods agree": agreement.pairs,
    }
    figures: dict[str, Any] = {name: value for name, value in check.figures.items() if name != "confusion"}
    if pairs is not None:
        tables["last 30 days, by tenths of users' main categories by chance"] = pairs.calibration
        tables["confusion matrix of a likely category"] = [_confusion_row(pairs.figures)]
        figures["categories"] = {name: value for name, value in pairs.figures.items() if name != "confusion"}
    return InsightRecord(
        name="propensity",
        window=window_of(history),
        settings={
            "models": [part.candidate.title for part in check.parts],
            "features": list(table.names),
            "features_left_out": dict(table.left_out),
            "features_agreed_on": list(agreement.agreed),
            "horizon_days": DAYS,
            "compared_on": min(TUNED_ROWS, len(table)),
            "fitted_on": model.fitted_on,
            "level": settled(model.level),
            "categories_from": kind,
            "category_features": [] if pairs is None else list(pairs.moments[0].names),
            "categories_written": pairs is not None and (pairs.beats or run.force),
            "likely_from": None if pairs is None else pairs.likely_from,
            "seed": run.seed,
        },
        figures=figures,
        tables=tables,
        card=propensity_card(check, pairs, users=users, kind=kind, untold=untold),
        by_group=by_group(
            run.backgrounds,
            [history.user_ids[user] for user in check.users.tolist()],
            actual=check.bought.astype(np.float64),
            predicted=check.chances,
            metrics=("auc", "squared_error", "predicted", "actual", "bias"),
        ),
        accepted=check.beats,
    )


def _confusion_row(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "said from": figures["said_from"],
        **{name.replace("_", " "): n for name, n in figures["confusion"].items()},
    }
