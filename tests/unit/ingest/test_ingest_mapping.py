from __future__ import annotations

from pathlib import Path

import pytest
from ingest_runs import run, write

from profilestore.errors import ColumnsError
from profilestore.ingest import PRESETS, load_columns
from profilestore.settings import Settings


def mapping(tmp_path: Path, text: str) -> str:
    return str(write(tmp_path / "columns.toml", text))


@pytest.mark.parametrize("preset", [preset for preset in PRESETS if preset != "complete-journey-redemptions"])
@pytest.mark.parametrize("kind", ["products", "users", "events"])
def test_every_preset_feeds_every_kind(preset: str, kind: str) -> None:
    assert load_columns(preset, kind=kind).name == preset  # type: ignore[arg-type]  # the three kinds


@pytest.mark.parametrize("kind", ["campaigns", "members", "coupons"])
def test_the_files_of_past_campaigns_have_sections_of_their_own(kind: str) -> None:
    assert load_columns("complete-journey", kind=kind).unmapped == "drop"  # type: ignore[arg-type]  # one of them
    assert load_columns(None, kind=kind).unmapped == "drop"  # type: ignore[arg-type]  # one of them


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = """
    time_zone = "Moon/Base"
    [events]
    auto = false
    what = 1
    [events.columns]
    user_id = {column = "a", join = ["b"]}
    time = {}
    [[events.filters]]
    name = "x"
    column = "y"
    """
    with pytest.raises(ColumnsError) as caught:
        load_columns(mapping(tmp_path, text), kind="events")
    for part in ("time_zone", "events.what", "events.columns.user_id", "events.columns.time", "events.filters.0"):
        assert part in str(caught.value)
    text = '[events]\nauto = false\n[events.columns]\nuser = "a"\n[cleaning.missing]\ncolour = "mean"\n'
    with pytest.raises(ColumnsError) as caught:
        load_columns(mapping(tmp_path, text), kind="events")
    for part in ("events.columns.user:", "events.columns.time: is required", "cleaning.missing.colour"):
        assert part in str(caught.value)


def test_mappings_that_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(ColumnsError, match="no such preset"):
        load_columns("nothing", kind="events")
    with pytest.raises(ColumnsError, match="not valid TOML"):
        load_columns(mapping(tmp_path, "= 1"), kind="events")
    with pytest.raises(ColumnsError, match=r"no section \[users\]"):
        load_columns(mapping(tmp_path, "[events]\n"), kind="users")


RULES = """
time_zone = "Asia/Shanghai"
[events]
[events.columns]
time = {column = "When", format = "%d/%m/%Y %H:%M"}
price = {column = "Total", decimal = ",", divide = "Pieces"}
quantity = {column = "Pieces", absolute = true}
channel = {constant = "web"}
text = {join = ["Head", "Body"], separator = ": "}
rating = {column = "Stars", map = {good = 5, bad = 1}, when = {column = "Pieces", above = 0}}
type = {cases = [{column = "Pieces", below = 0, value = "refund"}], constant = "purchase"}
order_id = {column = ["Order", "Invoice"]}
"attributes.shop" = {column = "Shop", case = "upper"}
[[events.filters]]
name = "postage"
column = "sku"
one_of = ["POST"]
[[events.filters]]
name = "others"
column = "sku"
starts = "X"
skip = "other-kind"
"""


def test_the_rules_of_a_mapping(tmp_path: Path) -> None:
    header = "customer_id|sku|When|Total|Pieces|Head|Body|Stars|Order|Invoice|Shop\n"
    rows = (
        "7|A|03/04/2020 08:00|1.000,50|2|Nice|very|good||I1|north\n"
        "7|A|03/04/2020 08:00|5|-1|||bad|O2|I1|north\n"
        "7|POST|03/04/2020 08:00|5|1|||bad|O2|I1|north\n"
        "7|X1|03/04/2020 08:00|5|1|||bad|O2|I1|north\n"
    )
    result = run(tmp_path, write(tmp_path / "a.csv", header + rows), columns=mapping(tmp_path, RULES))
    # A quotient of a negative divisor is no price.
    assert len(result.documents) == 1
    (event,) = result.documents
    assert event.time.isoformat() == "2020-04-03T00:00:00+00:00"
    assert (event.price, event.quantity, event.channel, event.text) == (500.25, 2.0, "web", "Nice: very")
    assert (event.rating, event.type, event.order_id, event.attributes) == (5.0, "purchase", "I1", {"shop": "NORTH"})
    assert sorted(line["reason"].split(":")[0] for line in result.rejects) == [
        "filtered", "must be at least 0 after the division",
    ]  # fmt: skip
    assert (result.report.read, result.report.skipped) == (3, 1)


