"""All of insight on a small shop: figures by group, cards, fields kept out; and who opted out is on no surface."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from fold_runs import small, stand_in
from typer.testing import CliRunner

from profilestore import Event, ProfileStore, Settings, User
from profilestore.cli import app
from profilestore.documents import USER_FIELDS
from profilestore.errors import NotFound, SettingsError
from profilestore.ingest.sample import generate_shop
from profilestore.insight.backgrounds import read_backgrounds
from profilestore.insight.card.html import card_html
from profilestore.insight.card.text import card_text
from profilestore.insight.groups import GROUPS
from profilestore.insight.profiles import InsightProfiles
from profilestore.insight.records import InsightRecord
from profilestore.insight.steps import STEPS

RUNNER = CliRunner()
RULES = 'buyers = "order_count >= 1"\n'


@pytest.fixture(scope="module")
def off() -> set[str]:
    """Who switched personalisation off: every eighth user."""
    return {f"u{number:05d}" for number in range(8, 301, 8)}


@pytest.fixture(scope="module")
def shop(server_url: str, off: set[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProfileStore]:
    """A shop on which every step was run, written whether it beats its baseline or not."""
    prefix = f"t-{uuid.uuid4().hex[:12]}"
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, prefix=prefix, elasticsearch_url=server_url)
    sample = generate_shop(users=300, products=150, events=9000, segments=True, language="en")
    with stand_in(), ProfileStore.open(small(settings)) as store:
        store.init()
        store.index_products(sample.products)
        store.index_users(
            user.model_copy(update={"personalisation": "off" if user.user_id in off else "on"}) for user in sample.users
        )
        store.index_events(sample.events)
        rules = home / "rules.toml"
        rules.write_text(f"[segments]\n{RULES}", encoding="utf-8")
        store.insight.segments.define_file(rules)
        store.insight.run([step.name for step in STEPS], force=True)
        yield store
    with Elasticsearch(server_url, request_timeout=60) as client:
        rows = client.cat.indices(index=f"{prefix}-*", h="index", format="json")
        client.indices.delete(index=[row["index"] for row in rows])
        for template in client.indices.get_index_template(name=f"{prefix}-*")["index_templates"]:
            client.indices.delete_index_template(name=template["name"])


def flags(shop: ProfileStore) -> list[str]:
    return ["--prefix", shop.settings.prefix, "--url", shop.url, "--home", str(shop.settings.home)]


def invoke(shop: ProfileStore, *words: str) -> str:
    done = RUNNER.invoke(app, [*words, *flags(shop)])
    assert done.exit_code == 0, done.output
    return done.stdout


def ids_in(text: str) -> set[str]:
    return set(re.findall(r"\bu\d{5}\b", text))


def sources(shop: ProfileStore) -> dict[str, dict[str, Any]]:
    index = shop.settings.index("profiles")
    shop._client.indices.refresh(index=index)
    hits = shop._client.search(index=index, size=1000, source_excludes=["state"])["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


# ------------------------------------------------------------------ figures by group


def test_models_of_users_tell_their_figures_by_group(shop: ProfileStore) -> None:
    told = {record.name: record.by_group for record in shop.insight.results() if len(record.by_group) > 0}
    assert {"value", "lifetime", "segments"} <= set(told)
    for by_group in told.values():
        assert {row["by"] for row in by_group["rows"]} >= {"gender", "age"}
        assert by_group["known"]["gender"] > 0.8
    value = {row["group"]: row for row in told["value"]["rows"] if row["by"] == "gender"}
    assert set(value) == {"female", "male"}
    assert 0.0 <= value["female"]["top_share"]["low"] <= value["female"]["top_share"]["mean"] <= 1.0


def test_show_prints_them_in_two_languages_and_as_json(shop: ProfileStore) -> None:
    english, chinese = (invoke(shop, "insight", "show", "value", "--language", name) for name in ("en", "zh"))
    assert re.search(r"gender +female", english)
    assert "Figures by group" in english
    assert re.search("性别 +女", chinese)
    shown = json.loads(invoke(shop, "insight", "show", "value", "--json"))
    assert shown["by_group"] == shop.insight.result("value").by_group


def test_groups_are_of_profiles_as_the_shop_knows_them(shop: ProfileStore) -> None:
    people = read_backgrounds(InsightProfiles(shop._parts.in_force.profiles))
    known = sources(shop)
    assert people.region == "province"  # all are of one country
    for user in ("u00001", "u00002", "u00003"):
        gender = people.columns["gender"][people.rows[user]]
        assert known[user].get("gender") == (None if gender < 0 else people.names["gender"][gender])


# ------------------------------------------------------------------ opted out: one test a surface


def test_no_profile_of_theirs_has_a_field_of_insight(shop: ProfileStore, off: set[str]) -> None:
    fields = {name for names in GROUPS.values() for name in names} | {"insight_as_of"}
    every = sources(shop)
    assert set(every) >= off
    held = {user: {name for name in fields if source.get(name) is not None} for user, source in every.items()}
    assert {user for user in off if len(held[user]) > 0} == set()
    assert max(len(names) for names in held.values()) > 15


def test_no_record_names_them(shop: ProfileStore, off: set[str]) -> None:
    named = ids_in(json.dumps([asdict(record) for record in shop.insight.results()]))
    assert len(named) > 0  # typical users of segments
    assert named & off == set()


def test_no_count_by_group_has_them(shop: ProfileStore, off: set[str]) -> None:
    people = read_backgrounds(InsightProfiles(shop._parts.in_force.profiles))
    assert set(people.rows) & off == set()
    assert len(people.rows) == 300 - len(off)
    for name in ("value", "lifetime", "segments"):
        rows = shop.insight.result(name).by_group["rows"]
        for dimension in ("gender", "age", "region"):
            assert sum(row["users"] for row in rows if row["by"] == dimension) <= 300 - len(off)


@pytest.mark.parametrize(
    "command",
    [
        ("insight", "segments", "members", "buyers"),
        ("insight", "churn", "list", "active", "--json"),
        ("insight", "churn", "list", "new", "--json"),
        ("insight", "churn", "list", "lapsed", "--json"),
    ],
)
def test_no_list_has_them(shop: ProfileStore, off: set[str], command: tuple[str, ...]) -> None:
    assert ids_in(invoke(shop, *command)) & off == set()


def test_no_list_of_odd_users_has_them(shop: ProfileStore, off: set[str]) -> None:
    """Nor does one that was flagged before."""
    index = shop.settings.index("profiles")
    body = {"odd_flags": ["refunds"], "odd_score": 0.9}
    shop._client.update(index=index, id="u00008", doc=body, refresh=True)
    try:
        assert ids_in(invoke(shop, "insight", "odd", "list", "--json")) & off == set()
    finally:
        shop._client.update(index=index, id="u00008", doc=dict.fromkeys(body), refresh=True)


def test_no_export_has_them(shop: ProfileStore, off: set[str], tmp_path: Path) -> None:
    segment = next(source["segment"] for source in sources(shop).values() if source.get("segment"))
    for name in (segment, "buyers"):
        path = tmp_path / "members.csv"
        invoke(shop, "insight", "segments", "members", name, "--output", str(path), "--field", "value_tier")
        listed = ids_in(path.read_text(encoding="utf-8"))
        assert len(listed) > 0
        assert listed & off == set()
        path.unlink()


# ------------------------------------------------------------------ cards


def test_a_card_tells_every_group_that_the_profile_has(shop: ProfileStore) -> None:
    every = sources(shop)
    user = max(every, key=lambda user: (len(every[user].get("insight_as_of") or {}), user))
    card = shop.card(user)
    beliefs = next(block for block in card.blocks if block.key == "beliefs")
    assert len(beliefs.entries) >= 6
    text = " ".join(card_text(card).split())
    assert every[user]["segment"] in text
    assert "customers did from 20" in text
    chinese = shop.card(user, language="zh")
    assert len(next(b for b in chinese.blocks if b.key == "beliefs").entries) == len(beliefs.entries)


def test_the_card_of_who_opted_out_says_that_nothing_is_believed(shop: ProfileStore) -> None:
    card = shop.card("u00008")
    assert next(block for block in card.blocks if block.key == "beliefs").entries == ()
    text = card_text(card)
    assert "there is no taste, no segment, no score" in " ".join(text.split())
    assert "is kept" in " ".join(text.split()) or "are kept" in text


def test_an_opt_out_that_is_in_the_log_alone_holds_for_the_card(shop: ProfileStore) -> None:
    assert len(shop.card("u00009").blocks) == 5
    choice = Event(user_id="u00009", type="attributes", time=datetime.now(UTC), user_fields={"personalisation": "off"})
    shop._parts.in_force.log.append([choice])
    assert next(block for block in shop.card("u00009").blocks if block.key == "beliefs").entries == ()
    shop.index_users([User(user_id="u00009", personalisation="on")])


def test_cards_from_the_command_line(shop: ProfileStore, tmp_path: Path) -> None:
    english = invoke(shop, "profile", "show", "u00001", "u00002", "--card")
    assert ids_in(english) == {"u00001", "u00002"}
    assert "关于顾客 u00001" in invoke(shop, "profile", "show", "u00001", "--card", "--language", "zh")
    made = json.loads(invoke(shop, "profile", "show", "u00001", "--card", "--json"))
    assert [block["key"] for block in made["blocks"]] == ["told", "acts", "beliefs", "used", "objecting"]
    path = tmp_path / "card.html"
    assert invoke(shop, "profile", "show", "u00001", "--html", str(path)) == ""
    assert path.stat().st_mode & 0o077 == 0
    made_on = re.compile(r"Made on [^<]*")
    page = path.read_text(encoding="utf-8")
    assert made_on.sub("", page) == made_on.sub("", card_html(shop.card("u00001")))
    for wrong in (["u00001", "--card", "--language", "fr"], ["u00001", "u00002", "--html", str(path)],
                  ["u00001", "--html", str(tmp_path / "no" / "card.html")]):  # fmt: skip
        assert RUNNER.invoke(app, ["profile", "show", *wrong, *flags(shop)]).exit_code == 2
    missing = RUNNER.invoke(app, ["profile", "show", "nobody", "u00001", "--card", *flags(shop)])
    assert missing.exit_code == 1
    assert "u00001" in missing.stdout


def test_the_commands_of_a_card_do_what_it_says(shop: ProfileStore) -> None:
    """Off and on again, corrected, forgotten: by the words that stand on the card, less the shell."""
    import shlex

    user = "u00011"
    invoke_row = {"off": None, "on": None}
    for switch in invoke_row:
        card = shop.card(user)
        command = shlex.split(card.blocks[-1].commands[0].command)
        row = command[command.index("echo") + 1]
        assert json.loads(row) == {"user_id": user, "personalisation": switch}
        words = command[command.index("profilestore") + 1 :]
        done = RUNNER.invoke(app, [*words, "--url", shop.url, "--home", str(shop.settings.home)], input=row + "\n")
        assert done.exit_code == 0, done.output
        assert shop.profile(user).personalisation == switch
    forget = shlex.split(shop.card(user).blocks[-1].commands[-1].command)
    done = RUNNER.invoke(app, [*forget[1:], "--url", shop.url, "--home", str(shop.settings.home)])
    assert done.exit_code == 0, done.output
    with pytest.raises(NotFound):
        shop.card(user)


# ------------------------------------------------------------------ forgetting


def test_who_is_forgotten_is_in_no_index_and_the_others_stay(shop: ProfileStore) -> None:
    user = "u00012"
    before = len(sources(shop))
    shop.record(Event(user_id="v-" + user, type="search", time="2025-06-01T10:00:00Z", text="scarf"))
    deleted = shop.forget(user)
    assert deleted["events"] > 0
    assert deleted["profiles"] == 1
    for kind in ("events", "profiles", "recommendations", "activity"):
        alias = shop.settings.index(kind)
        shop._client.indices.refresh(index=alias)
        assert shop._client.count(index=alias, query={"term": {"user_id": user}})["count"] == 0
    assert len(sources(shop)) == before  # one more, one less
    assert shop.verify_all(quick=True).different == 0
    with pytest.raises(NotFound, match="knows nothing"):
        shop.forget(user)
    shop.record(Event(user_id=user, type="view", time="2025-06-02T10:00:00Z", product_id="p00001"))
    assert shop.profile(user).events_total == 1  # begins anew
    shop.forget(user)


def test_forgetting_asks_first(shop: ProfileStore) -> None:
    done = RUNNER.invoke(app, ["profile", "forget", "u00013", *flags(shop)])
    assert done.exit_code == 2  # nobody is there to be asked
    assert shop.profile("u00013").user_id == "u00013"


# ------------------------------------------------------------------ fields kept out


def test_models_do_without_what_is_kept_out(shop: ProfileStore) -> None:
    kept_out = shop.settings.model_copy(update={"insight_without": ("hour_of_week", "category", "main_topics")})
    with ProfileStore.open(kept_out) as other:
        other.insight.run(["segments", "odd", "interests"], force=True)
        record, odd, interests = (other.insight.result(name) for name in ("segments", "odd", "interests"))
    used = set(record.settings["feature_names"])
    assert len(used) > 2
    assert used & {"evenings", "weekends"} == set()
    assert record.settings["interests_from"] == "none"
    assert record.settings["features_left_out"]["evenings"] == "kept out by the setting insight_without"
    assert len(odd.settings["figures"]) > 2
    assert "at night" not in odd.settings["figures"]
    assert set(interests.settings["features"]) <= {"main_brands"}


def test_no_model_names_an_attribute_among_its_features(shop: ProfileStore) -> None:
    told = {record.name: {word for key in ("features", "feature_names", "figures") for word in _words(record, key)}
            for record in shop.insight.results()}  # fmt: skip
    assert len([name for name, words in told.items() if len(words) > 2]) >= 3
    assert {name: words & set(USER_FIELDS) for name, words in told.items() if words & set(USER_FIELDS)} == {}


def _words(record: InsightRecord, key: str) -> list[str]:
    value = record.settings.get(key)
    return value if isinstance(value, list) else []


def test_no_model_uses_an_attribute_of_who_somebody_is(shop: ProfileStore) -> None:
    """Another gender, age, income and place of everybody: not one belief is another."""
    names = ("value", "churn", "odd")

    def believed() -> dict[str, dict[str, Any]]:
        shop.insight.run(names, force=True)
        fields = {field for name in names for field in GROUPS[name]}
        return {u: {f: v for f, v in source.items() if f in fields} for u, source in sources(shop).items()}

    before = believed()
    other = {"gender": "other", "age": 99, "income": 1.0, "city": "Elsewhere", "province": "Far", "country": "XX"}
    swapped = sorted(before)[::2]
    shop.index_users(User(user_id=user, time=datetime(2025, 1, 2, tzinfo=UTC), **other) for user in swapped)
    assert shop.profile(swapped[0]).city == "Elsewhere"
    assert believed() == before


@pytest.mark.parametrize(
    ("field", "words"), [("gendre", "no field of profiles"), ("attributes.sauce", "no profile has an attribute")]
)
def test_a_field_that_does_not_exist_is_an_error_before_anything_is_written(
    shop: ProfileStore, field: str, words: str
) -> None:
    created = shop.insight.result("value").created
    with (
        ProfileStore.open(shop.settings.model_copy(update={"insight_without": (field,)})) as other,
        pytest.raises(SettingsError, match=words),
    ):
        other.insight.run(["value"], force=True)
    assert shop.insight.result("value").created == created
    done = RUNNER.invoke(app, ["insight", "run", "value", "--set", f'insight_without=["{field}"]', *flags(shop)])
    assert done.exit_code == 2
    assert words in done.stderr
