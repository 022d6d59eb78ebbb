"""Which method stands for what."""

from __future__ import annotations

import pytest

from profilestore.errors import ModelError, UsageError
from profilestore.recommend.methods import METHODS, choose_method, choose_similar_method
from profilestore.recommend.trained import Trained


@pytest.mark.parametrize(
    ("trained", "method"),
    [
        ((), "popular"),
        (("text",), "text"),
        (("topics",), "topics"),
        (("text", "topics"), "hybrid"),
        (("text", "topics", "taste"), "taste"),
    ],
)
def test_auto_is_the_best_that_is_trained(trained: tuple[str, ...], method: str) -> None:
    assert choose_method("auto", trained=Trained(spaces=frozenset(trained))).name == method


def test_unknown_method_lists_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        choose_method("magic", trained=Trained(spaces=frozenset(("text",))))
    assert all(method in str(caught.value) for method in METHODS)


@pytest.mark.parametrize(("method", "command"), [("topics", "topics train"), ("hybrid", "topics train")])
def test_untrained_space_names_its_command(method: str, command: str) -> None:
    with pytest.raises(ModelError, match=command):
        choose_method(method, trained=Trained(spaces=frozenset(("text",))))


def test_one_space_keeps_the_servers_score() -> None:
    assert METHODS["topics"].boosts(Trained()) == {"topics": 1.0}
    assert METHODS["popular"].boosts(Trained()) == {}


def test_similar_compares_by_text_first() -> None:
    assert choose_similar_method("auto", trained=Trained(spaces=frozenset(("text", "topics", "taste")))).name == "text"
    assert choose_similar_method("auto", trained=Trained(spaces=frozenset(("topics",)))).name == "topics"
    with pytest.raises(UsageError):
        choose_similar_method("popular", trained=Trained(spaces=frozenset(("text",))))
    with pytest.raises(ModelError):
        choose_similar_method("auto", trained=Trained(spaces=frozenset()))
