"""Product rows in: only what changed is written (P3), only changed text is embedded, and profiles follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from profilestore.documents import IndexMeta, Product, Revision
from profilestore.documents.product import ROW_FIELDS
from profilestore.elastic.bulk import Operation
from profilestore.elastic.index_identity import IndexIdentity
from profilestore.elastic.product_index import ProductIndex
from profilestore.elastic.sparse_vectors import changed_weights
from profilestore.errors import NotInitialised, UpdateGaveUp
from profilestore.features.served import encode_vector
from profilestore.indexing.counts import LoadCounts
from profilestore.indexing.models import Models
from profilestore.indexing.refold import Refold
from profilestore.indexing.taste import CLEARED_TASTE, TASTE_FIELDS, predict_taste

if TYPE_CHECKING:
    from profilestore.features.text_model import TextModel
    from profilestore.features.topic_model import TopicModel

__all__ = ["ProductLoader"]

# A window this large lets texts be sorted by length, so that batches hold little padding.
_WINDOW: Final = 2048
_KEPT_FIELDS: Final = (*ROW_FIELDS, "row_hash", "text_hash", "deleted", "taste_predicted")
_FOLD_READS: Final = ("category", "brand", "price")


@dataclass(frozen=True, slots=True)
class _Change:
    """A product to write: its merged row, what is stored of it, and whether its text is new."""

    product: Product
    stored: Mapping[str, Any] | None
    revision: Revision | None
    text: str
    text_hash: str
    text_changed: bool

    @property
    def concerns_profiles(self) -> bool:
        """Whether something changed that the fold reads."""
        if self.stored is None or self.text_changed:
            return True
        return any(getattr(self.product, name) != self.stored.get(name) for name in _FOLD_READS)


class ProductLoader:
    """Writes products of one shop; a text model is in force when it is called."""

    def __init__(self, *, products: ProductIndex, models: Models, refold: Refold) -> None:
        self._products = products
        self._models = models
        self._refold = refold

    def load(self, rows: Iterable[Product], *, progress: Callable[[int], None] | None = None) -> LoadCounts:
        """Write what changed among these rows; each id comes once. The profiles concerned follow."""
        counts = LoadCounts()
        iterator = iter(rows)
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="index") as pool:
            before: Future[list[Product]] | None = None
            while len(window := list(islice(iterator, _WINDOW))) > 0:
                prepared = self._prepare(window, counts)
                lost = [] if before is None else before.result()
                self._settle(lost if prepared is not None else [*lost, *window], counts)
                before = None if prepared is None else pool.submit(self._write, *prepared, counts)
                if progress is not None:
                    progress(len(window))
            if before is not None:
                self._settle(before.result(), counts)
        # Also what an earlier load noted and did not do before it was killed.
        self._refold.work_off()
        return counts

    def _settle(self, lost: list[Product], counts: LoadCounts) -> None:
        """Write again what another writer was first to change, or what a switch of generations refused."""
        patience = self._products.patience()
        while len(lost) > 0:
            if not patience.go_on():
                self._raise_lost(lost)
            prepared = self._prepare(lost, counts)
            if prepared is not None:
                lost = self._write(*prepared, counts)

    def _prepare(self, rows: Sequence[Product], counts: LoadCounts) -> tuple[list[_Change], list[Operation]] | None:
        """What to write of these rows; None when a switch just deleted the index that was read from."""
        target = self._products.identity()
        try:
            changes = self._changes(rows, target, counts)
        except NotInitialised:
            if self._products.identity().uuid == target.uuid:
                raise
            return None
        return changes, self._operations(changes, target)

    def _raise_lost(self, lost: Sequence[Product]) -> None:
        ids = [product.product_id for product in lost]
        raise UpdateGaveUp(
            f"{len(ids)} products could not be written for two minutes, since others kept changing them or their "
            "index is blocked: run the load again.",
            ids=ids,
            attempts=0,
        )

    def _changes(self, rows: Sequence[Product], target: IndexIdentity, counts: LoadCounts) -> list[_Change]:
        from profilestore.features.text_model import text_hash

        stored = self._products.read(target.index, [row.product_id for row in rows], fields=_KEPT_FIELDS)
        model = target.meta.text_model
        changes: list[_Change] = []
        for row in rows:
            source, revision = stored.get(row.product_id, (None, None))
            product = row if source is None else _merged(row, source)
            alive = source is not None and source.get("deleted") is not True
            if source is not None and alive and source.get("row_hash") == product.content_hash():
                counts.unchanged += 1
                continue
            text = product.full_text()
            hashed = text_hash(text, model=str(model))
            changed = source is None or source.get("text_hash") != hashed
            changes.append(_Change(product, source, revision, text, hashed, changed))
        return changes

    def _operations(self, changes: Sequence[_Change], target: IndexIdentity) -> list[Operation]:
        renewed = [change for change in changes if change.text_changed]
        derived = self._derive([change.text for change in renewed], target.meta)
        self._foretell(renewed, derived, target)
        operations: list[Operation] = []
        fresh = iter(derived)
        for change in changes:
            source: dict[str, Any] = {
                **change.product.model_dump(mode="json", exclude_none=True),
                "row_hash": change.product.content_hash(),
                "text_hash": change.text_hash,
                "deleted": False,
                "generation": target.meta.generation,
            }
            if change.product.released is not None:
                source["listed"] = change.product.released.isoformat()
            elif change.stored is None:
                source["listed"] = datetime.now(UTC).date().isoformat()
            if change.text_changed:
                source |= next(fresh)
            op = "create" if change.revision is None else "update"
            operations.append(
                Operation(op, target.index, change.product.product_id, source, expected=change.revision)  # type: ignore[arg-type]  # a Literal by construction
            )
        return operations

    def _derive(self, texts: Sequence[str], meta: IndexMeta) -> list[dict[str, Any]]:
        """Tokens, vectors and topics of texts; a text without any known word has no vectors."""
        if len(texts) == 0:
            return []
        from profilestore.features.tokens import tokenize

        fields: list[dict[str, Any]] = [{"tokens": " ".join(tokenize(text))} for text in texts]
        if meta.text_model is not None:
            embed_texts(self._models.text(meta.text_model), texts, fields)
        if meta.topics_model is not None:
            add_topics(self._models.topics(meta.topics_model), texts, fields)
        return fields

    def _foretell(self, changes: Sequence[_Change], derived: Sequence[dict[str, Any]], target: IndexIdentity) -> None:
        """Taste vectors of products that no model has learned, so that they can be recommended at once."""
        meta = target.meta
        if meta.taste_content is None:
            return
        pairs = [
            (change, fields)
            for change, fields in zip(changes, derived, strict=True)
            if change.stored is None or change.stored.get("taste_predicted") is not False
        ]
        if len(pairs) == 0:
            return
        content = self._models.taste_content(meta.taste_content)
        sources = [{**change.product.model_dump(mode="json", exclude_none=True), **fields} for change, fields in pairs]
        sparse = meta.taste_form == "sparse" and meta.taste_model is not None
        model = self._models.taste(str(meta.taste_model)) if sparse else None
        predict_taste(content, sources, models=self._models, meta=meta, model=model)
        for (change, fields), source in zip(pairs, sources, strict=True):
            # A text that says nothing any more leaves none of what was foretold from the one before.
            fields |= CLEARED_TASTE if change.stored is not None else {}
            fields |= {name: source[name] for name in TASTE_FIELDS if name in source}
        if sparse:
            self._clear_old_weights([(change, fields) for change, fields in pairs if change.stored is not None], target)

    def _clear_old_weights(self, pairs: Sequence[tuple[_Change, dict[str, Any]]], target: IndexIdentity) -> None:
        """Weights that a product had and has no more are named in its update."""
        ids = [change.product.product_id for change, _ in pairs]
        held = self._products.read(target.index, ids, fields=("taste_weights",), vectors=True)
        for change, fields in pairs:
            source, _ = held.get(change.product.product_id, ({}, None))
            changed = changed_weights(source.get("taste_weights") or {}, fields.pop("taste_weights", {}))
            if changed is not None:
                fields["taste_weights"] = changed

    def _write(self, changes: Sequence[_Change], operations: Sequence[Operation], counts: LoadCounts) -> list[Product]:
        """Write; returns the products that must be tried again."""
        concerned = [change.product.product_id for change in changes if change.concerns_profiles]
        notes = self._refold.note(concerned)
        outcomes = self._products.write(operations, action="writing products")
        self._refold.written(notes)
        lost: list[Product] = []
        for change, outcome in zip(changes, outcomes, strict=True):
            if outcome.conflict or outcome.index_moved:
                lost.append(change.product)
            elif change.revision is None:
                counts.indexed += 1
            else:
                counts.updated += 1
        return lost


def _merged(row: Product, source: Mapping[str, Any]) -> Product:
    """The stored row overlaid with what this row gives: a field that a file does not have stays as it was."""
    given = row.model_dump(exclude_none=True)
    held = {name: source[name] for name in ROW_FIELDS if source.get(name) is not None}
    if "attributes" in given and "attributes" in held:
        given["attributes"] = held["attributes"] | given["attributes"]
    return Product(**(held | given))


def embed_texts(model: TextModel, texts: Sequence[str], fields: Sequence[dict[str, Any]]) -> None:
    """Set `text_vector` of each text; a text the model knows no word of gets none."""
    for field, row in zip(fields, model.encode(texts), strict=True):
        field["text_vector"] = encode_vector(row) if row.any() else None


def add_topics(model: TopicModel, texts: Sequence[str], fields: Sequence[dict[str, Any]]) -> None:
    """Set `topic_vector` and `main_topics` of each text; a text without known words gets none."""
    for field, row in zip(fields, model.infer(texts), strict=True):
        field["topic_vector"] = encode_vector(row) if row.any() else None
        field["main_topics"] = model.main_topics(row) if row.any() else []
