"""The acts of one user as documents: a pure function of their events, of the user and of the products now."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from profilestore.dashboards.refresh.sales import UNKNOWN, Sale, sales_of
from profilestore.dashboards.refresh.shelf import Shelf, ShelfProduct, digest, is_new
from profilestore.dashboards.refresh.told import Told
from profilestore.documents import Event
from profilestore.elastic.feedback_log import LoggedAct

__all__ = ["PERSON_FIELDS", "Person", "describe_acts", "month_of", "months_between", "words_of"]

# Counts up whenever what is derived changes, so that the next refresh derives all acts again.
_VERSION: Final = 1
PERSON_FIELDS: Final = ("segment", "value_tier", "churn_band", "lifecycle")
_REVIEWS: Final = ("review", "rate", "comment")
_LOOP: Final = ("impression", "click", "purchase")
_PERSONAL: Final = re.compile(r"@|(?:\d[\s()./+-]*){7,}")
_QUERY_LENGTH: Final = 100

Source = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """What acts take over of a user, as it is now: nothing where personalisation is off."""

    fields: Mapping[str, str]
    off: bool
    state: str

    @classmethod
    def of(cls, profile: Mapping[str, Any], *, scorer: str, place: str) -> Person:
        """From the profile, {} where there is none; `place` is what else all of the user's acts depend on."""
        off = profile.get("personalisation") == "off"
        fields = {} if off else {name: profile[name] for name in PERSON_FIELDS if profile.get(name) is not None}
        counts = profile.get("event_counts") or {}
        judge = scorer if not off and any(counts.get(type, 0) > 0 for type in _REVIEWS) else ""
        return cls(fields, off, digest(_VERSION, place, fields, off, judge))


def describe_acts(
    events: Sequence[tuple[int, Event]], *, person: Person, shelf: Shelf, zone: ZoneInfo, told: Told
) -> dict[str, Source]:
    """Documents by event id, as JSON values.

    Args:
        events: all valid events of one user with their `_seq_no`, in any order.
        person: whose they are.
        shelf: the products.
        zone: the shop's.
        told: outcomes of impressions, scores of reviews.
    """
    acts = sorted(
        ((seq, e) for seq, e in events if e.type != "attributes"), key=lambda act: (act[1].time, act[1].event_id)
    )
    if len(acts) == 0:
        return {}
    only = [event for _, event in acts]
    sales = sales_of(only)
    loop = _loop_fields(only, told)
    scores = {} if person.off else _scores(only, told)
    bought = next((event.time for event in only if event.type == "purchase"), None)
    since = None if bought is None else bought.astimezone(zone)
    found: dict[str, Source] = {}
    for place, (seq_no, event) in enumerate(acts):
        product = None if event.product_id is None else shelf.get(event.product_id)
        local = event.time.astimezone(zone)
        source: Source = {
            "event_id": event.event_id,
            "user_id": event.user_id,
            "type": event.type,
            "time": iso(event.time),
            "what": "–" if product is None else product.label,
            "first_act": place == 0,
            "hour": local.hour,
            "weekday": local.isoweekday(),
            **person.fields,
            "state": person.state,
            "seq_no": seq_no,
        }
        if since is not None:
            source |= {"cohort_month": month_of(since), "cohort_age": months_between(since, local)}
        if person.off:
            source["personalisation"] = "off"
        said = {
            **_said(event),
            **(_of_product(event, product, local) if product is not None else {}),
            **_sale(event, sales.get(event.event_id), product),
            **loop.get(event.event_id, {}),
            **scores.get(event.event_id, {}),
        }
        source |= {name: value for name, value in said.items() if value is not None}
        found[event.event_id] = source
    return found


def _said(event: Event) -> Source:
    """What the event itself says."""
    source: Source = {
        name: getattr(event, name) for name in ("quantity", "channel", "device", "experiment", "position", "rating")
    }
    if event.type in ("impression", "click"):
        source["method"] = event.method or UNKNOWN
    if event.type == "search":
        words = words_of(event)
        source["query_key"] = None if words is None else digest(words)
        source["no_result"] = _no_result(event)
    return source


