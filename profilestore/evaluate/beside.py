"""The shop beside: an own prefix, the training part of the events, models trained on that alone, then gone.

What is evaluated is what is served, so the real loader, fold, training and recommender work on it. It is
erased by name at the end, also on Ctrl-C; what a killed run left is erased by the next one.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profilestore.documents import Event
from profilestore.elastic import indices
from profilestore.elastic.temporary import claimed, erase_shop, is_abandoned, temporary_prefixes
from profilestore.errors import ModelError, StoreError
from profilestore.evaluate.ledger import Ledger
from profilestore.evaluate.options import EvaluateOptions
from profilestore.evaluate.sources import Source
from profilestore.evaluate.splits import KNOWN, TRAINED, Stages
from profilestore.features.taste.interactions import hash_of
from profilestore.indexing.events import load_events
from profilestore.indexing.parts import Parts
from profilestore.indexing.popularity import refresh_popularity
from profilestore.indexing.retraining import train_topic_model
from profilestore.indexing.rules import Rules
from profilestore.indexing.training import TasteReport, learn_options, train_taste
from profilestore.settings import Settings

__all__ = ["events_of", "shop_beside", "train_beside"]

Progress = Callable[[str], None]
_BATCH = 10_000


@contextmanager
def shop_beside(parts: Parts) -> Iterator[Parts]:
    """An empty temporary shop on the same server, erased when the block ends, however it ends."""
    stem = f"{parts.settings.prefix}-evaluate"
    for prefix in temporary_prefixes(parts.client, stem=stem):
        left = _settings(parts.settings, prefix)
        if is_abandoned(parts.client, left):
            _erase(parts, left)
    settings = _settings(parts.settings, f"{stem}-{secrets.token_hex(4)}")
    try:
        indices.init(parts.client, settings)
        with claimed(parts.client, settings):
            yield Parts(parts.client, settings)
    finally:
        _erase(parts, settings)


def _settings(settings: Settings, prefix: str) -> Settings:
    return settings.model_copy(update={"prefix": prefix, "home": settings.home / "evaluate" / prefix})


def _erase(parts: Parts, settings: Settings) -> None:
    erase_shop(parts.client, settings)
    shutil.rmtree(settings.home, ignore_errors=True)
    with suppress(OSError):  # others may be at work beside
        settings.home.parent.rmdir()


def events_of(source: Source, ledger: Ledger, chosen: NDArray[np.bool_]) -> Iterator[list[Event]]:
    """The chosen events, read once more, in batches.

    Raises:
        StoreError: the events are not those that were read before.
    """
    position = 0
    batch: list[Event] = []
    for page in source.pages():
        for event in page:
            if position >= len(ledger) or int(ledger.keys[position]) != hash_of(event.event_id):
                raise StoreError("the events changed while they were evaluated on: run it again.")
            if chosen[position]:
                batch.append(event)
            position += 1
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if len(batch) > 0:
        yield batch


def train_beside(
    beside: Parts,
    source: Source,
    ledger: Ledger,
    stages: Stages,
    catalogue: Sequence[str],
    options: EvaluateOptions,
    *,
    trained: Callable[[Parts], Any] = lambda beside: None,
    progress: Progress = lambda step: None,
) -> tuple[TasteReport | None, list[str]]:
    """Fill the shop beside: products, topics, events, taste, popularity; nothing of them sees what is held out.

    Args:
        trained: is called when all is trained, before what is only known of the users asked about comes in.
        progress: is told each step.

    Returns:
        The taste model, None where there is too little to learn from, and notes on what could not be trained.
    """
    notes: list[str] = []
    kept = frozenset(catalogue)
    progress("copying the products")
    source.stock(beside, lambda product_id: product_id in kept)
    topics = source.topics()
    if topics is not None:
        progress(f"training {topics} topics")
        try:
            train_topic_model(beside, topics=topics, seed=options.seed, progress=lambda step: None)
        except ModelError as error:
            notes.append(f"no topics: {error}")
    progress(f"loading {np.count_nonzero(stages.of == TRAINED):,} events of the training part")
    # Not folded here: the training folds all of them into the profiles that carry it.
    for batch in events_of(source, ledger, stages.of == TRAINED):
        beside.in_force.log.append(batch)
    report = None
    try:
        report = train_taste(beside, learn_options("auto", None, options.budget), progress=progress)
    except ModelError as error:
        notes.append(f"no taste model: {error}")
        beside.in_force.folder.fold_pending()
    side = beside.in_force
    side.refold.work_off()
    progress("deriving popularity and rules")
    refresh_popularity(beside.client, beside.settings)
    try:
        Rules(beside).mine()
    except ModelError as error:
        notes.append(f"no rules: {error}")
    trained(beside)
    if (stages.of == KNOWN).any():
        progress("folding what is known of the users held out")
        load_events(events_of(source, ledger, stages.of == KNOWN), log=side.log, folder=side.folder)
        side.refold.work_off()
    side.folder.close()
    side.profiles.refresh(beside.settings.index("profiles"))
    side.products.refresh(beside.settings.index("products"))
    return report, notes
