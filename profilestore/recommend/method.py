"""What a method of recommending is: one small object that makes a body from a question.

To add a method, write a module with a `Method` and add it to `METHODS` in `methods.py`. The rest is
done for it: options, fall-backs, filling up, many users at once, boosts, diversity, `--as-query`.

A method that must first read the profile names the fields in `reads`; one that must first search the
profiles gives that body in `ask_profiles`. Of many users, these reads travel as one mget and one msearch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from profilestore.recommend.clauses import Body, Clause
from profilestore.recommend.trained import Trained
from profilestore.recommend.wish import Wish
from profilestore.settings import Settings

__all__ = ["NO_PROFILE", "Method", "Question"]

NO_PROFILE: Final = "nothing is known of this user, or personalisation is off: the popular products instead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What one method is asked for one user.

    Attributes:
        user_id: whom to recommend to; None in a session of nobody.
        wish: the options, checked.
        size: how many hits to fetch, at least `wish.n`.
        settings: index names and candidates.
        trained: what the shop has trained.
        profile: the fields that the method `reads`; None where it reads none or nobody has this id.
        found: the answer to the method's `ask_profiles`, None where it asks nothing or a vector is missing.
        session: the products of the session that there are, by id, with what the method `reads_session`.
        besides: what further rules products out, such as those that another method gave already.
    """

    user_id: str | None
    wish: Wish
    size: int
    settings: Settings
    trained: Trained
    profile: Mapping[str, Any] | None = None
    found: Mapping[str, Any] | None = field(default=None, repr=False)
    session: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    besides: tuple[Clause, ...] = ()

    @property
    def lookup(self) -> Clause | None:
        """Where the server finds the user's profile; add `path`. None without a user."""
        return None if self.user_id is None else {"index": self.settings.index("profiles"), "id": self.user_id}

    def required(self) -> list[Clause]:
        """What a product must fulfil by the options; every body of a method filters by it."""
        return self.wish.filters.required()

    def forbidden(self) -> list[Clause]:
        """What rules a product out: deleted, excluded, in the session, and what this user has seen, bought or in the
        cart."""
        session: list[Clause] = (
            [{"terms": {"product_id": list(self.wish.session)}}] if len(self.wish.session) > 0 else []
        )
        return [*self.wish.filters.forbidden(), *session, *self.wish.hidden_by(self.lookup), *self.besides]


def _nothing(trained: Trained) -> Mapping[str, float]:
    return {}


def _no_fields(trained: Trained, wish: Wish) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to recommend.

    Attributes:
        name: as in `--method` and in the answer.
        build: the search over the products, or None where nothing is known of this user and the fall-back
            answers. Pure. Made of `question.required()`, `question.forbidden()` and `page(question.size)`.
        boosts: the spaces that must be trained, with their boosts; those of a linear method explain its scores.
        reads: the profile fields to read first, by id; none for a method of one request.
        ask_profiles: a search over the profiles to send first, or None for this user.
        no_query: why `--as-query` cannot print it; None where one request says all.
        reads_session: the fields of the session's products to read first, vectors among them.
        lists_all: whether it lists every product that the options leave in; others are filled up to n.
        unknown: what is said where it knows nothing.
    """

    name: str
    build: Callable[[Question], Body | None]
    boosts: Callable[[Trained], Mapping[str, float]] = _nothing
    reads: Callable[[Trained, Wish], Sequence[str]] = _no_fields
    ask_profiles: Callable[[Question], Body | None] | None = None
    no_query: str | None = None
    reads_session: Callable[[Trained], Sequence[str]] | None = None
    lists_all: bool = False
    unknown: str = NO_PROFILE
