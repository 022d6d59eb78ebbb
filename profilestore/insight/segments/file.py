"""The file in which a marketer names segments: TOML, a name and its condition each.

[segments]
loyal = 'order_count >= 5 and recency_days < 90'

[segments.gift-givers]
condition = '"gifts" in main_categories and monetary >= 500'
description = "Spend on gifts"
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from profilestore.documents.base import Name
from profilestore.elastic.conditions import Compiler
from profilestore.errors import ConditionError, InputError, UsageError

__all__ = ["Definition", "compile_definitions", "read_definitions"]

_TOLD: Final = 20


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    condition: str
    description: str = Field(default="", max_length=1000)


_Entries = dict[
    Annotated[Name, Field(max_length=100)],
    Annotated[_Entry, BeforeValidator(lambda value: {"condition": value} if isinstance(value, str) else value)],
]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    segments: _Entries


_FILE: Final = TypeAdapter(_File)


@dataclass(frozen=True, slots=True)
class Definition:
    """A segment as it was written down, with the query that its condition means."""

    name: str
    condition: str
    description: str
    query: dict[str, Any]


def read_definitions(path: Path, compiler: Compiler) -> list[Definition]:
    """The segments of a file, in its order.

    Raises:
        InputError: there is no such file, or it is no text.
        UsageError: it is not of this form, or conditions cannot be read: all of them are told.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} cannot be read ({type(error).__name__}).") from error
    try:
        file = _FILE.validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path.name} is not valid TOML: {error}.") from None
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise UsageError(
            f"{path.name}: {'; '.join(problems[:_TOLD])}. It wants [segments] with a line NAME = 'CONDITION' each."
        ) from None
    if len(file.segments) == 0:
        raise UsageError(f"{path.name} names no segment: it wants [segments] with a line NAME = 'CONDITION' each.")
    return compile_definitions(
        {name: (entry.condition, entry.description) for name, entry in file.segments.items()},
        compiler,
        source=path.name,
    )


def compile_definitions(conditions: dict[str, tuple[str, str]], compiler: Compiler, *, source: str) -> list[Definition]:
    """Definitions of name -> (condition, description).

    Raises:
        UsageError: conditions that cannot be read; names the segment and the place of each.
    """
    definitions: list[Definition] = []
    problems: list[str] = []
    for name, (condition, description) in conditions.items():
        try:
            definitions.append(Definition(name, condition, description, compiler.query(condition)))
        except ConditionError as error:
            problems.append(f"segment {name}, {error}")
    if len(problems) > 0:
        raise UsageError(f"{source}: {' / '.join(problems[:_TOLD])}")
    return definitions
