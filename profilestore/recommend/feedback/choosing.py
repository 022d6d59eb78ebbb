"""Answers whose method is chosen by an experiment or by the bandit, user by user, and told in the answer.

Who has personalisation switched off is in no experiment: their lists are not personal, and what they do is
not watched for it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Final, Unpack

from profilestore.elastic.search import CHUNK
from profilestore.errors import ModelError, UsageError
from profilestore.recommend.answers import Answer
from profilestore.recommend.feedback.bandit import Bandit, choose
from profilestore.recommend.feedback.experiments import Experiment, Experiments, assign
from profilestore.recommend.methods import METHOD_NAMES, choose_method
from profilestore.recommend.phrases import Telling
from profilestore.recommend.recommender import Recommender
from profilestore.recommend.request import Request
from profilestore.recommend.trained import Trained
from profilestore.recommend.wish import Options

__all__ = ["BANDIT", "EXPERIMENT_METHODS", "Choosing"]

BANDIT: Final = "bandit"
# What an experiment may compare.
EXPERIMENT_METHODS: Final = (*METHOD_NAMES, BANDIT)

# By user, in their order: whether they have switched personalisation off.
OptedOut = Callable[[Sequence[str]], Sequence[bool]]
Answering = Callable[[Iterable[str | None], Options], Iterator[Answer]]


@dataclass(frozen=True, slots=True)
class _Choice:
    method: str
    experiment: str | None = None


class Choosing:
    """A recommender that also knows `method="bandit"` and `experiment=NAME`.

    Args:
        recommender: answers by one method.
        experiments: of the shop.
        bandit: of the shop.
        bandit_methods: what it chooses among; those that are not trained are passed over.
        opted_out: reads who has switched personalisation off.
    """

    def __init__(
        self,
        recommender: Recommender,
        *,
        experiments: Experiments,
        bandit: Bandit,
        bandit_methods: Sequence[str],
        opted_out: OptedOut,
    ) -> None:
        self._recommender = recommender
        self._experiments = experiments
        self._bandit = bandit
        self._bandit_methods = bandit_methods
        self._opted_out = opted_out

    def recommend_many(
        self,
        user_ids: Iterable[str | None],
        *,
        experiment: str | None = None,
        explain: bool | Telling = False,
        **options: Unpack[Options],
    ) -> Iterator[Answer]:
        """As `Recommender.recommend_many`. With an experiment, answers have a `request_id` and, where the user is
        assigned, its name, for the impression events of the app.

        Raises:
            NotFound: there is no such experiment.
            ModelError: none of the bandit's methods is trained.
        """

        def answer(ids: Iterable[str | None], options: Options) -> Iterator[Answer]:
            return self._recommender.recommend_many(ids, explain=explain, **options)

        if experiment is None and options.get("method") != BANDIT:
            return answer(user_ids, options)
        choosing = self._chooser(experiment, options.get("method", "auto"))
        # Options are checked at once, not when the first answer is taken.
        answer((), {**options, "method": "auto"})
        return self._stream(_named(user_ids), choosing, experiment is not None, answer, options)

    def request_for(self, user_id: str | None, *, experiment: str | None = None, **options: Unpack[Options]) -> Request:
        """As `Recommender.request_for`, by the method that is chosen for this user."""
        if experiment is not None or options.get("method") == BANDIT:
            (choice,) = self._chooser(experiment, options.get("method", "auto"))(list(_named([user_id])))
            options = {**options, "method": choice.method}
        return self._recommender.request_for(user_id, **options)

    def _chooser(self, experiment: str | None, otherwise: str) -> Callable[[Sequence[str]], list[_Choice]]:
        def by_default(user_ids: Sequence[str]) -> list[_Choice]:
            if otherwise != BANDIT:
                return [_Choice(otherwise)] * len(user_ids)
            posteriors, methods = self._bandit.current(), self._usable()
            return [_Choice(choose(posteriors, methods, user_id=user_id)) for user_id in user_ids]

        if experiment is None:
            return by_default
        found = self._experiments.get(experiment)

        def by_experiment(user_ids: Sequence[str]) -> list[_Choice]:
            choices = by_default(user_ids)
            if found.state(datetime.now(UTC)) != "running":
                return choices
            out = self._opted_out(user_ids)
            return [
                choice if off else self._assigned(found, user_id)
                for user_id, choice, off in zip(user_ids, choices, out, strict=True)
            ]

        return by_experiment

    def _assigned(self, experiment: Experiment, user_id: str) -> _Choice:
        method = assign(experiment, user_id)
        if method == BANDIT:
            method = choose(self._bandit.current(), self._usable(), user_id=user_id)
        return _Choice(method, experiment.name)

    def _usable(self) -> list[str]:
        usable = _usable(self._bandit_methods, self._recommender.trained())
        if len(usable) == 0:
            raise ModelError("none of the methods in the setting bandit_methods is trained: train one, or set others.")
        return usable

    def _stream(
        self,
        user_ids: Iterator[str],
        choosing: Callable[[Sequence[str]], list[_Choice]],
        told: bool,
        answer: Answering,
        options: Options,
    ) -> Iterator[Answer]:
        while len(chunk := list(islice(user_ids, CHUNK))) > 0:
            choices = choosing(chunk)
            answers: dict[int, Answer] = {}
            for method in dict.fromkeys(choice.method for choice in choices):
                places = [place for place, choice in enumerate(choices) if choice.method == method]
                given = answer([chunk[place] for place in places], {**options, "method": method})
                answers.update(zip(places, given, strict=True))
            for place, choice in enumerate(choices):
                if told:
                    yield replace(answers[place], experiment=choice.experiment, request_id=uuid.uuid4().hex)
                else:
                    yield answers[place]


def _usable(methods: Sequence[str], trained: Trained) -> list[str]:
    """Those of them whose spaces are trained.

    Raises:
        UsageError: one of them is no method.
    """
    usable: list[str] = []
    for method in methods:
        with suppress(ModelError):
            usable.append(choose_method(method, trained=trained).name)
    return list(dict.fromkeys(usable))


def _named(user_ids: Iterable[str | None]) -> Iterator[str]:
    """The users; a session of nobody has no arm and no choice."""
    for user_id in user_ids:
        if user_id is None:
            raise UsageError("an experiment and the bandit choose for a user, and none is given.")
        yield user_id
