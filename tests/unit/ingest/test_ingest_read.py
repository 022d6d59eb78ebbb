"""Files as users have them, good and bad, through the public functions."""

from __future__ import annotations

import gzip
import io
import json
import stat
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ingest_runs import run, write

from profilestore.documents import Event, Product, User
from profilestore.errors import ColumnsError, InputError, RejectedInput, UsageError
from profilestore.ingest import (
    Cleaning,
    Progress,
    load_columns,
    read_events,
    spooled_stdin,
    validate,
)
from profilestore.settings import Settings

HEADER = "user_id,product_id,type,time,price,note\n"
GOOD = "u1,p1,view,2020-01-01T10:00:00Z,2.50,x\n"


def test_a_plain_csv(tmp_path: Path) -> None:
    result = run(tmp_path, write(tmp_path / "a.csv", HEADER + GOOD))
    (event,) = result.documents
    assert isinstance(event, Event)
    assert (event.user_id, event.product_id, event.type, event.price) == ("u1", "p1", "view", 2.5)
    assert len(event.event_id) == 32
    assert result.rejects == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8 with BOM"), ("gb18030", "gb18030")]
)
def test_encodings(tmp_path: Path, encoding: str, said: str) -> None:
    text = "用户ID,年龄,性别,所在城市\n张三,30,女,北京\n李四,25,先生,上海\n"
    result = run(tmp_path, write(tmp_path / "u.csv", text.encode(encoding)), kind="users")
    assert [user.user_id for user in result.documents] == ["张三", "李四"]
    assert [user.gender for user in result.documents] == ["female", "male"]
    assert result.documents[0].city == "北京"
    assert said in result.report.files[0]["encoding"] or (said == "utf-8 with BOM" and encoding == "utf-8-sig")
    assert result.report.cleaning["gender"] == 2


def test_chinese_after_a_long_ascii_beginning_is_still_found_out(tmp_path: Path) -> None:
    lines = "".join(f"p{n},plain title {n}\n" for n in range(20_000))
    content = (
        "商品".encode("ascii", "ignore").decode() + "product_id,title\n" + lines
    ).encode() + "q,红色连衣裙\n".encode("gb18030")
    result = run(tmp_path, write(tmp_path / "p.csv", content), kind="products")
    assert result.documents[-1].title == "红色连衣裙"
    assert result.report.files[0]["encoding"] == "gb18030"


def test_all_formats_give_the_same_ids(tmp_path: Path) -> None:
    rows = [
        {
            "user_id": "u1",
            "product_id": 7,
            "type": "purchase",
            "time": "2020-01-01T10:00:00",
            "price": 2.5,
            "n": n,
            "s": "ä",
        }
        for n in range(50)
    ]
    table = pa.Table.from_pylist(rows)
    table = table.set_column(3, "time", table["time"].cast(pa.timestamp("us")))
    pq.write_table(table, tmp_path / "a.parquet")
    text = "user_id,product_id,type,time,price,n,s\n" + "".join(
        f"u1,7,purchase,2020-01-01 10:00:00,2.50,{row['n']}.0,ä\n" for row in rows
    )
    files = [
        tmp_path / "a.parquet",
        write(tmp_path / "a.csv", text),
        write(tmp_path / "a.tsv", text.replace(",", "\t")),
        write(tmp_path / "b.csv", text.replace(",", ";").replace("\n", "\r\n")),
        write(tmp_path / "a.csv.gz", gzip.compress(text.encode())),
        write(tmp_path / "a.jsonl", "\n".join(json.dumps(row) for row in rows)),
        write(tmp_path / "a.parquet.gz", gzip.compress((tmp_path / "a.parquet").read_bytes())),
    ]
    ids = [[event.event_id for event in run(tmp_path, file).documents] for file in files]
    assert len(set(ids[0])) == 50
    assert all(other == ids[0] for other in ids)


