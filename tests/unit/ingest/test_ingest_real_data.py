"""The presets on the files they are for: every row accounted for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from ingest_runs import run

from profilestore.ingest import Cleaning, InputReport, load_columns, read_events
from profilestore.settings import Settings

pytestmark = pytest.mark.real_data


def test_online_retail_events(shared_data: Path) -> None:
    report = InputReport()
    types: Counter[str] = Counter()
    ids: set[str] = set()
    for batch in read_events(
        [shared_data / "online_retail/online_retail.parquet"],
        columns=load_columns("online-retail", kind="events"), settings=Settings(), report=report,
    ):  # fmt: skip
        types.update(event.type for event in batch)
        ids.update(event.event_id for event in batch)
    assert report.balanced
    assert (report.read, report.rejected) == (541_909, 135_080)
    assert dict(report.reasons) == {"user_id is missing (column CustomerID)": 135_080}
    assert types["refund"] <= 9_288
    assert types.total() == report.emitted
    # What pandas finds with drop_duplicates over all columns of the rows with a customer.
    assert len(ids) == 401_604
    assert report.emitted + report.duplicate == 406_829


def test_online_retail_products_and_users(shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "online_retail/online_retail.parquet"
    products = run(tmp_path, file, kind="products", columns="online-retail")
    assert (products.report.read, len(products.documents), products.rejects) == (541_909, 4_070, [])
    heart = next(product for product in products.documents if product.product_id == "85123A")
    assert (heart.title, heart.price) == ("WHITE HANGING HEART T-LIGHT HOLDER", 2.95)
    users = run(tmp_path, file, kind="users", columns="online-retail")
    assert (len(users.documents), users.report.rejected) == (4_372, 135_080)


def test_complete_journey(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "complete_journey"
    products = run(tmp_path, folder / "products.csv.gz", kind="products", columns="complete-journey")
    assert (len(products.documents), products.rejects) == (92_331, [])
    users = run(tmp_path, folder / "demographics.csv.gz", kind="users", columns="complete-journey")
    assert (len(users.documents), users.rejects) == (801, [])
    assert users.documents[0].attributes is not None
    assert users.documents[0].attributes["age_band"] == "65+"
    events = run(tmp_path, folder / "transactions_sample.csv.gz", columns="complete-journey")
    assert events.report.read == 75_000
    assert all(line["column"] == "quantity" for line in events.rejects)
    first = events.documents[0]
    assert (first.user_id, first.quantity, first.price, first.order_id) == ("2261", 1.0, 3.86, "31625220889")

    flagged = run(
        tmp_path, folder / "transactions_sample.csv.gz", columns="complete-journey", cleaning=Cleaning(outliers="sigma")
    )
    assert 0 < flagged.report.flagged < 5_000
    assert [event.event_id for event in events.documents] == [event.event_id for event in flagged.documents]
