"""What the issue promises of the command line, on a shop small enough to work out on paper."""

from __future__ import annotations

import hashlib
import http.server
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from typer.testing import CliRunner

from profilestore import Event, ProfileStore, ProfileStoreError, Settings
from profilestore.cli import app
from profilestore.indexing.models import Models

PRODUCTS = """product_id,title,category,brand,price,stock
A,red wool scarf,Accessories,Nord,30,3
B,blue wool hat,Accessories,Nord,20,0
C,steel espresso machine,Kitchen,Brew,200,2
D,manual coffee grinder,Kitchen,Brew,50,5
F,green wool gloves,Accessories,Nord,15,9
"""
# Shanghai is eight hours ahead: 16:30 of Sunday in UTC is half past midnight of Monday there.
EVENTS: list[dict[str, Any]] = [
    {"type": "view", "time": "2026-11-01T16:30:00Z", "product_id": "A", "channel": "app", "device": "ios"},
    {"type": "purchase", "time": "2026-11-02T09:00:00", "product_id": "A", "quantity": 2, "price": 30, "discount": 10,
     "order_id": "o1", "payment_method": "alipay", "channel": "app"},
    {"type": "purchase", "time": "2026-11-02T01:00:00Z", "product_id": "C", "order_id": "o1"},
    {"type": "purchase", "time": "2026-11-10T02:00:00Z", "product_id": "Z", "price": 7, "order_id": "o2"},
    {"type": "rate", "time": "2026-11-11T00:00:00Z", "product_id": "C", "rating": 1},
    {"type": "refund", "time": "2026-11-12T00:00:00Z", "product_id": "C", "price": 200, "order_id": "o1",
     "purchase_time": "2026-11-02T01:00:00Z"},
    {"type": "search", "time": "2026-11-13T00:00:00Z", "text": "wool gloves"},
    {"type": "impression", "time": "2026-11-13T00:00:00Z", "product_id": "D"},
    {"type": "review", "time": "2025-11-14T00:00:00Z", "product_id": "A", "text": "soft wool", "rating": 5},
]  # fmt: skip
ON_PAPER = {
    "events_total": 9,
    "event_counts": {"view": 1, "purchase": 3, "rate": 1, "refund": 1, "search": 1, "impression": 1, "review": 1},
    "first_seen": "2025-11-14T00:00:00Z",
    "last_seen": "2026-11-13T00:00:00Z",
    "first_purchase": "2026-11-02T01:00:00Z",
    "last_purchase": "2026-11-10T02:00:00Z",
    "order_count": 2,
    "purchase_count": 2,
    "quantity_total": 3.0,
    "spend_total": 57.0,  # 2 x 30 - 10, 200 - 200 (a price taken from the product), 7
    "average_order_value": 28.5,
    "rating_count": 2,
    "rating_mean": 3.0,
    "category": "Accessories",
    "main_brands": ["Nord"],
    "seen_products": ["C", "Z", "A"],  # an impression hides nothing, and a refund does not unsee
    "purchased_products": ["A", "Z"],
    "channels": ["app"],
    "devices": ["ios"],
    "payment_methods": ["alipay"],
    "search_words": ["wool gloves"],
    "gender": "female",
    "age": 31,
    "city": "上海",
    "consent": ["mail"],
}
HOURS = {0: 1, 9: 2, 24 + 10: 1, 48 + 8: 1, 72 + 8: 1, 96 + 8: 2}


class WordHashes:
    """Stands in for the sentence model: texts that share words are near each other."""

    name, dims = "minilm", 384

    def encode(self, texts: list[str]) -> Any:
        rows = np.zeros((len(texts), self.dims), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.split():
                row[int(hashlib.sha256(word.encode()).hexdigest(), 16) % self.dims] += 1.0
            row /= np.linalg.norm(row)
        return rows


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Run]:
    """Runs a command in a folder whose profilestore.toml names the shop: exit code, stdout, stderr."""
    monkeypatch.delenv("PROFILESTORE_SETTINGS")
    monkeypatch.setattr(Models, "_load_text", lambda self, name: WordHashes())
    monkeypatch.chdir(tmp_path)
    Path("profilestore.toml").write_text(
        f'prefix = "{settings.prefix}"\nelasticsearch_url = "{settings.elasticsearch_url}"\n'
        'time_zone = "Asia/Shanghai"\ntext_model = "minilm"\n',
        encoding="utf-8",
    )

    def invoke(*arguments: str, stdin: str | None = None) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, list(arguments), input=stdin)
        if isinstance(result.exception, ProfileStoreError):
            return result.exception.exit_code, result.stdout, f"{result.stderr}{result.exception}"
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    assert invoke("init")[0] == 0
    yield invoke


