"""The README is true: its commands run, its code runs, and it names every command and every setting."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from profilestore.cli import COMMANDS
from profilestore.elastic.indices import KINDS
from profilestore.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SALES = 'customer,sku,bought at,pieces,price\nu00003,p00016,03.05.2025 10:00,2,"59,90"\nu00003,,03.05.2025 10:00,1,1\n'


def blocks(language: str) -> list[str]:
    return [body for name, body in BLOCK.findall(README) if name == language]


class Reader:
    """A person in an empty folder, with only the README."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PROFILESTORE_")}
        path = os.pathsep.join([str(Path(sys.executable).parent), kept["PATH"]])
        self.environment = {
            **kept, "PATH": path, "PROFILESTORE_ELASTICSEARCH_URL": url, "PROFILESTORE_HOME": str(folder / "home"),
        }  # fmt: skip
        for body in blocks("toml"):  # each says in its first line what the file is called
            (folder / body.splitlines()[0].removeprefix("# ")).write_text(body, encoding="utf-8")
        (folder / "sales.csv").write_text(SALES, encoding="utf-8")

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=600, check=False
        )


@pytest.fixture(scope="module")
def reader(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    client = Elasticsearch(server_url)
    kinds = KINDS
    assert not any(client.indices.exists_alias(name=f"shop-{kind}") for kind in kinds), "the test server has a shop"
    yield Reader(tmp_path_factory.mktemp("reader"), server_url)
    for kind in kinds:
        for name in client.indices.get_settings(index=f"shop-{kind}-0*").body:
            client.indices.delete(index=name)
        client.options(ignore_status=404).indices.delete_index_template(name=f"shop-{kind}")
    client.close()


def commands() -> list[str]:
    lines = [line for body in blocks("sh") for line in body.splitlines() if line.strip() != ""]
    return [line for line in lines if not line.startswith("./scripts/")]


def test_every_command_shown_runs_in_the_order_shown(reader: Reader) -> None:
    outputs: dict[str, str] = {}
    for line in commands():
        done = reader.run(["bash", "-c", line])
        # The sales file has one bad row on purpose: good rows go in, exit code 3.
        expected = 3 if "sales.csv" in line else 0
        assert done.returncode == expected, f"{line}: {done.returncode}\n{done.stdout[-800:]}\n{done.stderr[-800:]}"
        outputs[line] = done.stdout
    assert "1 indexed" in outputs["profilestore index events sales.csv --columns columns.toml"]
    piped = next(out for line, out in outputs.items() if line.startswith("printf"))
    answers = [json.loads(line) for line in piped.splitlines()]
    assert [answer["user_id"] for answer in answers] == ["u00003", "u00004", "nobody"]
    assert answers[2]["method"] == "popular"
    assert all(len(answer["items"]) == 3 for answer in answers)


def test_the_requests_and_the_code_shown_work(reader: Reader) -> None:
    asked = reader.run(["profilestore", "recommend", "u00003", "-n", "3", "--method", "text", "--json"])
    ours = [item["product_id"] for item in json.loads(asked.stdout)["items"]]
    body = next(json.loads(text) for text in blocks("json") if '"knn"' in text)
    with Elasticsearch(reader.environment["PROFILESTORE_ELASTICSEARCH_URL"]) as client:
        hits = client.perform_request(
            "POST", "/shop-products/_search", body=body,
            headers={"content-type": "application/json", "accept": "application/json"},
        ).body["hits"]["hits"]  # fmt: skip
        assert [hit["_source"]["product_id"] for hit in hits] == ours
        event = next(json.loads(text) for text in blocks("json") if '"event_id"' in text)
        client.index(
            index="shop-events", id=event["event_id"], routing=event["user_id"], document=event, op_type="create"
        )
    folded = reader.run(["profilestore", "fold", "--json"])
    assert json.loads(folded.stdout)["events"] == 1
    for number, code in enumerate(blocks("python")):
        done = reader.run([sys.executable, "-c", code])
        assert done.returncode == 0, f"Python block {number}: {done.stderr[-800:]}"
        assert done.stdout.strip() != ""


@pytest.mark.skipif(shutil.which("node") is None, reason="the JavaScript block needs Node.js, which is not here")
def test_the_javascript_shown_works(reader: Reader) -> None:
    (code,) = blocks("javascript")
    done = reader.run(["node", "--input-type=module", "--eval", code])
    assert done.returncode == 0, done.stderr[-800:]
    asked = reader.run(["profilestore", "recommend", "u00003", "-n", "3", "--method", "text", "--json"])
    assert re.findall(r"p\d{5}", done.stdout) == [item["product_id"] for item in json.loads(asked.stdout)["items"]]


def test_every_command_stands_in_the_readme() -> None:
    for command in COMMANDS:
        assert re.search(rf"`profilestore[^`]*\b{command.name}\b|`{command.name}\b", README), command.name


def test_every_setting_stands_in_the_readme() -> None:
    table = README.split("## Settings")[1].split("##")[0]
    for name in Settings.model_fields:
        assert f"`{name}`" in table, name


def test_the_two_commands_of_the_first_screen_are_what_ci_runs() -> None:
    first = blocks("sh")[0]
    ci = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    for script in ("./scripts/demo", "./scripts/test"):
        assert script in first
        assert script in ci
