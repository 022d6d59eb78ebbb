"""Association rules as they stand in the products: written where they differ, and read to be shown.

The consequent of a rule has it as `rules_weights` (token: the antecedent's id, value: the score), so that one
search with a basket's ids finds what goes with them; the antecedent has its best rules as `rules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from profilestore.elastic.bulk import Operation
from profilestore.elastic.product_index import ProductIndex
from profilestore.elastic.sparse_vectors import changed_weights
from profilestore.errors import NotInitialised, UpdateGaveUp

if TYPE_CHECKING:
    from profilestore.features.association import MinedRules

__all__ = ["Rule", "read_rules", "write_rules"]

FIELDS: Final = ("rules", "rules_weights")
_KEPT: Final = 20
_PAGE: Final = 2000
_WRITE_AT_ONCE: Final = 5000

Source = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """Who buys `antecedent` buys `consequent` in the same order.

    `count` of baskets with both, `support` as a share of all, `confidence` of those with the antecedent, `lift`
    over chance; `p_value` is corrected for all pairs tested; `score` is the confidence less what chance explains.
    """

    antecedent: str
    consequent: str
    count: int
    support: float
    confidence: float
    lift: float
    p_value: float
    score: float
    antecedent_title: str | None = None
    consequent_title: str | None = None

    @property
    def extra_orders(self) -> float:
        """How many orders hold both beyond what chance explains."""
        return self.score * self.count / self.confidence


def read_rules(product_id: str, source: Mapping[str, Any]) -> list[Rule]:
    """The best rules of a stored product as antecedent, best first."""
    return [
        Rule(antecedent=product_id, **{("consequent" if name == "product_id" else name): value
                                       for name, value in entry.items()})
        for entry in source.get("rules") or []
    ]  # fmt: skip


def _as_fields(mined: MinedRules) -> tuple[dict[str, list[Source]], dict[str, dict[str, float]]]:
    """The rules as they are stored: a list by antecedent, weights by consequent."""
    shown: dict[str, list[Source]] = {}
    weights: dict[str, dict[str, float]] = {}
    for at in range(len(mined)):
        antecedent = mined.product_ids[int(mined.antecedent[at])]
        consequent = mined.product_ids[int(mined.consequent[at])]
        score = float(f"{mined.score[at]:.6g}")
        weights.setdefault(consequent, {})[antecedent] = score
        held = shown.setdefault(antecedent, [])
        if len(held) < _KEPT:
            numbers = {name: float(f"{getattr(mined, name)[at]:.6g}")
                       for name in ("support", "confidence", "lift", "p_value")}  # fmt: skip
            held.append({"product_id": consequent, "count": int(mined.count[at]), **numbers, "score": score})
    return shown, weights


def write_rules(products: ProductIndex, mined: MinedRules) -> int:
    """Bring the products to these rules and no others; returns how many were changed.

    Raises:
        UpdateGaveUp: others kept changing them for two minutes.
    """
    shown, weights = _as_fields(mined)
    patience = products.patience()
    written = 0
    while True:
        target = products.identity()
        try:
            operations = _changes(products, target.index, shown, weights)
            lost = 0
            for start in range(0, len(operations), _WRITE_AT_ONCE):
                outcomes = products.write(operations[start : start + _WRITE_AT_ONCE], action="writing rules")
                written += sum(outcome.ok for outcome in outcomes)
                lost += sum(not outcome.ok for outcome in outcomes)
        except NotInitialised:
            # A switch of generations deleted the index that was read from a moment ago.
            if products.identity().uuid == target.uuid:
                raise
            lost = 1
        if lost == 0:
            products.refresh(target.index)
            return written
        if not patience.go_on():
            raise UpdateGaveUp(
                f"{lost} products could not be written for two minutes, since others kept changing them or their "
                "index is blocked: mine the rules again.",
                ids=[],
                attempts=0,
            )


def _changes(
    products: ProductIndex, index: str, shown: Mapping[str, list[Source]], weights: Mapping[str, Mapping[str, float]]
) -> list[Operation]:
    """What to write to the products of this index, each under the revision it was read at."""
    products.refresh(index)
    operations: list[Operation] = []
    for page in products.scan(index, fields=FIELDS, page=_PAGE, vectors=True):
        for product_id, source, revision in page:
            change = _change(source, shown.get(product_id, []), weights.get(product_id, {}))
            if change is not None:
                operations.append(Operation("update", index, product_id, change, expected=revision))
    return operations


def _change(source: Mapping[str, Any], rules: list[Source], weights: Mapping[str, float]) -> Source | None:
    """The partial update that makes a product's rules these; None where they are."""
    changed = changed_weights(source.get("rules_weights") or {}, weights)
    if changed is None and (source.get("rules") or []) == rules:
        return None
    return {"rules": rules, **({} if changed is None else {"rules_weights": changed})}
