"""Tokens: what is indexed must be what is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profilestore.features.tokens import chinese_share, content_tokens, content_words, tokenize


def test_words_within_a_long_chinese_word_are_found() -> None:
    assert {"连衣", "连衣裙"} <= set(tokenize("碎花连衣裙"))


@pytest.mark.parametrize("brand", ["云麓", "雪纺", "颜初"])
def test_an_unknown_word_has_the_same_tokens_wherever_it_stands(brand: str) -> None:
    assert set(tokenize(brand)) <= set(tokenize(f"这款{brand}连衣裙很好看")) & set(tokenize(f"夏季{brand}"))


def test_an_unknown_word_is_a_token_of_its_own_beside_its_characters() -> None:
    assert tokenize("雪纺") == ["雪", "纺", "雪纺"]
    assert content_tokens("雪纺") == ["雪纺"]


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("Women's Running Shoes", "running shoe"),
        ("ＡＢＣ１２３", "abc123"),
        ("Café crème", "cafe creme"),
        ("3.5mm", "3.5MM"),
    ],
)
def test_spellings_meet(written: str, asked: str) -> None:
    assert set(tokenize(asked)) <= set(tokenize(written))


def test_content_tokens_leave_out_what_says_nothing() -> None:
    assert content_tokens("这款红色的连衣裙是适合夏天的, the best of 2024 for you") == [
        "红色",
        "连衣裙",
        "夏天",
        "best",
    ]


def test_content_words_keep_the_written_form() -> None:
    assert content_words("Batteries 连衣裙") == [("batteri", "batteries"), ("连衣裙", "连衣裙")]


@given(st.text())
def test_any_text_gives_tokens_without_white_space(text: str) -> None:
    tokens = tokenize(text)
    assert " ".join(tokens).split() == tokens
    assert all(len(token) <= 100 for token in tokens)
    assert set(content_tokens(text)) <= set(tokens)


def test_lone_surrogates_do_not_get_through() -> None:
    assert "".join(tokenize("a\ud800b")).encode() == b"ab"


def test_chinese_share() -> None:
    assert chinese_share(["红色 red 12"]) == pytest.approx(0.4)
    assert chinese_share(["", "123"]) == 0.0


def test_nothing_is_printed_and_no_warning_surfaces_in_a_fresh_process() -> None:
    script = "from profilestore.features.tokens import tokenize; tokenize('连衣裙 shoes')"
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, check=True)
    assert done.stdout + done.stderr == b""


def test_importing_the_module_does_not_load_jieba() -> None:
    script = "import sys, profilestore.features.tokens; assert 'jieba' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