def test_online_retail_rows(tmp_path: Path) -> None:
    text = (
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "536365,85123A,HEART,6,12/1/2010 8:26,2.55,17850.0,United Kingdom\n"
        "C536379,D,Discount,-1,2010-12-01 09:41:00,27.5,14527,United Kingdom\n"
        "536414,22139,,56,2010-12-01 11:52:00,0,,United Kingdom\n"
        "536415,85123A,damaged,1,2011-12-01 11:52:00,0,17850,Iceland\n"
    )
    file = write(tmp_path / "a.csv", text)
    events = run(tmp_path, file, columns="online-retail")
    assert [(e.user_id, e.type, e.quantity, e.price) for e in events.documents] == [
        ("17850", "purchase", 6.0, 2.55), ("14527", "refund", 1.0, 27.5), ("17850", "purchase", 1.0, 0.0),
    ]  # fmt: skip
    assert [line["reason"] for line in events.rejects] == ["user_id is missing"]
    products = run(tmp_path, file, kind="products", columns="online-retail").documents
    assert [(p.product_id, p.title, p.price) for p in products] == [
        ("85123A", "HEART", 2.55), ("D", "Discount", 27.5), ("22139", None, None),
    ]  # fmt: skip
    users = run(tmp_path, file, kind="users", columns="online-retail").documents
    assert [(u.user_id, u.country) for u in users] == [("17850", "Iceland"), ("14527", "United Kingdom")]


def test_profiles_csv_rows(tmp_path: Path) -> None:
    header = (
        "user_id,age,gender,annual_income,buying_frequency,last_purchase_time,last_rating,product_id,product_rating\n"
    )
    file = write(tmp_path / "a.csv", header + "u1,34,F,50000,4,2024-01-02 10:00,4,p1,5\nu2,40,男,,2,2024-01-03,3,p1,\n")
    (first, second) = run(tmp_path, file, kind="users", columns="profiles-csv").documents
    assert (first.age, first.gender, first.income, second.gender) == (34, "female", 50000.0, "male")
    assert first.attributes == {"buying_frequency": 4, "last_rating": 4}
    events = run(tmp_path, file, columns="profiles-csv")
    assert sorted((e.user_id, e.type, e.rating) for e in events.documents if e.type == "rate") == [("u1", "rate", 5.0)]
    assert events.report.read == 3


def test_histories_csv_rows(tmp_path: Path) -> None:
    text = (
        'user_id,age,income,gender,purchase_history,browse_history\nu1,30,8000,女,"p1,p2,p1","[\'p3\']"\nu2,20,1,男,,\n'
    )
    file = write(tmp_path / "a.csv", text)
    events = run(tmp_path, file, columns="histories-csv")
    assert sorted((e.type, e.product_id) for e in events.documents) == [
        ("purchase", "p1"), ("purchase", "p1"), ("purchase", "p2"), ("view", "p3"),
    ]  # fmt: skip
    assert (events.report.read, events.report.skipped, events.report.duplicate) == (4, 1, 0)
    longer = write(tmp_path / "b.csv", text.replace("p1,p2,p1", "p1,p2,p1,p9"))
    again = {event.event_id for event in run(tmp_path, longer, columns="histories-csv").documents}
    assert {event.event_id for event in events.documents} < again
    products = run(tmp_path, file, kind="products", columns="histories-csv").documents
    assert sorted(product.product_id for product in products) == ["p1", "p2", "p3"]


def test_a_shop_time_zone_is_used_for_times_without_one(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "user_id,product_id,type,time\nu,p,view,2020-07-01 08:00\n")
    (event,) = run(tmp_path, file, settings=Settings(time_zone="Asia/Shanghai")).documents
    assert event.time.hour == 0


def test_rows_that_a_lossy_rule_makes_equal_stay_two_events(tmp_path: Path) -> None:
    rules = mapping(tmp_path, '[events.columns]\nquantity = {column = "n", absolute = true}\n')
    file = write(tmp_path / "a.csv", "user_id,product_id,type,time,n\nu,p,cart,2020-01-01,1\nu,p,cart,2020-01-01,-1\n")
    assert len({event.event_id for event in run(tmp_path, file, columns=rules).documents}) == 2


def test_columns_that_a_filter_or_a_list_wants(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "user_id,product_id,type,time\nu,p,cart,2020-01-01\n")
    rules = mapping(tmp_path, '[events]\n[[events.filters]]\nname = "x"\ncolumn = "shop"\nequals = 1\n')
    with pytest.raises(ColumnsError, match="shop"):
        run(tmp_path, file, columns=rules)
    with pytest.raises(ColumnsError, match="purchase_history, browse_history"):
        run(tmp_path, file, columns="histories-csv")
    half = write(tmp_path / "b.csv", "user_id,browse_history\nu,p1;p2\n")
    assert [event.product_id for event in run(tmp_path, half, columns="histories-csv").documents] == ["p1", "p2"]
