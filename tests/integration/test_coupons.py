"""Coupons on a real server: who may claim and redeem when, what is told otherwise, and what follows from it."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from coupon_shop import DAY, NOW, add_campaign, assert_agree, codes, fresh_shop, place, users, with_pool
from elastic_transport import ConnectionTimeout
from fold_runs import documents

from profilestore import CouponRefused, Event, NotFound, ProfileStore, UsageError, User
from profilestore.campaigns.coupons.code_file import CodeFile
from profilestore.campaigns.coupons.pool import Pool
from profilestore.campaigns.coupons.settling import Settled
from profilestore.elastic import bulk
from profilestore.elastic.coupon_index import CouponIndex
from profilestore.errors import NotInitialised

NAMES = (f"campaign{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def shop(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProfileStore]:
    with fresh_shop(server_url, tmp_path_factory.mktemp("coupons")) as store:
        yield store


@pytest.fixture
def name() -> str:
    """Of a campaign of this test alone."""
    return next(NAMES)


def refused(act: Callable[[], object], reason: str) -> str:
    with pytest.raises(CouponRefused) as raised:
        act()
    assert raised.value.reason == reason
    assert raised.value.exit_code == 1
    return str(raised.value)


# ---------------------------------------------------------------- claiming


def test_a_claim_gives_a_code_once_and_links_back(shop: ProfileStore, name: str) -> None:
    with_pool(shop, name, users(3), size=2)
    first = shop.coupons.claim(name, "u000")
    assert (first.first, first.value, first.ends) == (True, 5.0, NOW + DAY)
    again = shop.coupons.claim(name, "u000")
    assert (again.code, again.first) == (first.code, False)
    assert shop.coupons.claim(name, "u001").code != first.code
    assert "no coupon" in refused(lambda: shop.coupons.claim(name, "u002"), "none-left")
    assert assert_agree(shop, name, size=2).keys() == {"u000", "u001"}
    claims = [
        hit["_source"] for hit in documents(shop.settings, "events").values() if hit["_source"]["campaign"] == name
    ]
    assert sorted((event["user_id"], event["type"]) for event in claims) == [
        ("u000", "coupon_claim"), ("u001", "coupon_claim")
    ]  # fmt: skip
    assert shop.profile("u000").event_counts["coupon_claim"] >= 1
    counts = shop.coupons.counts(name)
    assert (counts.size, counts.made, counts.issued, counts.left, counts.claimed, counts.redeemed) == (2, 2, 2, 0, 2, 0)


def test_who_may_not_claim(shop: ProfileStore, name: str) -> None:
    index = with_pool(shop, name, ["u000"], size=5)
    index.write_assignments([place(name, "u001", arm="control"), place(name, "u002", withheld="no contact left")])
    refused(lambda: shop.coupons.claim(name, "stranger"), "not-assigned")
    refused(lambda: shop.coupons.claim(name, "u001"), "control")
    assert "no contact left" in refused(lambda: shop.coupons.claim(name, "u002"), "withheld")
    assert shop.coupons.issue_many(name, ["u001", "u002", "stranger"]) == {"u001": None, "u002": None, "stranger": None}
    assert shop.coupons.counts(name).issued == 0
    with pytest.raises(NotFound, match="campaign list"):
        shop.coupons.claim("no such campaign", "u000")
    assert not any(hit["_source"]["campaign"] == name for hit in documents(shop.settings, "events").values())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": "stopped"}, "stopped"),
        ({"state": "starting"}, "starting"),
        ({"imported": True}, "imported"),
        ({"starts": NOW + DAY, "ends": NOW + 2 * DAY}, "not-started"),
        ({"starts": NOW - 2 * DAY, "ends": NOW}, "ended"),
    ],
)
def test_a_campaign_that_does_not_run_gives_none(
    shop: ProfileStore, name: str, changes: dict[str, Any], reason: str
) -> None:
    with_pool(shop, name, ["u000"], size=1, **changes)
    refused(lambda: shop.coupons.claim(name, "u000"), reason)
    if reason == "stopped":
        refused(lambda: shop.coupons.issue_many(name, ["u000"]), "stopped")
    assert shop.coupons.counts(name).issued == 0


def test_a_campaign_without_coupons(shop: ProfileStore, name: str) -> None:
    add_campaign(shop, name, ["u000"])
    for act in (lambda: shop.coupons.claim(name, "u000"), lambda: shop.coupons.counts(name)):
        with pytest.raises(NotFound, match="has no coupons"):
            act()


def test_neither_consent_nor_personalisation_is_asked_of_a_user_who_asks(shop: ProfileStore, name: str) -> None:
    index = with_pool(shop, name, [], size=1)
    index.write_assignments([place(name, "off", unless="off", product_id="p1")])
    shop.index_users([User(user_id="off", personalisation="off", consent=[])])
    assert shop.coupons.claim(name, "off").first
    assert assert_agree(shop, name, size=1).keys() == {"off"}


def test_a_long_user_id_claims_and_redeems_too(shop: ProfileStore, name: str) -> None:
    user = "ü" * 245  # with a campaign's name before it 500 bytes; with the kind of event as well, too many
    with_pool(shop, name, [user, user[:-1]], size=2)
    for each in (user, user[:-1]):
        claimed = shop.coupons.claim(name, each)
        assert claimed.first
        assert not shop.coupons.claim(name, each).first
        assert shop.coupons.redeem(claimed.code, each).first
    assert shop.coupons.counts(name).redeemed == 2


@pytest.mark.parametrize("odd", ["", "x" * 40_000, "\ud800", "a,b/c%*"])
def test_odd_ids_and_codes_are_unknown(shop: ProfileStore, name: str, odd: str) -> None:
    with_pool(shop, name, ["u000"], size=1)
    refused(lambda: shop.coupons.claim(name, odd), "not-assigned")
    refused(lambda: shop.coupons.redeem(f"{name}-0000", odd), "not-theirs")
    refused(lambda: shop.coupons.redeem(odd, "u000"), "unknown-code")
    with pytest.raises(NotFound):
        shop.coupons.claim(odd, "u000")


# ---------------------------------------------------------------- redeeming


def test_redeeming(shop: ProfileStore, name: str) -> None:
    with_pool(shop, name, users(3), size=2)
    code = shop.coupons.claim(name, "u000").code
    other = shop.coupons.claim(name, "u001").code
    assert "this user" in refused(lambda: shop.coupons.redeem(code, "u001"), "not-theirs")
    refused(lambda: shop.coupons.redeem(code, "stranger"), "not-theirs")
    refused(lambda: shop.coupons.redeem("no such code", "u000"), "unknown-code")
    refused(lambda: shop.coupons.redeem(code, "u000", campaign="another"), "unknown-code")
    refused(lambda: shop.coupons.redeem(code, "u000", now=NOW - 2 * DAY), "not-started")
    refused(lambda: shop.coupons.redeem(code, "u000", now=NOW + DAY), "ended")
    assert shop.coupons.counts(name).redeemed == 0
    redeemed = shop.coupons.redeem(f" {code} ", "u000", order_id="o1")
    assert (redeemed.campaign, redeemed.value, redeemed.first) == (name, 5.0, True)
    refused(lambda: shop.coupons.redeem(code, "u000"), "redeemed")
    refused(lambda: shop.coupons.redeem(code, "u000", order_id="o2"), "redeemed")
    assert not shop.coupons.redeem(code, "u000", order_id="o1").first  # the same once more
    assert shop.coupons.redeem(other, "u001", campaign=name).first
    counts = shop.coupons.counts(name)
    assert (counts.claimed, counts.redeemed) == (2, 2)
    assert shop.verify_all().users == {}


def test_a_stopped_campaign_keeps_its_promise_until_its_end(shop: ProfileStore, name: str) -> None:
    index = with_pool(shop, name, users(2), size=2)
    code = shop.coupons.claim(name, "u000").code
    index.change(name, lambda held: held.model_copy(update={"state": "stopped"}))
    refused(lambda: shop.coupons.claim(name, "u001"), "stopped")
    assert shop.coupons.redeem(code, "u000").first


def test_one_code_for_all(shop: ProfileStore, name: str) -> None:
    add_campaign(shop, name, users(4))
    pool = Pool.of_one(f"{name}-10", size=3)
    assert shop.coupons.open_pool(name, pool, value=2.5) == 3
    told = shop.coupons.issue_many(name, users(4))
    assert sorted(told.values(), key=str) == [None, *[f"{name}-10"] * 3] or list(told.values()).count(None) == 1
    assert set(told.values()) == {None, f"{name}-10"}
    for user, code in told.items():
        if code is None:
            refused(lambda user=user: shop.coupons.redeem(f"{name}-10", user), "not-theirs")  # type: ignore[misc]
        else:
            assert shop.coupons.redeem(code, user).first
    assert shop.coupons.counts(name).redeemed == 3


def test_of_two_campaigns_with_a_code_the_one_that_runs(shop: ProfileStore, name: str) -> None:
    former = next(NAMES)
    index = add_campaign(shop, former, ["u000"], starts=NOW - 5 * DAY)
    shop.coupons.open_pool(former, Pool.of_one(f"{name}-one", size=1), value=1.0)
    shop.coupons.claim(former, "u000")
    index.change(former, lambda held: held.model_copy(update={"state": "stopped"}))
    add_campaign(shop, name, ["u000", "u001"])
    shop.coupons.open_pool(name, Pool.of_one(f"{name}-one", size=2), value=1.0)
    shop.coupons.issue_many(name, ["u000", "u001"])
    assert shop.coupons.redeem(f"{name}-one", "u000").campaign == name
    refused(lambda: shop.coupons.redeem(f"{name}-one", "u000"), "redeemed")
    assert shop.coupons.redeem(f"{name}-one", "u000", campaign=former).campaign == former


def test_a_lost_answer_is_no_second_redemption(shop: ProfileStore, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_pool(shop, name, ["u000"], size=1)
    code = shop.coupons.claim(name, "u000").code
    real, lost = shop._client.perform_request, []

    def perform(method: str, path: str, **named: Any) -> Any:
        answer = real(method, path, **named)
        if path.startswith("/_bulk") and len(lost) == 0:
            lost.append(1)
            raise ConnectionTimeout("no answer")
        return answer

    monkeypatch.setattr(shop._client, "perform_request", perform)
    assert shop.coupons.redeem(code, "u000").first
    assert len(lost) == 1
    refused(lambda: shop.coupons.redeem(code, "u000"), "redeemed")


def test_lost_answers_while_issuing(shop: ProfileStore, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each write is taken and its answer lost once: sent again it meets itself."""
    with_pool(shop, name, users(12), size=10)
    real, sent = shop._client.perform_request, 0

    def perform(method: str, path: str, **named: Any) -> Any:
        nonlocal sent
        answer = real(method, path, **named)
        if path.startswith("/_bulk"):
            sent += 1
            if sent % 2 == 1:
                raise ConnectionTimeout("no answer")
        return answer

    monkeypatch.setattr(shop._client, "perform_request", perform)
    told = shop.coupons.issue_many(name, users(12))
    assert sum(code is not None for code in told.values()) == 10
    assert assert_agree(shop, name, size=10) == {user: code for user, code in told.items() if code is not None}


