"""How true is the map, and what does it cost: t-SNE against PCA, on a shop that is loaded or on many points.

    python scripts/measure_map.py --points 100000 --dims 50   # the projection alone, in memory
    python scripts/measure_map.py --prefix shop --url URL     # `insight run map` as it is, with reading and writing

Prints a JSON line: trustworthiness with intervals, explained variance, seconds and the peak of resident memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from typing import Any

import numpy as np

from profilestore import ProfileStore
from profilestore.insight.map.projection import project

SEED = 7
GROUPS = 12


def say(started: float, **figures: Any) -> None:
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures |= {"seconds": round(time.perf_counter() - started, 1), "peak_mib": round(peak_mib)}
    print(json.dumps(figures, ensure_ascii=False), flush=True)


def measure_points(points: int, dims: int, sample: int) -> None:
    """Points in clouds about random corners."""
    rng = np.random.default_rng(SEED)
    corners = rng.normal(size=(GROUPS, dims))
    drawn = (corners[rng.integers(0, GROUPS, points)] + rng.normal(0.0, 0.5, (points, dims))).astype(np.float32)
    started = time.perf_counter()
    made = project(drawn, sample=sample, seed=SEED)
    say(started, points=points, dims=dims, fitted_on=int(made.fitted.sum()), explained=made.explained, **made.figures)


def measure_shop(flags: dict[str, Any]) -> None:
    started = time.perf_counter()
    with ProfileStore.open(**flags) as shop:
        (report,) = shop.insight.run(["map"], force=True, seed=SEED)
        figures = {} if report.status == "too little" else shop.insight.result("map").figures
    say(started, status=report.status, message=report.message, **figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--dims", type=int, default=50)
    parser.add_argument("--sample", type=int, default=5000)
    parser.add_argument("--prefix")
    parser.add_argument("--url")
    asked = parser.parse_args()
    if asked.prefix is None:
        measure_points(asked.points, asked.dims, asked.sample)
    else:
        measure_shop({"prefix": asked.prefix, "elasticsearch_url": asked.url})


if __name__ == "__main__":
    main()
