"""Which Kibana a shop pushes to, and as whom."""

from __future__ import annotations

from typing import Final

from profilestore.dashboards.catalogue import DEFAULT_PERIOD, all_dashboards
from profilestore.dashboards.kibana import kibana_document
from profilestore.dashboards.push.kibana_api import KibanaApi, kibana_headers
from profilestore.dashboards.push.pushing import PushReport, push
from profilestore.dashboards.sources import Language, data_views
from profilestore.elastic.docker import local_kibana, read_environment
from profilestore.errors import SettingsError, UsageError
from profilestore.settings import Settings

__all__ = ["DEFAULT_WAIT_S", "connect_kibana", "push_shop"]

DEFAULT_WAIT_S: Final = 120.0


def connect_kibana(settings: Settings, *, wait_s: float = DEFAULT_WAIT_S) -> KibanaApi:
    """The Kibana of the settings, else the one that Docker runs for this home. Nothing is sent here.

    The password that Docker's server was made with goes to that very Kibana and to no other.

    Raises:
        SettingsError: there is neither, or nothing says who asks.
    """
    local = local_kibana(settings.home)
    url = settings.kibana_url or local
    if url is None:
        raise SettingsError("which Kibana? Set PROFILESTORE_KIBANA_URL, such as http://127.0.0.1:5601.")
    password = read_environment(settings.home).get("ELASTIC_PASSWORD") if url == local else None
    return KibanaApi(
        url,
        headers=kibana_headers(settings, elastic_password=password),
        space=settings.kibana_space,
        ca_certs=None if settings.ca_certs is None else str(settings.ca_certs),
        timeout_s=settings.request_timeout_s,
        wait_s=wait_s,
    )


def push_shop(
    settings: Settings,
    *,
    language: str | None = None,
    period: tuple[str, str] = DEFAULT_PERIOD,
    dry_run: bool = False,
    wait_s: float = DEFAULT_WAIT_S,
) -> PushReport:
    """Push the dashboards of a shop; needs no Elasticsearch.

    Args:
        settings: of the shop.
        language: en or zh; the shop's when None.
        period: that the dashboards open with, as Kibana's date math or ISO 8601.
        dry_run: only say what would change.
        wait_s: how long a Kibana that is starting is waited for.

    Raises:
        UsageError: there is no such language.
        ServerUnavailable, AccessDenied, ServerError: as `push`.
    """
    chosen = settings.language if language is None else language
    if chosen not in ("en", "zh"):
        raise UsageError("the language of dashboards is en or zh.")
    told: Language = "zh" if chosen == "zh" else "en"
    documents = {each.id: kibana_document(each) for each in all_dashboards(settings, told, period=period)}
    api = connect_kibana(settings, wait_s=wait_s)
    try:
        return push(api, views=data_views(settings, told), documents=documents, dry_run=dry_run)
    finally:
        api.close()
