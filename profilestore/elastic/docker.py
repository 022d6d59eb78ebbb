"""The server by Docker: Elasticsearch and Kibana from docker-compose.yml, one compose project a home.

Passwords are made once and kept in `HOME/docker.env` (mode 0600), where compose and the client read them.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from profilestore.errors import ServerUnavailable
from profilestore.settings import Settings

__all__ = [
    "compose_down",
    "compose_up",
    "docker_answers",
    "environment_file",
    "local_kibana",
    "local_password",
    "read_environment",
]

COMPOSE_NAME: Final = "docker-compose.yml"
UP_TIMEOUT_S: Final = 900
KIBANA_PORT: Final = 5601


def docker_answers() -> bool:
    """Whether a Docker engine with compose is there: `docker info` and `docker compose version` exit 0."""
    if shutil.which("docker") is None:
        return False
    for words in (("info",), ("compose", "version")):
        try:
            done = subprocess.run(["docker", *words], capture_output=True, timeout=20, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired):
            return False
        if done.returncode != 0:
            return False
    return True


def environment_file(home: Path) -> Path:
    """Where the passwords and ports of this home's containers are."""
    return home / "docker.env"


def read_environment(home: Path) -> dict[str, str]:
    """The variables of `HOME/docker.env`; empty when Docker was never used here."""
    try:
        lines = environment_file(home).read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def local_password(home: Path, *, url: str) -> str | None:
    """The password of user `elastic`, if `url` is the server that Docker runs for this home."""
    made = read_environment(home)
    if url != f"http://127.0.0.1:{made.get('ELASTICSEARCH_PORT')}":
        return None
    return made.get("ELASTIC_PASSWORD")


def local_kibana(home: Path) -> str | None:
    """Where Docker runs Kibana for this home, if it does."""
    port = read_environment(home).get("KIBANA_PORT")
    return None if port is None else f"http://127.0.0.1:{port}"


def compose_up(settings: Settings, *, port: int, kibana_port: int, say: Callable[[str], None]) -> None:
    """Start the containers of this home and wait until they are healthy. Data stays in a named volume.

    Raises:
        ServerUnavailable: compose failed; its own words are not passed on, since they may hold the environment.
    """
    made = read_environment(settings.home)
    values = {
        "ELASTIC_PASSWORD": made.get("ELASTIC_PASSWORD", secrets.token_urlsafe(24)),
        "KIBANA_PASSWORD": made.get("KIBANA_PASSWORD", secrets.token_urlsafe(24)),
        "VIEWER_PASSWORD": made.get("VIEWER_PASSWORD", secrets.token_urlsafe(24)),
        "KIBANA_ENCRYPTION_KEY": made.get("KIBANA_ENCRYPTION_KEY", secrets.token_hex(32)),
        "ELASTICSEARCH_PORT": str(port),
        "KIBANA_PORT": str(kibana_port),
        "ELASTICSEARCH_HEAP": settings.heap,
        "SHOP_PREFIX": settings.prefix,
        "SHOP_TIME_ZONE": settings.time_zone,
        "SHOP_CURRENCY": settings.currency,
        "SHOP_LANGUAGE": settings.language,
        "PROFILESTORE_PACKAGE": str(Path(__file__).resolve().parent.parent),
    }
    path = environment_file(settings.home)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
    say("Starting Elasticsearch and Kibana in Docker (the first time the images are pulled, 2 GB)")
    _compose(settings.home, "up", "--detach", "--wait", "elasticsearch", timeout_s=UP_TIMEOUT_S)
    _compose(settings.home, "up", "--detach", timeout_s=UP_TIMEOUT_S)  # Kibana comes up on its own time


def compose_down(home: Path, *, volumes: bool) -> None:
    """Stop the containers of this home; with `volumes` their data goes too."""
    _compose(home, "down", *(["--volumes"] if volumes else []), timeout_s=120)


def _compose(home: Path, *words: str, timeout_s: float) -> None:
    project = f"profilestore-{hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]}"
    command = [
        *("docker", "compose", "--project-name", project, "--file", str(_compose_file())),
        *("--env-file", str(environment_file(home)), *words),
    ]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout_s, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServerUnavailable(f"docker compose {words[0]} gave up ({type(error).__name__}).") from error
    if done.returncode != 0:
        raise ServerUnavailable(
            f"docker compose {words[0]} failed with exit code {done.returncode}. Look at "
            f"`docker compose --project-name {project} logs`, or set PROFILESTORE_SERVER=embedded."
        )


def _compose_file() -> Path:
    """docker-compose.yml of the checkout, or the copy that an installed package carries."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package.parent, package):
        if (folder / COMPOSE_NAME).is_file():
            return folder / COMPOSE_NAME
    raise ServerUnavailable(f"{COMPOSE_NAME} is missing from this installation. Set PROFILESTORE_SERVER=embedded.")
