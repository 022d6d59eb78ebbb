"""Audiences on a real server: who is in, who never is, what stays current, what is told before anything is written."""

from __future__ import annotations

import csv
import json
import stat
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from pydantic import SecretStr

from profilestore import Settings
from profilestore.campaigns.audience.audiences import Audiences
from profilestore.campaigns.audience.compiling import TreeCompiler
from profilestore.campaigns.audience.definition import Definition, definition_of
from profilestore.campaigns.audience.exporting import ExportOptions
from profilestore.campaigns.audience.tree import Node
from profilestore.campaigns.pseudonyms import Pseudonyms
from profilestore.documents import IndexMeta
from profilestore.elastic import audience_index, scored_batches
from profilestore.elastic.conditions import Compiler, profile_fields
from profilestore.elastic.field_owners import fields_of
from profilestore.elastic.index_identity import write_meta
from profilestore.elastic.indices import init
from profilestore.errors import (
    ConditionError,
    InputError,
    NotFound,
    NotInitialised,
    ProfileStoreError,
    SettingsError,
    UsageError,
)
from profilestore.store import ProfileStore
from tests.integration.recommend_shop import RecommendShop
from tests.property.audience_trees import USERS, expected, listed_trees

KEY = "a key of the test shop"
# By cosine to r1 (1, 0) the users stand in the order of their numbers; d8 and d9 are equal.
NEAR = {f"d{n}": (1.0, 0.15 * min(n, 8)) for n in range(10)}


# Opted out: one whose vector a mistake left standing, one with a score that a mistake left standing.
PROFILES: dict[str, dict[str, Any]] = {
    **{
        user: {"v": vector, "order_count": n, "country": "FR" if n % 2 == 0 else "UK", "churn_risk": n / 10.0,
               "clv_90d": float(n % 4), "consent": ["mail", "sms"] if n < 9 else ["sms"]}
        for n, (user, vector) in enumerate(NEAR.items())
    },
    "off-near": {"v": (1.0, 0.0), "personalisation": "off", "consent": ["mail"], "order_count": 5},
    "off-risk": {"personalisation": "off", "consent": ["mail"], "order_count": 0, "churn_risk": 0.99,
                 "segment": "gold", "clv_90d": 99.0},
    "silent": {"v": (1.0, 0.0), "order_count": 7},
    "owner": {"v": (1.0, 0.0), "order_count": 2, "consent": ["mail"], "purchased_products": ["r1"]},
    "golden": {"order_count": 1, "consent": ["mail"], "segment": "gold"},
}  # fmt: skip


@pytest.fixture(scope="module")
def indices(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecommendShop]:
    """The indices of all tests of this file: making them takes longer than any of the tests."""
    settings = Settings(home=tmp_path_factory.mktemp("audiences"), prefix=f"t-{uuid.uuid4().hex[:12]}",
                        elasticsearch_url=server_url, embedding_dims=2, export_key=SecretStr(KEY),
                        actor="tester")  # fmt: skip
    shop = RecommendShop.open(settings)
    write_meta(shop.client, f"{settings.index('products')}-000001", IndexMeta(generation="000001", text_model="words"))
    yield shop
    shop.close()


@pytest.fixture
def shop(indices: RecommendShop) -> RecommendShop:
    """The shop as every test finds it."""
    for kind in ("profiles", "audiences", "audits", "recommendations", "models"):
        index = indices.settings.index(kind)
        indices.client.indices.refresh(index=index)
        found = indices.client.search(index=index, size=1000, source=False)["hits"]["hits"]
        kept = PROFILES if kind == "profiles" else {}
        deletions = [{"delete": {"_id": hit["_id"]}} for hit in found if hit["_id"] not in kept]
        if len(deletions) > 0:
            indices.client.bulk(index=index, operations=deletions, refresh=True)
    operations: list[dict[str, Any]] = []
    for user, fields in PROFILES.items():
        held = {name: value for name, value in fields.items() if name != "v"}
        vector = {"text_vector": list(fields["v"])} if "v" in fields else {}
        operations += [{"index": {"_id": user}}, {"user_id": user, "generation": "000001", **held, **vector}]
    indices.client.bulk(index=indices.settings.index("profiles"), operations=operations, refresh=True)
    return indices


