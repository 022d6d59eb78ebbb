"""`Refresh`: brings to the day what dashboards read beside the shop's own indices.

    event log, profiles, products -> {prefix}-activity -> {prefix}-figures;  fields of {prefix}-recommendations

All of it is derived, and may be derived again at any time. A refresh mends what is not as it should be and leaves
the rest alone, so one that was killed is made up for by the next one, and two at once do no harm.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby, islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from profilestore.dashboards.refresh.figures import (
    GROUPS,
    Buyer,
    experiment_figures,
    retention_figures,
    topic_figures,
)
from profilestore.dashboards.refresh.lists import describe_lists
from profilestore.dashboards.refresh.mending import Mended, Mender, Moved
from profilestore.dashboards.refresh.noted import Noted
from profilestore.dashboards.refresh.queries import show_queries
from profilestore.dashboards.refresh.shelf import SHELF_FIELDS, Shelf
from profilestore.dashboards.refresh.told import Told
from profilestore.elastic.activity_index import ActivityIndex
from profilestore.elastic.event_log import LogIdentity
from profilestore.elastic.figure_index import FigureIndex
from profilestore.elastic.log_users import acts_by_user
from profilestore.elastic.recommendation_index import RecommendationIndex
from profilestore.elastic.retry import BlockWait
from profilestore.errors import NotInitialised, StoreError
from profilestore.indexing.parts import Parts

__all__ = ["Refresh", "RefreshReport"]

_USERS: Final = 1000
_TOLD_EVERY_S: Final = 5.0

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshReport:
    """What a refresh did. `unchanged`: nothing was new since the last one, and nothing was looked at.

    Attributes:
        acts: that are held now, of `users`.
        derived: users whose acts were derived anew.
        written: acts that were new or others than they were; `removed` are in the log no longer.
        queries: searches whose words are shown now, or not any more.
        lists: recommendations that were changed.
        figures: that were written or removed.
        rebuilt: all acts were derived into a new index.
    """

    acts: int
    users: int = 0
    derived: int = 0
    written: int = 0
    removed: int = 0
    queries: int = 0
    lists: int = 0
    figures: int = 0
    rebuilt: bool = False
    unchanged: bool = False
    seconds: float = 0.0

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        return asdict(self)


class Refresh:
    """Refreshes what the dashboards of one shop read.

    Args:
        parts: of the shop.
        told: what other stages tell.
    """

    def __init__(self, parts: Parts, told: Told) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._told = told
        self._zone = ZoneInfo(parts.settings.time_zone)
        self._noted = Noted(parts, told)
        self._activity = ActivityIndex(parts.client, name=parts.settings.index("activity"))
        self._figures = FigureIndex(parts.client, alias=parts.settings.index("figures"))
        self._lists = RecommendationIndex(
            parts.client, alias=parts.settings.index("recommendations"), profiles=parts.settings.index("profiles")
        )

    def run(self, *, rebuild: bool = False, progress: Progress = lambda step: None) -> RefreshReport:
        """Do what is due.

        Args:
            rebuild: derive all acts into a new index beside the one in force, and switch.
            progress: is told each step.

        Raises:
            NotInitialised: the shop has no such indices yet.
            StoreError: with `rebuild`, another build is under way.
        """
        started = time.monotonic()
        self._parts.in_force.folder.fold_pending()
        basis = self._noted.basis()
        if not rebuild and self._noted.stands(basis):
            acts = self._activity.count(self._settings.index("activity"))
            return RefreshReport(acts=acts, unchanged=True, seconds=round(time.monotonic() - started, 3))
        before = self._noted.held()
        shelf = self._shelf()
        mended, queries = self._rebuild(shelf, progress) if rebuild else self._mend(shelf, progress)
        progress("lists of recommendations")
        lists = describe_lists(self._lists, self._profiles, shelf, currency=self._settings.currency)
        progress("figures")
        figures = sum(self._figures.bring_to(self._all_figures(shelf)))
        own = {"activity": mended.written + mended.removed + queries, "figures": figures, "recommendations": lists}
        self._noted.note(basis, alone={kind: (uuid, upto + own[kind]) for kind, (uuid, upto) in before.items()})
        return RefreshReport(
            acts=self._activity.count(self._settings.index("activity")),
            users=mended.users,
            derived=mended.derived,
            written=mended.written,
            removed=mended.removed,
            queries=queries,
            lists=lists,
            figures=figures,
            rebuilt=rebuild,
            seconds=round(time.monotonic() - started, 3),
        )

    # ---------------------------------------------------------------- acts

    def _mend(self, shelf: Shelf, progress: Progress) -> tuple[Mended, int]:
        """Mend the acts in force; begins again, with little left to do, where a switch came in between."""
        patience = BlockWait()
        while True:
            index = self._activity.identity().index
            try:
                return self._pass(self._activity, index, shelf, progress, empty=False)
            except (Moved, NotInitialised) as error:
                if not patience.go_on():
                    raise StoreError("the activity cannot be written: its index is blocked.") from error

    def _rebuild(self, shelf: Shelf, progress: Progress) -> tuple[Mended, int]:
        """All acts into a new index, then the switch; what happened meanwhile is mended after it."""
        generations = self._parts.generations
        with generations.building():
            old = self._activity.identity()
            new = generations.create("activity", old.meta.model_copy(update={"generation": generations.next()}))
            moves = {"activity": (old.index, new)}
            try:
                target = ActivityIndex(self._parts.client, name=new)
                done, queries = self._pass(target, new, shelf, progress, empty=True)
                progress("switching the alias")
                generations.switch(moves)
            except BaseException:
                generations.abandon(moves)
                raise
            generations.drop([old.index])
        later, more = self._mend(shelf, progress)
        return Mended(done.users, done.derived, done.written + later.written, later.removed), queries + more

    def _pass(
        self, target: ActivityIndex, index: str, shelf: Shelf, progress: Progress, *, empty: bool
    ) -> tuple[Mended, int]:
        side, log, checkpoints = self._log()
        target.refresh(index)
        mender = Mender(
            side,
            log=log,
            checkpoints=checkpoints,
            target=target,
            index=index,
            shelf=shelf,
            zone=self._zone,
            told=self._told,
            empty=empty,
        )
        done, spoke = Mended(), time.monotonic()
        for step in mender.run(acts_by_user(self._parts.client, log.index)):
            done = done.plus(step)
            if time.monotonic() - spoke > _TOLD_EVERY_S:
                spoke = time.monotonic()
                progress(f"{done.users:,} users looked at, {done.written:,} acts written")
        queries = show_queries(side, target, index, log=log, checkpoints=checkpoints)
        target.refresh(index)
        return done, queries

    def _log(self) -> tuple[Any, LogIdentity, Mapping[int, int]]:
        side = self._parts.in_force
        log = side.log.identity()
        # The checkpoints first: what they count is found after the refresh.
        checkpoints = side.log.checkpoints(log)
        side.log.refresh(log)
        side.profiles.refresh(side.profiles.identity().index)
        return side, log, checkpoints

    def _shelf(self) -> Shelf:
        products = self._parts.in_force.products
        index = products.identity().index
        products.refresh(index)
        pages = products.scan(index, fields=SHELF_FIELDS, page=5000)
        return Shelf((id, source) for page in pages for id, source, _ in page)

    # ---------------------------------------------------------------- figures

    def _all_figures(self, shelf: Shelf) -> dict[str, dict[str, Any]]:
        index = self._activity.identity().index
        until = self._activity.last_time(index)
        found = topic_figures(self._told.topics(), on_sale=shelf.on_sale, until=until)
        found |= experiment_figures(self._told.experiments(), until=until)
        if until is not None:
            found |= retention_figures(self._buyers(index), until=until, zone=self._zone)
        return found

    def _buyers(self, index: str) -> Iterator[Buyer]:
        by_user = groupby(self._activity.purchase_months(index), key=lambda month: month[0])
        months = ((user_id, [(cohort, age) for _, cohort, age in own]) for user_id, own in by_user)
        while len(some := list(islice(months, _USERS))) > 0:
            known = self._profiles([user_id for user_id, _ in some])
            for user_id, bought in some:
                profile = known.get(user_id, {})
                off = profile.get("personalisation") == "off"
                groups = tuple(None if off else profile.get(name) for name in GROUPS)
                yield bought[0][0], [age for _, age in bought], groups

    def _profiles(self, user_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        profiles = self._parts.in_force.profiles
        query = {"terms": {"user_id": list(user_ids)}}
        pages = profiles.scan(
            profiles.identity().index, fields=[*GROUPS, "personalisation"], query=query, page=len(user_ids)
        )
        return {user_id: stored.source for page in pages for user_id, stored in page}
