"""Kibana's HTTP API as far as pushing needs it, with its errors as ours.

By urllib3, which is here already under the Elasticsearch client: the calls are few, and another HTTP library would
bring certificates, timeouts and retries of its own.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import orjson
import urllib3

from profilestore.errors import AccessDenied, ServerError, ServerUnavailable, SettingsError, WriteFailed
from profilestore.settings import Settings

__all__ = ["LEAST_VERSION", "KibanaApi", "kibana_headers"]

# The first with the Dashboards API.
LEAST_VERSION: Final = (9, 4)
_STARTING: Final = frozenset((429, 502, 503, 504))
_CONFLICT_ATTEMPTS: Final = 4
_LONGEST_WAIT_S: Final = 5.0
_SAY_AFTER_S: Final = 3.0
_MESSAGE_LENGTH: Final = 300
_log = logging.getLogger(__name__)

Json = dict[str, Any]


def kibana_headers(settings: Settings, *, elastic_password: str | None = None) -> dict[str, str]:
    """The credentials of the settings, Kibana's own first: Kibana takes those of Elasticsearch too.

    Args:
        settings: of the shop.
        elastic_password: of the user `elastic`, where this home's Docker runs the server.

    Raises:
        SettingsError: a name without a password, or none at all.
    """
    key = settings.kibana_api_key or (None if settings.kibana_username is not None else settings.api_key)
    if key is not None:
        return {"authorization": f"ApiKey {key.get_secret_value()}"}
    own = settings.kibana_username is not None
    user = settings.kibana_username if own else settings.username
    secret = settings.kibana_password if own else settings.password
    password = None if secret is None else secret.get_secret_value()
    if user is None and elastic_password is not None:
        user, password = "elastic", elastic_password
    if user is None or password is None:
        raise SettingsError(
            "Kibana wants to know who asks: set PROFILESTORE_KIBANA_API_KEY, or PROFILESTORE_KIBANA_USERNAME and "
            "PROFILESTORE_KIBANA_PASSWORD; without them PROFILESTORE_API_KEY or _USERNAME and _PASSWORD are taken."
        )
    made: dict[str, str] = urllib3.make_headers(basic_auth=f"{user}:{password}")
    return made


class KibanaApi:
    """One Kibana.

    Args:
        url: where it is, its base path included.
        headers: credentials; never printed.
        space: of Kibana; the default one when None.
        ca_certs: a file of certificates to trust.
        timeout_s: of one request.
        wait_s: how long a Kibana that is starting is waited for.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        space: str | None = None,
        ca_certs: str | None = None,
        timeout_s: float = 60.0,
        wait_s: float = 120.0,
    ) -> None:
        self.url = url
        self._base = url if space is None else f"{url}/s/{quote(space, safe='')}"
        self._headers = {**headers, "kbn-xsrf": "true", "accept": "application/json"}
        self._wait_s = wait_s
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(timeout_s), retries=False, ca_certs=ca_certs, maxsize=1
        )

    def close(self) -> None:
        """Close the connection."""
        self._pool.clear()

    def version(self) -> str | None:
        """Kibana's version, such as 9.5.4, once it is up; None where it does not tell.

        Raises:
            ServerError: it is too old for the Dashboards API.
        """
        status, body = self._send("GET", "/api/status", action="asking Kibana for its version")
        self._raise_refused(status, body, action="asking Kibana for its version")
        told = body.get("version")
        number = told.get("number") if isinstance(told, dict) else None
        if not isinstance(number, str):
            return None
        parts = [int(part) for part in number.partition("-")[0].split(".")[:2] if part.isdigit()]
        if len(parts) == 2 and tuple(parts) < LEAST_VERSION:
            raise ServerError(
                f"Kibana at {self.url} is {number}, and the Dashboards API came with "
                f"{'.'.join(map(str, LEAST_VERSION))}: take a newer one, or `profilestore dashboards preview`, which "
                "needs no Kibana."
            )
        return number

    def dashboard(self, id: str) -> tuple[Json, list[str]] | None:
        """A dashboard as Kibana has it, and its warnings; None where there is none."""
        action = f"reading dashboard {id}"
        status, body = self._send("GET", f"/api/dashboards/{quote(id, safe='')}", action=action)
        if status == 404:
            return None
        self._raise_refused(status, body, action=action)
        return body.get("data", {}), [str(each) for each in body.get("warnings") or []]

    def put_dashboard(self, id: str, document: Json) -> tuple[bool, Json]:
        """Create a dashboard or replace it whole: whether it is new, and what Kibana made of it."""
        action = f"writing dashboard {id}"
        path = f"/api/dashboards/{quote(id, safe='')}"
        for attempt in range(_CONFLICT_ATTEMPTS):
            status, body = self._send("PUT", path, action=action, document=document)
            if status != 409:
                break
            time.sleep(random.uniform(0.0, 0.1 * 2.0**attempt))
        self._raise_refused(status, body, action=action, id=id)
        return status == 201, body.get("data", {})

    def data_view(self, id: str) -> Json | None:
        """A data view as Kibana has it; None where there is none."""
        action = f"reading data view {id}"
        status, body = self._send("GET", f"/api/data_views/data_view/{quote(id, safe='')}", action=action)
        if status == 404:
            return None
        self._raise_refused(status, body, action=action)
        found: Json = body.get("data_view", {})
        return found

    def put_data_view(self, id: str, document: Json) -> None:
        """Create a data view or replace it."""
        action = f"writing data view {id}"
        status, body = self._send("POST", "/api/data_views/data_view", action=action, document=document)
        self._raise_refused(status, body, action=action, id=id)

    # ---------------------------------------------------------------- requests

    def _send(self, method: str, path: str, *, action: str, document: Json | None = None) -> tuple[int, Json]:
        """Send a request until Kibana is up; every one of them may be sent twice."""
        started = time.monotonic()
        told = False
        attempt = 0
        while True:
            status, body, problem = self._try(method, path, action=action, document=document)
            if problem is None:
                return status, body
            waited = time.monotonic() - started
            if waited >= self._wait_s:
                raise ServerUnavailable(
                    f"{action}: {problem} at {self.url} for {waited:.0f} s. Look at the address "
                    "(PROFILESTORE_KIBANA_URL) and at Kibana's own log."
                )
            if not told and waited > _SAY_AFTER_S:
                told = True
                _log.warning("%s: %s at %s; trying for %.0f s", action, problem, self.url, self._wait_s)
            left = max(0.05, self._wait_s - waited)
            time.sleep(min(left, _LONGEST_WAIT_S, 0.1 * 2.0 ** min(attempt, 6)) * random.uniform(0.5, 1.0))
            attempt += 1

    def _try(self, method: str, path: str, *, action: str, document: Json | None) -> tuple[int, Json, str | None]:
        """Status and body; or why it should be tried again in a moment."""
        headers = self._headers if document is None else {**self._headers, "content-type": "application/json"}
        data = None if document is None else orjson.dumps(document)
        try:
            answer = self._pool.request(
                method, self._base + path, body=data, headers=headers, redirect=False, preload_content=True
            )
        except urllib3.exceptions.NameResolutionError as error:
            raise ServerUnavailable(f"{action}: {self.url} is no known address (PROFILESTORE_KIBANA_URL).") from error
        except urllib3.exceptions.SSLError as error:
            raise ServerUnavailable(
                f"{action}: the certificate of {self.url} is not trusted. Set PROFILESTORE_CA_CERTS."
            ) from error
        except urllib3.exceptions.HTTPError:
            return 0, {}, "nobody answers"
        if answer.status in _STARTING:
            return answer.status, {}, f"Kibana is not ready ({answer.status})"
        try:
            body = orjson.loads(answer.data)
        except orjson.JSONDecodeError:
            body = None
        if isinstance(body, dict):
            return answer.status, body, None
        if answer.status in (401, 403, 404):
            return answer.status, {}, None
        raise ServerError(
            f"{action}: what answers at {self.url} ({answer.status}) is not Kibana's API. Is its base path missing?"
        )

    def _raise_refused(self, status: int, body: Mapping[str, Any], *, action: str, id: str = "") -> None:
        """Raise what an answer says that is not a success."""
        if 200 <= status < 300:
            return
        said = str(body.get("message") or body.get("error") or "").replace("\n", " ")[:_MESSAGE_LENGTH]
        if status == 401:
            raise AccessDenied(
                f"{action}: Kibana does not know these credentials (401). Set PROFILESTORE_KIBANA_API_KEY, or "
                "PROFILESTORE_KIBANA_USERNAME and PROFILESTORE_KIBANA_PASSWORD."
            )
        if status == 403:
            raise AccessDenied(
                f"{action}: Kibana refuses this to these credentials (403). They need the privilege All on "
                "Dashboard and on Data View Management in this space."
            )
        if status == 404:
            raise ServerError(
                f"{action}: Kibana at {self.url} has no such API (404). It came with 9.4; or the space does not exist."
            )
        if status == 409:
            raise ServerError(f"{action}: others keep changing it at the same time (409): run it again.")
        raise WriteFailed(f"{action}: Kibana answers {status}: {said or 'no reason given'}", items=[(id, str(status))])
