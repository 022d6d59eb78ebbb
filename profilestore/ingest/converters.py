"""A field and its rule -> one function from cell to value, with a memory: most cells come again and again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, NamedTuple

import orjson

from profilestore.documents import EVENT_TYPES, User
from profilestore.ingest.campaign_words import ARM_WORDS
from profilestore.ingest.cleaning import Cleaning
from profilestore.ingest.memory import Converter
from profilestore.ingest.rules import Rule
from profilestore.ingest.synonyms import EVENT_WORDS, GENDER_WORDS, SWITCH_WORDS
from profilestore.ingest.times import parse_time
from profilestore.ingest.values import (
    Bad,
    Changed,
    attribute_value,
    canonical_cell,
    clean_text,
    flatten_attributes,
    is_missing,
    parse_number,
    split_list,
)
from profilestore.settings import Settings

__all__ = ["NUMERIC_FIELDS", "Context", "build_converter"]

_MAX_INT: Final = 2**31 - 1
# field -> (what it is, lowest, highest or longest)
_FIELDS: Final[dict[str, tuple[str, float, float]]] = {
    "product_id": ("id", 0, 512), "user_id": ("id", 0, 512), "event_id": ("id", 0, 512),
    "title": ("text", 0, 10_000), "description": ("text", 0, 1_000_000), "url": ("text", 0, 8000),
    "image_url": ("text", 0, 8000),
    "price": ("number", 0, 1e12), "discount": ("number", 0, 1e12), "income": ("number", 0, 1e12),
    "rating": ("number", 0, 1000), "dwell_s": ("number", 0, 1e9), "quantity": ("number", 0, 1e9),
    "age": ("whole", 0, 130), "stock": ("whole", 0, 1e15), "position": ("whole", 0, _MAX_INT),
    "time": ("time", 0, 0), "purchase_time": ("time", 0, 0), "signup_date": ("date", 0, 1), "released": ("date", 0, 0),
    "tags": ("list", 0, 0), "consent": ("list", 0, 0), "gender": ("gender", 0, 0), "type": ("type", 0, 0),
    "starts": ("moment", 0, 0), "ends": ("moment", 0, 0), "contact_at": ("time", 0, 0), "arm": ("arm", 0, 0),
    "budget": ("number", 0, 1e12), "cost": ("number", 0, 1e12), "cost_per_contact": ("number", 0, 1e12),
    "value": ("number", 0, 1e12), "code": ("id", 0, 512),
    "personalisation": ("switch", 0, 0), "attributes": ("object", 0, 0), "user_fields": ("user_fields", 0, 0),
}  # fmt: skip
NUMERIC_FIELDS: Final = tuple(name for name, (what, _, _) in _FIELDS.items() if what in ("number", "whole"))
_NAME: Final = ("name", 0.0, 1000.0)


class Context(NamedTuple):
    """What converting depends on besides the rule."""

    kind: str
    cleaning: Cleaning
    missing_words: frozenset[str]
    zone: tzinfo
    latest_time: datetime
    rating_max: float

    @classmethod
    def build(cls, *, kind: str, cleaning: Cleaning, zone: tzinfo, settings: Settings) -> Context:
        """The context of a run that begins now."""
        words = frozenset(word.casefold() for word in cleaning.missing_words) | {""}
        latest = datetime.now(UTC) + timedelta(hours=settings.future_limit_hours)
        return cls(kind, cleaning, words, zone, latest, settings.rating_max)


def build_converter(field: str, rule: Rule, context: Context) -> Converter:
    """The converter of one field: missing words, the rule's own steps, the type, the bounds."""
    base = _typed(field, rule, context)
    words = context.missing_words
    mapped = None if rule.map is None else {key.strip(): value for key, value in rule.map.items()}

    def convert(cell: Any) -> Any:
        if mapped is not None:
            key = canonical_cell(cell) or ""
            cell = mapped.get(key, cell)
        if field == "consent" and _is_empty_list(cell):
            return []
        if is_missing(cell, words):
            return None
        return base(cell)

    return Converter(convert)


def _typed(field: str, rule: Rule, context: Context) -> Callable[[Any], Any]:
    what, low, high = _FIELDS.get(field, _NAME)
    if field == "text":
        what, high = "text", 100_000 if context.kind == "events" else 1_000_000
    if field.startswith("attributes."):
        return lambda cell: _then(_cased(cell, rule, context), attribute_value)
    if what in ("number", "whole"):
        return _numeric(field, rule, context, whole=what == "whole", low=low, high=high)
    if what in ("time", "date", "moment"):
        return _time(field, rule, context, as_date=what == "date", bounded=what == "time" or high == 1)
    simple: dict[str, Callable[[Any], Any]] = {
        "gender": lambda cell: _word(
            cell, GENDER_WORDS, ("female", "male", "other"), "gender", context.cleaning.gender
        ),
        "type": lambda cell: _word(cell, EVENT_WORDS, EVENT_TYPES, "event_words", context.cleaning.event_words),
        "arm": lambda cell: _word(cell, ARM_WORDS, ("treatment", "control"), "arm", "on"),
        "switch": lambda cell: _word(cell, SWITCH_WORDS, ("on", "off"), "text", "on"),
        "list": lambda cell: _list(cell, rule),
        "object": flatten_attributes,
        "user_fields": _user_fields,
    }
    if what in simple:
        return simple[what]
    if what == "id":
        return lambda cell: _then(_cased(cell, rule, context), lambda text: _id(text, context))
    return lambda cell: _then(
        _cased(cell, rule, context, fold=what == "name"),
        lambda text: text if len(text) <= high else Bad(f"is longer than {high:,.0f} characters"),
    )


