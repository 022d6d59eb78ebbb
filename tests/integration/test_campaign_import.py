"""Past campaigns imported into a real shop: as they were, once, and counted for the cap of contacts."""

from __future__ import annotations

import gzip
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from campaign_shop import campaign, open_shop
from elasticsearch import Elasticsearch

from profilestore.campaigns.importing.options import ImportFiles, ImportOptions, ImportReport
from profilestore.documents import CampaignDocument, Event, User
from profilestore.elastic.contact_places import ContactPlaces
from profilestore.errors import InputError, UsageError
from profilestore.indexing.loading import LoadOptions
from profilestore.settings import Settings
from profilestore.store import ProfileStore

CAMPAIGNS = "campaign,starts,ends,type,channel,budget\nspring,2026-03-02,2026-03-14,big,mail,500\n"
MEMBERS = "campaign,user_id\nspring,u1\nspring,u2\nspring,u3\nspring,u1\n"
COUPONS = "campaign,code,product_id\nspring,A,p1\nspring,A,p2\nspring,B,p1\n"


@pytest.fixture
def shop(settings: Settings) -> Iterator[ProfileStore]:
    with ProfileStore.open(settings) as opened:
        opened.init()
        opened.index_users([User(user_id="u1", consent=["sms"]), User(user_id="u2")])
        yield opened


def bring(shop: ProfileStore, folder: Path, **texts: str) -> ImportReport:
    """Import files of these texts, by kind."""
    paths: dict[str, Any] = {}
    for kind, text in texts.items():
        path = folder / f"{kind}.csv"
        path.write_text(text)
        paths[kind] = [str(path)]
    return shop.campaigns.import_past(ImportFiles(**paths), ImportOptions(rejects_folder=folder))


def documents(settings: Settings, server_url: str, kind: str) -> dict[str, Any]:
    """id -> (source, sequence number) of all documents of an index."""
    with Elasticsearch(server_url) as client:
        index = settings.index(kind)
        client.indices.refresh(index=index)
        hits = client.search(index=index, size=1000, seq_no_primary_term=True)["hits"]["hits"]
    return {hit["_id"]: (hit["_source"], hit["_seq_no"]) for hit in hits}


def test_an_import_says_what_it_did_and_a_second_changes_nothing(
    shop: ProfileStore, settings: Settings, server_url: str, tmp_path: Path
) -> None:
    report = bring(shop, tmp_path, campaigns=CAMPAIGNS, members=MEMBERS, coupons=COUPONS)
    assert {kind: (each.read, each.indexed, each.duplicate) for kind, each in report.rows.items()} == {
        "campaigns": (1, 1, 0), "members": (4, 3, 1), "coupons": (3, 3, 0),
    }  # fmt: skip
    assert report.campaigns == {"spring": {"treatment": 3, "control": 0, "coupons": 2}}
    assert (report.contacts, report.without_profile) == (3, 1)
    before = documents(settings, server_url, "campaigns"), documents(settings, server_url, "coupons")
    campaign = shop.campaigns.get("spring")
    assert (campaign.imported, campaign.state, campaign.budget) == (True, "stopped", 500.0)
    assert campaign.starts == datetime(2026, 3, 2, tzinfo=UTC)
    assert campaign.ends == datetime(2026, 3, 15, tzinfo=UTC)
    # Without consent to mail: it was sent all the same.
    places = list(shop.campaigns.assignments("spring"))
    assert [(each["user_id"], each["arm"]) for each in places] == [(user, "treatment") for user in ("u1", "u2", "u3")]
    assert list(shop.campaigns.offers_of("u1")) == []  # nobody is served by what is over
    coupon = before[1]["spring:000000000"][0]
    assert (coupon["code"], coupon["product_ids"]) == ("A", ["p1", "p2"])
    again = bring(shop, tmp_path, campaigns=CAMPAIGNS, members=MEMBERS, coupons=COUPONS)
    assert all(each.indexed == each.updated == 0 for each in again.rows.values())
    after = documents(settings, server_url, "campaigns"), documents(settings, server_url, "coupons")
    assert after == before


