"""A request to Elasticsearch as data: sent by us, printed for an app, or pasted into a shell."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any, Literal

import orjson

__all__ = ["Request"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request: what `--as-query` prints and what the library itself sends."""

    path: str
    body: dict[str, Any]
    method: Literal["POST"] = "POST"

    def as_dict(self) -> dict[str, Any]:
        """Exactly the keys `method`, `path` and `body`."""
        return {"method": self.method, "path": self.path, "body": self.body}

    def as_curl(self, url: str, *, secured: bool = False, ca_certs: str | None = None) -> str:
        """The request as one shell command, quoted for sh and bash.

        Args:
            url: of the server, without a path.
            secured: whether the server asks for credentials; the command then takes them from the
                environment of whoever runs it, and never holds them.
            ca_certs: file of the certificate authority, when the server has one of its own.
        """
        parts = ["curl", "--silent", "--show-error"]
        if secured:
            parts += ["--user", '"$PROFILESTORE_USERNAME:$PROFILESTORE_PASSWORD"']
        if ca_certs is not None:
            parts += ["--cacert", shlex.quote(ca_certs)]
        parts += ["--request", self.method, shlex.quote(url.rstrip("/") + self.path)]
        parts += ["--header", "'Content-Type: application/json'"]
        parts += ["--data-binary", shlex.quote(orjson.dumps(self.body).decode())]
        return " ".join(parts)
