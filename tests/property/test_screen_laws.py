"""Laws of the one screen: whatever the shop's data hold, no line is too wide, and what can fit fits."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from profilestore.insight.card.columns import columns, cut, fitted
from profilestore.insight.card.parts import Block, Entry
from profilestore.insight.card.printable import printable
from profilestore.insight.card.screen import HEIGHT, WIDTH, screen_text
from profilestore.insight.card.user_card import Card
from profilestore.insight.spreadsheets import csv_cell

# Half characters too: what cannot be printed must not stop the screen.
texts = st.text(st.characters(), max_size=400)
entries = st.builds(Entry, label=texts, said=st.tuples(texts))
blocks = st.builds(
    Block, key=st.just("k"), title=st.sampled_from(("Who", "Open refunds", "最近订单")),
    lead=st.tuples() | st.tuples(texts), entries=st.lists(entries, max_size=5).map(tuple), brief=st.just(True),
)  # fmt: skip
cards = st.builds(
    Card, user_id=st.just("u"), language=st.sampled_from(("en", "zh")), title=texts, about=texts,
    blocks=st.lists(blocks, max_size=9).map(tuple),
)  # fmt: skip


@given(card=cards)
def test_no_line_is_too_wide_and_nothing_in_it_moves_the_cursor(card: Card) -> None:
    lines = screen_text(card).split("\n")
    assert max(columns(line) for line in lines) <= WIDTH
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for line in lines for character in line)
    least = 2 + sum(max(1, len(block.entries) + len(block.lead)) + 1 for block in card.blocks)
    if least <= HEIGHT:
        assert len(lines) <= HEIGHT


@given(text=texts, width=st.integers(2, 60), lines=st.integers(1, 4))
def test_fitted_text_keeps_to_its_place(text: str, width: int, lines: int) -> None:
    held = fitted(printable(text), width=width, lines=lines)
    assert 1 <= len(held) <= lines
    assert all(columns(line) <= width for line in held)
    assert columns(cut(text, width)) <= width


@given(text=texts)
def test_a_cell_begins_no_formula_and_loses_nothing(text: str) -> None:
    cell = csv_cell(text)
    assert cell in (text, f"'{text}")
    if not any(character.isdigit() for character in text):
        assert not cell.lstrip(" ").startswith(("=", "+", "-", "@"))
