"""A request as data and as a shell command."""

from __future__ import annotations

import json
import shlex

from hypothesis import given
from hypothesis import strategies as st

from profilestore.recommend.request import Request


def test_dict_has_exactly_the_keys() -> None:
    request = Request(path="/shop-products/_search", body={"size": 1})
    assert request.as_dict() == {"method": "POST", "path": "/shop-products/_search", "body": {"size": 1}}


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_curl_survives_the_shell(text: str) -> None:
    body = {"query": {"term": {"product_id": text}}}
    words = shlex.split(Request(path="/shop-products/_search", body=body).as_curl("http://127.0.0.1:9200/"))
    assert words[0] == "curl"
    assert "http://127.0.0.1:9200/shop-products/_search" in words
    assert json.loads(words[words.index("--data-binary") + 1]) == body


def test_curl_holds_no_credentials() -> None:
    request = Request(path="/x/_search", body={})
    assert "--user" not in request.as_curl("http://127.0.0.1:9200")
    secured = request.as_curl("https://127.0.0.1:9200", secured=True, ca_certs="/etc/my ca.crt")
    assert '--user "$PROFILESTORE_USERNAME:$PROFILESTORE_PASSWORD"' in secured
    assert "--cacert '/etc/my ca.crt'" in secured
