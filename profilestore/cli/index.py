"""`profilestore index products|users|events FILE…`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, progress, say

if TYPE_CHECKING:
    from profilestore.indexing.counts import LoadCounts
    from profilestore.indexing.loading import Kind
    from profilestore.settings import Settings

__all__ = ["app"]

SOME_REJECTED = 3

app = typer.Typer(no_args_is_help=True, help="Load products, users or events from files.", rich_markup_mode=None)

FilesArgument = Annotated[
    list[str],
    typer.Argument(metavar="FILE", help="CSV, TSV, JSONL or Parquet, also gzipped; patterns; - is standard input."),
]
ColumnsOption = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="PRESET|FILE.toml",
        help="Maps the file's columns to ours: online-retail, complete-journey, complete-journey-redemptions, "
        "profiles-csv, histories-csv or a file.",
    ),
]
CLEAN_HELP = (
    "Switch a cleaning rule; repeatable. missing[.FIELD]=keep|drop|mean|median|mode|ffill, "
    "missing_words=a,b, duplicates=merge|reject, outliers=off|sigma|iqr|isolation_forest|dbscan (flags, never drops), "
    "outlier_fields=a,b, impossible=reject|blank; text, numbers, dates, gender, event_words=on|off."
)
CleanOption = Annotated[
    list[str] | None,
    typer.Option("--clean", metavar="RULE=ACTION", help=CLEAN_HELP),
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Stop at the first bad row, before anything is written.")]
FormatOption = Annotated[
    str | None, typer.Option("--format", metavar="NAME", help="csv, tsv, jsonl or parquet; else told by the file.")
]
RejectsOption = Annotated[
    Path, typer.Option("--rejects", metavar="DIR", help="Where rejects-*.jsonl goes (raw rows, mode 0600).")
]


@app.command("products")
@with_settings
def products(
    settings: Settings,
    files: FilesArgument,
    columns: ColumnsOption = None,
    clean: CleanOption = None,
    strict: StrictOption = False,
    format: FormatOption = None,
    rejects: RejectsOption = Path(),
    json: JsonOption = False,
) -> None:
    """Index products: only what changed is written, only changed text is embedded."""
    _load(settings, "products", files, columns, clean, strict, format, rejects, json)


@app.command("users")
@with_settings
def users(
    settings: Settings,
    files: FilesArgument,
    columns: ColumnsOption = None,
    clean: CleanOption = None,
    strict: StrictOption = False,
    format: FormatOption = None,
    rejects: RejectsOption = Path(),
    json: JsonOption = False,
) -> None:
    """Take in user attributes, consent and opt-out."""
    _load(settings, "users", files, columns, clean, strict, format, rejects, json)


@app.command("events")
@with_settings
def events(
    settings: Settings,
    files: FilesArgument,
    columns: ColumnsOption = None,
    clean: CleanOption = None,
    strict: StrictOption = False,
    format: FormatOption = None,
    rejects: RejectsOption = Path(),
    json: JsonOption = False,
) -> None:
    """Append events to the log and fold them into the profiles, each exactly once."""
    _load(settings, "events", files, columns, clean, strict, format, rejects, json)


def _load(
    settings: Settings,
    kind: Kind,
    files: list[str],
    columns: str | None,
    clean: list[str] | None,
    strict: bool,
    format: str | None,
    rejects: Path,
    json: bool,
) -> None:
    from profilestore.indexing.loading import LoadOptions
    from profilestore.ingest import Cleaning, load_columns
    from profilestore.store import ProfileStore

    cleaning = None
    if clean is not None:
        mapping = load_columns(columns, kind=kind)
        cleaning = (mapping.cleaning or Cleaning()).with_switches(clean)
    with _file_progress(kind, files) as advance, ProfileStore.open(settings) as shop:
        options = LoadOptions(
            columns=columns, cleaning=cleaning, strict=strict, format=format, rejects_folder=rejects, progress=advance
        )
        counts = shop.load(kind, files, options)
    _print_counts(counts, kind, json=json)
    if counts.rejected > 0:
        raise typer.Exit(SOME_REJECTED)


@contextmanager
def _file_progress(kind: str, files: list[str]) -> Iterator[Any]:
    """A bar over the bytes of the files, which are known before the rows are."""
    sizes = [Path(file).stat().st_size if file != "-" and Path(file).is_file() else None for file in files]
    known = [size for size in sizes if size is not None]
    total = sum(known) if len(known) == len(sizes) else None
    with progress(f"loading {kind}", total=total) as advance:
        yield lambda state: advance(state.rows, state.done_bytes)


def _print_counts(counts: LoadCounts, kind: str, *, json: bool) -> None:
    if json:
        names = ("read", "indexed", "updated", "unchanged", "duplicate", "rejected", "rejects_file", "seconds")
        print_json({name: getattr(counts, name) for name in names})
        return
    told = ", ".join(
        f"{format_count(getattr(counts, name))} {name}"
        for name in ("indexed", "updated", "unchanged", "duplicate", "rejected")
    )
    rate = counts.read / counts.seconds if counts.seconds > 0 else 0.0
    typer.echo(f"{format_count(counts.read)} rows of {kind} read: {told}, in {counts.seconds:.1f} s ({rate:,.0f}/s)")
    for rule, count in sorted(counts.cleaning.items()):
        typer.echo(f"  cleaned {format_count(count)}: {rule}")
    for note in counts.notes:
        typer.echo(f"  {note}")
    if counts.rejects_file is not None:
        say(f"rejected rows, raw and for your eyes only: {counts.rejects_file}")
