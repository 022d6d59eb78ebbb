"""A report as text for a terminal, and as one HTML page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from profilestore.campaigns.report.report import CampaignReport
from profilestore.campaigns.report.sections import Language, Section
from profilestore.campaigns.report.telling import about, sections_of, title_of

__all__ = ["report_html", "report_text"]

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#d9dee5;--paper:#fff;--own:#0072b2;--other:#d55e00}
@media (prefers-color-scheme:dark){:root{--ink:#e8ecf1;--soft:#a3adba;--line:#3a4450;--paper:#151a20;--own:#56b4e9;
--other:#e69f00}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2rem 1.25rem;max-width:74rem;background:var(--paper);color:var(--ink);
font:1rem/1.55 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;overflow-wrap:anywhere}
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.15rem;margin:2rem 0 .5rem}
.about{color:var(--soft)}p{margin:.4rem 0}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.88rem;margin:.6rem 0}
th,td{padding:.25rem .5rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child,th.said,td.said{text-align:left}
td.said:not(:first-child){white-space:normal;min-width:9rem}th{color:var(--soft);font-weight:600}
svg{width:100%;height:auto;font:12px system-ui,sans-serif}svg text{fill:var(--ink)}svg .tick{fill:var(--soft)}
svg .grid,svg .zero{stroke:var(--line)}svg .treatment{stroke:var(--own);stroke-width:2}
svg .control{stroke:var(--other);stroke-width:2}svg .dot{fill:var(--own)}
#verdict p:first-of-type{font-size:1.1rem;font-weight:600}
@media print{body{max-width:none;padding:0}}
""".strip()


def report_text(report: CampaignReport, language: Language) -> str:
    """The whole report in lines."""
    lines = [title_of(report, language), about(report, language)]
    for section in sections_of(report, language):
        lines += ["", section.title, *section.sentences, *_text_table(section)]
    return "\n".join(lines)


def _text_table(section: Section) -> Iterator[str]:
    if len(section.rows) == 0:
        return
    table = [section.headings, *section.rows]
    widths = [max(_width(row[place]) for row in table) for place in range(len(section.headings))]
    for row in table:
        cells = [
            cell + " " * (width - _width(cell)) if place == 0 or _is_said(section, place) else
            " " * (width - _width(cell)) + cell
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]  # fmt: skip
        yield "  ".join(cells).rstrip()


def _is_said(section: Section, place: int) -> bool:
    """Whether a column holds words rather than figures."""
    return not any(cell[:1].isdigit() or cell[:1] in "+-<–" for cell in (row[place] for row in section.rows))


def _width(text: str) -> int:
    """How many columns of a terminal it takes: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def report_html(report: CampaignReport, language: Language) -> str:
    """The whole report as a page. Whatever the shop's data hold is text in it, never markup."""
    title = escape(title_of(report, language))
    parts = "\n".join(_html_section(section) for section in sections_of(report, language))
    return (
        f'<!doctype html>\n<html lang="{"en" if language == "en" else "zh-Hans"}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="robots" content="noindex">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        f'<p class="about">{escape(about(report, language))}</p>\n{parts}\n</main>\n</body>\n</html>\n'
    )


def _html_section(section: Section) -> str:
    said = "".join(f"<p>{escape(sentence)}</p>" for sentence in section.sentences)
    body = said + section.drawing + _html_table(section)
    return f'<section id="{escape(section.key)}"><h2>{escape(section.title)}</h2>{body}</section>'


def _html_table(section: Section) -> str:
    if len(section.rows) == 0:
        return ""
    kinds = [' class="said"' if _is_said(section, place) else "" for place in range(len(section.headings))]
    head = _cells(section.headings, kinds, "th")
    rows = "".join(f"<tr>{_cells(row, kinds, 'td')}</tr>" for row in section.rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _cells(cells: Sequence[str], kinds: Sequence[str], tag: str) -> str:
    return "".join(f"<{tag}{kind}>{escape(cell)}</{tag}>" for cell, kind in zip(cells, kinds, strict=True))
