"""`audience` as a shell sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from typer.testing import CliRunner, Result

from profilestore.cli import app
from profilestore.elastic.indices import init
from profilestore.settings import Settings
from tests.cli.commands import Run, commands

KEY = "a key that nobody prints"
FILE = """
channel = "mail"
description = "many orders, not from France"
[members]
and = [{ rule = "order_count >= 3" }, { not = { or = [{ rule = 'country == "FR"' }, { ids = "out.csv" }] } }]
"""


@pytest.fixture(scope="module")
def shop(module_settings: Settings) -> Settings:
    """A shop of ten users, u0 to u9, with as many orders; u8 and u9 gave no consent to mail."""
    with Elasticsearch(module_settings.elasticsearch_url or "", request_timeout=60) as client:
        init(client, module_settings)
        operations = []
        for n in range(10):
            source = {"user_id": f"u{n}", "generation": "000001", "order_count": n, "spend_total": 10.0 * n,
                      "country": "FR" if n % 2 == 1 else "UK", "consent": ["mail"] if n < 8 else ["sms"]}  # fmt: skip
            operations += [{"index": {"_id": f"u{n}"}}, source]
        client.bulk(index=module_settings.index("profiles"), operations=operations, refresh=True)
    return module_settings


@pytest.fixture
def run(shop: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    plain = commands("audience", shop)

    def call(*words: str, code: int = 0) -> Result:
        result = plain(*words, code=code)
        assert KEY not in result.output
        return result

    return call


def test_from_a_file_to_an_export(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "mine.toml").write_text(FILE)
    (tmp_path / "a" / "out.csv").write_text("u6\n")  # found beside the definition
    built = json.loads(run("build", "mine", "a/mine.toml", "--json").stdout)
    assert built["size"] == {"matched": 2, "no_consent": 1, "over_limit": 0, "members": 1, "opted_out": 0}
    assert built["members"]["and"][1]["not"]["or"][1] == {"ids": "out.csv"}
    flags = ["--rule", "order_count >= 2", "--channel", "mail", "--limit", "3", "--by", "spend_total"]
    said = run("build", "best", *flags, "--not", "rule=order_count == 7").stdout
    assert "best: 3 users by mail" in said
    assert "2 gave no consent to mail" in said
    listed = run("list").stdout
    assert "many orders, not from France" in listed
    assert "(order_count >= 2) and not (order_count == 7)" in listed
    assert [each["name"] for each in json.loads(run("list", "--json").stdout)["audiences"]] == ["best", "mine"]
    shown = run("show", "best", "--field", "spend_total", "--query").stdout
    for told in ("limit: the best 3 by spend_total", "built ", "members: 3 of 7", "u6", "60.0", '"consent":"mail"'):
        assert told in shown
    sample = json.loads(run("show", "best", "-n", "2", "--json").stdout)
    assert (len(sample["sample"]), sample["size"]["members"]) == (2, 3)
    assert sample["query"] != {}
    sizes = [json.loads(line) for line in run("size", "best", "mine", "--json").stdout.splitlines()]
    assert [(each["audience"], each["members"]) for each in sizes] == [("best", 3), ("mine", 1)]
    assert "over the limit" in run("size", "best").stdout
    assert json.loads(run("overlap", "--json").stdout) == {"audiences": ["best", "mine"], "counts": [[3, 1], [1, 1]]}
    assert "mine" in run("overlap", "best", "mine").stdout
    run("export", "best", "-o", "best.csv", code=2)
    assert not (tmp_path / "best.csv").exists()
    monkeypatch.setenv("PROFILESTORE_EXPORT_KEY", KEY)
    assert "3 users written to best.csv" in run("export", "best", "-o", "best.csv", "--field", "country").stderr
    lines = (tmp_path / "best.csv").read_text().splitlines()
    assert lines[0] == "user_hmac_sha256,country"
    assert len(lines) == 4
    plain = json.loads(run("export", "best", "-o", "best.jsonl", "--plain-ids", "--json").stdout)
    assert plain["members"] == 3
    users = [json.loads(line)["user_id"] for line in (tmp_path / "best.jsonl").read_text().splitlines()]
    assert users == ["u4", "u5", "u6"]
    audits = json.loads(run("audit", "best", "--json").stdout)["audits"]
    assert [(each["state"], each["count"], each["details"]["ids"]) for each in audits] == [
        ("done", 3, "plain"), ("done", 3, "hmac-sha256")
    ]  # fmt: skip
    assert "export" in run("audit").stdout
    for name in ("best", "mine"):
        assert "is forgotten" in run("remove", name).stdout
    assert json.loads(run("list", "--json").stdout) == {"audiences": []}


def test_bad_input_is_told_on_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(FILE)
    mail = ["--channel", "mail"]
    for words, code, told in (
        (["build", "x", "--rule", "nofield > 1", *mail], 2, "no field `nofield`"),
        (["build", "x", "--rule", "order_count > 99", *mail], 2, "matches nobody"),
        (["build", "x", "--rule", "order_count > 1"], 2, "`channel` is missing"),
        (["build", "x", "--rule", "order_count > 1", "--channel", "fax"], 2, "nobody gave consent to the channel fax"),
        (["build", "x", *mail], 2, "say who is in it"),
        (["build", "x", "mine.toml", *mail], 2, "leave the flags away"),
        (["build", "x", "mine.toml"], 1, "out.csv cannot be read"),
        (["build", "x", "none.toml"], 1, "none.toml cannot be read"),
        (["build", "x/y", "--rule", "order_count > 1", *mail], 2, "an audience's name"),
        (["build", "x", "--buyers", "p1", "--top", "3", *mail], 1, "profilestore train"),
        (["show", "x"], 1, "no audience of this name"),
        (["size", "x"], 1, "no audience of this name"),
        (["remove", "x"], 1, "no audience of this name"),
        (["overlap", "x"], 2, "2 to 50"),
        (["export", "x", "-o", "x.csv", "--plain-ids"], 1, "no audience of this name"),
    ):
        result = run(*words, code=code)
        assert told in result.stderr
        assert result.stderr.count("\n") == 1
    key = CliRunner().invoke(app, ["audience", "list", "--set", f"export_key={KEY}"])
    assert (key.exit_code, KEY in key.output) == (2, False)
    assert json.loads(run("list", "--json").stdout) == {"audiences": []}