def test_the_id_of_plain_content_is_the_events_own(tmp_path: Path) -> None:
    content = HEADER.replace(",note", "") + GOOD.replace(",x", "")
    (event,) = run(tmp_path, write(tmp_path / "a.csv", content)).documents
    again = Event.model_validate(event.model_dump(exclude_none=True, exclude={"event_id"}))
    assert event.event_id == again.event_id


def test_rows_equal_in_all_columns_are_one_event_unless_numbered(tmp_path: Path) -> None:
    result = run(tmp_path, write(tmp_path / "a.csv", HEADER + GOOD * 3 + GOOD.replace("x", "y")))
    assert (result.report.read, result.report.duplicate, len(result.documents)) == (4, 2, 2)
    numbered = "line," + HEADER + "".join(f"{n}," + GOOD for n in range(3))
    assert len(run(tmp_path, write(tmp_path / "b.csv", numbered)).documents) == 3
    refused = run(tmp_path, tmp_path / "a.csv", cleaning=Cleaning(duplicates="reject"))
    assert [line["line"] for line in refused.rejects] == [3, 4]


@pytest.mark.parametrize(
    ("line", "reason", "column"),
    [
        ("u1,p1,view,2020-01-01,abc,x", "not a number", "price"),
        ("u1,p1,view,2020-01-01,-3,x", "at least 0", "price"),
        (",p1,view,2020-01-01,3,x", "user_id is missing", "user_id"),
        ("u1,p1,view,,3,x", "time is missing", "time"),
        ("u1,p1,fly,2020-01-01,3,x", "event type", "type"),
        ("u1,,view,2020-01-01,3,x", "needs product_id", None),
        ("u1,p1,view,03/04/2020,3,x", "day/month", "time"),
        ("u1,p1,view,2999-01-01,3,x", "future", "time"),
        ("u1,p1,view,2020-01-01,3", "5 cells", None),
        ("u1,p1,view,2020-01-01,3,x,y,z", "8 cells", None),
        ("u\x001,p1,view,2020-01-01,3,x", "NUL", None),
        ('u1,"p1"x,view,2020-01-01,3,x', "quoting", None),
    ],
)
def test_one_bad_row_is_rejected_and_its_neighbours_are_not(
    tmp_path: Path, line: str, reason: str, column: str | None
) -> None:
    result = run(tmp_path, write(tmp_path / "a.csv", HEADER + GOOD + line + "\n" + GOOD.replace("u1", "u2")))
    assert [event.user_id for event in result.documents] == ["u1", "u2"]
    (reject,) = result.rejects
    assert reject["line"] == 3
    assert reason in reject["reason"]
    assert reject["column"] == column
    assert reject["file"].endswith("a.csv")
    assert "2020" in str(reject["row"]) or "2999" in str(reject["row"]) or reject["column"] == "time"


def test_an_open_quote_takes_its_own_line_only(tmp_path: Path) -> None:
    bad = 'u1,"p1,view,2020-01-01,3,x\n'
    others = "".join(GOOD.replace("u1", f"u{n}") for n in range(2, 5000))
    result = run(tmp_path, write(tmp_path / "a.csv", HEADER + GOOD + bad + others))
    assert len(result.documents) == 4999
    assert [(line["line"], line["reason"]) for line in result.rejects] == [(3, "a quote is not closed")]


def test_a_row_over_several_lines_is_fine_and_lines_are_physical(tmp_path: Path) -> None:
    text = 'product_id,title\np1,"two\nlines"\np2,"a ""b"""\n,no id\n'
    result = run(tmp_path, write(tmp_path / "p.csv", text), kind="products")
    assert [product.title for product in result.documents] == ["two\nlines", 'a "b"']
    assert result.rejects[0]["line"] == 5


def test_bad_json_lines(tmp_path: Path) -> None:
    good = {"user_id": "u1", "type": "search", "text": "shoes", "time": 1580472300}
    lines = [
        json.dumps(good),
        "{broken",
        "[1]",
        "",
        json.dumps({**good, "user_id": None}),
        json.dumps({**good, "n": 1}),
    ]
    result = run(tmp_path, write(tmp_path / "a.jsonl", "\n".join(lines)))
    assert len(result.documents) == 2
    assert [(line["line"], line["reason"]) for line in result.rejects] == [
        (2, "is not valid JSON"), (3, "is not a JSON object"), (5, "user_id is missing"),
    ]  # fmt: skip


