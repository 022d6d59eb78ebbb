"""Campaigns that are started by several at once, or whose start is killed: one plan, and no budget overspent."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from profilestore.errors import TooLittleData
from profilestore.recommend.feedback.experiments import draw
from profilestore.settings import Settings
from tests.integration.campaign_shop import COUPON, campaign, everything, open_shop

PROCESS = Path(__file__).parent / "campaign_process.py"
BUDGET = 62.0  # twelve coupons of five


@pytest.fixture(scope="module")
def settings(module_settings: Settings) -> Settings:
    """A shop of all tests of this file; each has campaigns and weeks of its own."""
    made = module_settings.model_copy(update={"actor": "tester"})
    open_shop(made)._client.close()
    return made


def spawn(settings: Settings, verb: str, **given: Any) -> subprocess.Popen[str]:
    held = {"home": str(settings.home), "prefix": settings.prefix, "elasticsearch_url": settings.elasticsearch_url}
    return subprocess.Popen([sys.executable, str(PROCESS), verb, json.dumps({"settings": held, **given})],
                            stdout=subprocess.PIPE, text=True)  # fmt: skip


def ended(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return out


def check_whole(settings: Settings, name: str, held: dict[str, Any], *, most: int | None) -> None:
    """One frozen plan, carried out: who is in it, the arms, the coupons."""
    record = held[f"campaigns/campaign:{name}"]
    assert record["state"] == "running" and "lists" not in record
    places = {doc["user_id"]: doc for doc in held.values()
              if doc.get("kind") == "assignment" and doc["campaign"] == name}  # fmt: skip
    assert all(held[f"campaigns/{name}:{user}"] == place for user, place in places.items())
    arms = Counter(place["arm"] for place in places.values())
    assert arms == {arm: record["counts"][arm] for arm in ("treatment", "control")}
    assert {user: place["arm"] for user, place in places.items()} == {
        user: "control" if draw(name, user) < 0.5 else "treatment" for user in places
    }
    assert most is None or arms["treatment"] == most
    treated = {user for user, place in places.items() if place["arm"] == "treatment"}
    contacts = [doc["user_id"] for doc in held.values() if doc.get("kind") == "contact" and doc["campaign"] == name]
    assert sorted(contacts) == sorted(treated)
    coupons = {id: doc for id, doc in held.items()
               if id.startswith(f"coupons/{name}:") and doc["kind"] == "coupon"}  # fmt: skip
    if record["offer"] == "coupon":
        assert len(coupons) == len(treated)
        assert {doc["user_id"]: id.removeprefix("coupons/") for id, doc in coupons.items()} == {
            user: places[user]["coupon"] for user in treated
        }
        assert all(places[user]["code"] == doc["code"] for doc in coupons.values() for user in [doc["user_id"]])
    assert name in held["campaigns/running"]["running"]


def test_a_start_killed_at_any_write_is_gone_on_with(settings: Settings) -> None:
    done = json.loads(ended(spawn(settings, "kill_at_each_write", budget=BUDGET)))
    assert done["died"] >= 20
    held = everything(settings)
    for name in done["campaigns"]:
        check_whole(settings, name, held, most=12)
    assert [id for id in held if id.startswith("audiences/ids:campaign:")] == []


def test_two_processes_start_one_campaign_at_once(settings: Settings) -> None:
    given = {"name": "both", "offer": {**COUPON, "code": "BOTH"}, "budget": BUDGET, "starts": "2070-01-06"}
    for process in [spawn(settings, "start", **given) for _ in range(3)]:
        ended(process)
    held = everything(settings)
    check_whole(settings, "both", held, most=12)
    assert [id for id in held if id.startswith("audiences/ids:campaign:both")] == []


def test_two_campaigns_at_once_do_not_break_the_cap(settings: Settings) -> None:
    # Half in control, so that whoever comes late has users left whom the other does not write to.
    given = {"contacts_per_week": 1, "starts": "2071-01-05", "control_share": 0.5}
    names = ["left", "right"]
    for process in [spawn(settings, "start", name=name, **given) for name in names]:
        ended(process)
    held = everything(settings)
    contacts = Counter(
        doc["user_id"] for doc in held.values() if doc.get("kind") == "contact" and doc["campaign"] in names
    )
    assert len(contacts) > 15 and set(contacts.values()) == {1}
    sent = Counter(
        doc["user_id"] for doc in held.values()
        if doc.get("arm") == "treatment" and doc["campaign"] in names and "withheld" not in doc
    )  # fmt: skip
    assert sent == contacts
    # Whoever was not to be written to is told, and is in the arm that the lot put them in.
    withheld = [doc for doc in held.values() if doc.get("withheld") is not None and doc["campaign"] in names]
    assert all(doc["withheld"] == "contacts used up" and doc["arm"] == "treatment" for doc in withheld)
    planned = sum(held[f"campaigns/campaign:{name}"]["counts"]["treatment"] for name in names)
    assert planned == len(withheld) + sum(sent.values())


def start_with_one_code(settings: Settings, names: list[str], *, starts: str) -> dict[str, str]:
    """Start campaigns of which each finds the code free before any of them takes it; what was said to each."""
    offer = {**COUPON, "code": "ONE-FOR-ALL"}
    processes = [
        spawn(settings, "start_with_others", name=name, others=names, offer=offer, starts=starts) for name in names
    ]
    return dict(zip(names, map(ended, processes), strict=True))


def test_two_campaigns_at_once_do_not_share_a_code(settings: Settings) -> None:
    said = start_with_one_code(settings, ["east", "west", "south"], starts="2074-01-02")
    (first,) = [name for name, told in said.items() if told == ""]
    held = everything(settings)
    check_whole(settings, first, held, most=None)
    assert {doc["campaign"] for doc in held.values() if doc.get("code") == "ONE-FOR-ALL"} == {first}
    for name in said.keys() - {first}:
        assert f"campaign {first}, which is not over, took it just now. Stop campaign {name}" in said[name]
        assert held[f"campaigns/campaign:{name}"]["state"] == "starting"
    # Of one that was stopped it is taken over, and again by one of those who try.
    shop = open_again(settings)
    for name in said:
        shop.campaigns.stop(name)
    shop._client.close()
    said = start_with_one_code(settings, ["north", "up"], starts="2074-02-02")
    (second,) = [name for name, told in said.items() if told == ""]
    check_whole(settings, second, everything(settings), most=None)


def test_a_campaign_after_another_leaves_out_who_has_had_their_contacts(settings: Settings) -> None:
    shop = open_again(settings)
    first = shop.campaigns.start(campaign("first", contacts_per_week=1, starts="2072-01-04"))
    plan = shop.campaigns.plan(campaign("second", contacts_per_week=1, starts="2072-01-05"))
    assert plan.counts["contacts_used_up"] == first.campaign.counts["treatment"]
    assert plan.overlaps["first"] == plan.counts["treatment"] + plan.counts["control"]  # control users of the first
    wider = shop.campaigns.plan(campaign("second", contacts_per_week=2, starts="2072-01-05"))
    assert wider.counts["contacts_used_up"] == 0
    later = shop.campaigns.plan(campaign("second", contacts_per_week=1, starts="2072-01-11"))
    assert later.counts["contacts_used_up"] == 0
    shop._client.close()


def test_one_stopped_before_its_first_contact_gives_the_week_back(settings: Settings) -> None:
    shop = open_again(settings)
    first = shop.campaigns.start(campaign("wrong", contacts_per_week=1, starts="2073-01-02", control_share=0.0))
    everybody = first.campaign.counts["treatment"]
    second = {"contacts_per_week": 2, "starts": "2073-01-03", "control_share": 0.9}
    taken = shop.campaigns.start(campaign("beside", **second)).campaign.counts["treatment"]
    assert 0 < taken < everybody
    shop.campaigns.stop("wrong")
    plan = shop.campaigns.plan(campaign("mended", contacts_per_week=1, starts="2073-01-04", control_share=0.0))
    # Who has a higher place keeps the lower one: with it they would have had none to count by.
    assert (plan.counts["contacts_used_up"], plan.counts["treatment"]) == (taken, everybody - taken)
    now = shop.campaigns.start(campaign("now", control_share=0.0)).campaign
    shop.campaigns.stop("now")  # they may have been contacted
    contacts = [doc for doc in everything(settings).values() if doc.get("kind") == "contact"]
    assert sum(doc["campaign"] == "now" for doc in contacts) == now.counts["treatment"]
    shop._client.close()


def test_one_stopped_while_it_was_being_started_has_no_report_of_half_its_users(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from profilestore.campaigns.running.assigning import Assigning

    shop = open_again(settings)
    real = Assigning.treat

    def treat_then_stop(self: Assigning, members: Any) -> None:
        real(self, members)
        shop.campaigns.stop("halfway")

    monkeypatch.setattr(Assigning, "treat", treat_then_stop)
    assert shop.campaigns.start(campaign("halfway", contacts_per_week=100)).outcome == "stopped"
    with pytest.raises(TooLittleData, match="nobody was written to"):
        shop.campaigns.report("halfway")
    shop._client.close()


def open_again(settings: Settings) -> Any:
    from profilestore.store import ProfileStore

    return ProfileStore(settings, url=settings.elasticsearch_url or "")
