"""From users and a wish to products: reads, bodies, fall-backs, for many users at once.

One search an answer, and what its method must read before. A further one is sent only where the first
says that nothing is known (404: an unknown user, no vector, or personalisation off).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from profilestore.recommend.answers import Answer, read_items
from profilestore.recommend.asking import Hits, Shop
from profilestore.recommend.clauses import Body
from profilestore.recommend.method import Method, Question
from profilestore.recommend.methods import POPULAR, choose_method
from profilestore.recommend.trained import Trained
from profilestore.recommend.wish import Wish

__all__ = ["NO_PROFILE", "Served", "Serving"]

NO_PROFILE: Final = "nothing is known of this user, or personalisation is off: the popular products instead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A question with the method that answered it, the body that was sent and its hits.

    `hits` is None until something is found. `fallback` says why another method than the one asked answered.
    """

    question: Question
    method: Method
    body: Body | None = None
    hits: Hits | None = None
    fallback: str | None = None

    def answer(self, *, took_ms: float) -> Answer:
        """What the user gets."""
        return Answer(
            user_id=self.question.user_id or "",
            method=self.method.name,
            took_ms=took_ms,
            items=read_items(self.hits or []),
            fallback=self.fallback,
        )


class Serving:
    """Asks the server of a shop by methods. Keeps nothing between calls; safe to share between threads."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def check(self, wish: Wish) -> None:
        """Raise for a method that there is not, or whose space is not trained."""
        choose_method(wish.asked, trained=self._shop.trained.current())

    def serve(self, user_ids: Sequence[str], wish: Wish, *, renew: bool = True) -> list[Served]:
        """One answer a user, in their order.

        Args:
            user_ids: whom to answer.
            wish: the options.
            renew: look anew at what is trained where somebody is unknown: a model may have been switched in,
                or taken back, meanwhile.
        """
        trained = self._shop.trained.current()
        served = self._by_method(user_ids, wish, trained)
        if renew and any(each.hits is None for each in served):
            renewed = self._shop.trained.read_anew()
            if renewed != trained:
                served = self._by_method(user_ids, wish, renewed)
        return self._fallen_back(served)

    def _by_method(self, user_ids: Sequence[str], wish: Wish, trained: Trained) -> list[Served]:
        served = self._questions(user_ids, wish, trained)
        served = self._with_profiles_asked(served)
        return self._asked([replace(each, body=each.method.build(each.question)) for each in served])

    def _questions(self, user_ids: Sequence[str], wish: Wish, trained: Trained) -> list[Served]:
        """Each user's question and method, with what must be read of the profile."""
        levels = (
            [events for events, _ in trained.auto_methods] if wish.asked == "auto" else []
        )  # how much must be known of a user for the next method
        possible = [choose_method(wish.asked, trained=trained, events=level) for level in (*levels, None)]
        fields = {field for method in possible for field in method.reads(trained, wish)}
        if len(levels) > 0:
            fields.add("events_total")
        profiles = self._shop.read_profiles(user_ids, sorted(fields)) if len(fields) > 0 else [None] * len(user_ids)
        served = []
        for user_id, profile in zip(user_ids, profiles, strict=True):
            events = None if len(levels) == 0 else int((profile or {}).get("events_total", 0))
            question = Question(
                user_id=user_id,
                wish=wish,
                size=wish.n,
                settings=self._shop.settings,
                trained=trained,
                profile=profile,
            )
            served.append(Served(question=question, method=choose_method(wish.asked, trained=trained, events=events)))
        return served

    def _with_profiles_asked(self, served: list[Served]) -> list[Served]:
        """With the answers to the searches over the profiles, of those methods that send one."""
        bodies = [None if s.method.ask_profiles is None else s.method.ask_profiles(s.question) for s in served]
        sent = [body for body in bodies if body is not None]
        if len(sent) == 0:
            return served
        found = iter(self._shop.ask_profiles(sent))
        return [
            each if body is None else replace(each, question=replace(each.question, found=next(found)))
            for each, body in zip(served, bodies, strict=True)
        ]

    def _asked(self, served: list[Served]) -> list[Served]:
        """With the hits of each body; None where there is no body, or a vector that it looks up is missing."""
        found = iter(self._shop.ask_many([each.body for each in served if each.body is not None]))
        return [each if each.body is None else replace(each, hits=next(found)) for each in served]

    def _fallen_back(self, served: list[Served]) -> list[Served]:
        """The popular products, in the same rules, for those of whom nothing is known."""
        popular = self._asked(
            [
                replace(each, method=POPULAR, body=POPULAR.build(each.question), fallback=NO_PROFILE)
                for each in served
                if each.hits is None
            ]
        )
        instead = iter(popular)
        return [each if each.hits is not None else next(instead) for each in served]
