"""`evaluate` on a generated shop: taste beats chance, nothing sees the future, figures repeat, nothing stays behind."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from elasticsearch import Elasticsearch

from profilestore.documents import Event
from profilestore.elastic import indices
from profilestore.elastic.model_store import ModelStore
from profilestore.elastic.temporary import erase_shop
from profilestore.errors import StoreError, UsageError
from profilestore.evaluate.beside import shop_beside, train_beside
from profilestore.evaluate.ledger import read_ledger
from profilestore.evaluate.options import EvaluateOptions
from profilestore.evaluate.page import render_page
from profilestore.evaluate.questions import choose_catalogue, make_questions
from profilestore.evaluate.sources import Files, LogSource
from profilestore.evaluate.splits import HELD_OUT, KNOWN, TRAINED, stage_events
from profilestore.indexing.parts import Parts
from profilestore.ingest.sample import SampleShop, generate_shop, write_shop
from profilestore.settings import Settings
from profilestore.store import ProfileStore

QUICK = EvaluateOptions(split="leave-one-out", budget=1, cold_products=0.2, ks=(10, 5))


@pytest.fixture(scope="module")
def made() -> SampleShop:
    return generate_shop(users=120, products=60, events=3500, language="en")


@pytest.fixture(scope="module")
def shop(server_url: str, made: SampleShop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProfileStore]:
    """A shop that the tests of this module read."""
    settings = Settings(
        home=tmp_path_factory.mktemp("home"), prefix=f"t-{uuid.uuid4().hex[:12]}", elasticsearch_url=server_url,
        text_model="words",
    )  # fmt: skip
    store = ProfileStore(settings, url=server_url)
    try:
        store.init()
        store.index_products(made.products)
        store.index_users(made.users)
        store.index_events(made.events)
        yield store
    finally:
        with Elasticsearch(server_url, request_timeout=60) as client:
            erase_shop(client, settings)
        store.close()


def left_behind(shop: ProfileStore) -> list[str]:
    """Indices and templates of temporary shops, and their local folders."""
    prefix = shop.settings.prefix
    with Elasticsearch(shop.url) as client:
        rows = client.cat.indices(index=f"{prefix}-evaluate-*", h="index", format="json")
        templates = client.indices.get_index_template(filter_path="index_templates.name")["index_templates"]
    names = [row["index"] for row in rows] + [t["name"] for t in templates if f"{prefix}-evaluate" in t["name"]]
    return names + [path.name for path in shop.settings.home.glob("evaluate/*")]


def test_taste_beats_popularity_and_the_same_command_gives_the_same_figures(shop: ProfileStore) -> None:
    steps: list[str] = []
    before = shop.status()["indices"]
    first = shop.evaluate(QUICK, progress=steps.append)
    again = shop.evaluate(replace(QUICK, cold_products=0.0)).to_json_dict()
    assert again == {**first.to_json_dict(), "cold_products": None}
    assert left_behind(shop) == []
    assert shop.status()["indices"] == before
    assert shop.models() == [model for model in shop.models() if model.kind == "text"]  # none of it came here
    assert any("training" in step for step in steps)
    ours = {each.name for each in first.methods if each.kind == "shop"}
    assert {"auto", "text", "taste", "popular", "trending"} <= ours
    assert {"peer: random", "peer: popularity", "peer: item-knn", "peer: ease"} <= {m.name for m in first.methods}
    assert any("topics is left out" in note for note in first.notes)  # the shop has not trained any
    (won,) = [d for d in first.differences if {d.method, d.against} == {"taste", "peer: popularity"}]
    assert won.method == "taste"
    assert won.interval.above_zero
    assert won.p <= won.p_holm < 0.05
    taste = first.method("taste").figures
    assert taste["ndcg@10"].low <= taste["ndcg@10"].mean <= taste["ndcg@10"].high
    assert taste["recall@5"].mean <= taste["recall@10"].mean
    assert {"coverage", "novelty", "diversity", "popularity", "gini", "mrr@5", "hr@10", "precision@10"} <= set(taste)
    assert first.method("peer: popularity").figures["coverage"].mean < taste["coverage"].mean
    assert {group.field for group in first.groups} == {"activity", "gender", "age"}
    assert {"1-3 acts"} <= {group.value for group in first.groups}  # cold users
    assert all(set(group.figures) == {m.name for m in first.methods} for group in first.groups)
    assert {each.method for each in first.served} >= {"text", "taste"}
    assert all(abs(each.loss) <= 0.01 for each in first.served if each.method in ("text", "taste"))
    cold = first.cold_products
    assert cold is not None
    assert 5 < cold.products < 20
    by_name = {each.name: each.figures["ndcg@10"].mean for each in cold.methods}
    assert by_name["text"] > by_name["peer: random"]
    page = render_page(first)
    assert page.count("<svg") == 2
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")  # nothing is fetched
    assert "<script" not in page


def test_nothing_beside_sees_the_future(shop: ProfileStore, made: SampleShop) -> None:
    parts = shop._parts
    options = EvaluateOptions(budget=0)
    source = LogSource(parts)
    ledger = read_ledger(source.pages(), parts.rules)
    stages = stage_events(ledger, options)
    assert stages.cut is not None
    catalogue = choose_catalogue(ledger, stages, source.on_sale())
    acts = [e for e in made.events if e.type != "attributes"]
    trained = [e for e in acts if e.time < stages.cut]
    later = [e for e in acts if e.time >= stages.cut]
    assert min(len(trained), len(later)) > 500
    with shop_beside(parts) as beside:
        report, notes = train_beside(beside, source, ledger, stages, catalogue, options)
        assert report is not None, notes
        assert datetime.fromisoformat(report.figures["last_act"]) < stages.cut
        logged = [e for page in LogSource(beside).pages() for e in page]
        assert {e.event_id for e in logged if e.type != "attributes"} == {e.event_id for e in trained}
        side = beside.in_force
        index = side.products.identity()
        stored = {id: source for page in side.products.scan(index.index) for id, source, _ in page}
        for product_id, source_ in stored.items():
            buyers = {e.user_id for e in trained if e.type == "purchase" and e.product_id == product_id}
            assert (source_.get("popularity") or 0.0) == len(buyers), product_id
        profiles = side.profiles.read_now(sorted({e.user_id for e in made.events}))
        assert all(
            datetime.fromisoformat(p.source["last_seen"]) < stages.cut
            for p in profiles.values()
            if "last_seen" in p.source
        )
        content = set(index.meta.model_dump(exclude_none=True)) & {"taste_model", "taste_content"}
        assert content == {"taste_model", "taste_content"}
        assert index.meta.taste_model == report.model_id
    assert left_behind(shop) == []


def test_users_held_out_are_known_and_not_learned_from(shop: ProfileStore, made: SampleShop) -> None:
    parts = shop._parts
    options = EvaluateOptions(split="user", budget=0, share=0.6)
    source = LogSource(parts)
    ledger = read_ledger(source.pages(), parts.rules)
    stages = stage_events(ledger, options)
    events = [e for page in source.pages() for e in page]
    of = {stage: [e for e, s in zip(events, stages.of.tolist(), strict=True) if s == stage] for stage in range(3)}
    held = {e.user_id for e in of[HELD_OUT]}
    assert held.isdisjoint(e.user_id for e in of[TRAINED] if e.type != "attributes")
    catalogue = choose_catalogue(ledger, stages, source.on_sale())
    questions = make_questions(ledger, stages, catalogue, options)
    assert set(questions.users) <= held
    with shop_beside(parts) as beside:
        report, _ = train_beside(beside, source, ledger, stages, catalogue, options)
        assert report is not None
        assert report.figures["users"] <= len({e.user_id for e in of[TRAINED]})
        profiles = beside.in_force.profiles.read_now(list(questions.users))
        for user_id in questions.users:
            own = [e for e in of[KNOWN] if e.user_id == user_id]
            bought = {e.product_id for e in own if e.type in ("view", "cart", "purchase", "rate", "review")}
            assert set(profiles[user_id].source.get("seen_products", [])) == bought
        buyers: dict[str, set[str]] = {}
        for event in of[TRAINED]:
            if event.type == "purchase":
                buyers.setdefault(str(event.product_id), set()).add(event.user_id)
        index = beside.in_force.products.identity().index
        for page in beside.in_force.products.scan(index, fields=["popularity"]):
            assert all((s.get("popularity") or 0.0) == len(buyers.get(id, ())) for id, s, _ in page)


def test_what_a_killed_run_left_is_removed_and_a_living_one_is_not(shop: ProfileStore) -> None:
    client, base = shop._parts.client, shop.settings
    dead, alive = (base.model_copy(update={"prefix": f"{base.prefix}-evaluate-{n}"}) for n in ("0000dead", "0000abcd"))
    indices.init(client, dead)
    claim = {"host": __import__("socket").gethostname(), "pid": 2**22 + 1, "started": 0.0,
             "seen": datetime.now(UTC).isoformat()}  # fmt: skip
    ModelStore(client, alias=dead.index("models")).put("temporary", "temporary", claim)
    indices.init(client, alive)  # a moment ago, and has not said yet who it is
    with pytest.raises(KeyboardInterrupt), shop_beside(shop._parts) as beside:
        assert beside.settings.prefix.startswith(f"{base.prefix}-evaluate-")
        assert not any("0000dead" in name for name in left_behind(shop))
        raise KeyboardInterrupt
    assert {name.split("-evaluate-")[1][:8] for name in left_behind(shop)} == {"0000abcd"}
    erase_shop(client, alive)
    assert left_behind(shop) == []


def test_files_give_what_the_log_gives(shop: ProfileStore, made: SampleShop, tmp_path: Path) -> None:
    paths = write_shop(made, tmp_path)
    files = Files(events=(paths["events"],), products=(paths["products"],), users=(paths["users"],))
    options = replace(QUICK, cold_products=0.0, methods=("popular", "taste"), repeats=True)
    from_log, from_files = shop.evaluate(options), shop.evaluate(options, files=files)
    same = {name for name in from_log.sizes if name != "events"}  # user rows are events in the log only
    assert {name: from_files.sizes[name] for name in same} == {name: from_log.sizes[name] for name in same}
    assert {(g.field, g.value, g.users) for g in from_files.groups} == {
        (g.field, g.value, g.users) for g in from_log.groups
    }
    for name in ("popular", "peer: item-knn", "peer: popularity"):
        assert from_files.method(name).figures == from_log.method(name).figures
    assert from_files.asked["products"] == "all, repeats included"
    assert {m.name for m in from_files.methods if m.kind == "shop"} == {"popular", "taste"}


def event(user: int, product: int, day: int, type: str = "purchase") -> Event:
    time = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=day)
    return Event(user_id=f"u{user}", product_id=f"p{product}", type=type, time=time)  # type: ignore[arg-type]


@pytest.fixture
def small(settings: Settings) -> Iterator[ProfileStore]:
    """A shop without anything."""
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        yield store


def test_what_cannot_be_evaluated_is_told(small: ProfileStore) -> None:
    with pytest.raises(StoreError, match="nothing to evaluate on"):
        small.evaluate()
    small.index_events([event(1, product, product) for product in range(8)])
    with pytest.raises(StoreError, match="too little to evaluate"):
        small.evaluate()
    with pytest.raises(UsageError, match="no such method"):
        small.evaluate(EvaluateOptions(methods=("magic",)))
    assert left_behind(small) == []


def test_times_that_order_nothing_and_a_log_without_purchases(small: ProfileStore, made: SampleShop) -> None:
    rng = np.random.default_rng(3)
    pairs = {(int(user), int(product)) for user, product in rng.integers(0, 20, size=(300, 2))}
    small.index_products([p.model_copy(update={"product_id": f"p{n}"}) for n, p in enumerate(made.products[:20])])
    small.index_events([event(user, product, 5, "favorite") for user, product in sorted(pairs)])
    report = small.evaluate(EvaluateOptions(budget=0, cold_products=0.0))
    assert "times do not order the events" in report.asked["how"]
    assert "there are no purchases" in report.asked["asked_for"]
    assert report.sizes["users_asked_about"] > 10
    assert report.method("popular").answered_by == {"popular": report.sizes["users_asked_about"]}


def test_one_product_and_two_users_are_answered_without_a_taste_model(small: ProfileStore, made: SampleShop) -> None:
    small.index_products([p.model_copy(update={"product_id": f"p{n}"}) for n, p in enumerate(made.products[:2])])
    small.index_events([event(user, 0, day) for user in range(3) for day in range(8)])
    report = small.evaluate(EvaluateOptions(budget=0, repeats=True, cold_products=0.5, share=0.5))
    assert any("no taste model" in note for note in report.notes)
    assert report.method("popular").figures["hr@20"].mean == 1.0


def test_the_weights_that_the_shop_folds_by_are_those_that_are_evaluated(small: ProfileStore) -> None:
    products = small._parts.in_force.products
    target = products.identity()
    products.set_meta(target.index, target.meta.model_copy(update={"event_weights": {"view": 0.7}}))
    with shop_beside(small._parts) as beside:
        LogSource(small._parts).stock(beside, lambda product_id: True)
        side = beside.in_force
        metas = (side.products.identity().meta, side.profiles.identity().meta)
    assert [meta.event_weights for meta in metas] == [{"view": 0.7}] * 2


@pytest.mark.parametrize("prefix_of", ["evaluate"])
def test_a_second_shop_of_a_like_name_is_left_alone(small: ProfileStore, prefix_of: str) -> None:
    other = small.settings.model_copy(update={"prefix": f"{small.settings.prefix}-{prefix_of}"})
    indices.init(small._parts.client, other)
    with shop_beside(Parts(small._parts.client, small.settings)):
        pass
    assert all(small._parts.client.indices.exists_alias(name=other.index(kind)) for kind in ("products", "events"))
