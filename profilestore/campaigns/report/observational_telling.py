"""What a comparison without a lot says, as sections: who was chosen, and what the difference comes to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from profilestore.campaigns.report.balance import Trait
from profilestore.campaigns.report.observational import Compared, ObservationalComparison
from profilestore.campaigns.report.observational_words import has_words, said
from profilestore.campaigns.report.population import FIGURES
from profilestore.campaigns.report.sections import Language, Section

__all__ = ["observational_sections"]

# Standardised differences from here on are said in words (Austin 2009).
_TELLING: Final = 0.1
_SAID_MOST: Final = 5
_FEW: Final = 50
# Of less than three months before, a figure says little of who somebody was.
_SHORT_DAYS: Final = 90.0
_SHARES: Final = frozenset(("bought",))


def observational_sections(found: ObservationalComparison, language: Language) -> list[Section]:
    """Who was chosen, and what the difference comes to."""
    return [_chosen(found, language), _difference(found, language)]


def _chosen(found: ObservationalComparison, language: Language) -> Section:
    key = "no lot" if found.inside > 0 else "nothing before"
    sentences = [said(key, language, inside=f"{found.inside:,}", others=f"{found.others:,}")]
    if found.unknown > 0 and found.inside > 0:
        sentences.append(said("unknown", language, count=f"{found.unknown:,}"))
    telling = [trait for trait in found.traits if abs(trait.before) >= _TELLING][:_SAID_MOST]
    if len(telling) > 0:
        joined = ("; " if language == "en" else "；").join(_traitsaid(trait, language) for trait in telling)
        sentences.append(said("differed", language, traits=joined))
    elif len(found.traits) > 0:
        sentences.append(said("alike", language))
    if any(trait.name not in FIGURES for trait in found.traits):
        sentences.append(said("of today", language))
    if len(found.concurrent) > 0:
        names = (", " if language == "en" else "，").join(
            said("both", language, name=name, inside=inside, others=others)
            for name, (inside, others) in sorted(found.concurrent.items(), key=lambda each: -each[1][0])
        )
        sentences.append(said("concurrent", language, names=names))
    sentences.append(said("consent", language))
    headings = tuple(
        said(key, language) for key in ("known", "in it", "not in it", "apart", "compared", "like them", "apart after")
    )
    return Section("chosen", said("chosen", language), tuple(sentences), headings, tuple(_rows(found, language)))


def _traitsaid(trait: Trait, language: Language) -> str:
    name, inside, others = _name(trait, language), _mean(trait, trait.inside), _mean(trait, trait.others)
    return said("trait", language, name=name, inside=inside, others=others, smd=trait.before)


def _rows(found: ObservationalComparison, language: Language) -> Iterator[tuple[str, ...]]:
    for trait in found.traits:
        yield (
            _name(trait, language), _mean(trait, trait.inside), _mean(trait, trait.others), f"{trait.before:+.2f}",
            _mean(trait, trait.compared), _mean(trait, trait.matched),
            "" if trait.after is None else f"{trait.after:+.2f}",
        )  # fmt: skip


def _difference(found: ObservationalComparison, language: Language) -> Section:
    title = said("difference", language)
    plain, matched = found.revenue.plain, found.revenue.matched
    if found.bought.plain is None or not found.enough:
        return Section("difference", title, (said("none before", language),))
    sentences = []
    if matched is None:
        sentences.append(said("nobody like" if found.compared == 0 else "paid alike", language))
    elif plain is not None:
        sentences.append(said("shrunk", language, plain=_range(plain, language), matched=_range(matched, language)))
        sentences.append(said("shown" if matched.low > 0.0 or matched.high < 0.0 else "not shown", language))
    if found.left_out > 0 and matched is not None:
        sentences.append(
            said("left out", language, left=f"{found.left_out:,}", inside=f"{found.inside:,}",
                  compared=f"{found.compared:,}")
        )  # fmt: skip
    if 0 < found.compared < _FEW:
        sentences.append(said("few", language, compared=found.compared))
    if matched is not None and found.looked_back < _SHORT_DAYS:
        sentences.append(said("short", language, days=found.looked_back))
    if found.cut_short > 0.0:
        sentences.append(said("cut", language, days=found.cut_short))
    sentences.append(said("method", language))
    headings = tuple(
        said(key, language) for key in ("outcome", "in it", "not in it", "plain", "compared", "like them", "matched")
    )
    rows = tuple(_outcome(key, each, language) for key, each in (("bought", found.bought), ("revenue", found.revenue)))
    return Section("difference", title, tuple(sentences), headings, rows)


def _outcome(key: str, found: Compared, language: Language) -> tuple[str, ...]:
    share = key in _SHARES
    plain, matched = found.plain, found.matched
    return (
        said(key, language),
        *(("", "", "") if plain is None else (_value(plain.treatment, share), _value(plain.control, share),
                                              _range(plain, language, share=share))),
        *(("", "", "") if matched is None else (_value(matched.treated, share), _value(matched.matched, share),
                                                _range(matched, language, share=share))),
    )  # fmt: skip


def _name(trait: Trait, language: Language) -> str:
    name, _, level = trait.name.partition("=")
    told = said(name, language) if has_words(name) else name
    return told if level == "" else f"{told} {level}"


def _mean(trait: Trait, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1%}" if "=" in trait.name else f"{value:,.2f}"


def _value(value: float, share: bool) -> str:
    return f"{value:.1%}" if share else f"{value:,.2f}"


def _range(found: Any, language: Language, *, share: bool = False) -> str:
    factor = 100.0 if share else 1.0
    value, low, high = (factor * each for each in (found.value, found.low, found.high))
    unit = "" if not share else " points" if language == "en" else " 个百分点"
    return f"{value:+,.2f} [{low:+,.2f}, {high:+,.2f}]" + unit