def test_later_files_add_and_correct(shop: ProfileStore, settings: Settings, server_url: str, tmp_path: Path) -> None:
    bring(shop, tmp_path, campaigns=CAMPAIGNS, members=MEMBERS, coupons=COUPONS)
    report = bring(
        shop, tmp_path, campaigns=CAMPAIGNS.replace("03-14", "03-20"),
        members="campaign,user_id\nspring,u4\nspring,u1\n",
        coupons="campaign,code,product_id\nspring,C,p9\nspring,B,p1\nspring,B,p2\n",
    )  # fmt: skip
    assert report.rows["campaigns"].updated == 1
    assert (report.rows["members"].indexed, report.rows["members"].updated) == (1, 1)  # the end stands in each place
    assert (report.rows["coupons"].indexed, report.rows["coupons"].updated) == (1, 2)
    assert report.campaigns["spring"] == {"treatment": 4, "control": 0, "coupons": 3}
    coupons = {source["code"]: source["number"] for source, _ in documents(settings, server_url, "coupons").values()}
    assert coupons == {"A": 0, "B": 1, "C": 2}
    assert shop.campaigns.get("spring").counts["treatment"] == 4


BAD: tuple[tuple[dict[str, str], str], ...] = (
    ({"campaigns": CAMPAIGNS + "x,2026-05-02,2026-05-01,,,\n", "members": MEMBERS}, "line 3: ends before it begins"),
    ({"campaigns": CAMPAIGNS, "members": MEMBERS + "winter,u1\n"}, "not described, first in .*members.csv, line 6"),
    ({"campaigns": CAMPAIGNS, "coupons": COUPONS + "winter,D,p1\n"}, "not described, first in .*coupons.csv, line 5"),
    ({"campaigns": CAMPAIGNS.replace("500", "0")}, "a budget is above 0"),
)


def test_bad_input_is_told_before_anything_is_written(
    shop: ProfileStore, settings: Settings, server_url: str, tmp_path: Path
) -> None:
    for files, message in BAD:
        with pytest.raises(InputError, match=message):
            bring(shop, tmp_path, **files)
    assert documents(settings, server_url, "campaigns") == {}
    assert documents(settings, server_url, "coupons") == {}


def test_a_campaign_that_the_shop_ran_itself_is_not_overwritten(
    shop: ProfileStore, settings: Settings, server_url: str, tmp_path: Path
) -> None:
    own = CampaignDocument(
        kind="campaign", campaign="spring", state="running", starts=datetime(2026, 3, 1, tzinfo=UTC),
        ends=datetime(2026, 4, 1, tzinfo=UTC), created=datetime(2026, 3, 1, tzinfo=UTC),
    )  # fmt: skip
    assert shop.campaigns.index.create(own)
    with pytest.raises(UsageError, match="started itself"):
        bring(shop, tmp_path, campaigns=CAMPAIGNS, members=MEMBERS)
    assert list(documents(settings, server_url, "campaigns")) == ["campaign:spring"]


def test_imported_contacts_count_for_the_cap_of_their_week(
    shop: ProfileStore, settings: Settings, server_url: str, tmp_path: Path
) -> None:
    campaigns = CAMPAIGNS + "next,2026-03-05,2026-03-14,small,mail,\n"
    bring(shop, tmp_path, campaigns=campaigns, members=MEMBERS + "next,u1\n")
    with Elasticsearch(server_url) as client:
        places = ContactPlaces(client, alias=settings.index("campaigns"))
        assert list(places.used_up("2026-W10", cap=1, but="now")) == ["u1", "u2", "u3"]
        assert list(places.used_up("2026-W10", cap=2, but="now")) == ["u1"]
        assert list(places.used_up("2026-W11", cap=1, but="now")) == []


def test_a_campaign_of_this_week_does_not_write_to_who_was_written_to_elsewhere(
    settings: Settings, tmp_path: Path
) -> None:
    today = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    with open_shop(settings) as shop:
        before = shop.campaigns.plan(campaign(contacts_per_week=1)).counts
        members = "campaign,user_id,sent_at\n" + "".join(f"earlier,u{n:03d},{today}\n" for n in (1, 2, 3))
        campaigns = f"campaign,starts,ends\nearlier,{today},2098-01-01\n"
        report = bring(shop, tmp_path, campaigns=campaigns, members=members)
        assert report.contacts == 3
        after = shop.campaigns.plan(campaign(contacts_per_week=1)).counts
        assert (before["contacts_used_up"], after["contacts_used_up"]) == (0, 3)
        assert shop.campaigns.plan(campaign(contacts_per_week=2)).counts["contacts_used_up"] == 0
        assert list(shop.campaigns.offers_of("u001")) == []


