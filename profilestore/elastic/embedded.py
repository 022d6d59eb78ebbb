"""The embedded server: one Elasticsearch node of this home, started and stopped as a process.

A process counts as ours only when it is the Elasticsearch of this home's own folder (its command line
names that folder), so that a process id used again by something else is never taken for it or killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from profilestore.elastic.java import java_or_fetch
from profilestore.elastic.node_folder import ROOTS_FOLDER, NodeFolder, RunAs, locate, own, prepare, run_as, write_new
from profilestore.errors import ServerUnavailable
from profilestore.settings import Settings

__all__ = ["Node", "port_is_free", "running_node", "start_node", "start_output", "stop_node"]

MAIN_CLASS: Final = "org.elasticsearch.server/org.elasticsearch.bootstrap.Elasticsearch"
START_TIMEOUT_S: Final = 240.0
STOP_TIMEOUT_S: Final = 30.0
PORTS_TRIED: Final = 100


@dataclass(frozen=True)
class Node:
    """A running process of the embedded server. `started` is its start time, which a reused pid does not have."""

    pid: int
    started: float
    url: str
    name: str


def running_node(home: Path) -> Node | None:
    """The node process of this home, whatever started it, if it runs and listens."""
    folder = locate(home)
    process = _process(folder) if folder is not None else None
    if folder is None or process is None:
        return None
    with contextlib.suppress(OSError, ValueError, psutil.NoSuchProcess):
        address = (folder.logs / "http.ports").read_text(encoding="utf-8").split()[0]
        name = (folder.config / "node.name").read_text(encoding="utf-8").strip()
        return Node(pid=process.pid, started=process.create_time(), url=f"http://{address}", name=name)
    return None


def start_node(settings: Settings, *, port: int, exact: bool, say: Callable[[str], None]) -> Node:
    """Start the node of this home and wait until it listens. The caller holds the home's lock.

    Args:
        port: the HTTP port; unless `exact`, the next free one after it when it is taken.

    Raises:
        ServerUnavailable: no Java, no download, a port that is taken, or a server that ends at once.
    """
    if exact and not port_is_free(port):
        raise ServerUnavailable(
            f"port {port} is taken by something else. Choose another with `profilestore up --port N`."
        )
    user = run_as()
    java = java_or_fetch(
        may_use=None if user is None else lambda path: user.may(test="-x", path=path),
        cache=None if user is None else ROOTS_FOLDER / "jdk",
        say=say,
    )
    folder = prepare(settings.home, user=user, say=say)
    left = _process(folder)
    if left is not None:  # an `up` that was killed half way, before anyone could find it
        _end(left)
    _configure(folder, settings=settings, port=port, exact=exact)
    own(folder, user=user)
    say(f"Starting Elasticsearch (Java {java.version}, heap {settings.heap})")
    _launch(folder, java_home=java.home, heap=settings.heap, user=user, output=start_output(settings.home))
    node = running_node(settings.home)
    if node is None:
        raise ServerUnavailable(f"Elasticsearch ended right after its start. Look at {folder.logs}.")
    return node


def stop_node(home: Path) -> bool:
    """End the node of this home: asked by SIGTERM, after 30 s by SIGKILL. False when none runs."""
    folder = locate(home)
    process = _process(folder) if folder is not None else None
    if process is None:
        return False
    _end(process)
    return True


def start_output(home: Path) -> Path:
    """What the last start printed."""
    return home / "server.log"


def port_is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _configure(folder: NodeFolder, *, settings: Settings, port: int, exact: bool) -> None:
    """Write elasticsearch.yml. Ports are ranges that the server itself walks, so that two starts cannot race."""
    name = f"profilestore-{uuid.uuid4().hex[:12]}"
    ports = str(port) if exact else f"{port}-{min(port + PORTS_TRIED, 65535)}"
    lines = (
        "cluster.name: profilestore",
        f"node.name: {name}",
        f'path.data: "{folder.data}"',
        f'path.logs: "{folder.logs}"',
        "network.host: 127.0.0.1",
        f"http.port: {ports}",
        "transport.port: 49300-49999",
        "discovery.type: single-node",
        "node.portsfile: true",
        "xpack.security.enabled: false",  # bound to 127.0.0.1 alone
        "cluster.routing.allocation.disk.threshold_enabled: false",  # a laptop's disk that is 90 % full is no reason
        "action.destructive_requires_name: true",
    )
    write_new(folder.config / "elasticsearch.yml", "".join(f"{line}\n" for line in lines).encode())
    write_new(folder.config / "node.name", f"{name}\n".encode())
    (folder.logs / "http.ports").unlink(missing_ok=True)


def _launch(folder: NodeFolder, *, java_home: Path, heap: str, user: RunAs | None, output: Path) -> None:
    """Run `bin/elasticsearch -d`, which returns when the node is ready or has failed."""
    environment = {  # nothing of ours: it may hold credentials
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(folder.scratch),
        "ES_JAVA_HOME": str(java_home),
        "ES_JAVA_OPTS": f"-Xms{heap} -Xmx{heap}",
        "ES_PATH_CONF": str(folder.config),
        "ES_TMPDIR": str(folder.scratch),
    }
    ready = False
    with output.open("wb") as log:
        launcher = subprocess.Popen(
            [folder.distribution / "bin" / "elasticsearch", "-d"],
            cwd=folder.path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=None if user is None else user.uid,
            group=None if user is None else user.gid,
            extra_groups=None if user is None else [],
        )
        try:
            ready = launcher.wait(timeout=START_TIMEOUT_S) == 0
        except subprocess.TimeoutExpired:
            pass
        finally:  # also on Ctrl-C: nothing half started is left behind
            if not ready:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(launcher.pid, signal.SIGKILL)
                launcher.wait()
                process = _process(folder)
                if process is not None:
                    _end(process)
    if not ready:
        raise ServerUnavailable(f"Elasticsearch did not start: {_reason(output)} Look at {output} and {folder.logs}.")


def _reason(output: Path) -> str:
    """The line of the start's output that says most."""
    lines = [line.strip() for line in output.read_text(encoding="utf-8", errors="replace").splitlines()]
    telling = [line for line in lines if any(word in line for word in ("Exception", "ERROR", "error", "cannot"))]
    return (telling or lines or ["it gave no reason."])[0][:300]


def _process(folder: NodeFolder) -> psutil.Process | None:
    """The process that runs the server of this folder: known by its command line, never by a number alone."""
    path = f"-Des.path.home={folder.distribution}"
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            arguments = process.cmdline()
            if MAIN_CLASS in arguments and path in arguments and process.status() != psutil.STATUS_ZOMBIE:
                return process
    return None


def _end(process: psutil.Process) -> None:
    """SIGTERM, a wait, then SIGKILL. psutil compares start times, so a reused pid is never signalled."""
    try:
        process.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                process.kill()
                break
            time.sleep(0.05)
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied as error:
        raise ServerUnavailable(
            f"the Elasticsearch of this home (process {process.pid}) belongs to another user, who must stop it."
        ) from error
