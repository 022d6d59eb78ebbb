"""`dashboards refresh`: each act of the log once and as it should be."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fold_runs import documents, make_events, make_products, revisions
from refresh_shop import DAY, START, acts, assert_right, expected_ids, opened_shop, set_fields

from profilestore import Event, Product, ProfileStore, Settings, User
from profilestore.documents import FigureDocument, RecommendationList
from profilestore.elastic.figure_index import FigureIndex


@pytest.fixture
def shop(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProfileStore]:
    with opened_shop(settings, monkeypatch) as store:
        yield store


def test_acts_are_those_of_the_log_and_money_adds_up(shop: ProfileStore) -> None:
    events = make_events(400)
    shop.index_events(events)
    report = shop.dashboards.refresh()
    held = acts(shop)
    assert held.keys() == {event.event_id for event in events if event.type != "attributes"} == expected_ids(shop)
    assert report.written == report.acts == len(held)
    prices = {product.product_id: product.price or 0.0 for product in make_products(30)}
    zone = ZoneInfo("Asia/Shanghai")
    for event in events:
        if event.type == "attributes":
            continue
        source, local = held[event.event_id], event.time.astimezone(zone)
        assert (source["hour"], source["weekday"], source["user_id"]) == (
            local.hour,
            local.weekday() + 1,
            event.user_id,
        )
        if event.type in ("purchase", "refund"):
            price = prices[event.product_id or ""] if event.price is None else event.price
            sign = 1 if event.type == "purchase" else -1
            assert source["revenue"] == pytest.approx(sign * price * (event.quantity or 1))
        else:
            assert "revenue" not in source
    by_user: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.type == "purchase":
            by_user[event.user_id].append(event)
    for bought in by_user.values():
        bought.sort(key=lambda each: each.time)
        first = bought[0].order_id
        month = f"{bought[0].time.astimezone(zone):%Y-%m}"
        seen = list(dict.fromkeys(each.order_id for each in bought))
        for each in bought:
            source = held[each.event_id]
            assert source["first_purchase"] == (each.order_id == first)
            assert (source["order_number"], source["cohort_month"]) == (seen.index(each.order_id) + 1, month)
    firsts = Counter(source["user_id"] for source in held.values() if source["first_act"])
    assert set(firsts.values()) == {1}
    assert firsts.keys() == {source["user_id"] for source in held.values()}


def test_what_is_new_is_mended_and_the_rest_left_alone(shop: ProfileStore) -> None:
    shop.index_events(make_events(300, texts=False))
    shop.dashboards.refresh()
    before = revisions(shop.settings, ["activity", "figures"])
    assert shop.dashboards.refresh().unchanged
    assert revisions(shop.settings, ["activity", "figures"]) == before
    # A late purchase of one user: it is their first order now, and nobody else's acts are touched.
    late = Event(
        event_id="late", user_id="u1", type="purchase", product_id="p1", time="2025-12-01T00:00:00Z", price=1.0
    )
    shop.record(late)
    report = shop.dashboards.refresh()
    assert report.derived == 1
    assert acts(shop)["late"]["order_number"] == 1
    after = revisions(shop.settings, ["activity"])
    changed = {key for key, value in after.items() if before.get(key) != value}
    held = acts(shop)
    assert {held[key.removeprefix("activity/")]["user_id"] for key in changed} == {"u1"}
    assert_right(shop)


def test_what_another_refresh_wrote_late_is_mended(shop: ProfileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that began before this one writes what was right then, after this one has looked."""
    shop.index_events([Event(event_id="e", user_id="solo", type="view", product_id="p2", time=START)])
    shop.dashboards.refresh()
    stale = acts(shop)["e"]
    set_fields(shop, "segments", {"solo": {"segment": "s"}})
    real = FigureIndex.bring_to

    def bring_to(self: Any, figures: Any) -> Any:
        shop._client.index(index=shop.settings.index("activity"), id="e", document=stale, refresh=True)
        return real(self, figures)

    with monkeypatch.context() as late:
        late.setattr(FigureIndex, "bring_to", bring_to)
        shop.dashboards.refresh()
    assert "segment" not in acts(shop)["e"]
    assert not shop.dashboards.refresh().unchanged
    assert acts(shop)["e"]["segment"] == "s"
    assert shop.dashboards.refresh().unchanged


