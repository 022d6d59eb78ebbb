"""Planted campaigns: nothing else of the shop moves, arms are a lot, and the truth is what was drawn."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from profilestore.ingest.sample import SampleShop, generate_shop
from profilestore.ingest.sample_campaign_acts import PLANTED
from profilestore.ingest.sample_campaigns import BUYER_KINDS, draw_buyers, draw_period, true_effects


@pytest.fixture(scope="module")
def shop() -> SampleShop:
    return generate_shop(users=60, products=60, events=900, campaigns=True)


def test_the_rest_of_the_shop_is_as_without_them(shop: SampleShop) -> None:
    plain = generate_shop(users=60, products=60, events=900)
    assert plain.truth.campaigns == {} and plain.campaign_files == {}
    planted = set(shop.truth.campaigns["kinds"])
    assert [user for user in shop.users if user.user_id not in planted] == plain.users
    assert shop.products == plain.products
    others = [event.model_copy(update={"event_id": "e"}) for event in shop.events if event.user_id not in planted]
    assert others == [event.model_copy(update={"event_id": "e"}) for event in plain.events]
    assert generate_shop(users=60, products=60, events=900, campaigns=True) == shop


def test_arms_are_of_all_kinds_and_differ_between_campaigns(shop: SampleShop) -> None:
    kinds = shop.truth.campaigns["kinds"]
    control = {
        campaign.name: {
            row["user_id"]
            for row in shop.campaign_files["members"]
            if row["campaign"] == campaign.name and row["arm"] == "control"
        }
        for campaign in PLANTED
    }
    for campaign in PLANTED:
        share = len(control[campaign.name]) / len(kinds)
        assert share == pytest.approx(campaign.control_share, abs=0.05)
    overlap = len(control["spring-coupon"] & control["no-effect"])
    assert overlap / len(kinds) == pytest.approx(0.09, abs=0.03)
    assert {kinds[user] for user in control["spring-coupon"]} == {kind.name for kind in BUYER_KINDS}


def test_who_is_in_control_does_nothing_with_the_campaign(shop: SampleShop) -> None:
    treated = {(row["campaign"], row["user_id"]) for row in shop.campaign_files["members"] if row["arm"] == "treatment"}
    planted = [event for event in shop.events if event.campaign in {campaign.name for campaign in PLANTED}]
    assert len(planted) > 300
    assert all((event.campaign, event.user_id) in treated for event in planted)
    for event in planted:
        held = shop.truth.campaigns[str(event.campaign)]
        assert datetime.fromisoformat(held["starts"]) <= event.time
        assert event.time < datetime.fromisoformat(held["starts"]) + timedelta(days=14)


@pytest.mark.parametrize("strength", [0.0, 1.0])
@pytest.mark.parametrize("scale", [1.0, 0.2])
def test_the_truth_is_what_a_great_many_users_do(strength: float, scale: float) -> None:
    rng = np.random.default_rng(8)
    buyers = draw_buyers(1_500_000, rng)
    treated = np.arange(len(buyers)) % 2 == 0
    period = draw_period(buyers, treated, rng, strength=strength, scale=scale)
    for number, name in enumerate(["", *(kind.name for kind in BUYER_KINDS)]):
        own = np.ones(len(buyers), dtype=bool) if name == "" else buyers.kinds == number - 1
        truth = true_effects(strength=strength, scale=scale)[name]
        for values, wanted in (
            (period.bought.astype(np.float64), truth.conversion),
            (period.paid, truth.revenue),
            (period.first + period.second, truth.worth),
        ):
            ours, theirs = values[own & treated], values[own & ~treated]
            error = np.sqrt(ours.var() / ours.size + theirs.var() / theirs.size)
            assert ours.mean() - theirs.mean() == pytest.approx(wanted, abs=4.0 * error)