# ---------------------------------------------------------------- pools


def test_a_pool_is_made_once_and_does_not_change(shop: ProfileStore, name: str) -> None:
    add_campaign(shop, name, users(3))
    pool = Pool.of_codes(codes(6, name), size=4)
    index = CouponIndex(shop._client, alias=shop.settings.index("coupons"))
    assert index.begin(pool.record(name, value=5.0))  # and then it died
    assert (shop.coupons.counts(name).size, shop.coupons.counts(name).made) == (4, 0)
    assert shop.coupons.open_pool(name, pool, value=5.0) == 4
    shop.coupons.issue_many(name, users(3))
    assert shop.coupons.open_pool(name, pool, value=5.0) == 0
    others = (
        (Pool.of_codes(codes(6, name), size=5), 5.0),
        (Pool.of_codes(codes(6, name)[1:], size=4), 5.0),
        (pool, 6.0),
        (Pool.of_one(f"{name}-one", size=4), 5.0),
    )
    for other, value in others:
        with pytest.raises(UsageError, match="they do not change"):
            shop.coupons.open_pool(name, other, value=value)
    assert len(assert_agree(shop, name, size=4)) == 3


def test_codes_of_another_campaign_that_is_not_over(shop: ProfileStore, name: str) -> None:
    index = with_pool(shop, name, users(2), size=3)
    file = CodeFile("mine.csv", ("new", f"{name}-0001", f"{name}-0002"), (2, 3, 5))
    with pytest.raises(
        UsageError, match=rf"mine.csv, line [35]: this code is in the pool of campaign {name}, .*Nothing"
    ):
        shop.coupons.check_pool("mine", Pool.of_file(file))
    with pytest.raises(UsageError, match="in the pool of"):
        shop.coupons.open_pool("mine", Pool.of_one(f"{name}-0001", size=9), value=1.0)
    assert shop.coupons.pool("mine") is None
    shop.coupons.check_pool(name, Pool.of_file(file))  # its own
    # Stopped, those count that users have.
    mine = shop.coupons.claim(name, "u000").code
    index.change(name, lambda held: held.model_copy(update={"state": "stopped"}))
    free = [code for code in codes(3, f"{name}-") if code != mine]
    shop.coupons.check_pool("mine", Pool.of_codes(free))
    with pytest.raises(UsageError, match=f"number 2: this code was given to a user of campaign {name}"):
        shop.coupons.check_pool("mine", Pool.of_codes([free[0], mine]))
    # Over, none.
    index.change(name, lambda held: held.model_copy(update={"ends": NOW - timedelta(hours=1)}))
    shop.coupons.check_pool("mine", Pool.of_codes([free[0], mine]))


