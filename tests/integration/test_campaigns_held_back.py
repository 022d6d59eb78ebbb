"""Campaigns on a real server: what holds one back at once, whoever asks for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from profilestore.campaigns.campaigns import Campaigns
from profilestore.elastic import member_pages
from profilestore.elastic.withdrawing import withdraw_beliefs
from profilestore.settings import Settings
from profilestore.store import ProfileStore
from tests.integration.campaign_shop import (
    COUPON,
    asked,
    backdate,
    campaign,
    everything,
    name,
    open_shop,
    started,
    write_profile,
)  # fmt: skip

KINDS_WRITTEN = ("campaigns", "coupons", "audiences", "audits")


@pytest.fixture(scope="module")
def shop(module_settings: Settings) -> Iterator[ProfileStore]:
    """A shop of all tests of this file; each has campaigns of its own, and no cap stands in the way."""
    store = open_shop(module_settings.model_copy(update={"actor": "tester"}))
    yield store
    store._client.close()


@pytest.fixture
def campaigns(shop: ProfileStore) -> Campaigns:
    return shop.campaigns


class TestWhatHoldsItBack:
    """All by the request of an app alone."""

    def test_found_while_it_runs_and_not_after_a_stop(self, shop: ProfileStore, campaigns: Campaigns) -> None:
        made = started(shop)
        assert made.name in asked(shop, "u001")
        assert [each["campaign"] for each in campaigns.offers_of("u001")] == asked(shop, "u001")
        campaigns.stop(made.name)
        assert made.name not in asked(shop, "u001")

    def test_the_control_group_is_sent_nothing(self, shop: ProfileStore, campaigns: Campaigns) -> None:
        made = started(shop, control_share=0.5)
        for place in campaigns.assignments(made.name):
            assert (made.name in asked(shop, place["user_id"])) == (place["arm"] == "treatment")

    def test_consent_withdrawn_holds_at_once(self, shop: ProfileStore) -> None:
        made = started(shop)
        write_profile(shop, "u002", consent=["sms"])
        assert asked(shop, "u002") == []
        write_profile(shop, "u002", consent=None)
        assert asked(shop, "u002") == []
        write_profile(shop, "u002")
        assert made.name in asked(shop, "u002")

    def test_opting_out_holds_what_scores_chose(self, shop: ProfileStore) -> None:
        by_rule, by_score = started(shop), started(shop, audience="risky")
        assert {by_rule.name, by_score.name} <= set(asked(shop, "u003"))
        write_profile(shop, "u003", personalisation="off")
        found = asked(shop, "u003")
        assert by_rule.name in found  # in it by the orders they had, with the same message for all
        assert by_score.name not in found
        write_profile(shop, "u003")
        assert by_score.name in asked(shop, "u003")

    def test_not_before_its_time_and_not_after(self, shop: ProfileStore) -> None:
        later = started(shop, starts="2090-01-01")
        assert later.name not in asked(shop, "u001")
        soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
        over = started(shop, ends=soon)
        while datetime.now(UTC) < over.ends:
            pass
        assert over.name not in asked(shop, "u001")

    def test_quiet_hours(self, shop: ProfileStore) -> None:
        made = started(shop, quiet_hours="21:30-08:00", starts=None)
        # After them at the earliest; from then on the minute counts that the app puts in.
        backdate(shop, made.name)
        for minute, found in (
            (0, False),
            (8 * 60 - 1, False),
            (8 * 60, True),
            (21 * 60 + 29, True),
            (21 * 60 + 30, False),
        ):
            body = shop.campaigns.offers_request("u001")
            (quiet,) = [each["term"] for each in body["query"]["bool"]["must_not"] if "quiet" in each.get("term", {})]
            quiet["quiet"] = minute
            assert (made.name in asked(shop, "u001", body=body)) == found

    def test_a_product_that_was_taken_from_who_opted_out_does_not_come_back_empty(self, shop: ProfileStore) -> None:
        index, made = shop.settings.index("campaigns"), started(shop)
        held = shop._client.get(index=index, id=f"{made.name}:u001")["_source"]
        for product, found in (("p1", True), (None, False)):
            shop._client.index(index=index, id=f"{made.name}:u001", refresh=True,
                               document={**held, "offer": "product", "product_id": product})  # fmt: skip
            assert (made.name in asked(shop, "u001")) == found

    def test_who_opts_out_keeps_what_all_get_and_loses_what_was_chosen(self, shop: ProfileStore) -> None:
        index, made = shop.settings.index("campaigns"), started(shop)
        held = shop._client.get(index=index, id=f"{made.name}:u001")["_source"]
        for unless, kept in ((None, True), ("off", False)):
            offered = {"offer": "product", "product_id": "p1", "reasons": ["a reason"], "unless": unless}
            shop._client.index(index=index, id=f"{made.name}:u001", document={**held, **offered}, refresh=True)
            withdraw_beliefs(shop._client, shop.settings, ["u001"])
            found = shop.campaigns.place(made.name, "u001")
            assert (found.product_id, found.segment, found.value_tier) == ("p1" if kept else None, None, None)

    def test_who_opts_out_while_it_is_started_leaves_no_belief(
        self, shop: ProfileStore, campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = campaign(name(), audience="risky", control_share=0.0, contacts_per_week=100)
        real = member_pages.MemberPages.read

        def read_then_opt_out(self: Any, *given: Any, **named: Any) -> Any:
            for page in real(self, *given, **named):
                if any(member.user_id == "u006" for member in page) and "value_tier" in named.get("fields", ()):
                    write_profile(shop, "u006", personalisation="off")
                yield page

        monkeypatch.setattr(member_pages.MemberPages, "read", read_then_opt_out)
        campaigns.start(made)
        place = campaigns.place(made.name, "u006")
        assert (place.arm, place.segment, place.value_tier, place.purchase_30d) == ("treatment", None, None, None)
        assert campaigns.place(made.name, "u001").segment == "regulars"
        assert made.name not in asked(shop, "u006")
        write_profile(shop, "u006")

    def test_a_stop_that_died_over_it_is_mended_by_the_next(self, shop: ProfileStore, campaigns: Campaigns) -> None:
        one, other = started(shop), started(shop)
        for each in (one, other):  # as after a kill between the two writes of a stop
            campaigns.index.change(each.name, lambda held: held.model_copy(update={"state": "stopped"}))
        assert {one.name, other.name} <= set(asked(shop, "u001"))
        campaigns.stop(one.name)
        assert not {one.name, other.name} & set(asked(shop, "u001"))

    def test_forgotten_users_are_gone_and_stay_gone(
        self, shop: ProfileStore, campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = "u004"
        running = started(shop, offer={**COUPON, "code": name()})
        made = campaign(name(), offer={**COUPON, "code": name()}, control_share=0.0, contacts_per_week=100)
        real = member_pages.MemberPages.read

        def read_then_forget(self: Any, *given: Any, **named: Any) -> Any:
            for page in real(self, *given, **named):
                if any(member.user_id == user for member in page) and "value_tier" in named.get("fields", ()):
                    shop.forget(user)  # read by the start, and about to be written
                yield page

        monkeypatch.setattr(member_pages.MemberPages, "read", read_then_forget)
        campaigns.start(made)
        monkeypatch.undo()
        assert user not in json.dumps(everything(shop.settings, kinds=(*KINDS_WRITTEN, "profiles")))
        assert campaigns.counts(running.name)["treatment"] == running.counts["treatment"] - 1
        campaigns.start(made)
        assert user not in json.dumps(everything(shop.settings, kinds=(*KINDS_WRITTEN, "profiles")))
        write_profile(shop, user)
