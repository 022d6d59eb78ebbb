"""Insight's fields in profiles: written under the lock, emptied, carried over by all that writes profiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from profilestore import Event, Product, ProfileStore, Settings, User
from profilestore.elastic import indices
from profilestore.elastic.bulk import Operation, Outcome
from profilestore.elastic.profile_index import ProfileIndex
from profilestore.errors import NotFound
from profilestore.insight.groups import GROUPS
from profilestore.insight.profiles import InsightProfiles, Written
from profilestore.insight.records import InsightRecord, InsightRecords

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
USERS = [f"u{n:02d}" for n in range(25)]


@pytest.fixture
def shop(settings: Settings) -> Iterator[ProfileStore]:
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products([Product(product_id="p", title="red scarf", price=2.0)])
        store.index_events(
            Event(user_id=user, type="purchase", time="2026-02-01T10:00:00Z", product_id="p", order_id=user)
            for user in USERS
        )
        store.index_users([User(user_id="u03", personalisation="off")])
        yield store


@pytest.fixture
def profiles(shop: ProfileStore) -> InsightProfiles:
    return InsightProfiles(shop._parts.in_force.profiles)


def tier(user_id: str, source: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return {"value_tier": "high", "rfm_recency": 5}


def source_of(settings: Settings, server_url: str, user: str) -> dict[str, Any]:
    with Elasticsearch(server_url) as client:
        found: dict[str, Any] = client.get(index=settings.index("profiles"), id=user).body["_source"]
        return found


def test_all_but_who_opted_out_are_read_and_written_once(profiles: InsightProfiles) -> None:
    read = [user for page in profiles.read(["order_count"], page=7) for user, source in page if source]
    assert sorted(read) == [user for user in USERS if user != "u03"]
    assert profiles.opted_out() == 1
    assert profiles.write("value", tier, as_of=AS_OF, page=7) == Written(24, 24, 0)
    assert profiles.write("value", tier, as_of=AS_OF, page=7) == Written(24, 0, 0)  # unchanged: untouched


def test_what_a_result_no_longer_says_is_emptied(profiles: InsightProfiles, shop: ProfileStore) -> None:
    profiles.write("value", tier, as_of=AS_OF)
    later = datetime(2026, 4, 1, tzinfo=UTC)
    some = profiles.write("value", lambda user, source: {"value_tier": "low"} if user < "u10" else None, as_of=later)
    assert some == Written(9, 9, 15)
    first, last = shop.profile("u01"), shop.profile("u20")
    assert (first.value_tier, first.rfm_recency) == ("low", None)
    assert first.insight_as_of == {"value": later}
    assert (last.value_tier, (last.insight_as_of or {}).get("value")) == (None, None)
    none_left = {"bool": {"filter": [{"exists": {"field": "value_tier"}}]}}
    assert sum(len(page) for page in profiles.read(["user_id"], query=none_left)) == 9


def test_groups_do_not_touch_each_other(profiles: InsightProfiles, shop: ProfileStore) -> None:
    profiles.write("value", tier, as_of=AS_OF)
    profiles.write("segments", lambda user, source: {"segment": "gifts"}, as_of=datetime(2026, 4, 1, tzinfo=UTC))
    profiles.write("segments", lambda user, source: None, as_of=AS_OF)
    known = shop.profile("u01")
    assert (known.segment, known.value_tier) == (None, "high")
    assert known.insight_as_of is not None
    assert known.insight_as_of["value"] == AS_OF


@pytest.mark.parametrize("way", ["fold", "rebuild", "rebuild all", "migrate", "switch of models"])
def test_they_survive_whatever_writes_profiles_whole(
    way: str, profiles: InsightProfiles, shop: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = {"rfm_frequency": 3, "rfm_monetary": 2, "rfm_segment": "loyal", **tier("", {})}  # type: ignore[dict-item]  # never None
    values: dict[str, Mapping[str, Any]] = {
        "value": everything,
        "lifetime": {"clv_90d": 9.5, "clv_90d_low": 1.0, "clv_90d_high": 20.0, "expected_purchases_90d": 1.25},
        "segments": {"segment": "gifts"},
        "rules": {"rule_segments": ["big", "recent"]},
        "churn": {"churn_risk": 0.75, "churn_band": "high", "churn_reasons": ["few_orders"], "lifecycle": "at-risk"},
        "sentiment": {"sentiment_mean": 0.5, "sentiment_label": "positive"},
        "interests": {
            **{
                f"{way}_{what}": ["a", "b"]
                for way in ("rising", "falling")
                for what in ("categories", "brands", "topics")
            },
            "interest_drift": 0.25,
            "next_purchase_at": date(2026, 3, 9),
            "next_purchase_from": date(2026, 3, 5),
            "next_purchase_to": date(2026, 3, 20),
            "next_purchase_product": "p",
            "next_purchase_category": "scarves",
        },
        "odd": {"odd_score": 0.75, "odd_flags": ["refunds"], "odd_facts": [{"flag": "refunds", "refunded": 9.0}]},
        "map": {"map_pca_x": 1.5, "map_pca_y": -0.5, "map_tsne_x": 12.5, "map_tsne_y": 3.0},
    }
    for group, fields in values.items():
        assert set(fields) == set(GROUPS[group])
        profiles.write(group, lambda user, source, fields=fields: fields, as_of=AS_OF)  # type: ignore[misc]  # lambda with defaults
    if way == "fold":
        shop.record(Event(user_id="u01", type="purchase", time="2026-02-03T10:00:00Z", product_id="p"))
    elif way == "rebuild":
        shop.rebuild(USERS)
    elif way == "rebuild all":
        shop.rebuild_all()
    elif way == "migrate":
        real = indices.template

        def with_long_age(kind: str, settings: Settings) -> dict[str, Any]:
            body = real(kind, settings)
            if kind == "profiles":
                body["template"]["mappings"]["properties"]["age"]["type"] = "long"
            return body

        monkeypatch.setattr(indices, "template", with_long_age)
        assert shop.migrate().build is not None
    else:
        shop.train_text_model("words")
    known = shop.profile("u01")
    assert {name: getattr(known, name) for fields in values.values() for name in fields} == {
        name: value for fields in values.values() for name, value in fields.items()
    }
    assert known.insight_as_of == dict.fromkeys(values, AS_OF)
    assert shop.profile("u03").value_tier is None
    assert shop.verify_all().different == 0


@pytest.mark.parametrize("cached", [True, False])
def test_who_opts_out_later_loses_them_at_once_and_does_not_get_them_back(
    cached: bool, profiles: InsightProfiles, shop: ProfileStore, settings: Settings, server_url: str
) -> None:
    profiles.write("value", tier, as_of=AS_OF)
    if cached:  # the folder holds this profile with its fields
        shop.record(Event(user_id="u01", type="view", time="2026-02-03T10:00:00Z", product_id="p"))
    shop.index_users([User(user_id="u01", personalisation="off")])
    assert not set(GROUPS["value"]) & set(source_of(settings, server_url, "u01"))
    assert "insight_as_of" not in source_of(settings, server_url, "u01")
    shop.index_users([User(user_id="u01", personalisation="on")])
    assert "value_tier" not in source_of(settings, server_url, "u01")


def test_a_fold_in_between_is_a_conflict_and_both_are_kept(
    shop: ProfileStore, profiles: InsightProfiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    rival = ProfileStore.open(shop.settings)
    once = iter([True])
    write = ProfileIndex.write_operations

    def meanwhile(self: ProfileIndex, operations: list[Operation]) -> list[Outcome]:
        if operations and operations[0].op == "update" and next(once, False):
            rival.record(Event(user_id="u01", type="purchase", time="2026-02-03T10:00:00Z", product_id="p"))
            rival.index_users([User(user_id="u02", personalisation="off")])
        return write(self, operations)

    monkeypatch.setattr(ProfileIndex, "write_operations", meanwhile)
    counts = profiles.write(
        "value", lambda user, source: {"rfm_frequency": source["order_count"]}, as_of=AS_OF, reading=["order_count"]
    )
    assert counts == Written(23, 23, 0)
    known = shop.profile("u01")
    assert (known.order_count, known.rfm_frequency) == (2, 2)  # described again from what the fold wrote
    assert shop.profile("u02").rfm_frequency is None  # who opted out in that moment is not described
    rival.close()


def test_a_switch_of_generations_in_between_is_followed(
    shop: ProfileStore, profiles: InsightProfiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    rival = ProfileStore.open(shop.settings)
    once = iter([True])
    write = ProfileIndex.write_operations

    def meanwhile(self: ProfileIndex, operations: list[Operation]) -> list[Outcome]:
        if operations and "rfm_recency" in operations[0].source and next(once, False):
            rival.rebuild_all()
        return write(self, operations)

    monkeypatch.setattr(ProfileIndex, "write_operations", meanwhile)
    assert profiles.write("value", tier, as_of=AS_OF, page=10) == Written(24, 24, 0)
    assert all(shop.profile(user).value_tier == "high" for user in USERS if user != "u03")
    rival.close()


def test_who_opts_out_during_a_build_has_no_fields_after_it(
    shop: ProfileStore, profiles: InsightProfiles, settings: Settings, server_url: str
) -> None:
    profiles.write("value", tier, as_of=AS_OF)
    rival = ProfileStore.open(shop.settings)
    seen: list[str] = []

    def opt_out(step: str) -> None:
        if step == "catching up" and len(seen) == 0:
            seen.append(step)
            rival.index_users([User(user_id="u01", personalisation="off")])

    shop.rebuild_all(progress=opt_out)
    rival.close()
    assert seen == ["catching up"]
    assert source_of(settings, server_url, "u01").get("value_tier") is None
    assert shop.profile("u02").value_tier == "high"


def test_records_are_kept_by_name(shop: ProfileStore) -> None:
    records = InsightRecords(shop._parts.store)
    with pytest.raises(NotFound, match="insight run value"):
        records.get("value")
    records.save(InsightRecord("value", {"acts": 1}, figures={"a": 1.5}, card={"en": "One.", "zh": "一。"}))
    records.save(InsightRecord("value", {"acts": 2}, accepted=False))
    found = records.get("value")
    assert (found.window, found.accepted) == ({"acts": 2}, False)
    assert found.created > "2026"