def test_who_is_forgotten_goes_from_imported_campaigns(
    shop: ProfileStore, settings: Settings, server_url: str, tmp_path: Path
) -> None:
    bring(shop, tmp_path, campaigns=CAMPAIGNS, members=MEMBERS, coupons=COUPONS)
    shop.forget("u1")
    left = documents(settings, server_url, "campaigns")
    assert all("u1" not in id and source.get("user_id") != "u1" for id, (source, _) in left.items())


def test_a_file_with_arms_has_the_usual_report_and_one_without_the_other(shop: ProfileStore, tmp_path: Path) -> None:
    day = datetime(2026, 2, 1, tzinfo=UTC)
    users = [f"u{n:03}" for n in range(200)]
    shop.record([Event(user_id=user, type="purchase", product_id="p", price=5.0, time=day) for user in users])
    arms = "campaign,user_id,arm\n" + "".join(f"spring,{user},{'test' if n % 2 else 'control'}\n"
                                              for n, user in enumerate(users))  # fmt: skip
    plain = "".join(f"next,{user}\n" for user in users[:80])
    bring(shop, tmp_path, campaigns=CAMPAIGNS, members=arms)
    campaigns = "campaign,starts,ends,cost\nnext,2026-03-02,2026-03-14,16\n"
    bring(shop, tmp_path, campaigns=campaigns, members="campaign,user_id\n" + plain)
    first, second = (shop.campaigns.report(name) for name in ("spring", "next"))
    assert first.control is not None and first.unlike is None
    (told,) = [caution for caution in first.cautions if caution.key == "imported_arms"]
    assert told.facts == {"treated": "5.00", "control": "5.00"}
    assert second.control is None and second.unlike is not None
    assert second.money.to_json_dict()["cost"] == pytest.approx(16.0)
    held = second.to_json_dict()["unlike"]
    assert (held["inside"], held["others"], held["unknown"]) == (80, 120, 0)


def test_who_switched_personalisation_off_is_in_no_comparison(shop: ProfileStore, tmp_path: Path) -> None:
    day = datetime(2026, 2, 1, tzinfo=UTC)
    users = [f"u{n:03}" for n in range(100)]
    shop.record([Event(user_id=user, type="purchase", product_id="p", price=5.0, time=day) for user in users])
    shop.index_users([User(user_id="u000", personalisation="off"), User(user_id="u099", personalisation="off")])
    members = "campaign,user_id\n" + "".join(f"spring,{user}\n" for user in users[:30])
    bring(shop, tmp_path, campaigns=CAMPAIGNS, members=members)
    held = shop.campaigns.report("spring").to_json_dict()
    assert held["treatment"]["users"] == 30  # as drawn: one of many
    assert (held["unlike"]["inside"], held["unlike"]["others"], held["unlike"]["unknown"]) == (29, 69, 1)


def many(folder: Path, users: int) -> ImportFiles:
    """Two campaigns of one week, one of all users and one of half of them."""
    (folder / "campaigns.csv").write_text(CAMPAIGNS + "next,2026-03-05,2026-03-14,small,mail,\n")
    rows = [f"spring,u{n}" for n in range(users)] + [f"next,u{n}" for n in range(0, users, 2)]
    (folder / "members.csv").write_text("\n".join(["campaign,user_id", *rows]) + "\n")
    (folder / "coupons.csv").write_text(
        "campaign,code,product_id\n" + "".join(f"spring,C{n},p{n}\n" for n in range(500))
    )
    return ImportFiles(*([str(folder / f"{kind}.csv")] for kind in ("campaigns", "members", "coupons")))


def check_many(settings: Settings, server_url: str, users: int) -> None:
    """Each place, contact and coupon is there once."""
    with Elasticsearch(server_url) as client:
        for kind in ("campaigns", "coupons"):
            client.indices.refresh(index=settings.index(kind))

        def count(where: str, /, **term: Any) -> int:
            filters = [{"term": {name: value}} for name, value in term.items()]
            found = client.count(index=settings.index(where), query={"bool": {"filter": filters}})
            return int(found["count"])

        assert count("campaigns", kind="assignment", campaign="spring") == users
        assert count("campaigns", kind="assignment", campaign="next") == users // 2
        assert count("campaigns", kind="contact", campaign="spring") == users
        assert count("campaigns", kind="contact", campaign="next") == users // 2
        assert count("campaigns", kind="contact", place=0) == users
        assert count("campaigns", kind="contact", place=1) == users // 2
        assert count("coupons", campaign="spring") == 500


