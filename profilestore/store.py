"""`ProfileStore`: the Python interface. The command line has nothing that it lacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self, Unpack, cast

from profilestore.documents import Event, Product, ProfileDocument, User
from profilestore.elastic import differences, indices
from profilestore.elastic.bulk import Operation
from profilestore.elastic.client import connect, reach
from profilestore.elastic.counts import document_counts
from profilestore.elastic.local_server import server_url
from profilestore.errors import NotFound, ServerUnavailable, SettingsChanged, UsageError
from profilestore.indexing import loading
from profilestore.indexing.counts import LoadCounts
from profilestore.indexing.events import admissible, record
from profilestore.indexing.folding import FoldReport
from profilestore.indexing.generation import BuildReport
from profilestore.indexing.loading import Kind, LoadOptions
from profilestore.indexing.migrate import MigrationReport, migrate, rebuild_all
from profilestore.indexing.parts import Parts
from profilestore.indexing.popularity import refresh_popularity, refresh_popularity_if_old
from profilestore.indexing.retraining import TextReport, TopicsReport, train_text_model, train_topic_model
from profilestore.indexing.rules import Rules
from profilestore.indexing.training import ModelEntry, TasteReport, learn_options, list_models, train_taste, use_model
from profilestore.indexing.verify import VerifyReport
from profilestore.insight.insight import Insight
from profilestore.recommend.answering import make_recommender
from profilestore.recommend.answers import Answer, SearchAnswer, SimilarAnswer
from profilestore.recommend.feedback.loop import Feedback
from profilestore.recommend.feedback.making import make_choosing, make_feedback, make_nightly
from profilestore.recommend.nightly import AllReport, fingerprint
from profilestore.recommend.people import People
from profilestore.recommend.phrases import Telling
from profilestore.recommend.request import Request
from profilestore.recommend.wish import FilterOptions, Options, SimilarOptions
from profilestore.settings import Settings

if TYPE_CHECKING:
    from profilestore.evaluate.options import EvaluateOptions
    from profilestore.evaluate.report import Evaluation
    from profilestore.evaluate.sources import Files

__all__ = ["ProfileStore"]

Progress = Callable[[str], None]

REACH_WITHIN_S: Final = 10.0


def _silent(step: str) -> None:
    """Nobody wants to know."""


class ProfileStore:
    """One shop's profile store. Open it with `ProfileStore.open()`; safe to use in a `with` block.

    Not to be shared between threads for writing; answers (`recommend`, `similar`, `search`) may be.
    """

    def __init__(self, settings: Settings, *, url: str) -> None:
        self.settings = settings
        self.url = url
        self._client = connect(settings, url=url)
        self._parts = Parts(self._client, settings)
        self._recommender = make_recommender(self._parts)
        self._choosing = make_choosing(self._parts, self._recommender)
        self._unseen = False

    @classmethod
    def open(cls, settings: Settings | None = None, **flags: Any) -> Self:
        """Open the shop of the settings (file, environment, then these flags), on the server that runs.

        Raises:
            SettingsError: a setting is missing, unknown or out of range.
            ServerUnavailable: no server is there: `profilestore up` starts one.
        """
        settings = Settings.load(**flags) if settings is None else settings
        shop = cls(settings, url=server_url(settings))
        try:
            reach(shop._client, within_s=REACH_WITHIN_S)
        except ServerUnavailable:
            shop._client.close()
            raise
        return shop

    def close(self) -> None:
        """Keep how far the fold came, and close the connection."""
        self._parts.in_force.folder.close()
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._client.close()

    # ---------------------------------------------------------------- indices

    def init(self) -> list[str]:
        """Make templates, indices and aliases where they are missing; returns the indices made."""
        return indices.init(self._client, self.settings)

    def check(self) -> list[str]:
        """Every difference between server, mappings and documents, a line each; [] when all agree."""
        return [str(difference) for difference in differences.compare(self._client, self.settings)]

    def migrate(self, *, progress: Progress = _silent) -> MigrationReport:
        """Mend what `check` lists, without a stop."""
        return migrate(self._parts, progress=progress)

    def status(self) -> dict[str, Any]:
        """Documents by kind, how far the fold is behind, and the models in force.

        `settings_changed`: the profiles were folded under other settings, and nothing is folded until they
        are rebuilt or the settings taken back.
        """
        counts = document_counts(self._client, self.settings)
        report: dict[str, Any] = {"prefix": self.settings.prefix, "indices": counts}
        if not self._client.indices.exists_alias(name=self.settings.index("profiles")):
            nothing = {"fold_lag_events": 0, "fold_lag_s": 0.0, "settings_changed": False, "generation": None}
            return report | nothing | {"models": {}}
        folder = self._parts.in_force.folder
        try:
            oldest, settings_changed = folder.oldest_pending(), False
        except SettingsChanged:
            oldest, settings_changed = None, True
        lag_s = 0.0 if oldest is None else max(0.0, (datetime.now(UTC) - oldest.time).total_seconds())
        meta = self._parts.in_force.products.identity().meta
        return report | {
            "fold_lag_events": 0 if oldest is None else folder.lag(),
            "fold_lag_s": round(lag_s, 1),
            "settings_changed": settings_changed,
            "generation": meta.generation,
            "models": {"text": meta.text_model, "topics": meta.topics_model, "taste": meta.taste_model},
        }

    # ---------------------------------------------------------------- writing

    def load(self, kind: Kind, paths: Sequence[str | Path], options: LoadOptions | None = None) -> LoadCounts:
        """Load files of products, users or events; see `profilestore.indexing.loading.load_files`."""
        return loading.load_files(self._parts, kind, paths, options or LoadOptions())

    def index_products(self, products: Iterable[Product]) -> LoadCounts:
        """Index products. Unchanged ones are not written, unchanged texts not embedded again (P3)."""

        def write(rows: Iterable[Product]) -> LoadCounts:
            given = list(rows)
            last = list({row.product_id: row for row in given}.values())
            counts = loading.add_products(self._parts, last)
            counts.duplicate += len(given) - len(last)
            return counts

        return _counted(products, write)

    def index_users(self, users: Iterable[User]) -> LoadCounts:
        """Take in user attributes, consent and opt-out."""
        return _counted(users, lambda rows: loading.add_users(self._parts, rows))

    def index_events(self, events: Iterable[Event]) -> LoadCounts:
        """Append many events to the log and fold them, in batches of `batch_size`."""
        return _counted(events, lambda rows: loading.add_events(self._parts, _batches(rows, self.settings.batch_size)))

    def record(self, events: Event | Sequence[Event]) -> LoadCounts:
        """Record one or a few events as they happen: in the log and in the profile when this returns.

        An event that is known already counts as `duplicate` and changes nothing; one dated too far ahead is
        `rejected`.
        """
        batch = [events] if isinstance(events, Event) else list(events)
        side = self._parts.in_force
        counts = LoadCounts(read=len(batch))
        kept = admissible(batch, log=side.log, counts=counts)
        if len(kept) > 0:
            appended, _ = record(kept, log=side.log, folder=side.folder)
            counts.indexed, counts.duplicate = appended.created, len(kept) - appended.created
            # Lookups see what is refreshed; done at the next answer, so that a record costs no refresh.
            self._unseen = self._unseen or appended.created > 0
        return counts

    def delete_products(self, product_ids: Sequence[str]) -> int:
        """Take products off sale for good: a tombstone keeps what profiles were made of, and no answer has it.

        Raises:
            NotFound: some of the products are not there; the others were deleted.
        """
        wanted = list(dict.fromkeys(product_ids))
        products = self._parts.in_force.products
        found = products.read(products.identity().index, wanted, fields=["product_id"])
        alias = self.settings.index("products")
        operations = [Operation("update", alias, product_id, {"deleted": True}) for product_id in found]
        while len(operations) > 0:
            outcomes = products.write(operations, action="deleting products")
            # Others derive fields of the same products.
            operations = [o for o, outcome in zip(operations, outcomes, strict=True) if outcome.conflict]
        products.refresh(alias)
        missing = [product_id for product_id in wanted if product_id not in found]
        if len(missing) > 0:
            raise NotFound(
                f"{len(missing)} of {len(wanted)} products are not in {alias}, the first is {missing[0]}; "
                f"{len(found)} were deleted.",
                kind="product",
                id=missing[0],
            )
        return len(found)

    # ---------------------------------------------------------------- the fold

    def fold(self) -> FoldReport:
        """Fold what is in the log and not yet in the profiles, whoever wrote it."""
        side = self._parts.in_force
        report = side.folder.fold_pending()
        side.refold.work_off()
        refresh_popularity_if_old(self._client, self.settings)
        if report.profiles + report.rebuilt > 0:
            side.profiles.refresh(self.settings.index("profiles"))
        return report

    def follow(self, *, every_s: float = 1.0) -> Iterator[FoldReport]:
        """Fold again and again, with a pause of `every_s` seconds; yields the report of each round."""
        while True:
            yield self.fold()
            time.sleep(every_s)

    def profile(self, user_id: str) -> ProfileDocument:
        """The profile of a user, without its vectors.

        Raises:
            NotFound: nothing is known of this user.
        """
        profiles = self._parts.in_force.profiles
        stored = profiles.read_now([user_id])
        if user_id not in stored:
            raise NotFound(
                f"no profile of user {user_id} in {self.settings.index('profiles')}.", kind="user", id=user_id
            )
        return ProfileDocument.from_source(dict(stored[user_id].source))

    def verify(self, user_ids: Sequence[str]) -> VerifyReport:
        """Fold these users' events again and compare with their profiles."""
        return self._parts.verifier.verify(user_ids)

    def verify_all(self, *, quick: bool = False) -> VerifyReport:
        """The same for all; `quick` compares counts and positions only."""
        return self._parts.verifier.verify_all(quick=quick)

    def rebuild(self, user_ids: Sequence[str]) -> int:
        """Fold these users' events again from nothing and write their profiles whole."""
        side = self._parts.in_force
        rebuilt = side.writer.rebuild_users(sorted(set(user_ids)))
        side.profiles.refresh(self.settings.index("profiles"))
        return rebuilt

    def rebuild_all(self, *, progress: Progress = _silent) -> BuildReport:
        """Fold all profiles again under the settings of now, beside those in force, and switch."""
        return rebuild_all(self._parts, progress=progress)

    # ---------------------------------------------------------------- models

    def train_topics(
        self, *, topics: int | Literal["auto"] = "auto", seed: int = 7, progress: Progress = _silent
    ) -> TopicsReport:
        """Train a topic model on the products and switch it in."""
        return train_topic_model(self._parts, topics=topics, seed=seed, progress=progress)

    def topics(self, *, words: int = 10) -> list[dict[str, Any]]:
        """The topics in force: label, words, and how many products have it among their main ones; [] without."""
        side = self._parts.in_force
        meta = side.products.identity().meta
        if meta.topics_model is None:
            return []
        model = self._parts.models.topics(meta.topics_model)
        shares = side.products.count_by(self.settings.index("products"), "main_topics")
        return [
            {"topic": topic, "label": label, "words": model.words(topic, words), "products": shares.get(label, 0)}
            for topic, label in enumerate(model.labels)
        ]

    def train_text_model(self, model: str = "auto", *, progress: Progress = _silent) -> TextReport:
        """Choose another text model (`auto`, `minilm`, `words`, a name or path), embed anew, and switch."""
        return train_text_model(self._parts, wanted=model, progress=progress)

    def train(
        self,
        *,
        learner: Literal["auto", "ease", "spectral"] = "auto",
        dims: int | None = None,
        budget: int | None = None,
        form: Literal["auto", "dense", "sparse"] = "auto",
        progress: Progress = _silent,
    ) -> TasteReport:
        """Train a taste model on the event log and switch it in without a stop.

        Args:
            learner: ease is exact and for up to some 25,000 products, spectral for more; auto takes what fits.
            dims: of the vectors; chosen on a validation cut when None.
            budget: how many settings may be tried on the validation cut; 0 takes the defaults.
            form: dense is one kNN request, sparse is exact at any size; auto takes dense unless it loses over 3 %.
            progress: is told each step, with what it will take before it starts.

        Raises:
            ModelError: too little to learn from, or more than fits into memory.
        """
        return train_taste(self._parts, learn_options(learner, dims, budget, form), progress=progress)

    def models(self) -> list[ModelEntry]:
        """All stored models with their figures, oldest first."""
        return list_models(self._parts)

    def use_model(self, model_id: str, *, progress: Progress = _silent) -> TasteReport:
        """Put a stored taste model in force again, with the products and profiles of today."""
        return use_model(self._parts, model_id, progress=progress)

    @property
    def insight(self) -> Insight:
        """What a marketer asks of the profiles: `shop.insight.run()`, `.results()`, `.result(name)`."""
        return Insight(self._parts)

    @property
    def people(self) -> People:
        """Users instead of products: `shop.people.lookalike(["u1"])`, `.buyers("p1")`."""
        self._show_recorded()
        return People(self._client, self.settings, trained=self._recommender.trained)

    @property
    def rules(self) -> Rules:
        """What is bought together: `shop.rules.mine()`, `.show()`, `.report()`."""
        return Rules(self._parts)

    def refresh_popularity(self) -> int:
        """Derive popularity and trending of all products from the log; returns how many were written."""
        return refresh_popularity(self._client, self.settings)

    def evaluate(
        self,
        options: EvaluateOptions | None = None,
        *,
        files: Files | None = None,
        progress: Progress = _silent,
    ) -> Evaluation:
        """Measure what is served on a held-out part of the events (of the log, or of files), beside peers.

        Works on a temporary shop beside this one, of which nothing is changed; see `profilestore.evaluate`.

        Raises:
            UsageError: options that cannot be meant, or a peer's package that is missing.
            StoreError: there is too little to evaluate on.
        """
        from profilestore.evaluate.run import evaluate

        return evaluate(self._parts, options, files=files, progress=progress)

    # ---------------------------------------------------------------- answers

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


def _batches(rows: Iterable[Event], size: int) -> Iterator[list[Event]]:
    iterator = iter(rows)
    while len(batch := list(islice(iterator, size))) > 0:
        yield batch


def _counted(rows: Iterable[Any], write: Callable[[Iterable[Any]], LoadCounts]) -> LoadCounts:
    read = 0

    def counting() -> Iterator[Any]:
        nonlocal read
        for row in rows:
            read += 1
            yield row

    started = time.monotonic()
    counts = write(counting())
    counts.read = read
    counts.seconds = round(time.monotonic() - started, 3)
    counts.check()
    return counts
