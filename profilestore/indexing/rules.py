"""`rules mine|show`: association rules from the event log, stored with the products.

Mining again replaces them all (`stored_rules.py`). What was mined stands in `{prefix}-models` as the record
`rules`: window, counts, settings, number of tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from profilestore.errors import ModelError, NotFound, UsageError
from profilestore.indexing.parts import Parts
from profilestore.indexing.stored_rules import Rule, read_rules, write_rules

if TYPE_CHECKING:
    from profilestore.features.baskets import Baskets

__all__ = ["RECORD", "Rule", "Rules", "RulesReport", "read_baskets"]

RECORD: Final = "rules"
_PAGE: Final = 2000

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesReport:
    """What was mined: how many rules of how many products, from which baskets, under which settings.

    `tests` is the number of pairs that the p-values are corrected for; `written` that of products changed.
    """

    rules: int
    antecedents: int
    baskets: int
    baskets_of_several: int
    products: int
    tests: int
    first_purchase: str
    last_purchase: str
    settings: Mapping[str, Any]
    written: int = 0
    created: str = ""

    def to_json_dict(self) -> dict[str, Any]:
        """All figures."""
        return asdict(self)


def read_baskets(parts: Parts) -> Baskets:
    """The orders of the whole log, of products that are in the index, read in pages; 36 bytes a line are kept."""
    from profilestore.features.baskets import BasketBuilder

    side = parts.in_force
    target = side.products.identity()
    side.products.refresh(target.index)
    pages = side.products.scan(target.index, fields=["product_id"], page=10_000)
    builder = BasketBuilder(sorted(product_id for page in pages for product_id, _, _ in page), parts.rules.zone)
    log = side.log.identity()
    checkpoints = side.log.checkpoints(log)
    side.log.refresh(log)
    for shard, upto in checkpoints.items():
        for logged in side.log.read(log, shard=shard, after=-1, upto=upto):
            builder.add(each.event for each in logged if each.event is not None)
    return builder.build()


class Rules:
    """The association rules of a shop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def mine(
        self,
        *,
        min_support: float = 0.0,
        min_confidence: float = 0.0,
        min_lift: float = 1.0,
        level: float = 0.01,
        progress: Progress = lambda step: None,
    ) -> RulesReport:
        """Mine the whole log and store the rules with the products, in the place of earlier ones.

        Args:
            min_support: share of all orders that hold both products; three orders in any case.
            min_confidence: share of the orders with the one that hold the other too.
            min_lift: how many times as often as if they had nothing to do with each other.
            level: the chance that orders without any pattern yield even one rule.
            progress: is told each step.

        Raises:
            UsageError: a share outside 0 to 1, a level not between them.
            ModelError: nothing was bought.
        """
        from profilestore.features.association import RuleSettings, mine_rules

        wanted = RuleSettings(min_support=min_support, min_confidence=min_confidence, min_lift=min_lift, level=level)
        progress("reading the event log")
        baskets = read_baskets(self._parts)
        if len(baskets) == 0:
            raise ModelError(
                "rules are mined from purchases, and no purchase of a product in the index is in the event log: "
                "`profilestore index events FILE` loads them."
            )
        progress(f"mining {len(baskets):,} orders")
        mined = mine_rules(baskets, wanted)
        progress(f"writing {len(mined):,} rules")
        written = write_rules(self._parts.in_force.products, mined)
        report = RulesReport(
            rules=len(mined),
            antecedents=len(set(mined.antecedent.tolist())),
            baskets=len(baskets),
            baskets_of_several=int((baskets.sizes() >= 2).sum()),
            products=mined.products,
            tests=mined.tests,
            first_purchase=_iso(baskets.first),
            last_purchase=_iso(baskets.last),
            settings=asdict(wanted),
            written=written,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self._parts.store.put(RECORD, RECORD, report.to_json_dict())
        return report

    def report(self) -> RulesReport:
        """What was mined last.

        Raises:
            NotFound: nothing was, yet.
        """
        record = self._parts.store.get(RECORD)
        if record is None:
            raise NotFound("no rules are mined. Run `profilestore rules mine`.", kind="model", id=RECORD)
        return RulesReport(**record[0]["body"])

    def show(self, product_ids: Sequence[str] = (), *, n: int = 10) -> list[Rule]:
        """The n best rules of each of these products, or of the whole shop; at most 20 a product are kept.

        Of the whole shop, those with the most orders beyond what chance explains; of a product that is the
        order of the scores. Products that were deleted are in none.

        Raises:
            NotFound: there is no such product, or no rules are mined.
            UsageError: an id that no product can have.
        """
        self.report()
        products = self._parts.in_force.products
        index = products.identity().index
        if len(product_ids) > 0:
            wanted = list(dict.fromkeys(product_ids))
            if any(id.strip() == "" or id.encode(errors="replace").decode() != id for id in wanted):
                raise UsageError("a product id is empty, or not valid UTF-8.")
            found = products.read(index, wanted, fields=["rules"])
            missing = [product_id for product_id in wanted if product_id not in found]
            if len(missing) > 0:
                raise NotFound(f"there is no product {missing[0]}.", kind="product", id=missing[0])
            lists = [read_rules(product_id, found[product_id][0]) for product_id in wanted]
            return [rule for rules in lists for rule in self._titled(rules)[:n]]
        products.refresh(index)
        best: list[Rule] = []
        for page in products.scan(index, fields=["rules"], page=_PAGE):
            best += [rule for product_id, source, _ in page for rule in read_rules(product_id, source)]
            # Twice as many as asked for, since some may be of products deleted since.
            best = sorted(best, key=lambda rule: (-rule.extra_orders, rule.antecedent, rule.consequent))[: 2 * n + 100]
        return self._titled(best)[:n]

    def _titled(self, rules: Sequence[Rule]) -> list[Rule]:
        """The rules between products on sale, with their titles."""
        products = self._parts.in_force.products
        ids = sorted({id for rule in rules for id in (rule.antecedent, rule.consequent)})
        found = products.read(products.identity().index, ids, fields=["title", "deleted"])
        alive = {id: source.get("title") for id, (source, _) in found.items() if source.get("deleted") is not True}
        return [
            Rule(**{
                **asdict(rule),
                "antecedent_title": alive[rule.antecedent],
                "consequent_title": alive[rule.consequent],
            })
            for rule in rules
            if rule.antecedent in alive and rule.consequent in alive
        ]  # fmt: skip


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")
