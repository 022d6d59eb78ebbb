"""Runs a reader over files of a test, and checks on the way that the counts add up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from profilestore.ingest import InputReport, Rejects, load_columns, read_events, read_products, read_users
from profilestore.settings import Settings

READERS = {"events": read_events, "products": read_products, "users": read_users}


class Outcome:
    """What one run gave."""

    def __init__(self, documents: list[Any], report: InputReport, rejects: list[dict[str, Any]]) -> None:
        self.documents = documents
        self.report = report
        self.rejects = rejects


def run(tmp_path: Path, *paths: Path | str, kind: str = "events", columns: Any = None, **options: Any) -> Outcome:
    report = InputReport()
    documents: list[Any] = []
    mapping = load_columns(columns, kind=kind)  # type: ignore[arg-type]  # a literal in the calls below
    with Rejects(tmp_path / "out", "t") as rejects:
        for batch in READERS[kind](
            paths,
            columns=mapping,
            settings=options.pop("settings", Settings()),
            rejects=rejects,
            report=report,
            **options,
        ):
            documents.extend(batch)
    lines = rejects.path.read_bytes().splitlines() if rejects.count > 0 else []
    assert report.balanced
    assert report.emitted == len(documents)
    assert report.rejected == len(lines)
    return Outcome(documents, report, [orjson.loads(line) for line in lines])


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
