"""Laws of loading: no input crashes it, every row ends in exactly one place, ids do not depend on the format."""

from __future__ import annotations

import csv
import gzip
import io
import string
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profilestore.documents import Event
from profilestore.errors import ProfileStoreError, RejectedInput
from profilestore.ingest import InputReport, Rejects, load_columns, read_events, read_products, read_users, validate
from profilestore.settings import Settings

SETTINGS = Settings()
READERS = {"events": read_events, "products": read_products, "users": read_users}
HEADERS = {
    "events": "user_id,product_id,type,time,price",
    "products": "product_id,title,price,colour,updated_at",
    "users": "user_id,age,gender,club,income",
}
cell = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["u1", "p1", "view", "purchase", "2020-01-01", "1.5", "", '"', "\x00", "a,b", "男", "250", "-1", "\r\n"]
    ),
)
piece = st.one_of(
    st.binary(max_size=12),
    cell.map(lambda text: text.encode("utf-8", "ignore")),
    cell.map(lambda text: text.encode("gb18030", "ignore")),
    st.sampled_from([b",", b"\n", b'"', b"\r\n", b"u1,p1,view,2020-01-01,2.5\n", b"p1,t,1,red,2020-01-01\n"]),
)


def read(kind: str, name: str, content: bytes, **options: Any) -> tuple[list[Any], InputReport]:
    """Read some bytes as a file; the counts and the rejects file must agree."""
    report = InputReport()
    documents: list[Any] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(content)
        with Rejects(folder, "t") as rejects:
            mapping = load_columns(None, kind=kind)  # type: ignore[arg-type]  # one of the three
            for batch in READERS[kind](
                [file], columns=mapping, settings=SETTINGS, rejects=rejects, report=report, **options
            ):
                documents.extend(batch)
        lines = rejects.path.read_bytes().splitlines() if rejects.count > 0 else []
    assert report.read == report.emitted + report.duplicate + report.rejected
    assert report.emitted == len(documents)
    assert report.rejected == len(lines)
    for line in lines:
        reject = orjson.loads(line)
        assert set(reject) == {"file", "line", "column", "reason", "row"}
        assert reject["line"] >= 1
        assert 0 < len(reject["reason"]) <= 300
    return documents, report


@given(kind=st.sampled_from(sorted(READERS)), body=st.lists(piece, max_size=30).map(b"".join), packed=st.booleans())
@settings(max_examples=250, deadline=None)
def test_any_bytes_after_a_csv_header(kind: str, body: bytes, packed: bool) -> None:
    content = HEADERS[kind].encode() + b"\n" + body
    read(kind, "a.csv.gz" if packed else "a.csv", gzip.compress(content) if packed else content)
    if packed:  # and cut off, where the line of a reject may be any
        _read_or_refuse(kind, "a.csv.gz", gzip.compress(content)[:-9])


