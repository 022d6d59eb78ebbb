"""`Answering`: all that a `ProfileStore` answers, as one class that it is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Unpack, cast

from profilestore.errors import NotFound, UsageError
from profilestore.indexing.parts import Parts
from profilestore.recommend.answering import make_recommender
from profilestore.recommend.answers import Answer, SearchAnswer, SimilarAnswer
from profilestore.recommend.feedback.loop import Feedback
from profilestore.recommend.feedback.making import make_choosing, make_feedback, make_nightly
from profilestore.recommend.nightly import AllReport, fingerprint
from profilestore.recommend.people import People
from profilestore.recommend.phrases import Telling
from profilestore.recommend.request import Request
from profilestore.recommend.wish import FilterOptions, Options, SimilarOptions

__all__ = ["Answering"]


class Answering:
    """Recommendations, similar products, search, people, feedback: one shop's answers, safe to share between threads.

    Whoever writes a profile sets `_unseen`, and the next answer shows it.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.settings = parts.settings
        self._recommender = make_recommender(parts)
        self._choosing = make_choosing(parts, self._recommender)
        self._unseen = False

    def _show_recorded(self) -> None:
        """Let the answers of this store know what it recorded; other processes see it within a second."""
        if self._unseen:
            self._unseen = False
            self._parts.in_force.profiles.refresh(self.settings.index("profiles"))

    def recommend(
        self,
        user_id: str | None,
        *,
        explain: bool | Telling = False,
        experiment: str | None = None,
        **options: Unpack[Options],
    ) -> Answer:
        """The products this user would like; the popular ones for a user of whom nothing is known.

        With `session=[...]` by these products instead of a profile; then the user may be None.

        `method="bandit"` lets the bandit choose; with an `experiment` the method is that of the user's arm, and the
        answer has a `request_id` for the impression events.
        """
        (answer,) = self.recommend_many([user_id], explain=explain, experiment=experiment, **options)
        return answer

    def recommend_many(
        self,
        user_ids: Iterable[str | None],
        *,
        explain: bool | Telling = False,
        experiment: str | None = None,
        **options: Unpack[Options],
    ) -> Iterator[Answer]:
        """One answer a user, in the order given, a hundred a request."""
        self._show_recorded()
        return self._choosing.recommend_many(user_ids, explain=explain, experiment=experiment, **options)

    def recommend_request(
        self, user_id: str | None, *, experiment: str | None = None, **options: Unpack[Options]
    ) -> Request:
        """The request that any app can send to Elasticsearch itself for the same list."""
        self._show_recorded()
        return self._choosing.request_for(user_id, experiment=experiment, **options)

    def recommend_all(
        self,
        *,
        explain: bool | Telling = False,
        progress: Callable[[int, int], None] = lambda done, total: None,
        **options: Unpack[Options],
    ) -> AllReport:
        """Write the current list of every user, 20 products unless `n` says otherwise, to `{prefix}-recommendations`.

        A run that was killed goes on where it stopped when it is called again with the same options within 12
        hours. Afterwards each user has one list of this run, and lists of users who are gone are deleted.

        Args:
            explain: store the reasons too; that takes one reading of the log a user.
            progress: is told how many users have their list, and how many there are.
            options: as of `recommend`, also `method="bandit"`.

        Raises:
            StoreError: another run is under way, or took this one over.
        """
        if options.get("session") is not None:
            raise UsageError("a session is of one user: everybody's list is made of their profiles.")
        # Lists are read again for each page.
        lists = {
            name: tuple(each) for name, each in options.items() if isinstance(each, Iterable) and each != str(each)
        }
        wanted = cast(Options, {"n": 20, **options, **lists})
        self._show_recorded()

        def answer(user_ids: Sequence[str]) -> Iterator[Answer]:
            return self._choosing.recommend_many(user_ids, explain=explain, **wanted)

        answer(())  # options that cannot be meant are told before anything is done
        nightly = make_nightly(self._parts, answer)
        return nightly.run(fingerprint({**wanted, "explain": str(explain)}), progress=progress)

    @property
    def feedback(self) -> Feedback:
        """What was shown and what came of it: `shop.feedback.report()`, `.apply()`, `.experiments` and more."""
        return make_feedback(self._parts, self._recommender)

    def similar(self, product_id: str, **options: Unpack[SimilarOptions]) -> SimilarAnswer:
        """Products like this one."""
        return self._recommender.similar(product_id, **options)

    def similar_many(
        self, product_ids: Iterable[str], **options: Unpack[SimilarOptions]
    ) -> Iterator[SimilarAnswer | NotFound]:
        """One answer a product, in the order given; a product that is not there gives its error."""
        return self._recommender.similar_many(product_ids, **options)

    def similar_request(self, product_id: str, **options: Unpack[SimilarOptions]) -> Request:
        """The request behind `similar`."""
        return self._recommender.similar_request(product_id, **options)

    def search(self, words: str, *, user: str | None = None, **options: Unpack[FilterOptions]) -> SearchAnswer:
        """Products that these words find, leaning to a user's profile where one is given."""
        self._show_recorded()
        return self._recommender.search(words, user=user, **options)

    def search_many(
        self, queries: Iterable[str], *, user: str | None = None, **options: Unpack[FilterOptions]
    ) -> Iterator[SearchAnswer]:
        """One answer a query, in the order given."""
        self._show_recorded()
        return self._recommender.search_many(queries, user=user, **options)

    def search_request(self, words: str, *, user: str | None = None, **options: Unpack[FilterOptions]) -> Request:
        """The request behind `search`."""
        self._show_recorded()
        return self._recommender.search_request(words, user=user, **options)

    @property
    def people(self) -> People:
        """Users instead of products: `shop.people.lookalike(["u1"])`, `.buyers("p1")`."""
        self._show_recorded()
        return People(self._parts.client, self.settings, trained=self._recommender.trained)
