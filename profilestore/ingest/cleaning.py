"""The cleaning rules: what each does, and how a switch sets it. The rules' work is in converters and statistics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from profilestore.errors import UsageError
from profilestore.ingest.synonyms import MISSING_WORDS

__all__ = ["Cleaning", "MissingAction", "OutlierMethod"]

MissingAction = Literal["keep", "drop", "mean", "median", "mode", "ffill"]
OutlierMethod = Literal["off", "sigma", "iqr", "isolation_forest", "dbscan"]
Switch = Literal["on", "off"]
_NEEDS_STATISTICS: Final = frozenset(("mean", "median", "mode"))


class Cleaning(BaseModel):
    """What is done with dirty values. The section `[cleaning]` of a mapping; `--clean rule=action` wins over it.

    Rules:
        missing: per field of ours, what a missing value becomes: keep (default), drop (a reject), mean,
            median, mode, or ffill (the value of the row before). `--clean missing.price=median`.
        missing_words: cells that mean "nothing", besides the empty one.
        duplicates: merge (rows of one product or user become one, equal events one) or reject.
        outliers: flag numbers that stand out in `attributes.outlier`: sigma (3 standard deviations), iqr
            (1.5 quartile ranges), isolation_forest or dbscan (all number columns together). Nothing is dropped.
        outlier_fields: the fields looked at; without it all numeric ones that the file has.
        impossible: age 250, a negative price, a date in the future: reject the row, or blank the value.
        text: trim, and fold full-width letters and digits in ids and names.
        numbers: take £2.55 and 1,234.50 as numbers.
        dates: take more than ISO dates and the mapping's formats.
        gender: take the words for genders in Chinese and English.
        event_words: take the words for event types, such as buy, pv or 加购.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    missing: dict[str, MissingAction] = Field(default_factory=dict)
    missing_words: list[str] = Field(default_factory=lambda: sorted(MISSING_WORDS))
    duplicates: Literal["merge", "reject"] = "merge"
    outliers: OutlierMethod = "off"
    outlier_fields: list[str] | None = None
    impossible: Literal["reject", "blank"] = "reject"
    text: Switch = "on"
    numbers: Switch = "on"
    dates: Switch = "on"
    gender: Switch = "on"
    event_words: Switch = "on"

    def with_switches(self, switches: Iterable[str]) -> Cleaning:
        """This, changed by switches such as `outliers=iqr` and `missing.price=median`.

        Raises:
            UsageError: names every switch that cannot be meant.
        """
        values = self.model_dump()
        problems = []
        for switch in switches:
            rule, equals, action = switch.partition("=")
            name, _, field = rule.strip().partition(".")
            action = action.strip()
            if equals == "" or name not in Cleaning.model_fields:
                problems.append(f"{switch[:60]!r}: rules are {', '.join(Cleaning.model_fields)}")
            elif name == "missing":
                values["missing"] = {**values["missing"], field or "*": action}
            elif name in ("missing_words", "outlier_fields"):
                values[name] = [part.strip() for part in action.split(",")]
            else:
                values[name] = action
        try:
            changed = Cleaning.model_validate(values)
        except ValidationError as error:
            problems += [
                f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
                for problem in error.errors(include_input=False, include_url=False)
            ]
            changed = self
        if len(problems) > 0:
            raise UsageError(f"bad cleaning rule: {'; '.join(problems)}. Write for example missing.price=median.")
        return changed

    def missing_action(self, field: str) -> MissingAction:
        """What to do when `field` has no value."""
        return self.missing.get(field, self.missing.get("*", "keep"))

    def needs_statistics(self) -> bool:
        """Whether the whole input must be seen once before the first row can be cleaned."""
        return self.outliers != "off" or any(action in _NEEDS_STATISTICS for action in self.missing.values())