def test_segments_tiers_and_products_are_those_of_now(shop: ProfileStore) -> None:
    shop.index_events(make_events(300, texts=False))
    users = sorted(
        {source["user_id"] for source in (hit["_source"] for hit in documents(shop.settings, "events").values())}
    )
    set_fields(shop, "segments", {user: {"segment": "s1"} for user in users[:20]})
    set_fields(shop, "value", {user: {"value_tier": "high", "rfm_recency": 5} for user in users[:5]})
    shop.dashboards.refresh()
    profiles = {id: hit["_source"] for id, hit in documents(shop.settings, "profiles").items()}
    for source in acts(shop).values():
        profile = profiles[source["user_id"]]
        assert source.get("segment") == profile.get("segment")
        assert source.get("value_tier") == profile.get("value_tier")
    set_fields(shop, "segments", {user: {"segment": "s2"} for user in users[:20]})
    shop.index_products([Product(product_id="p1", title="a red mug", category="new", brand="b")])
    report = shop.dashboards.refresh()
    assert report.written > 0
    held = acts(shop)
    assert "s1" not in {source.get("segment") for source in held.values()}
    assert {(s["category"], s["product"]) for s in held.values() if s.get("product_id") == "p1"} == {
        ("new", "a red mug")
    }
    assert_right(shop)


def test_who_opted_out_has_no_segment_tier_or_score(shop: ProfileStore) -> None:
    review = Event(event_id="r1", user_id="u1", type="review", product_id="p1", time=START, text="very good, I love it")
    other = Event(event_id="r2", user_id="u2", type="review", product_id="p1", time=START, text="very good, I love it")
    shop.index_events([review, other])
    set_fields(shop, "segments", {"u1": {"segment": "s"}, "u2": {"segment": "s"}})
    shop.dashboards.refresh()
    for id in ("r1", "r2"):
        assert acts(shop)[id]["segment"] == "s"
        assert acts(shop)[id]["sentiment_label"] == "positive"
    shop.recommend_all(n=3)
    shop.dashboards.refresh()
    shop.index_users([User(user_id="u1", personalisation="off")])
    # At once, and as the next refresh leaves it.
    assert not {"segment", "sentiment", "sentiment_label"} & acts(shop)["r1"].keys()
    assert acts(shop)["r2"]["segment"] == "s"
    at_once = documents(shop.settings, "recommendations")["u1"]["_source"]
    assert all(at_once.get(name) is None for name in ("segment", "lines", "product_names"))
    shop.dashboards.refresh()
    held = acts(shop)
    derived = {"segment", "value_tier", "churn_band", "lifecycle", "sentiment", "sentiment_label"}
    assert not derived & held["r1"].keys()
    assert held["r1"]["personalisation"] == "off"
    assert held["r2"]["sentiment"] > 0
    kept = {id: hit["_source"] for id, hit in documents(shop.settings, "recommendations").items()}
    assert all(kept["u1"].get(name) is None for name in ("segment", "value_tier", "category", "lines", "product_names"))
    assert kept["u2"]["segment"] == "s"
    assert all(figure.get("segment") != "u1" for figure in documents(shop.settings, "figures").values())


def test_a_user_who_is_deleted_is_gone_here_too(shop: ProfileStore) -> None:
    shop.index_events(make_events(200, texts=False))
    shop.dashboards.refresh()
    first = acts(shop)
    assert any(source["user_id"] == "u3" for source in first.values())
    log, profiles = shop.settings.index("events"), shop.settings.index("profiles")
    of_u3 = [id for id, hit in documents(shop.settings, "events").items() if hit["_source"]["user_id"] == "u3"]
    for id in of_u3:
        shop._client.delete(index=log, id=id, routing="u3")
    shop._client.delete(index=profiles, id="u3", refresh=True)
    report = shop.dashboards.refresh()
    assert report.removed > 0
    assert not any(source["user_id"] == "u3" for source in acts(shop).values())
    assert acts(shop).keys() == expected_ids(shop)
    assert shop.forget("u4")["activity"] == sum(hit["user_id"] == "u4" for hit in first.values()) > 0
    assert acts(shop).keys() == expected_ids(shop)


