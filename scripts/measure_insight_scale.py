"""Every step of `insight run` on a generated shop, each in a process of its own: seconds and peak of resident memory.

    python scripts/measure_insight_scale.py --users 100000 --home DIR            # a server of its own under DIR
    python scripts/measure_insight_scale.py --users 5000 --url URL --steps value,segments

The shop of `scale_shop.py` is written straight into the indices; a second run with the same `--home` finds it and goes
on with the steps. The time of a step is that of `profilestore insight run STEP --force` from its start to its end:
Python, the reading of the event log, the model, the writing of the profiles; beside it stand the seconds of processor
that the process took itself, for machines that do other things meanwhile. Ends with exit code 1 when a step takes more
than 10 minutes or 3 GiB. The server that it started is stopped at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scale_shop import write_scale_shop

LIMIT_S = 600.0
LIMIT_MIB = 3 * 1024
RULES = """
[segments]
spenders = 'monetary >= 300 and order_count > 1'
away = 'recency_days >= 30'
lately = 'recency_days < 14 and country == "CN"'
"""


@dataclass(frozen=True)
class Cost:
    """Seconds from start to end, seconds of processor of the process itself, and its peak of resident memory."""

    seconds: float
    cpu_s: float
    peak_mib: float


@dataclass(frozen=True)
class Shop:
    """A shop of the measurement, asked through the command line."""

    home: Path
    url: str | None
    prefix: str

    def command(self, *words: str) -> list[str]:
        main = "from profilestore.cli import main; main()"
        flags = ["--prefix", self.prefix, "--home", str(self.home)]
        return [sys.executable, "-c", main, *words, *flags, *([] if self.url is None else ["--url", self.url])]

    def run(self, *words: str) -> str:
        done = subprocess.run(self.command(*words), env=environment(), stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout

    def measured(self, *words: str) -> tuple[dict[str, Any], Cost]:
        """What a command printed as JSON, and what it took."""
        started = time.perf_counter()
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as talk:
            process = subprocess.Popen(self.command(*words, "--json"), env=environment(), stdout=out, stderr=talk)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            talk.seek(0)
            cost = Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
            if process.returncode != 0:
                said = talk.read().splitlines()
                return {"error": said[-1] if len(said) > 0 else f"exit code {process.returncode}"}, cost
            return json.loads(out.read()), cost


def environment() -> dict[str, str]:
    """Word vectors of few dimensions: what is measured reads no text."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PROFILESTORE_")}
    own = {"PROFILESTORE_TEXT_MODEL": "words", "PROFILESTORE_EMBEDDING_DIMS": "64", "PROFILESTORE_HEAP": "2g",
           "PROFILESTORE_SERVER": "embedded", "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}  # fmt: skip
    return kept | own


def load(shop: Shop, *, users: int, events: int) -> None:
    """Write the shop, unless it is there."""
    from profilestore import ProfileStore

    if "has all its indices" in shop.run("init"):
        return
    started = time.perf_counter()
    os.environ.update(environment())
    with ProfileStore.open(home=shop.home, prefix=shop.prefix, elasticsearch_url=shop.url) as store:
        write_scale_shop(store, users=users, events=events)
    print(json.dumps({"written": users, "events": events, "seconds": round(time.perf_counter() - started)}), flush=True)
    rules = shop.home / "rules.toml"
    rules.write_text(RULES, encoding="utf-8")
    shop.run("insight", "segments", "define", str(rules))


def measure(shop: Shop, steps: list[str]) -> bool:
    """Run the steps and print a line each, then the table; whether all are within the limits."""
    rows: list[tuple[str, str, Cost]] = []
    for step in steps:
        said, cost = shop.measured("insight", "run", step, "--force")
        report = said["steps"][0] if "steps" in said else {"status": "failed", "message": said.get("error", "")}
        rows.append((step, report["status"], cost))
        told = {"step": step, "status": report["status"]} | {name: round(v, 1) for name, v in asdict(cost).items()}
        print(json.dumps(told | {"message": report["message"]}, ensure_ascii=False), flush=True)
    print(f"\n{'step':12} {'status':12} {'seconds':>8} {'of 600':>7} {'cpu s':>7} {'peak MiB':>9} {'of 3072':>8}")
    for name, status, cost in rows:
        shares = (
            f"{cost.seconds / LIMIT_S:7.0%} {cost.cpu_s:7.1f} {cost.peak_mib:9.0f} {cost.peak_mib / LIMIT_MIB:8.0%}"
        )
        print(f"{name:12} {status:12} {cost.seconds:8.1f} {shares}")
    return all(
        status != "failed" and cost.seconds <= LIMIT_S and cost.peak_mib <= LIMIT_MIB for _, status, cost in rows
    )


def main() -> None:
    from profilestore.insight.steps import STEPS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--events", type=int, help="12 a user by default")
    parser.add_argument("--home", type=Path, required=True, help="of the server and the cache")
    parser.add_argument("--url", help="a server that runs; else one is started under --home and stopped")
    parser.add_argument("--prefix", default="scale")
    parser.add_argument("--steps", default=",".join(step.name for step in STEPS))
    asked = parser.parse_args()
    shop = Shop(asked.home, asked.url, asked.prefix)
    if asked.url is None:
        shop.run("up")
    try:
        load(shop, users=asked.users, events=asked.events or 12 * asked.users)
        within = measure(shop, asked.steps.split(","))
    finally:
        if asked.url is None:
            shop.run("down")
    sys.exit(0 if within else 1)


if __name__ == "__main__":
    main()
