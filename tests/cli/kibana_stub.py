"""Plays Kibana's HTTP API as ../shared/kibana/README.md describes it, and checks each dashboard with its checker."""

from __future__ import annotations

import copy
import http.server
import importlib.util
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

CHECKER = Path(__file__).resolve().parents[3] / "shared" / "kibana" / "check_dashboard.py"
DEFAULTS = {
    "auto_apply_filters": True, "sync_cursor": True, "use_margins": True, "hide_panel_borders": False,
    "hide_panel_titles": False, "sync_colors": False, "sync_tooltips": False,
}  # fmt: skip
ERRORS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}


def load_checker() -> Callable[[Any], list[str]]:
    """`check` of check_dashboard.py: what is wrong with a document."""
    spec = importlib.util.spec_from_file_location("check_dashboard", CHECKER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    check: Callable[[Any], list[str]] = module.check
    return check


def with_defaults(document: dict[str, Any]) -> dict[str, Any]:
    """A document as GET shows it: with what was left out filled in."""
    data = copy.deepcopy(document)
    data["options"] = {**DEFAULTS, **data.get("options", {})}
    data.setdefault("filters", [])
    data.setdefault("tags", [])
    for panel in data.get("panels", []):
        for each in [panel, *panel.get("panels", [])]:
            if "type" in each:
                each["grid"] = {"w": 24, "h": 15, **each["grid"]}
                each["config"] = {"hide_title": False, "hide_border": False, **each["config"]}
    return data


@dataclass
class Kibana:
    """What the stub holds and how it answers; `seen` are the requests it took, without credentials."""

    check: Callable[[Any], list[str]]
    authorization: str = "ApiKey secret-of-the-test"
    version: str | None = "9.5.4"
    base: str = ""
    starting: int = 0
    forbidden: bool = False
    conflicts: int = 0
    html: bool = False
    dashboards: dict[str, Any] = field(default_factory=dict)
    views: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    def writes(self) -> list[tuple[str, str]]:
        return [request for request in self.seen if request[0] != "GET"]

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        """Status and JSON (or text) of the answer to a request."""
        self.seen.append((method, path))
        if self.html:
            return 200, "<html>another program</html>"
        if self.starting > 0:
            self.starting -= 1
            return 503, "Kibana server is not ready yet"
        if headers.get("authorization") != self.authorization:
            return self.error(401, "[security_exception]: unable to authenticate")
        if method != "GET" and headers.get("kbn-xsrf") is None:
            return self.error(400, "Request must contain a kbn-xsrf header.")
        if method != "GET" and headers.get("content-type") != "application/json":
            return self.error(400, "unsupported content type")
        if not path.startswith(self.base):
            return self.error(404, "Not Found")
        path = path.removeprefix(self.base)
        if path == "/api/status":
            told = {} if self.version is None else {"version": {"number": self.version}}
            return 200, {"status": {"overall": {"level": "available"}}, **told}
        if self.forbidden:
            return self.error(403, "API [...] is unauthorized for user")
        if (found := re.fullmatch(r"/api/dashboards/([^/]+)", path)) is not None:
            return self.dashboard(method, found[1], body)
        if path == "/api/data_views/data_view" and method == "POST":
            return self.post_view(json.loads(body))
        if (found := re.fullmatch(r"/api/data_views/data_view/([^/]+)", path)) is not None and method == "GET":
            view = self.views.get(found[1])
            return self.error(404, "Saved object not found") if view is None else (200, {"data_view": view})
        return self.error(404, "Not Found")

    def dashboard(self, method: str, id: str, body: bytes) -> tuple[int, Any]:
        if self.version is not None and tuple(map(int, self.version.split(".")[:2])) < (9, 4):
            return self.error(404, "Not Found")
        if method == "GET":
            if id not in self.dashboards:
                return self.error(404, f"A dashboard with ID [{id}] was not found.")
            told = {"warnings": self.warnings} if len(self.warnings) > 0 else {}
            return 200, {"id": id, "data": self.dashboards[id], "meta": {}, **told}
        if self.conflicts > 0:
            self.conflicts -= 1
            return self.error(409, "version conflict, document already exists")
        document = json.loads(body)
        problems = self.check(document)
        if len(problems) > 0:
            return self.error(400, f"[request body]: {problems[0]}")
        status = 200 if id in self.dashboards else 201
        self.dashboards[id] = with_defaults(document)
        return status, {"id": id, "data": self.dashboards[id], "meta": {}}

    def post_view(self, document: dict[str, Any]) -> tuple[int, Any]:
        view = document["data_view"]
        if not {"id", "title"} <= view.keys() or not view.keys() <= {"id", "title", "name", "timeFieldName"}:
            return self.error(400, "[request body.data_view]: definition for this key is missing")
        if view["id"] in self.views and document.get("override") is not True:
            return self.error(400, f"Duplicate data view: {view['id']}")
        self.views[view["id"]] = {"version": "WzEsMV0=", "fields": {}, "sourceFilters": [], **view}
        return 200, {"data_view": self.views[view["id"]]}

    @staticmethod
    def error(status: int, message: str) -> tuple[int, Any]:
        return status, {"statusCode": status, "error": ERRORS[status], "message": message}


@contextmanager
def serving(kibana: Kibana, *, port: int = 0) -> Iterator[Kibana]:
    """The stub on a port of this machine; `kibana.url` says where."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        holder: ClassVar[Kibana] = kibana

        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, content = self.holder.answer(self.command, self.path, self.headers, body)
            data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = respond  # noqa: N815  as http.server calls them

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        kibana.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield kibana
        finally:
            server.shutdown()
            thread.join()
