"""What training does when a catalogue is large, on a small one with the limits moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from profilestore.features.taste import estimate, learning
from profilestore.features.taste.learning import LearnOptions, learn
from tests.unit.features.test_taste_model import interactions, two_tastes


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """24 products are many; how many products each setting was tried on."""
    monkeypatch.setattr(estimate, "EASE_MOST", 20)
    monkeypatch.setattr(learning, "_SEARCH_PRODUCTS", 10)
    tried: list[int] = []
    fit = learning.fit_ease

    def counting(rows: Any) -> Any:
        tried.append(rows.inputs.shape[1])
        return fit(rows)

    monkeypatch.setattr(learning, "fit_ease", counting)
    return tried


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_the_settings_are_searched_on_the_most_bought_and_the_model_has_all(large: list[int], form: str) -> None:
    learned = learn(two_tastes(), LearnOptions(budget=3, form=form))  # type: ignore[arg-type]  # one of the two
    model = learned.model
    assert model.settings.learner == "spectral"
    assert large == [10, 10, 10]
    assert len(model.figures["tried"]) == 3
    assert len(model.product_ids) == 24
    scores = model.in_vectors @ model.out_vectors.T if model.weights is None else model.weights.matrix().toarray()
    np.fill_diagonal(scores, 0.0)
    same = np.add.outer(np.arange(24), np.arange(24)) % 2 == 0
    assert scores[same].mean() > scores[~same].mean() + 0.1 * scores.max()


def test_a_search_on_fewer_products_takes_times_for_no_order_that_they_are_not(large: list[int]) -> None:
    """The most bought products have times of all days, the others were all bought at one moment: times do not order
    the acts on all of them, though they do those on the most bought."""
    bought = [(user, product) for user in range(60) for product in range(24)]
    often = [(u, p, float((7 * u + 13 * p) % 100), 1.0) for u, p in bought if p < 10 and (u + p) % 3 > 0]
    at_once = [(u, p, 500.0, 1.0) for u, p in bought if p >= 10 and (u + p) % 2 > 0]
    learned = learn(interactions(often + at_once, products=24), LearnOptions(budget=6))
    assert learned.validation is not None
    assert not learned.validation.by_time
    tried = learned.model.figures["tried"]
    assert len(tried) > 1
    assert {(each["training_half_life_days"], each["profile_half_life_days"]) for each in tried} == {(None, None)}
    assert {each["forward_weight"] for each in tried} == {0.0}