def _then(value: Any, step: Callable[[Any], Any]) -> Any:
    """`step` after a conversion; that a rule helped before is not forgotten."""
    if type(value) is Bad or value is None:
        return value
    if type(value) is Changed:
        after = step(value.value)
        return after if type(after) in (Bad, Changed) else Changed(after, value.rule)
    return step(value)


def _cased(cell: Any, rule: Rule, context: Context, *, fold: bool = True) -> Any:
    if rule.case is None and isinstance(cell, (int, bool)) and context.kind != "events" and not fold:
        return str(cell)
    value = clean_text(cell, fold=fold, clean=context.cleaning.text == "on")
    if rule.case is None:
        return value

    def change(text: str) -> Any:
        cased = {"upper": text.upper, "lower": text.lower, "title": text.title}[rule.case or "upper"]()
        return cased if cased == text else Changed(cased, "text")

    return _then(value, change)


def _id(text: str, context: Context) -> Any:
    if len(text) > 100 and len(text.encode("utf-8", "surrogatepass")) > 512:
        return Bad("is longer than 512 bytes")
    # A table program that saw an empty cell in the column wrote the ids as 17850.0.
    if text.endswith(".0") and text[:-2].isdigit() and text.isascii() and context.cleaning.numbers == "on":
        return Changed(text[:-2], "numbers")
    return text.strip() or None


def _numeric(field: str, rule: Rule, context: Context, *, whole: bool, low: float, high: float) -> Callable[[Any], Any]:
    highest = min(high, context.rating_max) if field == "rating" else high
    clean = context.cleaning.numbers == "on"
    blank = context.cleaning.impossible == "blank"

    def bound(number: float) -> Any:
        if rule.absolute:
            number = abs(number)
        if rule.above is not None and number <= rule.above:
            return None
        if rule.divide is None:  # a quotient is judged when it is there
            if number < low or number > highest or (field == "quantity" and number == 0):
                if blank:
                    return Changed(None, "impossible")
                least = "above 0" if field == "quantity" else f"at least {low:,.15g}"
                return Bad(f"must be {f'at most {highest:,.15g}' if number > highest else least}", "impossible")
            if whole:
                return int(number) if number.is_integer() else Bad("is not a whole number")
        return number + 0.0  # -0.0 is 0.0

    return lambda cell: _then(parse_number(cell, decimal=rule.decimal, clean=clean, units=rule.units), bound)


def _time(field: str, rule: Rule, context: Context, *, as_date: bool, bounded: bool) -> Callable[[Any], Any]:
    formats = () if rule.format is None else ((rule.format,) if isinstance(rule.format, str) else tuple(rule.format))
    clean = context.cleaning.dates == "on"
    zone = UTC if as_date else context.zone  # a day is a day as it is written
    blank = context.cleaning.impossible == "blank"

    def bound(time: datetime) -> Any:
        if bounded and time > context.latest_time:
            return Changed(None, "impossible") if blank else Bad("lies in the future", "impossible")
        return time.date() if as_date else time

    return lambda cell: _then(parse_time(cell, zone=zone, formats=formats, clean=clean), bound)


def _word(cell: Any, words: dict[str, str], known: Sequence[str], rule: str, switch: str) -> Any:
    text = canonical_cell(cell) or ""
    if text in known:
        return text
    folded = clean_text(text, fold=True, clean=True)
    folded = (folded.value if type(folded) is Changed else folded) if type(folded) is not Bad else ""
    lowered = folded.casefold()
    if switch == "on" and lowered in words:
        return Changed(words[lowered] or None, rule)
    if switch == "on" and lowered in known:
        return Changed(lowered, rule)
    return Bad(
        {
            "gender": "is no known word for a gender",
            "event_words": "is no known event type",
            "arm": "is neither treatment nor control",
        }.get(rule, "is neither on nor off")
    )


def _list(cell: Any, rule: Rule) -> Any:
    items = split_list(cell, rule.split)
    if any("\x00" in item for item in items):
        return Bad("holds a NUL character")
    if any(len(item) > 1000 for item in items):
        return Bad("has an item of more than 1,000 characters")
    return items or None


def _is_empty_list(cell: Any) -> bool:
    """Whether a cell says of consent that it is withdrawn: `[]`, not an empty cell, which says nothing."""
    if isinstance(cell, str):
        return cell.strip() == "[]"
    return isinstance(cell, list | tuple) and len(cell) == 0


def _user_fields(cell: Any) -> Any:
    """What an `attributes` event carries, judged as a user's row is."""
    try:
        fields = orjson.loads(cell) if isinstance(cell, str) else cell
        return User.model_validate({**fields, "user_id": "-"}).fields()
    except (ValueError, TypeError):
        return Bad("is no object of user fields")
