"""The file of a campaign: what it says, and all that is wrong with it at once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from profilestore.campaigns.running.campaign_file import campaign_of, read_campaign
from profilestore.campaigns.running.records import definition_of_record
from profilestore.errors import InputError, UsageError

FILE = """
audience = "launch"
channel = "mail"
starts = 2026-12-01
ends = 2026-12-14
budget = 5000.0
cost_per_contact = 0.02
control_share = 0.1
contacts_per_week = 2
quiet_hours = "21:00-08:00"
margin = 0.4
follow_days = 7
description = "before Christmas"

[offer]
kind = "coupon"
value = 5
codes = "codes.csv"
category = "Shoes"
"""
LEAST: dict[str, Any] = {"name": "a", "audience": "b", "ends": "2098-01-01", "budget": 10, "offer": {"kind": "message"}}


def read(tmp_path: Path, text: str, codes: str = "code\nA\nB\n", name: str | None = None) -> Any:
    (tmp_path / "spring.toml").write_text(text, encoding="utf-8")
    (tmp_path / "codes.csv").write_text(codes, encoding="utf-8")
    return read_campaign(tmp_path / "spring.toml", time_zone="Asia/Shanghai", name=name)


def of(**changes: Any) -> Any:
    return campaign_of({**LEAST, **changes}, time_zone="UTC")


def test_says_all_and_is_read_again_as_it_was(tmp_path: Path) -> None:
    made = read(tmp_path, FILE)
    assert (made.name, made.audience, made.channel) == ("spring", "launch", "mail")
    # Days of the shop: the last one included.
    assert made.starts == datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert made.ends == datetime(2026, 12, 14, 16, tzinfo=UTC)
    assert made.offer.codes.count == 2 and made.offer.product.category == ("Shoes",)
    assert made.most_contacts == 2  # as many as there are codes
    assert definition_of_record(made.to_json_dict()) == made
    assert "A" not in str(made.to_json_dict()["offer"].get("codes"))
    assert read(tmp_path, FILE, name="other").name == "other"
    assert read(tmp_path, FILE, codes="code\nB\nA\n").to_json_dict() != made.to_json_dict()


def test_times_on_the_clock_of_the_shop() -> None:
    given = {**LEAST, "starts": "2026-07-01T09:30", "ends": datetime(2026, 7, 2, 9, 30, tzinfo=UTC)}
    made = campaign_of(given, time_zone="Europe/London")
    assert (made.starts, made.ends) == (
        datetime(2026, 7, 1, 8, 30, tzinfo=UTC),
        datetime(2026, 7, 2, 9, 30, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("budget", "cost", "offer", "most"),
    [
        (0.3, 0.1, {"kind": "message"}, 3),  # not two, as floats have it
        (1.0, 0.0, {"kind": "message"}, None),
        (100, 0.005, {"kind": "product", "product": "p1"}, 20_000),
        (61, 0.1, {"kind": "coupon", "value": 5, "code": "A"}, 11),
        (100, 0.5, {"kind": "coupon", "value": 9.9, "code": "A", "issue": "claim", "coupons": 10}, 2),
        (99, 0, {"kind": "coupon", "value": 9.9, "code": "A", "issue": "claim", "coupons": 10}, None),
    ],
)
def test_budget_in_exact_money(budget: float, cost: float, offer: dict[str, Any], most: int | None) -> None:
    made = of(budget=budget, cost_per_contact=cost, offer=offer)
    assert made.most_contacts == most


def test_all_problems_at_once() -> None:
    with pytest.raises(UsageError) as told:
        campaign_of(
            {"name": "a", "budget": "much", "colour": 1, "quiet_hours": "late", "ends": 3,
             "offer": {"kind": "coupon", "flavour": 2, "issue": "never"}},
            time_zone="UTC", source="spring.toml",
        )  # fmt: skip
    text = str(told.value)
    for part in ("spring.toml", "`colour`", "`audience` is missing", "`budget` is a number", "quiet hours", "`ends`",
                 "`offer.flavour`", "`offer.issue`", "`offer.code`", "`offer.value` is missing"):  # fmt: skip
        assert part in text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "campaign"}, "name"),
        ({"name": "a:b"}, "name"),
        ({"name": "running"}, "name"),
        ({"budget": 0}, "`budget`"),
        ({"budget": float("inf")}, "`budget`"),
        ({"budget": -1}, "`budget`"),
        ({"budget": True}, "`budget`"),
        ({"budget": 10**400}, "`budget`"),
        ({"ends": "9995-01-01"}, "no year"),
        ({"offer": {"kind": "coupon", "value": 1e-9, "code": "A", "issue": "claim", "coupons": 10**8}}, "at most"),
        ({"cost_per_contact": -0.1}, "`cost_per_contact`"),
        ({"control_share": 1}, "`control_share`"),
        ({"control_share": -0.1}, "`control_share`"),
        ({"contacts_per_week": 0}, "`contacts_per_week`"),
        ({"contacts_per_week": 1.5}, "`contacts_per_week`"),
        ({"margin": 0}, "`margin`"),
        ({"follow_days": -1}, "`follow_days`"),
        ({"starts": "2099-01-01"}, "ends before it begins"),
        ({"starts": "9999-12-31"}, "no year"),
        ({"ends": "soon"}, "`ends`"),
        ({"offer": "message"}, "`offer` is a table"),
        ({"offer": {"kind": "gift"}}, "`offer.kind`"),
        ({"offer": {"kind": "message", "value": 3}}, "takes no value"),
        ({"offer": {"kind": "message", "category": "Shoes"}}, "takes no category"),
        ({"offer": {"kind": "product", "code": "A"}}, "takes no code"),
        ({"offer": {"kind": "product", "product": "p1", "category": "Shoes"}}, "neither filters nor reasons beside it"),
        ({"offer": {"kind": "coupon", "value": 1}}, "`offer.code`"),
        ({"offer": {"kind": "coupon", "value": 0, "code": "A"}}, "`offer.value`"),
        ({"offer": {"kind": "coupon", "value": 1, "code": "A", "codes": "a.csv"}}, "not both"),
        ({"offer": {"kind": "coupon", "value": 1, "code": "A", "issue": "claim"}}, "`offer.coupons`"),
        ({"offer": {"kind": "coupon", "value": 1, "code": "A", "coupons": 3}}, "`offer.coupons`"),
        ({"offer": {"kind": "coupon", "value": 11, "code": "A"}}, "a single contact"),
        ({"offer": {"kind": "coupon", "value": 6, "code": "A", "issue": "claim", "coupons": 2}}, "all coupons"),
    ],
)
def test_what_cannot_be_meant(changes: dict[str, Any], told: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("code\nA\n")
    with pytest.raises(UsageError, match=told):
        of(**changes)


def test_codes_and_files_that_cannot_be_read(tmp_path: Path) -> None:
    for codes in ("", "code\n", "code\nA\nB\nA\n"):
        with pytest.raises(InputError, match=r"codes\.csv"):
            read(tmp_path, FILE, codes=codes)
    with pytest.raises(UsageError, match="not valid TOML"):
        read(tmp_path, "audience = ")
    assert read(tmp_path, "\ufeff" + FILE) == read(tmp_path, FILE)  # as Windows saves a text
    with pytest.raises(InputError, match="cannot be read"):
        read_campaign(tmp_path / "nowhere.toml", time_zone="UTC")
