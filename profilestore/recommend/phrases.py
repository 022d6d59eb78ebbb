"""Reasons in the words of a shopper, in English and Chinese.

A phrase names what the shopper did and the product they did it with; what they wrote themselves (searches,
reviews) is not repeated. Of an act that took something away (a refund, a low rating) it says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from profilestore.errors import UsageError

__all__ = ["LANGUAGES", "Language", "Telling", "phrase_act", "phrase_crowd"]

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How reasons are told: at most so many an item, or all for None, and in which language.

    Raises:
        UsageError: less than one, or a language that there is not.
    """

    most: int | None = 3
    language: Language = "en"

    def __post_init__(self) -> None:
        if self.most is not None and self.most < 1:
            raise UsageError("the number of reasons is at least 1, or all.")
        if self.language not in LANGUAGES:
            raise UsageError(f"reasons are told in {' or '.join(LANGUAGES)}.")


# By type of the act, (English, Chinese); {title} is the product of the act.
_ACTS: Final[dict[str, tuple[str, str]]] = {
    "purchase": ("because you bought {title}", "因为您购买过「{title}」"),
    "view": ("because you looked at {title}", "因为您浏览过「{title}」"),
    "click": ("because you looked at {title}", "因为您浏览过「{title}」"),
    "open": ("because you looked at {title}", "因为您浏览过「{title}」"),
    "session": ("because you are looking at {title}", "因为您正在看「{title}」"),
    "cart": ("because you put {title} into your cart", "因为您把「{title}」加入过购物车"),
    "favorite": ("because you saved {title}", "因为您收藏过「{title}」"),
    "like": ("because you liked {title}", "因为您喜欢过「{title}」"),
    "share": ("because you shared {title}", "因为您分享过「{title}」"),
    "comment": ("because you commented on {title}", "因为您评论过「{title}」"),
    "rate": ("because you rated {title} well", "因为您给「{title}」打过好评"),
    "review": ("because you reviewed {title}", "因为您评价过「{title}」"),
    "together": ("because it is often bought together with {title}", "因为它常与「{title}」一起购买"),
}
_OTHER_ACT: Final = ("because of what you did with {title}", "因为您与「{title}」的互动")
_AGAINST: Final[dict[str, tuple[str, str]]] = {
    "refund": ("because you returned {title}", "因为您退回过「{title}」"),
    "cart_remove": ("because you took {title} out of your cart", "因为您把「{title}」移出过购物车"),
}
_OTHER_AGAINST: Final = ("because {title} was not for you", "因为「{title}」不合您的心意")
_WORDS: Final[dict[str, tuple[str, str]]] = {
    "search": ("because of what you searched for", "因为您搜索过相关内容"),
    "review": ("because of what you wrote in a review", "因为您写过相关评价"),
}
_OTHER_WORDS: Final = ("because of what you wrote", "因为您写过相关内容")

# What speaks for a product without an act of this shopper; {count} and {value} where they are known.
_CROWD: Final[dict[str, tuple[str, str]]] = {
    "popular": ("because {count} customers chose it", "因为有 {count} 位顾客选择了它"),
    "trending": ("because many customers choose it at the moment", "因为近期很多顾客选择它"),
    "new": ("because it is new in the shop", "因为它是新品"),
    "popular-in-segment": ("because customers like you ({value}) choose it", "因为它受同类顾客（{value}）欢迎"),
    "similar-users": ("because customers with a taste like yours chose it", "因为与您品味相近的顾客选择了它"),
}


def phrase_act(kind: str, title: str | None, *, language: Language, against: bool = False) -> str:
    """Why, by one act of the shopper.

    Args:
        kind: the event's type; `together` of an association rule, `session` of what is looked at now.
        title: of the product of the act, or its id; None where the act was words alone.
        language: en or zh.
        against: whether the act had a negative weight.
    """
    if title is None:
        pair = _WORDS.get(kind, _OTHER_WORDS)
    elif against:
        pair = _AGAINST.get(kind, _OTHER_AGAINST)
    else:
        pair = _ACTS.get(kind, _OTHER_ACT)
    # not format(): a title may hold braces
    return pair[LANGUAGES.index(language)].replace("{title}", title or "")


def phrase_crowd(method: str, *, language: Language, count: int | None = None, value: str | None = None) -> str | None:
    """Why, by what other customers did; None for a method that says nothing of the kind, or a count of none.

    Args:
        method: the resolved method of the answer.
        language: en or zh.
        count: how many customers, for `popular`.
        value: of the segment, for `popular-in-segment`.
    """
    pair = _CROWD.get(method)
    if pair is None or (method == "popular" and (count is None or count < 1)):
        return None
    text = pair[LANGUAGES.index(language)]
    if method == "popular" and count == 1:
        text = ("because a customer chose it", "因为有顾客选择了它")[LANGUAGES.index(language)]
    return text.replace("{count}", str(count)).replace("{value}", value or "")
