"""`recommend --all`: the current list of every user, for nightly jobs, mails and Kibana.

Users are taken in order of their ids, a page at a time, answered like any other question (a hundred bodies a
request) and written over their former list. After each page the run notes how far it came. At the end, lists
that are not of this run go: of users who are gone. Who has personalisation switched off gets the popular
products, as from `recommend`, of which nothing is about them.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from profilestore.documents import RecommendationList
from profilestore.elastic.product_index import ProductIndex
from profilestore.elastic.recommendation_index import RecommendationIndex
from profilestore.errors import ProfileStoreError, ServerError, StoreError
from profilestore.recommend.answers import Answer
from profilestore.recommend.nightly_run import NightlyRun, RunRecord

__all__ = ["AllReport", "Nightly", "fingerprint"]

_PAGE: Final = 200
# One page is answered while another is read and written; more did not help one node (scripts/measure_nightly.py).
_WORKERS: Final = 2
_SWITCHES: Final = 5

Answering = Callable[[Sequence[str]], Iterable[Answer]]


@dataclass(slots=True)
class AllReport:
    """What a run did. `users` have a list of it; `resumed` of them had it before this call went on with the run.

    `methods` and `fallbacks` (lists by another method than the one asked for) are of the lists of this call.
    """

    run: str
    users: int
    resumed: int
    removed: int = 0
    fallbacks: int = 0
    methods: dict[str, int] = field(default_factory=dict)
    generations: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        return asdict(self)


def fingerprint(options: Mapping[str, Any]) -> str:
    """What tells runs of other options apart."""
    data = orjson.dumps(dict(options), option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str)
    return hashlib.sha256(data).hexdigest()[:16]


class Nightly:
    """Writes everybody's list.

    Args:
        answer: the answers of some users, in their order. Called from two threads.
        lists: where they go.
        products: to tell generations apart.
        record: of the run.
    """

    def __init__(
        self, answer: Answering, *, lists: RecommendationIndex, products: ProductIndex, record: RunRecord
    ) -> None:
        self._answer = answer
        self._lists = lists
        self._products = products
        self._record = record

    def run(self, options: str, *, progress: Callable[[int, int], None] = lambda done, total: None) -> AllReport:
        """Write all lists, or go on with a run of the same options that was killed.

        Args:
            options: their fingerprint.
            progress: is told how many users have their list, and how many there are.

        Raises:
            StoreError: another run is under way, or took this one over.
        """
        started = time.monotonic()
        total = self._lists.count_users()
        run, resumed = self._record.take(options)
        report = AllReport(run=run.run, users=run.written, resumed=run.written if resumed else 0)
        try:
            run = self._write_all(run, report, lambda done: progress(done, total))
            run = self._replace_others(run, report)
            self._lists.refresh()
            self._record.finish(run)
        except BaseException:
            # Also on Ctrl-C. If even this fails, the next one waits until this process is gone.
            with suppress(ProfileStoreError):
                self._record.release()
            raise
        report.users = run.written
        report.seconds = round(time.monotonic() - started, 3)
        return report

    def _write_all(self, run: NightlyRun, report: AllReport, progress: Callable[[int], None]) -> NightlyRun:
        pages: deque[tuple[list[str], Future[list[RecommendationList]]]] = deque()
        after, over = run.upto, False
        progress(run.written)
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="recommend-all") as pool:
            try:
                while True:
                    while not over and len(pages) <= _WORKERS:
                        users = self._lists.users_after(after, n=_PAGE)
                        over = len(users) == 0
                        if not over:
                            pages.append((users, pool.submit(self._write, users, run.run)))
                            after = users[-1]
                    if len(pages) == 0:
                        return run
                    users, written = pages.popleft()
                    _count(report, written.result())
                    run = self._record.advance(run, upto=users[-1], written=len(users))
                    progress(run.written)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _write(self, user_ids: Sequence[str], run: str) -> list[RecommendationList]:
        lists = self._of_one_generation(user_ids, run)
        self._lists.write(lists)
        return lists

    def _of_one_generation(self, user_ids: Sequence[str], run: str) -> list[RecommendationList]:
        """Lists whose products and profiles are of the generation that they name: made again where a switch came
        in between (promise P4)."""
        for _ in range(_SWITCHES):
            before = self._products.identity().meta.generation
            try:
                answers = list(self._answer(user_ids))
            except (StoreError, ServerError):
                # A switch deletes the indices that were read from a moment ago.
                if self._products.identity().meta.generation == before:
                    raise
                continue
            if self._products.identity().meta.generation == before:
                now = datetime.now(UTC)
                return [_list_of(answer, run=run, generation=before, as_of=now) for answer in answers]
        raise StoreError("models are switched faster than lists are made: run it again when that is over.")

    def _replace_others(self, run: NightlyRun, report: AllReport) -> NightlyRun:
        """Lists of other runs: their users are gone, or came while this one was under way."""
        for page in self._lists.not_of(run.run):
            here = set(self._lists.with_profile([user_id for user_id, _ in page]))
            gone = [(user_id, revision) for user_id, revision in page if user_id not in here]
            report.removed += self._lists.delete(gone) if len(gone) > 0 else 0
            late = [user_id for user_id, _ in page if user_id in here]
            for start in range(0, len(late), _PAGE):
                users = late[start : start + _PAGE]
                _count(report, self._write(users, run.run))
                run = self._record.advance(run, upto=run.upto or users[-1], written=len(users))
        return run


def _count(report: AllReport, lists: Sequence[RecommendationList]) -> None:
    methods = Counter(report.methods)
    methods.update(each.method for each in lists)
    report.methods = dict(sorted(methods.items()))
    report.fallbacks += sum(each.fallback is not None for each in lists)
    report.generations = sorted({*report.generations, *(each.generation for each in lists)})


def _list_of(answer: Answer, *, run: str, generation: str, as_of: datetime) -> RecommendationList:
    items = [item.to_json_dict() for item in answer.items]
    return RecommendationList(
        user_id=str(answer.user_id),
        as_of=as_of,
        method=answer.method,
        fallback=answer.fallback,
        run=run,
        generation=generation,
        products=list(answer.product_ids),
        items=[{key: value for key, value in item.items() if key != "reasons" or len(value) > 0} for item in items],
    )
