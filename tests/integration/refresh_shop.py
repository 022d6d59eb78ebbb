"""A shop whose dashboards are refreshed in small pieces, and what must hold of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fold_runs import documents, make_products, small, stand_in

from profilestore import ProfileStore, Settings
from profilestore.dashboards.refresh import mending
from profilestore.documents import ActivityDocument
from profilestore.insight.profiles import InsightProfiles

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@contextmanager
def opened_shop(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProfileStore]:
    """A shop with products, of which a refresh mends seven users and writes thirty acts at once."""
    monkeypatch.setattr(mending, "_USERS", 7)
    monkeypatch.setattr(mending, "_ACTS", 30)
    with stand_in(), ProfileStore.open(small(settings, time_zone="Asia/Shanghai")) as store:
        store.init()
        store.index_products(make_products(30))
        yield store


def acts(shop: ProfileStore) -> dict[str, dict[str, Any]]:
    """What is held, as it was said; each of it is a valid document."""
    found = {}
    for id, hit in documents(shop.settings, "activity").items():
        found[id] = {name: value for name, value in hit["_source"].items() if value is not None}
        ActivityDocument(**found[id])
    return found


def derived_anew(shop: ProfileStore) -> dict[str, dict[str, Any]]:
    """All acts as a rebuild derives them."""
    report = shop.dashboards.refresh(rebuild=True)
    found = acts(shop)
    assert report.rebuilt
    assert report.acts == len(found)
    return found


def expected_ids(shop: ProfileStore) -> set[str]:
    log = documents(shop.settings, "events")
    return {id for id, hit in log.items() if hit["_source"]["type"] != "attributes"}


def assert_right(shop: ProfileStore) -> None:
    """Every act of the log is held once, and as a rebuild derives it."""
    held = acts(shop)
    assert held.keys() == expected_ids(shop)
    assert held == derived_anew(shop)


def set_fields(shop: ProfileStore, group: str, fields: dict[str, dict[str, Any]]) -> None:
    InsightProfiles(shop._parts.in_force.profiles).write(group, lambda user_id, _: fields.get(user_id), as_of=START)
