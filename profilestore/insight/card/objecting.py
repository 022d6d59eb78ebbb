"""How a customer objects: what they can ask for, and the commands with which the shop does it."""

from __future__ import annotations

import shlex
from typing import Final

import orjson

from profilestore.insight.card.parts import Block, Command
from profilestore.insight.card.words import HEADINGS, LEADS
from profilestore.settings import Settings

__all__ = ["objecting"]

_WHAT: Final = {
    "en": {
        "off": "Switch personalisation off: nothing is believed of you from then on, what was believed is emptied, and "
        "you see what every stranger sees.",
        "on": "Switch personalisation on again.",
        "correct": "Correct what is wrong in what you told us (here: the city).",
        "why": "Be told why a product was shown to you.",
        "forget": "Be forgotten: all your acts, all that you told us and this profile are deleted for good.",
    },
    "zh": {
        "off": "关闭个性化：从此不再对您作任何推断，已有的推断会被清空，您看到的内容与陌生访客相同。",
        "on": "重新开启个性化。",
        "correct": "更正您提供的信息（此处以城市为例）。",
        "why": "了解某件商品为何推荐给您。",
        "forget": "要求删除：您的全部行为、您提供的信息以及这份档案都会被永久删除。",
    },
}
_CITY: Final = {"en": "the right city", "zh": "正确的城市"}


def objecting(user_id: str, language: str, *, shop: str, off: bool) -> Block:
    """The block on objecting, with the commands for this user of this shop."""
    what = _WHAT[language]
    switch = "on" if off else "off"
    commands = [
        Command(what[switch], _row({"user_id": user_id, "personalisation": switch}, shop)),
        Command(what["correct"], _row({"user_id": user_id, "city": _CITY[language]}, shop)),
    ]
    if not off:
        commands.append(Command(what["why"], _line("recommend", user_id, shop, "--explain")))
    commands.append(Command(what["forget"], _line("profile forget", user_id, shop, "--yes")))
    return Block(
        "objecting", HEADINGS[language]["objecting"], (LEADS["objecting"][language],), commands=tuple(commands)
    )


def _row(fields: dict[str, str], shop: str) -> str:
    return f"echo {shlex.quote(orjson.dumps(fields).decode())} | profilestore index users -{_of(shop)}"


def _line(words: str, user_id: str, shop: str, flag: str) -> str:
    # An id that begins with a dash is no option.
    given = f"-- {shlex.quote(user_id)}" if user_id.startswith("-") else shlex.quote(user_id)
    return f"profilestore {words}{_of(shop)} {flag} {given}"


def _of(shop: str) -> str:
    return "" if shop == Settings.model_fields["prefix"].default else f" --prefix {shop}"
