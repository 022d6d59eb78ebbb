"""A group of commands whose modules are imported only when one of them is run."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from profilestore.errors import ProfileStoreError

__all__ = ["BROKEN_PIPE", "INTERRUPTED", "LazyGroup", "PlannedCommand", "load"]

BROKEN_PIPE: Final = 141  # what a shell shows for a program that SIGPIPE ended
INTERRUPTED: Final = 130


@dataclass(frozen=True)
class PlannedCommand:
    """A command that is not imported yet.

    Attributes:
        target: `module:name` of a function (one command) or of a `typer.Typer` (a noun with verbs).
        help: the line that the root's help shows; a test compares it with the command's own.
    """

    name: str
    target: str
    help: str


def load(planned: PlannedCommand) -> Any:
    """Import the command: a click command, or a group for a noun."""
    module, _, name = planned.target.partition(":")
    found = getattr(import_module(module), name)
    if isinstance(found, typer.Typer):
        command: Any = get_group(found)
    else:
        alone = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
        alone.command(planned.name)(found)
        command = get_command(alone)
    command.name = planned.name
    return command


class LazyGroup(TyperGroup):
    """Lists its planned commands by name and help line; loads the one that is called."""

    planned: ClassVar[tuple[PlannedCommand, ...]] = ()

    def __init__(self, **attributes: Any) -> None:
        listed = {each.name: TyperCommand(each.name, help=each.help, rich_markup_mode=None) for each in self.planned}
        super().__init__(**{**attributes, "commands": listed})

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Replace what is listed by the command itself, now that it is called."""
        name, _, rest = super().resolve_command(ctx, args)
        command = next(load(each) for each in self.planned if each.name == name)
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error of ours becomes its message on stderr and its exit code.

        What typer does about Ctrl-C and a broken pipe differs between its versions, so it does not get to see them.
        """
        try:
            return super().invoke(ctx)
        except ProfileStoreError as error:
            typer.echo(f"profilestore: {error}", err=True)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(INTERRUPTED) from error
        except BrokenPipeError as error:
            raise typer.Exit(BROKEN_PIPE) from error
