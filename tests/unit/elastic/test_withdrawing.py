"""Fields of belief are emptied where they can be; where not, that is told and stops no fold."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import AuthorizationException, Elasticsearch

from profilestore.dashboards.refresh.acts import PERSON_FIELDS
from profilestore.dashboards.refresh.lists import LIST_FIELDS
from profilestore.elastic.indices import template
from profilestore.elastic.withdrawing import BELIEFS, withdraw_beliefs
from profilestore.settings import Settings

META = ApiResponseMeta(403, "1.1", HttpHeaders(), 0.0, NodeConfig("http", "127.0.0.1", 1))


def test_a_server_that_refuses_stops_nobody_and_no_user_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(**_: Any) -> None:
        raise AuthorizationException("refused", META, {"error": {"type": "security_exception", "reason": "of u42"}})

    client = Elasticsearch("http://127.0.0.1:1")
    monkeypatch.setattr(client, "search", refuse)
    with caplog.at_level(logging.WARNING):
        assert withdraw_beliefs(client, Settings(), ["u42"]) == 0
    assert len(caplog.records) == len(BELIEFS)
    assert "dashboards refresh" in caplog.text
    assert "u42" not in caplog.text
    client.close()


def test_all_that_refresh_says_of_a_user_is_a_belief() -> None:
    assert set(PERSON_FIELDS) <= set(BELIEFS["activity"])
    assert set(LIST_FIELDS) - {"new_share", "catalogue"} == set(BELIEFS["recommendations"])
    for kind, fields in BELIEFS.items():
        assert set(fields) <= template(kind, Settings())["template"]["mappings"]["properties"].keys()
