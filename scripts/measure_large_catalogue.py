#!/usr/bin/env python3
"""Time, peak memory and validation NDCG@20 of training on catalogues of any size, against what was estimated.

Made-up acts: products of some hundred tastes, popular as 1/rank within each; every user has three tastes, and a
fifth of the acts is noise. Prints a JSON line a run: what `learn` estimated and took, and what the exact matrix,
the dense form by dimensions and the sparse form by weights reach on the validation cut. A run is a process of
its own, so that its peak is its own.

    python scripts/measure_large_catalogue.py ease:5000:20000 ease:10000:20000 spectral:36000:43000
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

from profilestore.features.taste.interactions import Interactions
from profilestore.features.taste.learning import LearnOptions, learn

TASTES = 300
NOISE = 0.2


def make_acts(products: int, users: int, *, per_user: int, seed: int) -> Interactions:
    """Acts with tastes planted in them, in order of time."""
    rng = np.random.default_rng(seed)
    taste_of = rng.integers(0, TASTES, size=products)
    members = [np.flatnonzero(taste_of == taste) for taste in range(TASTES)]
    count = users * per_user
    user = np.repeat(np.arange(users, dtype=np.int32), per_user)
    tastes = rng.integers(0, TASTES, size=(users, 3))[user, rng.integers(0, 3, size=count)]
    product = np.empty(count, dtype=np.int32)
    for taste, own in enumerate(members):
        chosen = np.flatnonzero(tastes == taste)
        share = 1.0 / np.arange(1, own.size + 1)
        product[chosen] = rng.choice(own, size=chosen.size, p=share / share.sum())
    noise = rng.uniform(size=count) < NOISE
    product[noise] = rng.integers(0, products, size=int(noise.sum()))
    days = rng.uniform(0.0, 365.0, size=count)
    order = np.argsort(days, kind="stable")
    hashes = np.sort(rng.integers(0, 2**63, size=users, dtype=np.uint64))
    ids = tuple(f"p{number:06d}" for number in range(products))
    return Interactions(user[order], product[order], days[order], np.ones(count, dtype=np.float32), hashes, ids)


def measure(run: str, arguments: argparse.Namespace) -> None:
    """One training, told as a JSON line."""
    learner, products, users = run.split(":")
    acts = make_acts(int(products), int(users), per_user=arguments.per_user, seed=arguments.seed)
    started = time.monotonic()
    options = LearnOptions(learner=learner, budget=arguments.budget, form=arguments.form)  # type: ignore[arg-type]
    model = learn(
        acts, options, progress=lambda step: print(f"{time.monotonic() - started:7.0f} s  {step}", file=sys.stderr)
    ).model
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    told = {name: value for name, value in model.figures.items() if name != "tried"}
    print(
        json.dumps({"run": run, "acts": len(acts), "peak_gb": round(peak / 1e9, 2), "dims": model.dims, **told}),
        flush=True,
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="LEARNER:PRODUCTS:USERS")
    parser.add_argument("--per-user", type=int, default=14)
    parser.add_argument("--budget", type=int, default=0)
    parser.add_argument("--form", choices=("auto", "dense", "sparse"), default="auto")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    if len(arguments.runs) == 1:
        measure(arguments.runs[0], arguments)
        return 0
    rest = ["--per-user", arguments.per_user, "--budget", arguments.budget, "--form", arguments.form]
    for run in arguments.runs:
        done = subprocess.run(
            [sys.executable, __file__, run, *map(str, rest), "--seed", str(arguments.seed)], check=False
        )
        if done.returncode != 0:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