@pytest.fixture
def shop(run: Run) -> Run:
    """The shop on paper, loaded."""
    events = "\n".join(json.dumps({"user_id": "u", **event}) for event in EVENTS)
    users = 'user_id,time,年龄,性别,城市,consent\nu,2026-11-01,31,,,mail\nu,2026-10-01,30,女,上海,"mail,sms"\n'
    assert run("index", "products", "-", stdin=PRODUCTS)[0] == 0
    assert run("index", "users", "-", stdin=users)[0] == 0
    assert run("index", "events", "-", stdin=events)[0] == 0
    return run


def objects(answer: tuple[int, str, str], *, code: int = 0) -> list[dict[str, Any]]:
    assert answer[0] == code, answer[2]
    return [json.loads(line) for line in answer[1].splitlines()]


def test_a_profile_says_what_was_worked_out_on_paper(shop: Run) -> None:
    (profile,) = objects(shop("profile", "show", "u", "--json"))
    assert {name: profile.get(name) for name in ON_PAPER} == ON_PAPER
    assert {hour: count for hour, count in enumerate(profile["hour_of_week"]) if count > 0} == HOURS
    card = shop("profile", "show", "u")[1]
    assert "57.00 GBP" in card
    assert "3.00, mean of 2" in card


def test_the_card_of_one_user_does_not_depend_on_another(shop: Run) -> None:
    code, out, err = shop("profile", "show", "nobody", "u", "--json")
    assert (code, json.loads(out)["user_id"]) == (1, "u")
    assert "nobody" in err


@pytest.mark.parametrize(
    "tampered",
    [
        {"spend_total": 999.0}, {"hour_of_week": [1]}, {"consent": ["sms"]}, {"seen_products": []},
        {"state": "AAAA"}, {"state": None}, {"text_vector": None}, {"text_vector": [0.05] * 384},
        {"folded_upto": 1}, {"folded_upto": 10_000}, {"log_uuid": "another"},
    ],
    ids=lambda tampered: f"{next(iter(tampered))}={str(next(iter(tampered.values())))[:12]}",
)  # fmt: skip
def test_verify_finds_what_was_changed_by_hand_and_rebuild_mends_it(
    shop: Run, settings: Settings, tampered: dict[str, Any]
) -> None:
    with Elasticsearch(str(settings.elasticsearch_url)) as client:
        client.update(index=settings.index("profiles"), id="u", doc=tampered, refresh=True)
    assert objects(shop("profile", "verify", "--all", "--json"), code=4) == [
        {"checked": 1, "different": 1, "users": ["u"]}
    ]
    assert shop("profile", "verify", "u")[0] == 4
    assert shop("profile", "rebuild", "u")[0] == 0
    assert objects(shop("profile", "verify", "u", "--json")) == [{"checked": 1, "different": 0, "users": []}]


def test_an_unreadable_state_does_not_stop_a_load(shop: Run, settings: Settings) -> None:
    with Elasticsearch(str(settings.elasticsearch_url)) as client:
        client.update(index=settings.index("profiles"), id="u", doc={"state": "AAAA"}, refresh=True)
    event = {"user_id": "u", "type": "view", "time": "2026-11-20T00:00:00Z", "product_id": "D"}
    assert shop("index", "events", "-", stdin=json.dumps(event))[0] == 0
    assert objects(shop("profile", "verify", "--all", "--json"))[0]["different"] == 0
    assert objects(shop("profile", "show", "u", "--json"))[0]["events_total"] == 10


def test_answers_have_the_promised_keys(shop: Run) -> None:
    answers = objects(shop("recommend", "-", "--json", "-n", "2", stdin="u\nnobody\n"))
    assert [answer["user_id"] for answer in answers] == ["u", "nobody"]
    assert [answer["method"] for answer in answers] == ["text", "popular"]
    for answer in answers:
        assert set(answer) == {"user_id", "method", "took_ms", "items"}
        assert all(set(item) == {"product_id", "title", "score", "price", "reasons"} for item in answer["items"])
    assert [item["product_id"] for item in answers[0]["items"]] == ["F", "B"]  # the wool that u has not seen
    (explained,) = objects(shop("recommend", "u", "--json", "--explain", "-n", "1"))
    assert explained["items"][0]["reasons"][0]["product_id"] in ("A", None)
    (told,) = objects(shop("recommend", "u", "--method", "text", "--json", "--reasons", "all", "--language", "zh"))
    for item in told["items"]:
        points = [reason["points"] for reason in item["reasons"]]
        assert sum(points) == pytest.approx(2.0 * item["score"] - 1.0, abs=1e-3)  # _score is (1 + cos) / 2
        assert all(reason["words"].startswith("因为") for reason in item["reasons"])
    assert "because" in shop("recommend", "u", "--explain", "-n", "1")[1]
    assert shop("recommend", "u", "--reasons", "none")[0] == 2
    assert shop("recommend", "u", "--language", "tlh")[0] == 2


