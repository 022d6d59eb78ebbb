"""A card as one HTML page: nothing is loaded from anywhere, no script runs, and it prints on paper."""

from __future__ import annotations

import html
from collections.abc import Mapping
from itertools import groupby
from typing import Final

from profilestore.insight.card.parts import Block, Command, Entry
from profilestore.insight.card.printable import printable
from profilestore.insight.card.user_card import Card
from profilestore.insight.card.words import HEADINGS

__all__ = ["card_html"]

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#d9dee5;--paper:#fff;--tint:#f4f6f8;--warn:#a8071a}
@media (prefers-color-scheme:dark){:root{--ink:#e8ecf1;--soft:#a3adba;--line:#3a4450;--paper:#151a20;--tint:#1f262e;
--warn:#ff9c9c}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2rem 1.25rem;max-width:46rem;background:var(--paper);color:var(--ink);
font:1rem/1.55 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .25rem}
h2{font-size:1.15rem;margin:2rem 0 .5rem;padding-top:1rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:0}
p{margin:.25rem 0}
.about,.lead,dt,.what{color:var(--soft)}
dl.plain{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.25rem 1rem;margin:.75rem 0}
dl.plain dd{margin:0}
article{border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem;margin:.75rem 0;break-inside:avoid}
article dl{margin:.5rem 0 0;font-size:.9rem}
article dd{margin:0 0 .25rem}
code{display:block;background:var(--tint);padding:.5rem .75rem;border-radius:.35rem;font-size:.85rem;
white-space:pre-wrap}
body:has(.brief){max-width:76rem}
main>section{max-width:46rem}
.brief{columns:3 19rem;column-gap:.75rem;margin:1rem 0}
.brief section{border:1px solid var(--line);border-radius:.5rem;padding:.6rem .9rem;break-inside:avoid;
margin:0 0 .75rem}
.brief h2{margin:0 0 .35rem;padding:0;border:0;font-size:1rem}
.brief dl.plain{grid-template-columns:fit-content(8.5rem) 1fr;gap:.15rem .75rem;margin:0;font-size:.9rem}
dt:empty{display:none}
dt:empty+dd{grid-column:1/-1}
.brief .notice{column-span:all;border:2px solid var(--warn);color:var(--warn)}
.brief .notice .lead{color:inherit}
@media (max-width:30rem){dl.plain{grid-template-columns:1fr;gap:0}dl.plain dd{margin-bottom:.5rem}}
@media print{body{max-width:none;padding:0}}
""".strip()


def card_html(card: Card) -> str:
    """The card as a page of HTML5 in UTF-8. Whatever the shop's data hold is text in it, never markup."""
    language = {"en": "en", "zh": "zh-Hans"}[card.language]
    words = HEADINGS[card.language]
    parts: list[str] = []
    for brief, blocks in groupby(card.blocks, key=lambda block: block.brief):
        told = "\n".join(_block(block, words) for block in blocks)
        parts.append(f'<div class="brief">\n{told}\n</div>' if brief else told)
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex">\n'
        f"<title>{_escaped(card.title)}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<main>\n"
        f'<h1>{_escaped(card.title)}</h1>\n<p class="about">{_escaped(card.about)}</p>\n{body}\n'
        "</main>\n</body>\n</html>\n"
    )


def _escaped(text: str) -> str:
    return html.escape(printable(text))


def _block(block: Block, words: Mapping[str, str]) -> str:
    key = _escaped(block.key)
    notice = ' class="notice"' if block.brief and len(block.entries) == 0 else ""
    parts = [
        f'<section id="{key}"{notice} aria-labelledby="{key}-title">',
        f'<h2 id="{key}-title">{_escaped(block.title)}</h2>',
    ]
    parts += [f'<p class="lead">{_escaped(sentence)}</p>' for sentence in block.lead]
    plain = [entry for entry in block.entries if entry.basis == "" and entry.sure == ""]
    if len(plain) > 0:
        rows = "".join(f"<dt>{_escaped(e.label)}</dt><dd>{_escaped(' '.join(e.said))}</dd>" for e in plain)
        parts.append(f'<dl class="plain">{rows}</dl>')
    parts += [_belief(entry, words) for entry in block.entries if entry not in plain]
    parts += [_command(command, words["staff"]) for command in block.commands]
    return "\n".join([*parts, "</section>"])


def _belief(entry: Entry, words: Mapping[str, str]) -> str:
    said = "".join(f"<p>{_escaped(sentence)}</p>" for sentence in entry.said)
    told = "".join(
        f"<dt>{_escaped(heading)}</dt><dd>{_escaped(text)}</dd>"
        for heading, text in ((words["basis"], entry.basis), (words["sure"], entry.sure))
        if text != ""
    )
    return f"<article><h3>{_escaped(entry.label)}</h3>{said}<dl>{told}</dl></article>"


def _command(command: Command, staff: str) -> str:
    return (
        f'<article><p>{_escaped(command.what)}</p><p class="what">{_escaped(staff)}</p>'
        f"<code>{_escaped(command.command)}</code></article>"
    )
