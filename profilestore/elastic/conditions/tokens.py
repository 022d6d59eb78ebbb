"""The text of a condition -> tokens with their places."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from profilestore.errors import ConditionError

__all__ = ["Token", "read_tokens"]

LONGEST: Final = 10_000

Kind = Literal["name", "word", "text", "number", "date", "sign", "end"]

# Words of the language; a field of that name would have to be written as attributes["and"].
_WORDS: Final = frozenset(("and", "or", "not", "in", "is", "known", "unknown", "true", "false"))
_TOKEN: Final = re.compile(
    r"""(?P<space>\s+)
      | (?P<date>\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:?\d{2})?)?(?![\w.-]))
      | (?P<number>[+-]?(?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
      | (?P<text>"(?:[^"\\]|\\["\\])*"|'(?:[^'\\]|\\['\\])*')
      | (?P<name>[^\W\d]\w*(?:\.\w+)*)
      | (?P<sign><=|>=|==|!=|=|<|>|\(|\)|\[|\]|,)""",
    re.VERBOSE,
)
_HINTS: Final = {
    "“": 'use straight quotes: "',
    "”": 'use straight quotes: "',
    "‘": "use straight quotes: '",
    "’": "use straight quotes: '",
    '"': "the closing quote is missing",
    "'": "the closing quote is missing",
    "&": "write and",
    "|": "write or",
    "!": "write not",
    "（": "use (",
    "）": "use )",
    "，": "use ,",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a condition. `text` is as written; of a quoted text without its quotes; `at` counts from 0."""

    kind: Kind
    text: str
    at: int

    @property
    def shown(self) -> str:
        """How a message names it."""
        return "the end" if self.kind == "end" else f"`{self.text}`"


def read_tokens(condition: str) -> list[Token]:
    """All tokens of a condition, the last of kind `end`.

    Raises:
        ConditionError: a character that begins nothing, or a text too long.
    """
    if len(condition) > LONGEST:
        raise ConditionError(f"is longer than {LONGEST:,} characters.", condition=condition[:80], at=0)
    tokens: list[Token] = []
    at = 0
    while at < len(condition):
        found = _TOKEN.match(condition, at)
        if found is None:
            raise ConditionError(_what_is_wrong(condition, at), condition=condition, at=at)
        kind, text = found.lastgroup, found.group()
        if kind == "name" and text.lower() in _WORDS:
            tokens.append(Token("word", text.lower(), at))
        elif kind == "text":
            tokens.append(Token("text", re.sub(r"\\(.)", r"\1", text[1:-1]), at))
        elif kind == "sign":
            tokens.append(Token("sign", "==" if text == "=" else text, at))
        elif kind != "space":
            tokens.append(Token(kind, text, at))  # type: ignore[arg-type]  # the groups of the pattern are kinds
        at = found.end()
    return [*tokens, Token("end", "", len(condition))]


def _what_is_wrong(condition: str, at: int) -> str:
    character = condition[at]
    if character.isdigit() or character in "+-.":
        return "this is no number and no date such as 500, 19.9 or 2026-11-11."
    hint = _HINTS.get(character)
    return f"cannot read {character!r}{'' if hint is None else f': {hint}'}."
