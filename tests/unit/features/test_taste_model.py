"""The taste model: closed form, factoring, decays, bytes, content, estimates, on matrices that fit a page."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.sparse import csr_array

from profilestore.errors import ModelError, UsageError
from profilestore.features.taste.content import Content, ContentModel, fit_content
from profilestore.features.taste.ease import fit_ease, invert_in_place
from profilestore.features.taste.estimate import MEMORY_MOST, choose_learner, estimate
from profilestore.features.taste.factoring import DenseItems, factor
from profilestore.features.taste.interactions import Interactions
from profilestore.features.taste.learning import LearnOptions, learn_taste
from profilestore.features.taste.model import TasteModel
from profilestore.features.taste.rows import TrainingRows, foretelling_rows, training_rows
from profilestore.features.taste.settings import TasteSettings
from profilestore.features.taste.spectral import fit_spectral
from profilestore.features.taste.tuning import cut_validation, search_settings


def interactions(rows: list[tuple[int, int, float, float]], *, products: int | None = None) -> Interactions:
    """(user, product, day, weight) as interactions."""
    ordered = sorted(rows, key=lambda row: row[2])
    users = np.array([row[0] for row in ordered], dtype=np.int32)
    columns = np.array([row[1] for row in ordered], dtype=np.int32)
    count = int(columns.max()) + 1 if products is None else products
    return Interactions(
        users,
        columns,
        np.array([row[2] for row in ordered], dtype=np.float64),
        np.array([row[3] for row in ordered], dtype=np.float32),
        np.arange(1, users.max() + 2, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15 % 2**62),
        tuple(f"p{column}" for column in range(count)),
    )


def two_tastes(users: int = 80, products: int = 24, *, days: float = 200.0, seed: int = 3) -> Interactions:
    """Even users take even products, odd users odd ones."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        for _ in range(14):
            rows.append((user, 2 * int(rng.integers(products // 2)) + user % 2, float(rng.uniform(0, days)), 1.0))
    return interactions(rows, products=products)


def random_matrix(rows: int, columns: int, *, seed: int = 1) -> csr_array:
    rng = np.random.default_rng(seed)
    return csr_array((rng.uniform(size=(rows, columns)) * (rng.uniform(size=(rows, columns)) < 0.3)).astype(np.float32))


def test_ease_equals_steck_s_closed_form() -> None:
    matrix = random_matrix(60, 12)
    dense = matrix.toarray().astype(np.float64)
    inverse = np.linalg.inv(dense.T @ dense + 3.0 * np.eye(12))
    expected = np.eye(12) - inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(expected, 0.0)
    assert_allclose(fit_ease(TrainingRows(matrix, matrix, 3.0)), expected, atol=2e-5)


def test_ease_with_other_targets_minimises_under_an_empty_diagonal() -> None:
    inputs, targets = random_matrix(80, 9), random_matrix(80, 9, seed=2)
    x, y = inputs.toarray().astype(np.float64), targets.toarray().astype(np.float64)
    fitted = fit_ease(TrainingRows(inputs, targets, 2.0))
    for column in range(9):  # each column alone is a ridge regression on all other products
        others = [product for product in range(9) if product != column]
        part = np.linalg.solve(x[:, others].T @ x[:, others] + 2.0 * np.eye(8), x[:, others].T @ y[:, column])
        assert_allclose(fitted[others, column], part, atol=2e-5)
        assert fitted[column, column] == 0.0


def test_the_inverse_is_whole_beyond_one_block() -> None:
    rng = np.random.default_rng(0)
    half = rng.standard_normal((1500, 1500)).astype(np.float32)
    matrix = half @ half.T + 1500 * np.eye(1500, dtype=np.float32)
    expected = np.linalg.inv(matrix.astype(np.float64))
    assert_allclose(invert_in_place(matrix), expected, atol=1e-7)


def test_singular_equations_are_told() -> None:
    with pytest.raises(ModelError, match="singular"):
        invert_in_place(np.zeros((4, 4), dtype=np.float32))


def test_factoring_at_full_rank_gives_the_scores_back() -> None:
    matrix, profiles = np.random.default_rng(4).standard_normal((15, 15)).astype(np.float32), random_matrix(40, 15)
    in_vectors, out_vectors = factor(DenseItems(matrix), profiles, dims=15)
    assert_allclose((profiles @ in_vectors) @ out_vectors.T, profiles @ matrix, atol=1e-4)


def test_factoring_is_the_best_of_its_rank_for_the_predictions() -> None:
    matrix, profiles = np.random.default_rng(4).standard_normal((60, 60)).astype(np.float32), random_matrix(90, 60)
    in_vectors, out_vectors = factor(DenseItems(matrix), profiles, dims=5)
    predictions = profiles @ matrix
    lost = np.linalg.norm(predictions - (profiles @ in_vectors) @ out_vectors.T)
    least = np.sqrt((np.linalg.svd(predictions, compute_uv=False)[5:] ** 2).sum())
    assert lost == pytest.approx(least, rel=1e-3)
    # the columns stand in order, so fewer of them are the smaller model
    fewer_in, fewer_out = factor(DenseItems(matrix), profiles, dims=2)
    assert_allclose(in_vectors[:, :2] @ out_vectors[:, :2].T, fewer_in @ fewer_out.T, atol=2e-2)


def test_the_spectral_learner_at_full_rank_is_ease() -> None:
    rows = TrainingRows(random_matrix(90, 20), random_matrix(90, 20, seed=2), 2.0)
    exact, items = fit_ease(rows), fit_spectral(rows, rank=20)
    thin = np.eye(20, dtype=np.float32)
    assert_allclose(items.forward(thin), exact, atol=2e-4)
    assert_allclose(items.backward(thin), exact.T, atol=2e-4)


def test_the_spectral_learner_of_low_rank_stays_near_on_what_it_is_asked_for() -> None:
    acts = two_tastes(users=300, products=120)
    rows, profiles = training_rows(acts, TasteSettings()), acts.profiles(120.0)
    exact = profiles @ fit_ease(rows)
    near = profiles @ fit_spectral(rows, rank=30).forward(np.eye(120, dtype=np.float32))
    assert np.corrcoef(exact.ravel(), near.ravel())[0, 1] > 0.98


def test_latest_counts_a_product_once_at_its_latest_time() -> None:
    acts = interactions([(0, 0, 0.0, 1.0), (0, 0, 10.0, 3.0), (0, 1, 20.0, 0.1), (1, 1, 0.0, 1.0), (1, 1, 20.0, -1.0)])
    got = acts.latest(10.0).toarray()
    assert_allclose(got, [[0.5, 0.1], [0.0, 0.0]], atol=1e-6)
    assert_allclose(acts.latest(None).toarray(), [[1.0, 0.1], [0.0, 0.0]], atol=1e-6)


def test_profiles_decay_as_the_fold_does() -> None:
    acts = interactions([(0, 0, 0.0, 1.0), (0, 0, 10.0, 2.0), (0, 1, 20.0, 1.0), (0, 2, 10.0, -1.0)])
    expected = np.array([0.25 + 1.0, 1.0, -0.5])
    assert_allclose(acts.profiles(10.0).toarray()[0], expected / np.linalg.norm(expected), atol=1e-6)


def test_profiles_do_not_underflow_with_a_short_half_life() -> None:
    acts = interactions([(0, 0, 0.0, 1.0), (1, 1, 5000.0, 1.0)])
    assert_allclose(acts.profiles(0.5).toarray(), np.eye(2), atol=1e-6)


def test_foretelling_rows_ask_for_what_is_new_after_the_cut() -> None:
    acts = interactions([(0, 0, 0.0, 1.0), (0, 0, 99.0, 1.0), (0, 1, 100.0, 1.0), (1, 2, 100.0, 1.0)])
    settings = TasteSettings(forward_window_days=5.0, forward_half_life_days=1000.0, profile_half_life_days=None)
    found = foretelling_rows(acts, settings)
    assert found is not None
    inputs, targets = (part.toarray() for part in found)
    assert_allclose(inputs[0], [1.0, 0.0, 0.0], atol=1e-6)  # what was known before the last five days
    assert_allclose(targets[0], [0.0, 1.0, 0.0], atol=1e-6)  # 0 again is not new, and user 1 had no history


def test_without_steps_ahead_the_rows_are_the_histories() -> None:
    rows = training_rows(two_tastes(), TasteSettings(forward_weight=0.0))
    assert rows.inputs is rows.targets


def test_a_model_learns_planted_tastes_and_says_what_it_was_trained_on() -> None:
    model = learn_taste(two_tastes(), LearnOptions(budget=2))
    scores = model.in_vectors @ model.out_vectors.T
    even = np.arange(24) % 2 == 0
    same = scores[np.ix_(even, even)]
    assert same[~np.eye(12, dtype=bool)].mean() > scores[np.ix_(even, ~even)].mean() + 0.1 * np.abs(scores).max()
    assert model.figures["ndcg@20"] > 0.3
    assert (model.figures["users"], model.figures["products"]) == (80, 24)
    assert np.linalg.norm(model.out_vectors, axis=1).max() == pytest.approx(1.0, abs=1e-5)


def test_equal_input_gives_an_equal_model() -> None:
    first, second = (learn_taste(two_tastes(), LearnOptions(budget=0, dims=6)) for _ in range(2))
    assert first.model_id == second.model_id


def test_events_of_one_moment_are_cut_by_hash_with_decay_off() -> None:
    acts = two_tastes()
    still = Interactions(
        acts.users, acts.products, np.zeros(len(acts)), acts.weights, acts.user_hashes, acts.product_ids
    )
    validation = cut_validation(still)
    assert validation is not None
    assert not validation.by_time
    settings = learn_taste(still, LearnOptions(budget=0)).settings
    assert (settings.training_half_life_days, settings.profile_half_life_days, settings.forward_weight) == (
        None,
        None,
        0.0,
    )


@pytest.mark.parametrize(
    "rows", [[(0, 0, 0.0, 1.0)], [(0, 0, 0.0, 1.0), (0, 1, 0.0, 1.0)], [(0, 0, 0.0, 1.0), (1, 0, 0.0, 1.0)]]
)
def test_too_little_to_learn_from_is_told(rows: list[tuple[int, int, float, float]]) -> None:
    with pytest.raises(ModelError, match="at least 2 users and 2 products"):
        learn_taste(interactions(rows))


def test_every_event_the_same_but_for_the_user_still_ends_well() -> None:
    model = learn_taste(interactions([(user, user % 2, 1.0, 1.0) for user in range(6)]), LearnOptions(budget=3))
    assert np.isfinite(model.in_vectors).all()
    assert model.figures["validated"] is False


def test_the_search_stays_within_its_budget_and_keeps_what_is_best() -> None:
    asked: list[TasteSettings] = []

    def evaluate(settings: TasteSettings) -> float:
        asked.append(settings)
        return 0.2 if settings.ridge == 600.0 else 0.1

    search = search_settings(TasteSettings(), evaluate=evaluate, budget=10, by_time=True)
    assert len(asked) == len(set(asked)) == len(search.trials) == 10
    assert search.settings.ridge == 600.0
    flat = search_settings(TasteSettings(), evaluate=lambda settings: 0.1, budget=30, by_time=True)
    assert flat.settings == TasteSettings()
    assert search_settings(TasteSettings(), evaluate=evaluate, budget=0, by_time=True).trials == ()


def test_a_model_survives_its_bytes() -> None:
    rng = np.random.default_rng(0)
    model = TasteModel(
        ("a", "女"), rng.standard_normal((2, 3)).astype(np.float32), rng.standard_normal((2, 3)).astype(np.float32),
        TasteSettings(dims=3, training_half_life_days=None), {"users": 2},
    )  # fmt: skip
    again = TasteModel.from_bytes(model.to_bytes())
    assert (again.model_id, again.settings, again.figures) == (model.model_id, model.settings, {"users": 2})
    assert np.array_equal(again.in_vectors, model.in_vectors)
    with pytest.raises(ModelError):
        TasteModel.from_bytes(model.to_bytes()[:-30])
    with pytest.raises(ModelError):
        ContentModel.from_bytes(model.to_bytes())


def linear_content(n: int) -> tuple[Content, NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(5)
    text = rng.standard_normal((n, 6)).astype(np.float32)
    shelves = ["a" if row % 2 == 0 else "b" for row in range(n)]
    ins = (text @ rng.standard_normal((6, 4)) + np.array([[row % 2 * 3.0] for row in range(n)])).astype(np.float32)
    return Content(text, np.zeros((n, 0), dtype=np.float32), shelves, [None] * n), ins, ins * 0.01


def test_content_foretells_what_is_linear_in_it() -> None:
    content, ins, outs = linear_content(400)
    model = fit_content(content, ins, outs, taste_model="taste-x", text_model="minilm", topics_model=None)
    again = ContentModel.from_bytes(model.to_bytes())
    got_in, got_out = again.predict(content)
    assert_allclose(got_in, ins, atol=0.2)
    assert_allclose(got_out, outs, atol=0.002)
    assert model.explained > 0.95
    assert again.model_id == model.model_id
    assert not again.predict_words(np.zeros((1, 6), dtype=np.float32)).any()


def test_content_of_noise_explains_nothing_and_stays_small() -> None:
    content, ins, _ = linear_content(100)
    noise = np.random.default_rng(8).standard_normal(ins.shape).astype(np.float32)
    model = fit_content(content, noise, noise, taste_model="t", text_model="minilm", topics_model=None)
    assert model.explained < 0.1


def test_what_does_not_fit_is_refused_with_the_alternative() -> None:
    takes = choose_learner("auto", products=3_700, acts=400_000, dims=1024, flops=1e11)
    assert (takes.learner, takes.memory_bytes < 2e9, takes.seconds < 60) == ("ease", True, True)
    assert choose_learner("auto", products=60_000, acts=1_000_000, dims=256, flops=1e11).learner == "spectral"
    with pytest.raises(ModelError, match="--learner spectral"):
        choose_learner("ease", products=60_000, acts=1_000_000, dims=256, flops=1e11)
    assert estimate("ease", products=60_000, acts=10, dims=8, flops=1e11).memory_bytes > MEMORY_MOST


@pytest.mark.parametrize(
    "fault", [{"ridge": 0.0}, {"dims": 0}, {"profile_half_life_days": -1.0}, {"ridge": float("nan")}]
)
def test_settings_that_cannot_be_meant(fault: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        TasteSettings(**fault)  # type: ignore[arg-type]  # one of them is an int


def test_auto_leaves_the_cube_of_products_when_it_grows_too_slow() -> None:
    assert choose_learner("auto", products=30_000, acts=600_000, dims=256, flops=1e11).learner == "spectral"
    forced = choose_learner("ease", products=15_000, acts=600_000, dims=256, flops=1e11)
    assert (forced.learner, forced.memory_bytes < MEMORY_MOST) == ("ease", True)
    more = estimate("ease", products=3_000, acts=1, dims=64, budget=16, flops=1e11)
    assert more.seconds > estimate("ease", products=3_000, acts=1, dims=64, flops=1e11).seconds + 5
