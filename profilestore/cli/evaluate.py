"""`profilestore evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.evaluate.report import Evaluation, MethodFigures
    from profilestore.evaluate.significance import Interval
    from profilestore.settings import Settings

__all__ = ["evaluate"]

_FilesOption = Annotated[
    list[Path] | None,
    typer.Option("--from", metavar="FILE", help="Events of a file instead of the shop's; repeatable."),
]


@with_settings
def evaluate(
    settings: Settings,
    split: Annotated[
        str, typer.Option("--split", metavar="time|leave-one-out|user", help="What is held out.")
    ] = "time",
    share: Annotated[
        float, typer.Option("--share", metavar="SHARE", help="Of the events (or users) that is trained on.")
    ] = 0.8,
    k: Annotated[
        list[int] | None, typer.Option("-k", metavar="K", help="How long lists are; repeatable.  [default: 20]")
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option("--method", metavar="NAME", help="Only this one; repeatable.")
    ] = None,
    peers: Annotated[
        bool, typer.Option("--peers", help="Also the peers of other projects, with the extra `peers`.")
    ] = False,
    repeats: Annotated[
        bool, typer.Option("--repeats", help="What a user knows already counts too; otherwise only what is new.")
    ] = False,
    cold_products: Annotated[
        float,
        typer.Option("--cold-products", metavar="SHARE", help="Of products to hide from a second training; 0: none."),
    ] = 0.1,
    users: Annotated[
        int | None, typer.Option("--users", metavar="N", help="Ask about at most so many.  [default: 5,000]")
    ] = None,
    history: Annotated[
        int | None,
        typer.Option("--history", metavar="N", help="With --split user: newcomers, known by their first N acts alone."),
    ] = None,
    budget: Annotated[
        int | None, typer.Option("--budget", metavar="N", help="Settings that taste and each peer may try.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of all draws.")] = 7,
    files: _FilesOption = None,
    columns: Annotated[
        str | None, typer.Option("--columns", metavar="FILE|PRESET", help="How the files' columns are called.")
    ] = None,
    products: Annotated[
        list[Path] | None, typer.Option("--products", metavar="FILE", help="Products, if not in the files of events.")
    ] = None,
    user_rows: Annotated[
        list[Path] | None, typer.Option("--user-rows", metavar="FILE", help="Users, if not in the files of events.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write a report as HTML page.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Measure what is served, on a held-out part of the events, beside peers of the same split."""
    from profilestore.evaluate.options import EvaluateOptions
    from profilestore.evaluate.sources import Files
    from profilestore.store import ProfileStore

    options = EvaluateOptions(
        split=split, share=share, ks=tuple(k or (20,)), methods=tuple(method or ()), repeats=repeats, peers=peers,  # type: ignore[arg-type]  # checked there
        cold_products=cold_products, users=users, history=history, budget=budget, seed=seed,
    )  # fmt: skip
    from_files = None
    if files is not None or columns is not None or products is not None or user_rows is not None:
        from_files = Files(
            events=tuple(files or ()), columns=columns, products=tuple(products or ()), users=tuple(user_rows or ())
        )
    _check_output(output)
    with ProfileStore.open(settings) as shop:
        report = shop.evaluate(options, files=from_files, progress=say)
    if output is not None:
        _write_page(report, output)
    if json:
        print_json(report.to_json_dict())
    else:
        _print(report)


def _check_output(output: Path | None) -> None:
    """Before an hour of work, not after it."""
    from profilestore.errors import UsageError

    if output is not None and (output.is_dir() or not output.absolute().parent.is_dir()):
        raise UsageError(f"{output}: no such folder, or a folder itself; the report is one file.")


def _write_page(report: Evaluation, output: Path) -> None:
    from profilestore.errors import UsageError
    from profilestore.evaluate.page import render_page

    try:
        output.write_text(render_page(report), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output} cannot be written ({type(error).__name__}).") from error
    say(f"the report is in {output}")


def _print(report: Evaluation) -> None:
    asked, sizes = report.asked, report.sizes
    typer.echo(f"{asked['source']}, split {asked['how']}")
    typer.echo(
        f"asked for: {asked['asked_for']}, {asked['products']}; catalogue: {asked['catalogue']}, "
        f"{format_count(sizes['products_ranked'])} products"
    )
    typer.echo(
        f"trained on {format_count(sizes['acts_trained_on'])} acts of {format_count(sizes['users_trained_on'])} users, "
        f"asked about {format_count(sizes['users_asked_about'])} users; seed {asked['seed']}"
    )
    for note in report.notes:
        typer.echo(f"note: {note}")
    k = report.k
    names = [f"{metric}@{each}" for each in asked["k"] for metric in ("ndcg", "recall", "precision", "hr", "mrr")]
    beyond = ("coverage", "novelty", "diversity", "popularity", "gini")
    _table(f"accuracy, with {asked['interval']}", report.methods, names)
    _table("beyond accuracy", report.methods, beyond)
    best = report.methods[0].name
    print_table(
        ("NDCG less", f"difference at {k}", "p, corrected for all"),
        [(d.against, str(d.interval), f"{d.p_holm:.4f}") for d in report.differences if d.method == best],
        title=f"\n{best} against the others",
    )
    if len(report.groups) > 0:
        shown = [method.name for method in report.methods]
        print_table(
            ("group", "users", *shown),
            [
                (f"{g.field} {g.value}", g.users, *(_short(g.figures[name][f"ndcg@{k}"]) for name in shown))
                for g in report.groups
            ],
            title=f"\nNDCG@{k} by group",
        )
    if report.cold_products is not None:
        cold = report.cold_products
        title = f"{format_count(cold.products)} products that the training saw no act on, ranked alone, "
        _table(title + f"{format_count(cold.users)} users", cold.methods, [f"ndcg@{k}", f"recall@{k}", f"hr@{k}"])
    if len(report.served) > 0:
        print_table(
            ("method", "exact", "served", "loss"),
            [(each.method, str(each.exact), str(each.served), f"{100 * each.loss:.2f} %") for each in report.served],
            title=f"\nNDCG@{k} through Elasticsearch and by brute force",
        )


def _table(title: str, methods: tuple[MethodFigures, ...], names: list[str] | tuple[str, ...]) -> None:
    rows = [(m.name, *(_short(m.figures.get(name)) for name in names)) for m in methods]
    print_table(("method", *names), rows, title=f"\n{title}")


def _short(interval: Interval | None) -> str:
    if interval is None:
        return ""
    digits = 4 if abs(interval.high) < 10 else 1
    return f"{interval.mean:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"
