"""An audience of many users: seconds and peak of resident memory to build, count, read and export it.

    python scripts/measure_audience.py --url URL --profiles 1000000 --members 100000 --home DIR
    python scripts/measure_audience.py --url URL --profiles 200000 --members 20000 --dims 32 --home DIR --keep

Profiles are written straight into the indices of a shop of its own, with made vectors and consents: half of them by
mail. The audience is the `--members` likeliest buyers of a product among those with a rule, so that vectors of all
profiles are scored in batches, the limit is far beyond what one search lists, and the ids stand in pieces. Every step
runs in a process of its own. Ends with exit code 1 when building, reading and exporting together take more than three
minutes, or any of them more than 1 GiB. The shop is removed at the end unless `--keep` is given; a second run with
`--keep` finds it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from elasticsearch import Elasticsearch
from pydantic import SecretStr

from profilestore.campaigns.audience.definition import definition_of
from profilestore.campaigns.audience.exporting import ExportOptions
from profilestore.documents import IndexMeta
from profilestore.elastic.index_identity import write_meta
from profilestore.elastic.indices import init
from profilestore.elastic.temporary import erase_shop
from profilestore.features.served import encode_vector
from profilestore.settings import Settings
from profilestore.store import ProfileStore

LIMIT_S = 180.0
LIMIT_MIB = 1024.0
AT_ONCE = 2000
NAME = "measured"


def settings_of(given: argparse.Namespace) -> Settings:
    return Settings(
        home=given.home, prefix=given.prefix, elasticsearch_url=given.url, embedding_dims=given.dims,
        export_key=SecretStr("a key of the measurement"),
    )  # fmt: skip


def documents(profiles: int, dims: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(kind, id, source) of profiles and of their recommended lists."""
    rng = np.random.default_rng(7)
    for start in range(0, profiles, AT_ONCE):
        vectors = rng.normal(size=(AT_ONCE, dims)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        for n in range(start, min(start + AT_ONCE, profiles)):
            user = f"u{n:08}"
            yield "profiles", user, {
                "user_id": user, "generation": "000001", "text_vector": encode_vector(vectors[n - start]),
                "country": "CN" if n % 5 > 0 else "FR", "city": f"city {n % 300}", "order_count": n % 7,
                "spend_total": float(n % 1000), "consent": ["mail"] if n % 2 == 0 else ["sms"],
                **({"personalisation": "off"} if n % 50 == 0 else {}),
            }  # fmt: skip
            items = [{"product_id": f"p{k}", "title": f"product {k}", "price": 9.5, "score": 0.9,
                      "reasons": [{"type": "view", "share": 0.5, "words": "because you looked at another"}]}
                     for k in range(3)]  # fmt: skip
            yield "recommendations", user, {
                "user_id": user, "as_of": "2026-01-01T00:00:00Z", "method": "popular" if n % 50 == 0 else "text",
                "run": "r", "generation": "000001", "products": ["p0", "p1", "p2"], "items": items,
            }  # fmt: skip


def write_shop(given: argparse.Namespace) -> None:
    """The shop, unless it is there already."""
    settings = settings_of(given)
    with Elasticsearch(given.url, request_timeout=300) as client:
        made = init(client, settings)
        if len(made) == 0 and client.count(index=settings.index("profiles"))["count"] == given.profiles:
            return
        meta = IndexMeta(generation="000001", text_model="words")
        write_meta(client, f"{settings.index('products')}-000001", meta)
        vector = encode_vector(np.eye(1, given.dims, dtype=np.float32)[0])
        for k in range(3):
            source = {"product_id": f"p{k}", "generation": "000001", "title": f"product {k}", "text_vector": vector}
            client.index(index=settings.index("products"), id=f"p{k}", document=source)
        lines: list[bytes] = []
        for kind, id, source in documents(given.profiles, given.dims):
            lines += [orjson.dumps({"index": {"_index": settings.index(kind), "_id": id}}), orjson.dumps(source)]
            if len(lines) >= 4 * AT_ONCE:
                _send(client, lines)
        _send(client, lines)
        for kind in ("products", "profiles", "recommendations"):
            client.indices.refresh(index=settings.index(kind))


def _send(client: Elasticsearch, lines: list[bytes]) -> None:
    if len(lines) > 0:
        answer = client.perform_request(
            "POST", "/_bulk?filter_path=errors", body=b"\n".join(lines) + b"\n",
            headers={"content-type": "application/x-ndjson", "accept": "application/json"},
        )  # fmt: skip
        assert answer.body == {"errors": False}
    lines.clear()


def step(given: argparse.Namespace) -> dict[str, Any]:
    """One step, in this process."""
    with ProfileStore.open(settings_of(given)) as shop:
        audiences = shop.audiences
        if given.step == "build":
            members = {"and": [{"buyers": "p0"}, {"rule": 'country == "CN" and order_count >= 1'}]}
            definition = definition_of({"channel": "mail", "limit": given.members, "members": members}, source="m")
            return audiences.build(NAME, definition).size.to_json_dict()
        if given.step == "count":
            return {"members": audiences.count(NAME)}
        if given.step == "read":
            return {"members": sum(1 for _ in audiences.members(NAME, fields=["city", "order_count"]))}
        path = given.home / f"{NAME}.csv"
        options = ExportOptions(fields=("city", "spend_total"), offers=3)
        report = audiences.export(NAME, path, options)
        found = {"members": report.members, "mib": round(path.stat().st_size / 2**20, 1)}
        path.unlink()
        return found


def measured(given: argparse.Namespace, name: str) -> dict[str, Any]:
    """What a step says, in a process of its own, with its seconds and its peak of memory."""
    command = [sys.executable, __file__, "--step", name, "--url", given.url, "--home", str(given.home),
               "--profiles", str(given.profiles), "--members", str(given.members), "--dims", str(given.dims),
               "--prefix", given.prefix]  # fmt: skip
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{name}: exit code {process.returncode}")
    return {
        "step": name, "seconds": round(time.perf_counter() - started, 1),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 1), "peak_mib": round(usage.ru_maxrss / 1024, 1),
        **json.loads(said),
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--prefix", default="measure-audience")
    parser.add_argument("--profiles", type=int, default=1_000_000)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--dims", type=int, default=64)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--step", choices=("build", "count", "read", "export"))
    given = parser.parse_args()
    if given.step is not None:
        print(json.dumps(step(given)))
        return 0
    started = time.perf_counter()
    write_shop(given)
    print(
        f"{given.profiles:,} profiles of {given.dims} dimensions in {time.perf_counter() - started:.0f} s", flush=True
    )
    steps = []
    try:
        for name in ("build", "count", "read", "export"):
            steps.append(measured(given, name))
            print(json.dumps(steps[-1]), flush=True)
    finally:
        with Elasticsearch(given.url, request_timeout=300) as client:
            if given.keep:
                with ProfileStore.open(settings_of(given)) as shop:
                    shop.audiences.remove(NAME)
            else:
                erase_shop(client, settings_of(given))
    total = sum(each["seconds"] for each in steps)
    peak = max(each["peak_mib"] for each in steps)
    print(f"{total:.0f} s in all (at most {LIMIT_S:.0f}), {peak:.0f} MiB at most (at most {LIMIT_MIB:.0f})")
    return 0 if total <= LIMIT_S and peak <= LIMIT_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
