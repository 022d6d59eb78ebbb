"""Files -> rows -> column mapping -> cleaning -> documents or rejects. Streaming, and no I/O but the files.

columns = load_columns("online-retail", kind="events")
report = InputReport()
with Rejects(folder, "2026-01-31") as rejects:
    for batch in read_events(paths, columns=columns, settings=settings, rejects=rejects, report=report):
        ...
assert report.balanced      # read = emitted + duplicate + rejected
"""

from profilestore.ingest.catalogue import read_products, read_users
from profilestore.ingest.cleaning import Cleaning
from profilestore.ingest.events import read_events
from profilestore.ingest.mapping import PRESETS, ColumnMapping, load_columns
from profilestore.ingest.rejects import Rejects
from profilestore.ingest.report import InputReport, Progress, ProgressCallback
from profilestore.ingest.sources import FORMATS, Source, spooled_stdin
from profilestore.ingest.validate import validate

__all__ = [
    "FORMATS",
    "PRESETS",
    "Cleaning",
    "ColumnMapping",
    "InputReport",
    "Progress",
    "ProgressCallback",
    "Rejects",
    "Source",
    "load_columns",
    "read_events",
    "read_products",
    "read_users",
    "spooled_stdin",
    "validate",
]
