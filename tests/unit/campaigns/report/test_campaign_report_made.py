"""The report as a whole: verdicts, cautions, money, groups with advice, words in both languages, the page."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from campaign_arms import AFTER, STARTS, outcomes, people, shares, terms

from profilestore.campaigns.report.outcomes import Outcomes
from profilestore.campaigns.report.participants import Participants
from profilestore.campaigns.report.rendering import report_html, report_text
from profilestore.campaigns.report.report import CampaignReport, make_report
from profilestore.campaigns.report.sections import Language, Section
from profilestore.campaigns.report.terms import CampaignTerms
from profilestore.documents import CampaignDocument
from profilestore.errors import TooLittleData, UsageError


def report_of(
    drawn: Participants, done: Outcomes, campaign: CampaignTerms | None = None, **named: Any
) -> CampaignReport:
    named.setdefault("now", AFTER)
    return make_report(terms() if campaign is None else campaign, drawn, done, currency="CNY", **named)


def simple(*arms: tuple[bool, int, int], campaign: CampaignTerms | None = None, **named: Any) -> CampaignReport:
    treated, revenue = shares(*arms)
    return report_of(people(treated), outcomes(revenue), campaign, **named)


def keys(report: CampaignReport) -> list[str]:
    return [caution.key for caution in report.cautions]


@pytest.mark.parametrize(
    ("treatment", "control", "verdict"),
    [
        ((2000, 500), (2000, 400), "effective"),
        ((2000, 300), (2000, 400), "harmful"),
        ((5000, 1010), (5000, 1000), "not_shown"),
        ((500, 110), (50, 10), "too_small"),
        ((500, 5), (50, 0), "too_small"),
    ],
)
def test_the_verdict(treatment: tuple[int, int], control: tuple[int, int], verdict: str) -> None:
    report = simple((True, *treatment), (False, *control))
    assert report.verdict == verdict
    assert ("small_control" in keys(report) or "nobody_bought" in keys(report)) == (verdict == "too_small")


def test_a_campaign_that_runs_gets_no_verdict_however_good_it_looks() -> None:
    report = simple((True, 2000, 500), (False, 2000, 300), now=STARTS + timedelta(days=5))
    assert (report.verdict, keys(report)[0]) == ("early", "early")
    assert report.counted_until == STARTS + timedelta(days=5)
    followed = simple((True, 9, 5), (False, 9, 5), campaign=terms(follow_days=30), now=AFTER)
    assert followed.verdict == "early"
    assert "Too early" in report_text(report, "en")


def test_without_control_nothing_is_claimed() -> None:
    report = simple((True, 200, 50))
    assert (report.verdict, report.bought, report.control, report.money.roi) == ("no_control", None, None, None)
    assert report.groups == ()
    assert "no_control" in keys(report)
    assert "cannot say" in report_text(report, "en")


def test_what_shows_against_the_odds_is_said_to_be_overstated() -> None:
    unsure = simple((True, 800, 176), (False, 350, 54))
    assert (unsure.verdict, keys(unsure)) == ("effective", ["overstated"])
    sure = simple((True, 800, 400), (False, 350, 54))
    assert (sure.verdict, keys(sure)) == ("effective", [])


def test_a_campaign_without_anybody_or_before_it_began_has_nothing_to_tell() -> None:
    with pytest.raises(TooLittleData, match="begins on 2026-03-01"):
        simple((True, 10, 2), (False, 10, 2), now=STARTS)
    with pytest.raises(TooLittleData, match="nobody in its treatment"):
        simple((False, 10, 2))


def test_money_is_margin_times_what_was_bought_more_less_what_it_cost() -> None:
    treated, revenue = shares((True, 1000, 300), (False, 1000, 200))
    redeemed = np.zeros(2000, dtype=bool)
    redeemed[:40] = True
    discounts = np.where(redeemed, np.nan, 0.0)
    discounts[:30] = 2.0
    netted = np.where(np.arange(2000) < 30, 2.0, 0.0)
    done = outcomes(revenue, redeemed=redeemed, discounts=discounts, netted=netted)
    report = report_of(people(treated), done, terms(margin=0.5, cost_per_contact=0.1, coupon_value=3.0, budget=150.0))
    money = report.money
    assert (money.contacts, money.contact_cost) == (1000, pytest.approx(100.0))
    assert (money.redemption_cost, money.guessed) == (pytest.approx(30 * 2.0 + 10 * 3.0), 10)
    assert money.over_budget == pytest.approx(40.0)
    # 100 buyers more at 10.0, and the 60.0 that the coupon took off are put back, since they stand in the cost.
    assert money.worth is not None and money.earned is not None and money.roi is not None
    assert money.worth.value == pytest.approx((1000.0 + 60.0) / 1000)
    assert money.earned[0] == pytest.approx(0.5 * 1060.0 - 190.0)
    assert money.earned[1] == pytest.approx(0.5 * 1000 * money.worth.low - 190.0)
    assert money.roi[0] == pytest.approx(money.earned[0] / 190.0)
    free = report_of(people(treated), outcomes(revenue))
    assert (free.money.cost, free.money.roi) == (0.0, None)
    assert "no return on cost" in report_text(free, "en")


def test_the_verdict_says_whether_it_paid() -> None:
    treated, revenue = shares((True, 1000, 300), (False, 1000, 200))
    for cost, said in ((0.0, "It paid: "), (1.0, "Whether it paid cannot be said: "), (5.0, "It lost money: ")):
        report = report_of(people(treated), outcomes(revenue), terms(cost_per_contact=cost))
        assert said in report_text(report, "en")
    early = simple((True, 9, 5), (False, 9, 5), campaign=terms(follow_days=30), now=AFTER)
    assert "paid:" not in report_text(early, "en")


def test_who_was_not_reached_costs_nothing_and_still_counts() -> None:
    treated, revenue = shares((True, 100, 30), (False, 100, 20))
    drawn = replace(people(treated), reached=np.arange(200) < 60)
    report = report_of(drawn, outcomes(revenue), terms(cost_per_contact=1.0))
    assert report.money.contact_cost == 60.0
    assert report.bought is not None
    assert report.bought.treatment == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("changed", "drawn", "key"),
    [
        ({"control_share": 0.1}, None, "lot"),
        ({"drawn": {"treatment": 405, "control": 400}}, None, "gone"),
        ({"stopped": STARTS + timedelta(days=3)}, None, "stopped"),
        ({}, "opened", "crossed"),
        ({}, "reached", "nobody_reached"),
        ({}, "whale", "one_user"),
    ],
)
def test_what_shakes_the_comparison_is_said(changed: dict[str, Any], drawn: str | None, key: str) -> None:
    treated, revenue = shares((True, 400, 100), (False, 400, 100))
    users, done = people(treated), outcomes(revenue)
    if drawn == "opened":
        done = replace(done, opened=np.ones(800, dtype=bool))
    elif drawn == "reached":
        users = replace(users, reached=np.zeros(800, dtype=bool))
    elif drawn == "whale":
        done = replace(done, revenue=np.where(np.arange(800) == 0, 1000.0, done.revenue))
    found = report_of(users, done, terms(**changed))
    assert key in keys(found)
    assert key not in keys(report_of(people(treated), outcomes(revenue), terms(control_share=0.5)))
    assert all(report_text(found, language) != "" for language in ("en", "zh"))


def grouped(*, opted_out: bool = False) -> tuple[Participants, Outcomes]:
    """`moved` buy because of it, `loyal` buy anyway with a coupon, `few` are too few."""
    arms = [
        ("moved", True, 1500, 450), ("moved", False, 1500, 150), ("loyal", True, 1500, 1200),
        ("loyal", False, 1500, 1200), ("few", True, 15, 5), ("few", False, 15, 5),
    ]  # fmt: skip
    treated, revenue = shares(*((treated, users, bought) for _, treated, users, bought in arms))
    names = [name for name, _, users, _ in arms for _ in range(users)]
    drawn = people(treated, segment=names, value_tier=names)
    redeemed = np.array(treated) & (np.array(revenue) > 0.0)
    done = outcomes(revenue, redeemed=redeemed, discounts=np.where(redeemed, 1.0, 0.0))
    if opted_out:
        drawn = replace(drawn, opted_out=np.ones(len(drawn), dtype=bool))
    return drawn, done


def test_groups_are_advised_for_where_their_intervals_allow() -> None:
    report = report_of(*grouped())
    found = {(each.by, each.group): each for each in report.groups}
    assert {group for by, group in found if by == "segment"} == {"moved", "loyal"}
    assert found["segment", "moved"].advice == "pays"
    assert found["segment", "loyal"].advice == "anyway"
    assert found["segment", "moved"].p_bought >= found["segment", "moved"].bought.p
    words = report_text(report, "en")
    assert "Write to these, each user earned more than was spent: segment moved" in words
    assert "they would buy anyway: segment loyal" in words


def test_who_opted_out_is_in_no_group_by_recency_either() -> None:
    assert "recency" in {each.by for each in report_of(*grouped()).groups}
    assert "recency" not in {each.by for each in report_of(*grouped(opted_out=True)).groups}


def test_a_group_is_not_advised_for_by_chance_alone() -> None:
    rng = np.random.default_rng(5)
    names = [f"g{n}" for n in rng.integers(0, 12, 12_000)]
    treated = (rng.random(12_000) < 0.5).tolist()
    revenue = np.where(rng.random(12_000) < 0.2, rng.exponential(20.0, 12_000), 0.0)
    report = report_of(people(treated, segment=names), outcomes(revenue.tolist()))
    assert len(report.groups) == 13
    assert {each.advice for each in report.groups} == {"unsaid"}
    assert "nothing is advised" in report_text(report, "en")


def test_the_course_ends_where_the_report_does() -> None:
    treated, revenue = shares((True, 300, 90), (False, 100, 20))
    done = outcomes(revenue)
    days = np.arange(len(revenue)) % 14
    done = replace(done, first_day=np.where(done.bought, days, -1), order_days=days[done.bought])
    report = report_of(people(treated), done)
    assert [day.day for day in report.course] == list(range(1, 15))
    bought_at_once = int((done.first_day[np.array(treated)] == 0).sum())
    assert report.course[0].bought == pytest.approx(bought_at_once / 300) != 0.0
    last = report.course[-1]
    assert (last.bought, last.control_bought) == (pytest.approx(0.3), pytest.approx(0.2))
    assert (last.revenue, last.control_revenue) == (pytest.approx(3.0), pytest.approx(2.0))
    assert all(one.bought <= two.bought for one, two in zip(report.course, report.course[1:], strict=False))
    long = report_of(people(treated), done, terms(follow_days=400), now=STARTS + timedelta(days=415))
    assert len(long.course) <= 61 and long.course[-1].day == 414


class Others:
    def to_json_dict(self) -> dict[str, Any]:
        return {"matched": 1.0}

    def sections(self, language: Language) -> list[Section]:
        return [Section("unlike", "<b>Others</b>", ("<b>not</b> drawn by lot",))]


def test_everything_is_told_in_both_languages_and_as_json() -> None:
    report = report_of(*grouped(), unlike=Others())
    english, chinese = report_text(report, "en"), report_text(report, "zh")
    assert "What it cost and earned" in english
    assert "成本与收益" in chinese
    assert len(english.splitlines()) == len(chinese.splitlines())
    assert not any("一" <= each <= "鿿" for each in english)
    told = json.loads(json.dumps(report.to_json_dict()))
    assert told["unlike"] == {"matched": 1.0}
    assert told["bought"]["method"] == "newcombe"
    assert {"value", "low", "high"} <= set(told["money"]["worth"])
    assert told["groups"][0]["bought"]["low"] < told["groups"][0]["bought"]["high"]


def test_the_page_needs_nothing_else_and_holds_no_markup_of_the_data() -> None:
    drawn, done = grouped()
    evil = np.where(drawn.groups["segment"] == "moved", "<script>x</script>", "loyal").astype(object)
    drawn = replace(drawn, groups={**drawn.groups, "segment": evil})
    page = report_html(report_of(drawn, done, terms(name="<i>"), unlike=Others()), "zh")
    assert "<script" not in page and "<i>" not in page and "<b>" not in page
    assert "&lt;script&gt;" in page
    assert 'lang="zh-Hans"' in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert page.count("<svg") == 4  # segment, value tier, recency, day by day


def test_terms_are_read_from_the_record() -> None:
    held = CampaignDocument(
        kind="campaign", campaign="spring", starts=STARTS, ends=STARTS + timedelta(days=10), budget=100.0,
        channel="mail", created=STARTS + timedelta(days=2),
        counts={"treatment": 90, "control": 10, "withheld": {"cap": 3}},
        definition={"margin": 0.4, "follow_days": 7, "cost_per_contact": 0.05, "control_share": 0.1,
                    "offer": {"kind": "coupon", "value": 5.0}},
    )  # fmt: skip
    found = CampaignTerms.of(held)
    assert found.starts == STARTS + timedelta(days=2)  # nobody was drawn before
    assert found.counted_until == STARTS + timedelta(days=17)
    assert (found.margin, found.coupon_value, found.offer) == (0.4, 5.0, "coupon")
    assert (found.drawn, found.control_share) == ({"treatment": 90, "control": 10}, 0.1)
    past = CampaignTerms.of(held.model_copy(update={"imported": True, "definition": {"cost": 30.0}}))
    assert (past.starts, past.fixed_cost, past.margin, past.control_share) == (STARTS, 30.0, 1.0, None)
    with pytest.raises(UsageError):
        CampaignTerms.of(held.model_copy(update={"ends": None}))
