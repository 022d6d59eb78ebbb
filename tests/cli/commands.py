"""How tests give commands of one noun to a shop, as a shell does."""

from __future__ import annotations

from collections.abc import Callable

from typer.testing import CliRunner, Result

from profilestore.cli import app
from profilestore.settings import Settings

__all__ = ["Run", "commands", "flags_of"]

Run = Callable[..., Result]


def flags_of(settings: Settings) -> list[str]:
    """The flags by which a command finds a shop."""
    return ["--prefix", settings.prefix, "--url", str(settings.elasticsearch_url), "--home", str(settings.home)]


def commands(noun: str, settings: Settings) -> Run:
    """What runs `profilestore NOUN WORDS...` in a shop; `code` is the exit code it must end with."""
    flags = flags_of(settings)

    def run(*words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, [noun, *words, *flags])
        assert result.exit_code == code, result.output
        return result

    return run
