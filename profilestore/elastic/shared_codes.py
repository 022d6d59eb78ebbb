"""Which campaign has a code that all its coupons share: one document a code, made by a `create`.

Two campaigns that are started in the same second with one code meet at its document, and the server lets one of them
have it. From a campaign that has no more use of it, it is taken under the revision at which it was read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from elasticsearch import Elasticsearch

from profilestore.documents import CouponDocument, code_id
from profilestore.elastic.bulk import Operation, raise_failed, write_through_switch
from profilestore.elastic.retry import wait
from profilestore.elastic.revised import RevisedDocuments
from profilestore.errors import UpdateGaveUp

__all__ = ["SharedCodes"]

_ATTEMPTS: Final = 20
_ACTION: Final = "taking a code"


class SharedCodes:
    """The codes of one shop that are each one for all users of a campaign.

    Args:
        client: the connection.
        alias: of the coupons.
        ask: is called when writes are refused for long: it may find that the build that did it is dead.
    """

    def __init__(self, client: Elasticsearch, *, alias: str, ask: Callable[[], object] = lambda: None) -> None:
        self._client = client
        self._alias = alias
        self._ask = ask
        self._held = RevisedDocuments(client, alias=alias, what="codes", ask=ask)

    def take(self, code: str, campaign: str, *, is_used: Callable[[str], bool]) -> str | None:
        """Let a campaign have a code; None, or the other one that has it and uses it still. It may be repeated.

        Args:
            code: that all its coupons are to have.
            campaign: whose it is to be.
            is_used: whether the campaign of this name may still need the code; once it does not, it never does again.

        Raises:
            UpdateGaveUp: others kept taking it.
        """
        id = code_id(code)
        source = CouponDocument(kind="code", campaign=campaign, code=code).to_source()
        for attempt in range(_ATTEMPTS):
            if self._create(id, source):
                return None
            held = self._held.read([id]).get(id)
            if held is not None:
                other = str(held.source["campaign"])
                if other == campaign:
                    return None
                if is_used(other):
                    return other
                if self._held.write([(held, source)]) != [None]:
                    return None
            wait(attempt)
        raise UpdateGaveUp("a code kept being taken by others: try again.", ids=[id], attempts=_ATTEMPTS)

    def _create(self, id: str, source: dict[str, object]) -> bool:
        operation = Operation("create", self._alias, id, source)
        (outcome,) = write_through_switch(self._client, [operation], action=_ACTION, ask=self._ask)
        raise_failed([outcome], action=_ACTION)
        return outcome.ok
