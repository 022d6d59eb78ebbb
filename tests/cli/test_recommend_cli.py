"""`recommend` with all its rules as a shell sees it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest
from elasticsearch import Elasticsearch, helpers
from typer.testing import CliRunner

from profilestore import ProfileStoreError, Settings
from profilestore.cli import app
from profilestore.documents import IndexMeta
from profilestore.elastic.index_identity import write_meta
from profilestore.elastic.indices import init

Run = Callable[..., tuple[int, str, str]]
BRANDS = {"A": "Acme", "B": "Bolt", "C": "Acme", "D": "Bolt", "E": "Acme"}


@pytest.fixture
def run(settings: Settings) -> Run:
    """Five products in a row, A the nearest to the user and the most popular; a shop that has trained text."""
    own = settings.model_copy(update={"embedding_dims": 2})
    with Elasticsearch(str(settings.elasticsearch_url)) as client:
        init(client, own)
        write_meta(client, f"{own.index('products')}-000001", IndexMeta(generation="000001", text_model="minilm"))
        rows = [
            {
                "_index": own.index("products"), "_id": id, "product_id": id, "title": f"lamp {id}", "brand": brand,
                "category": "lamps", "generation": "000001", "popularity": 9.0 - place, "price": 1.0,
                "text_vector": [math.cos(place / 5), math.sin(place / 5)], "listed": f"2026-01-0{place + 1}",
            }
            for place, (id, brand) in enumerate(BRANDS.items())
        ]  # fmt: skip
        profile = {"user_id": "u", "generation": "000001", "text_vector": [1.0, 0.0], "cart_products": ["B"]}
        helpers.bulk(client, [*rows, {"_index": own.index("profiles"), "_id": "u", **profile}], refresh=True)

    def invoke(*arguments: str) -> tuple[int, str, str]:
        flags = ("--prefix", settings.prefix, "--url", str(settings.elasticsearch_url), "--set", "embedding_dims=2")
        result = CliRunner().invoke(app, [*arguments, *flags])
        if isinstance(result.exception, ProfileStoreError):
            return result.exception.exit_code, result.stdout, f"{result.stderr}{result.exception}"
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return invoke


def ids(run: Run, *arguments: str) -> list[str]:
    code, out, err = run("recommend", *arguments, "--json")
    assert code == 0, err
    return [item["product_id"] for item in json.loads(out)["items"]]


def test_rules_of_the_command_line(run: Run) -> None:
    assert ids(run, "u") == ["A", "B", "C", "D", "E"]
    assert ids(run, "u", "--exclude", "A,B", "--exclude", "D") == ["C", "E"]
    assert ids(run, "u", "--brand", "Bolt") == ["B", "D"]
    assert ids(run, "u", "--exclude-cart") == ["A", "C", "D", "E"]
    assert ids(run, "u", "--boost", "brand=Bolt:3")[:2] == ["B", "D"]
    assert ids(run, "u", "--bury", '{"terms": {"product_id": ["A", "B"]}}')[-2:] == ["A", "B"]
    assert ids(run, "u", "--max-per-category", "2") == ["A", "B"]
    assert ids(run, "u", "-n", "2", "--diversity", "1") == ["A", "E"]
    assert ids(run, "nobody", "--method", "new", "-n", "2") == ["E", "D"]


def test_a_session_needs_no_user(run: Run) -> None:
    code, out, _ = run("recommend", "--session", "E,D", "-n", "2", "--json")
    answer = json.loads(out)
    assert (code, answer["user_id"], answer["method"]) == (0, None, "session")
    assert [item["product_id"] for item in answer["items"]] == ["C", "B"]
    assert set(answer) == {"user_id", "method", "took_ms", "items"}
    code, out, _ = run("recommend", "--session", "E,D", "--as-query")
    assert (code, "query_vector" in json.loads(out)["body"]["knn"]) == (0, True)
    code, _, err = run("recommend", "--session", "nope")
    assert (code, "none of these products is known" in err) == (0, True)


def test_what_fills_a_list_up_is_told(run: Run, settings: Settings) -> None:
    with Elasticsearch(str(settings.elasticsearch_url)) as client:
        document = {"product_id": "bare", "generation": "000001"}
        client.index(index=settings.index("products"), id="bare", document=document, refresh=True)
    code, out, err = run("recommend", "u", "--method", "text")
    assert (code, "bare" in out, "the last 1 are popular products" in err) == (0, True, True)


def test_what_cannot_be_meant_ends_with_2(run: Run) -> None:
    wrong: list[tuple[tuple[str, ...], str]] = [
        ((), "whom to recommend to"),
        (("u", "--method", "magic"), "no such method"),
        (("u", "--boost", "colour=red"), "no field colour"),
        (("u", "--bury", "{"), "JSON"),
        (("u", "--diversity", "-0.5"), "diversity is from 0"),
        (("u", "--max-per-category", "0"), "at least 1"),
        (("u", "--max-per-category", "2", "--as-query"), "one request"),
        (("u", "--segment-field", "age"), "not counted by age"),
        (("u", "--session", ","), "no products"),
        (("u", "--method", "session"), "--session"),
    ]
    for arguments, said in wrong:
        code, _, err = run("recommend", *arguments)
        assert (code, said in err) == (2, True), err
