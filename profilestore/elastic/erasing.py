"""Delete all documents of a user, in every index of the shop that names users."""

from __future__ import annotations

from typing import Any, Final

from elasticsearch import Elasticsearch

from profilestore.documents import Revision
from profilestore.elastic.audience_index import AudienceIndex
from profilestore.elastic.bulk import Operation, raise_failed, write_bulk
from profilestore.elastic.coupon_index import without_holder
from profilestore.elastic.indices import KINDS, template
from profilestore.elastic.retry import patient, wait
from profilestore.errors import UpdateGaveUp
from profilestore.settings import Settings

__all__ = ["erase_user"]

_ROUNDS: Final = 20
_PAGE: Final = 5000


def erase_user(client: Elasticsearch, settings: Settings, user_id: str) -> dict[str, int]:
    """Delete what the shop holds of a user for good; how many documents of each kind were deleted.

    The log comes first and the profile last: a fold that read the log before writes a profile of what is gone, so
    that all is looked at again until nothing is found. A coupon stays and names nobody: it was given.

    Raises:
        UpdateGaveUp: others went on writing acts of the user.
    """
    query = {"term": {"user_id": user_id}}
    kinds = sorted(_kinds_with_users(settings), key=lambda kind: (kind == "profiles", kind != "events"))
    deleted = dict.fromkeys(kinds, 0)
    for attempt in range(_ROUNDS):
        found = 0
        for kind in kinds:
            while len(hits := _hits(client, settings.index(kind), query, whole=kind == "coupons")) > 0:
                found += len(hits)
                outcomes = write_bulk(client, [_removal(kind, hit) for hit in hits], action="deleting a user")
                # 404: somebody else deleted it; 403: a switch of generations is under way, and the round is repeated.
                raise_failed([o for o in outcomes if o.status != 404 and not o.index_moved], action="deleting a user")
                deleted[kind] += sum(outcome.ok for outcome in outcomes)
                if not any(outcome.ok for outcome in outcomes):
                    break
        if found == 0:
            # Their documents name many users each, so they are written without this one.
            audiences = settings.index("audiences")
            if client.indices.exists_alias(name=audiences):
                deleted["audiences"] = AudienceIndex(client, alias=audiences).forget(user_id)
            return deleted
        wait(attempt)
    raise UpdateGaveUp(
        f"acts of a user were written again {_ROUNDS} times: stop what writes them, and run it again.",
        ids=[user_id],
        attempts=_ROUNDS,
    )


def _removal(kind: str, hit: dict[str, Any]) -> Operation:
    if kind != "coupons":
        return Operation("delete", hit["_index"], hit["_id"], {}, routing=hit.get("_routing"))
    revision = Revision(hit["_seq_no"], hit["_primary_term"])
    return Operation("index", hit["_index"], hit["_id"], without_holder(hit["_source"]), expected=revision)


def _hits(client: Elasticsearch, alias: str, query: dict[str, Any], *, whole: bool) -> list[dict[str, Any]]:
    """A page of what is there at this moment, ids or whole; the embedded server cannot delete by query."""

    def search() -> list[dict[str, Any]]:
        client.indices.refresh(index=alias, ignore_unavailable=True)
        answer = client.search(
            index=alias, query=query, source=whole, size=_PAGE, seq_no_primary_term=True, ignore_unavailable=True
        )
        return list(answer.body["hits"]["hits"])

    return patient("looking for a user", search)


def _kinds_with_users(settings: Settings) -> list[str]:
    return [kind for kind in KINDS if "user_id" in template(kind, settings)["template"]["mappings"]["properties"]]
