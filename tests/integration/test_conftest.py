"""The fixtures that every integration test stands on."""

from __future__ import annotations

from elasticsearch import Elasticsearch

from profilestore.settings import Settings


def test_the_settings_lead_to_a_real_server(settings: Settings) -> None:
    assert settings.elasticsearch_url is not None
    with Elasticsearch(settings.elasticsearch_url) as client:
        client.indices.put_index_template(
            name=settings.index("products"), index_patterns=[f"{settings.index('products')}-*"]
        )
        client.indices.create(index=f"{settings.index('products')}-1", aliases={settings.index("products"): {}})
        client.index(index=settings.index("products"), id="p1", document={"product_id": "p1"}, refresh=True)
        assert client.count(index=settings.index("products"))["count"] == 1
    TOUCHED.append(settings.prefix)


TOUCHED: list[str] = []


def test_nothing_of_a_finished_test_is_left(server_url: str) -> None:
    assert len(TOUCHED) == 1, "runs after the test above"
    with Elasticsearch(server_url) as client:
        assert client.cat.indices(index=f"{TOUCHED[0]}-*", expand_wildcards="all", h="index", format="json").body == []
        templates = client.indices.get_index_template().body["index_templates"]
        assert [each["name"] for each in templates if each["name"].startswith(TOUCHED[0])] == []
