"""The whole way: a generated shop with campaigns, loaded, imported, reported; and one that the shop itself starts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from profilestore import Event, ProfileStore, Settings
from profilestore.campaigns.coupons.counter import coupon_event
from profilestore.campaigns.importing.importing import ImportFiles
from profilestore.campaigns.report.cautions import FEW_BUYERS
from profilestore.campaigns.report.reading import read_participants
from profilestore.errors import NotFound, TooLittleData, UsageError
from profilestore.ingest.sample import SampleShop, generate_shop, write_shop
from tests.integration.campaign_shop import COUPON, USERS, campaign, open_shop, profile

BUYERS = 1200  # that are planted


def load(store: ProfileStore, sample: SampleShop, folder: Path) -> None:
    """The users and acts of the planted campaigns, and the campaigns from their files."""
    store.init()
    store.index_products([each.model_copy(update={"description": None}) for each in sample.products])
    kinds = sample.truth.campaigns["kinds"]
    store.index_events(event for event in sample.events if event.user_id in kinds)
    store.index_users(user for user in sample.users if user.user_id in kinds)
    files = write_shop(sample, folder)
    store.campaigns.import_past(ImportFiles(campaigns=[files["campaigns"]], members=[files["members"]]))


def test_the_report_of_a_generated_shop_contains_the_truth(settings: Settings, tmp_path: Path) -> None:
    sample = generate_shop(seed=11, users=20, products=40, events=100, campaigns=True)
    truth = sample.truth.campaigns
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        load(store, sample, tmp_path)
        reports = {name: store.campaigns.report(name) for name in ("spring-coupon", "no-effect", "tiny-control")}
        known_then = store.campaigns.report("spring-coupon", now=datetime(2025, 4, 10, tzinfo=UTC))
        people = read_participants(store._parts, "spring-coupon", now=datetime.now(UTC))
        with pytest.raises(TooLittleData, match="begins on"):
            store.campaigns.report("spring-coupon", now=datetime(2025, 4, 1, tzinfo=UTC))
        with pytest.raises(NotFound):
            store.campaigns.report("autumn")
        with pytest.raises(UsageError):
            store.campaigns.report("spring-coupon", lift=0.0)
    for name, report in reports.items():
        effects = truth[name]["effects"]["all"]
        assert report.control is not None
        assert report.treatment.users + report.control.users == BUYERS
        for found, key in ((report.bought, "conversion"), (report.revenue, "revenue"), (report.money.worth, "worth")):
            assert found is not None
            assert found.low <= effects[key] <= found.high, f"{name}: {key}"
        counted_as_planted(sample, name, report.treatment.bought, report.treatment.revenue)
        assert report.money.contact_cost == pytest.approx(0.2 * report.treatment.users)
        assert report.money.guessed == 0
        assert report.control.redeemed == report.control.opened == 0 < report.treatment.redeemed
    assert reports["spring-coupon"].verdict == "effective"
    assert reports["no-effect"].verdict == "too_small"
    tiny = {caution.key: caution.facts for caution in reports["tiny-control"].cautions}
    assert {"small_control", "few_buyers"} <= set(tiny)
    assert tiny["few_buyers"]["buyers"] < FEW_BUYERS
    assert tiny["small_control"]["each_needed"] > 1000
    # Who switched personalisation off is in the totals and in no group.
    off = sum(user.personalisation == "off" for user in sample.users if user.user_id in truth["kinds"])
    by_recency = [each for each in reports["spring-coupon"].groups if each.by == "recency"]
    assert 0 < off == people.opted_out.sum()
    assert 0 < sum(each.treatment + each.control for each in by_recency) <= BUYERS - off
    # As it was known then.
    assert (known_then.verdict, known_then.counted_until) == ("early", datetime(2025, 4, 10, tzinfo=UTC))
    assert known_then.treatment.bought < reports["spring-coupon"].treatment.bought


def counted_as_planted(sample: SampleShop, name: str, bought: int, revenue: float) -> None:
    """The report counts the purchases of the files, found here without any of its code."""
    held = sample.truth.campaigns[name]
    starts, ends = datetime.fromisoformat(held["starts"]), datetime.fromisoformat(held["ends"])
    treated = {
        row["user_id"]
        for row in sample.campaign_files["members"]
        if row["campaign"] == name and row["arm"] == "treatment"
    }
    lines = [
        event for event in sample.events
        if event.type == "purchase" and event.user_id in treated and starts <= event.time < ends
    ]  # fmt: skip
    assert bought == len({event.user_id for event in lines})
    assert revenue == pytest.approx(sum(event.amount for event in lines))


def test_a_campaign_of_the_shop_is_reported_by_the_arms_it_drew(settings: Settings) -> None:
    store = open_shop(settings)
    with store:
        now = datetime.now(UTC)
        ends = now + timedelta(hours=2)
        started = store.campaigns.start(
            campaign("mine", control_share=0.5, ends=ends.isoformat(), cost_per_contact=0.5, budget=1000.0)
        )
        counts = started.campaign.counts
        arms = {each["user_id"]: each["arm"] for each in store.campaigns.assignments("mine")}
        treated = sorted(user for user, arm in arms.items() if arm == "treatment")
        control = sorted(user for user, arm in arms.items() if arm == "control")
        soon = now + timedelta(minutes=30)
        store._parts.in_force.log.append(
            [Event(user_id=user, type="purchase", time=soon, product_id="p1", price=20.0) for user in treated[:6]]
            + [Event(user_id=user, type="purchase", time=soon, product_id="p1", price=20.0) for user in control[:2]]
            + [Event(user_id=treated[0], type="open", time=soon, campaign="mine")]
        )
        early = store.campaigns.report("mine", now=now + timedelta(hours=1))
        report = store.campaigns.report("mine", now=ends + timedelta(hours=1))
    assert (early.verdict, report.verdict) == ("early", "too_small")
    assert report.control is not None
    assert (report.treatment.users, report.control.users) == (counts["treatment"], counts["control"])
    assert (report.treatment.bought, report.control.bought) == (6, 2)
    assert (report.treatment.revenue, report.treatment.opened) == (120.0, 1)
    assert report.treatment.reached == len(treated)
    assert {caution.key for caution in report.cautions}.isdisjoint({"gone", "lot", "crossed", "stopped"})
    assert report.money.contact_cost == 0.5 * len(treated)
    off = {f"u{n:03d}" for n in range(USERS) if profile(n).get("personalisation") == "off"}
    assert report.ungrouped >= len(off & set(arms))


def test_an_arm_is_read_whole_beyond_one_page(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profilestore.campaigns.report.campaign_log._USERS_AT_ONCE", 7)
    store = open_shop(settings)
    with store:
        now = datetime.now(UTC)
        store.campaigns.start(campaign("mine", control_share=0.3, ends=(now + timedelta(hours=2)).isoformat()))
        users = [each["user_id"] for each in store.campaigns.assignments("mine")]
        store._parts.in_force.log.append([
            Event(user_id=user, type="purchase", time=now + timedelta(minutes=5), product_id="p1", price=1.0)
            for user in users
        ])  # fmt: skip
        report = store.campaigns.report("mine", now=now + timedelta(hours=3))
    assert report.bought is not None
    assert (report.bought.treatment, report.bought.control) == (1.0, 1.0)
    assert report.treatment.revenue == pytest.approx(np.sum(np.ones(report.treatment.users)))


def test_a_coupon_that_was_used_costs_what_its_order_says_and_is_not_counted_twice(settings: Settings) -> None:
    store = open_shop(settings)
    with store:
        ends = datetime.now(UTC) + timedelta(hours=2)
        store.campaigns.start(campaign("mine", offer=COUPON, control_share=0.5, ends=ends.isoformat()))
        treated = [each["user_id"] for each in store.campaigns.assignments("mine") if each["arm"] == "treatment"]
        told, untold = treated[:2]
        # As `coupon redeem` records it; these made profiles cannot be folded.
        store._parts.in_force.log.append([
            coupon_event("coupon_redeem", "mine", user, time=datetime.now(UTC), order_id=order)
            for user, order in ((told, "o1"), (untold, None))
        ])  # fmt: skip
        store._parts.in_force.log.append([
            Event(user_id=user, type="purchase", time=datetime.now(UTC), product_id="p1", price=20.0, order_id=order,
                  discount=discount)
            for user, order, discount in ((told, "o1", 3.0), (untold, "o2", None))
        ])  # fmt: skip
        report = store.campaigns.report("mine", now=ends + timedelta(hours=1))
    assert (report.treatment.redeemed, report.treatment.revenue) == (2, 37.0)
    assert (report.money.redemption_cost, report.money.guessed) == (3.0 + 5.0, 1)
    assert report.money.worth is not None
    assert report.money.worth.treatment == pytest.approx(40.0 / report.treatment.users)
