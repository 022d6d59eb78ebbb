"""`campaign import` as a shell sees it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from profilestore.elastic.indices import init
from profilestore.settings import Settings
from tests.cli.commands import Run, commands

CAMPAIGNS = "campaign,starts,ends,channel\nspring,2026-03-02,2026-03-14,mail\n"
MEMBERS = "campaign,user_id,contacted\nspring,secret-1,2026-03-03\nspring,secret-2,\nspring,,\n"


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    with Elasticsearch(settings.elasticsearch_url or "", request_timeout=60) as client:
        init(client, settings)
    monkeypatch.chdir(tmp_path)
    return commands("campaign", settings)


def written(name: str, text: str) -> str:
    """A file of the working folder."""
    Path(name).write_text(text, encoding="utf-8")
    return name


def test_an_import_counts_its_rows_and_says_what_follows(run: Run) -> None:
    Path("m.csv.gz").write_bytes(gzip.compress(MEMBERS.encode()))
    told = run("import", written("c.csv", CAMPAIGNS), "--members", "m.csv.gz", code=3).output
    assert "1 rows of campaigns read: 1 indexed" in told
    assert "3 rows of members read: 2 indexed, 0 updated, 0 unchanged, 0 duplicate, 1 rejected" in told
    assert "user_id is missing" in told
    assert "2 users in the files have no profile" in told
    assert "consent is not asked of the past" in told
    assert "secret" not in told
    (rejects,) = Path().glob("rejects-campaigns-*.jsonl")
    assert rejects.stat().st_mode & 0o777 == 0o600
    held = json.loads(rejects.read_text())
    assert (held["file"], held["line"], held["reason"]) == ("m.csv.gz", 4, "user_id is missing")
    again = json.loads(run("import", "c.csv", "--members", "m.csv.gz", "--json", code=3).stdout)
    assert again["rows"]["members"]["unchanged"] == 2
    assert again["campaigns"] == {"spring": {"treatment": 2, "control": 0, "coupons": 0}}
    listed = json.loads(run("list", "--json").stdout)["campaigns"]
    assert [each["name"] for each in listed] == ["spring"]
    assert listed[0]["imported"] is True
    report = run("report", "spring").stdout
    assert "Who was chosen" in report
    assert "为何这不是随机对照" in run("report", "spring", "--language", "zh").stdout
    assert json.loads(run("report", "spring", "--json").stdout)["unlike"]["inside"] == 0


def test_bad_input_ends_with_the_codes_of_the_readme_and_writes_nothing(run: Run) -> None:
    good = written("c.csv", CAMPAIGNS)
    members = written("m.csv", MEMBERS)
    told = run("import", written("bad.csv", CAMPAIGNS.replace("03-14", "02-14")), "--members", members, code=1).output
    assert "bad.csv, line 2: ends before it begins" in told
    assert "Nothing was written" in told
    assert "line 4" in run("import", good, "--members", members, "--strict", code=3).output
    assert "no column for campaign" in run("import", good, "--members", written("x.csv", "a,b\n1,2\n"), code=2).output
    assert "no such file" in run("import", "nothing.csv", code=1).output
    assert "that are not described, first in w.csv, line 2" in run(
        "import", good, "--members", written("w.csv", "campaign,user_id\nwinter,u1\n"), code=1
    ).output  # fmt: skip
    assert json.loads(run("list", "--json").stdout)["campaigns"] == []
    assert list(Path().glob("rejects-*")) == []


def test_other_peoples_columns_come_from_a_file(run: Run) -> None:
    columns = written(
        "columns.toml",
        '[campaigns.columns]\ncampaign = "Aktion"\nstarts = {column = "von", format = "%d.%m.%Y"}\n'
        'ends = {column = "bis", format = "%d.%m.%Y"}\n[members.columns]\ncampaign = "Aktion"\nuser_id = "Kunde"\n'
        'arm = {column = "Gruppe", map = {A = "treatment", B = "control"}}\n',
    )
    run(
        "import", written("c.csv", "Aktion;von;bis\nMai;01.05.2026;03.05.2026\n"), "--columns", columns,
        "--members", written("m.csv", "Aktion;Kunde;Gruppe\nMai;1;A\nMai;2;B\n"),
    )  # fmt: skip
    (held,) = json.loads(run("list", "--json").stdout)["campaigns"]
    assert (held["name"], held["counts"]["treatment"], held["counts"]["control"]) == ("Mai", 1, 1)
