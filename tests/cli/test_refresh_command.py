"""`dashboards refresh` as a shell sees it."""

from __future__ import annotations

import json
from typing import Any

from typer.testing import CliRunner

from profilestore import Event, Product, ProfileStore, Settings
from profilestore.cli import app
from tests.cli.commands import flags_of


def invoke(settings: Settings, *words: str) -> Any:
    flags = flags_of(settings)
    done = CliRunner().invoke(app, ["dashboards", "refresh", *words, *flags])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in words else done.stdout


def test_refresh_tells_what_it_did(settings: Settings) -> None:
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as shop:
        shop.init()
        assert invoke(settings, "--json")["acts"] == 0
        shop.index_products([Product(product_id="p", title="red mug")])
        shop.record([Event(user_id=f"u{n}", type="purchase", product_id="p", price=2.0, time="2026-03-01T00:00:00Z")
                     for n in range(3)])  # fmt: skip
    report = invoke(settings, "--json")
    assert {name: report[name] for name in ("acts", "users", "derived", "written", "removed", "unchanged")} == {
        "acts": 3, "users": 3, "derived": 3, "written": 3, "removed": 0, "unchanged": False
    }  # fmt: skip
    assert "nothing is new" in invoke(settings)
    assert f"3 acts in {settings.prefix}-activity" in invoke(settings, "--rebuild")


def test_a_shop_that_is_not_there_is_told(settings: Settings) -> None:
    flags = flags_of(settings)
    done = CliRunner().invoke(app, ["dashboards", "refresh", *flags])
    assert done.exit_code == 1
    assert "profilestore init" in done.output