@pytest.fixture
def made(shop: RecommendShop) -> Iterator[tuple[RecommendShop, ProfileStore]]:
    store = ProfileStore(shop.settings, url=shop.settings.elasticsearch_url or "")
    yield shop, store
    store._client.close()


@pytest.fixture
def audiences(made: tuple[RecommendShop, ProfileStore]) -> Audiences:
    return made[1].audiences


def audience(members: dict[str, Any], channel: str = "mail", **more: Any) -> Definition:
    return definition_of({"members": members, "channel": channel, **more}, source="test")


def ids(audiences: Audiences, name: str, **options: Any) -> list[str]:
    return [member.user_id for member in audiences.members(name, **options)]


def built(audiences: Audiences, members: dict[str, Any], channel: str = "mail", **more: Any) -> list[str]:
    """The members of an audience that is made and removed."""
    name = f"a{uuid.uuid4().hex[:8]}"
    audiences.build(name, audience(members, channel, **more))
    found = ids(audiences, name)
    assert audiences.count(name) == len(found)
    audiences.remove(name)
    return found


def written(shop: RecommendShop) -> int:
    """How many documents there are in audiences and audits."""
    kinds = [shop.settings.index(kind) for kind in ("audiences", "audits")]
    shop.client.indices.refresh(index=kinds)
    return int(shop.client.count(index=kinds)["count"])


class TestWhoIsIn:
    def test_nobody_without_consent_to_the_channel(self, audiences: Audiences) -> None:
        everybody = {"rule": "order_count >= 0"}
        by_mail = built(audiences, everybody)
        assert "silent" not in by_mail  # who said nothing did not agree
        assert "d9" not in by_mail
        assert "d9" in built(audiences, everybody, "sms")
        audiences.build("all", audience(everybody))
        assert "golden" not in ids(audiences, "all", channel="sms")
        size = audiences.size("all")
        assert (size.matched, size.no_consent, size.over_limit, size.members) == (15, 2, 0, 13)
        assert size.opted_out == 2

    def test_likely_buyers_are_the_nearest_who_do_not_have_it(self, audiences: Audiences) -> None:
        assert built(audiences, {"buyers": "r1", "top": 3}) == ["d0", "d1", "d2"]
        assert built(audiences, {"buyers": "r1", "top": 3, "include_buyers": True}) == ["d0", "d1", "owner"]
        # The score is (1 + cosine) / 2: of d4, (1, 0.6), 0.9287; of d5, (1, 0.75), 0.9.
        assert built(audiences, {"buyers": "r1", "min_score": 0.91}) == ["d0", "d1", "d2", "d3", "d4"]

    def test_lookalikes_are_like_the_mean_of_the_others(self, audiences: Audiences) -> None:
        assert built(audiences, {"lookalike": ["d3", "d5"], "top": 2}) == ["d4", "d6"]
        assert built(audiences, {"lookalike": ["d0"], "top": 2}) == ["d1", "owner"]

    def test_equal_scores_stand_by_id(self, audiences: Audiences) -> None:
        assert "d8" in built(audiences, {"buyers": "r1", "top": 9}, "sms")
        assert "d9" not in built(audiences, {"buyers": "r1", "top": 9}, "sms")

    def test_rules_segments_files_and_not(self, audiences: Audiences, tmp_path: Path) -> None:
        (tmp_path / "some.csv").write_text("user_id\nd1\nd2\nd9\noff-near\n")
        some = {"ids": str(tmp_path / "some.csv")}
        assert built(audiences, some) == ["d1", "d2", "off-near"]
        assert built(audiences, {"and": [some, {"not": {"rule": 'country == "FR"'}}]}) == ["d1", "off-near"]
        assert built(audiences, {"rule": 'segment == "gold"'}) == ["golden"]
        assert built(audiences, {"or": [{"buyers": "r1", "top": 1}, {"rule": "order_count == 7"}]}) == ["d0", "d7"]

    def test_a_limit_keeps_the_best_by_score_or_by_a_field(self, audiences: Audiences) -> None:
        assert built(audiences, {"buyers": "r1"}, limit=2) == ["d0", "d1"]
        french = {"and": [{"buyers": "r1"}, {"rule": 'country == "FR"'}]}
        assert built(audiences, french, limit=2) == ["d0", "d2"]
        either = {"or": [{"buyers": "b1", "top": 1}, {"rule": "order_count == 0"}, {"rule": "order_count == 1"}]}
        assert built(audiences, either, limit=2, by="score") == ["d1", "d8"]
        assert built(audiences, {"rule": "order_count >= 0"}, limit=3, by="order_count") == ["d6", "d7", "d8"]
        assert built(audiences, {"rule": "order_count >= 0"}, limit=2, by="order_count asc") == ["d0", "off-risk"]
        # Of equal values the first by id: 3.0 have d3 and d7, 2.0 have d2 and d6.
        assert built(audiences, {"rule": "order_count >= 0"}, limit=3, by="clv_90d") == ["d2", "d3", "d7"]
        # More than there are with a value: all of those, and nobody without one.
        assert "golden" not in built(audiences, {"rule": "order_count >= 0"}, limit=99, by="clv_90d")

    @hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(case=listed_trees())
    def test_the_server_finds_what_sets_say(
        self, laws: tuple[Elasticsearch, str, Any], case: tuple[Node, dict[int, frozenset[str]]]
    ) -> None:
        client, index, compiled = laws
        tree, lists = case
        answer = client.search(index=index, query=compiled(tree, lists), size=100, source=False)
        assert {hit["_id"] for hit in answer["hits"]["hits"]} == expected(tree, lists)


