"""How commands print: one JSON object, a table, a line on stderr, a progress bar on a terminal only.

Results go to stdout, all talk to stderr, so that a pipe gets the result alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import typer

from profilestore.errors import UsageError

__all__ = ["confirm", "format_bytes", "format_count", "print_json", "print_table", "progress", "say"]

UNLIMITED_WIDTH = 10_000


def say(text: str) -> None:
    """Tell a person something; stderr, so that a pipe does not get it."""
    typer.echo(text, err=True)


def print_json(value: Any) -> None:
    """Print one JSON object on one line of stdout."""
    import orjson

    def plain(other: object) -> object:
        if isinstance(other, Path):
            return str(other)
        if isinstance(other, (set, frozenset)):
            return sorted(other)
        raise TypeError

    typer.echo(orjson.dumps(value, default=plain, option=orjson.OPT_SERIALIZE_NUMPY).decode())


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None) -> None:
    """Print rows under headings. Numbers stand right; off a terminal nothing is cut or coloured."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for place, heading in enumerate(columns):
        numeric = len(rows) > 0 and all(isinstance(row[place], (int, float)) for row in rows)
        table.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    console = _console(sys.stdout)
    if sys.stdout.isatty():
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        typer.echo(line.rstrip())


def confirm(question: str, *, yes: bool, flag: str = "--yes") -> bool:
    """Ask before something that cannot be undone.

    Raises:
        UsageError: nobody is there to be asked, and the flag was not given.
    """
    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"{question} Nobody can be asked here: say {flag}.")
    return typer.confirm(question, default=False, err=True)


@contextmanager
def progress(label: str, *, total: int | None = None, unit: str = "rows") -> Iterator[Callable[[int, int], None]]:
    """A bar with rate and remaining time on a terminal; silence in a pipe. Yields `advance(count, done)`,
    both from the beginning.

    Args:
        total: how much there is to do, in the measure of `done` (bytes of files, say); None when nobody
            knows, then only count and rate are shown.
        unit: what `count` counts.
    """
    if not sys.stderr.isatty():
        yield lambda count, done: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]} " + unit),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn() if total is None else TimeRemainingColumn(),
        console=_console(sys.stderr),
        transient=True,
    )
    started = time.monotonic()
    with bar:
        task = bar.add_task(label, total=total, rate="", count="0")

        def advance(count: int, done: int) -> None:
            elapsed_s = time.monotonic() - started
            rate = f"{count / elapsed_s:,.0f}/s" if elapsed_s > 0 else ""
            bar.update(task, completed=done, rate=rate, count=f"{count:,}")

        yield advance


def format_count(value: int) -> str:
    """A whole number with its thousands apart: 541,909."""
    return f"{value:,}"


def format_bytes(size: int) -> str:
    """A size as people read it: 512 MiB, 73.2 GiB."""
    gibibytes = size / 2**30
    return f"{gibibytes:.1f} GiB" if gibibytes >= 1 else f"{size / 2**20:.0f} MiB"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return format_count(value)
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}"
    return str(value)


def _console(stream: TextIO) -> Any:
    from rich.console import Console

    if stream.isatty():
        return Console(file=stream, highlight=False)
    return Console(file=stream, highlight=False, no_color=True, width=UNLIMITED_WIDTH)
