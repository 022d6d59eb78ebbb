"""The folder of the embedded server: where it is, whose it is, and what is put into it.

It is `HOME/node`. Elasticsearch refuses to run as root, so root starts it as `nobody`, who cannot
enter a home such as /root (mode 0700): then the folder is made under /var/lib/profilestore, owned by
`nobody`, and `HOME/node` is a link to it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from profilestore.errors import ServerUnavailable

__all__ = [
    "ARCHIVE_SHA1",
    "VERSION",
    "NodeFolder",
    "RunAs",
    "locate",
    "own",
    "prepare",
    "remove",
    "run_as",
    "write_new",
]

VERSION: Final = "9.5.4"
ARCHIVE_SHA1: Final = "068732643a261dbbe468b204c310c86751c9f65d"
ROOTS_FOLDER: Final = Path("/var/lib/profilestore")
MARKER: Final = "profilestore-node"
CONFIG_FILES: Final = ("jvm.options", "log4j2.properties")


@dataclass(frozen=True)
class RunAs:
    """The unprivileged user that the server runs as when root starts it."""

    uid: int
    gid: int

    def may(self, *, test: str, path: Path) -> bool:
        """Whether that user passes `test -x`, `-r` or `-w` for a path: asked as that user, so that ACLs count."""
        command = ["/usr/bin/env", "test", test, str(path)]
        done = subprocess.run(command, user=self.uid, group=self.gid, extra_groups=[], cwd="/")
        return done.returncode == 0


@dataclass(frozen=True)
class NodeFolder:
    """The parts of the folder of one node."""

    path: Path

    @property
    def distribution(self) -> Path:
        return self.path / f"elasticsearch-{VERSION}"

    @property
    def config(self) -> Path:
        return self.path / "config"

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def scratch(self) -> Path:
        return self.path / "tmp"


def run_as() -> RunAs | None:
    """None for an ordinary user; for root the unprivileged user that the server runs as.

    Raises:
        ServerUnavailable: root, but this system has no user `nobody`.
    """
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise ServerUnavailable(
            "Elasticsearch refuses to run as root, and this system has no user `nobody` to run it as. "
            "Run profilestore as an ordinary user."
        ) from error
    return RunAs(uid=nobody.pw_uid, gid=nobody.pw_gid)


def locate(home: Path) -> NodeFolder | None:
    """The node's folder of this home, if it was ever made."""
    link = home / "node"
    return NodeFolder(link.resolve()) if (link / MARKER).is_file() else None


def prepare(home: Path, *, user: RunAs | None, say: Callable[[str], None]) -> NodeFolder:
    """Make the node's folder and unpack the server into it, as far as that is not done yet."""
    folder = locate(home) or _make(home, user=user)
    if not (folder.distribution / "bin" / "elasticsearch").is_file():
        archive = _archive(home, say=say)
        say(f"Unpacking Elasticsearch {VERSION}")
        _unpack(archive, folder)
    for part in (folder.config, folder.data, folder.logs, folder.scratch):
        part.mkdir(exist_ok=True)
    (folder.config / "jvm.options.d").mkdir(exist_ok=True)
    for name in CONFIG_FILES:
        write_new(folder.config / name, (folder.distribution / "config" / name).read_bytes())
    return folder


def own(folder: NodeFolder, *, user: RunAs | None) -> None:
    """Hand the parts that the server writes to the user it runs as; the folder around them stays root's."""
    if user is None:
        return
    os.chown(folder.path, -1, user.gid)
    folder.path.chmod(0o750)
    for part in (folder.config, folder.data, folder.logs, folder.scratch):
        os.chown(part, user.uid, user.gid)
        for parent, folders, files in os.walk(part):
            for name in (*folders, *files):
                os.chown(Path(parent) / name, user.uid, user.gid, follow_symlinks=False)


