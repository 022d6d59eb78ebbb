"""`segment_popularity` and `listed` of products, derived on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from elasticsearch import Elasticsearch, helpers
from fold_runs import small, stand_in

from profilestore import Product, ProfileStore
from profilestore.elastic.indices import init
from profilestore.errors import SettingsError
from profilestore.indexing.popularity import refresh_popularity
from profilestore.indexing.segment_popularity import derive_segment_popularity
from profilestore.settings import Settings


@pytest.fixture
def own(settings: Settings) -> Settings:
    return settings.model_copy(update={"segment_fields": ("gender", "main_brands"), "segment_min_users": 2})


@pytest.fixture
def client(own: Settings) -> Iterator[Elasticsearch]:
    with Elasticsearch(str(own.elasticsearch_url), request_timeout=60) as opened:
        init(opened, own)
        products = [
            {"_index": own.index("products"), "_id": id, "product_id": id, "generation": "000001"} for id in "abc"
        ]
        helpers.bulk(opened, products, refresh=True)
        yield opened


def put(client: Elasticsearch, own: Settings, profiles: dict[str, dict[str, Any]]) -> None:
    rows = [{"_index": own.index("profiles"), "_id": id, "user_id": id, **fields} for id, fields in profiles.items()]
    helpers.bulk(client, rows, refresh=True)


def stored(client: Elasticsearch, own: Settings) -> dict[str, dict[str, float]]:
    hits = client.search(index=own.index("products"), source_exclude_vectors=False)["hits"]["hits"]
    return {hit["_id"]: hit["_source"].get("segment_popularity", {}) for hit in hits}


def test_users_of_large_enough_segments_are_counted(client: Elasticsearch, own: Settings) -> None:
    put(
        client, own,
        {
            "u1": {"gender": "female", "purchased_products": ["a", "b"], "main_brands": ["Acme", "Bolt"]},
            "u2": {"gender": "female", "purchased_products": ["a", "gone"], "main_brands": ["Acme"]},
            "u3": {"gender": "male", "purchased_products": ["a"]},
            "u4": {"gender": "female", "purchased_products": ["c"], "personalisation": "off"},
            "u5": {"gender": "female"},
        },
    )  # fmt: skip
    assert derive_segment_popularity(client, own) == 2
    expected = {
        "a": {"gender=female": 2.0, "main_brands=Acme": 2.0},
        "b": {"gender=female": 1.0, "main_brands=Acme": 1.0},
    }
    client.indices.refresh(index=own.index("products"))
    assert stored(client, own) == {**expected, "c": {}}
    assert derive_segment_popularity(client, own) == 0  # unchanged is untouched


def test_a_count_that_the_server_rounds_is_written_once(client: Elasticsearch, own: Settings) -> None:
    put(client, own, {f"u{i}": {"gender": "female", "purchased_products": ["a"]} for i in range(513)})
    assert derive_segment_popularity(client, own) == 1
    client.indices.refresh(index=own.index("products"))
    assert stored(client, own)["a"] == {"gender=female": 512.0}
    assert derive_segment_popularity(client, own) == 0


def test_what_is_no_longer_true_goes(client: Elasticsearch, own: Settings) -> None:
    put(client, own, {f"u{i}": {"gender": "female", "purchased_products": ["a", "b"]} for i in range(3)})
    refresh_popularity(client, own)
    assert stored(client, own) == {"a": {"gender=female": 3.0}, "b": {"gender=female": 3.0}, "c": {}}
    put(client, own, {f"u{i}": {"gender": "male", "purchased_products": ["b"]} for i in range(2)})
    refresh_popularity(client, own)  # one woman is left: too few
    assert stored(client, own) == {"a": {}, "b": {"gender=male": 2.0}, "c": {}}


def test_no_fields_no_segments(client: Elasticsearch, own: Settings) -> None:
    put(client, own, {f"u{i}": {"gender": "female", "purchased_products": ["a"]} for i in range(3)})
    refresh_popularity(client, own)
    refresh_popularity(client, own.model_copy(update={"segment_fields": ()}))
    assert stored(client, own) == {"a": {}, "b": {}, "c": {}}


def test_a_segment_of_a_field_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="segment_fields"):
        Settings.load(segment_fields=("age",))


def test_a_product_is_new_from_its_release_or_from_its_first_indexing(settings: Settings) -> None:
    today = datetime.now(UTC).date().isoformat()
    with stand_in(), ProfileStore.open(small(settings)) as shop:
        shop.init()
        rows = [
            Product(product_id="old", title="old lamp", released=date(2020, 1, 2)),
            Product(product_id="now", title="x"),
        ]
        shop.index_products(rows)
        shop._client.update(index=settings.index("products"), id="now", doc={"listed": "2026-01-01"}, refresh=True)
        shop.index_products([Product(product_id="now", title="renamed"), Product(product_id="late", title="y")])
        shop._client.indices.refresh(index=settings.index("products"))
        hits = shop._client.search(index=settings.index("products"))["hits"]["hits"]
        listed = {hit["_id"]: hit["_source"]["listed"] for hit in hits}
        # another title makes it no newer
        assert listed == {"old": "2020-01-02", "now": "2026-01-01", "late": today}
        assert shop.recommend("nobody", method="new").product_ids == ["late", "now", "old"]
