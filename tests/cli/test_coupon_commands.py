"""`coupon` as a shell sees it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from profilestore import ProfileStore, Settings
from profilestore.campaigns.coupons.pool import Pool
from profilestore.documents import CampaignDocument
from profilestore.elastic.campaign_index import CampaignIndex
from tests.cli.commands import Run, commands


@pytest.fixture(scope="module")
def shop(module_settings: Settings) -> Settings:
    """A shop of u0 to u3, the last in control; `spring` has two coupons, as `winter`, which is over."""
    now = datetime.now(UTC)
    with ProfileStore.open(module_settings) as store:
        store.init()
        index = CampaignIndex(store._client, alias=module_settings.index("campaigns"))
        for name, ends in (("spring", now + timedelta(days=1)), ("winter", now - timedelta(days=1))):
            index.create(
                CampaignDocument(
                    kind="campaign", campaign=name, state="running", starts=now - timedelta(days=9), ends=ends,
                    created=now, created_by="test",
                )
            )  # fmt: skip
            index.write_assignments(
                [
                    CampaignDocument(
                        kind="assignment", campaign=name, user_id=f"u{n}", arm="treatment" if n < 3 else "control"
                    )
                    for n in range(4)
                ]
            )
            store.coupons.open_pool(name, Pool.of_codes([f"{name}-{n}" for n in range(2)]), value=5.0)
        store.coupons.issue_many("winter", ["u0"])
    return module_settings


@pytest.fixture
def run(shop: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    return commands("coupon", shop)


def test_from_a_claim_to_a_redemption(run: Run) -> None:
    code = run("claim", "spring", "u0").stdout.strip()
    assert code in ("spring-0", "spring-1")
    again = json.loads(run("claim", "spring", "u0", "--json").stdout)
    assert (again["code"], again["campaign"], again["value"], again["first"]) == (code, "spring", 5.0, False)
    assert "user_id" not in again
    assert "worth 5.00 GBP" in run("redeem", code, "u0", "--order", "o1").stdout
    assert "already recorded" in run("redeem", code, "u0", "--order", "o1").stdout
    assert "redeemed before" in run("redeem", code, "u0", code=1).output
    run("claim", "spring", "u1")
    assert "no coupon of campaign spring is left" in run("claim", "spring", "u2", code=1).output
    listed = run("list").stdout.splitlines()
    assert [line.split() for line in listed] == [
        ["campaign", "coupons", "issued", "left", "claimed", "redeemed", "value"],
        ["spring", "2", "2", "0", "2", "1", "5.00"],
        ["winter", "2", "1", "1", "0", "0", "5.00"],
    ]
    one = json.loads(run("list", "spring", "--json").stdout)["coupons"]
    assert [(each["campaign"], each["size"], each["left"]) for each in one] == [("spring", 2, 0)]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["claim", "spring", "stranger"], 1, "no place in campaign spring"),
        (["claim", "spring", "u3"], 1, "control group of campaign spring"),
        (["claim", "winter", "u1"], 1, "campaign winter ended on"),
        (["claim", "summer", "u1"], 1, "no campaign summer"),
        (["redeem", "nothing", "u1"], 1, "no campaign has a coupon of this code"),
        (["redeem", "winter-0", "u2"], 1, "this user has no coupon of this code"),
        (["redeem", "winter-0", "u2", "--campaign", "spring"], 1, "campaign spring does not have"),
        (["list", "summer"], 1, "has no coupons"),
        (["claim", "spring"], 2, "USER"),
        (["redeem", "spring-0"], 2, "USER"),
        (["check", "none.csv"], 1, "none.csv cannot be read"),
    ],
)
def test_what_cannot_be_is_told(run: Run, words: list[str], code: int, said: str) -> None:
    assert said in run(*words, code=code).output


def test_a_coupon_that_is_over_is_not_redeemed(run: Run) -> None:
    held = [each for each in ("winter-0", "winter-1") if "good until" in run("redeem", each, "u0", code=1).output]
    assert len(held) == 1  # the other one is not theirs


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("code\nA\nB\n", 0, "codes.csv: 2 codes, all good"),
        ("code\nA\nB\nA\n", 1, "codes.csv, line 4: the code of line 2 again"),
        ("code\nA\n\nB\n", 1, "codes.csv, line 3: there is no code"),
        ("n,what\n1,A\n", 1, "codes.csv, line 1: none of its 2 columns is called code"),
        ("code\nA\nspring-1\n", 2, "codes.csv, line 3: this code is in the pool of campaign spring"),
        ("code\nwinter-1\n", 0, "1 codes"),
        ("code\n=A\nB\n", 0, "note: 1 of 2 codes begin as formulas"),
    ],
)
def test_a_file_of_codes_is_checked(run: Run, tmp_path: Path, text: str, code: int, said: str) -> None:
    (tmp_path / "codes.csv").write_text(text)
    assert said in run("check", "codes.csv", code=code).output


def test_a_checked_file_as_json(run: Run, tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_text("n;mine\n1;A\n")
    found = json.loads(run("check", "codes.csv", "--column", "mine", "--json").stdout)
    assert found == {"file": "codes.csv", "codes": 1, "caution": None}
