"""`insight run odd`: who behaves so that a person should have a look. Nobody is blocked, and nothing else changes.

Flags are by rule (order value, velocity, refunds, many accounts with one pattern) and, as `unusual`, by isolation
forests; each comes with the figures it is from. Nothing is known of age, gender or place here.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from profilestore.insight.fairness import by_group
from profilestore.insight.intervals import mean_interval
from profilestore.insight.odd.finding import OddUsers, agreement, find_odd
from profilestore.insight.odd.forest import FORESTS, LEAST_ACTS
from profilestore.insight.odd.rules import Limits, limits_of
from profilestore.insight.odd.trial import try_planted
from profilestore.insight.odd.words import FLAGS, odd_card
from profilestore.insight.records import InsightRecord, window_of
from profilestore.insight.sensitive import is_allowed
from profilestore.insight.steps import Outcome, Run

__all__ = ["derive_odd"]


def derive_odd(run: Run) -> Outcome:
    """The step of `insight run`.

    Raises:
        TooLittleData: too few users with enough acts, or all alike.
    """
    history, limits, zone = run.history, limits_of(run.settings), run.settings.time_zone
    run.progress(f"looking for odd behaviour among {len(history.user_ids):,} users")
    kept_out = frozenset(() if is_allowed("hour_of_week", run.settings) else ("at night",))
    odd = find_odd(history, limits=limits, time_zone=zone, seed=run.seed, kept_out=kept_out)
    run.progress("checking it on odd behaviour planted in a copy of the history")
    trial = try_planted(odd, limits=limits, seed=run.seed)
    counts = {flag: sum(flag in flags for flags in odd.flags().values()) for flag in FLAGS}
    flagged = np.zeros(len(history.user_ids))
    flagged[list(odd.facts)] = 1.0
    record = InsightRecord(
        name="odd",
        window=window_of(history),
        settings=_settings(odd, limits, run.seed),
        figures={
            "flagged": len(odd.facts),
            "flagged_share": mean_interval(flagged, seed=run.seed),
            "forests_agree": agreement(odd.unusual, limits),
            "planted": trial.figures,
        },
        tables={
            "users by flag": [{"flag": flag, "users": counts[flag]} for flag in FLAGS],
            "odd behaviour planted in a copy of the history": trial.rows,
        },
        card=odd_card(odd_users=len(odd.facts), users=len(history.user_ids), counts=counts, trial=trial),
        accepted=trial.beats,
        by_group=by_group(run.backgrounds, history.user_ids, means={"flagged": flagged}),
    )
    told = ", ".join(f"{count:,} {flag}" for flag, count in counts.items() if count > 0) or "none"
    message = f"{len(odd.facts):,} of {len(history.user_ids):,} users are flagged for a person to look at ({told})"
    if not record.accepted and not run.force:
        return Outcome(
            record, f"{message}; planted odd users are found no better than by three deviations: not written"
        )
    fields = odd.fields()
    written = run.profiles.write("odd", lambda user_id, _: fields.get(user_id), as_of=history.as_of_time)
    return Outcome(record, message, written)


def _settings(odd: OddUsers, limits: Limits, seed: int) -> dict[str, Any]:
    return {
        **{f"odd_{name}": value for name, value in asdict(limits).items()},
        "figures": list(odd.unusual.names),
        "same_for_all": list(odd.unusual.left_out),
        "least_acts": LEAST_ACTS,
        "users_scored": int(odd.unusual.rows.size),
        "forests": FORESTS,
        "seed": seed,
    }
