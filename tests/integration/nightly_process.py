"""One process that writes everybody's list and may kill itself: `python nightly_process.py JSON`."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from fold_runs import stand_in

from profilestore import ProfileStore, Settings
from profilestore.recommend import nightly


def main() -> None:
    given = json.loads(sys.argv[1])
    settings = Settings(**given["settings"])
    nightly._PAGE = given["page"]  # type: ignore[misc]  # many small pages
    with stand_in(), ProfileStore.open(settings) as shop:

        def progress(done: int, total: int) -> None:
            if done >= given.get("die_at", total + 1):
                os.kill(os.getpid(), signal.SIGKILL)
            if "ready" in given and done >= given["page"]:
                sys.stdout.write("ready\n")
                sys.stdout.flush()
                time.sleep(given["ready"])

        report = shop.recommend_all(progress=progress, **given["options"])
    sys.stdout.write(json.dumps(report.to_json_dict()) + "\n")


if __name__ == "__main__":
    main()
