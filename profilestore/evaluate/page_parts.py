"""Parts of pages that need nothing else: no script, no style sheet, no font, no network. Every text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

__all__ = ["document", "pairs", "said", "section", "table"]

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2733; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .8rem 0; font-size: .85rem; display: block; overflow-x: auto; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #dde3ea; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } td.wide { white-space: normal; text-align: left; }
small { color: #5d6b7a; } svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg .grid { stroke: #e4e9ef; } svg .tick { fill: #5d6b7a; } .shop { color: #1b6ca8; } .peer { color: #c2571a; }
"""


def document(title: str, parts: Iterable[str]) -> str:
    """A whole page of parts; empty ones are left out."""
    body = "\n".join(part for part in parts if part != "")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body>\n{body}\n</body></html>\n"
    )


def section(title: str, content: str) -> str:
    """A part under a heading; nothing where there is no content."""
    return "" if content == "" else f"<h2>{escape(title)}</h2>\n{content}"


def pairs(values: Mapping[str, Any]) -> str:
    """Names and values, a row each; what is None is left out."""
    rows = [(name.replace("_", " "), said(value)) for name, value in values.items() if value is not None]
    return "" if len(rows) == 0 else table((), rows, wide=True)


def said(value: Any) -> str:
    """A value as a person reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(each) for each in value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, wide: bool = False) -> str:
    """A table under headings (none: no head); `wide` where cells hold sentences."""
    kind = ' class="wide"' if wide else ""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td{kind}>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"
