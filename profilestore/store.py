"""`ProfileStore`: the Python interface. The command line has nothing that it lacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from profilestore.documents import Event, Product, ProfileDocument, User
from profilestore.elastic import differences, indices
from profilestore.elastic.bulk import Operation
from profilestore.elastic.client import connect, reach
from profilestore.elastic.counts import document_counts
from profilestore.elastic.erasing import erase_user
from profilestore.elastic.local_server import server_url
from profilestore.errors import NotFound, ServerUnavailable, SettingsChanged
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
from profilestore.insight.user_card import Card, UserCards
from profilestore.recommend.interface import Answering
from profilestore.settings import Settings

if TYPE_CHECKING:
    from profilestore.campaigns.audiences import Audiences
    from profilestore.dashboards.previewing import Preview
    from profilestore.dashboards.refresh.refreshing import RefreshReport
    from profilestore.dashboards.refresh.told import Told
    from profilestore.evaluate.options import EvaluateOptions
    from profilestore.evaluate.report import Evaluation
    from profilestore.evaluate.sources import Files

__all__ = ["ProfileStore"]

Progress = Callable[[str], None]

REACH_WITHIN_S: Final = 10.0


def _silent(step: str) -> None:
    """Nobody wants to know."""


class ProfileStore(Answering):
    """One shop's profile store. Open it with `ProfileStore.open()`; safe to use in a `with` block.

    Not to be shared between threads for writing; answers (`recommend`, `similar`, `search`) may be.
    """

    def __init__(self, settings: Settings, *, url: str) -> None:
        self.url = url
        self._client = connect(settings, url=url)
        super().__init__(Parts(self._client, settings))

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

    def card(self, user_id: str, *, language: Literal["en", "zh"] | None = None) -> Card:
        """What is believed of a user, from what, how sure, and how to object, in the shop's language or another.

        `user_card_text.card_text` and `user_card_html.card_html` render it.

        Raises:
            NotFound: nothing is known of this user.
        """
        return UserCards(self._parts).card(user_id, language=language or self.settings.language)

    def forget(self, user_id: str) -> dict[str, int]:
        """Delete all acts of a user, what they told and their profile for good; how many documents of each kind.

        What is counted over all users knows of them until it is made anew (`fold`, `train`, `insight run`). Events
        that are loaded again from files come back: take the user out of the files, too.

        Raises:
            NotFound: nothing is known of this user.
        """
        deleted = erase_user(self._client, self.settings, user_id)
        if sum(deleted.values()) == 0:
            raise NotFound(f"the shop {self.settings.prefix} knows nothing of user {user_id}.", kind="user", id=user_id)
        return deleted

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
    def audiences(self) -> Audiences:
        """Whom to write to: `shop.audiences.build(name, definition)`, `.members(name)`, `.export(name, path)`."""
        from profilestore.campaigns.audiences import Audiences

        self._show_recorded()
        return Audiences(self._parts, recommend=self.recommend_many)

    @property
    def rules(self) -> Rules:
        """What is bought together: `shop.rules.mine()`, `.show()`, `.report()`."""
        return Rules(self._parts)

    def refresh_popularity(self) -> int:
        """Derive popularity and trending of all products from the log; returns how many were written."""
        return refresh_popularity(self._client, self.settings)

    def preview_dashboards(self, *, language: Literal["en", "zh"] = "en", users: Sequence[str] = ()) -> Preview:
        """All dashboards with their numbers of now as one page; `refresh_dashboards` first, for those of today.

        Args:
            language: of the page.
            users: to choose among on *One customer*; a sample of 50 when empty.

        Raises:
            NotFound: one of the users is not known, or has switched personalisation off.
        """
        from profilestore.dashboards.previewing import make_preview

        return make_preview(self._client, self.settings, language=language, users=users)

    def refresh_dashboards(self, *, rebuild: bool = False, progress: Progress = _silent) -> RefreshReport:
        """Bring to the day what dashboards read beside the shop's own indices; quick when nothing is new.

        Args:
            rebuild: derive all of it again beside what is in force, and switch.
            progress: is told each step.
        """
        from profilestore.dashboards.refresh.refreshing import Refresh

        return Refresh(self._parts, self._told()).run(rebuild=rebuild, progress=progress)

    def _told(self) -> Told:
        """What dashboards show of recommendations and insight."""
        from profilestore.dashboards.refresh.told import Told
        from profilestore.features.sentiment.scoring import label_of
        from profilestore.recommend.feedback.attribution import outcomes
        from profilestore.recommend.feedback.loop import WINDOW_MS

        feedback, sentiment = self.feedback, self.insight.sentiment
        scorer = cache(sentiment.scorer)  # loaded once, and only where somebody wrote a review

        def score(texts: Sequence[str]) -> list[tuple[float | None, str | None]]:
            return [(found, None if found is None else label_of([found])) for found, _ in scorer().score(texts)]

        return Told(
            outcomes=lambda acts: outcomes(acts, window_ms=WINDOW_MS),
            score=score,
            scorer=sentiment.in_force,
            topics=self.topics,
            experiments=feedback.experiment_rows,
            signs=lambda: f"{self._parts.in_force.products.identity().meta.topics_model} {feedback.experiments.list()}",
        )

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
