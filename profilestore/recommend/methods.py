"""The methods by name, and which one `auto` takes.

`auto` goes by how much is known of a user, as validation chose (`IndexMeta.auto_methods`); where it chose
nothing, it is the best that the shop has trained. On Online Retail (time split at 80 %, products new to the
user, NDCG@20 over the full catalogue, half-life 90 days): text 0.046, topics 0.007 (20 topics), hybrid
with topics at 0.1 to 0.2 of the text 0.052, popular 0.042; taste 0.159 (`profilestore evaluate`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from profilestore.errors import ModelError, UsageError
from profilestore.recommend.bodies import build_knn_body
from profilestore.recommend.hybrid import HYBRID
from profilestore.recommend.method import Method
from profilestore.recommend.neighbours import SIMILAR_USERS
from profilestore.recommend.popular import NEW, POPULAR, POPULAR_IN_SEGMENT, TRENDING
from profilestore.recommend.session import SESSION
from profilestore.recommend.taste import TASTE
from profilestore.recommend.together import TOGETHER
from profilestore.recommend.trained import Trained

__all__ = [
    "METHODS",
    "METHOD_NAMES",
    "POPULAR",
    "SIMILAR_METHODS",
    "boosts_of",
    "choose_method",
    "choose_similar_method",
    "named",
]

AUTO_ORDER: Final = ("taste", "hybrid", "text", "topics")
SIMILAR_METHODS: Final = ("auto", "text", "topics", "taste", "hybrid", "bought-together")
TRAINED_BY: Final[dict[str, str]] = {
    "text": "`profilestore index products FILE` with a text model",
    "topics": "`profilestore topics train`",
    "taste": "`profilestore train`",
}


def _one_space(space: str) -> Method:
    """A method of one space has boost 1, so that `_score` is the server's own."""
    boosts = {space: 1.0}
    return Method(name=space, build=lambda question: build_knn_body(question, boosts), boosts=lambda trained: boosts)


METHODS: Final[Mapping[str, Method]] = {
    method.name: method
    for method in (
        TASTE,
        HYBRID,
        _one_space("text"),
        _one_space("topics"),
        POPULAR,
        TRENDING,
        NEW,
        POPULAR_IN_SEGMENT,
        SESSION,
        TOGETHER,
        SIMILAR_USERS,
    )
}
METHOD_NAMES: Final = ("auto", *METHODS)


def named(name: str) -> Method:
    """The method of this name.

    Raises:
        UsageError: no such method, or `auto`, which is a choice among them.
    """
    if name not in METHODS:
        raise UsageError(f"there is no such method; choose one of {', '.join(METHOD_NAMES)}.")
    return METHODS[name]


def choose_method(name: str, *, trained: Trained, events: int | None = None) -> Method:
    """The method that `name` stands for in a shop with this trained.

    Args:
        name: a method, or `auto`.
        trained: what there is.
        events: how many events of the user are known, where `auto` goes by it.

    Raises:
        UsageError: no such method.
        ModelError: its space is not trained; says which command trains it.
    """
    if name == "auto":
        return _best(trained, events=events)
    method = named(name)
    missing = _missing(method, trained)
    if len(missing) > 0:
        raise ModelError(
            f"method {name} needs the space {missing[0]}, which this shop has not trained: "
            f"run {TRAINED_BY[missing[0]]}, or take --method auto."
        )
    return method


def choose_similar_method(name: str, *, trained: Trained) -> Method:
    """As `choose_method`, for `similar`: what resembles a product is told by its text first.

    Raises:
        UsageError: no such method, or one that compares nothing.
        ModelError: its space is not trained, or none is.
    """
    if name not in SIMILAR_METHODS:
        raise UsageError(f"there is no such method for similar; choose one of {', '.join(SIMILAR_METHODS)}.")
    if name != "auto":
        return choose_method(name, trained=trained)
    for space in ("text", "topics", "taste"):
        if space in trained.spaces:
            return METHODS[space]
    raise ModelError(f"no space is trained in this shop: run {TRAINED_BY['text']}.")


def boosts_of(name: str, *, trained: Trained) -> Mapping[str, float]:
    """The spaces that a method adds up, with their boosts; empty where it compares no vectors."""
    return named(name).boosts(trained)


def _best(trained: Trained, *, events: int | None) -> Method:
    """By what validation found best for so many events; a method that is not there any more is passed over."""
    chosen = [name for least, name in trained.auto_methods if least <= (events or 0)] if events is not None else []
    for name in (*reversed(chosen), *AUTO_ORDER):
        if name in METHODS and len(_missing(METHODS[name], trained)) == 0:
            return METHODS[name]
    return POPULAR


def _missing(method: Method, trained: Trained) -> list[str]:
    return [space for space in method.boosts(trained) if space not in trained.spaces]
