"""The report of a campaign as sections of words and tables, in English or Chinese."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from profilestore.campaigns.report.cautions import Caution
from profilestore.campaigns.report.drawings import course_drawing, effects_drawing
from profilestore.campaigns.report.effects import Difference
from profilestore.campaigns.report.figures import (
    amount,
    chance,
    count,
    count_of,
    moment,
    money_range,
    point_words,
    points,
    share,
    whole_amount,
)  # fmt: skip
from profilestore.campaigns.report.groups import GroupEffect
from profilestore.campaigns.report.report import CampaignReport
from profilestore.campaigns.report.sections import Language, Section
from profilestore.campaigns.report.words import said

__all__ = ["about", "sections_of", "title_of"]

_ACTS: Final = ("reached", "opened", "clicked", "claimed", "redeemed", "bought")
_COURSE_ROWS: Final = 10
_ADVICE: Final = ("pays", "moves", "anyway", "loses")


def title_of(report: CampaignReport, language: Language) -> str:
    """The heading of a report."""
    return said("title", language, name=report.terms.name)


def about(report: CampaignReport, language: Language) -> str:
    """Which period it speaks of, and as of when."""
    terms = report.terms
    return said(
        "about", language, starts=moment(terms.starts), ends=moment(terms.ends), until=moment(report.counted_until),
        as_of=moment(report.as_of), currency=report.currency,
    )  # fmt: skip


def sections_of(report: CampaignReport, language: Language) -> list[Section]:
    """All parts of the report, what matters most first."""
    parts = [_verdict(report, language), _arms(report, language)]
    if report.bought is not None:
        parts.append(_effect(report, language))
    parts.append(_money(report, language))
    if report.unlike is not None:
        parts += report.unlike.sections(language)
    if len(report.groups) > 0:
        parts += [_advice(report, language), *_groups(report, language)]
    parts += [_course(report, language), _method(report, language)]
    return parts


def _verdict(report: CampaignReport, language: Language) -> Section:
    facts: dict[str, Any] = {"difference": "", "p": "", "lift": ""}
    if report.bought is not None:
        facts |= {"difference": points(report.bought, language), "p": chance(report.bought.p)}
    if report.sizes is not None:
        facts["lift"] = share(report.sizes.lift)
    sentences = [said(f"is {report.verdict}", language, **facts)]
    earned = report.money.earned
    if earned is not None and report.verdict != "early":
        paid = "paid" if earned[1] > 0.0 else "lost" if earned[2] < 0.0 else "open"
        facts = {"earned": money_range(*earned), "currency": report.currency, "margin": share(report.money.margin)}
        sentences.append(said(f"paid {paid}", language, **facts))
    sentences += [_caution(caution, language) for caution in report.cautions]
    return Section("verdict", said("verdict", language), tuple(sentences))


def _caution(caution: Caution, language: Language) -> str:
    facts = dict(caution.facts)
    if caution.key in ("small_control", "overstated"):
        needed = "needs each" if facts["control_needed"] is None else "needs control"
        smallest = facts["smallest"]
        facts["needed"] = said(
            needed, language, control_needed=count(facts["control_needed"]), each_needed=count(facts["each_needed"])
        )
        facts["smallest"] = (
            said("sees nothing", language)
            if smallest is None
            else said("sees smallest", language, smallest=point_words(smallest, language))
        )
        facts["effect"] = point_words(facts["effect"], language)
        facts |= {name: share(facts[name]) for name in ("lift", "power")}
    if caution.key == "lot":
        facts |= {"share": share(facts["share"]), "planned": share(facts["planned"]), "p": chance(facts["p"])}
    if caution.key == "one_user":
        facts["share"] = share(facts["share"])
    told = {name: count(value) if isinstance(value, int) else value for name, value in facts.items()}
    told |= {name: moment(datetime.fromisoformat(told[name])) for name in ("until", "stopped") if name in told}
    return said(caution.key, language, **told)


def _arms(report: CampaignReport, language: Language) -> Section:
    arms = [arm for arm in (report.treatment, report.control) if arm is not None]
    rows = [(said("users", language), *(count(arm.users) for arm in arms))]
    for act in _ACTS:
        rows.append((said(act, language), *(count_of(getattr(arm, act), arm) for arm in arms)))
    rows.append((said("orders", language), *(count(arm.orders) for arm in arms)))
    rows.append((said("revenue", language), *(whole_amount(arm.revenue) for arm in arms)))
    rows.append((said("per user", language), *(f"{arm.revenue / arm.users:,.2f}" for arm in arms)))
    names = ("treatment", "control")[: len(arms)]
    return Section("arms", said("arms", language), (), ("", *(said(name, language) for name in names)), tuple(rows))


def _effect(report: CampaignReport, language: Language) -> Section:
    rows = []
    for name, difference in (("bought", report.bought), ("per user", report.revenue)):
        if difference is not None:
            of_users = name == "bought"
            shown = share if of_users else amount
            between = money_range(difference.value, difference.low, difference.high)
            rows.append(
                (said(name, language), shown(difference.treatment), shown(difference.control),
                 points(difference, language) if of_users else between,
                 chance(difference.p), _how(difference, language))
            )  # fmt: skip
    headings = ("", *(said(key, language) for key in ("treatment", "control", "difference", "p", "method head")))
    return Section("effect", said("effect", language), (), headings, tuple(rows))


def _money(report: CampaignReport, language: Language) -> Section:
    money = report.money
    rows = [
        (said("contact_cost", language, contacts=count(money.contacts)), amount(money.contact_cost)),
        (said("redemption_cost", language), amount(money.redemption_cost)),
        (said("cost", language), amount(money.cost)),
    ]
    if report.terms.budget is not None:
        rows.append((said("budget held", language), amount(report.terms.budget)))
    if money.worth is not None and money.earned is not None:
        rows.append((said("worth", language), money_range(money.worth.value, money.worth.low, money.worth.high)))
        rows.append((said("margin", language), share(money.margin)))
        rows.append((said("earned", language), money_range(*money.earned)))
        roi = said("roi unknown", language)
        if money.roi is not None:
            value, low, high = money.roi
            roi = f"{value:,.0%} [{low:,.0%}, {high:,.0%}]"
        rows.append((said("roi", language), roi))
    sentences = []
    if money.guessed > 0:
        sentences.append(said("guessed", language, guessed=count(money.guessed)))
    if money.over_budget > 0:
        sentences.append(said("over_budget", language, over=amount(money.over_budget)))
    return Section("money", said("money", language), tuple(sentences), ("", report.currency), tuple(rows))


def _advice(report: CampaignReport, language: Language) -> Section:
    sentences = []
    for advice in _ADVICE:
        chosen = [each for each in report.groups if each.advice == advice]
        if len(chosen) > 0:
            sentences.append(said(f"advise {advice}", language, groups=_group_names(chosen, language)))
    if len(sentences) == 0:
        sentences.append(said("advise nothing", language, count=len(report.groups)))
    if report.ungrouped > 0:
        sentences.append(said("ungrouped", language, ungrouped=count(report.ungrouped)))
    return Section("advice", said("advice", language), tuple(sentences))


def _groups(report: CampaignReport, language: Language) -> Iterator[Section]:
    head = ("group", "treatment", "control", "bought", "difference", "p holm", "earned a user", "advice head")
    for by in dict.fromkeys(each.by for each in report.groups):
        effects = [each for each in report.groups if each.by == by]
        rows = tuple(_group_row(each, language) for each in effects)
        title = f"{said('groups', language)}: {said(f'by {by}', language)}"
        headings = tuple(said(key, language) for key in head)
        yield Section(f"by-{by}", title, (), headings, rows, effects_drawing(effects, language))


def _group_row(each: GroupEffect, language: Language) -> tuple[str, ...]:
    profit = "–" if each.profit is None else money_range(each.profit.value, each.profit.low, each.profit.high)
    return (
        _plain_group(each, language), count(each.treatment), count(each.control),
        f"{share(each.bought.treatment)} / {share(each.bought.control)}", points(each.bought, language),
        chance(each.p_bought), profit, said(f"advice {each.advice}", language),
    )  # fmt: skip


def _course(report: CampaignReport, language: Language) -> Section:
    days = report.course
    step = max(1, -(-len(days) // _COURSE_ROWS))
    shown = [day for place, day in enumerate(days) if (place + 1) % step == 0 or place == len(days) - 1]
    rows = []
    for day in shown:
        row = [count(day.day), share(day.bought), amount(day.revenue)]
        if day.control_bought is not None and day.control_revenue is not None:
            row[2:] = [share(day.control_bought), amount(day.revenue), amount(day.control_revenue)]
        rows.append(tuple(row))
    arms = ("treatment", "control") if report.control is not None else ("treatment",)
    headings = [f"{said(what, language)}: {said(arm, language)}" for what in ("bought", "per user") for arm in arms]
    drawing = course_drawing(days, language)
    return Section("course", said("course", language), (), (said("day", language), *headings), tuple(rows), drawing)


def _method(report: CampaignReport, language: Language) -> Section:
    sentences = [said("how arms" if report.control is not None else "how unlike", language)]
    if report.money.earned is not None:
        sentences.append(said("how money", language))
    if len(report.groups) > 0:
        sentences.append(said("how groups", language, count=len(report.groups)))
    return Section("method", said("method", language), tuple(sentences))


def _how(difference: Difference, language: Language) -> str:
    adjusted = said("how adjusted", language) if difference.adjusted else ""
    return said(f"how {difference.method}", language) + adjusted


def _group_names(groups: list[GroupEffect], language: Language) -> str:
    """Such as `segment new, occasional; value tier high`."""
    comma, semicolon = (", ", "; ") if language == "en" else ("、", "；")
    by_way = {
        by: comma.join(_plain_group(each, language) for each in groups if each.by == by)
        for by in dict.fromkeys(each.by for each in groups)
    }
    return semicolon.join(f"{said(f'by {by}', language)} {names}" for by, names in by_way.items())


def _plain_group(each: GroupEffect, language: Language) -> str:
    return said(each.group, language) if each.group == "longer, or never" else each.group