@pytest.fixture
def laws(shop: RecommendShop) -> tuple[Elasticsearch, str, Any]:
    """The users of the laws instead of the shop's own."""
    index = shop.settings.index("profiles")
    operations: list[dict[str, Any]] = [{"delete": {"_id": user}} for user in PROFILES]
    for user, fields in USERS.items():
        operations += [{"index": {"_id": user}}, {**fields, "generation": "000001"}]
    shop.client.bulk(index=index, operations=operations, refresh=True)
    rules = Compiler(profile_fields(shop.settings))
    insight = fields_of("insight", kind="profiles", settings=shop.settings)

    def compiled(tree: Node, lists: dict[int, frozenset[str]]) -> dict[str, Any]:
        def listed(place: int) -> dict[str, Any]:
            return audience_index.inline_query(sorted(lists[place]))

        return TreeCompiler(rules, insight, lambda name: {"term": {"segment": name}}, listed).query(tree)

    return shop.client, index, compiled


class TestWhoOptedOut:
    """In by facts alone; no vector, no score, no segment takes them, whatever stands in their profile."""

    @pytest.mark.parametrize(
        ("members", "more"),
        [
            ({"buyers": "r1", "top": 10_000}, {}),
            ({"buyers": "r1", "min_score": 0.0}, {}),
            ({"buyers": "r1"}, {"limit": 1000}),
            ({"lookalike": ["d0"], "top": 10_000}, {}),
            ({"rule": "churn_risk > 0.5"}, {}),
            ({"rule": 'segment == "gold"'}, {}),
            ({"not": {"rule": "churn_risk > 5"}}, {}),
            ({"not": {"buyers": "r1", "top": 2}}, {}),
            ({"and": [{"rule": "order_count >= 0"}, {"not": {"lookalike": ["d0"], "top": 2}}]}, {}),
            ({"rule": "order_count >= 0"}, {"limit": 1000, "by": "clv_90d"}),
            ({"or": [{"rule": "order_count >= 0"}, {"buyers": "r1"}]}, {"limit": 1000, "by": "score"}),
        ],
    )
    def test_is_chosen_by_nothing_that_was_found_out(
        self, audiences: Audiences, members: dict[str, Any], more: dict[str, Any]
    ) -> None:
        found = built(audiences, members, **more)
        assert len(found) > 0
        assert not {"off-near", "off-risk"} & set(found)

    def test_is_in_by_what_they_told_and_did(self, audiences: Audiences) -> None:
        assert "off-near" in built(audiences, {"rule": "order_count == 5"})
        assert "off-near" in built(audiences, {"or": [{"rule": "order_count == 5"}, {"buyers": "r1", "top": 2}]})

    def test_comes_without_what_insight_believed_of_them(self, audiences: Audiences) -> None:
        audiences.build("all", audience({"rule": "order_count >= 0"}))
        asked = ("churn_risk", "order_count", "segment")
        found = {member.user_id: member for member in audiences.members("all", fields=asked)}
        assert found["off-risk"].opted_out
        assert found["off-risk"].fields == {"order_count": 0}
        assert found["d8"].fields == {"churn_risk": 0.8, "order_count": 8}


