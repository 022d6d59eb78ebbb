"""Bring a Kibana to the dashboards of a shop, and say what that changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from profilestore.dashboards.push.comparing import Change, changes
from profilestore.dashboards.push.kibana_api import KibanaApi

__all__ = ["PushReport", "Pushed", "View", "push"]

What = Literal["created", "updated", "unchanged"]
_VIEW_FIELDS: Final = ("title", "name", "timeFieldName")


class View(Protocol):
    """A data view."""

    @property
    def id(self) -> str:
        """Its id in Kibana."""

    def body(self) -> dict[str, Any]:
        """What `POST /api/data_views/data_view` takes."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of one data view or dashboard.

    Attributes:
        kind, id: what it is.
        what: was done, or would be in a dry run.
        changes: field by field, where it was there before.
        kept_otherwise: what Kibana made of the dashboard that is not as it was sent.
    """

    kind: Literal["data view", "dashboard"]
    id: str
    what: What
    changes: tuple[Change, ...] = ()
    kept_otherwise: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PushReport:
    """All that was pushed, in its order. `version` is Kibana's, None where it does not tell."""

    url: str
    version: str | None
    dry_run: bool
    pushed: tuple[Pushed, ...]

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        return {
            "url": self.url,
            "version": self.version,
            "dry_run": self.dry_run,
            "pushed": [
                {
                    "kind": each.kind,
                    "id": each.id,
                    "what": each.what,
                    "changes": [str(change) for change in each.changes],
                    "kept_otherwise": [str(change) for change in each.kept_otherwise],
                    "warnings": list(each.warnings),
                }
                for each in self.pushed
            ],
        }


def push(
    api: KibanaApi, *, views: Sequence[View], documents: Mapping[str, dict[str, Any]], dry_run: bool = False
) -> PushReport:
    """Create or update data views, then the dashboards that refer to them; what is as it should be is not written.

    Args:
        api: the Kibana; waited for while it starts.
        views: data views.
        documents: dashboards by id.
        dry_run: only say what would be done.

    Raises:
        ServerUnavailable: nobody answers, or Kibana does not come up.
        AccessDenied: Kibana refuses the credentials.
        WriteFailed: Kibana does not take a document; what was written before it stays.
        ServerError: Kibana is older than 9.4, or something else answers there.
    """
    version = api.version()
    done = [_push_view(api, view, dry_run) for view in views]
    done += [_push_dashboard(api, id, document, dry_run) for id, document in documents.items()]
    return PushReport(api.url, version, dry_run, tuple(done))


def _push_view(api: KibanaApi, view: View, dry_run: bool) -> Pushed:
    body = view.body()
    wanted = {name: body["data_view"].get(name) for name in _VIEW_FIELDS}
    held = api.data_view(view.id)
    found = [] if held is None else changes({name: held.get(name) or None for name in _VIEW_FIELDS}, wanted)
    what: What = "created" if held is None else "updated" if len(found) > 0 else "unchanged"
    if what != "unchanged" and not dry_run:
        api.put_data_view(view.id, body)
    return Pushed("data view", view.id, what, tuple(found))


def _push_dashboard(api: KibanaApi, id: str, document: dict[str, Any], dry_run: bool) -> Pushed:
    held = api.dashboard(id)
    found, warnings = ([], []) if held is None else (changes(held[0], document), held[1])
    what: What = "created" if held is None else "updated" if len(found) > 0 else "unchanged"
    if what == "unchanged" or dry_run:
        return Pushed("dashboard", id, what, tuple(found), warnings=tuple(warnings))
    new, kept = api.put_dashboard(id, document)
    return Pushed(
        "dashboard",
        id,
        "created" if new else "updated",
        tuple(found),
        tuple(changes(kept, document)),
    )