def test_a_truncated_gzip_keeps_what_came_before(tmp_path: Path) -> None:
    body = HEADER + "".join(GOOD.replace("u1", f"user{n * 7919}") for n in range(3000))
    packed = gzip.compress(body.encode())
    result = run(tmp_path, write(tmp_path / "a.csv.gz", packed[: len(packed) // 2]))
    assert 500 < len(result.documents) < 2900
    assert "truncated" in result.rejects[-1]["reason"]
    assert result.rejects[-1]["line"] == len(result.documents) + 2


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", gzip.compress(b"")])
def test_an_empty_file(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match="empty"):
        run(tmp_path, write(tmp_path / "a.csv", content))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        run(tmp_path, tmp_path / "none.csv")
    with pytest.raises(InputError, match="no file matches"):
        run(tmp_path, tmp_path / "*.nope")
    with pytest.raises(InputError, match="folder"):
        run(tmp_path, tmp_path)
    with pytest.raises(InputError, match="Parquet"):
        run(tmp_path, write(tmp_path / "a.parquet", b"PAR1 but no more"))
    with pytest.raises(InputError, match="JSON array"):
        run(tmp_path, write(tmp_path / "a.json", b"[{}]"))
    with pytest.raises(InputError, match="UTF-16"):
        run(tmp_path, write(tmp_path / "b.csv", (HEADER + GOOD).encode("utf-16")))
    with pytest.raises(UsageError):
        run(tmp_path)


def test_a_column_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ColumnsError, match=r"no column for type.*no column for time.*has: user_id, what"):
        run(tmp_path, write(tmp_path / "a.csv", "user_id,what\nu1,x\n"))
    with pytest.raises(ColumnsError, match=r"CustomerID.*The file has: a, b"):
        run(tmp_path, write(tmp_path / "b.csv", "a,b\n1,2\n"), columns="online-retail")


def test_globs_and_several_files(tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / f"{name}.csv", HEADER + GOOD.replace("u1", name))
    assert [event.user_id for event in run(tmp_path, tmp_path / "*.csv").documents] == ["a", "b"]


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def feed() -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((HEADER + GOOD).encode())))

    feed()
    assert len(run(tmp_path, "-").documents) == 1
    feed()
    with pytest.raises(UsageError, match="twice"):
        run(tmp_path, "-", cleaning=Cleaning(outliers="iqr"))
    feed()
    with spooled_stdin(["-"]) as sources:
        path = sources[0].path
        assert path is not None
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        for _ in range(2):
            assert validate(sources, columns=load_columns(None, kind="events"), settings=Settings()).emitted == 1
    assert not path.exists()


