"""`profilestore profile show --card|--for-staff` and `profile forget`: cards, and what a customer may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from profilestore.cli.options import JsonOption, YesOption, with_settings
from profilestore.cli.output import confirm, format_count, print_json, say

if TYPE_CHECKING:
    from profilestore.insight.card.user_card import Card
    from profilestore.settings import Settings

__all__ = ["forget", "show_cards", "show_for_staff"]


def show_cards(
    settings: Settings, users: Sequence[str], *, language: str | None, html: Path | None, json: bool
) -> None:
    """Print the customers' cards, or write one as a page; those that are not known are told at the end."""
    from dataclasses import asdict

    from profilestore.errors import NotFound, UsageError
    from profilestore.insight.card.text import card_text
    from profilestore.store import ProfileStore

    chosen = _card_language(language)
    if html is not None and len(users) != 1:
        raise UsageError("--html takes the card of one user.")
    missing: list[NotFound] = []
    with ProfileStore.open(settings) as shop:
        for number, user in enumerate(users):
            try:
                card = shop.card(user, language=chosen)
            except NotFound as error:  # the others are shown all the same
                missing.append(error)
                continue
            if html is not None:
                _write_page(card, html)
            if json:
                print_json(asdict(card))
            elif html is None:
                typer.echo(("" if number == 0 else "\n") + card_text(card))
    for another in missing[1:]:
        say(f"profilestore: {another}")
    if len(missing) > 0:
        raise missing[0]


def show_for_staff(
    settings: Settings, users: Sequence[str], *, language: str | None, html: Path | None, json: bool
) -> None:
    """Print what the service desk needs of a customer on one screen, or write it as a page."""
    from dataclasses import asdict

    from profilestore.errors import UsageError
    from profilestore.insight.card.screen import screen_text
    from profilestore.store import ProfileStore

    if len(users) != 1:
        raise UsageError("--for-staff shows one user at a time.")
    chosen = _card_language(language)
    with ProfileStore.open(settings) as shop:
        card = shop.staff_card(users[0], language=chosen)
    if html is not None:
        _write_page(card, html)
    if json:
        print_json(asdict(card))
    elif html is None:
        typer.echo(screen_text(card))


def _card_language(given: str | None) -> Literal["en", "zh"] | None:
    from profilestore.errors import UsageError

    if given is None or given == "en" or given == "zh":
        return given  # type: ignore[return-value]  # mypy does not narrow a text by ==
    raise UsageError("the language of a card is en or zh.")


def _write_page(card: Card, path: Path) -> None:
    """Write it for its owner's eyes alone: it is about a person."""
    import os

    from profilestore.errors import UsageError
    from profilestore.insight.card.html import card_html

    try:
        with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            path.chmod(0o600)
            file.write(card_html(card))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
    say(f"the card is in {path}")


@with_settings
def forget(
    settings: Settings,
    users: Annotated[list[str], typer.Argument(metavar="USER", help="User ids.")],
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Delete all acts of users, what they told and their profiles, for good."""
    from profilestore.errors import NotFound
    from profilestore.store import ProfileStore

    if not confirm(f"Delete all that is known of {format_count(len(users))} users for good?", yes=yes):
        say("nothing was deleted")
        return
    missing: list[NotFound] = []
    with ProfileStore.open(settings) as shop:
        for user in users:
            try:
                deleted = shop.forget(user)
            except NotFound as error:
                missing.append(error)
                continue
            if json:
                print_json({"user_id": user, "deleted": deleted})
            else:
                told = ", ".join(f"{format_count(count)} {kind}" for kind, count in deleted.items() if count > 0)
                typer.echo(f"{user}: deleted {told}")
    if len(missing) < len(users):
        say("files that are loaded again bring them back; totals of all users know of them until the next nightly run")
    for another in missing[1:]:
        say(f"profilestore: {another}")
    if len(missing) > 0:
        raise missing[0]
