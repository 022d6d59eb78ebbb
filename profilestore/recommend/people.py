"""`lookalike` and `buyers`: users instead of products, by the same vectors asked the other way round.

- `lookalike`: the users whose profiles are nearest to the mean of some users' profiles, or of a segment's, who are
  left out. The score is (1 + cosine) / 2.
- `buyers`: the users whose profiles are nearest to a product. In taste it is the product's out-vector, so that the
  order is that of the score by which `recommend` would recommend it to them, each profile being of unit length; a
  product too new to be learned has its foretold vector. The score is (1 + cosine) / 2 again, comparable between
  the users of one product and not between products. Who bought it already is left out.

By taste where a model is trained, else by text. Nothing personal comes back but user ids. Who switched
personalisation off has no vector: nobody like them is found, and they are in no list.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from profilestore.elastic.conditions import Compiler, profile_fields
from profilestore.elastic.search import Client, SearchFailure, get_source, search
from profilestore.errors import ModelError, NotFound, UsageError
from profilestore.recommend.clauses import Body, Clause
from profilestore.recommend.mean_profile import MeanProfile, read_mean
from profilestore.recommend.neighbours import PEOPLE_SPACES
from profilestore.recommend.people_answers import PeopleAnswer, Person
from profilestore.recommend.people_bodies import (
    MOST,
    build_buyers_body,
    build_like_mean_body,
    build_like_user_body,
    build_segment_clause,
)
from profilestore.recommend.request import Request
from profilestore.recommend.trained import Trained
from profilestore.recommend.wish import check_id
from profilestore.settings import Settings

__all__ = ["People"]

_NO_ONE: Final = "nothing is known of these users, or personalisation is off"
_NO_VECTOR: Final = "this product has no vector, such as one without a text"


class People:
    """Finds users of one shop. Safe to share between threads."""

    def __init__(self, client: Client, settings: Settings, *, trained: Callable[[], Trained]) -> None:
        self._client = client
        self._settings = settings
        self._trained = trained

    def lookalike(
        self,
        user_ids: Sequence[str] = (),
        *,
        segment: str | None = None,
        n: int = 10,
        where: str | None = None,
        method: str = "auto",
    ) -> PeopleAnswer:
        """The n users most like these, or like a segment's, who themselves are left out.

        Args:
            user_ids: whose mean is taken; of some of whom nothing may be known.
            segment: instead of them, `FIELD=VALUE` of a keyword field of the profiles, or a segment's name.
            n: from 1 to 10,000.
            where: a condition that they must fulfil, such as `country == "France"`.
            method: auto, taste or text.

        Raises:
            NotFound: nothing is known of any of them.
            UsageError: users and a segment at once or neither, an unknown field or method, n out of range.
            ModelError: no space is trained.
        """
        started = time.perf_counter()
        wanted, seeds = self._wanted(where), self._seeds(user_ids, segment)
        _check_n(n)
        for _ in range(2):
            mean = self._mean(seeds, method)
            body = build_like_mean_body(mean, seeds=seeds, wanted=wanted, n=n, settings=self._settings)
            users = self._ask(body) or ()
            # Nobody: perhaps a switch of generations came in between. Once more.
            if len(users) > 0:
                break
        return PeopleAnswer(
            asked={"segment": segment} if segment is not None else {"like": list(dict.fromkeys(user_ids))},
            method=mean.space,
            took_ms=(time.perf_counter() - started) * 1000.0,
            users=users,
            seeds=mean.count,
        )

    def _mean(self, seeds: Clause, method: str) -> MeanProfile:
        alias = self._settings.index("profiles")
        for space in self._spaces(method):
            mean = read_mean(self._client, alias, space=space, query=seeds)
            if mean is not None:
                return mean
        raise NotFound(f"{_NO_ONE}: there is nobody to be compared with.", kind="user", id="")

    def buyers(
        self,
        product_id: str,
        *,
        n: int = 10,
        where: str | None = None,
        method: str = "auto",
        include_buyers: bool = False,
    ) -> PeopleAnswer:
        """The n users who would like this product most, without those who bought it, unless they are included.

        Raises:
            NotFound: there is no such product.
            UsageError, ModelError: as `lookalike`.
        """
        started = time.perf_counter()
        users: tuple[Person, ...] | None = None
        used = ""
        for used in self._spaces(method):
            body = self._buyers_body(product_id, used, n=n, where=where, include_buyers=include_buyers)
            if (users := self._ask(body)) is not None:
                break
        if users is None:
            self._known(product_id)
        return PeopleAnswer(
            asked={"product_id": product_id},
            method=used,
            took_ms=(time.perf_counter() - started) * 1000.0,
            users=users or (),
            fallback=_NO_VECTOR if users is None else None,
        )

    def buyers_many(self, product_ids: Iterable[str], **options: Any) -> Iterator[PeopleAnswer | NotFound]:
        """As `buyers` for each, in the order given; an unknown one's error stands in its place, not raised."""
        for product_id in product_ids:
            try:
                yield self.buyers(product_id, **options)
            except NotFound as error:
                yield error

    def lookalike_request(
        self,
        user_ids: Sequence[str] = (),
        *,
        segment: str | None = None,
        n: int = 10,
        where: str | None = None,
        method: str = "auto",
    ) -> Request:
        """The request that finds users like one, for an app to send.

        Raises:
            UsageError: of several users or a segment, whose mean no single request can look up.
        """
        if segment is not None or len(set(user_ids)) != 1:
            raise UsageError(
                "--as-query takes one user: the mean of several, or of a segment, must be read before it can be "
                "asked with, which is two requests."
            )
        (user_id,) = set(user_ids)
        body = build_like_user_body(
            check_id(user_id, kind="user"), space=self._spaces(method)[0], wanted=self._wanted(where), n=_check_n(n),
            settings=self._settings,
        )  # fmt: skip
        return self._request(body)

    def buyers_request(
        self,
        product_id: str,
        *,
        n: int = 10,
        where: str | None = None,
        method: str = "auto",
        include_buyers: bool = False,
    ) -> Request:
        """The request that `buyers` is answered by: one kNN over the profiles, the product's vector looked up."""
        bodies = [
            self._buyers_body(product_id, space, n=n, where=where, include_buyers=include_buyers)
            for space in self._spaces(method)
        ]
        found = next((body for body in bodies if self._ask(body) is not None), None)
        if found is None:
            self._known(product_id)
        return self._request(bodies[0] if found is None else found)

    def _buyers_body(self, product_id: str, space: str, *, n: int, where: str | None, include_buyers: bool) -> Body:
        return build_buyers_body(
            check_id(product_id, kind="product"), space=space, wanted=self._wanted(where),
            include_buyers=include_buyers, n=_check_n(n), settings=self._settings,
        )  # fmt: skip

    def _request(self, body: Body) -> Request:
        return Request(path=f"/{self._settings.index('profiles')}/_search", body=body)

    def _ask(self, body: Body) -> tuple[Person, ...] | None:
        """The users found; None where the vector looked up is missing. An empty answer is asked for once more."""
        users: tuple[Person, ...] = ()
        for _ in range(2):
            answer = search(self._client, path=f"/{self._settings.index('profiles')}/_search", body=body)
            if isinstance(answer, SearchFailure):
                return None
            hits = answer.get("hits", {}).get("hits", [])
            users = tuple(Person(hit["_source"]["user_id"], float(hit["_score"])) for hit in hits)
            if len(users) > 0:
                break
        return users

    def _known(self, product_id: str) -> None:
        products = self._settings.index("products")
        if get_source(self._client, index=products, id=product_id, fields=["product_id"]) is None:
            raise NotFound(f"there is no product {product_id}.", kind="product", id=product_id)

    def _spaces(self, method: str) -> list[str]:
        """The spaces to be tried, the best first."""
        if method not in ("auto", *PEOPLE_SPACES):
            raise UsageError(f"users are found by auto, {' or '.join(PEOPLE_SPACES)}.")
        trained = self._trained().spaces
        wanted: list[str] = [space for space in PEOPLE_SPACES if space in trained and method in ("auto", space)]
        if len(wanted) == 0:
            raise ModelError(
                "users are compared by taste or by text, and this shop has not trained that: run `profilestore train`, "
                "or `profilestore index products FILE` with a text model."
            )
        return wanted

    def _wanted(self, where: str | None) -> list[Clause]:
        return [] if where is None else [self._query(where)]

    def _query(self, condition: str) -> Clause:
        return Compiler(profile_fields(self._settings), time_zone=self._settings.time_zone).query(condition)

    def _seeds(self, user_ids: Sequence[str], segment: str | None) -> Clause:
        """The query that finds the users to be compared with."""
        if (len(user_ids) > 0) == (segment is not None):
            raise UsageError("name users or a segment, and not both.")
        if segment is None:
            ids = [check_id(user_id, kind="user") for user_id in dict.fromkeys(user_ids)]
            if len(ids) > MOST:
                raise UsageError(f"name at most {MOST:,} users, or a segment.")
            return {"terms": {"user_id": ids}}
        return build_segment_clause(segment, query=self._query)


def _check_n(n: int) -> int:
    if not 1 <= n <= MOST:
        raise UsageError(f"n is from 1 to {MOST:,}.")
    return n
