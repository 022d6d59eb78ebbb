"""A campaign against users who were not in it: who was chosen, what is left, and what is said in both languages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from profilestore.campaigns.report.known_users import Contacted, KnownUsers
from profilestore.campaigns.report.observational import observe
from profilestore.campaigns.report.population import Population
from profilestore.documents import Event
from profilestore.insight.history import DAY_S
from profilestore.insight.reading import HistoryBuilder


def population(seed: int = 1, *, effect: float = 0.0, users: int = 1500, pull: float = 1.0) -> Population:
    """Users chosen the more likely the more they spent; what they spend goes on as before, and an effect."""
    rng = np.random.default_rng(seed)
    usual = rng.gamma(2.0, 10.0, users)
    spent = usual * rng.gamma(8.0, 1 / 8.0, users)
    even = (np.log1p(spent) - np.log1p(spent).mean()) / np.log1p(spent).std()
    inside = rng.random(users) < 1 / (1 + np.exp(1.0 - pull * even))
    revenue = usual * rng.gamma(8.0, 1 / 8.0, users) / 10 + effect * inside
    revenue[rng.random(users) < 0.2] = 0.0
    return Population(
        inside=inside,
        figures={
            "spent_year": spent, "spent_month": spent / 12, "orders_year": np.round(spent / 10),
            "recency_days": 3000 / (spent + 10), "campaigns": np.zeros(users),
        },
        bought=revenue > 0,
        revenue=revenue,
        traits={"age": np.where(np.arange(users) % 3 == 0, np.nan, 40.0 + 5.0 * even)},
        groups={"income_band": np.where(even > 0, "high", "low").astype(object)},
        others={"summer": inside & (np.arange(users) % 2 == 0)},
    )  # fmt: skip


def test_a_plain_difference_that_is_only_who_was_chosen_goes_by_matching() -> None:
    found = observe(population(), currency="GBP", days=14)
    plain, matched = found.revenue.plain, found.revenue.matched
    assert plain is not None and matched is not None
    assert plain.low > 0.0
    assert matched.low < 0.0 < matched.high
    spent = next(trait for trait in found.traits if trait.name == "spent_year")
    assert spent.before > 0.5
    assert spent.after is not None and abs(spent.after) < 0.1


def test_an_effect_is_found() -> None:
    found = observe(population(effect=1.5), currency="GBP", days=14).revenue.matched
    assert found is not None
    assert 0.0 < found.low < 1.2 < found.high  # a fifth of the users buy nothing whatever they get


def test_who_has_nobody_like_them_is_left_out_and_counted() -> None:
    made = population()
    far = made.figures["spent_year"].copy()
    rows = np.flatnonzero(made.inside)[:20]
    far[rows] = 1e6
    found = observe(
        Population(inside=made.inside, figures={**made.figures, "spent_year": far}, bought=made.bought,
                   revenue=made.revenue), currency="GBP", days=14,
    )  # fmt: skip
    assert found.left_out >= 20
    assert f"{found.left_out} of {found.inside} are left out" in text(found)


def test_traits_are_told_the_most_telling_first_and_levels_as_shares() -> None:
    found = observe(population(), currency="GBP", days=14)
    sizes = [abs(trait.before) for trait in found.traits]
    assert sizes == sorted(sizes, reverse=True)
    band = next(trait for trait in found.traits if trait.name == "income_band=high")
    assert 0.0 < band.others < band.inside < 1.0
    assert "campaigns" in {trait.name for trait in found.traits}
    assert found.concurrent["summer"][1] == 0.0


@pytest.mark.parametrize("same", [9.99, 0.1, 19.95, 1e-9 / 3])
def test_what_all_spent_alike_tells_nobody_apart(same: float) -> None:
    made = population(users=300)
    figures = {**made.figures, "spent_year": np.full(300, same), "spent_month": np.full(300, same)}
    found = observe(
        Population(inside=np.arange(300) < 101, figures=figures, bought=made.bought, revenue=made.revenue,
                   traits={"income": np.full(300, same)}), currency="GBP", days=14,
    )  # fmt: skip
    alike = [trait for trait in found.traits if trait.name in ("spent_year", "spent_month", "income")]
    assert [(trait.before, trait.after) for trait in alike] == [(0.0, 0.0)] * 3


def test_where_nobody_paid_anything_it_is_not_said_that_nobody_is_like_them() -> None:
    made = population()
    nothing = Population(
        inside=made.inside, figures=made.figures, bought=np.zeros(1500, dtype=bool), revenue=np.zeros(1500)
    )
    found = observe(nothing, currency="GBP", days=14)
    assert found.compared > 100 and found.revenue.matched is None
    assert "all paid the same" in text(found)
    assert "Fewer than 10" not in text(found)
    assert "支付的金额都相同" in text(found, "zh")


def text(found: Any, language: Any = "en") -> str:
    return "\n".join(sentence for section in found.sections(language) for sentence in section.sentences)


def test_words_say_why_it_is_no_random_control() -> None:
    found = observe(population(), currency="GBP", days=14, unknown=3, cut_short=5.2, looked_back=35.0)
    said = text(found)
    assert "Nobody was drawn by lot" in said
    assert "spent in the year before" in said
    assert "summer" in said
    assert "consent was not asked" in said
    assert "3 more were in it" in said
    assert "log ends 5 days before" in said
    assert "log begins 35 days before" in said
    assert "log begins" not in text(observe(population(), currency="GBP", days=14))
    assert "Abadie and Imbens" in said
    chinese = text(found, "zh")
    assert "没有任何人是抽签决定的" in chinese
    assert "前一年消费" in chinese
    for section in found.sections("en"):
        assert all(len(row) == len(section.headings) for row in section.rows)


@pytest.mark.parametrize("inside", [0, 4])
def test_too_few_have_no_comparison(inside: int) -> None:
    made = population(users=200)
    few = np.zeros(200, dtype=bool)
    few[:inside] = True
    found = observe(
        Population(inside=few, figures=made.figures, bought=made.bought, revenue=made.revenue),
        currency="GBP", days=14,
    )  # fmt: skip
    assert found.revenue.matched is None
    assert "Nothing can be compared" in text(found)
    found.to_json_dict()


# ---------------------------------------------------------------- known users

START = datetime(2026, 3, 1, tzinfo=UTC).timestamp()


def event(user: str, days: float, amount: float, type: str = "purchase") -> Event:
    return Event(user_id=user, type=type, product_id="p", price=amount, quantity=1.0,  # type: ignore[arg-type]
                 time=datetime.fromtimestamp(START + days * DAY_S, UTC))  # fmt: skip


def known(events: list[Event], *contacted: Contacted) -> KnownUsers:
    builder = HistoryBuilder()
    builder.add(events)
    return KnownUsers(builder.build(as_of=START + 400 * DAY_S), contacted, {}, {})


def test_figures_are_of_before_and_outcomes_of_the_period() -> None:
    users = known(
        [
            event("a", -200, 5.0), event("a", -10, 7.0), event("a", 3, 11.0), event("a", 20, 13.0),
            event("b", -400, 9.0), event("c", 1, 2.0),
        ],
        Contacted("earlier", START - 30 * DAY_S, START - 5 * DAY_S, np.array([0]), np.array([START - 30 * DAY_S])),
        Contacted("beside", START + DAY_S, START + 5 * DAY_S, np.array([1]), np.array([START + DAY_S])),
        Contacted("this", START, START + 14 * DAY_S, np.array([0]), np.array([START])),
    )  # fmt: skip
    made, who = users.population("this", np.array([0]), begin=START, end=START + 14 * DAY_S)
    assert who.tolist() == [True, True, False]  # c had not acted before
    assert made.figures["spent_year"].tolist() == [12.0, 0.0]
    assert made.figures["spent_month"].tolist() == [7.0, 0.0]
    assert made.figures["orders_year"].tolist() == [2.0, 0.0]
    assert made.figures["recency_days"].tolist() == pytest.approx([10.0, 365.0])
    assert made.figures["campaigns"].tolist() == [1.0, 0.0]
    assert made.revenue.tolist() == [11.0, 0.0]
    assert made.bought.tolist() == [True, False]
    assert list(made.others) == ["beside"]
    assert made.others["beside"].tolist() == [False, True]


def test_no_figure_sees_what_happens_from_the_start_on() -> None:
    past = [event(f"u{n}", -1.0 - 7 * n, 5.0 + n) for n in range(30)]
    later = [event(f"u{n}", 2.0, 100.0 * n + 1) for n in range(30)]
    refund = [event("u3", 4.0, 8.0, "refund")]  # of what was bought before: nobody knew by then
    one, _ = known(past).population("this", np.array([1]), begin=START, end=START + 14 * DAY_S)
    two, _ = known([*past, *later, *refund]).population("this", np.array([1]), begin=START, end=START + 14 * DAY_S)
    for name, values in one.figures.items():
        assert values.tolist() == two.figures[name].tolist(), name


def test_who_was_unknown_and_days_without_log_are_told() -> None:
    users = known([event(f"u{n:02}", -5.0, 5.0) for n in range(80)] + [event("u01", 4.0, 1.0)])
    found = users.compare(
        "this", ["u01", "u02", "nobody"], starts=datetime.fromtimestamp(START, UTC),
        ends=datetime.fromtimestamp(START + 14 * DAY_S, UTC), currency="GBP",
    )  # fmt: skip
    assert (found.inside, found.others, found.unknown) == (2, 78, 1)
    assert found.cut_short == pytest.approx(10.0, abs=0.01)
    assert found.looked_back == pytest.approx(5.0, abs=0.01)
