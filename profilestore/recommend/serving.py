"""From users and a wish to products: reads, bodies, fall-backs and filling up, for many users at once.

One search an answer, and what its method must read before. A further one is sent only where the first says
that nothing is known (404: an unknown user, no vector, or personalisation off), or finds fewer than n.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from profilestore.recommend.asking import Shop
from profilestore.recommend.diversity import check_diversity, diversity_reads
from profilestore.recommend.filling import NO_EVENTS, Served, asked, filled_up
from profilestore.recommend.method import NO_PROFILE, Method, Question
from profilestore.recommend.methods import METHODS, choose_method
from profilestore.recommend.popular import POPULAR, POPULAR_IN_SEGMENT, segment_fields
from profilestore.recommend.trained import Trained
from profilestore.recommend.wish import Wish
from profilestore.settings import Settings

__all__ = ["NO_PROFILE", "Served", "Serving"]


class Serving:
    """Asks the server of a shop by methods. Keeps nothing between calls; safe to share between threads."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def check(self, wish: Wish) -> None:
        """Raise for a method that there is not, or whose space is not trained, and for a field not counted."""
        trained = self._shop.trained.current()
        choose_method(wish.asked, trained=trained)
        segment_fields(self._shop.settings, wish)
        check_diversity(wish.diversity, trained)

    def serve(self, user_ids: Sequence[str | None], wish: Wish, *, renew: bool = True) -> list[Served]:
        """One answer a user, in their order.

        Args:
            user_ids: whom to answer; None in a session of nobody.
            wish: the options.
            renew: look anew at what is trained where somebody is unknown: a model may have been switched in,
                or taken back, meanwhile.
        """
        trained = self._shop.trained.current()
        served = self._by_method(user_ids, wish, trained)
        if renew and any(each.hits is None for each in served):
            renewed = self._shop.trained.read_anew()
            if renewed != trained:
                trained, served = renewed, self._by_method(user_ids, wish, renewed)
        served = self._read_again(served, wish, trained)
        return filled_up(self._shop, self._fallen_back(served))

    def _read_again(self, served: list[Served], wish: Wish, trained: Trained) -> list[Served]:
        """Empty answers of methods that read the generation first, before a switch perhaps: all is read and sent
        once more (promise P4). Of the others the server looks the generation up itself, and `Shop.ask` was enough.
        """
        stale = [place for place, each in enumerate(served) if each.hits == [] and _reads_generation(each)]
        result = list(served)
        if len(stale) > 0:
            again = self._by_method([served[place].question.user_id for place in stale], wish, trained)
            for place, each in zip(stale, again, strict=True):
                result[place] = each
        return result

    def _by_method(self, user_ids: Sequence[str | None], wish: Wish, trained: Trained) -> list[Served]:
        served = self._questions(user_ids, wish, trained)
        served = self._with_profiles_asked(self._with_session(served, wish, trained))
        return asked(self._shop, served)

    def _questions(self, user_ids: Sequence[str | None], wish: Wish, trained: Trained) -> list[Served]:
        """Each user's question and method, with what must be read of the profile."""
        levels = (
            [events for events, _ in trained.auto_methods] if wish.asked == "auto" else []
        )  # how much must be known of a user for the next method
        possible = [choose_method(wish.asked, trained=trained, events=level) for level in (*levels, None)]
        fields = {field for method in possible for field in _reads(method, trained, wish)}
        if len(levels) > 0:
            fields.add("event_counts")
        profiles = self._read_profiles(user_ids, sorted(fields))
        served = []
        for user_id, profile in zip(user_ids, profiles, strict=True):
            events = None if len(levels) == 0 else _known_events(profile, self._shop.settings)
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

    def _read_profiles(
        self, user_ids: Sequence[str | None], fields: Sequence[str]
    ) -> Sequence[Mapping[str, Any] | None]:
        known = [user_id for user_id in user_ids if user_id is not None]
        if len(fields) == 0 or len(known) == 0:
            return [None] * len(user_ids)
        read = iter(self._shop.read_profiles(known, fields))
        return [None if user_id is None else next(read) for user_id in user_ids]

    def _with_session(self, served: list[Served], wish: Wish, trained: Trained) -> list[Served]:
        """With the products of the session, which is the same for all."""
        reads = next((each.method.reads_session for each in served if each.method.reads_session is not None), None)
        if reads is None:
            return served
        session = self._shop.read_products(wish.session, reads(trained))
        return [replace(each, question=replace(each.question, session=session)) for each in served]

    def _fallen_back(self, served: list[Served]) -> list[Served]:
        """Other products, in the same rules, for those of whom nothing is known.

        `auto` takes, under the sparse form of taste, what is near to the text of what they searched for, which is
        no token; then those that are popular among users like this one, where they said who they are.
        """
        result = list(served)
        unknown = [place for place, each in enumerate(served) if each.hits is None]
        if len(unknown) > 0 and served[0].question.wish.asked == "auto":
            trained = served[unknown[0]].question.trained
            if trained.sparse_taste and "text" in trained.spaces:
                by_text = [replace(served[place], method=METHODS["text"]) for place in unknown]
                result = _with_hits(result, unknown, asked(self._shop, by_text))
                unknown = [place for place in unknown if result[place].hits is None]
            segments = self._in_segments([served[place] for place in unknown])
            result = _with_hits(result, unknown, segments)
        unknown = [place for place in unknown if result[place].hits is None]
        popular = [replace(served[p], method=POPULAR, fallback=served[p].method.unknown) for p in unknown]
        for place, each in zip(unknown, asked(self._shop, popular), strict=True):
            result[place] = each
        return result

    def _in_segments(self, unknown: Sequence[Served]) -> list[Served]:
        if len(unknown) == 0:
            return []
        first = unknown[0].question
        fields = POPULAR_IN_SEGMENT.reads(first.trained, first.wish)
        profiles = self._read_profiles([each.question.user_id for each in unknown], fields)
        return asked(
            self._shop,
            [
                replace(
                    each,
                    method=POPULAR_IN_SEGMENT,
                    question=replace(each.question, profile=profile),
                    fallback=NO_EVENTS,
                )
                for each, profile in zip(unknown, profiles, strict=True)
            ],
        )


def _with_hits(served: Sequence[Served], places: Sequence[int], others: Sequence[Served]) -> list[Served]:
    """Others in these places, where they found something."""
    result = list(served)
    for place, each in zip(places, others, strict=True):
        if each.hits is not None and len(each.hits) > 0:
            result[place] = each
    return result


def _reads_generation(served: Served) -> bool:
    method, question = served.method, served.question
    return method.reads_session is not None or "generation" in _reads(method, question.trained, question.wish)


def _reads(method: Method, trained: Trained, wish: Wish) -> tuple[str, ...]:
    """What of the profile a search by this method has in it."""
    return (*method.reads(trained, wish), *diversity_reads(method, trained, wish))


def _known_events(profile: Mapping[str, Any] | None, settings: Settings) -> int:
    """How many acts of a user say something of their taste, as validation counted them: not what was only shown."""
    counts = (profile or {}).get("event_counts") or {}
    return sum(int(count) for type, count in counts.items() if settings.event_weights.get(type, 0.0) != 0.0)
