"""The loop on a real server: from impressions in the log to the next request's body."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fold_runs import assert_exact, documents, make_events, make_products, small, stand_in

from profilestore import Event, ProfileStore, Settings, User
from profilestore.elastic import feedback_log
from profilestore.errors import ModelError, NotFound, UsageError
from profilestore.recommend.feedback.experiments import assign

START = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def shop(settings: Settings) -> Iterator[ProfileStore]:
    with stand_in(), ProfileStore.open(small(settings)) as store:
        store.init()
        store.index_products(make_products(30))
        yield store


def shown(
    method: str, clicks: int, impressions: int, *, users: int = 10, start: datetime = START, **more: Any
) -> list[Event]:
    """Impressions at positions 1 to 5, of which the first ones are clicked, spread over users."""
    events: list[Event] = []
    for n in range(impressions):
        common: dict[str, Any] = {
            "user_id": f"u{n % users}", "product_id": f"p{n % 30}", "method": method,
            "request_id": f"{method}-{n // 5}", "position": n % 5 + 1, **more,
        }  # fmt: skip
        when = start + timedelta(minutes=n)
        events.append(Event(type="impression", time=when, **common))
        if n * clicks // impressions < (n + 1) * clicks // impressions:
            events.append(Event(type="click", time=when + timedelta(seconds=30), **common))
    return events


def figures(shop: ProfileStore, **times: Any) -> dict[str, tuple[int, int, int]]:
    report = shop.feedback.report(**times)
    return {each.method: (each.impressions, each.clicks, each.conversions) for each in report.methods}


def test_the_report_counts_what_is_in_the_log(shop: ProfileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    bought = Event(user_id="u0", type="purchase", time=START + timedelta(days=2), product_id="p0")
    orphan = Event(user_id="u9", type="click", time=START, product_id="p9", method="text", request_id="nowhere")
    again = Event(
        user_id="u9",
        type="click",
        time=START + timedelta(hours=9),
        product_id="p9",
        method="taste",
        request_id="taste-1",
    )
    shop.index_events([*shown("taste", 40, 200), *shown("text", 10, 100), bought, orphan, again])
    monkeypatch.setattr(feedback_log, "_PAGE", 17)  # pages end within users
    expected = {"taste": (200, 40, 0), "text": (100, 10, 0)}
    report = shop.feedback.report()
    found = figures(shop)
    assert {name: each[:2] for name, each in found.items()} == {name: each[:2] for name, each in expected.items()}
    assert sum(each[2] for each in found.values()) == 1
    assert report.clicks_without_impression == {"text": 1}
    assert report.duplicate_clicks + sum(each[1] for each in found.values()) == 51
    assert [each.position for each in report.positions] == [1, 2, 3, 4, 5]
    assert report.users == 10
    half = figures(shop, since=START, until=START + timedelta(minutes=50))
    assert half["taste"][0] == half["text"][0] == 50
    assert figures(shop, since=START + timedelta(days=9)) == {}


def test_windows_and_times_that_cannot_be_meant(shop: ProfileStore) -> None:
    for wrong in ({"window_days": 0}, {"window_days": 1e9}, {"since": START, "until": START}):
        with pytest.raises(UsageError):
            shop.feedback.report(**wrong)


# ---------------------------------------------------------------- experiments


def test_an_experiment_assigns_tells_and_reports(shop: ProfileStore) -> None:
    shop.index_events(make_events(200, users=20, texts=False))
    made = shop.feedback.experiments.create("spring", ["text", "popular"], start=START - timedelta(days=900))
    shop.index_users([User(user_id="u1", personalisation="off")])
    asked = [f"u{n}" for n in range(20)] + ["stranger"]
    profiles = {id: hit["_source"] for id, hit in documents(shop.settings, "profiles").items()}
    out = {id for id, source in profiles.items() if source.get("personalisation") == "off"}
    assert "u1" in out
    assert len(out) < 15
    answers = list(shop.recommend_many(asked, n=3, experiment="spring"))
    for answer in answers:
        told = answer.to_json_dict()
        assert list(told) == ["user_id", "experiment", "request_id", "method", "took_ms", "items"]
        if answer.user_id in out:
            assert (answer.experiment, answer.method) == (None, "popular")
            continue
        assert answer.experiment == "spring"
        if answer.fallback is None:
            assert answer.method == assign(made, answer.user_id)
            assert answer.product_ids == shop.recommend(answer.user_id, n=3, method=answer.method).product_ids
    assert {answer.method for answer in answers if answer.fallback is None} == {"text", "popular"}
    assert len({answer.request_id for answer in answers}) == len(asked)
    assert "experiment" not in shop.recommend("u2", n=3).to_json_dict()

    now = datetime.now(UTC) - timedelta(hours=1)
    for answer in answers:
        if answer.experiment is not None:
            common = {"request_id": answer.request_id, "experiment": "spring", "method": answer.method}
            shop.record(
                [
                    Event(user_id=answer.user_id, type="impression", time=now, product_id=each, position=n, **common)
                    for n, each in enumerate(answer.product_ids)
                ]
            )
    shop.index_events(shown("text", 5, 50))  # of no experiment
    report = shop.feedback.experiment_report("spring")
    assert sum(arm.users for arm in report.arms) == len(asked) - len(out)
    assert sum(arm.impressions for arm in report.arms) == 3 * (len(asked) - len(out))
    assert report.comparisons[0].outcome == "nothing yet"
    assert report.state == "running"


def test_an_experiment_is_only_made_once_and_ends(shop: ProfileStore) -> None:
    experiments = shop.feedback.experiments
    experiments.create("once", ["text", "popular"], shares=[0.2, 0.8])
    with pytest.raises(UsageError, match="already"):
        experiments.create("once", ["text", "popular"])
    with pytest.raises(UsageError, match="end before it starts"):
        experiments.create("back", ["text", "popular"], start=START, end=START - timedelta(days=1))
    assert [each.name for each in experiments.list()] == ["once"]
    assert experiments.stop("once").state(datetime.now(UTC)) == "ended"
    assert experiments.stop("once") == experiments.get("once")
    answer = shop.recommend("u1", n=3, experiment="once")
    assert (answer.experiment, answer.request_id is not None) == (None, True)
    for name in ("never", "no such name"):
        with pytest.raises(NotFound):
            shop.recommend("u1", experiment=name)
        with pytest.raises(NotFound):
            experiments.stop(name)


# ---------------------------------------------------------------- the bandit


def test_the_bandit_learns_from_the_log_and_says_what_it_took(shop: ProfileStore) -> None:
    shop.index_events(make_events(300, users=40, texts=False))
    recent = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
    shop.index_events(shown("text", 400, 1000, start=recent) + shown("popular", 20, 1000, start=recent))
    wiser = shop.settings.model_copy(update={"bandit_methods": ("popular", "text", "taste")})
    users = [f"u{n}" for n in range(40)]
    with ProfileStore.open(wiser) as other:
        answers = list(other.recommend_many(users, n=3, method="bandit"))
        assert {answer.method for answer in answers if answer.fallback is None} == {"text"}
        assert list(answers[0].to_json_dict()) == ["user_id", "method", "took_ms", "items"]
        again = list(other.recommend_many(users, n=3, method="bandit"))
        assert [answer.product_ids for answer in answers] == [answer.product_ids for answer in again]
        assert other.recommend_request("u2", method="bandit").body == other.recommend_request("u2", method="text").body
        report = other.recommend_all(n=3, method="bandit")
        assert set(report.methods) <= {"text", "popular"}
    for methods, error in ((("taste",), ModelError), (("magic",), UsageError)):
        without = shop.settings.model_copy(update={"bandit_methods": methods})
        with ProfileStore.open(without) as other, pytest.raises(error):
            list(other.recommend_many(["u1"], method="bandit"))


# ---------------------------------------------------------------- apply


def test_apply_scales_the_boosts_of_the_next_request(shop: ProfileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from profilestore.recommend import methods

    assert "hybrid" in methods.METHODS
    shop.index_events(shown("text", 200, 2000) + shown("topics", 600, 2000))
    before = dict(shop.feedback.apply(dry_run=True).boosts)
    dry = shop.feedback.apply(dry_run=True)
    assert not dry.applied
    assert shop._recommender.trained(anew=True).boost_factors == ()
    done = shop.feedback.apply()
    assert done.applied
    assert done.boosts == before
    assert done.factors["text"] < 1 < done.factors["topics"]
    boosts = methods.boosts_of("hybrid", trained=shop._recommender.trained())
    assert boosts == pytest.approx({space: before[space] * done.factors[space] for space in before})
    with ProfileStore.open(shop.settings) as other:
        trained = other._recommender.trained()
        assert dict(trained.boost_factors) == done.factors
        assert other.feedback.apply().becomes == done.becomes  # twice is once
    shop.feedback.reset()
    assert methods.boosts_of("hybrid", trained=shop._recommender.trained()) == before
    shop.feedback.reset()


def test_event_weights_are_a_new_fold_in_force_for_everybody(shop: ProfileStore) -> None:
    events = make_events(300, users=30, texts=False)
    shop.index_events(events)
    old = {id: hit["_source"] for id, hit in documents(shop.settings, "profiles").items()}
    with stand_in(), ProfileStore.open(shop.settings) as other:
        late = [Event(user_id="u1", type="view", time=START + timedelta(seconds=n), product_id="p1") for n in range(40)]
        over = threading.Event()

        def write() -> None:
            with stand_in(), ProfileStore.open(shop.settings) as writer:
                for event in late:
                    writer.record(event)
            over.set()

        thread = threading.Thread(target=write)
        thread.start()
        changed = shop.feedback.apply_event_weights({"view": 0.9, "cart": 0.0})
        over.wait(60)
        thread.join()
        assert changed.build is not None
        assert changed.weights == {"view": 0.9, "cart": 0.0}
        other.record(Event(event_id="after", user_id="u2", type="view", time=START, product_id="p2"))
        after = Event(event_id="after", user_id="u2", type="view", time=START, product_id="p2")
        assert_exact(other, [*events, *late, after])
    new = {id: hit["_source"] for id, hit in documents(shop.settings, "profiles").items()}
    assert sum(new[id]["state"] != old[id]["state"] for id in old if id not in ("u1", "u2")) > 10
    assert shop.feedback.apply_event_weights({"view": 0.9}).build is None
    # A rebuild keeps them, and so does whoever opens the shop anew.
    shop.rebuild_all()
    assert shop._parts.in_force.products.identity().meta.event_weights == {"view": 0.9, "cart": 0.0}
    assert shop.verify_all().different == 0
    back = shop.feedback.apply_event_weights(None)
    assert (back.weights, back.build is None) == ({}, False)
    assert shop._parts.in_force.products.identity().meta.event_weights is None
    assert shop.verify_all().different == 0
