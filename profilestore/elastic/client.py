"""The connection to Elasticsearch: one client, and its errors as ours.

Elasticsearch's own `reason` quotes field values, so an error passes on status, type and ids alone (P6).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from elastic_transport import ConnectionError as TransportConnectionError
from elastic_transport import ConnectionTimeout, OrjsonSerializer
from elasticsearch import ApiError, AuthenticationException, AuthorizationException, Elasticsearch

from profilestore.elastic.docker import local_password
from profilestore.errors import AccessDenied, NotInitialised, ServerError, ServerUnavailable
from profilestore.settings import Settings

__all__ = ["connect", "error_type", "reach", "translated"]

T = TypeVar("T")
Call = Callable[[], T]


def connect(settings: Settings, *, url: str) -> Elasticsearch:
    """A client for `url` with the credentials of the settings. Connects lazily: nothing is sent here."""
    options: dict[str, Any] = {}
    if settings.api_key is not None:
        options["api_key"] = settings.api_key.get_secret_value()
    elif settings.username is not None and settings.password is not None:
        options["basic_auth"] = (settings.username, settings.password.get_secret_value())
    elif (made := local_password(settings.home, url=url)) is not None:
        options["basic_auth"] = ("elastic", made)
    if settings.ca_certs is not None:
        options["ca_certs"] = str(settings.ca_certs)
    return Elasticsearch(
        url,
        request_timeout=settings.request_timeout_s,
        retry_on_timeout=False,
        max_retries=3,
        http_compress=False,
        serializers={"application/vnd.elasticsearch+json": OrjsonSerializer()},
        **options,
    )


def error_type(error: ApiError) -> str:
    """Elasticsearch's name for an error, such as `index_not_found_exception`; never its reason."""
    body = error.body
    if isinstance(body, dict):
        cause = body.get("error")
        if isinstance(cause, dict):
            return str(cause.get("type", "unknown"))
    return "unknown"


def reach(client: Elasticsearch, *, within_s: float) -> None:
    """Wait a moment for a server that is starting, and no longer: a wrong URL should be told at once. Any
    answer will do, also a refusal; whoever asks for something else hears of it then.

    Raises:
        ServerUnavailable: nobody answers within `within_s` seconds.
    """
    deadline = time.monotonic() + within_s
    while True:
        with translated("connecting"):
            try:
                client.options(max_retries=0, request_timeout=within_s).cluster.health(filter_path="status")
                return
            except ApiError:
                return
            except (TransportConnectionError, ConnectionTimeout):
                if time.monotonic() >= deadline:
                    raise
        time.sleep(0.5)


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Raise the client's errors as ours. `action` names what was tried, without any value.

    Raises:
        ServerUnavailable, AccessDenied, NotInitialised, ServerError
    """
    try:
        yield
    except AuthenticationException as error:
        raise AccessDenied(
            f"{action}: Elasticsearch does not know these credentials (401). Set PROFILESTORE_API_KEY, "
            "or PROFILESTORE_USERNAME and PROFILESTORE_PASSWORD."
        ) from error
    except AuthorizationException as error:
        raise AccessDenied(
            f"{action}: Elasticsearch refuses this ({error_type(error)}, 403). The README lists the rights needed."
        ) from error
    except ConnectionTimeout as error:
        raise ServerUnavailable(f"{action}: no answer in time. Look at `profilestore doctor`.") from error
    except TransportConnectionError as error:
        raise ServerUnavailable(
            f"{action}: no Elasticsearch answers. Start one with `profilestore up`, "
            "or set PROFILESTORE_ELASTICSEARCH_URL."
        ) from error
    except ApiError as error:
        kind = error_type(error)
        if kind == "index_not_found_exception":
            raise NotInitialised(f"{action}: this shop has no such index. Run `profilestore init`.") from error
        raise ServerError(f"{action}: Elasticsearch answers {error.status_code} {kind}.") from error
