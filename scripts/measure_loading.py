"""Speed of loading as ratios within one run, on the server that runs (`profilestore up`).

    python scripts/measure_loading.py [--events FILE] [--columns PRESET] [--rows N] [--part log|single|long|products]

- log: events per second of `index_events` (log and fold together, in time order) against a raw bulk of
  the same event documents alone.
- single: one event, from call to durable profile, in raw creates of one event.
- long: a user's event after 50,000 against one after 1,000, as many different products seen as fit.
- products: products per second of `index_products` against `encode` of the text model alone.

Without a file it takes the generated shop. Uses a prefix of its own and removes its indices.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from profilestore import Event, Product, ProfileStore, Settings
from profilestore.elastic import indices
from profilestore.elastic.bulk import Operation, write_bulk
from profilestore.elastic.client import connect
from profilestore.elastic.local_server import server_url
from profilestore.ingest import load_columns, read_events, read_products
from profilestore.ingest.sample import generate_shop

PREFIX = "measure-loading"


class Bench:
    """A shop of its own and a raw index with the log's mapping."""

    def __init__(self) -> None:
        self.settings = Settings.load(prefix=PREFIX)
        self.client = connect(self.settings, url=server_url(self.settings))
        self.raw = f"{PREFIX}-raw"

    def fresh(self) -> ProfileStore:
        """An empty shop and an empty raw index."""
        self.clean()
        indices.init(self.client, self.settings)
        self.fresh_raw()
        return ProfileStore.open(self.settings)

    def fresh_raw(self) -> None:
        """An empty raw index."""
        indices.delete_index(self.client, self.raw)
        body = indices.template("events", self.settings)["template"]
        self.client.indices.create(index=self.raw, mappings=body["mappings"], settings=body["settings"])

    def time_raw(self, events: Sequence[Event]) -> float:
        """Seconds of a raw bulk of these events into an empty index."""
        self.fresh_raw()
        started = time.perf_counter()
        for batch in batches(events, self.settings.batch_size):
            self.write_raw(batch)
        return time.perf_counter() - started

    def clean(self) -> None:
        """Remove everything of ours."""
        names = list(self.client.indices.get_settings(index=f"{PREFIX}-*", filter_path="*.settings.index.uuid").body)
        for name in names:
            indices.delete_index(self.client, name)
        for kind in indices.KINDS:
            self.client.options(ignore_status=404).indices.delete_index_template(name=self.settings.index(kind))

    def write_raw(self, events: Sequence[Event]) -> None:
        """A raw bulk of event documents."""
        operations = [Operation("create", self.raw, e.event_id, e.to_source(), routing=e.user_id) for e in events]
        write_bulk(self.client, operations, action="raw")


def batches(events: Iterable[Event], size: int) -> Iterator[list[Event]]:
    iterator = iter(events)
    while batch := list(islice(iterator, size)):
        yield batch


def measure_log(bench: Bench, products: list[Product], events: list[Event]) -> None:
    shop = bench.fresh()
    shop.index_products(products)
    shop.index_events(events[:2000])  # warm: models, connections, code
    rest = events[2000:]
    raw_s = bench.time_raw(rest)
    before = gc.get_threshold()
    gc.set_threshold(200_000, *before[1:])  # as the loader does
    tuned_s = bench.time_raw(rest)
    gc.set_threshold(*before)
    started = time.perf_counter()
    shop.index_events(rest)
    ours_s = time.perf_counter() - started
    print(f"log: {len(rest):,} events, raw bulk {len(rest) / raw_s:,.0f}/s, log and fold {len(rest) / ours_s:,.0f}/s, "
          f"ratio {raw_s / ours_s:.2f} (wanted at least 0.5); against a raw bulk whose garbage collector is as "
          f"rare as the loader's ({len(rest) / tuned_s:,.0f}/s) {tuned_s / ours_s:.2f}")  # fmt: skip


