"""`profile show --for-staff` as a shell sees it."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from profilestore import Event, Product, ProfileStore, User
from profilestore.cli import app
from profilestore.elastic.audit_log import AuditLog
from profilestore.insight.card.columns import columns
from profilestore.settings import Settings
from tests.cli.commands import Run, flags_of

RUNNER = CliRunner()
NAME = "<img src=x onerror=alert(1)> \x1b[31mRed"
BOUGHT = datetime(2026, 11, 1, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop(module_settings: Settings) -> Iterator[ProfileStore]:
    with ProfileStore.open(module_settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products([Product(product_id="mug", title="blue mug", category="Kitchen", price=9.0)])
        store.index_users([User(user_id="anna", consent=["mail"], attributes={"name": NAME}),
                           User(user_id="-b c", personalisation="off")])  # fmt: skip
        store.index_events(
            Event(
                user_id=user, type="purchase", time=datetime(2026, 11, 1, 10, tzinfo=UTC), product_id="mug", price=9.0
            )
            for user in ("anna", "-b c")
        )
        yield store


@pytest.fixture
def run(shop: ProfileStore) -> Run:
    flags = flags_of(shop.settings)

    def call(*words: str, code: int = 0) -> Result:
        result = RUNNER.invoke(app, ["profile", "show", *flags, *words])
        assert result.exit_code == code, result.output
        return result

    return call


def test_one_screen_in_either_language(run: Run) -> None:
    english, chinese = run("anna", "--for-staff").stdout, run("anna", "--for-staff", "--language", "zh").stdout
    for text in (english, chinese):
        assert len(text.splitlines()) <= 40
        assert max(columns(line) for line in text.splitlines()) <= 100
        assert "\x1b" not in text
        assert "blue mug" in text
    titles = ("Who", "Value", "Risk", "Last orders", "Open refunds", "Interests", "What to offer", "Campaigns")
    assert [title for title in titles if f"\n{title} " not in english] == []
    titles = ("身份", "价值", "风险", "最近订单", "未结退款", "兴趣", "可推荐", "营销活动")
    assert [title for title in titles if f"\n{title} " not in chinese] == []


def test_who_opted_out_is_seen_to_have(run: Run) -> None:
    text = run("--for-staff", "--", "-b c").stdout
    assert text.splitlines()[3].startswith("Personalisation is OFF: This customer switched it off.")
    assert "Kitchen" not in text


def test_a_page_is_for_its_owner_alone_and_holds_no_markup_of_the_data(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "anna.html"
    result = run("anna", "--for-staff", "--html", str(page))
    assert (result.stdout, stat.S_IMODE(page.stat().st_mode)) == ("", 0o600)
    held = page.read_text()
    assert "<img" not in held
    assert "&lt;img src=x" in held
    assert held.index('id="who"') < held.index('id="offer"') < held.index('id="campaigns"') < held.index('id="told"')


def test_programs_get_the_same_blocks(run: Run) -> None:
    card = json.loads(run("anna", "--for-staff", "--json").stdout)
    brief = [block["key"] for block in card["blocks"] if block["brief"]]
    assert brief == ["who", "worth", "risk", "orders", "refunds", "interests", "offer", "campaigns"]
    assert (card["user_id"], card["language"]) == ("anna", "en")


def test_each_look_is_in_the_audit(run: Run, shop: ProfileStore) -> None:
    audit = AuditLog(shop._client, alias=shop.settings.index("audits"))
    before = len(audit.list())
    run("anna", "--for-staff")
    run("anna", "--card")
    latest, *others = audit.list()
    assert len(others) == before
    assert (latest.line.action, latest.line.state) == ("staff-view", "done")


def test_what_cannot_be_shown_is_told(run: Run, tmp_path: Path) -> None:
    assert "no profile of user nobody" in run("nobody", "--for-staff", code=1).stderr
    assert "one user at a time" in run("anna", "nobody", "--for-staff", code=2).stderr
    assert "say one of them" in run("anna", "--for-staff", "--card", code=2).stderr
    assert "en or zh" in run("anna", "--for-staff", "--language", "fr", code=2).stderr
    missing = tmp_path / "no" / "x.html"
    assert "cannot be written" in run("anna", "--for-staff", "--html", str(missing), code=2).stderr


def test_its_help_says_what_it_is_for(run: Run) -> None:
    told = " ".join(RUNNER.invoke(app, ["profile", "show", "--help"]).stdout.split())
    assert "--for-staff" in told
    assert "For the service desk" in told