def test_two_imports_at_once_come_to_one(
    shop: ProfileStore, settings: Settings, server_url: str, tmp_path: Path
) -> None:
    files = many(tmp_path, 3000)
    with ProfileStore.open(settings) as other, ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda each: each.campaigns.import_past(files), (shop, other)))
    check_many(settings, server_url, 3000)
    for kind, rows in (("campaigns", 2), ("members", 4500), ("coupons", 500)):
        assert sum(report.rows[kind].indexed for report in reports) == rows
        assert sum(report.rows[kind].unchanged for report in reports) == rows
    assert shop.campaigns.get("spring").counts == {"treatment": 3000, "control": 0, "coupons": 500}


def test_an_import_that_was_killed_is_finished_by_the_next(
    shop: ProfileStore, settings: Settings, server_url: str, tmp_path: Path
) -> None:
    files = many(tmp_path, 6000)
    words = ["campaign", "import", files.campaigns[0], "--members", files.members[0], "--coupons", files.coupons[0]]
    flags = ["--prefix", settings.prefix, "--url", server_url, "--home", str(settings.home)]
    process = subprocess.Popen([sys.executable, "-m", "profilestore", *map(str, words), *flags])
    index = settings.index("campaigns")
    with Elasticsearch(server_url) as client:
        while process.poll() is None:
            client.indices.refresh(index=index)
            if client.count(index=index)["count"] > 2:
                break
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    report = shop.campaigns.import_past(files)
    assert report.rows["members"].unchanged > 0 and report.rows["members"].indexed > 0
    check_many(settings, server_url, 6000)


def cut(source: Path, target: Path, keep: Any) -> Path:
    """The header and the lines that `keep` wants."""
    with gzip.open(source, "rt") as lines, gzip.open(target, "wt") as kept:
        kept.write(next(lines))
        kept.writelines(line for line in lines if keep(line.rstrip("\n").split(",")))
    return target


@pytest.mark.real_data
def test_a_cut_of_the_complete_journey(shop: ProfileStore, shared_data: Path, tmp_path: Path) -> None:
    data = shared_data / "complete_journey"
    wanted = {"8", "9"}
    households = {f"{n}" for n in range(1, 2500, 5)}
    options = LoadOptions(columns="complete-journey", rejects_folder=tmp_path)
    lines = cut(data / "transactions_sample.csv.gz", tmp_path / "t.csv.gz", lambda row: row[0] in households)
    assert shop.load("events", [lines], options).indexed > 10_000
    redeemed = cut(data / "coupon_redemptions.csv.gz", tmp_path / "r.csv.gz",
                   lambda row: row[0] in households and row[2] in wanted)  # fmt: skip
    options = LoadOptions(columns="complete-journey-redemptions", rejects_folder=tmp_path)
    assert shop.load("events", [redeemed], options).rejected == 0
    files = ImportFiles(
        campaigns=[cut(data / "campaign_descriptions.csv.gz", tmp_path / "d.csv.gz", lambda row: row[0] in wanted)],
        members=[cut(data / "campaigns.csv.gz", tmp_path / "m.csv.gz",
                     lambda row: row[0] in wanted and row[1] in households)],
        coupons=[cut(data / "coupons.csv.gz", tmp_path / "c.csv.gz", lambda row: row[2] == "9")],
    )  # fmt: skip
    report = shop.campaigns.import_past(files, ImportOptions(columns="complete-journey", rejects_folder=tmp_path))
    assert report.rejected == 0
    assert report.coupons == report.campaigns["9"]["coupons"] == 18
    made = shop.campaigns.report("8")
    assert made.treatment.redeemed > 10
    found: Any = made.unlike
    assert found.inside > 150
    plain, matched = found.revenue.plain, found.revenue.matched
    assert plain.low > 0.0 and matched.value < plain.value  # who was chosen bought more before
    spent = next(trait for trait in found.traits if trait.name == "spent_year")
    assert spent.before > 0.5 and abs(spent.after) < 0.15
