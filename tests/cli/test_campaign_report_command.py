"""`campaign report` and `sample --campaigns` as a shell sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from profilestore import Event, ProfileStore, Settings
from profilestore.cli import app
from profilestore.documents import CampaignDocument
from profilestore.elastic.campaign_index import CampaignIndex
from tests.cli.commands import flags_of

RUNNER = CliRunner()
STARTS = datetime(2026, 3, 1, tzinfo=UTC)
ENDS = STARTS + timedelta(days=14)


@pytest.fixture
def flags(settings: Settings) -> Iterator[list[str]]:
    """The flags of a shop with a campaign of 200 users in treatment and 100 in control, of whom 80 and 20 bought."""
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        index = CampaignIndex(store._client, alias=settings.index("campaigns"))
        index.create(
            CampaignDocument(
                kind="campaign", campaign="spring", state="stopped", starts=STARTS, ends=ENDS, stopped=ENDS,
                created=STARTS, budget=500.0, channel="mail", counts={"withheld": {}},
                definition={"cost_per_contact": 0.1, "margin": 0.5, "control_share": 0.3, "offer": {"kind": "message"}},
            )
        )  # fmt: skip
        users = [(f"u{n:03d}", "treatment" if n % 3 > 0 else "control") for n in range(300)]
        index.write_assignments([
            CampaignDocument(kind="assignment", campaign="spring", user_id=user, arm=arm, contact_at=STARTS, ends=ENDS,
                             segment="gifts & toys" if int(user[1:]) % 2 == 0 else "garden")
            for user, arm in users
        ])  # fmt: skip
        bought = [user for user, arm in users if arm == "treatment"][:80] + [u for u, arm in users if arm == "control"][
            :20
        ]
        store._parts.in_force.log.append([
            Event(user_id=user, type="purchase", time=STARTS + timedelta(days=n % 14), product_id="p", price=10.0)
            for n, user in enumerate(bought)
        ])  # fmt: skip
    yield flags_of(settings)


def run(*words: str, code: int = 0) -> Any:
    done = RUNNER.invoke(app, list(words))
    assert done.exit_code == code, done.output
    return done


def test_the_report_is_told_in_words_as_json_and_as_a_page(flags: list[str], tmp_path: Path) -> None:
    told = run("campaign", "report", "spring", *flags).stdout
    assert "Effective: more users bought than would have without it, +20.00 [" in told
    assert "Newcombe" in told
    assert "gifts & toys" in told
    page = tmp_path / "spring.html"
    chinese = run("campaign", "report", "spring", "--language", "zh", "-o", str(page), *flags).stdout
    assert "有效" in chinese
    assert "gifts &amp; toys" in page.read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    done = run("campaign", "report", "spring", "--json", *flags)
    found = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert (found["verdict"], found["treatment"]["bought"], found["control"]["bought"]) == ("effective", 80, 20)
    assert (found["treatment"]["revenue"], found["money"]["cost"]) == (800.0, 20.0)
    assert found["bought"]["low"] > 0 and found["bought"]["p"] < 0.025
    assert {group["group"] for group in found["groups"]} == {"gifts & toys", "garden", "longer, or never"}

    # As of an earlier time it was early.
    found = json.loads(run("campaign", "report", "spring", "--as-of", "2026-03-05", "--json", *flags).stdout)
    assert (found["verdict"], found["cautions"][0]["caution"]) == ("early", "early")
    assert found["treatment"]["bought"] < 80
    assert len(found["course"]) == 4

    # Another effect needs another size.
    small, large = (
        json.loads(run("campaign", "report", "spring", "--lift", lift, "--json", *flags).stdout)["sizes"]
        for lift in ("0.1", "1.0")
    )
    assert small["each_needed"] > large["each_needed"] > 0


def test_what_cannot_be_told_is_an_error_of_a_line(flags: list[str]) -> None:
    for words, code, said in (
        (["autumn"], 1, "no campaign of this name"),
        (["spring", "--as-of", "soon"], 2, "--as-of wants"),
        (["spring", "--language", "fr"], 2, "en or zh"),
        (["spring", "--lift", "0"], 2, "above 0"),
        (["spring", "--as-of", "2026-02-01"], 1, "begins on 2026-03-01"),
        (["spring", "-o", "/no/such/folder/x.html"], 1, "cannot be written"),
    ):
        done = RUNNER.invoke(app, ["campaign", "report", *words, *flags])
        assert (done.exit_code, said in done.output) == (code, True), (words, done.output)


def test_a_sample_shop_has_files_of_its_campaigns_and_their_truth(tmp_path: Path) -> None:
    given = ["--users", "20", "--products", "30", "--events", "200", "-o", str(tmp_path)]
    files = json.loads(run("sample", "--campaigns", *given, "--json").stdout)
    truth = json.loads(Path(files["truth"]).read_text(encoding="utf-8"))["campaigns"]
    assert truth["spring-coupon"]["effects"]["all"]["conversion"] == pytest.approx(0.0525)
    assert truth["no-effect"]["effects"]["all"]["conversion"] == 0.0
    members = Path(files["members"]).read_text(encoding="utf-8").splitlines()
    assert members[0] == "campaign,user_id,arm"
    assert len(members) - 1 == 3 * len(truth["kinds"])
    assert "campaigns" not in json.loads(run("sample", *given, "--json").stdout)
