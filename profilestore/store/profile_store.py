"""`ProfileStore`: the Python interface. The command line has nothing that it lacks."""

from __future__ import annotations

from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from profilestore.documents import ProfileDocument
from profilestore.elastic import differences, indices
from profilestore.elastic.client import connect, reach
from profilestore.elastic.counts import document_counts
from profilestore.elastic.erasing import erase_user
from profilestore.elastic.local_server import server_url
from profilestore.errors import NotFound, ServerUnavailable, SettingsChanged
from profilestore.indexing.migrate import MigrationReport, migrate
from profilestore.indexing.parts import Parts
from profilestore.indexing.rules import Rules
from profilestore.insight.card.user_card import Card, UserCards
from profilestore.insight.insight import Insight
from profilestore.settings import Settings
from profilestore.store.keeping import Keeping
from profilestore.store.progress import Progress, silent
from profilestore.store.training import Training

if TYPE_CHECKING:
    from profilestore.campaigns.audience.audiences import Audiences
    from profilestore.campaigns.campaigns import Campaigns
    from profilestore.campaigns.coupons.coupons import Coupons
    from profilestore.evaluate.options import EvaluateOptions
    from profilestore.evaluate.report import Evaluation
    from profilestore.evaluate.sources import Files
    from profilestore.store.dashboards import Dashboards

__all__ = ["ProfileStore"]

REACH_WITHIN_S: Final = 10.0


class ProfileStore(Keeping, Training):
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

    def migrate(self, *, progress: Progress = silent) -> MigrationReport:
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

    def staff_card(self, user_id: str, *, language: Literal["en", "zh"] | None = None) -> Card:
        """What the service desk needs of a user in ten seconds, above the user's own card; the audit says who looked.

        `card.screen.screen_text` renders it on one screen, `card.html.card_html` as a page.

        Raises:
            NotFound: nothing is known of this user.
            NotInitialised: a shop of an earlier version has no audit or no campaigns yet.
        """
        from profilestore.store.service_desk import audited_staff_card

        self._show_recorded()
        language = language or self.settings.language
        return audited_staff_card(self._parts, user_id, recommend=self.recommend_many, language=language)

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

    @property
    def insight(self) -> Insight:
        """What a marketer asks of the profiles: `shop.insight.run()`, `.results()`, `.result(name)`."""
        return Insight(self._parts)

    @property
    def audiences(self) -> Audiences:
        """Whom to write to: `shop.audiences.build(name, definition)`, `.members(name)`, `.export(name, path)`."""
        from profilestore.campaigns.audience.audiences import Audiences

        self._show_recorded()
        return Audiences(self._parts, recommend=self.recommend_many)

    @property
    def campaigns(self) -> Campaigns:
        """Whom to write to with what: `shop.campaigns.plan(definition)`, `.start(definition)`, `.stop(name)`."""
        from profilestore.campaigns.campaigns import Campaigns

        self._show_recorded()
        return Campaigns(self._parts, recommend=self.recommend_many, coupons=self.coupons)

    @property
    def coupons(self) -> Coupons:
        """Who has which code: `shop.coupons.claim(campaign, user_id)`, `.redeem(code, user_id)`, `.all()`."""
        from profilestore.campaigns.coupons.coupons import Coupons

        return Coupons(self._parts, record=self.record)

    @property
    def dashboards(self) -> Dashboards:
        """What marketers look at: `shop.dashboards.refresh()`, `.preview()`."""
        from profilestore.store.dashboards import Dashboards

        return Dashboards(self._parts, feedback=self.feedback, topics=self.topics)

    @property
    def rules(self) -> Rules:
        """What is bought together: `shop.rules.mine()`, `.show()`, `.report()`."""
        return Rules(self._parts)

    def evaluate(
        self,
        options: EvaluateOptions | None = None,
        *,
        files: Files | None = None,
        progress: Progress = silent,
    ) -> Evaluation:
        """Measure what is served on a held-out part of the events (of the log, or of files), beside peers.

        Works on a temporary shop beside this one, of which nothing is changed; see `profilestore.evaluate`.

        Raises:
            UsageError: options that cannot be meant, or a peer's package that is missing.
            StoreError: there is too little to evaluate on.
        """
        from profilestore.evaluate.run import evaluate

        return evaluate(self._parts, options, files=files, progress=progress)
