"""One process that works on a small shop and is killed, or kills itself: `python fold_process.py VERB JSON`."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from elasticsearch import Elasticsearch
from fold_runs import make_events, stand_in

from profilestore import Event, Product, ProfileStore
from profilestore.elastic import bulk
from profilestore.elastic.generations import Generations
from profilestore.elastic.product_index import ProductIndex
from profilestore.indexing.refold import Refold
from profilestore.settings import Settings


def run_forked(work: Callable[[], None], *, kill_after_s: float | None = None) -> int:
    """Run in a fork of this process, killed after a while; returns its wait status."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        finally:  # a fork must never go on as its parent
            traceback.print_exc()
            os._exit(1)
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return status


def die_at(k: int, *, before: bool) -> None:
    """Make this process kill itself at its k-th request that writes documents, before or after it was sent."""
    real = bulk._send
    count = 0

    def send(client: Elasticsearch, lines: list[bytes], action: str) -> list[dict[str, Any]]:
        nonlocal count
        count += 1
        if before and count == k:
            os.kill(os.getpid(), signal.SIGKILL)
        items = real(client, lines, action)
        if not before and count == k:
            os.kill(os.getpid(), signal.SIGKILL)
        return items

    bulk._send = send


def load(settings: Settings, events: Sequence[Event], *, k: int = 0, before: bool = False) -> None:
    if k > 0:
        die_at(k, before=before)
    with ProfileStore.open(settings) as shop:
        shop.index_events(events)


def kill_at_each_write(settings: Settings) -> dict[str, Any]:
    """A fresh small load for each k, killed at its k-th write, until one comes through."""
    died = 0
    for before in (True, False):
        for k in range(1, 100):
            seed = 1000 * (1 + before) + k
            events = make_events(60, seed=seed, users=12, texts=False)
            status = run_forked(lambda k=k, events=events, before=before: load(settings, events, k=k, before=before))  # type: ignore[misc]
            if status == 0:
                break
            if not os.WIFSIGNALED(status):
                sys.exit(f"died otherwise at {k}: {status}")
            died += 1
    return {"died": died}


def kill_at_random(settings: Settings, *, seed: int, rounds: int, events: int) -> dict[str, Any]:
    rng = random.Random(seed)
    rows = make_events(events, seed=seed, texts=False)
    statuses = [run_forked(lambda: load(settings, rows), kill_after_s=rng.uniform(0.05, 0.8)) for _ in range(rounds)]
    return {"killed": sum(os.WIFSIGNALED(status) for status in statuses)}


def main() -> None:
    verb, given = sys.argv[1], json.loads(sys.argv[2])
    settings = Settings(**given.pop("settings"))
    with stand_in():
        if verb == "kill_at_each_write":
            sys.stdout.write(json.dumps(kill_at_each_write(settings)))
        elif verb == "kill_at_random":
            sys.stdout.write(json.dumps(kill_at_random(settings, **given)))
        elif verb == "load":
            rows = make_events(given["events"], seed=given["seed"], texts=False)
            random.Random(given.get("order", 0)).shuffle(rows)
            with ProfileStore.open(settings) as shop:
                counts = shop.index_events(rows)
            sys.stdout.write(
                json.dumps({"read": counts.read, "indexed": counts.indexed, "duplicate": counts.duplicate})
            )
        elif verb == "products":
            die_in_product_load(given.get("die"))
            with ProfileStore.open(settings) as shop:
                shop.index_products([Product(**row) for row in given["products"]])
            sys.stdout.write("{}")
        elif verb == "follow":
            with ProfileStore.open(settings) as shop:
                for _ in shop.follow(every_s=0.05):
                    pass
        elif verb == "build":
            die_at_step(given["step"])
            with ProfileStore.open(settings) as shop:
                shop.rebuild_all(progress=lambda step: on_step(given["step"], step))
        else:
            sys.exit(f"no such verb: {verb}")


def die_in_product_load(moment: str | None) -> None:
    """Between the note and the products, between the products and the note's mark, or before the profiles follow."""
    moments = {
        "noted": (ProductIndex, "write"),
        "products written": (Refold, "written"),
        "note marked": (Refold, "work_off"),
    }
    if moment is not None:
        owner, name = moments[moment]
        setattr(owner, name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))


def die_at_step(step: str) -> None:
    """For the two moments of a build that have no step of their own: when writes are blocked, and after the switch."""
    for name in ("block", "switch"):
        if step == f"after {name}":
            real = getattr(Generations, name)

            def then_die(self: Generations, *args: Any, real: Any = real, **named: Any) -> None:
                real(self, *args, **named)
                os.kill(os.getpid(), signal.SIGKILL)

            setattr(Generations, name, then_die)


def on_step(wanted: str, step: str) -> None:
    if step == wanted:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