def test_a_shop_of_an_earlier_version_has_no_place_for_coupons(shop: ProfileStore, name: str) -> None:
    index = CouponIndex(shop._client, alias="t-no-such-shop-coupons")
    with pytest.raises(NotInitialised, match="profilestore init"):
        index.check()
    with pytest.raises(NotInitialised, match="profilestore init"):
        index.read(["x:000000000"])


def test_all_campaigns_with_coupons_are_listed(shop: ProfileStore, name: str) -> None:
    with_pool(shop, name, users(1), size=2)
    add_campaign(shop, next(NAMES), [])
    listed = [each.campaign for each in shop.coupons.all()]
    assert name in listed
    assert listed == sorted(listed)


# ---------------------------------------------------------------- forgetting


def test_a_forgotten_user_s_coupon_stays_given(shop: ProfileStore, name: str) -> None:
    with_pool(shop, name, users(3), size=2)
    code = shop.coupons.claim(name, "u001").code
    deleted = shop.forget("u001")
    assert deleted["coupons"] >= 1
    assert not any("u001" in str(hit["_source"]) for hit in documents(shop.settings, "coupons").values())
    assert not any(hit["_source"].get("user_id") == "u001" for hit in documents(shop.settings, "campaigns").values())
    refused(lambda: shop.coupons.redeem(code, "u001"), "not-theirs")
    refused(lambda: shop.coupons.claim(name, "u001"), "not-assigned")
    # Made again, it is not free; there is one left for two.
    shop.coupons.open_pool(name, Pool.of_codes(codes(2, f"{name}-")), value=5.0)
    told = shop.coupons.issue_many(name, ["u000", "u002"])
    assert sorted(told.values(), key=str) == sorted([None, next(c for c in codes(2, f"{name}-") if c != code)], key=str)
    counts = shop.coupons.counts(name)
    assert (counts.made, counts.issued, counts.left) == (2, 2, 0)
    assert shop.coupons.settle(name) == Settled(0, 0)