def test_strict_stops_at_the_first_reject_without_its_value(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", HEADER + GOOD + "secret-person,p1,view,never,3,x\n" + GOOD)
    with pytest.raises(RejectedInput, match=r"line 3, column time") as caught:
        validate([file], columns=load_columns(None, kind="events"), settings=Settings())
    assert "secret-person" not in str(caught.value)
    assert caught.value.line == 3


def test_the_rejects_file_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    old = write(folder / "rejects-t.jsonl", "old\n")
    old.chmod(0o644)
    run(tmp_path, write(tmp_path / "a.csv", HEADER + ",p,view,2020-01-01,1,x\n"))
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
    assert b"old" not in old.read_bytes()
    (folder / "rejects-t.jsonl").unlink()
    (folder / "rejects-t.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="rejects file"):
        run(tmp_path, tmp_path / "a.csv")


def test_batches_and_progress(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", HEADER + "".join(GOOD.replace("u1", f"u{n}") for n in range(2500)))
    told: list[Progress] = []
    sizes = [
        len(batch)
        for batch in read_events(
            [file],
            columns=load_columns(None, kind="events"),
            settings=Settings(),
            batch_size=1000,
            progress=told.append,
        )
    ]
    assert sizes == [1000, 1000, 500]
    assert told[-1] == Progress(2500, file.stat().st_size, file.stat().st_size)


def test_products_are_merged_most_frequent_or_latest(tmp_path: Path) -> None:
    text = "sku,name,price,颜色\np1,A,1,red\np1,B,2,red\np1,B,3,\np2,C,,blue\n"
    result = run(tmp_path, write(tmp_path / "p.csv", text), kind="products")
    first, second = result.documents
    assert (first.title, first.price, first.attributes) == ("B", 1.0, {"颜色": "red"})
    assert second == Product(product_id="p2", title="C", attributes={"颜色": "blue"})
    assert (result.report.read, result.report.duplicate) == (4, 2)
    timed = "sku,name,price,updated_at\np1,A,1,2020-03-01\np1,B,2,2020-04-02\np1,,3,2020-01-01\n"
    (latest,) = run(tmp_path, write(tmp_path / "q.csv", timed), kind="products").documents
    assert (latest.title, latest.price) == ("B", 2.0)


def test_users_from_json_keep_what_is_nested(tmp_path: Path) -> None:
    row = {
        "user_id": 5,
        "age": "34",
        "consent": ["mail", "sms"],
        "personalisation": False,
        "attributes": {"a": {"b": 1}},
        "club": "x",
    }
    (user,) = run(tmp_path, write(tmp_path / "u.jsonl", json.dumps(row)), kind="users").documents
    assert user == User(
        user_id="5", age=34, consent=["mail", "sms"], personalisation="off", attributes={"a.b": 1, "club": "x"}
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("u.jsonl", '{"user_id": "5", "consent": []}', []),
        ("u.csv", "user_id,consent\n5,[]\n", []),
        ("u.csv", "user_id,consent,age\n5,,30\n", None),
        ("u.csv", "user_id,consent,age\n5,n/a,30\n", None),
        ("u.jsonl", '{"user_id": "5", "consent": null}', None),
    ],
)
def test_an_empty_list_withdraws_consent_and_an_empty_cell_says_nothing(
    tmp_path: Path, name: str, text: str, said: list[str] | None
) -> None:
    (user,) = run(tmp_path, write(tmp_path / name, text), kind="users").documents
    assert isinstance(user, User) and user.consent == said


def test_one_file_feeds_products_without_its_users(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", HEADER + GOOD)
    (product,) = run(tmp_path, file, kind="products").documents
    assert product.attributes == {"note": "x"}


def test_attributes_events_carry_user_fields(tmp_path: Path) -> None:
    row = {"user_id": "u", "type": "attributes", "time": "2020-01-01", "user_fields": {"age": 30, "city": "Bath"}}
    bad = {**row, "user_fields": {"age": 300}}
    result = run(tmp_path, write(tmp_path / "a.jsonl", json.dumps(row) + "\n" + json.dumps(bad)))
    assert result.documents[0].user_fields == {"age": 30, "city": "Bath"}
    assert result.rejects[0]["column"] == "user_fields"


def test_ever_new_keys_make_no_square_table(tmp_path: Path) -> None:
    lines = (json.dumps({"product_id": f"p{n % 500}", f"key{n}": n}) for n in range(1000))
    result = run(tmp_path, write(tmp_path / "p.jsonl", "\n".join(lines)), kind="products")
    assert len(result.documents) == 500
    assert result.documents[7].attributes == {"key7": 7, "key507": 507}


def test_parquet_times_with_a_zone_and_nanoseconds(tmp_path: Path) -> None:
    table = pa.table(
        {
            "user_id": ["u"],
            "product_id": ["p"],
            "type": ["view"],
            "time": pa.array([1580472300123456789], pa.timestamp("ns", "Asia/Shanghai")),
            "seen": pa.array([1580472300123456789], pa.timestamp("ns", "UTC")),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    (event,) = run(tmp_path, tmp_path / "a.parquet").documents
    assert event.time.isoformat() == "2020-01-31T12:05:00.123456+00:00"
