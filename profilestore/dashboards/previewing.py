"""Reads the numbers of all dashboards from a running server and makes the preview of them; checks them, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from profilestore.dashboards.answers import PanelRows, ask_panels
from profilestore.dashboards.catalogue import all_dashboards
from profilestore.dashboards.choices import ChoiceList, find_choices
from profilestore.dashboards.panels import Dashboard
from profilestore.dashboards.preview import page_html
from profilestore.dashboards.sources import Language, ShopWords
from profilestore.dashboards.vega_scripts import vega_script
from profilestore.elastic.search import Client
from profilestore.errors import NotFound
from profilestore.settings import Settings

__all__ = ["Preview", "make_preview"]


@dataclass(frozen=True)
class Preview:
    """The file, and what it was made of.

    Attributes:
        html: one self-contained page.
        dashboards: in their order.
        answers: the numbers of all panels.
        choices: of the controls, by name of dashboard.
        language: of the page.
    """

    html: str
    dashboards: tuple[Dashboard, ...]
    answers: tuple[PanelRows, ...]
    choices: Mapping[str, tuple[ChoiceList, ...]]
    language: Language

    def without_data(self) -> list[PanelRows]:
        """The panels that have nothing to show; `panel.missing` says why."""
        return [answer for answer in self.answers if all(len(rows) == 0 for rows in answer.rows.values())]


def make_preview(
    client: Client, settings: Settings, *, language: Language = "en", users: Sequence[str] = ()
) -> Preview:
    """Ask for all panels under all choices and make the page.

    Args:
        client: the connection.
        settings: of the shop.
        language: of the page.
        users: to choose among on *One customer*; a sample when empty.

    Raises:
        NotFound: one of the users is not known, or has switched personalisation off.
        ServerError: a panel's search failed.
    """
    dashboards = all_dashboards(settings, language)
    words = ShopWords(settings, language)
    # the script is bundled (once, some seconds) while the server works
    with ThreadPoolExecutor(max_workers=1) as beside:
        script = beside.submit(vega_script, settings.home)
        choices = find_choices(client, dashboards, words, users=users)
        answers = ask_panels(client, dashboards, choices, time_zone=settings.time_zone)
        _check_users(answers, choices, users)
        html = page_html(dashboards, answers, choices, words=words, vega=script.result(), made=datetime.now(UTC))
    return Preview(html, dashboards, tuple(answers), choices, language)


def _check_users(
    answers: Sequence[PanelRows], choices: Mapping[str, Sequence[ChoiceList]], users: Sequence[str]
) -> None:
    if len(users) == 0:
        return
    known = {key for answer in answers for key, rows in answer.rows.items() if len(rows) > 0}
    for lists in choices.values():
        for each in (choice for by in lists if by.always for choice in by.choices):
            if each.key not in known:
                raise NotFound(
                    "a user of --user is not known, or has switched personalisation off.",
                    kind="user",
                    id=str(each.value),
                )