@pytest.mark.parametrize(
    "question",
    [
        ("recommend", "u"),
        ("recommend", "u", "--category", "Kitchen", "--include-seen", "--max-price", "60"),
        ("recommend", "u", "--in-stock", "--exclude", "F", "--min-price", "10"),
        ("recommend", "u", "--method", "popular"),
        ("recommend", "nobody", "-n", "2"),
        ("similar", "A", "--exclude", "B"),
        ("search", 'wool\'s "gloves"', "--user", "u", "-n", "3"),
        ("search", "coffee"),
    ],
    ids=" ".join,
)
def test_the_request_sent_by_hand_gives_the_same_list(shop: Run, settings: Settings, question: tuple[str, ...]) -> None:
    (answer,) = objects(shop(*question, "--json"))
    ours = [item["product_id"] for item in answer["items"]]
    assert len(ours) > 0
    (request,) = objects(shop(*question, "--as-query"))
    assert set(request) == {"method", "path", "body"}
    with Elasticsearch(str(settings.elasticsearch_url)) as client:
        hits = client.perform_request(
            request["method"], request["path"], body=request["body"],
            headers={"content-type": "application/json", "accept": "application/json"},
        ).body["hits"]["hits"]  # fmt: skip
    assert [hit["_source"]["product_id"] for hit in hits] == ours
    sent = subprocess.run(["bash", "-c", shop(*question, "--as-curl")[1]], capture_output=True, text=True, check=True)
    assert [hit["_source"]["product_id"] for hit in json.loads(sent.stdout)["hits"]["hits"]] == ours


def test_nothing_that_fits_is_said_and_is_no_failure(shop: Run) -> None:
    code, _, err = shop("recommend", "u", "--category", "Garden")
    assert (code, "no product fits" in err) == (0, True)
    assert objects(shop("recommend", "u", "--category", "Garden", "--json"))[0]["items"] == []


def test_an_answer_knows_what_the_same_store_recorded(shop: Run) -> None:
    with ProfileStore.open() as store:
        store.record(Event(user_id="new", type="purchase", time="2026-11-20T00:00:00Z", product_id="A", price=30))  # type: ignore[arg-type]  # pydantic reads the time
        answer = store.recommend("new", n=1)
    assert (answer.method, answer.items[0].product_id != "A") == ("text", True)


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("password=secret", "credentials"),
        ("nosuch=1", "no such setting"),
        ("port=many", "port"),
        ("num_candidates", "NAME=VALUE"),
    ],
)
def test_set_gives_any_setting_but_credentials(run: Run, assignment: str, said: str) -> None:
    code, _, err = run("status", "--set", assignment)
    assert (code, said in err, "secret" in err) == (2, True, False)


def test_a_setting_given_by_set_holds(shop: Run) -> None:
    (request,) = objects(shop("recommend", "u", "--as-query", "--set", "num_candidates=50"))
    assert request["body"]["knn"]["num_candidates"] == 50


def test_rejects_are_told_with_their_column(run: Run) -> None:
    rows = "user_id,type,time,product_id,quantity\nu,purchase,2026-01-01,A,0\nu,purchase,2026-01-01,A,2000000000\n"
    code, out, _ = run("index", "events", "-", stdin=rows)
    assert code == 3
    assert "must be above 0 (column quantity)" in out
    assert "must be at most 1,000,000,000 (column quantity)" in out


def test_an_unknown_shop_and_an_absent_server_are_told(run: Run) -> None:
    assert "profilestore init" in run("status", "--prefix", "no-such-shop-here")[1]
    code, _, err = run("status", "--url", "http://127.0.0.1:9")
    assert (code, "http://127.0.0.1:9" in err) == (1, True)


def test_doctor_goes_on_where_credentials_are_refused(run: Run) -> None:
    class Refuses(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_HEAD = do_GET  # noqa: N815  named by http.server

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    with http.server.HTTPServer(("127.0.0.1", 0), Refuses) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            code, out, _ = run("doctor", "--url", f"http://127.0.0.1:{server.server_port}", "--json")
        finally:
            server.shutdown()
            thread.join()
    states = {check["name"]: check["state"] for check in json.loads(out)["checks"]}
    assert (code, states["server"], states["mappings"], states["python"]) == (1, "bad", "bad", "ok")
