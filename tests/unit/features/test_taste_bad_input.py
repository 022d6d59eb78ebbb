"""What training and the fold make of shops that nobody would call normal: a clear message or a sensible answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pydantic import ValidationError

from profilestore.documents import Event
from profilestore.errors import ModelError
from profilestore.features.catalogue import Catalogue, ProductFeatures
from profilestore.features.fold import state_of
from profilestore.features.served import ITEMS_KEPT, served_fields, taste_items
from profilestore.features.taste.interactions import InteractionsBuilder
from profilestore.features.taste.learning import LearnOptions, learn_taste
from profilestore.features.weights import CART_ACTS_KEPT, FoldRules
from profilestore.settings import Settings
from tests.unit.features.test_taste_model import interactions, two_tastes

NOTHING_TO_LEARN = [
    pytest.param([(0, product, float(product), 1.0) for product in range(30)], "are 1 and 30", id="one user"),
    pytest.param([(user, 0, float(user), 1.0) for user in range(30)], "are 30 and 1", id="one product"),
    pytest.param([(0, 0, 5.0, 1.0)] * 30, "are 1 and 1", id="every event the same"),
    pytest.param([(user, user % 3, 5.0, -1.0) for user in range(30)], "are 30 and 0", id="only dislikes"),
]


@pytest.mark.parametrize(("rows", "told"), NOTHING_TO_LEARN)
def test_too_little_to_learn_from_says_how_much_there_is(rows: list[tuple[int, int, float, float]], told: str) -> None:
    with pytest.raises(ModelError, match=told):
        learn_taste(interactions(rows))


def test_no_events_at_all() -> None:
    builder = InteractionsBuilder(["a", "b"], FoldRules.of(Settings()))
    with pytest.raises(ModelError, match="are 0 and 0"):
        learn_taste(builder.build())


def test_no_number_is_refused_by_events_and_by_training() -> None:
    when = datetime(2025, 1, 1, tzinfo=UTC)
    for field in ("quantity", "price", "rating"):
        with pytest.raises(ValidationError):
            Event(user_id="u", type="purchase", product_id="p", time=when, **{field: float("nan")})  # type: ignore[arg-type]
    acts = two_tastes()
    for name in ("weights", "times"):
        broken = getattr(acts, name).copy()
        broken[3] = np.nan
        with pytest.raises(ModelError, match="no numbers"):
            learn_taste(replace(acts, **{name: broken}))


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_all_times_equal_are_validated_without_time(form: str) -> None:
    acts = two_tastes(users=120)
    still = replace(acts, times=np.full(len(acts), 19_000.0))
    model = learn_taste(still, LearnOptions(budget=1, form=form))  # type: ignore[arg-type]
    assert (model.figures["by_time"], model.settings.profile_half_life_days) == (False, None)
    assert np.isfinite(model.in_vectors).all()
    assert np.isfinite(model.out_vectors).all()


def test_one_user_with_most_of_the_events_leaves_the_taste_of_the_others() -> None:
    rng = np.random.default_rng(4)
    rows = [
        (user, 2 * int(rng.integers(12)) + user % 2, float(rng.uniform(0, 200)), 1.0)
        for user in range(80)
        for _ in range(14)
    ]
    rows += [
        (80, int(product), float(day), 1.0)
        for product, day in zip(rng.integers(0, 24, 50_000), rng.uniform(0, 200, 50_000), strict=True)
    ]
    model = learn_taste(interactions(rows), LearnOptions(budget=0, dims=8, form="dense"))
    scores = model.in_vectors @ model.out_vectors.T
    np.fill_diagonal(scores, np.nan)
    even = np.arange(24) % 2 == 0
    own = np.nanmean(scores[np.ix_(even, even)]) + np.nanmean(scores[np.ix_(~even, ~even)])
    assert own > 2 * np.nanmean(scores[np.ix_(even, ~even)])


def test_a_profile_of_50_000_events_stays_bounded_where_it_is_asked_with() -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    rules = replace(FoldRules.of(Settings()), keep_items=True)
    catalogue = Catalogue(
        ProductFeatures(f"p{i}", vectors={"taste": np.ones(4, dtype=np.float32)}) for i in range(3000)
    )
    events = [
        Event(
            user_id="u",
            type="cart" if i % 2 else "view",
            product_id=f"p{i * 7 % 3000}",
            time=start + timedelta(minutes=i),
        )
        for i in range(50_000)
    ]
    state = state_of(events, catalogue=catalogue, words={}, rules=rules)
    fields = served_fields(state, trained=("taste",), topic_labels=())
    assert len(taste_items(state)) == ITEMS_KEPT
    assert len(fields["cart_products"]) <= CART_ACTS_KEPT
    assert len(fields["state"]) < 200_000
