"""Dashboards and their preview as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from profilestore.dashboards.kibana import kibana_bytes
from profilestore.dashboards.panels import Dashboard
from profilestore.errors import InputError

if TYPE_CHECKING:
    from profilestore.dashboards.previewing import Preview

__all__ = ["write_files", "write_preview"]


def write_files(dashboards: Sequence[Dashboard], folder: Path) -> list[Path]:
    """Write `{id}.json` of each dashboard: the same bytes for the same dashboard.

    Raises:
        InputError: the folder cannot be written.
    """
    paths = [folder / f"{dashboard.id}.json" for dashboard in dashboards]
    for path, dashboard in zip(paths, dashboards, strict=True):
        _write(path, kibana_bytes(dashboard))
    return paths


def write_preview(preview: Preview, path: Path, *, png: bool = False) -> list[Path]:
    """Write the page, and with `png` a picture of each dashboard beside it, `{name of the file}-{dashboard}.png`.

    Raises:
        InputError: the file cannot be written.
    """
    _write(path, preview.html.encode())
    paths = [path]
    if png:
        from profilestore.dashboards.pictures import dashboard_png

        for dashboard in preview.dashboards:
            lists = preview.choices.get(dashboard.name, ())
            known = {by.field: [each.label for each in by.choices] for by in lists if by.field is not None}
            picture = path.with_name(f"{path.stem}-{dashboard.name}.png")
            _write(picture, dashboard_png(dashboard, preview.answers, language=preview.language, known=known))
            paths.append(picture)
    return paths


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error
