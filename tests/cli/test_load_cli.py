"""`profilestore index`, `fold`, `profile` and `init` as a person runs them: files in, counts and exit codes out."""

from __future__ import annotations

import gzip
import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from profilestore import ProfileStore, Settings
from profilestore.cli import app
from profilestore.indexing.models import Models

PRODUCTS = "product_id,title,category,price\np1,red mug,mugs,3.5\np2,blue mug,mugs,4\np3,green pen,pens,1\n"
EVENTS = (
    "user_id,type,time,product_id,quantity,price\n"
    "u1,purchase,2026-01-05T10:00:00Z,p1,2,3.5\n"
    "u1,view,2026-01-05T11:00:00Z,p2,,\n"
    "u2,view,2026-01-06T10:00:00Z,p1,,\n"
)
COUNTS = ("read", "indexed", "updated", "unchanged", "duplicate", "rejected")


class StandIn:
    name, dims = "minilm", 384

    def encode(self, texts: list[str]) -> Any:
        rows = np.ones((len(texts), self.dims), dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Run]:
    """Runs a command of a fresh shop in a folder of its own; gives exit code, stdout and stderr."""
    monkeypatch.setenv("PROFILESTORE_ELASTICSEARCH_URL", str(settings.elasticsearch_url))
    monkeypatch.setenv("PROFILESTORE_PREFIX", settings.prefix)
    monkeypatch.setenv("PROFILESTORE_TEXT_MODEL", "minilm")
    monkeypatch.setattr(Models, "_load_text", lambda self, name: StandIn())
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str, stdin: str | bytes | None = None) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, list(arguments), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            # What `main` turns into a line and an exit code.
            from profilestore.errors import ProfileStoreError

            if not isinstance(result.exception, ProfileStoreError):
                raise result.exception
            return result.exception.exit_code, result.stdout, str(result.exception)
        return result.exit_code, result.stdout, result.stderr

    assert invoke("init")[0] == 0
    yield invoke


def counts(run: Run, *arguments: str, code: int = 0, stdin: str | bytes | None = None) -> tuple[int, ...]:
    exit_code, out, err = run(*arguments, "--json", stdin=stdin)
    assert exit_code == code, err
    answer = json.loads(out)
    assert set(answer) == {*COUNTS, "rejects_file", "seconds"}
    assert answer["read"] == sum(answer[name] for name in COUNTS[1:])
    return tuple(answer[name] for name in COUNTS)


def written(name: str, text: str | bytes) -> str:
    path = Path(name)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


def test_a_shop_from_files_and_again(run: Run) -> None:
    products, events = written("products.csv", PRODUCTS), written("events.csv", EVENTS)
    users = written("users.jsonl", '{"user_id":"u1","age":30,"consent":["mail"]}\n{"user_id":"u2","city":"上海"}\n')
    assert counts(run, "index", "products", products) == (3, 3, 0, 0, 0, 0)
    assert counts(run, "index", "events", events) == (3, 3, 0, 0, 0, 0)
    assert counts(run, "index", "users", users) == (2, 0, 2, 0, 0, 0)
    assert counts(run, "index", "products", products) == (3, 0, 0, 3, 0, 0)
    assert counts(run, "index", "events", events) == (3, 0, 0, 0, 3, 0)
    assert counts(run, "index", "users", users) == (2, 0, 0, 2, 0, 0)
    code, out, _ = run("profile", "verify", "--all", "--json")
    assert (code, json.loads(out)) == (0, {"checked": 2, "different": 0, "users": []})
    profile = json.loads(run("profile", "show", "u1", "--json")[1])
    assert (profile["age"], profile["spend_total"], profile["consent"]) == (30, 7.0, ["mail"])


def test_bad_rows_go_to_a_file_of_their_own(run: Run) -> None:
    events = written(
        "events.csv",
        EVENTS + "u3,view,not-a-date,p1,,\n,view,2026-01-05T10:00:00Z,p1,,\nu4,view,2999-01-01T00:00:00Z,p1,,\n",
    )
    assert counts(run, "index", "events", events, code=3) == (6, 3, 0, 0, 0, 3)
    (rejects,) = Path().glob("rejects-events-*.jsonl")
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600
    assert [json.loads(line)["line"] for line in rejects.read_text().splitlines()] == [5, 6, 7]
    assert counts(run, "index", "events", events, code=3) == (6, 0, 0, 0, 3, 3)


def test_strict_writes_nothing(run: Run) -> None:
    events = written("events.csv", EVENTS + "u3,view,not-a-date,p1,,\n")
    code, _, err = run("index", "events", events, "--strict")
    assert code == 3
    assert "not-a-date" not in err
    assert counts(run, "index", "events", written("good.csv", EVENTS)) == (3, 3, 0, 0, 0, 0)


