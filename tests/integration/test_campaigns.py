"""Campaigns on a real server: what a plan says, what a start writes, what is exported."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from profilestore.campaigns.audience.definition import definition_of
from profilestore.campaigns.campaigns import Campaigns
from profilestore.campaigns.pseudonyms import Pseudonyms
from profilestore.elastic.campaign_index import CampaignIndex
from profilestore.errors import ConditionError, InputError, NotFound, ProfileStoreError, UsageError
from profilestore.settings import Settings
from profilestore.store import ProfileStore
from tests.integration.campaign_shop import (
    COUPON,
    NOW,
    USERS,
    asked,
    campaign,
    everything,
    name,
    open_shop,
    profile,
    started,
    write_profile,
)  # fmt: skip

KINDS_WRITTEN = ("campaigns", "coupons", "audiences", "audits")


@pytest.fixture(scope="module")
def shop(module_settings: Settings) -> Iterator[ProfileStore]:
    """A shop of all tests of this file; each has campaigns of its own, and no cap stands in the way."""
    own = {"actor": "tester", "export_key": SecretStr("a key of the shop")}
    store = open_shop(module_settings.model_copy(update=own))
    yield store
    store._client.close()


@pytest.fixture
def campaigns(shop: ProfileStore) -> Campaigns:
    return shop.campaigns


class TestPlan:
    def test_says_who_is_left_out_and_why_and_writes_nothing(self, shop: ProfileStore, campaigns: Campaigns) -> None:
        before = everything(shop.settings, kinds=KINDS_WRITTEN)
        made = campaign(
            name(), offer=COUPON, budget=61.0, control_share=0.2, ends=(NOW + timedelta(days=30)).isoformat()
        )
        plan = campaigns.plan(made, now=NOW)
        assert everything(shop.settings, kinds=KINDS_WRITTEN) == before
        counts = plan.counts
        silent = sum("mail" not in profile(n)["consent"] for n in range(USERS))
        assert (counts["matched"], counts["no_consent"]) == (USERS, silent)
        assert counts["treatment"] == 12  # of 5 each, 61 pays twelve
        assert counts["treatment"] + counts["control"] + counts["over_budget"] == USERS - silent
        assert plan.expected.cost_at_most == 60.0
        assert plan.expected.share == pytest.approx(0.2, abs=1e-6)  # of 30 days, and the campaign lasts as long
        assert plan.expected.buyers == pytest.approx(0.2 * plan.expected.known, abs=1e-4)
        assert plan.expected.known == counts["treatment"] - counts["personalisation_off"]

    def test_says_what_a_start_then_does(self, campaigns: Campaigns) -> None:
        made = campaign(name(), contacts_per_week=100)
        plan = campaigns.plan(made)
        done = campaigns.start(made)
        assert {key: done.campaign.counts[key] for key in plan.counts} == plan.counts
        assert campaigns.plan(made).state == "running"

    def test_shorter_periods_are_expected_less_of(self, campaigns: Campaigns) -> None:
        week = campaigns.plan(campaign(name(), ends=(NOW + timedelta(days=7)).isoformat()), now=NOW)
        assert week.expected.share == pytest.approx(1 - 0.8 ** (7 / 30), abs=1e-6)

    def test_overlaps_with_what_runs(self, shop: ProfileStore, campaigns: Campaigns) -> None:
        other = started(shop, audience="risky")
        plan = campaigns.plan(campaign(name(), contacts_per_week=100))
        assert plan.overlaps[other.name] == other.counts["treatment"]
        campaigns.stop(other.name)
        assert other.name not in campaigns.plan(campaign(name(), contacts_per_week=100)).overlaps

    def test_without_propensity_it_goes_by_who_bought_before(self, shop: ProfileStore, tmp_path: Path) -> None:
        for n in (1, 2, 3):
            write_profile(shop, f"u{n:03d}", purchase_30d=None)
        rule = {"rule": 'user_id in ["u001", "u002", "u003"]'}
        shop.audiences.build("few", definition_of({"members": rule, "channel": "mail"}, source="test"))
        made = campaign(name(), audience="few", control_share=0.0, ends=(NOW + timedelta(days=7)).isoformat())
        plan = shop.campaigns.plan(made, now=NOW)
        assert (plan.expected.buyers, plan.expected.from_propensity, plan.expected.share) == (None, False, 1.0)
        assert any("propensity" in note for note in plan.notes) and any("no control group" in n for n in plan.notes)
        for n in (1, 2, 3):
            write_profile(shop, f"u{n:03d}")


class TestStart:
    def test_gives_everybody_their_place(self, shop: ProfileStore, campaigns: Campaigns) -> None:
        done = campaigns.start(campaign(name(), offer=COUPON, contacts_per_week=100))
        held = list(campaigns.assignments(done.campaign.name))
        assert [place["user_id"] for place in held] == sorted(place["user_id"] for place in held)
        treated = [place for place in held if place["arm"] == "treatment"]
        assert (
            len(treated) == done.campaign.counts["treatment"]
            and len(held) - len(treated) == done.campaign.counts["control"]
        )
        assert all(place["code"] == "SPRING10" and place["offer"] == "coupon" for place in treated)
        assert all("code" not in place and "offer" not in place for place in held if place["arm"] == "control")
        place = next(each for each in held if each["user_id"] == "u001")
        assert (place["value_tier"], place["segment"], place["channel"]) == ("silver", "regulars", "mail")
        assert campaigns.counts(done.campaign.name)["with_code"] == len(treated)

    def test_a_second_start_changes_nothing(self, shop: ProfileStore, campaigns: Campaigns) -> None:
        made = campaign(name(), offer={**COUPON, "code": name()}, contacts_per_week=100)
        assert campaigns.start(made).outcome == "started"
        before = everything(shop.settings, kinds=KINDS_WRITTEN)
        again = campaigns.start(made)
        assert again.outcome == "unchanged"
        assert everything(shop.settings, kinds=KINDS_WRITTEN) == before

    def test_another_definition_of_its_name_is_refused(self, campaigns: Campaigns) -> None:
        made = name()
        campaigns.start(campaign(made, contacts_per_week=100))
        for call in (campaigns.start, campaigns.plan):
            with pytest.raises(UsageError, match="differs in budget, control_share"):
                call(campaign(made, contacts_per_week=100, budget=1.0, control_share=0.25))

    def test_one_that_was_stopped_is_not_started_again(self, campaigns: Campaigns) -> None:
        made = campaign(name(), contacts_per_week=100)
        campaigns.start(made)
        campaigns.stop(made.name)
        assert campaigns.stop(made.name).state == "stopped"
        with pytest.raises(UsageError, match="was stopped"):
            campaigns.start(made)

    def test_a_record_whose_answer_was_lost_is_its_own(
        self, campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = CampaignIndex.create

        def sent_twice(self: CampaignIndex, record: Any) -> bool:
            assert real(self, record)
            return real(self, record)

        monkeypatch.setattr(CampaignIndex, "create", sent_twice)
        done = campaigns.start(campaign(name(), contacts_per_week=100))
        assert done.outcome == "started"
        assert campaigns.counts(done.campaign.name)["control"] == done.campaign.counts["control"] > 0

    def test_is_audited_without_users_and_codes(self, shop: ProfileStore, campaigns: Campaigns) -> None:
        code = name()
        done = campaigns.start(campaign(name(), offer={**COUPON, "code": code}, contacts_per_week=100))
        campaigns.stop(done.campaign.name)
        lines = campaigns.audit.list(subject=done.campaign.name)
        assert [(entry.line.action, entry.line.state, entry.line.who) for entry in lines] == [
            ("campaign-stop", "done", "tester"), ("campaign-start", "done", "tester"),
        ]  # fmt: skip
        assert lines[1].line.count == done.campaign.counts["treatment"]
        assert code not in json.dumps(lines[1].line.to_source(), default=str)

    def test_a_stop_while_it_is_started_ends_it(
        self, shop: ProfileStore, campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from profilestore.campaigns.running.assigning import Assigning

        made = campaign(name(), offer={**COUPON, "code": name()}, contacts_per_week=100)
        real = Assigning.treat

        def treat_then_stop(self: Assigning, members: Any) -> None:
            real(self, members)
            shop.campaigns.stop(made.name)

        monkeypatch.setattr(Assigning, "treat", treat_then_stop)
        assert campaigns.start(made).outcome == "stopped"
        held = everything(shop.settings)
        assert made.name not in held["campaigns/running"]["running"]
        assert [id for id in held if id.startswith(f"audiences/ids:campaign:{made.name}")] == []
        assert asked(shop, "u001").count(made.name) == 0


class TestExport:
    def test_who_is_to_be_written_to_now(self, shop: ProfileStore, campaigns: Campaigns, tmp_path: Path) -> None:
        made = started(shop, audience="risky", control_share=0.3, offer={**COUPON, "code": "EXPORT10"})
        treated = [each["user_id"] for each in campaigns.assignments(made.name) if each["arm"] == "treatment"]
        write_profile(shop, treated[0], consent=["sms"])
        write_profile(shop, treated[1], personalisation="off")
        # A file that somebody else may read must not become the export.
        (waiting := tmp_path / f".out.csv.{os.getpid()}.partial").touch(mode=0o644)
        report = campaigns.export(made.name, tmp_path / "out.csv", fields=["value_tier"])
        assert waiting.read_bytes() == b"" and (tmp_path / "out.csv").stat().st_mode & 0o777 == 0o600
        rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
        hashed = Pseudonyms.of(shop.settings).hash
        assert [row["user_hmac_sha256"] for row in rows] == [hashed(user) for user in treated[2:]]
        assert {row["code"] for row in rows} == {"EXPORT10"} and rows[0]["value_tier"] in ("gold", "silver")
        assert (report.users, report.held_back) == (len(treated) - 2, 2)
        (entry,) = [each for each in campaigns.audit.list(subject=made.name) if each.line.action == "export"]
        assert (entry.line.count, entry.id) == (report.users, report.audit)
        for user in treated[:2]:
            write_profile(shop, user)
        plain = campaigns.export(made.name, tmp_path / "out.jsonl", plain_ids=True)
        lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert [line["user_id"] for line in lines] == treated and plain.held_back == 0
        campaigns.stop(made.name)
        with pytest.raises(UsageError, match="is stopped"):
            campaigns.export(made.name, tmp_path / "more.csv")
        assert not (tmp_path / "more.csv").exists()

    def test_a_code_is_exported_as_it_is_or_not_at_all(self, campaigns: Campaigns, tmp_path: Path) -> None:
        offer = {**COUPON, "code": "-20%"}
        plan = campaigns.plan(campaign(name(), offer=offer))
        assert any("the code begins as formulas" in note and ".jsonl" in note for note in plan.notes)
        said: list[str] = []
        made = campaigns.start(campaign(name(), offer=offer), progress=said.append).campaign
        assert any("the code begins as formulas" in line for line in said)
        with pytest.raises(UsageError, match=r"Export to a \.jsonl"):
            campaigns.export(made.name, tmp_path / "out.csv")
        assert list(tmp_path.iterdir()) == []
        campaigns.export(made.name, tmp_path / "out.jsonl")
        lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert {line["code"] for line in lines} == {"-20%"} and len(lines) == made.counts["treatment"]


class TestProducts:
    def test_a_product_off_sale_is_sent_to_nobody(
        self, shop: ProfileStore, campaigns: Campaigns, tmp_path: Path
    ) -> None:
        products, kettle = shop.settings.index("products"), {"product_id": "p9", "title": "Kettle"}
        shop._client.index(index=products, id="p9", refresh=True, document={**kettle, "generation": "000001"})
        alone = started(shop, offer={"kind": "product", "product": "p9"})
        beside = started(shop, offer={**COUPON, "code": "KETTLE", "product": "p9"})
        before = campaigns.export(alone.name, tmp_path / "before.jsonl")
        shop._client.index(index=products, id="p9", refresh=True, document={
            **kettle, "generation": "000001", "deleted": True})  # fmt: skip
        report = campaigns.export(alone.name, tmp_path / "alone.jsonl")
        assert (report.users, report.held_back) == (0, before.users)
        report = campaigns.export(beside.name, tmp_path / "beside.jsonl")
        lines = [json.loads(line) for line in (tmp_path / "beside.jsonl").read_text().splitlines()]
        assert len(lines) == report.users == before.users and report.held_back == 0
        assert all(line["code"] == "KETTLE" and "product_id" not in line for line in lines)

    def test_one_for_all_and_none_that_there_is_not(self, shop: ProfileStore, campaigns: Campaigns) -> None:
        products = shop.settings.index("products")
        shop._client.index(index=products, id="p1", refresh=True, document={
            "product_id": "p1", "title": "Teapot", "generation": "000001"})  # fmt: skip
        made = started(shop, offer={"kind": "product", "product": "p1"})
        place = campaigns.place(made.name, "u001")
        assert (place.offer, place.product_id, place.product_title, place.unless) == ("product", "p1", "Teapot", None)
        with pytest.raises(UsageError, match="no product nowhere"):
            campaigns.start(campaign(name(), offer={"kind": "product", "product": "nowhere"}))


BAD: list[tuple[dict[str, Any], type[ProfileStoreError], str]] = [
    ({"audience": "nobody-knows"}, NotFound, "no audience of this name"),
    ({"budget": 0.0}, UsageError, "`budget` is more than 0"),
    ({"control_share": 1.0}, UsageError, "`control_share`"),
    ({"ends": "2020-01-01"}, UsageError, "is over"),
    ({"starts": "2080-01-01", "ends": "2079-01-01"}, UsageError, "ends before it begins"),
    ({"channel": "pigeon"}, UsageError, "none gave consent to the channel pigeon"),
    ({"offer": COUPON, "budget": 4.0}, UsageError, "does not pay a single contact"),
    ({"offer": {**COUPON, "issue": "claim", "coupons": 1000}}, UsageError, "does not pay all coupons"),
    ({"offer": {"kind": "product", "boost": "colour=red"}}, UsageError, "colour"),
    ({"offer": {"kind": "product", "category": "Nothing"}}, UsageError, "no product on sale is of category Nothing"),
    ({"offer": {"kind": "product", "colour": "red"}}, UsageError, "`offer.colour`"),
]


@pytest.mark.parametrize(("given", "error", "told"), BAD)
def test_bad_input_is_told_before_anything_is_written(
    shop: ProfileStore, campaigns: Campaigns, given: dict[str, Any], error: type[ProfileStoreError], told: str
) -> None:
    before = everything(shop.settings, kinds=KINDS_WRITTEN)
    for call in (campaigns.plan, campaigns.start):
        with pytest.raises(error, match=told):
            call(campaign(name(), **{"contacts_per_week": 100, **given}))
    assert everything(shop.settings, kinds=KINDS_WRITTEN) == before


def test_an_audience_that_matches_nobody_any_more(shop: ProfileStore, campaigns: Campaigns) -> None:
    write_profile(shop, "u005", city="Nowhere")
    shop.audiences.build(
        "gone", definition_of({"members": {"rule": 'city == "Nowhere"'}, "channel": "mail"}, source="t")
    )
    write_profile(shop, "u005")
    before = everything(shop.settings, kinds=KINDS_WRITTEN)
    with pytest.raises(UsageError, match="audience gone matches nobody now"):
        campaigns.start(campaign(name(), audience="gone"))
    with pytest.raises(ConditionError, match="no field"):
        shop.audiences.build("bad", definition_of({"members": {"rule": "colour == 1"}, "channel": "mail"}, source="t"))
    assert everything(shop.settings, kinds=KINDS_WRITTEN) == before


def test_codes_of_a_file(shop: ProfileStore, campaigns: Campaigns, tmp_path: Path) -> None:
    from profilestore.campaigns.running.campaign_file import campaign_of

    def of_file(made: str, text: str) -> Any:
        (tmp_path / "codes.csv").write_text(text)
        return campaign_of(
            {"name": made, "audience": "all", "ends": "2098-12-31", "budget": 1000.0, "contacts_per_week": 100,
             "control_share": 0.25, "offer": {"kind": "coupon", "value": 5.0, "codes": "codes.csv"}},
            time_zone="UTC", folder=tmp_path,
        )  # fmt: skip

    with pytest.raises(InputError, match="line 3"):
        of_file(name(), "code\nA1\nA1\n")
    made = name()
    done = campaigns.start(of_file(made, "code\n" + "".join(f"A{n}\n" for n in range(9))))
    assert done.campaign.counts["treatment"] == 9 and done.campaign.counts["over_budget"] > 0
    codes = [each["code"] for each in campaigns.assignments(made) if each["arm"] == "treatment"]
    assert sorted(codes) == [f"A{n}" for n in range(9)]
    with pytest.raises(UsageError, match="differs in offer"):
        campaigns.start(of_file(made, "code\n" + "".join(f"B{n}\n" for n in range(9))))
    with pytest.raises(UsageError, match="is in the pool of campaign"):
        campaigns.start(of_file(name(), "code\nX\nA3\n"))