def _of_product(event: Event, product: ShelfProduct, local: datetime) -> Source:
    told = event.type in ("impression", "click", "purchase")
    return {
        "product_id": event.product_id,
        "product": product.label,
        "title": product.title,
        "category": product.category,
        "brand": product.brand,
        "topics": list(product.topics) if len(product.topics) > 0 else None,
        "product_state": product.state,
        "new_product": is_new(product, local.date()) if told else None,
    }


def _sale(event: Event, sale: Sale | None, product: ShelfProduct | None) -> Source:
    """Money, and of a purchase its order and what it came of. Without a price the product's of today stands in."""
    if event.type not in ("purchase", "refund"):
        return {}
    amount = event.amount
    if event.price is None and product is not None and product.price is not None:
        pieces = 1.0 if event.quantity is None else event.quantity
        amount = max(0.0, product.price * pieces - (event.discount or 0.0))
    if sale is None:
        return {"revenue": -amount}
    key, number, method = sale
    return {
        "revenue": amount,
        "order_key": key,
        "order_number": number,
        "first_purchase": number == 1,
        "attributed": method is not None,
        "attributed_method": method,
    }


def _loop_fields(events: Sequence[Event], told: Told) -> dict[str, Source]:
    """Which impressions and clicks are repeated, and what came of impressions, as `feedback report` counts them."""
    loop = [event for event in events if event.type in _LOOP]
    if all(event.type == "purchase" for event in loop):
        return {}
    # The report reads times to the millisecond, which is what the log sorts by.
    loop.sort(key=lambda event: (_epoch_ms(event.time), event.event_id))
    shown = told.outcomes([_logged(event) for event in loop])
    found: dict[str, Source] = {}
    clicked: set[tuple[str, str | None]] = set()
    for place, event in enumerate(loop):
        if event.type == "impression":
            known = shown.get(place)
            found[event.event_id] = {"repeated": known is None}
            if known is not None:
                found[event.event_id] |= {"clicked": int(known.clicked), "converted": int(known.converted)}
        elif event.type == "click":
            key = (event.request_id or "", event.product_id)
            found[event.event_id] = {"repeated": event.request_id is not None and key in clicked}
            clicked.add(key)
    return found


def _logged(event: Event) -> LoggedAct:
    return LoggedAct(
        user_id=event.user_id,
        type=event.type,
        time_ms=_epoch_ms(event.time),
        product_id=event.product_id or "",
        method=event.method,
        position=event.position,
        request_id=event.request_id,
        experiment=event.experiment,
    )


def _scores(events: Sequence[Event], told: Told) -> dict[str, Source]:
    reviews = [(event.event_id, event.text) for event in events if event.type in _REVIEWS and event.text is not None]
    if len(reviews) == 0:
        return {}
    scored = told.score([text for _, text in reviews])
    return {
        id: {"sentiment": score, "sentiment_label": label}
        for (id, _), (score, label) in zip(reviews, scored, strict=True)
        if score is not None
    }


def words_of(event: Event) -> str | None:
    """The words of a search as they are counted: in small letters, one blank between; None where they look like a
    mail address or a telephone number, which some people type into any field."""
    words = " ".join((event.text or "").lower().split())[:_QUERY_LENGTH]
    return None if words == "" or _PERSONAL.search(words) is not None else words


def _no_result(event: Event) -> bool | None:
    """Whether a search found nothing, where the app says in `attributes.results` how many products it found."""
    said = (event.attributes or {}).get("results")
    if isinstance(said, str):
        return int(said) == 0 if said.isascii() and said.isdigit() else None
    return said == 0 if isinstance(said, (int, float)) and not isinstance(said, bool) else None


def iso(time: datetime) -> str:
    """A time as documents hold it: UTC, with milliseconds."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def month_of(local: datetime) -> str:
    """The month of a time in its own zone, such as 2011-03."""
    return f"{local.year:04d}-{local.month:02d}"


def months_between(first: datetime, then: datetime) -> int:
    """Months from the month of one time to that of another; negative for an earlier one."""
    return (then.year - first.year) * 12 + then.month - first.month


def _epoch_ms(time: datetime) -> int:
    return int(time.timestamp() * 1000.0)
