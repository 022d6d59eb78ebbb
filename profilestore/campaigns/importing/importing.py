"""Import of past campaigns: files -> records, places and contacts of users, coupons. Again, and nothing changes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from profilestore.campaigns.importing.options import FilePath, ImportFiles, ImportOptions, ImportReport
from profilestore.campaigns.importing.past import Past
from profilestore.campaigns.importing.records import KEPT, assignment_record, campaign_record
from profilestore.campaigns.running.quiet_hours import week_of
from profilestore.documents import CampaignDocument, CouponDocument, assignment_id, campaign_id, coupon_id
from profilestore.elastic.audience_index import PIECE, inline_query
from profilestore.elastic.audit_log import AuditLog
from profilestore.elastic.campaign_index import CampaignIndex
from profilestore.elastic.contact_places import ContactPlaces
from profilestore.elastic.coupon_index import CouponIndex
from profilestore.elastic.member_pages import MemberPages
from profilestore.elastic.past_coupons import coupon_numbers
from profilestore.elastic.upserts import Upserted, upsert
from profilestore.errors import InputError, UsageError
from profilestore.indexing.counts import LoadCounts
from profilestore.indexing.parts import Parts
from profilestore.ingest import InputReport, Rejects, load_columns
from profilestore.ingest.campaign_rows import ToldRejects, read_rows

__all__ = ["PastCampaigns"]

_PAGE: Final = 10_000
# The past is not capped: what was sent was sent.
_NO_CAP: Final = 1_000_000
_Kind = Literal["campaigns", "members", "coupons"]


class PastCampaigns:
    """Takes in campaigns that were run elsewhere, or before there was this shop."""

    def __init__(self, parts: Parts) -> None:
        settings, client = parts.settings, parts.client
        self._settings, self._client = settings, client
        self._alias = settings.index("campaigns")
        self._index = CampaignIndex(client, alias=self._alias)
        self._coupons = CouponIndex(client, alias=settings.index("coupons"))
        self._zone = ZoneInfo(settings.time_zone)

    def run(self, files: ImportFiles, options: ImportOptions | None = None) -> ImportReport:
        """Read and judge all files, then write what is new or was told otherwise before.

        Safe to kill at any moment and to run again. Consent is not asked: what was sent was sent. Nobody is served by
        what is imported, since no app reads a stopped campaign; its contacts count for the cap of their week.

        Raises:
            InputError: a campaign that cannot be meant, or a row of one that is not described; nothing was written.
            RejectedInput: with `strict`, at the first row that cannot be taken; nothing was written.
            UsageError: the shop runs, or ran, a campaign of such a name itself.
        """
        started = time.monotonic()
        options = options or ImportOptions()
        self._index.check()
        self._coupons.check()
        report = ImportReport()
        past = self._read(files, options, report)
        self._check_own(past)
        self._write_campaigns(past, report)
        self._write_members(past, report)
        self._write_coupons(past, report)
        self._note_counts(past, report)
        report.without_profile = self._without_profile(past)
        report.seconds = round(time.monotonic() - started, 3)
        for counts in report.rows.values():
            counts.check()
        return report

    # ---------------------------------------------------------------- reading

    def _read(self, files: ImportFiles, options: ImportOptions, report: ImportReport) -> Past:
        name = f"campaigns-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        told = ToldRejects()
        with Rejects(options.rejects_folder, name) as rejects:
            past: Past | None = None
            kinds: tuple[tuple[_Kind, Sequence[FilePath]], ...] = (
                ("campaigns", files.campaigns), ("members", files.members), ("coupons", files.coupons),
            )  # fmt: skip
            for kind, paths in kinds:
                if kind != "campaigns" and len(paths) == 0:
                    continue
                columns = load_columns(options.columns, kind=kind)
                if past is None:
                    past = Past(zone=ZoneInfo(columns.time_zone or self._settings.time_zone), now=datetime.now(UTC))
                counts = InputReport()
                read_rows(
                    paths, past.takers[kind], columns=columns, settings=self._settings, report=counts,
                    rejects=told if kind == "campaigns" else None if options.strict else rejects, format=options.format,
                    strict=options.strict and kind != "campaigns",
                )  # fmt: skip
                told.check()
                report.rows[kind] = _row_counts(counts)
            assert past is not None
            try:
                past.check()
            except InputError:
                rejects.path.unlink(missing_ok=True)  # raw rows that nobody was told of
                raise
            for counted in report.rows.values():
                counted.rejects_file = None if rejects.written is None else str(rejects.written)
        return past

    def _check_own(self, past: Past) -> None:
        """Raise where the shop has a campaign of its own of one of these names."""
        own = [
            each.campaign
            for each in self._index.all()
            if each.campaign is not None and each.campaign in past.campaigns and each.imported is not True
        ]
        if len(own) > 0:
            raise UsageError(
                f"{', '.join(own[:20])}: the shop has {len(own)} campaign(s) of such names that it started itself. "
                "Give those in the file other names. Nothing was written."
            )

    # ---------------------------------------------------------------- writing

    def _upsert(
        self, documents: Iterable[tuple[str, Mapping[str, Any]]], alias: str, **fields: tuple[str, ...]
    ) -> Iterator[Upserted]:
        return upsert(self._client, documents, alias=alias, action="importing campaigns", **fields)

    def _write_campaigns(self, past: Past, report: ImportReport) -> None:
        """First, so that no campaign of these names can be started meanwhile."""
        actor = AuditLog(self._client, alias=self._settings.index("audits"), actor=self._settings.actor).actor
        now = datetime.now(UTC)
        documents = (
            (campaign_id(name), campaign_record(each, now=now, created_by=actor).to_source())
            for name, each in past.campaigns.items()
        )
        for done in self._upsert(documents, self._alias, lasting=("imported",), kept=KEPT):
            _count(report.rows["campaigns"], done.what)

    def _write_members(self, past: Past, report: ImportReport) -> None:
        if "members" not in report.rows:
            return
        documents = (
            (assignment_id(name, user_id), assignment_record(past.campaigns[name], user_id, member).to_source())
            for name, members in past.members.items()
            for user_id, member in members.items()
        )
        for done in self._upsert(documents, self._alias):
            _count(report.rows["members"], done.what)
        places = ContactPlaces(self._client, alias=self._alias)
        for name, members in past.members.items():
            weeks: dict[str, dict[str, datetime]] = {}
            for user_id, member in members.items():
                if member.arm != "control":
                    moment = member.contact_at or past.campaigns[name].starts
                    weeks.setdefault(week_of(moment, zone=self._zone), {})[user_id] = moment
            for week, contacts in weeks.items():
                users = list(contacts)
                for start in range(0, len(users), _PAGE):
                    page = users[start : start + _PAGE]
                    report.contacts += len(places.take(name, page, week=week, cap=_NO_CAP, contact_at=contacts))

    def _write_coupons(self, past: Past, report: ImportReport) -> None:
        if "coupons" not in report.rows:
            return
        alias = self._settings.index("coupons")
        for name, coupons in past.coupons.items():
            numbers = coupon_numbers(self._client, name, alias=alias)
            free = max(numbers.values(), default=-1) + 1
            rows: dict[str, int] = {}
            documents = []
            for code, coupon in coupons.items():
                if code not in numbers:
                    numbers[code] = free
                    free += 1
                id = coupon_id(name, numbers[code])
                rows[id] = coupon.rows
                document = CouponDocument(
                    campaign=name, number=numbers[code], code=code, value=coupon.value,
                    product_ids=list(coupon.product_ids) or None,
                )  # fmt: skip
                documents.append((id, document.to_source()))
            report.coupons += len(documents)
            for done in self._upsert(documents, alias, lasting=("code",)):
                _count(report.rows["coupons"], done.what, rows[done.id])

    def _note_counts(self, past: Past, report: ImportReport) -> None:
        """What each campaign has now goes into its record, whichever files it came from."""
        for name in past.campaigns:
            found = self._index.counts(name)
            counts = {"treatment": found["treatment"], "control": found["control"]}
            counts["coupons"] = self._coupons.counts(name)[0]
            report.campaigns[name] = counts

            def noted(held: CampaignDocument, counts: dict[str, int] = counts) -> CampaignDocument:
                return held if held.counts == counts else held.model_copy(update={"counts": counts})

            self._index.change(name, noted)

    def _without_profile(self, past: Past) -> int:
        users = sorted({user_id for members in past.members.values() for user_id in members})
        pages = MemberPages(self._client, alias=self._settings.index("profiles"))
        known = sum(pages.count(inline_query(users[start : start + PIECE])) for start in range(0, len(users), PIECE))
        return len(users) - known


def _row_counts(report: InputReport) -> LoadCounts:
    counts = LoadCounts(read=report.read, duplicate=report.duplicate, rejected=report.rejected)
    counts.cleaning = dict(report.cleaning)
    counts.notes = [f"{count:,} rejected: {reason}" for reason, count in report.reasons.most_common(5)]
    return counts


def _count(counts: LoadCounts, what: str, rows: int = 1) -> None:
    setattr(counts, what, getattr(counts, what) + rows)
