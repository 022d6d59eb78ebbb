"""Profiles by the million for measurements of audiences and campaigns, written straight into the indices of a shop;
and a step of a measurement in a process of its own.

Tastes lie around some centres, as they do where a model found them. One of `profiles / members` has an `order_count`
of 0; who that is, consent by mail (of half of them), country and personalisation (two of a hundred switched it off) go
by different cycles, so that every mixture of them is there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from elasticsearch import Elasticsearch
from pydantic import SecretStr

from profilestore.documents import IndexMeta
from profilestore.elastic.index_identity import resolve_index, write_meta
from profilestore.elastic.indices import init
from profilestore.elastic.temporary import erase_shop
from profilestore.features.served import encode_vector
from profilestore.settings import Settings

__all__ = ["PRODUCTS", "Cost", "Row", "add_options", "erase", "measured", "settings_of", "touch", "write_shop"]

# (kind, id, source) of a document.
Row = tuple[str, str, dict[str, Any]]

GENERATION = "000001"
PRODUCTS = ("p0", "p1", "p2")
CENTRES = 40
AT_ONCE = 2000


@dataclass(frozen=True)
class Cost:
    """Seconds from start to end, seconds of processor of the process itself, and its peak of resident memory."""

    seconds: float
    cpu_s: float
    peak_mib: float


def add_options(parser: argparse.ArgumentParser, *, prefix: str, steps: Iterable[str]) -> None:
    """The options that these measurements share."""
    parser.add_argument("--url", required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--profiles", type=int, default=1_000_000)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--dims", type=int, default=128, help="of a taste")
    parser.add_argument("--prefix", default=prefix)
    parser.add_argument("--keep", action="store_true", help="the shop, for a second run")
    parser.add_argument("--step", choices=tuple(steps), help=argparse.SUPPRESS)


def settings_of(given: argparse.Namespace) -> Settings:
    """The settings of the shop."""
    key = SecretStr("a key of the measurement")
    return Settings(home=given.home, prefix=given.prefix, elasticsearch_url=given.url, export_key=key)


def write_shop(given: argparse.Namespace, *, beside: Iterable[Row] = ()) -> None:
    """Write products, profiles and what else is given, unless the profiles are there already."""
    settings = settings_of(given)
    given.home.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    with _client(given) as client:
        made = init(client, settings)
        if len(made) > 0 or client.count(index=settings.index("profiles"))["count"] != given.profiles:
            meta = IndexMeta(generation=GENERATION, taste_model="measured", taste_dims=given.dims)
            for kind in ("products", "profiles"):
                write_meta(client, resolve_index(client, settings.index(kind)).index, meta)
            for rows in (_products(given.dims), _profiles(given), beside):
                _write(client, settings, rows)
            client.indices.refresh(index=f"{settings.prefix}-*")
    print(
        f"{given.profiles:,} profiles of {given.dims} dimensions in {time.perf_counter() - started:.0f} s", flush=True
    )


def touch(given: argparse.Namespace) -> None:
    """Write one profile again, after which whatever goes by vectors is to be worked out anew."""
    settings = settings_of(given)
    with _client(given) as client:
        client.update(index=settings.index("profiles"), id="u00000000", doc={"city": "elsewhere"}, detect_noop=False)


def erase(given: argparse.Namespace) -> None:
    """Remove the shop."""
    with _client(given) as client:
        erase_shop(client, settings_of(given))


def measured(name: str, *options: str) -> tuple[dict[str, Any], Cost]:
    """What this very script prints as JSON with `--step NAME` and the options it was called with, and what it took."""
    command = [sys.executable, *sys.argv, "--step", name, *options]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    cost = Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
    if process.returncode != 0:
        sys.exit(f"{name} ended with {process.returncode}")
    told: dict[str, Any] = json.loads(said)
    figures = {figure: round(value, 1) for figure, value in asdict(cost).items()}
    print(json.dumps({"step": name, **figures, **told}), flush=True)
    return told, cost


def _client(given: argparse.Namespace) -> Elasticsearch:
    return Elasticsearch(given.url, request_timeout=300)


def _products(dims: int) -> Iterator[Row]:
    tastes = _centres(dims)
    for place, product in enumerate(PRODUCTS):
        vector = encode_vector(tastes[place] / np.linalg.norm(tastes[place]))
        source = {"product_id": product, "generation": GENERATION, "title": f"product {place}", "taste_vector": vector}
        yield "products", product, source


def _profiles(given: argparse.Namespace) -> Iterator[Row]:
    rng = np.random.default_rng(7)
    centres, every = _centres(given.dims), given.profiles // given.members
    for start in range(0, given.profiles, AT_ONCE):
        tastes = centres[rng.integers(0, CENTRES, AT_ONCE)] + rng.normal(size=(AT_ONCE, given.dims))
        tastes /= np.linalg.norm(tastes, axis=1, keepdims=True)
        chances = rng.beta(1, 9, AT_ONCE)
        for n in range(start, min(start + AT_ONCE, given.profiles)):
            cycle, user = n // every, f"u{n:08}"
            source = {
                "user_id": user, "generation": GENERATION, "order_count": n % every, "spend_total": float(n % 1000),
                "last_purchase": f"2026-{1 + n % 11:02}-15T12:00:00Z", "country": "CN" if cycle % 5 > 0 else "FR",
                "city": f"city {n % 300}", "consent": ["mail", "sms"] if cycle % 2 == 0 else ["sms"],
            }  # fmt: skip
            beliefs = {
                "taste_vector": encode_vector(tastes[n - start]), "purchase_30d": round(float(chances[n - start]), 4),
                "value_tier": ("low", "middle", "high")[n % 3], "segment": f"segment {n % 6}", "lifecycle": "active",
                "churn_band": "low",
            }  # fmt: skip
            yield "profiles", user, source | ({"personalisation": "off"} if cycle % 49 == 0 else beliefs)


def _centres(dims: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(11).normal(size=(CENTRES, dims))


def _write(client: Elasticsearch, settings: Settings, rows: Iterable[Row]) -> None:
    lines: list[bytes] = []
    for kind, id, source in rows:
        lines += [orjson.dumps({"index": {"_index": settings.index(kind), "_id": id}}), orjson.dumps(source)]
        if len(lines) == 2 * AT_ONCE:
            _send(client, lines)
    _send(client, lines)


def _send(client: Elasticsearch, lines: list[bytes]) -> None:
    if len(lines) > 0:
        answer = client.perform_request(
            "POST", "/_bulk?filter_path=errors", body=b"\n".join(lines) + b"\n",
            headers={"content-type": "application/x-ndjson", "accept": "application/json"},
        )  # fmt: skip
        assert answer.body == {"errors": False}
    lines.clear()