@given(
    kind=st.sampled_from(sorted(READERS)),
    content=st.lists(piece, max_size=20).map(b"".join),
    name=st.sampled_from(["a.csv", "a.jsonl", "a", "a.parquet"]),
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_at_all(kind: str, content: bytes, name: str) -> None:
    _read_or_refuse(kind, name, content)


def _read_or_refuse(kind: str, name: str, content: bytes) -> None:
    try:
        read(kind, name, content)
    except ProfileStoreError:
        return  # a file that cannot be read at all says so


json_value = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | cell,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(
    ["user_id", "product_id", "type", "time", "price", "age", "gender", "consent", "attributes", "user_fields", "tags",
     "title", "stock", "position", "event_id", "personalisation", "x"]
)  # fmt: skip


@given(kind=st.sampled_from(sorted(READERS)), rows=st.lists(st.dictionaries(keys, json_value, max_size=8), max_size=8))
@settings(max_examples=250, deadline=None)
def test_any_json_objects(kind: str, rows: list[dict[str, Any]]) -> None:
    seed = {"user_id": "u", "product_id": "p", "type": "view", "time": "2020-01-01"}
    lines = [orjson.dumps(seed)]
    for row in rows:
        try:
            lines.append(orjson.dumps({**seed, **row}))
        except orjson.JSONEncodeError:
            continue
    documents, report = read(kind, "a.jsonl", b"\n".join(lines))
    assert report.read == len(lines)
    assert len(documents) >= 1


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20)
rows_of_events = st.lists(
    st.fixed_dictionaries(
        {
            "user_id": st.text(string.ascii_letters + "男_", min_size=1, max_size=8).map(lambda text: "u" + text),
            "product_id": st.integers(0, 10**12),
            "type": st.sampled_from(["view", "purchase", "cart"]),
            "time": st.datetimes(datetime(1980, 1, 1), datetime(2024, 1, 1)),
            "price": st.floats(0, 1e9).filter(lambda number: number == 0 or number > 1e-6),
            "quantity": st.integers(1, 10**6),
            "note": texts.map(lambda text: "n" + text + "."),
            "when": st.datetimes(datetime(1980, 1, 1), datetime(2024, 1, 1)),
            "flag": st.booleans(),
            "count": st.integers(-(10**9), 10**9),
        }
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda row: row["user_id"],
)


@given(rows=rows_of_events)
@settings(max_examples=60, deadline=None)
def test_an_event_has_one_id_in_all_formats(rows: list[dict[str, Any]]) -> None:
    table = io.BytesIO()
    schema = pa.Table.from_pylist(rows)
    pq.write_table(schema, table)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    lines = b"\n".join(orjson.dumps(row) for row in rows)
    found = [
        read("events", name, content)[0]
        for name, content in (
            ("a.parquet", table.getvalue()), ("a.csv", text.getvalue().encode()), ("a.jsonl", lines),
        )
    ]  # fmt: skip
    assert len(found[0]) == len(rows)
    assert found[0] == found[1] == found[2]
    for row, event in zip(rows, found[0], strict=True):
        assert (event.user_id, event.price, event.quantity) == (row["user_id"], row["price"], row["quantity"])
        assert event.time == row["time"].replace(tzinfo=UTC)


@given(rows=rows_of_events)
@settings(max_examples=40, deadline=None)
def test_documents_are_what_the_model_says(rows: list[dict[str, Any]]) -> None:
    """No check of `Event` is gone round: each document passes again, and its own hash is its id."""
    kept = [
        {name: row[name] for name in ("user_id", "product_id", "type", "time", "price", "quantity")} for row in rows
    ]
    for event in read("events", "a.jsonl", b"\n".join(orjson.dumps(row) for row in kept))[0]:
        assert Event.model_validate(event.model_dump(exclude_none=True, exclude={"event_id"})) == event


@given(rows=rows_of_events, data=st.data())
@settings(max_examples=40, deadline=None)
def test_order_and_batches_change_nothing(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    lines = [orjson.dumps(row) for row in rows]
    shuffled = data.draw(st.permutations(lines))
    size = data.draw(st.integers(1, 5))
    one = {event.event_id for event in read("events", "a.jsonl", b"\n".join(lines))[0]}
    other = {event.event_id for event in read("events", "a.jsonl", b"\n".join(shuffled), batch_size=size)[0]}
    assert one == other


@given(body=st.lists(piece, max_size=20).map(b"".join))
@settings(max_examples=60, deadline=None)
def test_strict_raises_exactly_when_something_is_rejected(body: bytes) -> None:
    content = HEADERS["events"].encode() + b"\n" + body
    _, report = read("events", "a.csv", content)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.csv"
        file.write_bytes(content)
        mapping = load_columns(None, kind="events")
        if report.rejected == 0:
            assert validate([file], columns=mapping, settings=SETTINGS).read == report.read
        else:
            with pytest.raises(RejectedInput):
                validate([file], columns=mapping, settings=SETTINGS)
