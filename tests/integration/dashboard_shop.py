"""A shop of real orders for the tests of dashboards, and the tables that its panels should be worked out from.

Orders are a sample of Online Retail. What that data lacks (views, searches, reviews, impressions, attributes of
users, results of insight) is made up by a seeded generator, and so known too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from elasticsearch import Elasticsearch

from profilestore import Event, Product, ProfileStore, User
from profilestore.settings import Settings

__all__ = ["ZONE", "DashboardShop", "planted_shop"]

SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
ZONE = ZoneInfo("Asia/Shanghai")
_USERS = 24
_METHODS = ("taste", "hybrid", "popular")
_TEXTS = ("very good, I love it", "terrible quality, broken and ugly", "it is a box")
_TOPICS = ("red · retro", "cake · tin", "light · glass")
_QUERIES = ("blue mug", "Red  Mug", "unicorn", "lamp", "mail me at someone@example.org")
_SEGMENTS = ("gifts", "kitchen", "lights")
_TIERS = ("high", "mid", "low")


@dataclass(frozen=True)
class DashboardShop:
    """The shop and, by kind of index, the documents that it should hold."""

    store: ProfileStore
    settings: Settings
    frames: dict[str, pd.DataFrame]


@contextmanager
def planted_shop(server_url: str, home: Path) -> Iterator[DashboardShop]:
    """A shop of these data under a prefix of its own, gone when the block ends; skips where the data is missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip("real data: the folder ../shared/data beside the project is missing")
    prefix = f"t-{uuid4().hex[:12]}"
    try:
        made = _open_shop(Settings(home=home, prefix=prefix, elasticsearch_url=server_url), SHARED_DATA)
        yield made
        made.store.close()
    finally:
        with Elasticsearch(server_url, request_timeout=60) as client:
            rows = client.cat.indices(index=f"{prefix}-*", expand_wildcards="all", h="index", format="json")
            client.indices.delete(index=[row["index"] for row in rows])
            for each in client.indices.get_index_template(name=f"{prefix}-*")["index_templates"]:
                client.indices.delete_index_template(name=each["name"])


def _open_shop(settings: Settings, data: Path) -> DashboardShop:
    """Load all of it and bring the dashboards' indices to the day."""
    settings = settings.model_copy(update={"text_model": "words", "time_zone": ZONE.key, "currency": "GBP"})
    draw = np.random.default_rng(11)
    lines = _sample(data)
    products = _products(lines)
    users = _users(sorted(lines.user_id.unique()), draw)
    events = pd.concat([lines, _other_events(lines, products, draw)], ignore_index=True).sort_values(
        ["time", "event_id"], ignore_index=True
    )
    store = ProfileStore.open(settings)
    store.init()
    store.index_products(_models(Product, products, ("product_id", "title", "category", "brand", "price")))
    store.index_events(_events(events))
    store.index_users(
        _models(User, users, ("user_id", "age", "gender", "province", "country", "member_tier", "personalisation"))
    )
    assert settings.elasticsearch_url is not None
    with Elasticsearch(settings.elasticsearch_url) as client:
        told = _plant(client, settings, products, users, draw)
        lists = _recommend(client, settings, products, users, draw)
        store.dashboards.refresh()
        segments, figures = _plant_figures(client, settings)
        categories = _folded(client, settings)
    users = users.merge(told, on="user_id").merge(categories, on="user_id")
    activity = _activity(events, products, users)
    spoken = dict(zip(_TEXTS, store.insight.sentiment.of(_TEXTS), strict=True))
    reviewed = activity.text.where((activity.type == "review") & (activity.personalisation != "off"))
    activity["sentiment"] = reviewed.map({text: said.score for text, said in spoken.items()})
    activity["sentiment_label"] = reviewed.map({text: said.label for text, said in spoken.items()})
    frames = {
        "activity": activity,
        "profiles": _profiles(users, activity),
        "recommendations": _lists(lists, products, users),
        "figures": pd.concat([_retention(activity, users), figures], ignore_index=True),
        "segments": segments,
    }
    return DashboardShop(store, settings, {kind: _with_lists(frame) for kind, frame in frames.items()})


def _with_lists(frame: pd.DataFrame) -> pd.DataFrame:
    """A field of lists is an empty one where there is nothing."""
    for name in frame:
        if frame[name].map(lambda value: isinstance(value, list)).any():
            frame[name] = frame[name].map(lambda value: value if isinstance(value, list) else [])
    return frame


