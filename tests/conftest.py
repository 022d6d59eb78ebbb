"""What all tests share: one Elasticsearch a session, one index prefix a test, the real data.

`PROFILESTORE_TEST_URL` names a running server; without it an embedded one is started under a
temporary home and stopped at the end. A server that cannot be had fails the test, it never skips.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from profilestore.settings import Settings

PROJECT = Path(__file__).resolve().parent.parent
SHARED_DATA = PROJECT.parent / "shared" / "data"

# A shell that starts the tests in the background has them ignore interrupts, and so would every process they start;
# what Ctrl-C does to one is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the developer's own shop reaches a test, whether from the environment or a file."""
    for name in [name for name in os.environ if name.startswith("PROFILESTORE_") and name != "PROFILESTORE_TEST_URL"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PROFILESTORE_SETTINGS", str(tmp_path / "no-such-profilestore.toml"))
    monkeypatch.setenv("PROFILESTORE_HOME", str(tmp_path / "profilestore-home"))


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The URL of a real Elasticsearch for this session."""
    given = os.environ.get("PROFILESTORE_TEST_URL")
    if given:
        yield given
        return
    from profilestore.elastic.local_server import ensure_server, erase

    home = Path(tempfile.mkdtemp(prefix="profilestore-test-"))
    settings = Settings(home=home, server="embedded", elasticsearch_url=None)
    try:
        yield ensure_server(settings).url
    finally:
        erase(settings)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def prefix(server_url: str) -> Iterator[str]:
    """An index prefix of this test alone; its indices and index templates are deleted by name afterwards."""
    name = _new_prefix()
    yield name
    _erase(server_url, name)


@pytest.fixture
def settings(server_url: str, prefix: str, tmp_path: Path) -> Settings:
    """Settings of a shop of this test alone: own prefix, own home, the session's server."""
    return Settings(home=tmp_path / "profilestore-home", prefix=prefix, elasticsearch_url=server_url)


@pytest.fixture(scope="module")
def module_settings(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The same of a shop that all tests of a module share; what it holds is deleted after the last of them."""
    made = Settings(home=tmp_path_factory.mktemp("home"), prefix=_new_prefix(), elasticsearch_url=server_url)
    yield made
    _erase(server_url, made.prefix)


def _new_prefix() -> str:
    return f"t-{uuid.uuid4().hex[:12]}"


def _erase(server_url: str, prefix: str) -> None:
    with Elasticsearch(server_url, request_timeout=60) as client:
        rows = client.cat.indices(index=f"{prefix}-*", expand_wildcards="all", h="index", format="json")
        if len(rows) > 0:
            client.indices.delete(index=[row["index"] for row in rows])
        templates = client.indices.get_index_template(filter_path="index_templates.name").get("index_templates", [])
        for template in [each["name"] for each in templates if each["name"].startswith(f"{prefix}-")]:
            client.indices.delete_index_template(name=template)


@pytest.fixture
def shared_data() -> Path:
    """The folder of real data. Mark the test `real_data`; it skips where the folder is missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip("real data: the folder ../shared/data beside the project is missing")
    return SHARED_DATA
