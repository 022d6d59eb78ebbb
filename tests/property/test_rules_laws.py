"""Laws of association rules: figures by brute force, and nothing but the baskets matters."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from profilestore.features.association import RuleSettings, mine_rules
from profilestore.features.baskets import Baskets
from profilestore.features.margins import fit_null

LISTS = st.lists(st.sets(st.sampled_from("abcdefgh"), min_size=1, max_size=6), min_size=1, max_size=40)
# A planted pair, so that there is something to be found.
SHOPS = st.tuples(LISTS, st.integers(0, 25)).map(
    lambda drawn: [sorted(basket) for basket in drawn[0]] + [["x", "y"]] * drawn[1]
)
Figures = dict[tuple[str, str], tuple[int, float, float, float]]


def mined(lists: list[list[str]], wanted: RuleSettings) -> Figures:
    rules = mine_rules(Baskets.of(lists), wanted)
    return {
        (rules.product_ids[int(rules.antecedent[at])], rules.product_ids[int(rules.consequent[at])]): (
            int(rules.count[at]),
            float(rules.support[at]),
            float(rules.confidence[at]),
            float(rules.lift[at]),
        )
        for at in range(len(rules))
    }


def by_brute_force(lists: list[list[str]], wanted: RuleSettings) -> Figures:
    """Everything counted in plain Python; only the single p-values are taken from the null."""
    total = len(lists)
    needed = wanted.count_needed(total)
    ids = sorted({product for basket in lists for product in basket})
    number = {product: sum(product in basket for basket in lists) for product in ids}
    frequent = [product for product in ids if number[product] >= needed]
    null = fit_null(np.array([len(basket) for basket in lists]), np.array([number[product] for product in ids]))
    tested: list[tuple[float, str, str, int]] = []
    for i, j in combinations(frequent, 2):
        count = sum(i in basket and j in basket for basket in lists)
        at = (np.array([ids.index(i)]), np.array([ids.index(j)]), np.array([count]))
        tested.append((float(null.p_values(*at)[0]) if count >= needed else 1.0, i, j, count))
    found: Figures = {}
    for rank, (p_value, i, j, count) in enumerate(sorted(tested)):
        if p_value * (len(tested) - rank) > wanted.level:  # Holm: the first that fails ends it
            break
        for one, other in ((i, j), (j, i)):
            confidence = count / number[one]
            lift = count * total / (number[one] * number[other])
            if confidence >= wanted.min_confidence and lift >= wanted.min_lift:
                found[one, other] = (count, count / total, confidence, lift)
    return found


@settings(max_examples=150, deadline=None)
@given(lists=SHOPS, level=st.sampled_from((0.01, 0.3, 0.9)), count=st.integers(1, 3),
       support=st.sampled_from((0.0, 0.1)), confidence=st.sampled_from((0.0, 0.5)))  # fmt: skip
def test_rules_are_those_of_brute_force(
    lists: list[list[str]], level: float, count: int, support: float, confidence: float
) -> None:
    wanted = RuleSettings(level=level, min_count=count, min_support=support, min_confidence=confidence, min_users=1)
    found, expected = mined(lists, wanted), by_brute_force(lists, wanted)
    assert found.keys() == expected.keys()
    for pair, figures in expected.items():
        assert np.allclose(found[pair], figures, rtol=1e-12)


@settings(max_examples=50, deadline=None)
@given(lists=SHOPS, data=st.data())
def test_the_order_of_baskets_and_of_products_in_them_does_not_matter(
    lists: list[list[str]], data: st.DataObject
) -> None:
    wanted = RuleSettings(level=0.5, min_count=1, min_users=1)
    other = [data.draw(st.permutations(basket)) for basket in data.draw(st.permutations(lists))]
    assert mined(lists, wanted) == mined(other, wanted)


@settings(max_examples=50, deadline=None)
@given(lists=SHOPS)
def test_a_rule_s_figures_agree_with_each_other(lists: list[list[str]]) -> None:
    rules = mine_rules(Baskets.of(lists), RuleSettings(level=0.9, min_count=1, min_users=1))
    assert np.all(rules.support <= rules.confidence)
    assert np.all((rules.score > 0) & (rules.score <= rules.confidence))
    assert np.all((rules.p_value >= 0) & (rules.p_value <= 0.9))
    pairs = {(int(i), int(j)) for i, j in zip(rules.antecedent, rules.consequent, strict=True)}
    assert all((j, i) in pairs for i, j in pairs)
