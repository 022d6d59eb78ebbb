"""Who a customer is: how the shop calls and reaches them, since when, by which channels they may be written to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from profilestore.insight.card.parts import Entry
from profilestore.insight.card.staff.service_case import ServiceCase, entry_of, joined
from profilestore.insight.card.staff.words import WORDS
from profilestore.insight.card.words import day, listed, word_of

__all__ = ["who"]

_NAMES_SHOWN: Final = 4
_CHARACTERS: Final = 60
# How the shop calls somebody and reaches them; never a number of a card, a passport or an account.
_NAME: Final = re.compile(r"(^|_)(name|surname|nickname|nick|salutation|title)(_|$)|姓名|称呼|昵称", re.IGNORECASE)
_REACH: Final = re.compile(
    r"(^|_)(e?mail|phone|mobile|telephone|tel|wechat|qq)(_|$)|手机|电话|邮箱|微信", re.IGNORECASE
)
_SECRET: Final = re.compile(
    r"(^|_)(card|account|iban|passport|ssn|id_?number|password|token|user_?name)(_|$)|身份证|卡号", re.IGNORECASE
)


def who(case: ServiceCase, language: str) -> list[Entry]:
    profile, words, zh = case.known.profile, WORDS[language], language == "zh"
    gender = profile.get("gender")
    fields = [None if gender is None else word_of("gender", gender, language),
              *(profile.get(name) for name in ("age", "occupation", "city", "province", "country"))]  # fmt: skip
    about = listed([str(value) for value in fields if value is not None], language)
    tier = profile.get("member_tier")
    member = None if tier is None else f"会员 {tier}" if zh else f"member: {tier}"
    since, last = profile.get("signup_date") or profile.get("first_seen"), profile.get("last_seen")
    told = [None if since is None else f"自 {day(since)} 起" if zh else f"since {day(since)}",
            None if last is None else f"最近活动 {day(last)}" if zh else f"last here {day(last)}"]  # fmt: skip
    channels = listed(profile.get("consent") or [], language) or words["no_consent"]
    entries = [entry_of("name", language, listed(_names(profile), language) or words["no_name"])]
    if about != "" or member is not None:
        entries.append(entry_of("about", language, joined(language, about, member)))
    if joined(language, *told) != "":
        entries.append(entry_of("times", language, joined(language, *told)))
    entries.append(entry_of("consent", language, channels))
    entries.append(entry_of("personalisation", language, words["is_off" if case.off else "not_off"]))
    return entries


def _names(profile: Mapping[str, Any]) -> list[str]:
    """How the shop calls this user, then how it reaches them, of what its own attributes say."""
    attributes = sorted((profile.get("attributes") or {}).items())
    held = {re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[\s.-]+", "_", name): str(value)[:_CHARACTERS]
            for name, value in attributes if isinstance(value, str | int)}  # fmt: skip
    shown = {name: value for name, value in held.items() if _SECRET.search(name) is None}
    names = [value for name, value in shown.items() if _NAME.search(name)]
    reach = [value for name, value in shown.items() if _REACH.search(name) and not _NAME.search(name)]
    return [*names, *reach][:_NAMES_SHOWN]
