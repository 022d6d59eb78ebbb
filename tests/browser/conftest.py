"""A real browser for tests of pages: a Chromium of this machine, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find_browser() -> str:
    """A Chromium of this machine."""
    found = next((path for name in BROWSERS if (path := shutil.which(name)) is not None), None)
    if found is not None:
        return found
    message = f"browser tests: none of {', '.join(BROWSERS)} is on PATH (Debian: apt-get install chromium)"
    if os.environ.get("REQUIRE_BROWSER", "") not in ("", "0"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    program = find_browser()
    # --no-sandbox: a container's root has no other way
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()