class TestCurrent:
    def test_membership_follows_profiles_products_and_segments(
        self, shop: RecommendShop, audiences: Audiences, made: tuple[RecommendShop, ProfileStore]
    ) -> None:
        made[1].insight.segments.define({"many": "order_count >= 8"})
        audiences.build("near", audience({"buyers": "r1", "top": 2}))
        audiences.build("best", audience({"buyers": "r1"}, limit=2))
        audiences.build("many", audience({"segment": "many"}))
        assert (ids(audiences, "near"), ids(audiences, "best")) == (["d0", "d1"], ["d0", "d1"])
        assert ids(audiences, "many") == ["d8"]
        shop.put_profile("d5", (1.0, 0.01), seen=None, order_count=20, consent=["mail"])
        assert (ids(audiences, "near"), ids(audiences, "best")) == (["d0", "d5"], ["d0", "d5"])
        assert ids(audiences, "many") == ["d5", "d8"]
        made[1].insight.segments.define({"many": "order_count == 6"})
        assert ids(audiences, "many") == ["d6"]
        made[1].insight.segments.remove("many")
        with pytest.raises(NotFound, match="no segment"):
            audiences.count("many")

    def test_consent_taken_back_and_opt_out_hold_at_once(self, shop: RecommendShop, audiences: Audiences) -> None:
        audiences.build("near", audience({"buyers": "r1", "top": 3}))
        query = audiences.current("near").query
        shop.put_profile("d0", (1.0, 0.0), seen=None, consent=["sms"])
        shop.put_profile("d1", None, seen=None, consent=["mail"], personalisation="off")
        shop.refresh()
        # Also for an app that saved the query before.
        answer = shop.client.search(index=shop.settings.index("profiles"), query=query)
        assert [hit["_id"] for hit in answer["hits"]["hits"]] == ["d2"]
        assert ids(audiences, "near") == ["d2", "d3", "d4"]

    def test_nothing_is_worked_out_again_where_nothing_was_written(
        self, shop: RecommendShop, audiences: Audiences, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        audiences.build("best", audience({"and": [{"buyers": "r1"}, {"lookalike": ["d0"], "top": 5}]}, limit=2))
        before = written(shop)
        assert len(ids(audiences, "best")) == 2
        assert written(shop) == before

    def test_a_reader_goes_on_by_the_list_it_began_with(
        self, shop: RecommendShop, audiences: Audiences, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        audiences.build("near", audience({"buyers": "r1", "top": 4}))
        reading = audiences.members("near", page=2)
        first = next(reading).user_id
        # As if it had been made long ago: what counts is when another takes its place.
        index = shop.settings.index("audiences")
        for hit in shop.client.search(index=index, query={"term": {"kind": "ids"}})["hits"]["hits"]:
            shop.client.update(index=index, id=hit["_id"], doc={"created": "2026-01-01T00:00:00Z"})
        shop.put_profile("d9", (1.0, 0.0), seen=None, consent=["mail"])
        assert "d9" in ids(audiences, "near")
        # The moment holds: neither the new one, nor a gap.
        assert [first, *(member.user_id for member in reading)] == ["d0", "d1", "d2", "d3"]
        monkeypatch.setattr(audience_index, "_KEPT", timedelta(0))
        for user in ("d7", "d8"):
            shop.put_profile(user, (1.0, 0.0), seen=None, consent=["mail"])
            assert user in ids(audiences, "near")
        shop.client.indices.refresh(index=index)
        assert shop.client.count(index=index, query={"term": {"kind": "ids"}})["count"] == 2  # now, and the one before


class TestLarge:
    def test_lists_stand_in_pieces_and_scores_come_in_batches(
        self, shop: RecommendShop, audiences: Audiences, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """The limits of the server made small: the same answers as with large ones."""
        whole = built(audiences, {"buyers": "r1", "top": 7})
        near = built(audiences, {"buyers": "r1", "min_score": 0.85})
        (tmp_path / "some.csv").write_text("\n".join(f"d{n}" for n in range(9)))
        monkeypatch.setattr(audience_index, "PIECE", 2)
        monkeypatch.setattr(scored_batches, "BATCH", 3)
        monkeypatch.setattr(scored_batches, "_BUCKETS", 2)
        from profilestore.campaigns.audience import likeness

        monkeypatch.setattr(likeness, "BATCH", 3)
        assert built(audiences, {"buyers": "r1", "top": 7}) == whole == [f"d{n}" for n in range(7)]
        assert built(audiences, {"buyers": "r1", "min_score": 0.85}) == near
        assert built(audiences, {"buyers": "r1"}, limit=7) == whole
        audiences.build("listed", audience({"ids": str(tmp_path / "some.csv")}))
        assert ids(audiences, "listed", page=2) == [f"d{n}" for n in range(9)]
        shop.client.indices.refresh(index=shop.settings.index("audiences"))
        pieces = shop.client.count(index=shop.settings.index("audiences"), query={"term": {"kind": "ids"}})["count"]
        assert pieces == 5
        audiences.remove("listed")
        assert written(shop) == 0


class TestBeforeAnythingIsWritten:
    def test_what_is_wrong_is_told(
        self, shop: RecommendShop, audiences: Audiences, tmp_path: Path, made: tuple[RecommendShop, ProfileStore]
    ) -> None:
        (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
        (tmp_path / "unknown.csv").write_text("d1\nnobody\nno one\n")
        cases: list[tuple[Definition, type[ProfileStoreError], str]] = [
            (audience({"rule": "order_count > 999"}), UsageError, "matches nobody"),
            (audience({"rule": "order_count == 9"}), UsageError, "of 1 users none gave consent"),
            (audience({"rule": "order_count == 1"}, limit=3, by="rfm_recency"), UsageError, "none of 2 users has"),
            (audience({"rule": "colour == 3"}), ConditionError, "no field `colour`"),
            (audience({"rule": "order_count >"}), ConditionError, "at character"),
            (audience({"rule": "age > 1"}, limit=3, by="colour"), ConditionError, "no field `colour`"),
            (audience({"rule": "age > 1"}, limit=3, by="city"), UsageError, "`by` is"),
            (audience({"rule": "order_count >= 0"}, "fax"), UsageError, r"channel fax. Channels with consent: mail"),
            (audience({"segment": "nobody knows"}), NotFound, "no segment"),
            (audience({"buyers": "p999", "top": 3}), NotFound, "no product p999"),
            (audience({"buyers": "bare", "top": 3}), ProfileStoreError, "has no vector"),
            (audience({"buyers": "r1", "top": 3, "method": "taste"}), ProfileStoreError, "has not trained"),
            (audience({"ids": str(tmp_path / "bad.csv")}), InputError, "none of its 2 columns"),
            (audience({"ids": str(tmp_path / "none.csv")}), InputError, "cannot be read"),
            (audience({"ids": str(tmp_path / "unknown.csv")}), InputError, "unknown.csv: 2 of 3 users are unknown"),
            (audience({"lookalike": ["d1", "nobody"], "top": 3}), InputError, "lookalike: 1 of 2 users are unknown"),
            (audience({"lookalike": ["golden"], "top": 3}), NotFound, "nobody to be compared with"),
            (audience({"lookalike": ["off-near"], "top": 3}), NotFound, "personalisation is off"),
        ]  # fmt: skip
        for definition, error, told in cases:
            with pytest.raises(error, match=told) as raised:
                audiences.build("bad", definition)
            assert "nobody\n" not in str(raised.value)
            assert "no one" not in str(raised.value)
        assert written(shop) == 0
        with pytest.raises(NotFound, match="audience list"):
            audiences.get("bad")
        known = audiences.build("known", audience({"ids": str(tmp_path / "unknown.csv")}), allow_unknown=True)
        assert (known.unknown, known.size.members) == (2, 1)
        assert str(tmp_path) not in json.dumps(audiences.get("known").definition.to_json_dict())
        shop.put_profile("nobody", None, seen=None, consent=["mail"])
        assert ids(audiences, "known") == ["d1", "nobody"]

    def test_a_name_that_exists(self, shop: RecommendShop, audiences: Audiences) -> None:
        audiences.build("one", audience({"rule": "order_count == 1"}))
        before = written(shop)
        with pytest.raises(UsageError, match="an audience one already"):
            audiences.build("one", audience({"buyers": "r1", "top": 2}))
        assert written(shop) == before
        assert audiences.get("one").definition.members == audience({"rule": "order_count == 1"}).members

    def test_two_at_once_leave_one_and_no_lists_of_the_other(
        self, shop: RecommendShop, audiences: Audiences, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        audiences.build("one", audience({"buyers": "r1", "top": 2}))
        before = written(shop)
        real = audience_index.AudienceIndex.get
        answers = iter([None])
        monkeypatch.setattr(
            audience_index.AudienceIndex, "get", lambda self, name: next(answers) if name == "one" else real(self, name)
        )
        with pytest.raises(UsageError, match="an audience one already"):
            audiences.build("one", audience({"buyers": "b1", "top": 2}))
        assert written(shop) == before

    def test_a_shop_of_an_earlier_version(self, shop: RecommendShop, audiences: Audiences) -> None:
        shop.client.indices.delete(index=f"{shop.settings.index('audiences')}-000001")
        with pytest.raises(NotInitialised, match="profilestore init"):
            audiences.build("one", audience({"rule": "order_count == 1"}))
        init(shop.client, shop.settings)


class TestTold:
    def test_list_show_overlap_sample_remove(self, audiences: Audiences) -> None:
        audiences.build("low", audience({"rule": "order_count < 4"}, description="few orders"))
        audiences.build("french", audience({"rule": 'country == "FR"'}))
        audiences.build("near", audience({"buyers": "r1", "top": 4}))
        assert [each.name for each in audiences.all()] == ["french", "low", "near"]
        low = audiences.get("low")
        assert (low.members, low.created_by, low.definition.description) == (7, "tester", "few orders")
        overlap = audiences.overlap(["low", "french", "near"])
        assert overlap.names == ("low", "french", "near")
        # low: d0 to d3, golden, off-risk, owner; french: d0, d2, d4, d6, d8; near: d0 to d3.
        assert overlap.counts == ((7, 2, 4), (2, 5, 2), (4, 2, 4))
        with pytest.raises(UsageError, match="2 to 50"):
            audiences.overlap(["low", "low"])
        sample = audiences.sample("low", n=3, fields=["order_count"])
        assert len(sample) == 3
        assert {member.user_id for member in sample} <= set(ids(audiences, "low"))
        assert sample == audiences.sample("low", n=3, fields=["order_count"])
        audiences.remove("low")
        for gone in (audiences.remove, audiences.get, audiences.count):
            with pytest.raises(NotFound, match="audience list"):
                gone("low")

    def test_who_is_forgotten_is_in_no_list(
        self, shop: RecommendShop, audiences: Audiences, made: tuple[RecommendShop, ProfileStore], tmp_path: Path
    ) -> None:
        (tmp_path / "some.csv").write_text("d1\nd2\n")
        audiences.build("listed", audience({"ids": str(tmp_path / "some.csv")}))
        audiences.build("two", audience({"lookalike": ["d1", "d2"], "top": 2}))
        audiences.build("alone", audience({"lookalike": ["d1"], "top": 2}))
        deleted = made[1].forget("d1")
        assert deleted["audiences"] >= 3
        assert [each.name for each in audiences.all()] == ["listed", "two"]
        assert ids(audiences, "listed") == ["d2"]
        assert audiences.get("two").definition.to_json_dict()["members"]["lookalike"] == ["d2"]
        documents = shop.client.search(index=shop.settings.index("audiences"), size=100)["hits"]["hits"]
        assert "d1" not in json.dumps([hit["_source"].get("ids") for hit in documents])
        assert '"d1"' not in json.dumps([hit["_source"].get("definition") for hit in documents])


class TestExport:
    def test_a_csv_of_pseudonyms_and_its_line_in_the_audit(
        self, shop: RecommendShop, audiences: Audiences, tmp_path: Path
    ) -> None:
        audiences.build("near", audience({"lookalike": ["d9"], "top": 3}))
        path = tmp_path / "near.csv"
        report = audiences.export("near", path, ExportOptions(fields=("country", "order_count")))
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        hashed = Pseudonyms(SecretStr(KEY)).hash
        assert [row["user_hmac_sha256"] for row in rows] == [hashed(user) for user in ids(audiences, "near")]
        assert list(rows[0]) == ["user_hmac_sha256", "country", "order_count"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not {cell for row in rows for cell in row.values()} & set(NEAR)
        (entry,) = audiences.audit.list()
        assert (entry.id, entry.line.who) == (report.audit, "tester")
        assert (entry.line.subject, entry.line.state) == ("near", "done")
        assert entry.line.count == report.members == 3
        assert entry.line.details is not None
        assert entry.line.details["definition"]["members"] == {"lookalike": 1, "top": 3}
        assert entry.line.details["ids"] == "hmac-sha256"
        stored = json.dumps(shop.client.search(index=shop.settings.index("audits"))["hits"]["hits"])
        assert KEY not in stored
        assert not any(f'"{user}"' in stored or hashed(user) in stored for user in NEAR)
        assert [each.name for each in tmp_path.iterdir() if "partial" in each.name] == []

    def test_jsonl_of_plain_ids_with_offers_of_the_run_or_asked_for(
        self, shop: RecommendShop, audiences: Audiences, tmp_path: Path
    ) -> None:
        audiences.build("all", audience({"rule": "order_count >= 0"}))
        reason = {"type": "purchase", "share": 1.0, "words": "because you bought a red pen"}
        for user, products in (("d0", ["r3", "gone", "r2"]), ("d1", ["gone"]), ("off-near", ["r3", "r2"])):
            items = [{"product_id": product, "title": product, "price": 2.0, "score": 1.0, "reasons": [reason, reason]}
                     for product in products]  # fmt: skip
            shop.client.index(
                index=shop.settings.index("recommendations"), id=user, refresh=True,
                document={"user_id": user, "as_of": "2026-01-01T00:00:00Z", "method": "text", "run": "r",
                          "generation": "000001", "products": products, "items": items},
            )  # fmt: skip
        path = tmp_path / "all.jsonl"
        audiences.export("all", path, ExportOptions(plain_ids=True, offers=2, fields=("attributes.mail",)))
        rows = {row["user_id"]: row for row in map(json.loads, path.read_text().splitlines())}
        assert list(rows) == ids(audiences, "all")
        offered = {user: [offer["product_id"] for offer in row["offers"]] for user, row in rows.items()}
        assert offered["d0"] == ["r3", "r2"]  # of the run, without what was taken off sale
        assert rows["d0"]["offers"][0]["reasons"] == ["because you bought a red pen"]
        assert offered["d1"] == ["r3", "r2"]  # asked for, since nothing of its list is left
        # Who opted out gets what everybody likes, not the list made before.
        assert offered["off-near"] == offered["off-risk"] == ["r2", "b1"]
        audiences.export("all", path, ExportOptions(plain_ids=True, offers=2, fresh=True))
        fresh = {row["user_id"]: row for row in map(json.loads, path.read_text().splitlines())}
        assert [offer["product_id"] for offer in fresh["d0"]["offers"]] == ["r1", "r2"]
        audiences.export("all", tmp_path / "all.csv", ExportOptions(plain_ids=True, offers=2))
        (first, *_) = csv.DictReader((tmp_path / "all.csv").read_text(encoding="utf-8").splitlines())
        assert (first["user_id"], first["product_1"], first["reason_1"]) == (
            "d0", "r3", "because you bought a red pen"
        )  # fmt: skip

    def test_what_is_wrong_is_told_and_nothing_leaves(
        self, shop: RecommendShop, audiences: Audiences, made: tuple[RecommendShop, ProfileStore], tmp_path: Path
    ) -> None:
        audiences.build("one", audience({"rule": "order_count == 1"}))
        for name, options in (("a.xlsx", ExportOptions()), ("a.csv", ExportOptions(fields=("colour",))),
                              ("a.csv", ExportOptions(fields=("text_vector",))),
                              ("a.csv", ExportOptions(fields=("user_id",))), ("a.csv", ExportOptions(offers=101)),
                              ("no/a.csv", ExportOptions())):  # fmt: skip
            with pytest.raises((UsageError, InputError)):
                audiences.export("one", tmp_path / name, options)
        keyless = ProfileStore(made[1].settings.model_copy(update={"export_key": None}), url=made[1].url)
        with pytest.raises(SettingsError, match="PROFILESTORE_EXPORT_KEY"):
            keyless.audiences.export("one", tmp_path / "a.csv")
        keyless._client.close()
        assert audiences.audit.list() == []
        for user in ("d1", "golden"):
            shop.client.delete(index=shop.settings.index("profiles"), id=user)
        with pytest.raises(UsageError, match="nobody is in one now"):
            audiences.export("one", tmp_path / "a.csv")
        assert list(tmp_path.glob("*.csv")) == []

    def test_one_that_breaks_off_says_so_and_leaves_the_former_file(
        self, audiences: Audiences, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from profilestore.campaigns.audience.exporting import Export

        audiences.build("all", audience({"rule": "order_count >= 0"}))
        path = tmp_path / "all.csv"
        path.write_text("former")

        def broken(self: Export, *given: Any) -> bytes:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Export, "_csv", broken)
        with pytest.raises(InputError, match="cannot be written"):
            audiences.export("all", path)
        assert path.read_text() == "former"
        assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == ["all.csv"]
        (entry,) = audiences.audit.list(subject="all")
        assert (entry.line.state, entry.line.error, entry.line.count) == ("failed", "OSError", None)
