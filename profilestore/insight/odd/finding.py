"""Users whose behaviour a person should look at: flags by rule and by isolation forests, each with its figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from profilestore.insight.history import History
from profilestore.insight.intervals import settled
from profilestore.insight.odd.acts import OddActs, recent_acts
from profilestore.insight.odd.forest import FORESTS, Unusual, find_unusual
from profilestore.insight.odd.patterns import flag_patterns
from profilestore.insight.odd.rules import Fact, Facts, Limits, flag_haste, flag_order_values, flag_refunds

__all__ = ["OddUsers", "agreement", "find_odd"]

_ROUNDED: Final = 4


@dataclass(frozen=True)
class OddUsers:
    """Who was found odd.

    Attributes:
        acts: what was looked at.
        unusual: what the forests say.
        facts: (row of the history's users) -> a fact for each flag, in the order of `FLAGS`.
    """

    acts: OddActs
    unusual: Unusual
    facts: Mapping[int, list[Fact]]

    @property
    def user_ids(self) -> tuple[str, ...]:
        """Of all users that were looked at."""
        return self.acts.history.user_ids

    def flags(self) -> dict[str, list[str]]:
        """User id -> flags."""
        return {self.user_ids[row]: [str(fact["flag"]) for fact in facts] for row, facts in self.facts.items()}

    def fields(self) -> dict[str, dict[str, Any]]:
        """The fields of each user's profile: a score with enough acts, flags and facts where there are any."""
        found: dict[str, dict[str, Any]] = {
            self.user_ids[row]: {"odd_score": round(score, _ROUNDED)}
            for row, score in zip(self.unusual.rows.tolist(), self.unusual.scores.tolist(), strict=True)
        }
        for row, facts in self.facts.items():
            fields = found.setdefault(self.user_ids[row], {})
            fields["odd_flags"] = [str(fact["flag"]) for fact in facts]
            fields["odd_facts"] = [dict(fact) for fact in facts]
        return found


def find_odd(
    history: History, *, limits: Limits, time_zone: str, seed: int, kept_out: frozenset[str] = frozenset()
) -> OddUsers:
    """Look for odd behaviour in the last `limits.days`; the same history and seed give the same.

    Args:
        history: all that is known.
        limits: from which on something is told.
        time_zone: of the shop.
        seed: of the forests.
        kept_out: figures that the forests are not to look at.

    Raises:
        TooLittleData: too few users with enough acts, or all alike.
    """
    recent = recent_acts(history, days=limits.days)
    acts = OddActs(recent, time_zone, kept_out)
    unusual = find_unusual(acts, seed=seed)
    rules: list[Facts] = [
        flag_order_values(acts, limits),
        flag_haste(acts, limits),
        flag_refunds(acts, limits),
        flag_patterns(recent, limits),
        unusual.facts(limits),
    ]
    facts: dict[int, list[Fact]] = {}
    for rule in rules:
        for row, fact in rule.items():
            facts.setdefault(row, []).append(fact)
    return OddUsers(acts, unusual, dict(sorted(facts.items())))


def agreement(unusual: Unusual, limits: Limits) -> float | None:
    """Of whom one forest flags, the share that another one flags too: Jaccard, the mean of all pairs of forests.
    None where no forest flags anybody."""
    sets = [set(unusual.odd(limits, votes).tolist()) for votes in unusual.votes]
    pairs = [(sets[one], sets[two]) for one in range(FORESTS) for two in range(one)]
    shares = [len(one & two) / len(one | two) for one, two in pairs if len(one | two) > 0]
    return settled(float(np.mean(shares))) if len(shares) > 0 else None