def measure_single(bench: Bench, products: list[Product], events: list[Event]) -> None:
    shop = bench.fresh()
    shop.index_products(products)
    shop.index_events(events[:20_000])
    later = [event.model_copy(update={"event_id": f"again-{i}"}) for i, event in enumerate(events[:120])]
    raw, ours = [], []
    for event in later:
        started = time.perf_counter()
        bench.write_raw([event])
        raw.append(time.perf_counter() - started)
        started = time.perf_counter()
        shop.record(event)
        ours.append(time.perf_counter() - started)
    a, b = statistics.median(raw[20:]), statistics.median(ours[20:])
    print(f"single: raw create {a * 1e3:.1f} ms, to durable profile {b * 1e3:.1f} ms, "
          f"{b / a:.1f} raw creates (wanted at most 10)")  # fmt: skip


def measure_long(bench: Bench) -> None:
    shop = bench.fresh()
    start = datetime(2024, 1, 1, tzinfo=UTC)

    def history(user: str, count: int) -> list[Event]:
        return [
            Event(user_id=user, type="view", time=start + timedelta(seconds=i), product_id=f"product-{i % 6000:05d}")
            for i in range(count)
        ]

    shop.index_events([*history("short", 1000), *history("long", 50_000)])
    taken: dict[str, list[float]] = {"short": [], "long": []}
    for i in range(60):
        for user in taken:
            event = Event(
                user_id=user, type="view", time=start + timedelta(days=1, seconds=i), product_id=f"product-{i:05d}"
            )
            began = time.perf_counter()
            shop.record(event)
            taken[user].append(time.perf_counter() - began)
    short, long = (statistics.median(taken[user][10:]) for user in ("short", "long"))
    print(f"long: the 1,000th event {short * 1e3:.1f} ms, the 50,000th {long * 1e3:.1f} ms, "
          f"ratio {long / short:.2f} (wanted at most 2)")  # fmt: skip


def measure_products(bench: Bench, products: list[Product]) -> None:
    from profilestore.features.text import SentenceModel

    model = SentenceModel("minilm", dims=bench.settings.embedding_dims)
    texts = [product.full_text() for product in products]
    model.encode(texts[:64])
    raw = _sentence_transformer()
    raw.encode(texts[:64])
    started = time.perf_counter()
    raw.encode(texts, show_progress_bar=False)
    encode_s = time.perf_counter() - started
    shop = bench.fresh()
    shop.index_products(products[:1])
    started = time.perf_counter()
    shop.index_products(products[1:])
    ours_s = time.perf_counter() - started
    print(f"products: {len(products):,}, SentenceTransformer.encode alone {len(texts) / encode_s:,.0f}/s, "
          f"indexed {len(texts) / ours_s:,.0f}/s, ratio {encode_s / ours_s:.2f} (wanted at least 0.9)")  # fmt: skip


def _sentence_transformer():  # type: ignore[no-untyped-def]  # a heavy type, imported late
    from sentence_transformers import SentenceTransformer

    from profilestore.features.text_model import packaged_model_folder

    return SentenceTransformer(str(packaged_model_folder()), device="cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", help="a file of events, in time order")
    parser.add_argument("--columns", help="its column mapping")
    parser.add_argument("--rows", type=int, default=100_000, help="how many events at most")
    parser.add_argument("--part", choices=("log", "single", "long", "products"), action="append")
    arguments = parser.parse_args()
    parts = arguments.part or ["log", "single", "long", "products"]
    bench = Bench()
    if arguments.events is None:
        shop = generate_shop(language="en")
        products, events = list(shop.products), sorted(shop.events, key=lambda event: event.time)
    else:
        read = {"settings": bench.settings}
        mappings = {kind: load_columns(arguments.columns, kind=kind) for kind in ("products", "events")}
        products = [p for page in read_products([arguments.events], columns=mappings["products"], **read) for p in page]
        pages = read_events([arguments.events], columns=mappings["events"], **read)
        events = list(islice((event for page in pages for event in page), arguments.rows))
    try:
        if "log" in parts:
            measure_log(bench, products, events[: arguments.rows])
        if "single" in parts:
            measure_single(bench, products, events)
        if "long" in parts:
            measure_long(bench)
        if "products" in parts:
            measure_products(bench, products)
    finally:
        bench.clean()


if __name__ == "__main__":
    main()
