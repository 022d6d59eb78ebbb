"""The text of a review made plain, and cut into sentences and clauses.

Traditional characters become simplified ones (OpenCC), full-width forms plain ones, three and more
repeats of a letter two. Addresses, markup and long numbers are left out: they say nothing of sentiment,
and no model should learn them.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from profilestore.features.tokens import HAN

__all__ = ["EMOJI", "Clause", "is_blank_review", "is_chinese", "normalise", "split_clauses"]

# A text of which nobody reads more; longer ones are cut.
LONGEST: Final = 10_000
EMOJI: Final = "\U0001f300-\U0001faff\u2600-\u27bf\u2b50\u2b55"
_HAN_ANY: Final = re.compile(rf"[{HAN}]")
_LETTER: Final = re.compile(r"[^\W\d_]")
_NOISE: Final = re.compile(
    r"https?://\S+|www\.\S+|\S+@\S+\.\S+|<[a-z/][^<>]*>|\d{5,}|[\ufe00-\ufe0f\u200b-\u200f\u2060]"
)
_SKIN: Final = re.compile("[\U0001f3fb-\U0001f3ff]")
_GLAD: Final = re.compile(r"[:;=]'?-?(?:\)|d\b|p\b)|\^_*\^|<3(?!\d)")
_SAD: Final = re.compile(r"[:=]'?-?\((?!\w)|\bt_+t\b|>_+<")
_HAN_REPEAT: Final = re.compile(rf"([{HAN}])\1\1+")
_REPEAT: Final = re.compile(r"([a-z])\1\1+")
# A full stop inside a number or an abbreviation ends nothing.
_SENTENCE: Final = re.compile(r"[。！？!?；;\n…~～]+|\.(?=\s|$)|\.{2,}")
_CLAUSE: Final = re.compile(r"[，,、：:()（）【】\[\]\"“”]+|\s+[-–—]+\s+")
# What shops write where a customer wrote nothing.
_DEFAULTS: Final = re.compile(
    r"(?:此用户|该用户|用户|买家|评价方)?(?:没有填写|未填写|没有留下|未及时|未做出|没有做出|未留下)\S{0,12}(?:评价|评论)\S{0,16}"
    r"|(?:系统)?默认好评|no (?:review|comment)s?(?: given| left)?|n/?a|none|null"
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a sentence, in plain lower case. `sentence` numbers them from 0; `mark` is what ends the sentence."""

    text: str
    sentence: int
    mark: str


def normalise(text: str) -> str:
    """The text in plain lower case, traditional characters simplified, without addresses and markup. Never raises."""
    whole = text[:LONGEST].encode("utf-8", "replace").decode()  # half a surrogate pair is no character
    plain = unicodedata.normalize("NFKC", html.unescape(whole)).lower().replace("’", "'").replace("`", "'")
    plain = _SKIN.sub("", _NOISE.sub(" ", plain))
    plain = _SAD.sub(" 🙁 ", _GLAD.sub(" 🙂 ", plain))
    if _HAN_ANY.search(plain) is not None:
        plain = _HAN_REPEAT.sub(r"\1", _simplifier().convert(plain))
    return _REPEAT.sub(r"\1\1", plain)


def is_chinese(plain: str) -> bool:
    """Whether a text is more Chinese than anything else: a character says about as much as two letters."""
    han = len(_HAN_ANY.findall(plain))
    return 3 * han > len(_LETTER.findall(plain))


def is_blank_review(plain: str) -> bool:
    """Whether a normalised text says nothing: no letter and no emoji, or what a shop fills in for who wrote nothing."""
    stripped = plain.strip().strip("。.!！~ ")
    if re.search(rf"[^\W\d_]|[{EMOJI}]", stripped) is None:
        return True
    return _DEFAULTS.fullmatch(stripped) is not None


def split_clauses(plain: str) -> list[Clause]:
    """The clauses of a normalised text, in order; what holds no word is left out."""
    clauses: list[Clause] = []
    start = number = 0
    ends = [(match.start(), match.end(), match.group()) for match in _SENTENCE.finditer(plain)]
    for stop, after, mark in [*ends, (len(plain), len(plain), "")]:
        parts = [part.strip() for part in _CLAUSE.split(plain[start:stop])]
        clauses += [Clause(part, number, mark) for part in parts if part != ""]
        start, number = after, number + 1
    return clauses


@cache
def _simplifier() -> Any:
    import opencc

    return opencc.OpenCC("t2s")
