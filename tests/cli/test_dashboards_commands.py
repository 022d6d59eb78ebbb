"""`dashboards build`, `preview` and `check` as a person calls them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from profilestore import Event, Product, ProfileStore, Settings, User
from profilestore.cli import app

NAMES = ("customers", "behaviour", "interests", "retention", "recommendations", "customer")


@pytest.fixture
def shop(settings: Settings) -> Iterator[ProfileStore]:
    """Three customers, one of whom has switched personalisation off; one buys a thing whose name ends a script."""
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products([Product(product_id="p", title="</script><b>mug", category="a & b", price=2.5)])
        store.index_events(
            Event(user_id=user, type="purchase", time=f"2026-02-0{n}T23:30:00Z", product_id="p", order_id=f"{user}{n}")
            for user in ("anna", "ben", "cleo")
            for n in (1, 2, 3)
        )
        store.index_users(
            [User(user_id="anna", age=30, attributes={"email": "anna@example.org", "phone": "0201234567"})]
        )
        store.index_users([User(user_id="ben", personalisation="off")])
        yield store


def call(settings: Settings, *words: str) -> Result:
    assert settings.elasticsearch_url is not None
    shared = ["--prefix", settings.prefix, "--url", settings.elasticsearch_url, "--home", str(settings.home)]
    return CliRunner().invoke(app, ["dashboards", *words, *shared])


def data_of(path: Path) -> dict[str, object]:
    """What the page draws."""
    page = path.read_text(encoding="utf-8")
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    found: dict[str, object] = json.loads(text)
    return found


def test_build_needs_no_server_and_says_what_it_wrote(tmp_path: Path) -> None:
    away = Settings(home=tmp_path / "home", prefix="acme", elasticsearch_url="http://127.0.0.1:1")
    done = call(away, "build", "--output", str(tmp_path / "out"), "--language", "zh", "--since", "2011-01-01", "--json")
    assert done.exit_code == 0, done.output
    files = [Path(each) for each in json.loads(done.stdout)["files"]]
    assert [file.name for file in files] == [f"acme-{name}.json" for name in NAMES]
    document = json.loads(files[0].read_text(encoding="utf-8"))
    assert document["title"] == "acme: 客户"
    assert document["time_range"] == {"from": "2011-01-01", "to": "now"}
    assert "18 panels" in call(away, "build", "-o", str(tmp_path / "out")).stdout


def test_the_language_is_the_shop_s_unless_said(tmp_path: Path) -> None:
    away = Settings(home=tmp_path / "home", prefix="acme", elasticsearch_url="http://127.0.0.1:1")
    call(away, "build", "-o", str(tmp_path / "out"), "--set", "language=zh")
    assert "客户" in (tmp_path / "out" / "acme-customers.json").read_text(encoding="utf-8")
    wrong = call(away, "build", "-o", str(tmp_path / "out"), "--language", "fr")
    assert (wrong.exit_code, "en or zh" in wrong.output) == (2, True)


def test_a_preview_holds_all_six_and_nobody_s_name(shop: ProfileStore, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "new" / "preview.html"
    done = call(settings, "preview", "--output", str(file), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout.splitlines()[-1])["bytes"] == file.stat().st_size < 5_000_000
    page = file.read_text(encoding="utf-8")
    assert "anna@example.org" not in page
    assert "0201234567" not in page
    content = data_of(file)
    pages = content["pages"]
    assert isinstance(pages, list)
    assert [each["name"] for each in pages] == list(NAMES)
    panels = {panel["id"]: panel for panel in pages[0]["panels"]}
    assert panels["profiles"]["rows"]["all"] == {"m0": [3]}
    assert panels["order-value"]["rows"]["all"] == {"m0": [2.5]}
    (control,) = pages[-1]["controls"]
    # who has personalisation off can be counted, not be looked at
    assert sorted(choice["label"] for choice in control["choices"]) == ["anna", "cleo"]


def test_a_name_cannot_end_the_script(shop: ProfileStore, settings: Settings, tmp_path: Path) -> None:
    call(settings, "preview", "-o", str(tmp_path / "p.html"))
    assert "</script><b>mug" not in (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "</script><b>mug" in json.dumps(data_of(tmp_path / "p.html"))


def test_one_customer_shows_who_is_asked_for(shop: ProfileStore, settings: Settings, tmp_path: Path) -> None:
    file = str(tmp_path / "p.html")
    assert call(settings, "preview", "-o", file, "--user", "cleo", "--user", "anna").exit_code == 0
    pages = data_of(Path(file))["pages"]
    assert isinstance(pages, list)
    (control,) = pages[-1]["controls"]
    assert [choice["label"] for choice in control["choices"]] == ["cleo", "anna"]
    for user in ("nobody", "ben"):  # unknown, and personalisation off
        done = call(settings, "preview", "-o", file, "--user", user)
        assert (done.exit_code, "personalisation off" in done.output) == (1, True)


def test_a_shop_that_is_missing_or_empty_is_told(settings: Settings, tmp_path: Path) -> None:
    for words in (["check"], ["preview", "-o", str(tmp_path / "p.html"), "--no-refresh"]):
        done = call(settings, *words)
        assert (done.exit_code, "profilestore init" in done.output) == (1, True)
    with ProfileStore.open(settings) as store:
        store.init()
    done = call(settings, "check", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found["without_data"]) == found["panels"]
    assert all(row["why"].endswith(".") for row in found["without_data"])
    assert call(settings, "preview", "-o", str(tmp_path / "p.html"), "--no-refresh").exit_code == 0


def test_pictures_stand_beside_the_page(shop: ProfileStore, settings: Settings, tmp_path: Path) -> None:
    done = call(settings, "preview", "-o", str(tmp_path / "p.html"), "--png", "--json")
    assert done.exit_code == 0, done.output
    pictures = [Path(each) for each in json.loads(done.stdout.splitlines()[-1])["files"][1:]]
    assert [each.name for each in pictures] == [f"p-{name}.png" for name in NAMES]
    for each in pictures:
        content = each.read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        assert int.from_bytes(content[16:20], "big") == 1440