def test_words_are_shown_where_three_users_searched_for_them(shop: ProfileStore) -> None:
    def search(user: str, text: str, **more: Any) -> Event:
        return Event(event_id=f"{user}-{text}"[:40], user_id=user, type="search", text=text, time=START, **more)

    found = {"attributes": {"results": 3}}
    shop.index_events([search("u1", "Red  Mug", attributes={"results": 0}), search("u2", "red mug", **found)])
    shop.index_events([search(f"u{n}", "call 0171 555 12 34") for n in range(5)])
    shop.dashboards.refresh()
    assert not any("query" in source for source in acts(shop).values())
    shop.index_events([search("u3", "red mug")])
    shop.dashboards.refresh()
    shown = {source["user_id"]: source for source in acts(shop).values() if "query" in source}
    assert {user: (each["query"], each.get("no_result")) for user, each in shown.items()} == {
        "u1": ("red mug", True), "u2": ("red mug", False), "u3": ("red mug", None)
    }  # fmt: skip
    assert shop.dashboards.refresh().unchanged
    shop._client.delete(index=shop.settings.index("events"), id="u3-red mug", routing="u3", refresh=True)
    shop.dashboards.refresh()
    assert not any("query" in source for source in acts(shop).values())


def test_impressions_came_to_what_the_feedback_report_says(shop: ProfileStore) -> None:
    events: list[Event] = []
    for n in range(120):
        common: dict[str, Any] = {
            "user_id": f"u{n % 9}", "product_id": f"p{n % 7}", "method": "taste" if n % 2 else "text",
            "request_id": f"r{n // 10}" if n % 11 else None, "position": n % 5,
        }  # fmt: skip
        when = START + timedelta(hours=3 * n)
        events.append(Event(event_id=f"i{n}", type="impression", time=when, **common))
        if n % 3 == 0:
            events.append(Event(event_id=f"c{n}", type="click", time=when + timedelta(minutes=1), **common))
        if n % 5 == 0:
            bought = {name: common[name] for name in ("user_id", "product_id")}
            events.append(
                Event(event_id=f"b{n}", type="purchase", time=when + timedelta(days=n % 9), price=2.0, **bought)
            )
    drawn = next(event for event in events if event.type == "impression" and event.request_id is not None)
    events.append(drawn.model_copy(update={"event_id": "again", "time": drawn.time + timedelta(minutes=9)}))
    shop.index_events(events)
    shop.dashboards.refresh()
    held = acts(shop)
    told: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for source in held.values():
        if source["type"] == "impression" and not source["repeated"]:
            for place, add in enumerate((1, source["clicked"], source["converted"])):
                told[source["method"]][place] += add
    report = shop.feedback.report()
    assert told == {each.method: [each.impressions, each.clicks, each.conversions] for each in report.methods}
    assert sum(source["type"] == "impression" and source["repeated"] for source in held.values()) > 0
    # Sales, worked out from the events alone.
    clicks = [event for event in events if event.type == "click"]
    attributed = 0
    for event in events:
        if event.type == "purchase":
            before = [
                click for click in clicks
                if (click.user_id, click.product_id) == (event.user_id, event.product_id)
                and timedelta() <= event.time - click.time <= 7 * DAY
            ]  # fmt: skip
            source = held[event.event_id]
            assert source["attributed"] == (len(before) > 0)
            attributed += source["attributed"]
            if len(before) > 0:
                assert source["attributed_method"] == max(before, key=lambda click: click.time).method
    assert 0 < attributed < sum(event.type == "purchase" for event in events)


