"""The grammar of conditions, by recursive descent; nothing is ever evaluated.

condition  = all ("or" all)*
all        = one ("and" one)*
one        = "not" one | "(" condition ")" | test
test       = value "in" field | value "not in" field
           | field "in" list | field "not in" list
           | field "is" ("known" | "unknown" | "not known")
           | field sign value | value sign field [sign value]
field      = NAME | NAME "[" TEXT "]" | "days_since" "(" NAME ")"
list       = "[" value ("," value)* "]"
sign       = "==" | "=" | "!=" | "<" | "<=" | ">" | ">="
value      = TEXT | NUMBER | DATE | "true" | "false"
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn, cast

from profilestore.elastic.conditions.tokens import Token, read_tokens
from profilestore.elastic.conditions.tree import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    FieldName,
    IsKnown,
    Negation,
    Operator,
    Value,
)
from profilestore.errors import ConditionError

__all__ = ["parse_condition"]

# Elasticsearch takes 30 levels of bool; one level of brackets makes at most two.
DEEPEST: Final = 10
MOST_VALUES: Final = 10_000
_TURNED: Final[dict[str, Operator]] = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_VALUES: Final = frozenset(("text", "number", "date"))


def parse_condition(text: str) -> Condition:
    """Read a condition such as `monetary >= 500 and recency_days < 30 and "gifts" in main_categories`.

    Raises:
        ConditionError: says where it cannot be read, and what was expected there.
    """
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = read_tokens(text)
        self._next = 0
        self._depth = 0

    def parse(self) -> Condition:
        if self._here().kind == "end":
            self._refuse("is empty: it needs a test such as order_count >= 2.")
        condition = self._any()
        if self._here().kind != "end":
            self._refuse(f"expected and, or, or the end, and found {self._here().shown}.")
        return condition

    def _here(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._here()
        self._next += 1
        return token

    def _accept(self, *texts: str) -> Token | None:
        here = self._here()
        return self._take() if here.kind in ("word", "sign") and here.text in texts else None

    def _expect(self, text: str) -> None:
        if self._accept(text) is None:
            self._refuse(f"expected `{text}` and found {self._here().shown}.")

    def _refuse(self, problem: str, token: Token | None = None) -> NoReturn:
        raise ConditionError(problem, condition=self._text, at=(token or self._here()).at)

    def _any(self) -> Condition:
        parts = [self._all()]
        while self._accept("or") is not None:
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._accept("and") is not None:
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _one(self) -> Condition:
        opening = self._here()
        if self._accept("not") is not None:
            return Negation(self._deeper(self._one, opening))
        if self._accept("(") is not None:
            condition = self._deeper(self._any, opening)
            self._expect(")")
            return condition
        return self._test()

    def _deeper(self, read: Callable[[], Condition], opening: Token) -> Condition:
        self._depth += 1
        if self._depth > DEEPEST:
            self._refuse(f"is nested more than {DEEPEST} deep.", opening)
        condition = read()
        self._depth -= 1
        return condition

    def _test(self) -> Condition:
        if self._at_value():
            value = self._value()
            negated = self._accept("not") is not None
            if negated or self._here().text == "in":
                self._expect("in")
                return Comparison(self._field(), "!=" if negated else "==", (value,), member=True)
            sign = self._sign()
            field = self._field()
            first = Comparison(field, _TURNED[sign], (value,))
            if not self._at_sign():
                return first
            return AllOf((first, Comparison(field, self._sign(), (self._value(),))))
        field = self._field()
        if self._accept("is") is not None:
            return self._known(field)
        negated = self._accept("not") is not None
        if negated or self._here().text == "in":
            self._expect("in")
            return Comparison(field, "!=" if negated else "==", self._list(), member=True)
        return Comparison(field, self._sign(), (self._value(),))

    def _known(self, field: FieldName) -> Condition:
        negated = self._accept("not") is not None
        word = self._accept("known", "unknown")
        if word is None:
            self._refuse(f"expected known or unknown and found {self._here().shown}.")
        return IsKnown(field) if (word.text == "known") != negated else Negation(IsKnown(field))

    def _at_value(self) -> bool:
        return self._here().kind in _VALUES or (self._here().kind == "word" and self._here().text in ("true", "false"))

    def _at_sign(self) -> bool:
        return self._here().kind == "sign" and self._here().text in _TURNED

    def _sign(self) -> Operator:
        if not self._at_sign():
            self._refuse(f"expected ==, !=, <, <=, >, >=, in or is, and found {self._here().shown}.")
        return cast("Operator", self._take().text)

    def _value(self) -> Value:
        if not self._at_value():
            hint = f' Put a text in quotes: "{self._here().text}".' if self._here().kind == "name" else ""
            self._refuse(f"expected a text in quotes, a number or a date, and found {self._here().shown}.{hint}")
        token = self._take()
        kind = "truth" if token.kind == "word" else token.kind
        return Value(kind, token.text, token.at)  # type: ignore[arg-type]  # narrowed by _at_value

    def _list(self) -> tuple[Value, ...]:
        opening = self._here()
        self._expect("[")
        values = [self._value()]
        while self._accept(",") is not None:
            values.append(self._value())
        self._expect("]")
        if len(values) > MOST_VALUES:
            self._refuse(f"a list of more than {MOST_VALUES:,} values.", opening)
        return tuple(values)

    def _field(self) -> FieldName:
        if self._here().kind != "name":
            self._refuse(f"expected the name of a field and found {self._here().shown}.")
        token = self._take()
        if token.text == "days_since":
            self._expect("(")
            inner = self._field()
            self._expect(")")
            if inner.since or inner.key is not None:
                self._refuse("days_since takes the name of a date field.", token)
            return FieldName(inner.name, inner.at, since=True)
        if self._accept("[") is None:
            return FieldName(token.text, token.at)
        if self._here().kind != "text":
            self._refuse(f"expected a key in quotes and found {self._here().shown}.")
        key = self._take().text
        self._expect("]")
        return FieldName(token.text, token.at, key=key)
