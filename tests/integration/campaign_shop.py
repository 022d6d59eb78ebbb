"""A shop with some users and an audience, to run campaigns in."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from profilestore.campaigns.audience.definition import definition_of
from profilestore.campaigns.running.campaign_file import campaign_of
from profilestore.campaigns.running.definition import CampaignDefinition
from profilestore.elastic.indices import init
from profilestore.settings import Settings
from profilestore.store import ProfileStore

USERS = 60
NOW = datetime.now(UTC)


def profile(n: int) -> dict[str, Any]:
    """Every seventh user gave no consent to mail, every eleventh switched personalisation off."""
    held: dict[str, Any] = {
        "user_id": f"u{n:03d}", "generation": "000001", "order_count": n % 5, "churn_risk": 0.5,
        "consent": ["sms"] if n % 7 == 0 else ["mail", "sms"], "value_tier": "gold" if n % 2 == 0 else "silver",
        "purchase_30d": 0.2, "last_purchase": (NOW - timedelta(days=3)).isoformat(), "segment": "regulars",
    }  # fmt: skip
    if n % 11 == 0:
        held = {**held, "personalisation": "off"}
        for belief in ("churn_risk", "value_tier", "purchase_30d", "segment"):
            del held[belief]
    return held


def open_shop(settings: Settings, users: int = USERS) -> ProfileStore:
    """Indices, users, and the audience `all` of everybody who may be written to by mail."""
    with Elasticsearch(settings.elasticsearch_url or "", request_timeout=60) as client:
        init(client, settings)
        operations: list[dict[str, Any]] = []
        for n in range(users):
            operations += [{"index": {"_id": profile(n)["user_id"]}}, profile(n)]
        client.bulk(index=settings.index("profiles"), operations=operations, refresh=True)
    shop = ProfileStore(settings, url=settings.elasticsearch_url or "")
    for name, rule in (("all", "order_count >= 0"), ("risky", "churn_risk > 0.1")):
        shop.audiences.build(name, definition_of({"members": {"rule": rule}, "channel": "mail"}, source="test"))
    return shop


def campaign(name: str = "spring", *, offer: dict[str, Any] | None = None, **more: Any) -> CampaignDefinition:
    """A campaign from now on, of a message, half of the users in control, without a cap that others' tests could reach;
    the same in every process."""
    given = {
        "name": name, "audience": "all", "ends": "2098-12-31", "budget": 1000.0, "contacts_per_week": 100,
        "control_share": 0.5, "offer": offer or {"kind": "message"}, **more,
    }  # fmt: skip
    return campaign_of({key: value for key, value in given.items() if value is not None}, time_zone="UTC",
                       folder=Path())  # fmt: skip


def name() -> str:
    """Of a campaign that no other test has."""
    return f"c{uuid.uuid4().hex[:8]}"


def started(shop: ProfileStore, **given: Any) -> Any:
    """A campaign of everybody that runs."""
    made = campaign(given.pop("name", None) or name(), **{"control_share": 0.0, "contacts_per_week": 100, **given})
    return shop.campaigns.start(made).campaign


def write_profile(shop: ProfileStore, user: str, **changes: Any) -> None:
    """A user as they were, but for these fields; None takes one away."""
    held = {**profile(int(user[1:])), **changes}
    shop._client.index(index=shop.settings.index("profiles"), id=user, refresh=True,
                       document={key: value for key, value in held.items() if value is not None})  # fmt: skip


def asked(shop: ProfileStore, user: str, *, body: dict[str, Any] | None = None) -> list[str]:
    """The campaigns that an app finds for a user, with nothing but the one request and a plain client."""
    body = body or shop.campaigns.offers_request(user)
    answer = shop._client.perform_request(
        "POST", f"/{shop.settings.index('campaigns')}/_search", body=body,
        headers={"content-type": "application/json", "accept": "application/json"},
    )  # fmt: skip
    return [hit["_source"]["campaign"] for hit in answer.body["hits"]["hits"]]


def backdate(shop: ProfileStore, made: str) -> None:
    """As if its first contact had been long ago."""
    index = shop.settings.index("campaigns")
    held = shop._client.get(index=index, id=f"{made}:u001")["_source"]
    shop._client.index(
        index=index, id=f"{made}:u001", document={**held, "contact_at": "2020-01-01T00:00:00Z"}, refresh=True
    )


COUPON = {"kind": "coupon", "value": 5.0, "code": "SPRING10"}


def everything(settings: Settings, *, kinds: tuple[str, ...] = ("campaigns", "coupons", "audiences")) -> dict[str, Any]:
    """All documents of these kinds, by id."""
    with Elasticsearch(settings.elasticsearch_url or "", request_timeout=60) as client:
        held: dict[str, Any] = {}
        for kind in kinds:
            client.indices.refresh(index=settings.index(kind))
            for hit in client.search(index=settings.index(kind), size=10_000)["hits"]["hits"]:
                held[f"{kind}/{hit['_id']}"] = hit["_source"]
        return held
