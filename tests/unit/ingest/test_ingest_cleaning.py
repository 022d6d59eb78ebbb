from __future__ import annotations

from pathlib import Path

import pytest
from ingest_runs import run, write

from profilestore.errors import UsageError
from profilestore.ingest import Cleaning

HEADER = "user_id,product_id,type,time,price\n"


def events(tmp_path: Path, prices: list[str], **rules: object):  # type: ignore[no-untyped-def]  # an Outcome
    rows = "".join(f"u{n},p,view,2020-01-01,{price}\n" for n, price in enumerate(prices))
    return run(tmp_path, write(tmp_path / "a.csv", HEADER + rows), cleaning=Cleaning.model_validate(rules))


@pytest.mark.parametrize(
    ("action", "filled"),
    [("keep", None), ("mean", 4.0), ("median", 2.0), ("mode", 1.0), ("ffill", 9.0)],
)
def test_missing_values(tmp_path: Path, action: str, filled: float | None) -> None:
    result = events(tmp_path, ["1", "1", "2", "7", "9", "N/A"], missing={"price": action})
    assert result.documents[-1].price == filled
    assert result.report.cleaning.get(f"missing.{action}", 0) == (0 if action == "keep" else 1)
    # What was filled in depends on the other rows, the id must not.
    assert result.documents[-1].event_id == events(tmp_path, ["1", "1", "2", "7", "9", ""]).documents[-1].event_id


def test_missing_values_can_be_rejects(tmp_path: Path) -> None:
    result = events(tmp_path, ["1", ""], missing={"*": "drop"})
    assert [line["reason"] for line in result.rejects] == ["price is missing"]


@pytest.mark.parametrize("method", ["sigma", "iqr", "isolation_forest", "dbscan"])
def test_outliers_are_flagged_and_kept(tmp_path: Path, method: str) -> None:
    prices = [f"{10 + n % 7}" for n in range(200)] + ["9000"]
    result = events(tmp_path, prices, outliers=method)
    assert len(result.documents) == 201
    assert result.documents[-1].attributes == {"outlier": ["price"]}
    assert result.report.flagged == 1
    assert result.documents[-1].event_id == events(tmp_path, prices).documents[-1].event_id


def test_outliers_among_products_are_judged_after_merging(tmp_path: Path) -> None:
    text = "product_id,price\n" + "".join(f"p{n},{10 + n % 5}\n" for n in range(50)) + "px,9000\n" * 20
    result = run(tmp_path, write(tmp_path / "p.csv", text), kind="products", cleaning=Cleaning(outliers="iqr"))
    assert [p.product_id for p in result.documents if p.attributes] == ["px"]


def test_missing_values_of_products_are_filled_after_merging(tmp_path: Path) -> None:
    text = "product_id,price\np1,\np1,4\np2,\np3,6\n"
    rules = Cleaning.model_validate({"missing": {"price": "mean"}})
    result = run(tmp_path, write(tmp_path / "p.csv", text), kind="products", cleaning=rules)
    assert [p.price for p in result.documents] == [4.0, 5.0, 6.0]
    dropped = run(
        tmp_path, tmp_path / "p.csv", kind="products", cleaning=Cleaning.model_validate({"missing": {"price": "drop"}})
    )
    assert [line["line"] for line in dropped.rejects] == [4]


@pytest.mark.parametrize(
    ("column", "cell"),
    [("age", "250"), ("age", "-1"), ("income", "-5"), ("signup_date", "2999-01-01"), ("updated_at", "2999-01-01")],
)
def test_impossible_values(tmp_path: Path, column: str, cell: str) -> None:
    file = write(tmp_path / "u.csv", f"user_id,{column}\nu1,{cell}\n")
    refused = run(tmp_path, file, kind="users")
    assert refused.rejects[0]["column"] == column
    assert cell not in refused.rejects[0]["reason"]
    blanked = run(tmp_path, file, kind="users", cleaning=Cleaning(impossible="blank"))
    assert len(blanked.documents) == 1
    assert blanked.report.cleaning["impossible"] == 1


@pytest.mark.parametrize(
    ("word", "gender"),
    [
        ("男", "male"),
        ("女士", "female"),
        ("M", "male"),
        ("Female", "female"),
        ("先生", "male"),
        ("未知", None),
        ("其他", "other"),
    ],
)
def test_gender_words(tmp_path: Path, word: str, gender: str | None) -> None:
    file = write(tmp_path / "u.csv", f"user_id,性别\nu1,{word}\n")
    assert run(tmp_path, file, kind="users").documents[0].gender == gender
    assert len(run(tmp_path, file, kind="users", cleaning=Cleaning(gender="off")).documents) == 0


def test_units_full_width_and_counts(tmp_path: Path) -> None:
    file = write(tmp_path / "p.csv", 'product_id,price,库存\nＡ１,£2.55,１２\n B ,"1,234.50",3\n')
    result = run(tmp_path, file, kind="products")
    assert [(p.product_id, p.price, p.stock) for p in result.documents] == [("A1", 2.55, 12), ("B", 1234.5, 3)]
    assert result.report.cleaning["numbers"] == 3
    assert result.report.cleaning["text"] == 2
    assert len(run(tmp_path, file, kind="products", cleaning=Cleaning(numbers="off")).rejects) == 2


def test_switches() -> None:
    rules = Cleaning().with_switches(["missing.price=median", "outliers=iqr", "impossible=blank", "missing=drop"])
    assert rules.missing_action("price") == "median"
    assert rules.missing_action("age") == "drop"
    assert (rules.outliers, rules.impossible) == ("iqr", "blank")
    with pytest.raises(UsageError) as caught:
        Cleaning().with_switches(["colour=red", "outliers=some", "gender"])
    for part in ("colour=red", "outliers", "'gender'"):
        assert part in str(caught.value)
