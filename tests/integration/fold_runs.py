"""A small shop, its events, and processes that work on it and are killed.

The processes run `fold_process.py`. Texts are embedded by a stand-in of eight dimensions, so that none loads torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from profilestore import Event, Product, ProfileStore
from profilestore.features.text_model import unit_rows
from profilestore.indexing.models import Models
from profilestore.settings import Settings

DIMS = 8
FIRST = datetime(2026, 1, 5, tzinfo=UTC)
SEEN = ("view", "cart", "purchase", "rate", "review")
WORDS = ("red", "blue", "green", "mug", "pen", "lamp", "scarf", "chair")


class StandIn:
    """A text model: the sum of a vector a word. `texts` are all that were ever embedded."""

    name = "minilm"
    dims = DIMS

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += texts
        rows = np.zeros((len(texts), DIMS), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "little")
                row += np.random.default_rng(seed).standard_normal(DIMS).astype(np.float32)
        return unit_rows(rows)


STAND_IN = StandIn()


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """Every text model is the stand-in."""
    real = Models._load_text
    Models._load_text = lambda self, name: STAND_IN  # type: ignore[method-assign,assignment]
    STAND_IN.texts.clear()
    try:
        yield STAND_IN
    finally:
        Models._load_text = real  # type: ignore[method-assign]


def small(settings: Settings, **changes: Any) -> Settings:
    """Settings of a small shop."""
    return settings.model_copy(update={"embedding_dims": DIMS, "text_model": "minilm", "batch_size": 200, **changes})


def make_products(n: int) -> list[Product]:
    return [
        Product(
            product_id=f"p{i}",
            title=f"{WORDS[i % 3]} {WORDS[3 + i % 5]} no{i}",
            category=f"c{i % 4}",
            brand=f"b{i % 3}",
            price=float(1 + i % 20),
            stock=5,
        )
        for i in range(n)
    ]


def make_events(n: int, *, seed: int = 1, users: int = 40, products: int = 30, texts: bool = True) -> list[Event]:
    """Events of all the types that fold differently, in a random order of time."""
    rng = random.Random(seed)
    events: list[Event] = []
    for i in range(n):
        user = f"u{rng.randrange(users)}"
        when = FIRST + timedelta(seconds=rng.randrange(60 * 86_400))
        base: dict[str, Any] = {"event_id": f"e{seed}-{i}", "user_id": user, "time": when}
        product = f"p{rng.randrange(products)}"
        kind = rng.choice(("view", "view", "cart", "purchase", "purchase", "refund", "rate", "search", "attributes"))
        if kind == "search" and not texts:
            kind = "impression"
        if kind in ("purchase", "refund"):
            base |= {"product_id": product, "quantity": rng.randint(1, 4), "order_id": f"o{rng.randrange(200)}"}
            if rng.random() < 0.7:
                base["price"] = rng.randrange(1, 999) / 100
            if kind == "refund" and rng.random() < 0.5:
                base["purchase_time"] = when - timedelta(days=3)
        elif kind == "rate":
            base |= {"product_id": product, "rating": rng.randint(1, 5)}
        elif kind == "search":
            base |= {"text": f"{rng.choice(WORDS)} {rng.choice(WORDS)}"}
        elif kind == "attributes":
            base |= {"user_fields": {"city": f"town{rng.randrange(9)}", "personalisation": rng.choice(["on", "off"])}}
        else:
            base["product_id"] = product
        events.append(Event(type=kind, **base))  # type: ignore[arg-type]  # a literal by construction
    return events


def client_of(settings: Settings) -> Elasticsearch:
    assert settings.elasticsearch_url is not None
    return Elasticsearch(settings.elasticsearch_url, request_timeout=60)


def documents(settings: Settings, kind: str) -> dict[str, dict[str, Any]]:
    """All documents of a kind by id, each with source, seq_no and version."""
    with client_of(settings) as client:
        alias = settings.index(kind)
        client.indices.refresh(index=alias)
        hits = client.search(index=alias, size=10_000, seq_no_primary_term=True, version=True)["hits"]["hits"]
    return {hit["_id"]: hit for hit in hits}


def revisions(settings: Settings, kinds: Sequence[str] = ("products", "profiles", "events")) -> dict[str, Any]:
    """What changes when anything is written."""
    return {
        f"{kind}/{id}": (hit["_version"], hit["_seq_no"])
        for kind in kinds
        for id, hit in documents(settings, kind).items()
    }


def expected(events: Sequence[Event]) -> dict[str, tuple[int, dict[str, int], list[str], float]]:
    """Worked out from the events alone, without any code of the fold: by user the number of acts, counts by
    type, products seen (none of who opted out), and pieces bought less pieces given back."""
    unique = {event.event_id: event for event in events}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    seen: dict[str, set[str]] = defaultdict(set)
    pieces: dict[str, float] = defaultdict(float)
    said: dict[str, tuple[datetime, str, str]] = defaultdict(lambda: (FIRST - timedelta(days=9), "", "on"))
    users = set()
    for event in unique.values():
        users.add(event.user_id)
        if event.user_fields is not None and "personalisation" in event.user_fields:
            known = (event.time, event.event_id, event.user_fields["personalisation"])
            said[event.user_id] = max(said[event.user_id], known)
        if event.type != "attributes":
            counts[event.user_id][event.type] += 1
        if event.product_id is not None and event.type in SEEN:
            seen[event.user_id].add(event.product_id)
        if event.type in ("purchase", "refund"):
            pieces[event.user_id] += (1 if event.type == "purchase" else -1) * (event.quantity or 1)
    return {
        user: (
            counts[user].total(),
            dict(counts[user]),
            sorted(seen[user]) if said[user][2] == "on" else [],
            pieces[user],
        )
        for user in sorted(users)
    }


def told(settings: Settings) -> dict[str, tuple[int, dict[str, int], list[str], float]]:
    """The same figures as the profiles tell them."""
    return {
        user: (
            source["events_total"],
            source.get("event_counts", {}),
            sorted(source.get("seen_products", [])),
            source["quantity_total"],
        )
        for user, source in sorted((id, hit["_source"]) for id, hit in documents(settings, "profiles").items())
    }


def assert_exact(shop: ProfileStore, events: Sequence[Event]) -> None:
    """Each event is once in the log and once in its profile, told in three ways."""
    unique = {event.event_id for event in events}
    assert documents(shop.settings, "events").keys() == unique if len(unique) <= 10_000 else True
    assert told(shop.settings) == expected(events)
    report = shop.verify_all()
    assert (report.users, report.behind) == ({}, 0)
    assert report.checked == len({event.user_id for event in events})
    quick = shop.verify_all(quick=True)
    assert (quick.users, quick.behind) == ({}, 0)


# ---------------------------------------------------------------- processes


def arguments(settings: Settings, **more: Any) -> str:
    keys = ("home", "prefix", "elasticsearch_url", "embedding_dims", "text_model", "batch_size", "event_shards")
    return json.dumps({"settings": {key: getattr(settings, key) for key in keys}, **more}, default=str)


def start(verb: str, settings: Settings, **more: Any) -> subprocess.Popen[str]:
    """Start a process of `fold_process.py`; `finish` reads its result."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PROFILESTORE_")}
    root = Path(__file__).resolve().parent.parent.parent
    environment["PYTHONPATH"] = str(root)
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).resolve().parent / "fold_process.py"), verb, arguments(settings, **more)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def finish(process: subprocess.Popen[str], *, timeout_s: float = 100.0) -> Any:
    """What the process printed last; its failure is this test's."""
    out, err = process.communicate(timeout=timeout_s)
    assert process.returncode == 0, f"exit {process.returncode}: {err[-3000:]}"
    return json.loads(out.splitlines()[-1])


def stop(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Interrupt a process that goes on for ever; its exit code and what it said on stderr."""
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    return process.returncode, err
