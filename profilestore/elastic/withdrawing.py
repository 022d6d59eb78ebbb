"""What is believed of a user who switches personalisation off goes at once from what was derived of their profile."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

from elasticsearch import Elasticsearch

from profilestore.elastic.bulk import Operation, write_bulk
from profilestore.elastic.retry import patient
from profilestore.errors import ServerError, StoreError
from profilestore.settings import Settings

__all__ = ["BELIEFS", "CHOSEN", "withdraw_beliefs"]

# By kind of index, the fields that say what is believed of a user.
BELIEFS: Final[dict[str, tuple[str, ...]]] = {
    "activity": ("segment", "value_tier", "churn_band", "lifecycle", "sentiment", "sentiment_label"),
    "campaigns": ("segment", "value_tier", "churn_band", "lifecycle", "purchase_30d"),
    "recommendations": ("segment", "value_tier", "category", "product_names", "lines"),
}
# Of a campaign's offer, what was chosen for the user: a product that all get, or a popular one, stays.
CHOSEN: Final = ("product_id", "product_title", "reasons")
_ALL: Final[dict[str, Any]] = {"match_all": {}}
_IS_CHOSEN: Final[dict[str, Any]] = {"term": {"unless": "off"}}
_PAGE: Final = 5000
_log = logging.getLogger(__name__)


def withdraw_beliefs(client: Elasticsearch, settings: Settings, user_ids: Sequence[str]) -> int:
    """Empty the fields of belief of these users; how many documents were changed.

    What cannot be written now, as during a switch of indices, the next `dashboards refresh` empties: it goes by the
    profiles. So a failure is told and stops nobody.
    """
    changed = 0
    for kind, fields in BELIEFS.items():
        try:
            changed += _empty(client, settings.index(kind), fields, user_ids, _ALL)
            if kind == "campaigns":
                changed += _empty(client, settings.index(kind), CHOSEN, user_ids, _IS_CHOSEN)
        except (ServerError, StoreError) as error:
            _log.warning("emptying %s of users who opted out: %s; `dashboards refresh` does it", kind, error)
    return changed


def _empty(
    client: Elasticsearch, alias: str, fields: Sequence[str], user_ids: Sequence[str], among: dict[str, Any]
) -> int:
    believed = {"bool": {"should": [{"exists": {"field": field}} for field in fields], "minimum_should_match": 1}}
    query = {"bool": {"filter": [{"terms": {"user_id": list(user_ids)}}, believed, among]}}

    def search() -> list[dict[str, Any]]:
        answer = client.search(index=alias, query=query, source=False, size=_PAGE, ignore_unavailable=True)
        return list(answer.body["hits"]["hits"])

    changed = 0
    while len(hits := patient("looking for users who opted out", search)) > 0:
        nothing = dict.fromkeys(fields)
        operations = [Operation("update", hit["_index"], hit["_id"], {**nothing}) for hit in hits]
        outcomes = write_bulk(client, operations, action="emptying fields of users who opted out")
        written = sum(outcome.ok for outcome in outcomes)
        changed += written
        if len(hits) < _PAGE or written == 0:
            break
        patient("refreshing", lambda: client.indices.refresh(index=alias))
    return changed