def test_who_is_forgotten_in_the_middle_does_not_come_back(
    shop: ProfileStore, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_pool(shop, name, ["anna", "bert"], size=2)
    shop.record(Event(user_id="anna", type="contact", time=NOW))
    real, writes = bulk._send, 0

    def send(client: Any, lines: list[bytes], action: str) -> list[dict[str, Any]]:
        nonlocal writes
        writes += 1
        if writes == 2:  # the assignment names its coupon, and the coupon is about to name its user
            monkeypatch.setattr(bulk, "_send", real)
            shop.forget("anna")
        return real(client, lines, action)

    monkeypatch.setattr(bulk, "_send", send)
    told = shop.coupons.issue_many(name, ["anna", "bert"])
    assert told["anna"] is None
    assert assert_agree(shop, name, size=2) == {"bert": told["bert"]}
    assert not any("anna" in str(hit["_source"]) for hit in documents(shop.settings, "coupons").values())
    with pytest.raises(NotFound):
        shop.forget("anna")


def test_what_killed_processes_left_is_settled(shop: ProfileStore, name: str) -> None:
    """A coupon names its user, and that user was not told, or was forgotten just then."""
    with_pool(shop, name, users(3), size=3)
    shop.coupons.claim(name, "u000")
    campaigns, coupons = shop.coupons._campaigns, CouponIndex(shop._client, alias=shop.settings.index("coupons"))
    free = iter(coupons.free(name, n=2, start=0))
    for user in ("u001", "u002"):
        coupon, held = next(free), campaigns.read([f"{name}:{user}"])[f"{name}:{user}"]
        assert campaigns.write([(held, held.source | {"coupon": coupon.id})]) != [None]
        assert coupons.write([(coupon, coupon.source | {"user_id": user})]) != [None]
    shop._client.delete(index=shop.settings.index("campaigns"), id=f"{name}:u002")
    assert shop.coupons.settle(name) == Settled(finished=1, released=1)
    assert assert_agree(shop, name, size=3).keys() == {"u000", "u001"}
    assert shop.coupons.settle(name) == Settled(0, 0)
    assert shop.coupons.counts(name).left == 0


def test_a_broken_off_issue_is_finished_by_the_redemption(shop: ProfileStore, name: str) -> None:
    with_pool(shop, name, ["u000"], size=1)
    campaigns, coupons = shop.coupons._campaigns, CouponIndex(shop._client, alias=shop.settings.index("coupons"))
    (coupon,), held = coupons.free(name, n=1, start=0), campaigns.read([f"{name}:u000"])[f"{name}:u000"]
    campaigns.write([(held, held.source | {"coupon": coupon.id})])
    refused(lambda: shop.coupons.redeem(coupon.source["code"], "u000"), "not-theirs")  # nobody's yet
    coupons.write([(coupon, coupon.source | {"user_id": "u000"})])
    assert shop.coupons.redeem(coupon.source["code"], "u000").first


# ---------------------------------------------------------------- what is said


def test_nothing_that_is_logged_names_a_user_with_a_code(
    shop: ProfileStore, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with_pool(shop, name, ["anna"], size=1)
    said = []
    with caplog.at_level(logging.DEBUG):
        code = shop.coupons.claim(name, "anna").code
        for user in ("bert", "anna", "anna"):
            try:
                shop.coupons.redeem(code, user)
            except CouponRefused as error:
                said.append(str(error))
    assert len(said) == 2
    assert not any("anna" in line or "bert" in line or code in line for line in said)
    own = [record.getMessage() for record in caplog.records if record.name.startswith("profilestore")]
    assert not any(code in line for line in own)
