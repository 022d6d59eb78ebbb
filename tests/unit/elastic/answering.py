"""An HTTP server that answers like an Elasticsearch node, or like something else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answers = dict[str, tuple[int, Any]]


def node(name: str, *, version: str = "9.5.4") -> dict[str, Any]:
    """What `nodes.info` answers."""
    return {"nodes": {"id": {"name": name, "version": version}}}


@contextmanager
def answering(answers: Answers, *, seen: list[dict[str, str]] | None = None) -> Iterator[str]:
    """Serve JSON by the beginning of the path; yields the URL. `seen` collects the headers of each request."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if seen is not None:
                seen.append(dict(self.headers))
            paths = sorted((path for path in answers if self.path.startswith(path)), key=len)
            status, body = answers[paths[-1]] if len(paths) > 0 else (404, {"error": {"type": "none"}, "status": 404})
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
