"""Options that commands share. `@with_settings` gives a command the flags that every command has."""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

__all__ = ["JsonOption", "YesOption", "with_settings"]

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

_CREDENTIALS: Final = frozenset(
    (
        *("api_key", "username", "password", "ca_certs"),
        *("kibana_api_key", "kibana_username", "kibana_password", "export_key"),
    )
)

_PREFIX = Annotated[
    str | None, typer.Option("--prefix", metavar="NAME", help="The shop: how its indices begin.", show_default=False)
]
_URL = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="The Elasticsearch to talk to.", show_default=False)
]
_HOME = Annotated[
    Path | None, typer.Option("--home", metavar="DIR", help="Where local things are kept.", show_default=False)
]
_SET = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any other setting; repeatable.", show_default=False),
]
_DEBUG = Annotated[bool, typer.Option("--debug", help="Show the traceback of an unexpected error.", hidden=True)]


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Hand `Settings` to a command as its first argument, with the flags --prefix, --url, --home, --set and --debug.

    The settings are read when the command runs, so that its help does not load them; annotate the
    argument as `settings: Settings`, imported under `TYPE_CHECKING`.
    """
    # locals: the name is not there at run time, and need not be
    own = list(inspect.signature(command, eval_str=True, locals={"Settings": object}).parameters.values())[1:]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, default, annotation in (
            ("prefix", None, _PREFIX),
            ("url", None, _URL),
            ("home", None, _HOME),
            ("assignments", None, _SET),
            ("debug", False, _DEBUG),
        )
    ]

    @functools.wraps(command)
    def run(
        *,
        prefix: str | None,
        url: str | None,
        home: Path | None,
        assignments: list[str] | None,
        debug: bool,
        **options: Any,
    ) -> None:
        from profilestore.settings import Settings

        if debug:
            os.environ["PROFILESTORE_DEBUG"] = "1"
        # the client tells of every retry; what matters of it comes as an error of ours
        logging.getLogger("elastic_transport").setLevel(logging.ERROR)
        flags = {**_assigned(assignments or []), "prefix": prefix, "elasticsearch_url": url, "home": home}
        command(Settings.load(**{name: value for name, value in flags.items() if value is not None}), **options)

    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own] + shared
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # how inspect is told
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    del run.__wrapped__  # typer would look up its annotations
    return run


def _assigned(assignments: list[str]) -> dict[str, Any]:
    """The settings that `--set` gives; lists and objects are written as JSON."""
    import orjson

    from profilestore.errors import SettingsError

    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if equals == "" or name == "":
            raise SettingsError("--set wants NAME=VALUE, for example --set num_candidates=400.")
        if name in _CREDENTIALS:  # a command line is seen by everybody on the machine
            raise SettingsError(f"--set {name}: credentials come from the environment or profilestore.toml only.")
        values[name] = text
        if text[:1] in ("[", "{"):
            with contextlib.suppress(orjson.JSONDecodeError):
                values[name] = orjson.loads(text)
    return values