def test_retention_is_that_of_the_log(shop: ProfileStore) -> None:
    events = make_events(500, users=25)
    shop.index_events(events)
    set_fields(shop, "segments", {f"u{n}": {"segment": f"s{n % 3}"} for n in range(25)})
    shop.dashboards.refresh()
    profiles = {id: hit["_source"] for id, hit in documents(shop.settings, "profiles").items()}
    zone = ZoneInfo("Asia/Shanghai")
    months: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if event.type == "purchase":
            months[event.user_id].add(f"{event.time.astimezone(zone):%Y-%m}")
    wanted: Counter[tuple[str, str, str | None]] = Counter()
    sizes: Counter[tuple[str, str | None]] = Counter()
    for user, own in months.items():
        segment = profiles[user].get("segment")
        sizes[min(own), segment] += 1
        wanted.update((min(own), month, segment) for month in own)
    found: Counter[tuple[str, str, str | None]] = Counter()
    held: Counter[tuple[str, str | None]] = Counter()
    for hit in documents(shop.settings, "figures").values():
        source = FigureDocument(**hit["_source"])
        if source.figure == "retention" and source.time is not None and source.cohort_month is not None:
            month = f"{source.time.astimezone(zone):%Y-%m}"
            found[source.cohort_month, month, source.segment] += source.active or 0
            if source.cohort_age == 0:
                held[source.cohort_month, source.segment] += source.users or 0
    assert +found == wanted
    assert held == sizes


def test_lists_are_told_in_words_with_who_they_are_for(shop: ProfileStore) -> None:
    shop.index_events(make_events(300))
    shop.recommend_all(n=4, method="text", explain=True)
    set_fields(shop, "segments", {f"u{n}": {"segment": f"s{n % 3}"} for n in range(25)})
    report = shop.dashboards.refresh()
    kept = {id: hit["_source"] for id, hit in documents(shop.settings, "recommendations").items()}
    profiles = {id: hit["_source"] for id, hit in documents(shop.settings, "profiles").items()}
    assert report.lists == len(kept)
    titles = {product.product_id: product.title for product in make_products(30)}
    for user, source in kept.items():
        RecommendationList(**{name: value for name, value in source.items() if value is not None})
        assert source["catalogue"] == 30
        assert source["new_share"] == 1.0  # listed today
        if profiles[user].get("personalisation") == "off":
            continue
        assert source.get("segment") == profiles[user].get("segment")
        assert source["product_names"] == [titles[id] for id in source["products"]]
        first = source["items"][0]
        assert source["lines"][0].startswith(f"01 · {first['title']} · {first['price']:.2f} GBP")
        if "reasons" in first:
            assert source["lines"][0].endswith(first["reasons"][0]["words"])
    assert shop.dashboards.refresh().unchanged
    shop.recommend_all(n=2)
    assert shop.dashboards.refresh().lists == len(kept)


def test_experiments_and_topics_are_figures(shop: ProfileStore) -> None:
    shop.feedback.experiments.create("spring", ["taste", "text"], start=START - DAY)
    shop.index_events(
        [
            Event(user_id=f"u{n}", type=type, product_id="p1", time=START + n * DAY / 24, method="taste",
                  request_id=f"r{n}", experiment="spring")
            for n in range(40)
            for type in ("impression", "click")[: 1 + n % 2]
        ]
    )  # fmt: skip
    shop.train_topics(topics=2)
    shop.dashboards.refresh()
    figures = [hit["_source"] for hit in documents(shop.settings, "figures").values()]
    rows = {(each["method"], each["metric"]): each for each in figures if each["figure"] == "experiment"}
    report = shop.feedback.experiment_report("spring")
    for arm in report.arms:
        row = rows[arm.method, "ctr"]
        assert (row["users"], row["rate"], row["low"], row["high"]) == (arm.users, arm.rate, arm.low, arm.high)
    assert rows["taste", "ctr"]["control"]
    assert rows["text", "ctr"]["conclusion"] == report.conclusion
    assert {name for name, _ in rows} == {"taste", "text"}
    topics = [each for each in figures if each["figure"] == "topic"]
    assert {each["topic"] for each in topics} == {topic["label"] for topic in shop.topics()}
    assert len(topics[0]["words"].split(", ")) > 3
    with_topics = [source for source in acts(shop).values() if "topics" in source]
    assert len(with_topics) > 0
