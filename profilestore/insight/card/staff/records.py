"""The last orders, and what is open of refunds and questions."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from profilestore.insight.card.parts import Entry
from profilestore.insight.card.staff.service_case import ServiceCase, entry_of, joined
from profilestore.insight.card.staff.words import SENT_BACK, WORDS
from profilestore.insight.card.words import listed

__all__ = ["last_orders", "open_refunds"]

_ORDERS_SHOWN: Final = 3
_CASES_SHOWN: Final = 4
_PRODUCTS_SHOWN: Final = 3


def last_orders(case: ServiceCase, language: str) -> list[Entry]:
    zone, currency, zh = ZoneInfo(case.known.time_zone), case.known.currency, language == "zh"
    entries = []
    for order in case.orders[:_ORDERS_SHOWN]:
        named = [case.titles.get(id, id) for id in order.products[:_PRODUCTS_SHOWN]]
        more = len(order.products) - len(named)
        goods = listed(named, language) + (
            "" if more == 0 else f" 等 {len(order.products)} 种" if zh else f" + {more} more"
        )
        back = f"{order.back:,.2f} {currency}"
        returned = None if order.sent_back == "none" else (
            SENT_BACK[order.sent_back][1 if zh else 0].format(back=back)
        )  # fmt: skip
        state = (
            order.state if order.state is not None else None if returned is not None else WORDS[language]["no_state"]
        )
        pieces = f"{order.pieces:,g} 件" if zh else f"{order.pieces:,g} {'piece' if order.pieces == 1 else 'pieces'}"
        said = joined(language, f"{order.amount:,.2f} {currency}", pieces, state, returned, goods)
        entries.append(Entry(_local_day(order.time, zone), (said,)))
    return entries or [entry_of("nothing", language, WORDS[language]["no_orders"])]


def open_refunds(case: ServiceCase, language: str) -> list[Entry]:
    zone, words, zh = ZoneInfo(case.known.time_zone), WORDS[language], language == "zh"
    entries = []
    for each in case.cases[:_CASES_SHOWN]:
        money = None if each.amount is None else f"{each.amount:,.2f} {case.known.currency}"
        product = None if each.product_id is None else case.titles.get(each.product_id, each.product_id)
        order = None if each.order_id is None else f"订单 {each.order_id}" if zh else f"order {each.order_id}"
        since = f"自 {_local_day(each.time, zone)} 起" if zh else f"since {_local_day(each.time, zone)}"
        state = f"“{each.state}”" if each.state is not None else words["no_answer"]
        entries.append(entry_of(each.kind, language, joined(language, since, money, each.topic, state, order, product)))
    more = len(case.cases) - len(entries)
    if more > 0:
        entries.append(entry_of("nothing", language, f"另有 {more} 项" if zh else f"and {more} more"))
    if len(entries) > 0:
        return entries
    last = case.last_refund
    if last is None:
        return [entry_of("nothing", language, words["none_ever" if len(case.orders) > 0 else "none_open"])]
    product = case.titles.get(last.product_id or "", last.product_id or "")
    money = None if last.price is None else f"{last.amount:,.2f} {case.known.currency}"
    said = words["last_refund"].format(said=listed([part for part in (money, product) if part], language),
                                       day=_local_day(last.time, zone))  # fmt: skip
    return [entry_of("nothing", language, joined(language, words["none_open"], said))]


def _local_day(time: datetime, zone: ZoneInfo) -> str:
    return f"{time.astimezone(zone):%Y-%m-%d}"
