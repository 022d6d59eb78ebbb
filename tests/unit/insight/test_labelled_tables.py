"""Labelled tables: what is read of a file, which rows belong together, and a comparison that does not fool itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from profilestore.errors import ColumnsError, InputError, TooLittleData, UsageError
from profilestore.insight.labelled.candidates import BASELINE, candidates_named
from profilestore.insight.labelled.comparison import Comparison, compare_models
from profilestore.insight.labelled.reading import read_table
from profilestore.insight.labelled.selection import select_features
from profilestore.insight.labelled.table import LabelledTable, labelled_table, rows_together
from profilestore.insight.labelled.validation import cross_validate, folds_of


def written(folder: Path, rows: list[dict[str, Any]], name: str = "t.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def sessions(count: int = 120) -> list[dict[str, Any]]:
    """Sessions of which the pages foretell the label, and the shoe size does not."""
    rng = np.random.default_rng(3)
    rows = []
    for number in range(count):
        pages = float(rng.gamma(2.0, 3.0))
        rows.append(
            {
                "pages": round(pages, 3),
                "shoe": int(rng.integers(36, 46)),
                "device": ["phone", "desk", None][number % 3],
                "shop": "one",
                "user": f"u{number // 2}",
                "bought": bool(rng.random() < 1.0 / (1.0 + np.exp(5.0 - pages))),
            }
        )
    return rows


def told(rows: int = 900, *, seed: int = 1) -> LabelledTable:
    """Two features that say something, in numbers and in words, and three that say nothing."""
    rng = np.random.default_rng(seed)
    strong, weak = rng.normal(size=rows), rng.integers(0, 3, rows)
    chance = 1.0 / (1.0 + np.exp(1.0 - 2.0 * strong - 1.2 * (weak == 2)))
    columns: dict[str, Any] = {"strong": strong, "colour": [("red", "blue", "green")[place] for place in weak]}
    columns |= {f"noise {number}": rng.normal(size=rows) for number in range(3)}
    return labelled_table(columns, rng.random(rows) < chance)


def test_a_file_is_numbers_words_and_a_label(tmp_path: Path) -> None:
    rows = sessions()
    rows[5]["bought"] = None
    rows[6]["pages"] = ""
    table = read_table(written(tmp_path, rows), label="bought", group="user")
    assert table.names == ("pages", "shoe", "device")
    assert dict(table.levels) == {"device": ("desk", "phone")}
    assert table.left_out == {"user": "says which rows belong together", "shop": "the same in all rows"}
    assert (len(table), table.facts["rows_without_label"]) == (119, 1)
    assert np.isnan(table.values[5, 0])  # the row after the one without a label
    assert np.isnan(table.values[:, 2]).sum() == 40 - (rows[5]["device"] is None)
    assert np.unique(table.groups).size == 60
    codes = read_table(written(tmp_path, rows), label="bought", as_words=["shoe"], without=["device", "user"])
    assert (codes.names, len(codes.levels["shoe"])) == (("pages", "shoe"), 10)
    kept_out = read_table(written(tmp_path, rows), label="bought", sensitive=["device", "age"], group="user")
    assert kept_out.names == ("pages", "shoe")


@pytest.mark.parametrize("yes", ["TRUE", "yes", "1", "是"])
def test_a_label_says_yes_in_several_ways(yes: str, tmp_path: Path) -> None:
    no = {"TRUE": "FALSE", "yes": "no", "1": "0", "是": "否"}[yes]
    rows = [{**row, "bought": yes if row["bought"] else no} for row in sessions()]
    plain = read_table(written(tmp_path, sessions(), "p.jsonl"), label="bought")
    assert read_table(written(tmp_path, rows), label="bought").label.tolist() == plain.label.tolist()


def test_bad_input_is_a_sentence_that_quotes_no_cell(tmp_path: Path) -> None:
    rows = sessions()
    path = written(tmp_path, rows)
    with pytest.raises(ColumnsError, match=r"no column Revenue\. There are pages, shoe"):
        read_table(path, label="Revenue")
    with pytest.raises(ColumnsError, match="no column session"):
        read_table(path, label="bought", group="session")
    with pytest.raises(UsageError, match="column device has 2 different values: a label says yes or no") as error:
        read_table(path, label="device")
    assert "phone" not in str(error.value)
    assert read_table(path, label="device", positive="phone").label.sum() == 40
    with pytest.raises(UsageError, match="no row has the value of --positive"):
        read_table(path, label="device", positive="tablet")
    with pytest.raises(UsageError, match="column pages has"):
        read_table(path, label="pages")
    with pytest.raises(TooLittleData, match="yes in 0 of 120 rows"):
        read_table(written(tmp_path, [{**row, "bought": "no"} for row in rows]), label="bought")
    with pytest.raises(TooLittleData, match=r"no column tells the rows apart \(shop: the same in all rows\)"):
        read_table(written(tmp_path, [{"shop": "one", "bought": row["bought"]} for row in rows]), label="bought")
    with pytest.raises(TooLittleData, match="needs 50 rows with a label; there are 9"):
        read_table(written(tmp_path, rows[:9]), label="bought")
    with pytest.raises(InputError):
        read_table(tmp_path / "nothing.csv", label="bought")
    (tmp_path / "head.csv").write_text("pages,bought\n")
    with pytest.raises(InputError, match="holds no row"):
        read_table(tmp_path / "head.csv", label="bought")


def test_equal_rows_and_rows_of_a_group_stay_together_also_through_others() -> None:
    values = np.array([[1.0, np.nan], [2.0, 0.0], [1.0, np.nan], [3.0, 0.0], [2.0, 0.0]])
    alone, repeated = rows_together(values, None)
    assert (alone[0] == alone[2], alone[1] == alone[4], np.unique(alone).size, repeated) == (True, True, 3, 2)
    # Row 2 is of the group of row 3 and equal to row 0: all three are one.
    joined, _ = rows_together(values, np.array([0, 1, 2, 2, 1]))
    assert (joined[0] == joined[2] == joined[3], joined[1] == joined[4], np.unique(joined).size) == (True, True, 2)


def test_no_group_stands_on_both_sides_and_a_copied_label_is_not_learned_by_heart() -> None:
    """Each row stands four times, and nothing foretells the label: memory is all that could help."""
    rng = np.random.default_rng(5)
    noise, label = np.repeat(rng.normal(size=(150, 2)), 4, axis=0), np.repeat(rng.random(150) < 0.4, 4)
    table = labelled_table({"a": noise[:, 0], "b": noise[:, 1]}, label)
    assert table.facts["repeated_rows"] == 450
    folds = folds_of(table, 5, seed=7)
    assert all(np.unique(folds[table.groups == group]).size == 1 for group in np.unique(table.groups))
    made = compare_models(table, models=["neighbours"], folds=3)
    assert made.best.figures["roc_auc"]["low"] < 0.5 < made.best.figures["roc_auc"]["high"]
    careless = labelled_table({"a": noise[:, 0], "b": noise[:, 1]}, label, groups=np.arange(600), equal_together=False)
    forgetful = compare_models(careless, models=["neighbours"], folds=3)
    assert forgetful.best.figures["roc_auc"]["low"] > 0.9


def test_too_few_groups_are_said() -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(TooLittleData, match="of 2 different groups"):
        labelled_table({"a": rng.normal(size=80)}, np.arange(80) % 2 == 0, groups=np.arange(80) % 4)
    # Ten groups of either kind, one of which holds nearly all rows of it.
    groups = np.r_[np.zeros(100, dtype=int), np.arange(1, 31)]
    table = labelled_table({"a": rng.normal(size=130)}, np.r_[np.ones(100), np.arange(30) % 3 == 0] > 0, groups=groups)
    with pytest.raises(TooLittleData, match="20 folds need rows of either kind"):
        folds_of(table, 20, seed=1)


@pytest.fixture(scope="module")
def made() -> Comparison:
    return compare_models(told(), models=["logistic", "tree", "bayes"], folds=3)


def test_models_are_compared_with_intervals_against_the_one_feature_that_says_most(made: Comparison) -> None:
    assert made.best.name == "logistic"
    assert {model.name for model in made.models} == {"logistic", "tree", "bayes"}
    figures = made.best.figures
    assert set(figures) == {"roc_auc", "pr_auc", "precision", "recall", "f1"}
    assert all(figure["low"] <= figure["mean"] <= figure["high"] for figure in figures.values())
    assert made.best.gain["roc_auc"]["low"] > 0.0  # the colour says something too
    assert made.baseline.gain["roc_auc"]["mean"] == 0.0
    assert {setting["feature"] for setting in made.baseline.settings} == {"strong"}
    counts = made.best.confusion
    assert sum(counts.values()) == 900
    right = counts["true_positive"]
    assert figures["precision"]["mean"] == pytest.approx(right / (right + counts["false_positive"]), rel=1e-4)
    assert figures["recall"]["mean"] == pytest.approx(right / (right + counts["false_negative"]), rel=1e-4)
    roc, pr = made.best.curves["roc"], made.best.curves["pr"]
    assert (roc[0][0], roc[-1]) == (0.0, (1.0, 1.0))
    area = float(np.trapezoid([y for _, y in roc], [x for x, _ in roc]))
    assert area == pytest.approx(figures["roc_auc"]["mean"], abs=0.02)
    assert pr[-1][1] == pytest.approx(made.asked["share_yes"], abs=0.1)
    assert made.best.below_best["mean"] == 0.0 < made.models[-1].below_best["mean"]


def test_methods_agree_on_what_was_planted(made: Comparison) -> None:
    assert set(made.selection.agreed) == {"strong", "colour"}
    first = made.selection.features[0]
    assert (first["feature"], first["methods"]) == ("strong", 4)
    assert len(made.selection.pairs) == 6
    assert all(0.0 <= pair["jaccard"] <= 1.0 for pair in made.selection.pairs)
    loss = made.agreed_only["less_than_all"]
    assert loss["low"] <= 0.01  # noise was left out: next to nothing is lost
    one = select_features(told(), seed=7)
    assert one.ranks("Lasso")[one.names.index("strong")] == 1.0


def test_the_same_table_and_seed_give_the_same_figures() -> None:
    table = told(300)
    first, second = (compare_models(table, models=["boosting", "net"], folds=2).to_json_dict() for _ in range(2))
    assert first == second


def test_settings_and_threshold_know_nothing_of_the_fold_they_are_judged_by() -> None:
    """The held-out labels are turned round: nothing that was chosen for the fold may change."""
    table = told(400)
    folds = folds_of(table, 2, seed=7)
    turned = labelled_table(
        {name: table.values[:, place] for place, name in enumerate(table.names)},
        np.where(folds == 0, ~table.label, table.label),
    )
    plain = labelled_table({name: table.values[:, place] for place, name in enumerate(table.names)}, table.label)
    (tree,) = candidates_named(["tree"])
    for candidate in (tree, BASELINE):
        one, two = (cross_validate(candidate, each, folds, seed=7) for each in (plain, turned))
        assert one.tuned[0] == two.tuned[0]
        assert np.array_equal(one.scores[folds == 0], two.scores[folds == 0])
        assert one.tuned[1] != two.tuned[1]


def test_a_kernel_machine_states_its_sample() -> None:
    (svm,) = candidates_named(["svm"])
    rng = np.random.default_rng(2)
    values = rng.normal(size=9_000)
    table = labelled_table({"a": values, "b": rng.normal(size=9_000)}, values + rng.normal(size=9_000) > 0)
    small = type(svm)(svm.name, svm.title, svm.build, {"model__C": (1.0,), "model__gamma": (0.05,)}, 500)
    crossed = cross_validate(small, table, folds_of(table, 2, seed=7), seed=7)
    assert crossed.rows_fitted == 500
    assert np.unique(crossed.scores).size > 8_000


def test_all_eight_models_stand_the_smallest_table() -> None:
    table = told(50, seed=3)
    made = compare_models(table, folds=2)
    assert len(made.models) == 8
    assert {each["n_neighbors"] for model in made.models if model.name == "neighbours" for each in model.settings} == {
        15
    }


def test_what_cannot_be_compared_is_said() -> None:
    with pytest.raises(UsageError, match=r"no model magic: there are logistic, svm"):
        compare_models(told(100), models=["magic"])
    with pytest.raises(UsageError, match="2 to 20"):
        compare_models(told(100), folds=1)