@pytest.mark.parametrize("kind", ["products", "users", "events"])
@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"], ids=str)
def test_a_file_with_nothing_in_it(run: Run, kind: str, content: bytes) -> None:
    code, _, err = run("index", kind, written("x.csv", content))
    assert code == 1
    assert "x.csv" in err


def test_a_file_that_is_no_gzip_is_one_reject(run: Run) -> None:
    name = written("x.csv.gz", b"\x1f\x8b\x08\x00broken")
    assert counts(run, "index", "events", name, code=3) == (1, 0, 0, 0, 0, 1)


def test_a_file_of_a_header_alone_is_no_row(run: Run) -> None:
    assert counts(run, "index", "events", written("events.csv", EVENTS.splitlines()[0] + "\n")) == (0,) * 6


def test_a_truncated_gzip_keeps_what_could_be_read(run: Run) -> None:
    packed = gzip.compress(EVENTS.encode() * 1)
    code, _, err = run("index", "events", written("events.csv.gz", packed[:-12]))
    assert code in (1, 3)
    assert "events.csv.gz" in err or code == 3
    assert run("profile", "verify", "--all")[0] == 0
    assert counts(run, "index", "events", written("whole.csv.gz", packed))[0] == 3


def test_standard_input_and_several_files(run: Run) -> None:
    assert counts(run, "index", "events", "-", "--format", "csv", stdin=EVENTS) == (3, 3, 0, 0, 0, 0)
    header, *rows = EVENTS.splitlines()
    for n, row in enumerate(rows):
        written(f"part{n}.csv", f"{header}\n{row}\n")
    assert counts(run, "index", "events", "part*.csv") == (3, 0, 0, 0, 3, 0)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("index", "events", "no-such-file.csv"), 1),
        (("index", "events"), 2),
        (("index", "customers", "x.csv"), 2),
        (("profile", "verify"), 2),
        (("profile", "verify", "--all", "u1"), 2),
        (("profile", "show", "nobody"), 1),
        (("products", "delete", "nothing"), 1),
        (("fold", "--every", "0"), 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_is_told_by_the_exit_code(run: Run, arguments: tuple[str, ...], code: int) -> None:
    assert run(*arguments)[0] == code


def test_verify_ends_with_4_when_profiles_differ_and_rebuild_mends_them(run: Run, settings: Settings) -> None:
    run("index", "events", written("events.csv", EVENTS))
    with ProfileStore.open(settings) as shop:
        shop._client.update(index=settings.index("profiles"), id="u1", doc={"events_total": 99}, refresh=True)
    for quick in ((), ("--quick",)):
        code, out, _ = run("profile", "verify", "--all", *quick, "--json")
        assert (code, json.loads(out)["users"]) == (4, ["u1"])
    code, out, err = run("profile", "verify", "u1")
    assert code == 4
    assert "events_total" in out
    assert "profile rebuild" in err
    assert run("profile", "rebuild", "u1")[0] == 0
    assert run("profile", "verify", "--all")[0] == 0


def test_fold_names_what_it_skipped(run: Run, settings: Settings) -> None:
    with ProfileStore.open(settings) as shop:
        document = {"user_id": "secret-person", "type": "stare", "time": "2026-01-05T10:00:00Z"}
        shop._client.create(index=settings.index("events"), id="odd", document=document, routing="secret-person")
    code, out, err = run("fold")
    assert code == 0
    assert "odd" in err
    assert "secret-person" not in out + err
    assert "stare" not in out + err


def test_init_check_ends_with_4_when_something_differs(run: Run, settings: Settings) -> None:
    assert run("init", "--check")[0] == 0
    with ProfileStore.open(settings) as shop:
        shop._client.indices.put_mapping(index=settings.index("events"), properties={"extra": {"type": "keyword"}})
    code, out, _ = run("init", "--check", "--json")
    assert (code, len(json.loads(out)["differences"])) == (4, 1)
    code, out, err = run("init")  # nothing to make, but an upgrade is due
    assert code == 0
    assert "has all its indices" in out
    assert "1 differences" in err
    assert "profilestore migrate" in err
    assert run("migrate")[0] == 0
    assert run("init", "--check")[0] == 0
    assert run("init")[2] == ""


def test_nothing_runs_before_init(settings: Settings, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILESTORE_PREFIX", f"{settings.prefix}-none")
    for arguments in (
        ("index", "products", written("p.csv", PRODUCTS)),
        ("index", "events", written("e.csv", EVENTS)),
        ("fold",),
        ("profile", "verify", "--all"),
    ):
        code, _, err = run(*arguments)
        assert code == 1
        assert "profilestore init" in err
