"""The sparse form of taste and popularity within it, on matrices that fit a page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_array

from profilestore.errors import ModelError
from profilestore.features.taste import learners
from profilestore.features.taste.blending import pick_method, stepped
from profilestore.features.taste.choosing import choose_served, scores_of, settled_form
from profilestore.features.taste.content import Content, ContentModel, fit_content
from profilestore.features.taste.ease import fit_ease
from profilestore.features.taste.factoring import DenseItems, factor, orthonormal
from profilestore.features.taste.learners import better_learner
from profilestore.features.taste.learning import LearnOptions, learn, learn_taste
from profilestore.features.taste.model import TasteModel
from profilestore.features.taste.prior import add_lift, mass_of, popularity_lift, score_scale
from profilestore.features.taste.rows import TrainingRows
from profilestore.features.taste.settings import TasteSettings
from profilestore.features.taste.sparse import foretold_weights, largest_weights
from profilestore.features.taste.spectral import fit_spectral
from profilestore.features.taste.tuning import cut_validation
from tests.unit.features.test_taste_model import interactions, random_matrix, two_tastes

RNG = np.random.default_rng(5)
MATRIX = RNG.standard_normal((30, 30)).astype(np.float32)


def test_the_largest_positive_weights_of_each_column_and_never_its_own() -> None:
    lift = np.linspace(0.0, 1.0, 30, dtype=np.float32)
    weights = largest_weights(DenseItems(MATRIX), most=6, lift=lift)
    for product in range(30):
        column = MATRIX[:, product] + lift[product]
        column[product] = 0.0
        order = [row for row in np.argsort(-column, kind="stable")[:6] if column[row] > 0]
        rows, values = weights.of_product(product)
        assert rows.tolist() == order
        assert_allclose(values, column[order], rtol=1e-6)
        assert_allclose(weights.limited(2).of_product(product)[1], column[order][:2], rtol=1e-6)


def test_columns_are_the_same_in_one_block_and_in_many(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = largest_weights(DenseItems(MATRIX), most=5)
    monkeypatch.setattr("profilestore.features.taste.sparse._COLUMNS_AT_ONCE", 7)
    parts = largest_weights(DenseItems(MATRIX), most=5)
    assert_allclose(parts.matrix().toarray(), whole.matrix().toarray())


def test_with_all_weights_the_sparse_form_scores_like_the_positive_part_of_the_matrix() -> None:
    profiles = random_matrix(20, 30)
    matrix = np.maximum(MATRIX, 0.0)
    np.fill_diagonal(matrix, 0.0)
    weights = largest_weights(DenseItems(MATRIX), most=30)
    empty = (np.zeros((30, 1), dtype=np.float32),) * 2
    assert_allclose(scores_of(profiles, empty, weights), profiles @ matrix, atol=1e-5)
    # A dislike is no token of a query.
    disliked = csr_array(np.where(np.arange(30) == 3, -1.0, 0.0)[None, :].astype(np.float32))
    assert scores_of(disliked, empty, weights).max() == 0.0


def test_a_foretold_product_is_weighed_by_its_out_vector() -> None:
    ins, out = RNG.standard_normal((30, 4)).astype(np.float32), RNG.standard_normal((2, 4)).astype(np.float32)
    weights = foretold_weights(ins, out, most=30)
    for product in range(2):
        rows, values = weights.of_product(product)
        expected = ins @ out[product]
        assert set(rows.tolist()) == set(np.flatnonzero(expected > 0).tolist())
        assert_allclose(values, expected[rows], rtol=1e-5)


def test_columns_and_predictions_of_the_spectral_learner_are_those_of_ease() -> None:
    rows = TrainingRows(random_matrix(90, 20), random_matrix(90, 20, seed=2), 2.0)
    exact, items = fit_ease(rows), fit_spectral(rows, rank=20)
    assert_allclose(items.columns(3, 11), exact[:, 3:11], atol=2e-4)
    assert_allclose(items.predict(random_matrix(9, 20, seed=3)), random_matrix(9, 20, seed=3) @ exact, atol=2e-3)


def test_validation_takes_the_other_learner_only_where_it_gains(monkeypatch: pytest.MonkeyPatch) -> None:
    validation = cut_validation(two_tastes())
    assert validation is not None
    start = TasteSettings(dims=4, ridge=20.0, training_half_life_days=None, profile_half_life_days=None)
    assert better_learner(validation, start) == (start, {})  # fewer products than the rank: the two are one
    monkeypatch.setattr(learners, "RANK", 4)
    kept, found = better_learner(validation, start)
    assert kept == start
    assert found["ease"] == pytest.approx(found["spectral"], abs=1e-3)
    blind = DenseItems(np.zeros((validation.train.product_count,) * 2, dtype=np.float32))
    monkeypatch.setitem(learners.LEARNERS, "ease", lambda rows: blind)  # type: ignore[call-overload]  # a dict behind
    taken, found = better_learner(validation, start)
    assert taken.learner == "spectral"
    assert found["spectral"] > found["ease"]


def test_a_basis_is_orthonormal_also_of_columns_that_depend_on_each_other() -> None:
    tall = RNG.standard_normal((200, 12)).astype(np.float32)
    bad = np.concatenate([tall, tall[:, :3] + 1e-6 * tall[:, 3:6], np.zeros((200, 1), np.float32)], axis=1)
    for matrix in (tall, tall * np.logspace(0, -6, 12, dtype=np.float32), bad):
        basis = orthonormal(matrix)
        assert_allclose(basis.T @ basis, np.eye(matrix.shape[1]), atol=1e-4)
        assert_allclose(basis @ (basis.T @ matrix), matrix, atol=1e-4)


def test_popularity_is_one_dimension_more_and_adds_to_each_score_by_the_profile_s_mass() -> None:
    acts, profiles = two_tastes(), two_tastes().profiles(None)
    items = DenseItems(fit_ease(TrainingRows(acts.liked(), acts.liked(), 20.0)))
    scale = score_scale(profiles, items.predict)
    lift = popularity_lift(acts, strength=0.5, half_life_days=None, scale=scale)
    users = np.asarray(acts.liked().sum(axis=0)).ravel()
    assert_allclose(lift, 0.5 * scale * users / users.max(), rtol=1e-5)
    factors = factor(items, profiles, dims=24)
    ins, outs = add_lift(factors, lift)
    assert ins.shape[1] == factors[0].shape[1] + 1
    expected = items.predict(profiles) + mass_of(profiles)[:, None] * lift[None, :]
    assert_allclose((profiles @ ins) @ outs.T, expected, atol=1e-3)


def test_the_dense_form_is_served_unless_it_loses_more_than_three_percent() -> None:
    def settled(dense: float, sparse: float, exact: float, form: str = "auto", *, noise: float = 0.0) -> str:
        off = noise * np.random.default_rng(0).standard_normal(200)
        one = np.ones(200)
        return settled_form(form, dense=dense * one + off, sparse=sparse * one, exact=exact * one)  # type: ignore[arg-type]

    assert settled(0.0980, 0.1000, 0.1) == "dense"
    assert settled(0.0969, 0.1000, 0.09) == "sparse"
    assert settled(0.0900, 0.0910, 0.1) == "sparse"
    # Where neither keeps what the exact matrix has, the better one.
    assert settled(0.0900, 0.0890, 0.1) == "dense"
    # 200 users who differ by 0.1 either way tell nothing of 0.0031.
    assert settled(0.0969, 0.1000, 0.09, noise=0.1) == "dense"
    assert settled(0.1, 0.2, 0.2, "dense") == "dense"
    assert settled(0.2, 0.1, 0.2, "sparse") == "sparse"


def test_a_dense_form_that_cannot_hold_the_tastes_gives_way_to_the_sparse_one() -> None:
    # Forty small tastes do not fit into one dimension, and ten weights hold each of them.
    rng = np.random.default_rng(1)
    rows = [
        (user, 4 * (user % 40) + int(rng.integers(4)), float(rng.uniform(0, 100)), 1.0)
        for user in range(400)
        for _ in range(5)
    ]
    validation = cut_validation(interactions(rows, products=160))
    assert validation is not None
    plain = TasteSettings(forward_weight=0.0, training_half_life_days=None, profile_half_life_days=None, ridge=20.0)
    auto = choose_served(validation, plain, dims=1, form="auto")
    assert auto.settings.form == "sparse"
    assert auto.weights is not None
    assert auto.figures["ndcg@20"] > 2 * auto.figures["ndcg@20_by_dims"]["1"]
    roomy = choose_served(validation, plain, dims=64, form="auto")
    assert (roomy.settings.form, roomy.weights) == ("dense", None)


def test_a_model_of_either_form_comes_back_from_its_bytes_under_its_name() -> None:
    dense, sparse = (
        learn_taste(two_tastes(), LearnOptions(budget=0, dims=4, form=form)) for form in ("dense", "sparse")
    )  # type: ignore[arg-type]
    assert dense.weights is None
    assert sparse.weights is not None
    assert dense.model_id != sparse.model_id
    for model in (dense, sparse):
        back = TasteModel.from_bytes(model.to_bytes())
        assert back.model_id == model.model_id
        assert back.settings == model.settings
    back = TasteModel.from_bytes(sparse.to_bytes())
    assert back.weights is not None
    assert_allclose(back.weights.matrix().toarray(), sparse.weights.matrix().toarray())
    with pytest.raises(ModelError, match="weights by product"):
        replace(sparse, weights=None)


def test_both_forms_find_the_taste_and_the_cut_s_model_scores_as_it_is_served() -> None:
    for form in ("dense", "sparse"):
        learned = learn(two_tastes(), LearnOptions(budget=0, form=form))  # type: ignore[arg-type]
        assert learned.validation is not None
        assert learned.choice is not None
        profiles = learned.validation.train.profiles(learned.choice.settings.profile_half_life_days)
        found = float(learned.validation.ndcg(profiles, learned.choice.score).mean())
        assert found == pytest.approx(learned.model.figures["ndcg@20"], abs=1e-4)
        scores = learned.choice.score(profiles[learned.validation.users])
        parity = learned.validation.users % 2
        own = np.take_along_axis(scores.reshape(len(scores), -1, 2).mean(axis=1), parity[:, None], axis=1)
        assert (own > scores.mean(axis=1, keepdims=True)).mean() > 0.9


def test_a_near_copy_tells_what_no_linear_map_does() -> None:
    # Pairs of almost the same text with a taste of their own each: nothing linear in 40 dimensions holds 200 of them.
    rng = np.random.default_rng(9)
    text = np.repeat(rng.standard_normal((200, 40)), 2, axis=0).astype(np.float32)
    text += 0.01 * rng.standard_normal(text.shape).astype(np.float32)
    taste = np.repeat(rng.standard_normal((200, 6)), 2, axis=0).astype(np.float32)
    order = rng.permutation(400)
    asked, known = order[:40], order[40:]
    nothing = np.zeros((400, 0), dtype=np.float32)
    content = Content(text, nothing, [None] * 400, [None] * 400)
    model = fit_content(
        content.picked(known), taste[known], taste[known], taste_model="t", text_model="m", topics_model=None
    )
    assert model.alike_share > 0.0
    back = ContentModel.from_bytes(model.to_bytes())
    assert back.model_id == model.model_id
    paired = np.isin(asked ^ 1, known)
    linear = replace(model, alike_share=0.0, alike_text=None, alike_vectors=None)
    off = [float(((m.predict(content.picked(asked))[1] - taste[asked])[paired] ** 2).mean()) for m in (back, linear)]
    assert off[0] < 0.6 * off[1]


def test_auto_steps_go_from_what_knows_nobody_to_what_knows_the_user() -> None:
    found = {"popular": 0.04, "trending": 0.05, "taste": 0.06, "hybrid": 0.0601}
    assert pick_method(found, None) == "taste"  # a hundredth more is no margin
    assert pick_method(found | {"hybrid": 0.07}, "taste") == "hybrid"
    assert pick_method(found, "popular") == "trending"  # not personal above, so not personal below
    assert pick_method({"popular": 0.05, "trending": 0.0499}, "taste") == "popular"
    assert stepped([(11, "taste"), (4, "taste"), (1, "trending")]) == ((1, "trending"), (4, "taste"))
    assert stepped([(11, "trending")]) == ((1, "trending"),)
    assert stepped([(11, "taste"), (1, "taste")]) == ()
    assert stepped([]) == ()
