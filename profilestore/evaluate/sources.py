"""Where the events and products of an evaluation come from: the shop's own log, or files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from profilestore.documents import Event, Product, User
from profilestore.documents.product import ROW_FIELDS
from profilestore.elastic.bulk import Operation, raise_failed
from profilestore.elastic.text_cache import TextCache
from profilestore.errors import ColumnsError, UsageError
from profilestore.features.served import encode_vector
from profilestore.indexing.loading import add_products, add_users
from profilestore.indexing.models import WORDS_PREFIX
from profilestore.indexing.parts import Parts
from profilestore.indexing.words import Words
from profilestore.ingest import InputReport, load_columns, read_events, read_products, read_users
from profilestore.settings import Settings

__all__ = ["FileSource", "Files", "LogSource", "Source"]

_COPIED: Final = (*ROW_FIELDS, "row_hash", "text_hash", "tokens", "text_vector", "listed", "deleted")

Keep = Callable[[str], bool]


class Source(Protocol):
    """Events that can be read more than once in the same order, and the products that go with them."""

    def pages(self) -> Iterator[Sequence[Event]]:
        """All events."""

    def users(self) -> Sequence[User]:
        """What is known of users beside the events."""

    def on_sale(self) -> Sequence[str]:
        """Ids of the products that can be recommended."""

    def stock(self, beside: Parts, keep: Keep) -> None:
        """Put the products that are kept, and what is known of users from elsewhere, into an empty shop."""

    def topics(self) -> int | None:
        """How many topics to train: what the shop has; None for none."""

    def told(self) -> str:
        """What this is, in words."""


class LogSource:
    """The shop's own event log as it is now; what is written later is not read."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._side = parts.in_force
        self._log = self._side.log.identity()
        self._upto = self._side.log.checkpoints(self._log)
        self._side.log.refresh(self._log)
        self._products = self._side.products.identity()
        self._side.products.refresh(self._products.index)

    def pages(self) -> Iterator[Sequence[Event]]:
        """All valid events, shard by shard in the order of their numbers."""
        for shard, upto in sorted(self._upto.items()):
            for page in self._side.log.read(self._log, shard=shard, after=-1, upto=upto):
                yield [logged.event for logged in page if logged.event is not None]

    def users(self) -> Sequence[User]:
        """None: in a log, who somebody is stands in events."""
        return ()

    def on_sale(self) -> Sequence[str]:
        """Products in the index that are not deleted."""
        alive = {"bool": {"must_not": [{"term": {"deleted": True}}]}}
        pages = self._side.products.scan(self._products.index, fields=["product_id"], query=alive)
        return [product_id for page in pages for product_id, _, _ in page]

    def stock(self, beside: Parts, keep: Keep) -> None:
        """Copy rows and text vectors, and nothing that was derived from events. No text is embedded again."""
        text_model = self._products.meta.text_model
        if text_model is not None and text_model.startswith(WORDS_PREFIX):
            head = self._parts.store.head(text_model)
            figures: dict[str, Any] = {} if head is None else head["body"]
            beside.store.save("text", text_model, self._parts.store.load(text_model), figures=figures)
        # What users searched for is in the shop's cache already.
        beside.words = Words(beside.models, TextCache(beside.client, alias=self._parts.settings.index("texts")))
        side = beside.in_force
        products, profiles = side.products.identity(), side.profiles.identity()
        # The weights it folds by go along; boosts that `feedback apply` learned do not: they may know what is held out.
        same = {"text_model": text_model, "event_weights": self._products.meta.event_weights}
        meta = products.meta.model_copy(update=same)
        side.products.set_meta(products.index, meta)
        side.profiles.set_meta(profiles.index, profiles.meta.model_copy(update=same))
        for page in self._side.products.scan(self._products.index, fields=_COPIED, page=500, vectors=True):
            operations = [
                Operation("create", products.index, product_id, {**_packed(source), "generation": meta.generation})
                for product_id, source, _ in page
                if keep(product_id) or source.get("deleted") is True
            ]
            if len(operations) > 0:
                outcomes = side.products.write(operations, action="copying products")
                raise_failed(outcomes, action="copying products")
        side.products.refresh(products.index)

    def topics(self) -> int | None:
        """As many as the model in force has."""
        name = self._products.meta.topics_model
        return None if name is None else self._parts.models.topics(name).topics

    def told(self) -> str:
        """Which log."""
        return f"the event log of shop {self._parts.settings.prefix}"


def _packed(source: Any) -> dict[str, Any]:
    packed = dict(source)
    vector = packed.get("text_vector")
    if isinstance(vector, list):
        packed["text_vector"] = encode_vector(np.asarray(vector, dtype=np.float32))
    return packed


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Files to evaluate on, under a mapping of columns. Products and users come from the files of events where
    no others are given."""

    events: tuple[Path, ...]
    columns: str | Path | None = None
    products: tuple[Path, ...] = ()
    users: tuple[Path, ...] = ()
    format: str | None = None


class FileSource:
    """Events, products and users of files; nothing of them stays anywhere."""

    def __init__(self, files: Files, settings: Settings) -> None:
        if len(files.events) == 0 or any(str(path) == "-" for path in (*files.events, *files.products, *files.users)):
            raise UsageError("an evaluation reads its files twice, so it takes files and no standard input.")
        self._files = files
        self._settings = settings
        self._columns = load_columns(files.columns, kind="events")
        self.rejected = 0
        self._products = self._read_products()
        self._users = [user for batch in self._rows("users") for user in batch]

    def pages(self) -> Iterator[Sequence[Event]]:
        """All events that can be used; the others are counted."""
        report = InputReport()
        yield from read_events(
            list(self._files.events), columns=self._columns, settings=self._settings, report=report,
            format=self._files.format,
        )  # fmt: skip
        self.rejected = report.rejected

    def users(self) -> Sequence[User]:
        """The users of the files."""
        return self._users

    def on_sale(self) -> Sequence[str]:
        """All products of the files; where they tell of none, those of the events."""
        return [product.product_id for product in self._products]

    def stock(self, beside: Parts, keep: Keep) -> None:
        """Index the products and users."""
        add_products(beside, [product for product in self._products if keep(product.product_id)])
        if len(self._users) > 0:
            add_users(beside, self._users)

    def topics(self) -> int | None:
        """Twenty where there are texts: these files have no model in force that would tell."""
        return 20 if any(product.full_text() != "" for product in self._products) else None

    def told(self) -> str:
        """Which files."""
        return f"files {', '.join(path.name for path in self._files.events)}"

    def _read_products(self) -> list[Product]:
        found = [product for batch in self._rows("products") for product in batch]
        if len(found) > 0:
            return found
        ids = {event.product_id for page in self.pages() for event in page if event.product_id is not None}
        return [Product(product_id=product_id) for product_id in sorted(ids)]

    def _rows(self, kind: str) -> Iterator[list[Any]]:
        given = self._files.products if kind == "products" else self._files.users
        read: Any = read_products if kind == "products" else read_users
        try:
            columns = load_columns(self._files.columns, kind=kind)  # type: ignore[arg-type]  # one of the two
            yield from read(
                list(given or self._files.events), columns=columns, settings=self._settings, format=self._files.format
            )
        except ColumnsError:
            if len(given) > 0:  # asked for; otherwise the files of events just do not tell of them
                raise
