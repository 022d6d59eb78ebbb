"""`evaluate` as a shell sees it: JSON, tables, a page, exit codes, and Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from typer.testing import CliRunner

from profilestore.cli import app
from profilestore.ingest.sample import generate_shop
from profilestore.settings import Settings
from profilestore.store import ProfileStore
from tests.cli.commands import flags_of

RUNNER = CliRunner()


@pytest.fixture
def flags(settings: Settings) -> Iterator[list[str]]:
    """The flags of a shop that has products and events."""
    made = generate_shop(users=80, products=40, events=2000, language="en")
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products(made.products)
        store.index_events(made.events)
    yield flags_of(settings)


def temporary(settings: Settings) -> list[str]:
    with Elasticsearch(str(settings.elasticsearch_url)) as client:
        rows = client.cat.indices(index=f"{settings.prefix}-evaluate-*", h="index", format="json")
    return [row["index"] for row in rows]


def test_a_table_a_page_json_and_an_interrupt(flags: list[str], settings: Settings, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    quick = ["evaluate", "--split", "leave-one-out", "--budget", "0", "--cold-products", "0", *flags]
    shown = RUNNER.invoke(app, [*quick, "--output", str(page), "-k", "5", "-k", "10"])
    assert shown.exit_code == 0, shown.output
    for told in ("leave one out", "new to the user only", "full, no sampled negatives", "ndcg@5", "mrr@10", "coverage",
                 "peer: item-knn", "activity 4-10 acts", "against the others"):  # fmt: skip
        assert told in shown.stdout
    assert "asking taste" in shown.stderr
    html = page.read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert "peer: ease" in html

    # Interrupted while it works on the indices beside: they go.
    command = [sys.executable, "-c", "from profilestore.cli import main; main()", *quick, "--json"]
    process = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 300
        while len(temporary(settings)) < 5 and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, told_bytes = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 130, told_bytes.decode()[-800:]
    assert temporary(settings) == []

    printed = RUNNER.invoke(app, [*quick, "--json", "--method", "popular", "--repeats"])
    (line,) = printed.stdout.splitlines()
    report = json.loads(line)
    assert report["asked"]["products"] == "all, repeats included"
    assert [m["name"] for m in report["methods"] if m["kind"] == "shop"] == ["popular"]
    assert set(report["methods"][0]["figures"]["ndcg@20"]) == {"mean", "low", "high"}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["--share", "0"], "above 0 and below 1"),
        (["--share", "1"], "above 0 and below 1"),
        (["-k", "0"], "from 1 to 1000"),
        (["--split", "magic"], "the split is one of"),
        (["--method", "magic"], "no such method"),
        (["--columns", "online-retail"], "takes files"),
        (["--output", "/no/such/folder/report.html"], "no such folder"),
    ],
)
def test_what_cannot_be_meant_ends_with_2(wrong: list[str], told: str, settings: Settings) -> None:
    flags = flags_of(settings)
    done = RUNNER.invoke(app, ["evaluate", *wrong, *flags])
    assert (done.exit_code, told in done.stderr) == (2, True), done.output


def test_a_missing_extra_names_what_to_install(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "implicit", None)
    flags = flags_of(settings)
    done = RUNNER.invoke(app, ["evaluate", "--peers", *flags])
    assert done.exit_code == 2
    assert "pip install 'profilestore[peers]'" in done.stderr


def test_an_empty_shop_is_told(settings: Settings) -> None:
    flags = flags_of(settings)
    assert RUNNER.invoke(app, ["init", *flags]).exit_code == 0
    done = RUNNER.invoke(app, ["evaluate", *flags])
    assert (done.exit_code, "nothing to evaluate on" in done.stderr) == (1, True), done.output
