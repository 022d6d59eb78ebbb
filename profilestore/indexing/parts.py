"""The parts of one shop, wired: what reads and writes its log, products, profiles and models."""

from __future__ import annotations

from functools import cached_property

from profilestore.elastic.event_log import EventLog
from profilestore.elastic.generations import Generations
from profilestore.elastic.model_store import ModelStore
from profilestore.elastic.product_index import ProductIndex
from profilestore.elastic.profile_index import ProfileIndex
from profilestore.elastic.search import Client
from profilestore.elastic.text_cache import TextCache
from profilestore.elastic.withdrawing import withdraw_beliefs
from profilestore.features.weights import FoldRules
from profilestore.indexing.folding import Folder
from profilestore.indexing.generation import GenerationBuilder, Side
from profilestore.indexing.models import Models
from profilestore.indexing.products import ProductLoader
from profilestore.indexing.profile_writer import ProfileWriter
from profilestore.indexing.refold import Refold
from profilestore.indexing.verify import Verifier
from profilestore.indexing.words import Words
from profilestore.settings import Settings

__all__ = ["Parts"]


class Parts:
    """Everything that works on one shop through one client; each made when first asked for."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self.client = client
        self.settings = settings
        self.store = ModelStore(client, alias=settings.index("models"), cache=settings.home / "models")
        self.models = Models(settings, self.store)
        self.words = Words(self.models, TextCache(client, alias=settings.index("texts")))
        self.rules = FoldRules.of(settings)

    @cached_property
    def in_force(self) -> Side:
        """The generation behind the aliases."""
        index = self.settings.index
        return self.side(index("events"), index("products"), index("profiles"))

    def side(self, log_name: str, products_name: str, profiles_name: str) -> Side:
        """The parts that work on these indices, aliases or concrete ones."""
        ask = self.generations.clear_dead_build
        log = EventLog(self.client, alias=log_name, future_limit_hours=self.settings.future_limit_hours, ask=ask)
        products = ProductIndex(self.client, name=products_name, ask=ask)
        profiles = ProfileIndex(self.client, name=profiles_name)
        writer = ProfileWriter(
            log=log,
            profiles=profiles,
            products=products,
            words=self.words,
            models=self.models,
            rules=self.rules,
            fingerprint=self.settings.fold_fingerprint(),
            withdraw=lambda user_ids: withdraw_beliefs(self.client, self.settings, user_ids),
        )
        folder = Folder(log=log, profiles=profiles, writer=writer, store=self.store)
        refold = Refold(log=log, writer=writer, store=self.store)
        return Side(log=log, products=products, profiles=profiles, writer=writer, folder=folder, refold=refold)

    @property
    def product_loader(self) -> ProductLoader:
        """Writes products."""
        return ProductLoader(products=self.in_force.products, models=self.models, refold=self.in_force.refold)

    @property
    def verifier(self) -> Verifier:
        """Compares profiles with the log."""
        side = self.in_force
        return Verifier(log=side.log, profiles=side.profiles, writer=side.writer, folder=side.folder)

    @property
    def generations(self) -> Generations:
        """Makes, switches and drops indices."""
        return Generations(self.client, self.settings, self.store)

    @property
    def builder(self) -> GenerationBuilder:
        """Builds new generations."""
        return GenerationBuilder(generations=self.generations, in_force=self.in_force, side_of=self.side)