def write_new(path: Path, content: bytes) -> None:
    """Write a file anew, never through a link: others than root may own the folder it is in."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
        file.write(content)


def remove(home: Path) -> None:
    """Delete the node's folder with all data, and the link to it. Only a folder that carries our marker goes."""
    folder = locate(home)
    if folder is not None:
        shutil.rmtree(folder.path)
    (home / "node").unlink(missing_ok=True)


def _make(home: Path, *, user: RunAs | None) -> NodeFolder:
    inside = home / "node"
    if inside.is_symlink():  # what it led to is gone
        inside.unlink()
    if user is None or user.may(test="-x", path=home):
        inside.mkdir(mode=0o700, exist_ok=True)
        (inside / MARKER).touch()
        return NodeFolder(inside.resolve())
    try:
        ROOTS_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(prefix="node-", dir=ROOTS_FOLDER))
    except OSError as error:
        raise ServerUnavailable(
            f"root must start Elasticsearch as `nobody`, who may not enter {home}, and {ROOTS_FOLDER} cannot be "
            f"written ({type(error).__name__}). Set PROFILESTORE_HOME to a folder that everybody may enter."
        ) from error
    (path / MARKER).write_text(f"{home}\n", encoding="utf-8")
    inside.symlink_to(path)
    return NodeFolder(path)


def _unpack(archive: Path, folder: NodeFolder) -> None:
    """Unpack beside, then rename: what carries the final name is whole."""
    beside = Path(tempfile.mkdtemp(prefix="unpack-", dir=folder.path))
    try:
        with zipfile.ZipFile(archive) as packed:
            for member in packed.infolist():
                target = Path(packed.extract(member, beside))
                target.chmod(0o755 if target.is_dir() or target.parent.name == "bin" else 0o644)
        for parent, _, _ in os.walk(beside / f"elasticsearch-{VERSION}"):
            Path(parent).chmod(0o755)  # whatever the umask: `nobody` must be able to read it
        shutil.rmtree(folder.distribution, ignore_errors=True)
        (beside / f"elasticsearch-{VERSION}").rename(folder.distribution)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _archive(home: Path, *, say: Callable[[str], None]) -> Path:
    """The server's zip from the Maven cache of this user, fetched when missing, its sha1 checked either way."""
    from jgo.maven import MavenContext

    for repository in (None, home / "maven"):  # the second where the usual cache cannot be written
        artifact = (
            MavenContext(timeout=60, repo_cache=repository)
            .project("org.elasticsearch.distribution.integ-test-zip", "elasticsearch")
            .at_version(VERSION)
            .artifact(packaging="zip")
        )
        cached = Path(str(artifact.cached_path))
        if _is_whole(cached):
            return cached
        try:
            cached.parent.mkdir(parents=True, exist_ok=True)
            lock = cached.with_suffix(".lock").open("w")
        except OSError:
            continue
        with lock:  # two homes that fetch at once
            fcntl.flock(lock, fcntl.LOCK_EX)
            return cached if _is_whole(cached) else _fetch(artifact, cached, say=say)
    raise ServerUnavailable(f"neither the Maven cache of this user nor {home} can be written.")


def _fetch(artifact: Any, cached: Path, *, say: Callable[[str], None]) -> Path:
    say(f"Downloading Elasticsearch {VERSION} (130 MB, once)")
    try:
        cached.unlink(missing_ok=True)  # cut off by an earlier interruption
        artifact.resolve()
    except (OSError, RuntimeError) as error:
        raise ServerUnavailable(
            f"Elasticsearch {VERSION} could not be downloaded ({type(error).__name__}). Look at the network, "
            "or set PROFILESTORE_ELASTICSEARCH_URL to a server that runs."
        ) from error
    if not _is_whole(cached):
        cached.unlink(missing_ok=True)
        raise ServerUnavailable(f"the download of Elasticsearch {VERSION} is broken: its sha1 is wrong. Run it again.")
    return cached


def _is_whole(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha1").hexdigest() == ARCHIVE_SHA1
    except OSError:
        return False
