"""Reasons in words, in both languages."""

from __future__ import annotations

import pytest

from profilestore.documents import EVENT_TYPES
from profilestore.recommend.phrases import LANGUAGES, Language, phrase_act, phrase_crowd
from profilestore.settings import DEFAULT_EVENT_WEIGHTS


@pytest.mark.parametrize(
    ("kind", "against", "english", "chinese"),
    [
        ("purchase", False, "because you bought a {mug}", "因为您购买过「a {mug}」"),
        ("view", False, "because you looked at a {mug}", "因为您浏览过「a {mug}」"),
        ("refund", True, "because you returned a {mug}", "因为您退回过「a {mug}」"),
        ("rate", True, "because a {mug} was not for you", "因为「a {mug}」不合您的心意"),
    ],
)
def test_what_was_done_is_named(kind: str, against: bool, english: str, chinese: str) -> None:
    """Braces of a title are its own."""
    assert phrase_act(kind, "a {mug}", language="en", against=against) == english
    assert phrase_act(kind, "a {mug}", language="zh", against=against) == chinese


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_type_that_counts_has_words_of_its_own_kind(language: Language) -> None:
    """Each says the product, and no two different acts for it are told in the words of the fallback."""
    fallback = phrase_act("no such type", "X", language=language)
    for kind, weight in DEFAULT_EVENT_WEIGHTS.items():
        told = phrase_act(kind, "X", language=language, against=weight < 0)
        assert "X" in told
        assert told != fallback or kind == "search", kind
    assert {phrase_act(kind, None, language=language) for kind in EVENT_TYPES} & {fallback} == set()


def test_words_that_were_written_are_not_repeated() -> None:
    assert phrase_act("search", None, language="en") == "because of what you searched for"
    assert phrase_act("review", None, language="zh") == "因为您写过相关评价"


def test_what_others_did() -> None:
    assert phrase_crowd("popular", language="en", count=12) == "because 12 customers chose it"
    assert phrase_crowd("popular", language="en", count=1) == "because a customer chose it"
    assert phrase_crowd("popular", language="zh", count=12) == "因为有 12 位顾客选择了它"
    assert phrase_crowd("popular", language="en", count=0) is None
    assert phrase_crowd("taste", language="en") is None
    assert phrase_crowd("popular-in-segment", language="zh", value="France") == "因为它受同类顾客（France）欢迎"