def _models(kind: Any, frame: pd.DataFrame, fields: tuple[str, ...]) -> list[Any]:
    """A model a row, of what the row has."""
    rows = frame.reindex(columns=list(fields)).to_dict("records")
    known = [{name: value for name, value in row.items() if value is not None and value == value} for row in rows]
    return [
        kind(**{n: v.to_pydatetime() if isinstance(v, pd.Timestamp) else v for n, v in row.items()}) for row in known
    ]


def _events(frame: pd.DataFrame) -> list[Event]:
    fields = (
        "event_id",
        "user_id",
        "type",
        "time",
        "product_id",
        "quantity",
        "price",
        "order_id",
        "text",
        "rating",
        "method",
        "request_id",
        "position",
        "attributes",
    )
    return _models(Event, frame, fields)


def _sample(data: Path) -> pd.DataFrame:
    """All lines of some customers, two months of each quarter."""
    raw = pd.read_parquet(data / "online_retail" / "online_retail.parquet")
    raw = raw[raw.CustomerID.notna() & (raw.UnitPrice > 0) & raw.Description.notna()]
    ids = pd.Series(sorted(raw.CustomerID.unique()))
    raw = raw[raw.CustomerID.isin(ids.iloc[:: len(ids) // _USERS][:_USERS])].reset_index(drop=True)
    lines = pd.DataFrame(
        {
            "event_id": [f"line-{n}" for n in range(len(raw))],
            "user_id": raw.CustomerID.astype(str).str.removesuffix(".0"),
            "type": np.where(raw.Quantity > 0, "purchase", "refund"),
            "time": pd.to_datetime(raw.InvoiceDate).dt.tz_localize("UTC"),
            "product_id": raw.StockCode.astype(str),
            "title": raw.Description.str.strip(),
            "quantity": raw.Quantity.abs().astype(float),
            "price": raw.UnitPrice.astype(float),
            "order_id": raw.InvoiceNo.astype(str),
        }
    )
    return lines.sort_values("time", ignore_index=True)


def _products(lines: pd.DataFrame) -> pd.DataFrame:
    found = lines.groupby("product_id", as_index=False).agg(title=("title", "last"), price=("price", "last"))
    number = np.arange(len(found))
    found["category"] = [None if n % 11 == 0 else f"category {n % 5}" for n in number]
    found["brand"] = [None if n % 3 == 0 else f"brand {n % 4}" for n in number]
    found["listed"] = ["2011-11-20" if n % 3 == 0 else "2009-01-01" for n in number]
    found["topics"] = [[_TOPICS[n % 3], _TOPICS[(n + 1) % 3]] if n % 4 == 0 else [_TOPICS[n % 3]] for n in number]
    short = found.title.str.slice(0, 60).str.strip()
    found["product"] = short.where(
        ~found.title.str.slice(0, 60).duplicated(keep=False), short + " · " + found.product_id
    )
    return found


def _users(ids: list[str], draw: np.random.Generator) -> pd.DataFrame:
    n = len(ids)
    number = np.arange(n)
    return pd.DataFrame(
        {
            "user_id": ids,
            "age": [None if k % 9 == 0 else int(age) for k, age in enumerate(draw.integers(14, 80, n))],
            "gender": [("female", "male", None)[k % 3] for k in number],
            "province": [f"province {k % 4}" for k in number],
            "country": [("United Kingdom", "France")[k % 2] for k in number],
            "member_tier": [("gold", None)[k % 2] for k in number],
            "personalisation": ["off" if k in (4, 17) else None for k in number],
        }
    )


def _other_events(lines: pd.DataFrame, products: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    bought = lines[lines.type == "purchase"].sample(600, random_state=3).reset_index(drop=True)
    rows: list[dict[str, Any]] = []
    for n, line in enumerate(bought.to_dict("records")):
        kind = ("view", "cart", "search", "review", "view", "view")[n % 6]
        row = {
            "event_id": f"other-{n}",
            "user_id": line["user_id"],
            "type": kind,
            "time": line["time"] - pd.Timedelta(hours=2 + n % 5),
        }
        if kind == "search":
            query = _QUERIES[n // 6 % len(_QUERIES)]
            row |= {"text": query, "attributes": {"results": 0 if query == "unicorn" else 3}}
        else:
            row["product_id"] = line["product_id"]
        if kind == "review":
            row |= {"text": _TEXTS[n // 6 % 3], "rating": float(1 + n % 5)}
        rows.append(row)
    rows += _shown(bought, draw)
    return pd.DataFrame(rows)


def _shown(bought: pd.DataFrame, draw: np.random.Generator) -> list[dict[str, Any]]:
    """Impressions, one a user and product, some clicked; those of odd number are of what is bought a day later."""
    rows: list[dict[str, Any]] = []
    pairs = bought.drop_duplicates(["user_id", "product_id"]).head(250).to_dict("records")
    for n, line in enumerate(pairs):
        shift = pd.Timedelta(days=1 if n % 2 == 1 else -30)
        base = {
            "user_id": line["user_id"],
            "product_id": line["product_id"],
            "method": _METHODS[n % 3],
            "request_id": f"request-{n}",
            "position": n % 5,
        }
        rows.append({"event_id": f"shown-{n}", "type": "impression", "time": line["time"] - shift, **base})
        if n % 7 == 0:  # the page drawn again
            rows.append(
                {
                    "event_id": f"again-{n}",
                    "type": "impression",
                    "time": line["time"] - shift + pd.Timedelta(minutes=1),
                    **base,
                }
            )
        if draw.random() < 0.3:
            rows.append(
                {
                    "event_id": f"click-{n}",
                    "type": "click",
                    "time": line["time"] - shift + pd.Timedelta(minutes=5),
                    **base,
                }
            )
    return rows


def _plant(
    client: Elasticsearch, settings: Settings, products: pd.DataFrame, users: pd.DataFrame, draw: np.random.Generator
) -> pd.DataFrame:
    """Topics of products, and results of insight for all who allow them."""
    operations: list[dict[str, Any]] = []
    for row in products.to_dict("records"):
        operations += [
            {"update": {"_index": settings.index("products"), "_id": row["product_id"]}},
            {"doc": {"main_topics": row["topics"], "listed": row["listed"]}},
        ]
    told: list[dict[str, Any]] = []
    for n, row in enumerate(users.to_dict("records")):
        fields = _told(n, draw) if row["personalisation"] != "off" else {}
        told.append({"user_id": row["user_id"], **fields})
        if len(fields) > 0:
            written = {
                name: value.isoformat() if isinstance(value, pd.Timestamp) else value
                for name, value in fields.items()
                if value is not None
            }
            operations += [{"update": {"_index": settings.index("profiles"), "_id": row["user_id"]}}, {"doc": written}]
    assert not client.bulk(operations=operations, refresh=True)["errors"]
    return pd.DataFrame(told)


def _told(n: int, draw: np.random.Generator) -> dict[str, Any]:
    names = [f"category {k}" for k in range(5)]
    return {
        "segment": _SEGMENTS[n % 3] if n % 8 != 0 else None,
        "value_tier": _TIERS[n % 3 if n % 2 == 0 else 2],
        "rfm_recency": 1 + n % 5,
        "rfm_frequency": 1 + n % 4,
        "rfm_segment": ("loyal", "lost")[n % 2],
        "clv_90d": round(float(draw.gamma(2.0, 60.0)), 2),
        "churn_risk": round(float(draw.random()), 3),
        "churn_band": ("low", "medium", "high")[n % 3],
        "lifecycle": ("new", "active", "at-risk", "lapsed")[n % 4],
        "purchase_30d": round(float(draw.random()), 3),
        "likely_categories": names[n % 4 : n % 4 + 2],
        "interest_drift": round(float(draw.random()), 3),
        "next_purchase_at": pd.Timestamp("2011-12-12", tz="UTC") + pd.Timedelta(days=n % 20),
        "rising_categories": [names[n % 5]],
        "falling_categories": [names[(n + 1) % 5]],
        "rising_brands": [f"brand {n % 4}"],
        "falling_brands": [f"brand {(n + 1) % 4}"],
        "rising_topics": [_TOPICS[n % 3]],
        "falling_topics": [_TOPICS[(n + 2) % 3]],
    }


def _recommend(
    client: Elasticsearch, settings: Settings, products: pd.DataFrame, users: pd.DataFrame, draw: np.random.Generator
) -> pd.DataFrame:
    """Lists of five; of who has personalisation off too, as `recommend --all` makes them of popular products."""
    rows: list[dict[str, Any]] = []
    operations: list[dict[str, Any]] = []
    for n, user in enumerate(users.user_id):
        chosen = products.iloc[draw.choice(min(60, len(products)), 5, replace=False)]
        items = [
            {"product_id": row["product_id"], "title": row["title"], "price": row["price"], "score": 1.0}
            for row in chosen.to_dict("records")
        ]
        made = {
            "user_id": user,
            "as_of": "2011-12-09T12:00:00Z",
            "method": _METHODS[n % 3],
            "run": "r",
            "generation": "000001",
            "products": list(chosen.product_id),
            "items": items,
        }
        rows.append(made)
        operations += [{"index": {"_index": settings.index("recommendations"), "_id": user}}, made]
    assert not client.bulk(operations=operations, refresh=True)["errors"]
    return pd.DataFrame(rows)


def _plant_figures(client: Elasticsearch, settings: Settings) -> tuple[pd.DataFrame, pd.DataFrame]:
    segments = [
        {
            "segment": name,
            "kind": "behaviour",
            "time": f"2011-{month:02d}-15T00:00:00Z",
            "members": 5 * month + place,
            "entries": 1,
            "exits": 0,
            "users": 43,
            "share": 0.2,
        }
        for month in (3, 6, 12)
        for place, name in enumerate(_SEGMENTS)
    ]
    figures: list[dict[str, Any]] = [
        {"figure": "topic", "topic": name, "words": f"{name} words", "products": 10 + n, "share": 0.1}
        for n, name in enumerate(_TOPICS)
    ]
    figures += [
        {
            "figure": "experiment",
            "experiment": "spring",
            "method": method,
            "metric": "ctr",
            "users": 20 + n,
            "impressions": 90 + n,
            "rate": 0.1 + n / 100,
            "low": 0.05,
            "high": 0.2,
            **({} if n == 0 else {"difference": 0.01, "difference_low": -0.01, "difference_high": 0.03}),
        }
        for n, method in enumerate(_METHODS[:2])
    ]
    for n, row in enumerate([*segments, *figures]):
        index = settings.index("segments" if "members" in row else "figures")
        client.index(index=index, id=f"planted-{n}", document=row)
    client.indices.refresh(index=[settings.index("segments"), settings.index("figures")])
    held = pd.DataFrame(segments)
    held["time"] = pd.to_datetime(held["time"])
    return held, pd.DataFrame(figures)


def _folded(client: Elasticsearch, settings: Settings) -> pd.DataFrame:
    """Main categories: decayed sums that the fold's own tests prove."""
    found = client.search(
        index=settings.index("profiles"), size=1000, source=["user_id", "category", "main_categories"]
    )
    rows = [hit["_source"] for hit in found["hits"]["hits"]]
    return pd.DataFrame(rows).rename(columns={"category": "main_category"})


def _activity(events: pd.DataFrame, products: pd.DataFrame, users: pd.DataFrame) -> pd.DataFrame:
    facts = products[["product_id", "product", "category", "brand", "topics"]]
    people = users[["user_id", "segment", "value_tier", "churn_band", "lifecycle", "personalisation"]]
    acts = (
        events.drop(columns=["title"]).merge(facts, on="product_id", how="left").merge(people, on="user_id", how="left")
    )
    local = acts.time.dt.tz_convert(ZONE)
    buys = acts.type == "purchase"
    acts["what"] = acts["product"].fillna("–")
    acts["hour"], acts["weekday"] = local.dt.hour, local.dt.day_of_week + 1
    money = acts.quantity * acts.price
    acts["revenue"] = money.where(buys, -money.where(acts.type == "refund"))
    acts["order_key"] = (acts.user_id + "/" + acts.order_id).where(buys)
    acts["first_act"] = ~acts.user_id.duplicated()
    first_order = acts[buys].groupby("user_id").order_id.first()
    acts["first_purchase"] = (acts.order_id == acts.user_id.map(first_order)).where(buys)
    first_time = acts[buys].groupby("user_id").time.first().dt.tz_convert(ZONE)
    acts["cohort_month"] = acts.user_id.map(first_time.dt.strftime("%Y-%m"))
    _add_loop(acts)
    _add_words(acts)
    return acts


def _add_loop(acts: pd.DataFrame) -> None:
    """What came of impressions: a user saw a product in one request only, so that each act belongs to one."""
    week = pd.Timedelta(days=7)
    key = list(zip(acts.user_id, acts.product_id, strict=True))
    bought: dict[Any, list[pd.Timestamp]] = {}
    clicks: dict[Any, tuple[pd.Timestamp, str]] = {}
    for pair, kind, time, method in zip(key, acts.type, acts.time, acts.method, strict=True):
        if kind == "purchase":
            bought.setdefault(pair, []).append(time)
        elif kind == "click":
            clicks[pair] = (time, method)
    first = (acts.type == "impression") & ~acts.duplicated(["type", "user_id", "request_id", "product_id"])
    acts["clicked"] = [float(pair in clicks) if is_first else None for pair, is_first in zip(key, first, strict=True)]
    acts["converted"] = [
        float(any(time <= buy <= time + week for buy in bought.get(pair, []))) if is_first else None
        for pair, time, is_first in zip(key, acts.time, first, strict=True)
    ]
    method = [
        clicks[pair][1]
        if kind == "purchase" and pair in clicks and clicks[pair][0] <= time <= clicks[pair][0] + week
        else None
        for pair, kind, time in zip(key, acts.type, acts.time, strict=True)
    ]
    acts["attributed_method"] = method
    acts["attributed"] = [
        found is not None if kind == "purchase" else None for found, kind in zip(method, acts.type, strict=True)
    ]


def _add_words(acts: pd.DataFrame) -> None:
    searched = acts.type == "search"
    words = acts.text.where(searched).str.lower().str.split().str.join(" ")
    words = words.where(~words.str.contains("@", na=False))
    people = acts.user_id.groupby(words).nunique()
    acts["query"] = words.where(words.map(people) >= 3)
    acts["no_result"] = acts.attributes.map(
        lambda said: said["results"] == 0 if isinstance(said, dict) else None
    ).where(searched)


def _profiles(users: pd.DataFrame, activity: pd.DataFrame) -> pd.DataFrame:
    by_user = activity.groupby("user_id")
    counts = pd.DataFrame(
        {
            "acts": by_user.size(),
            "order_count": by_user.order_key.nunique(),
            "spend_total": by_user.revenue.sum(),
            "last_seen": by_user.time.max(),
        }
    ).reset_index()
    frame = (
        users.drop(columns=["main_category"])
        .assign(category=users.main_category)
        .merge(counts, on="user_id", how="left")
    )
    frame["events_total"] = frame.acts
    return frame


def _lists(lists: pd.DataFrame, products: pd.DataFrame, users: pd.DataFrame) -> pd.DataFrame:
    facts = products.set_index("product_id")
    frame = lists.merge(users[["user_id", "segment", "value_tier", "main_category", "personalisation"]], on="user_id")
    off = frame.personalisation == "off"
    frame["category"] = frame.main_category.where(~off)
    frame["catalogue"] = len(products)
    made = pd.Timestamp("2011-12-09")
    new = {p: bool(0 <= (made - pd.Timestamp(day)).days <= 30) for p, day in facts.listed.items()}
    frame["new_share"] = [sum(new[p] for p in chosen) / len(chosen) for chosen in frame["products"]]
    frame["product_names"] = [
        [] if o else [facts["product"][p] for p in chosen] for o, chosen in zip(off, frame["products"], strict=True)
    ]
    frame["lines"] = [
        [] if o else [f"{n:02d} · {i['title'][:60]} · {i['price']:,.2f} GBP" for n, i in enumerate(items, 1)]
        for o, items in zip(off, frame["items"], strict=True)
    ]
    frame["as_of"] = pd.to_datetime(frame.as_of)
    return frame.drop(columns=["personalisation", "items"])


def _retention(activity: pd.DataFrame, users: pd.DataFrame) -> pd.DataFrame:
    """A row a buyer and month after the first purchase, instead of a row a group: sums are the same."""
    buys = activity[activity.type == "purchase"]
    local = buys.time.dt.tz_convert(ZONE)
    month = pd.Series(local.dt.year * 12 + local.dt.month, index=buys.index)
    last = activity.time.max().tz_convert(ZONE)
    end = last.year * 12 + last.month
    groups = users.set_index("user_id")
    rows: list[dict[str, Any]] = []
    for user, months in month.groupby(buys.user_id):
        first, seen, told = months.min(), set(months), groups.loc[user]
        cohort = f"{(first - 1) // 12:04d}-{(first - 1) % 12 + 1:02d}"
        off = told.personalisation == "off"
        rows += [
            {
                "figure": "retention",
                "cohort_month": cohort,
                "cohort_age": age,
                "users": 1,
                "active": int(first + age in seen),
                "segment": told.segment,
                "value_tier": told.value_tier,
                "category": None if off else told.main_category,
            }
            for age in range(min(24, end - first) + 1)
        ]
    return pd.DataFrame(rows)
