"""Which server a shop uses, and the one of this PROFILESTORE_HOME: up, found again, down, erased.

In this order: a URL that is given, Docker with compose, the embedded server. What a home began with it
keeps, since its data is there. `HOME/server.json` says what was started; it is believed only as far as
the process and the server's own answer bear it out.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import orjson
from elasticsearch import ApiError, Elasticsearch

from profilestore.elastic.client import connect, translated
from profilestore.elastic.docker import (
    compose_down,
    compose_up,
    docker_answers,
    environment_file,
)
from profilestore.elastic.embedded import Node, port_is_free, running_node, start_node, start_output, stop_node
from profilestore.elastic.node_folder import locate, remove
from profilestore.errors import ServerUnavailable, SettingsError, UsageError
from profilestore.settings import Settings

__all__ = ["Kind", "ServerInfo", "ensure_server", "erase", "find_server", "server_url", "stop_server"]

Kind = Literal["given", "docker", "embedded"]
KIBANA_PORT: Final = 5601


@dataclass(frozen=True)
class ServerInfo:
    """A server that answers. `pid` is known for the embedded one alone."""

    url: str
    version: str
    kind: Kind
    pid: int | None = None


def ensure_server(
    settings: Settings, *, port: int | None = None, say: Callable[[str], None] = lambda _: None
) -> ServerInfo:
    """The server of these settings, started when it is ours to start and not running yet.

    Args:
        port: exactly this HTTP port; None takes the last one, else `settings.port`, else the next free one.
        say: is told, in words for a person, what is being done.

    Raises:
        ServerUnavailable, AccessDenied, UsageError
    """
    if settings.elasticsearch_url is not None:
        if port is not None:
            say("A server's URL is given, so nothing is started and the port is not used.")
        return ServerInfo(settings.elasticsearch_url, _version(settings, url=settings.elasticsearch_url), "given")
    with _locked(settings.home, say=say):
        running = find_server(settings)
        if running is not None:
            _check_port(running, port=port)
            return running
        started = _start(settings, port=port, say=say)
    wanted = port or _preferred_port(settings)
    if not started.url.endswith(f":{wanted}"):
        say(f"Port {wanted} is taken by something else: Elasticsearch is at {started.url}.")
    return started


def find_server(settings: Settings) -> ServerInfo | None:
    """The server that answers for these settings now; None when none does. Starts nothing.

    Raises:
        AccessDenied: it is there, but refuses these credentials.
    """
    if settings.elasticsearch_url is not None:
        try:
            return ServerInfo(settings.elasticsearch_url, _version(settings, url=settings.elasticsearch_url), "given")
        except ServerUnavailable:
            return None
    recorded = _recorded(settings.home)
    if recorded.get("kind") == "docker":
        try:
            return ServerInfo(recorded["url"], _version(settings, url=recorded["url"]), "docker")
        except ServerUnavailable:
            return None
    node = running_node(settings.home)
    return None if node is None else _answering(settings, node)


def server_url(settings: Settings) -> str:
    """The URL to talk to.

    Raises:
        ServerUnavailable: nothing runs under this home and no URL is given.
    """
    if settings.elasticsearch_url is not None:
        return settings.elasticsearch_url
    found = find_server(settings)
    if found is None:
        raise ServerUnavailable(
            f"no Elasticsearch runs under {settings.home}. Start one with `profilestore up`, "
            "or set PROFILESTORE_ELASTICSEARCH_URL."
        )
    return found.url


def stop_server(settings: Settings) -> bool:
    """Stop the server of this home; its data stays. False when none of ours runs. One that is given is left alone."""
    with _locked(settings.home):
        if _recorded(settings.home).get("kind") == "docker":
            running = find_server(settings.model_copy(update={"elasticsearch_url": None})) is not None
            compose_down(settings.home, volumes=False)
            return running
        return stop_node(settings.home)


def erase(settings: Settings) -> None:
    """Stop the server of this home and delete it with all its data. A server that is given is left alone."""
    with _locked(settings.home):
        if environment_file(settings.home).is_file():
            compose_down(settings.home, volumes=True)
            environment_file(settings.home).unlink()
        stop_node(settings.home)
        remove(settings.home)
        for path in (_record_path(settings.home), start_output(settings.home)):
            path.unlink(missing_ok=True)


def _start(settings: Settings, *, port: int | None, say: Callable[[str], None]) -> ServerInfo:
    wanted = port or _preferred_port(settings)
    for kind in _kinds(settings):
        try:
            info = _start_kind(kind, settings, port=wanted, exact=port is not None, say=say)
        except ServerUnavailable as error:
            if kind == "docker" and settings.server == "auto" and not _is_begun(settings.home):
                say(f"Docker is there but did not give a server ({error}) Taking the embedded one.")
                environment_file(settings.home).unlink(missing_ok=True)
                continue
            raise
        _record(settings.home, info)
        return info
    raise AssertionError("the embedded server is always among the kinds")


def _start_kind(kind: Kind, settings: Settings, *, port: int, exact: bool, say: Callable[[str], None]) -> ServerInfo:
    if kind == "embedded":
        node = start_node(settings, port=port, exact=exact, say=say)
        info = _answering(settings, node)
        if info is None:
            raise ServerUnavailable("Elasticsearch started and does not answer. Look at `profilestore doctor`.")
        return info
    if exact and not port_is_free(port):
        raise UsageError(f"port {port} is taken by something else. Choose another with `profilestore up --port N`.")
    free = next(number for number in range(port, 65536) if port_is_free(number))
    kibana = next(number for number in range(KIBANA_PORT, 65536) if port_is_free(number))
    compose_up(settings, port=free, kibana_port=kibana, say=say)
    url = f"http://127.0.0.1:{free}"
    say(f"Kibana: http://127.0.0.1:{kibana} (user elastic, password in {environment_file(settings.home)})")
    return ServerInfo(url, _version(settings, url=url), "docker")


def _kinds(settings: Settings) -> tuple[Kind, ...]:
    """What to try. A home keeps the kind that holds its data, unless the settings name one."""
    if settings.server != "auto":
        return (settings.server,)
    if locate(settings.home) is not None:
        return ("embedded",)
    if _is_begun(settings.home):
        return ("docker",)
    return ("docker", "embedded") if docker_answers() else ("embedded",)


def _is_begun(home: Path) -> bool:
    return "kind" in _recorded(home)


def _preferred_port(settings: Settings) -> int:
    """A port that was set wins; else the one of last time, so that the URL stays the same."""
    if "port" in settings.model_fields_set:
        return settings.port
    return int(_recorded(settings.home).get("url", "").rpartition(":")[2] or settings.port)


def _check_port(running: ServerInfo, *, port: int | None) -> None:
    if port is not None and not running.url.endswith(f":{port}"):
        raise UsageError(
            f"the server of this home runs at {running.url} already. Stop it with `profilestore down`, then start it "
            f"on port {port}; or give another PROFILESTORE_HOME for a second one."
        )


def _answering(settings: Settings, node: Node) -> ServerInfo | None:
    """The node as a server, if what answers at its URL is that node and not another on the same port."""
    try:
        name, version = _identity(settings, url=node.url)
    except ServerUnavailable:
        return None
    return ServerInfo(node.url, version, "embedded", node.pid) if name == node.name else None


def _version(settings: Settings, *, url: str) -> str:
    return _identity(settings, url=url)[1]


def _identity(settings: Settings, *, url: str) -> tuple[str, str]:
    """Name and version of the node that answers. `GET /` is not there on the embedded server, so nodes.info."""
    with connect(settings, url=url) as client, translated("looking for the server"):
        try:
            nodes: dict[str, Any] = client.nodes.info(node_id="_local", filter_path="nodes.*.name,nodes.*.version").body
            local = next(iter(nodes["nodes"].values()))
            return str(local["name"]), str(local["version"])
        except ApiError as error:
            if error.status_code == 401:
                raise
            return _greeting(client)


def _greeting(client: Elasticsearch) -> tuple[str, str]:
    """What a full server says of itself to those who may not ask about nodes."""
    answer = client.info().body
    return str(answer["name"]), str(answer["version"]["number"])


@contextmanager
def _locked(home: Path, *, say: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """One process at a time starts, stops or erases the server of a home. The system drops the lock with its holder."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / "server.lock").open("w")
    except OSError as error:
        raise SettingsError(
            f"{home} cannot be written ({type(error).__name__}). Set PROFILESTORE_HOME to a folder of your own."
        ) from error
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another profilestore is at this server; waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _record_path(home: Path) -> Path:
    return home / "server.json"


def _recorded(home: Path) -> dict[str, Any]:
    try:
        content = orjson.loads(_record_path(home).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return content if isinstance(content, dict) else {}


def _record(home: Path, info: ServerInfo) -> None:
    beside = _record_path(home).with_suffix(".new")
    beside.write_bytes(orjson.dumps(asdict(info)))
    beside.replace(_record_path(home))
