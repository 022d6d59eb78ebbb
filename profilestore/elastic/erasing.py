"""Delete all documents of a user, in every index of the shop that names users."""

from __future__ import annotations

from typing import Final

from elasticsearch import Elasticsearch

from profilestore.elastic.indices import KINDS, template
from profilestore.elastic.retry import patient, wait
from profilestore.errors import UpdateGaveUp
from profilestore.settings import Settings

__all__ = ["erase_user"]

_ROUNDS: Final = 20


def erase_user(client: Elasticsearch, settings: Settings, user_id: str) -> dict[str, int]:
    """Delete what the shop holds of a user for good; how many documents of each kind were deleted.

    The log comes first and the profile last: a fold that read the log before writes a profile of what is gone, so
    that all is looked at again until nothing is found.

    Raises:
        UpdateGaveUp: others went on writing acts of the user.
    """
    query = {"term": {"user_id": user_id}}
    kinds = sorted(_kinds_with_users(settings), key=lambda kind: (kind == "profiles", kind != "events"))
    deleted = dict.fromkeys(kinds, 0)
    for attempt in range(_ROUNDS):
        found = 0
        for kind in kinds:
            alias = settings.index(kind)
            patient("refreshing", lambda alias=alias: client.indices.refresh(index=alias, ignore_unavailable=True))  # type: ignore[misc]  # mypy cannot infer the lambda
            answer = patient(
                "deleting a user",
                lambda alias=alias: client.delete_by_query(  # type: ignore[misc]  # mypy cannot infer the lambda
                    index=alias, query=query, conflicts="proceed", refresh=True, ignore_unavailable=True
                ),
            )
            deleted[kind] += int(answer.body["deleted"])
            found += int(answer.body["total"])
        if found == 0:
            return deleted
        wait(attempt)
    raise UpdateGaveUp(
        f"acts of a user were written again {_ROUNDS} times: stop what writes them, and run it again.",
        ids=[user_id],
        attempts=_ROUNDS,
    )


def _kinds_with_users(settings: Settings) -> list[str]:
    return [kind for kind in KINDS if "user_id" in template(kind, settings)["template"]["mappings"]["properties"]]
