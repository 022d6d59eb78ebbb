"""`insight run interests`: what users turn to now against before, and when they buy again what they buy regularly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from profilestore.errors import TooLittleData
from profilestore.insight.fairness import by_group
from profilestore.insight.history import History
from profilestore.insight.interests.again import Again, next_purchases, told_of
from profilestore.insight.interests.drift import Days, Drift, days_of, drift_of, drift_strength, window_start
from profilestore.insight.interests.drift_check import DriftCheck, check_drift
from profilestore.insight.interests.regulars import purchases_of
from profilestore.insight.interests.words import interests_card, interests_tables
from profilestore.insight.records import InsightRecord, window_of
from profilestore.insight.sales import local_days
from profilestore.insight.sensitive import is_allowed
from profilestore.insight.steps import Outcome, Run

__all__ = ["FoundInterests", "Space", "derive_interests", "find_interests", "groups_of_run"]

_MOST_TOLD: Final = 5
_CLAIMS_LEAST: Final = 10
# What a shop keeps out of its models, by what is told of it.
_FIELD_OF: Final = {"categories": "category", "brands": "main_brands", "topics": "main_topics"}

Groups = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Space:
    """Drift within the categories, the brands or the topics; `check` is None where too few claims could be followed
    up: then the shuffled stories alone speak for them."""

    name: str
    days: Days
    drift: Drift
    check: DriftCheck | None

    @property
    def holds(self) -> bool:
        """Whether its claims may be told."""
        if self.check is not None:
            return self.check.beats
        return int((self.drift.sign != 0).sum()) >= _CLAIMS_LEAST


@dataclass(frozen=True)
class FoundInterests:
    """What was found: drift by space, `strength` (user -> 0 to 1) of the space that says most, and purchases
    expected of products and of categories; `today` is the first day of which nothing is known."""

    spaces: tuple[Space, ...]
    strength: dict[int, float]
    again: dict[str, Again]
    today: date
    categories: tuple[str, ...]
    window_days: float

    @property
    def beats(self) -> bool:
        """Whether anything of it does."""
        return any(space.holds for space in self.spaces) or any(again.beats for again in self.again.values())


def find_interests(
    history: History, groups: Mapping[str, Groups], *, types: Sequence[str], zone: ZoneInfo, seed: int
) -> FoundInterests:
    """All of it, without reading or writing anything.

    Args:
        history: acts before some time.
        groups: `categories`, `brands`, `topics` -> product id -> its groups.
        types: of acts that speak for a product.
        zone: of the shop.
        seed: of shuffles, learners and intervals.

    Raises:
        TooLittleData: under 56 days of acts, or nobody acted on three days before and in the recent window.
    """
    since = window_start(history)
    if since is None:
        raise TooLittleData("interests need acts over 56 days or more, so that now can be told from before.")
    spaces: list[Space] = []
    for name, groups_of in groups.items():
        if len({group for values in groups_of.values() for group in values}) < 2:
            continue
        days = days_of(history, groups_of, types=types, since=since, zone=zone)
        check = check_drift(history, groups_of, types=types, window_s=history.as_of - since, zone=zone, seed=seed)
        spaces.append(Space(name, days, drift_of(days, seed=seed), check))
    today = int(local_days(np.array([history.as_of]), zone)[0]) + 1
    again = _again(history, zone, today, seed)
    if len(again) == 0 and not any(space.drift.known.size > 0 for space in spaces):
        raise TooLittleData(
            "interests need users who acted on three days in the recent weeks and on three before, or who bought the "
            "same on four days."
        )
    main = next((space for space in spaces if space.drift.known.size > 0), None)
    strength = {} if main is None else dict(
        zip(main.drift.known.tolist(), drift_strength(main.days, main.drift.known, seed=seed).tolist(), strict=True)
    )  # fmt: skip
    names = tuple(sorted(set(history.shelf.categories) - {""}))
    return FoundInterests(
        tuple(spaces), strength, again, date.fromordinal(today), names, (history.as_of - since) / 86_400.0
    )


def _again(history: History, zone: ZoneInfo, today: int, seed: int) -> dict[str, Again]:
    shelf = history.shelf
    names = sorted(set(shelf.categories) - {""})
    number = {name: place for place, name in enumerate(names)}
    things = {
        "products": list(range(len(shelf.product_ids))),
        "categories": [number.get(category, -1) for category in shelf.categories],
    }
    found: dict[str, Again] = {}
    for name, thing_of in things.items():
        again = next_purchases(purchases_of(history, thing_of, zone), today, seed=seed)
        if again is not None:
            found[name] = again
    return found


def derive_interests(run: Run) -> Outcome:
    """Find them, check them on a later period, and write what holds.

    Raises:
        TooLittleData: too short a history, or users who acted too seldom.
    """
    history, settings = run.history, run.settings
    run.progress(f"looking for what changed for {len(history.user_ids):,} users")
    types = [type for type, weight in settings.event_weights.items() if weight > 0.0]
    found = find_interests(
        history, groups_of_run(run), types=types, zone=ZoneInfo(settings.time_zone), seed=run.seed
    )  # fmt: skip
    record = _record(run, found)
    fields = _fields_by_user(history, found, force=run.force)
    drifting = sum(any(name.startswith(("rising", "falling")) for name in each) for each in fields.values())
    due = sum("next_purchase_at" in each for each in fields.values())
    message = f"{drifting:,} users turn to something else than before; of {due:,} the next purchase is told."
    if not record.accepted and not run.force:
        return Outcome(record, f"neither drift nor next purchases beat their baselines, nothing is written. {message}")
    run.progress("writing interests")
    written = run.profiles.write("interests", lambda user_id, _: fields.get(user_id), as_of=history.as_of_time)
    return Outcome(record, message, written)


def groups_of_run(run: Run) -> dict[str, Groups]:
    """Categories, brands and topics of the products, as far as the shop allows that users are told apart by them."""
    shelf, settings = run.history.shelf, run.settings
    found: dict[str, Groups] = {
        "categories": {id: (name,) for id, name in zip(shelf.product_ids, shelf.categories, strict=True) if name != ""},
        "brands": {id: (name,) for id, name in zip(shelf.product_ids, shelf.brands, strict=True) if name != ""},
    }
    products = run.parts.in_force.products
    pages = products.scan(products.identity().index, fields=["main_topics"], page=10_000)
    found["topics"] = {
        id: tuple(source["main_topics"][:1]) for page in pages for id, source, _ in page if source.get("main_topics")
    }
    return {name: groups for name, groups in found.items() if is_allowed(_FIELD_OF[name], settings)}


def _fields_by_user(history: History, found: FoundInterests, *, force: bool) -> dict[str, dict[str, Any]]:
    """Only what was checked and holds, unless forced."""
    fields: dict[str, dict[str, Any]] = {}
    held = [space for space in found.spaces if force or space.holds]
    for space in held:
        drift = space.drift
        for sign, way in ((1, "rising"), (-1, "falling")):
            rows = np.flatnonzero(drift.sign == sign)
            for row in rows[np.lexsort((drift.groups[rows], drift.chance[rows], drift.users[rows]))].tolist():
                of_user = fields.setdefault(history.user_ids[int(drift.users[row])], {})
                told = of_user.setdefault(f"{way}_{space.name}", [])
                if len(told) < _MOST_TOLD:
                    told.append(space.days.names[int(drift.groups[row])])
    if len(held) > 0:
        for user, strength in found.strength.items():
            fields.setdefault(history.user_ids[user], {})["interest_drift"] = round(strength, 4)
    for level in ("categories", "products"):  # what is known of products goes before
        again = found.again.get(level)
        if again is not None and (again.beats or force):
            for user, row in told_of(again).items():
                of_user = fields.setdefault(history.user_ids[user], {})
                of_user.pop("next_purchase_product", None)
                of_user.pop("next_purchase_category", None)
                of_user.pop("next_purchase_to", None)
                of_user.update(_next(history, found, again, row, level))
    return fields


def _next(history: History, found: FoundInterests, again: Again, row: int, level: str) -> dict[str, Any]:
    """The fields of one expected purchase; the interval is open where it ends beyond the horizon."""
    thing = int(again.regulars.things[row])
    at = [found.today + timedelta(days=days) for days in
          (int(again.low[row]), round(float(again.middle[row])), int(np.ceil(again.high[row])))]  # fmt: skip
    fields: dict[str, Any] = {"next_purchase_from": at[0].isoformat(), "next_purchase_at": at[1].isoformat()}
    if again.high[row] < 0.98 * again.horizon:
        fields["next_purchase_to"] = at[2].isoformat()
    category = found.categories[thing] if level == "categories" else history.shelf.categories[thing]
    if level == "products":
        fields["next_purchase_product"] = history.shelf.product_ids[thing]
    return fields | ({"next_purchase_category": category} if category != "" else {})


def _record(run: Run, found: FoundInterests) -> InsightRecord:
    history = run.history
    figures: dict[str, Any] = {
        f"drift_of_{space.name}": {
            "users_known": int(space.drift.known.size),
            "claims_now": int((space.drift.sign != 0).sum()),
            "false_claims_now_of_shuffled": space.drift.false,
            **({} if space.check is None else space.check.figures),
        }
        for space in found.spaces
    } | {f"next_purchase_of_{level}": again.figures for level, again in found.again.items()}
    groups: dict[str, Any] = {}
    told = next((again for again in found.again.values() if again.beats), None)
    if told is not None:
        users, waited, expected = told.checked
        groups = by_group(
            run.backgrounds, [history.user_ids[user] for user in users.tolist()], actual=waited, predicted=expected,
            metrics=("absolute_error", "bias"),
        )  # fmt: skip
    return InsightRecord(
        name="interests",
        window=window_of(history),
        settings={
            "recent_days": round(found.window_days, 2),
            "told_apart_by": [space.name for space in found.spaces],
            "features": [_FIELD_OF[space.name] for space in found.spaces],
            "horizon_days": {level: again.horizon for level, again in found.again.items()},
            "false_claims_held_to": 0.2,
            "interval": 0.8,
            "seed": run.seed,
        },
        figures=figures,
        tables=interests_tables(found),
        card=interests_card(found),
        by_group=groups,
        accepted=found.beats,
    )
