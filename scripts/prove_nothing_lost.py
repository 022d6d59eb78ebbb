"""Promise P1 on a real file, by the command line alone: kills, rivals and a restart, then count.

    python scripts/prove_nothing_lost.py FILE --columns online-retail [--kills 20] [--port 9471]

On a server and home of its own (under a temporary folder, erased afterwards): four loaders on four parts of
the file at once while the server is killed and started again; then loads of the whole file, each killed by
SIGKILL at a random moment; then one in full and one again. Prints the counts and ends with 1 unless they add
up, the last load wrote nothing, and `profile verify --all` finds no difference.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq


class Shop:
    def __init__(self, home: Path, columns: str, port: int) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PROFILESTORE_")}
        self.environment = {**kept, "PROFILESTORE_HOME": str(home), "PROFILESTORE_SERVER": "embedded"}
        self.home, self.columns, self.port = home, columns, port

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "profilestore", *arguments]
        return subprocess.Popen(
            command, env=self.environment, cwd=self.home, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def run(self, *arguments: str, ok: tuple[int, ...] = (0,)) -> str:
        process = self.start(*arguments)
        out, _ = process.communicate()
        if process.returncode not in ok:
            raise SystemExit(f"profilestore {' '.join(arguments)}: exit {process.returncode}")
        return out

    def up(self) -> None:
        self.run("up", "--port", str(self.port))

    def load(self, kind: str, file: Path | str, *, json_: bool = True) -> list[str]:
        return ["index", kind, str(file), "--columns", self.columns, *(["--json"] if json_ else [])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--columns", required=True)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--port", type=int, default=9471)
    arguments = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="profilestore-prove-"))
    shop = Shop(home, arguments.columns, arguments.port)
    try:
        shop.up()
        prove(shop, arguments.file.resolve(), arguments.kills)
    finally:
        shop.run("down", "--erase", "--yes")
        shutil.rmtree(home, ignore_errors=True)


def prove(shop: Shop, file: Path, kills: int) -> None:
    shop.run("init")
    shop.run(*shop.load("products", file), ok=(0, 3))
    table = pq.read_table(file)
    size = -(-table.num_rows // 4)
    loaders = []
    for part in range(4):
        path = shop.home / f"part-{part}.parquet"
        pq.write_table(table.slice(part * size, size), path)
        loaders.append(shop.start(*shop.load("events", path)))
    time.sleep(12)
    node = json.loads((shop.home / "server.json").read_text())["pid"]
    os.kill(node, signal.SIGKILL)
    shop.up()
    codes = [process.wait() for process in loaders]
    print(f"four loaders at once over a killed server: exit codes {codes}", flush=True)
    dice = random.Random(7)
    for _ in range(kills):
        process = shop.start(*shop.load("events", file))
        time.sleep(dice.uniform(1.0, 9.0))
        process.kill()
        process.communicate()
    print(f"{kills} loads killed", flush=True)
    full, again = (json.loads(shop.run(*shop.load("events", file), ok=(0, 3))) for _ in range(2))
    print(f"in full: {full}\nagain: {again}", flush=True)
    verified = json.loads(shop.run("profile", "verify", "--all", "--json", ok=(0, 4)))
    events = json.loads(shop.run("status", "--json"))["indices"]["events"]
    print(f"verify: {verified['checked']} checked, {verified['different']} different; {events} events in the log")
    names = ("indexed", "updated", "unchanged", "duplicate", "rejected")
    fine = all(sum(counts[name] for name in names) == counts["read"] for counts in (full, again))
    if not fine or again["indexed"] or again["updated"] or verified["different"] or any(c not in (0, 3) for c in codes):
        raise SystemExit("something was lost or doubled, or a loader did not outlast the restart")


if __name__ == "__main__":
    main()
