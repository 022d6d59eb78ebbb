"""`profilestore up | down | status | doctor`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from profilestore.cli.options import JsonOption, YesOption, with_settings
from profilestore.cli.output import confirm, format_count, print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.elastic.doctor import Check
    from profilestore.settings import Settings

__all__ = ["doctor", "down", "status", "up"]

PortOption = Annotated[
    int | None,
    typer.Option("--port", min=1024, max=65535, metavar="N", help="Exactly this port; else a free one is found."),
]


@with_settings
def up(settings: Settings, port: PortOption = None, json: JsonOption = False) -> None:
    """Start the server of this home, if none runs yet.

    Takes the server at PROFILESTORE_ELASTICSEARCH_URL, else Docker, else an embedded Elasticsearch.
    """
    from profilestore.elastic.local_server import ensure_server

    server = ensure_server(settings, port=port, say=say)
    if json:
        print_json(dataclasses.asdict(server))
    else:
        typer.echo(f"Elasticsearch {server.version} answers at {server.url} ({server.kind})")


@with_settings
def down(
    settings: Settings,
    erase: Annotated[bool, typer.Option("--erase", help="Delete the server with all its data; asks first.")] = False,
    yes: YesOption = False,
) -> None:
    """Stop the server of this home; its data stays."""
    from profilestore.elastic.local_server import erase as erase_server
    from profilestore.elastic.local_server import stop_server

    if erase:
        if not confirm(f"Delete the server of {settings.home} with all its data?", yes=yes):
            say("Nothing was deleted.")
            raise typer.Exit(1)
        erase_server(settings)
        typer.echo(f"The server of {settings.home} and its data are deleted.")
    elif stop_server(settings):
        typer.echo("The server is stopped; its data stays.")
    else:
        typer.echo(f"No server of {settings.home} runs.")
    if settings.elasticsearch_url is not None:
        say("The server at the URL that is given was left alone.")


@with_settings
def status(settings: Settings, json: JsonOption = False) -> None:
    """Show the server, the shop's documents, how far the fold is behind, and the models in force."""
    from profilestore.elastic.local_server import find_server
    from profilestore.errors import ServerUnavailable
    from profilestore.store import ProfileStore

    server = find_server(settings)
    if server is None:
        if settings.elasticsearch_url is not None:
            raise ServerUnavailable(
                f"no Elasticsearch answers at {settings.elasticsearch_url}: look at the URL and whether it runs."
            )
        raise ServerUnavailable("no Elasticsearch answers. Start one with `profilestore up`.")
    with ProfileStore(settings, url=server.url) as shop:
        report = {"url": server.url, "version": server.version, "kind": server.kind, **shop.status()}
    if json:
        print_json(report)
        return
    typer.echo(f"Elasticsearch {server.version} at {server.url} ({server.kind}), shop {settings.prefix}")
    print_table(("index", "documents"), [(settings.index(kind), count) for kind, count in report["indices"].items()])
    if report["fold_lag_events"] > 0:
        lag = format_count(report["fold_lag_events"])
        typer.echo(
            f"{lag} events are not folded yet, the oldest {report['fold_lag_s']:,.0f} s old: `profilestore fold`"
        )
    if report["settings_changed"]:
        typer.echo("the profiles were folded under other settings: `profilestore profile rebuild --all`")
    models = ", ".join(f"{space} {name}" for space, name in report["models"].items() if name is not None)
    typer.echo(f"models in force: {models or 'none'}")
    if report["generation"] is None:
        typer.echo("this shop has no indices yet: `profilestore init`")


@with_settings
def doctor(settings: Settings, json: JsonOption = False) -> None:
    """Check all that is needed and say what to do."""
    from profilestore.elastic.doctor import check_all

    checks = [*check_all(settings), _check_mappings(settings)]
    if json:
        print_json(
            {"ok": all(each.state != "bad" for each in checks), "checks": [dataclasses.asdict(c) for c in checks]}
        )
    else:
        print_table(("", "check", "found", "what to do"), [(c.state, c.name, c.found, c.advice) for c in checks])
    if any(each.state == "bad" for each in checks):
        raise typer.Exit(1)


def _check_mappings(settings: Settings) -> Check:
    from profilestore.elastic.doctor import Check
    from profilestore.elastic.local_server import find_server
    from profilestore.errors import ProfileStoreError
    from profilestore.store import ProfileStore

    try:
        server = find_server(settings)
        if server is None:
            return Check("mappings", "warn", "not looked at: no server answers", "profilestore up")
        with ProfileStore(settings, url=server.url) as shop:
            if shop.status()["indices"] == {"products": 0, "profiles": 0, "events": 0} and len(shop.check()) >= 5:
                return Check("mappings", "warn", f"the shop {settings.prefix} has no indices yet", "profilestore init")
            differences = shop.check()
    except ProfileStoreError as error:  # the other checks are worth the more then
        return Check("mappings", "bad", "cannot be looked at", str(error))
    if len(differences) == 0:
        return Check("mappings", "ok", "server, mappings and documents agree", "")
    return Check(
        "mappings", "bad", f"{len(differences)} differences, the first: {differences[0]}", "profilestore migrate"
    )
