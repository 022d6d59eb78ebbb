"""Baskets, the null of shuffled baskets, and rules, by hand and by counting."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from scipy.stats import hypergeom

from profilestore.documents import Event
from profilestore.errors import UsageError
from profilestore.features.association import MinedRules, RuleSettings, mine_rules
from profilestore.features.baskets import BasketBuilder, Baskets
from profilestore.features.margins import fit_null
from profilestore.ingest.sample import generate_shop

UTC_ZONE = ZoneInfo("UTC")
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


def bought(user: str, product: str, *, at: datetime = NOON, **fields: Any) -> Event:
    return Event(user_id=user, type=fields.pop("type", "purchase"), time=at, product_id=product, **fields)


def read(events: list[Event], *, zone: ZoneInfo = UTC_ZONE, ids: tuple[str, ...] = ("a", "b", "c")) -> list[list[str]]:
    """The baskets of these events as sorted lists of ids."""
    builder = BasketBuilder(ids, zone)
    builder.add(events)
    baskets = builder.build()
    found: dict[int, list[str]] = {}
    for basket, product in zip(baskets.basket.tolist(), baskets.product.tolist(), strict=True):
        found.setdefault(basket, []).append(ids[product])
    assert len(found) == len(baskets)
    return sorted(found.values())


def mixed_baskets(rng: np.random.Generator, *, baskets: int, products: int, bundles: int) -> Baskets:
    """Baskets of very different sizes and products of very different frequencies, some of them sold in pairs."""
    popularity = 1.0 / (np.arange(products) + 3.0)
    popularity /= popularity.sum()
    sizes = np.minimum(1 + rng.lognormal(1.2, 1.0, size=baskets).astype(int), products // 3)
    lists = []
    for size in sizes.tolist():
        basket = set(rng.choice(products, size=size, replace=False, p=popularity).tolist())
        if rng.random() < 0.25:
            first = 2 * int(rng.integers(bundles)) + 60
            basket |= {first, first + 1}
        lists.append([f"p{product:04d}" for product in sorted(basket)])
    return Baskets.of(lists)


class TestBaskets:
    def test_an_order_is_a_basket_whatever_its_times(self) -> None:
        events = [
            bought("u", "a", order_id="1"),
            bought("u", "b", order_id="1", at=NOON + timedelta(days=3)),
            bought("u", "c", order_id="2"),
        ]
        assert read(events) == [["a", "b"], ["c"]]

    def test_the_same_order_number_of_two_users_is_two_baskets(self) -> None:
        assert read([bought("u", "a", order_id="1"), bought("v", "b", order_id="1")]) == [["a"], ["b"]]

    def test_without_an_order_number_a_user_s_day_in_the_shop_s_time_zone_is_one(self) -> None:
        late = datetime(2025, 3, 1, 23, tzinfo=UTC)
        events = [bought("u", "a", at=late), bought("u", "b", at=late + timedelta(hours=2)), bought("v", "c", at=late)]
        assert read(events) == [["a"], ["b"], ["c"]]
        assert read(events, zone=ZoneInfo("Asia/Shanghai")) == [["a", "b"], ["c"]]

    def test_a_product_is_in_a_basket_once_and_others_do_not_count(self) -> None:
        events = [
            bought("u", "a", order_id="1", quantity=3),
            bought("u", "a", order_id="1"),
            bought("u", "unknown", order_id="1"),
            bought("u", "b", type="view"),
        ]
        assert read(events) == [["a"]]

    def test_a_whole_refund_takes_the_product_out_and_a_part_does_not(self) -> None:
        events = [
            bought("u", "a", order_id="1", quantity=2),
            bought("u", "b", order_id="1"),
            bought("u", "b", order_id="1", type="refund"),
        ]
        half = bought("u", "a", type="refund", order_id="1", quantity=1, at=NOON + timedelta(days=1))
        rest = bought("u", "a", type="refund", order_id="1", quantity=1, at=NOON + timedelta(days=2))
        assert read([*events, half]) == [["a"]]
        assert read([*events, half, rest]) == []

    def test_a_refund_under_a_number_of_its_own_takes_the_latest_purchase_before_it(self) -> None:
        orders = [bought("u", "a", order_id=str(n), at=NOON + timedelta(days=n)) for n in range(3)]
        marks = [bought("u", "b", order_id=str(n), at=NOON + timedelta(days=n)) for n in range(3)]
        back = bought("u", "a", type="refund", order_id="C1", at=NOON + timedelta(days=1, hours=5))
        assert read([*orders, *marks, back]) == [["a", "b"], ["a", "b"], ["b"]]
        told = bought("u", "a", type="refund", at=NOON + timedelta(days=9), purchase_time=NOON)
        assert read([*orders[:1], *marks, told]) == [["b"], ["b"], ["b"]]

    def test_a_refund_of_nothing_bought_changes_nothing(self) -> None:
        assert read([bought("u", "a"), bought("v", "a", type="refund"), bought("u", "b", type="refund")]) == [["a"]]

    def test_the_order_of_the_log_does_not_matter(self) -> None:
        rng = np.random.default_rng(3)
        events = [
            bought(
                f"u{rng.integers(3)}",
                str(rng.choice(["a", "b", "c"])),
                type=str(rng.choice(["purchase", "refund"], p=[0.8, 0.2])),
                at=NOON + timedelta(hours=int(rng.integers(99))),
                quantity=int(rng.integers(1, 4)),
            )
            for _ in range(80)
        ]
        first = read(events)
        for _ in range(5):
            rng.shuffle(events)  # type: ignore[arg-type]  # a list is shuffled in place
            assert read(events) == first


class TestShuffling:
    def test_margins_are_kept_and_baskets_are_not(self) -> None:
        baskets = mixed_baskets(np.random.default_rng(1), baskets=400, products=80, bundles=5)
        shuffled = baskets.shuffled(np.random.default_rng(2))
        assert (shuffled.sizes() == baskets.sizes()).all()
        assert (shuffled.frequencies() == baskets.frequencies()).all()
        cells = {(b, p) for b, p in zip(baskets.basket.tolist(), baskets.product.tolist(), strict=True)}
        after = {(b, p) for b, p in zip(shuffled.basket.tolist(), shuffled.product.tolist(), strict=True)}
        assert len(after) == len(cells)
        assert len(after & cells) < 0.6 * len(cells)

    def test_all_baskets_of_the_same_margins_are_equally_likely(self) -> None:
        start = Baskets.of([["a", "b"], ["a", "c"], ["b"], ["c", "d"]])
        rng = np.random.default_rng(4)
        seen: Counter[bytes] = Counter()
        current, draws = start, 6000
        for _ in range(draws):
            current = current.shuffled(rng, sweeps=6)
            seen[current.matrix().toarray().tobytes()] += 1
        everything = [
            cells
            for cells in itertools.product((0, 1), repeat=16)
            if (np.reshape(cells, (4, 4)).sum(axis=1) == start.sizes()).all()
            and (np.reshape(cells, (4, 4)).sum(axis=0) == start.frequencies()).all()
        ]
        expected = draws / len(everything)
        assert len(seen) == len(everything)
        assert max(abs(count - expected) for count in seen.values()) < 5 * np.sqrt(expected)


class TestNull:
    def test_expected_counts_are_those_of_shuffled_baskets(self) -> None:
        baskets = mixed_baskets(np.random.default_rng(5), baskets=600, products=80, bundles=5)
        null = fit_null(baskets.sizes(), baskets.frequencies())
        rng = np.random.default_rng(6)
        total = np.zeros((80, 80))
        current, draws = baskets, 60
        for _ in range(draws):
            current = current.shuffled(rng, sweeps=4)
            matrix = current.matrix()
            total += (matrix.T @ matrix).toarray()
        i, j = np.triu_indices(80, 1)
        mean, expected = total[i, j] / draws, null.expected_counts(i, j)
        often = expected > 3
        assert often.sum() > 300
        assert np.abs(mean[often] / expected[often] - 1).max() < 0.25
        assert (mean[often].sum() / expected[often].sum()) == pytest.approx(1.0, abs=0.01)

    def test_margins_are_met_also_where_some_are_certain(self) -> None:
        # The first product is in every basket, the first basket holds every product.
        baskets = Baskets.of([["a", "b", "c", "d"], ["a", "b"], ["a", "c"], ["a"], ["a", "d", "b"]])
        null = fit_null(baskets.sizes(), baskets.frequencies())
        with_a = null.expected_counts(np.zeros(3, dtype=np.int64), np.arange(1, 4))
        assert with_a == pytest.approx(baskets.frequencies()[1:], rel=0.15)
        assert np.isfinite(null.expected).all()

    def test_a_p_value_is_never_below_the_exact_one(self) -> None:
        sizes, frequencies = np.array([3, 2, 2, 1, 1]), np.array([3, 2, 2, 1, 1])
        null = fit_null(sizes, frequencies)
        matrices = [
            cells.reshape(5, 5)
            for columns in itertools.product(*(itertools.combinations(range(5), f) for f in frequencies.tolist()))
            for cells in (np.array([[row in column for column in columns] for row in range(5)], dtype=int),)
            if (cells.sum(axis=1) == sizes).all()
        ]
        assert len(matrices) > 20
        for i, j in itertools.combinations(range(5), 2):
            together = np.array([int((m[:, i] & m[:, j]).sum()) for m in matrices])
            for count in range(1, int(min(frequencies[i], frequencies[j])) + 1):
                told = null.p_values(np.array([i]), np.array([j]), np.array([count]))[0]
                assert told >= 0.9 * float((together >= count).mean()), (i, j, count)


class TestRules:
    def test_figures_by_hand(self) -> None:
        lists = [["tea", "pot"]] * 8 + [["tea"]] * 2 + [[f"x{n}", f"y{n}"] for n in range(90)]
        rules = {(r["from"], r["to"]): r for r in as_dicts(mine_rules(Baskets.of(lists)))}
        assert set(rules) == {("tea", "pot"), ("pot", "tea")}
        rule = rules["tea", "pot"]
        assert rule["count"] == 8
        assert rule["support"] == pytest.approx(0.08)
        assert rule["confidence"] == pytest.approx(0.8)
        assert rules["pot", "tea"]["confidence"] == pytest.approx(1.0)
        assert rule["lift"] == pytest.approx(10.0)
        assert rule["p_value"] < 1e-6
        assert 0.7 < rule["score"] < rule["confidence"]

    def test_what_one_customer_orders_again_and_again_is_no_rule(self) -> None:
        lists = [["tea", "pot"]] * 8 + [[f"x{n}", f"y{n}"] for n in range(90)]
        others = [f"v{n}" for n in range(90)]
        assert len(mine_rules(Baskets.of(lists, users=["u"] * 8 + others))) == 0
        assert len(mine_rules(Baskets.of(lists, users=["u"] * 7 + ["w"] + others))) == 2

    def test_each_bound_confines(self) -> None:
        baskets = mixed_baskets(np.random.default_rng(7), baskets=2000, products=120, bundles=8)
        free = mine_rules(baskets)
        assert len(free) >= 16
        for settings in (
            RuleSettings(min_support=float(np.median(free.support))),
            RuleSettings(min_confidence=float(np.median(free.confidence))),
            RuleSettings(min_lift=float(np.median(free.lift))),
            RuleSettings(level=float(np.median(free.p_value))),
        ):
            assert 0 < len(mine_rules(baskets, settings)) < len(free)
        assert len(mine_rules(baskets, RuleSettings(per_product=1))) == np.unique(free.antecedent).size

    def test_planted_pairs_are_found_and_shuffled_baskets_yield_none_where_fisher_s_test_does(self) -> None:
        """The target at scale is `scripts/measure_rules.py`; this is its smaller version."""
        baskets = mixed_baskets(np.random.default_rng(8), baskets=1500, products=150, bundles=8)
        found = {(r["from"], r["to"]) for r in as_dicts(mine_rules(baskets))}
        planted = {(f"p{60 + 2 * n:04d}", f"p{61 + 2 * n:04d}") for n in range(8)}
        assert planted <= found
        rng = np.random.default_rng(9)
        runs, with_rules, fooled, current = 40, 0, 0, baskets.shuffled(rng, sweeps=30)
        for _ in range(runs):
            current = current.shuffled(rng, sweeps=4)
            with_rules += len(mine_rules(current)) > 0
            fooled += smallest_fisher(current) <= 0.01
        assert with_rules <= 1
        assert fooled > runs / 2  # baskets of different sizes: the test must not be Fisher's

    def test_what_is_planted_in_the_generated_shop_is_found(self) -> None:
        """A visit there is to one cluster, so that products of one cluster go together and no others do."""
        shop = generate_shop(users=400, products=72, events=60_000, language="en")
        builder = BasketBuilder(sorted(product.product_id for product in shop.products), UTC_ZONE)
        builder.add(shop.events)
        cluster = shop.truth.product_clusters
        found = {(rule["from"], rule["to"]) for rule in as_dicts(mine_rules(builder.build()))}
        planted = {(i, j) for i, j in itertools.permutations(cluster, 2) if cluster[i] == cluster[j]}
        assert found <= planted
        assert len(found) > 0.5 * len(planted)

    @pytest.mark.parametrize("lists", [[], [["a"]], [["a", "b"]], [["a", "b", "c"]] * 5, [["a"]] * 50])
    def test_too_little_or_all_the_same_gives_no_rule(self, lists: list[list[str]]) -> None:
        assert len(mine_rules(Baskets.of(lists))) == 0

    @pytest.mark.parametrize(
        "bad",
        [
            {"level": 0.0}, {"level": 1.0}, {"level": -1.0}, {"level": float("nan")}, {"min_support": 1.5},
            {"min_support": -0.1}, {"min_confidence": 2.0}, {"min_confidence": float("nan")}, {"min_lift": -1.0},
            {"min_lift": float("inf")}, {"min_count": 0},
        ],
    )  # fmt: skip
    def test_settings_that_cannot_be_meant(self, bad: dict[str, float]) -> None:
        with pytest.raises(UsageError, match=next(iter(bad))):
            RuleSettings(**bad)  # type: ignore[arg-type]  # wrong on purpose

    def test_no_support_asked_for_is_three_orders(self) -> None:
        assert RuleSettings(min_support=0.0).count_needed(10**6) == 3
        assert RuleSettings(min_support=0.1).count_needed(30) == 3
        assert RuleSettings(min_support=0.1).count_needed(31) == 4


def as_dicts(rules: MinedRules) -> list[dict[str, Any]]:
    return [
        {
            "from": rules.product_ids[int(rules.antecedent[at])],
            "to": rules.product_ids[int(rules.consequent[at])],
            **{
                name: getattr(rules, name)[at].item()
                for name in ("count", "support", "confidence", "lift", "p_value", "score")
            },
        }
        for at in range(len(rules))
    ]


def smallest_fisher(baskets: Baskets) -> float:
    """Fisher's exact test, corrected for all pairs: right for the products' frequencies, blind to basket sizes."""
    frequencies = baskets.frequencies()
    matrix = baskets.matrix()
    together = (matrix.T @ matrix).toarray()
    i, j = np.triu_indices(frequencies.size, 1)
    tails = hypergeom.sf(together[i, j] - 1, len(baskets), frequencies[i], frequencies[j])
    return float(tails.min() * i.size)
