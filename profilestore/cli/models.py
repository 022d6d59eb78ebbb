"""`profilestore train` and `profilestore models list|use`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_bytes, format_count, print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.indexing.training import TasteReport
    from profilestore.settings import Settings

__all__ = ["app", "train"]

app = typer.Typer(no_args_is_help=True, help="List stored models, and take one back.", rich_markup_mode=None)


@with_settings
def train(
    settings: Settings,
    learner: Annotated[
        str,
        typer.Option(
            "--learner", metavar="auto|ease|spectral", help="auto takes the exact one, ease, while it fits into memory."
        ),
    ] = "auto",
    dims: Annotated[
        int | None, typer.Option("--dims", metavar="N", help="Of the vectors; else validation chooses.")
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option("--budget", metavar="N", help="How many settings to try at most; 0 takes the defaults."),
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--form",
            metavar="auto|dense|sparse",
            help="dense is one kNN request; sparse is exact at any size. auto takes dense unless it loses over 3 %.",
        ),
    ] = "auto",
    json: JsonOption = False,
) -> None:
    """Learn a taste model from the event log and switch it in without a stop."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        report = shop.train(learner=learner, dims=dims, budget=budget, form=form, progress=say)  # type: ignore[arg-type]  # checked there
    _print(report, json=json)


@app.command("list")
@with_settings
def list_models(settings: Settings, json: JsonOption = False) -> None:
    """List the stored models with their figures."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        models = shop.models()
    if json:
        print_json(
            {
                "models": [
                    {"model": entry.model_id, "kind": entry.kind, "created": entry.created, "bytes": entry.size_bytes,
                     "in_force": entry.in_force, "figures": entry.figures}
                    for entry in models
                ]
            }
        )  # fmt: skip
        return
    print_table(
        ("model", "kind", "made", "size", "in force", "NDCG@20", "acts up to"),
        [
            (
                entry.model_id,
                entry.kind,
                entry.created[:16],
                format_bytes(entry.size_bytes),
                entry.in_force,
                entry.figures.get("ndcg@20"),
                entry.figures.get("last_act"),
            )
            for entry in models
        ],
    )


@app.command("use")
@with_settings
def use(
    settings: Settings,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The id of a stored taste model.")],
    json: JsonOption = False,
) -> None:
    """Put a stored taste model in force again; prices, stock and profiles stay those of today."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        report = shop.use_model(model, progress=say)
    _print(report, json=json)


def _print(report: TasteReport, *, json: bool) -> None:
    if json:
        print_json({"model": report.model_id, "settings": report.settings, "figures": report.figures,
                    "generation": report.build.generation})  # fmt: skip
        return
    figures = report.figures
    validated = figures.get("ndcg@20")
    told = "not validated: too few users" if validated is None else f"NDCG@20 {validated:.4f} on the validation cut"
    typer.echo(
        f"taste model {report.model_id} is in force: {report.settings['learner']}, {report.settings['dims']} "
        f"dimensions, {told}"
    )
    forms = _forms(figures)
    if forms is not None:
        typer.echo(f"served {figures.get('form', 'dense')}: NDCG@20 {forms}")
    typer.echo(
        f"learned from {format_count(figures['acts'])} acts of {format_count(figures['users'])} users on "
        f"{format_count(figures['products'])} products, up to {figures['last_act']}; "
        f"{format_count(report.build.profiles)} profiles carry it"
    )


def _forms(figures: Mapping[str, Any]) -> str | None:
    """What each form reached on the validation cut."""
    by_dims, by_weights = figures.get("ndcg@20_by_dims"), figures.get("ndcg@20_by_weights")
    if not by_dims:
        return None
    told = [f"{max(by_dims.values()):.4f} dense"]
    if by_weights:
        told.append(f"{max(by_weights.values()):.4f} sparse")
    if figures.get("ndcg@20_exact") is not None:
        told.append(f"{figures['ndcg@20_exact']:.4f} exact")
    return ", ".join(told)
