"""A Java that can run Elasticsearch: version 21 or newer, with the modules it loads.

Looked for in `ES_JAVA_HOME`, `JAVA_HOME`, `java` on PATH, then `/usr/lib/jvm/*`; the first that fits
is taken. Where none does, `cjdk` fetches a Temurin JDK. Nothing is cached: the answer is true now.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from profilestore.errors import ServerUnavailable

__all__ = [
    "FETCHED_VERSION",
    "MINIMUM_VERSION",
    "REQUIRED_MODULES",
    "Java",
    "find_java",
    "inspect_java",
    "java_or_fetch",
]

MINIMUM_VERSION: Final = 21
REQUIRED_MODULES: Final = ("jdk.incubator.vector", "jdk.jlink")
FETCHED_VERSION: Final = "25"
JVM_FOLDER: Final = Path("/usr/lib/jvm")
INSTALL_HINT: Final = (
    f"Install a full JDK of version {MINIMUM_VERSION} or newer (Debian: openjdk-25-jdk-headless) or set ES_JAVA_HOME."
)


@dataclass(frozen=True)
class Java:
    """A Java home and what it is. `problem` is None when it can run Elasticsearch."""

    home: Path
    found_in: str
    version: int | None
    problem: str | None


def inspect_java(home: Path, *, found_in: str, may_use: Callable[[Path], bool] | None = None) -> Java:
    """Look at one Java home by `java --list-modules`.

    Args:
        may_use: whether the user that the server runs as can execute a file; None means this user.
    """
    program = home / "bin" / "java"
    if not program.is_file():
        return Java(home, found_in, None, "there is no bin/java in it")
    if may_use is not None and not may_use(program):
        return Java(home, found_in, None, "the unprivileged user that runs the server may not execute it")
    try:
        listed = subprocess.run(
            [program, "--list-modules"], capture_output=True, text=True, timeout=60, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return Java(home, found_in, None, "it does not answer `java --list-modules` (older than Java 9?)")
    modules = {line.partition("@")[0] for line in listed.splitlines()}
    numbered = re.search(r"^java\.base@(\d+)", listed, re.MULTILINE)
    version = int(numbered.group(1)) if numbered is not None else None
    if version is None or version < MINIMUM_VERSION:
        return Java(home, found_in, version, f"it is older than {MINIMUM_VERSION}")
    missing = [name for name in REQUIRED_MODULES if name not in modules]
    if len(missing) > 0:
        return Java(home, found_in, version, f"it lacks the modules {', '.join(missing)} (no full JDK)")
    return Java(home, found_in, version, None)


def find_java(*, may_use: Callable[[Path], bool] | None = None) -> tuple[Java | None, list[Java]]:
    """The first Java of this machine that can run Elasticsearch, and all that were looked at before it."""
    looked_at: list[Java] = []
    for found_in, home in _candidates():
        java = inspect_java(home, found_in=found_in, may_use=may_use)
        looked_at.append(java)
        if java.problem is None:
            return java, looked_at
    return None, looked_at


def java_or_fetch(
    *, may_use: Callable[[Path], bool] | None = None, cache: Path | None = None, say: Callable[[str], None]
) -> Java:
    """A Java of this machine, else one that `cjdk` fetches.

    Args:
        cache: where a fetched JDK is kept; None means the usual cache of cjdk.

    Raises:
        ServerUnavailable: says what was looked at and what to install.
    """
    java, looked_at = find_java(may_use=may_use)
    if java is not None:
        return java
    seen = "; ".join(f"{each.found_in} ({each.home}): {each.problem}" for each in looked_at) or "no Java anywhere"
    say(f"No Java that fits here; fetching a Temurin JDK {FETCHED_VERSION} (200 MB, once)")
    from cjdk import CjdkError, java_home

    try:
        home = Path(java_home(vendor="temurin", version=FETCHED_VERSION, cache_dir=cache, progress=False))
    except (CjdkError, OSError, RuntimeError) as error:
        raise ServerUnavailable(
            f"no Java for Elasticsearch: {seen}; and none could be fetched ({type(error).__name__}). {INSTALL_HINT}"
        ) from error
    fetched = inspect_java(home, found_in="fetched by cjdk", may_use=may_use)
    if fetched.problem is not None:
        raise ServerUnavailable(f"the fetched JDK cannot be used: {fetched.problem}. {INSTALL_HINT}")
    return fetched


def _candidates() -> Iterator[tuple[str, Path]]:
    """Homes in the order they count, each once, links resolved."""
    seen: set[Path] = set()
    for found_in, home in _named_homes():
        resolved = home.resolve()
        if resolved not in seen:
            seen.add(resolved)
            yield found_in, resolved


def _named_homes() -> Iterator[tuple[str, Path]]:
    for variable in ("ES_JAVA_HOME", "JAVA_HOME"):
        value = os.environ.get(variable)
        if value:
            yield variable, Path(value)
    on_path = shutil.which("java")
    if on_path is not None:
        yield "java on PATH", Path(on_path).resolve().parent.parent
    if JVM_FOLDER.is_dir():
        for folder in sorted(JVM_FOLDER.iterdir(), reverse=True):
            if (folder / "bin" / "java").is_file():
                yield str(JVM_FOLDER), folder
