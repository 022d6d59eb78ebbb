"""Files of past campaigns: each row is taken, seen before or refused with its reason, and all before a write."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from profilestore.campaigns.importing.past import Past
from profilestore.campaigns.importing.records import assignment_record, campaign_record
from profilestore.errors import ColumnsError, InputError, RejectedInput
from profilestore.ingest import InputReport, Rejects, load_columns
from profilestore.ingest.campaign_rows import ToldRejects, read_rows
from profilestore.settings import Settings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
CAMPAIGNS = "campaign,starts,ends,channel,cost\nspring,2026-03-01,2026-03-14,mail,120\nautumn,2026-09-01 10:00,"
CAMPAIGNS += "2026-09-05 18:30,sms,\n"


def read(
    tmp_path: Path, kind: str, text: str, past: Past | None = None, *, columns: str | None = None, strict: bool = False
) -> tuple[Past, InputReport, list[str]]:
    """What the rows of a file come to; the reasons of those refused."""
    path = tmp_path / f"{kind}.csv"
    path.write_text(text, encoding="utf-8")
    past = Past(zone=ZONE, now=NOW) if past is None else past
    report = InputReport()
    with Rejects(tmp_path, kind) as rejects:
        read_rows(
            [path], past.takers[kind], columns=load_columns(columns, kind=kind),  # type: ignore[arg-type, index]
            settings=Settings(time_zone="Asia/Shanghai"), report=report, rejects=rejects, strict=strict,
        )  # fmt: skip
    assert report.balanced
    return past, report, list(report.reasons)


def described(tmp_path: Path) -> Past:
    return read(tmp_path, "campaigns", CAMPAIGNS)[0]


def test_days_are_of_the_shops_zone_and_the_last_belongs_to_the_campaign(tmp_path: Path) -> None:
    past = described(tmp_path)
    spring, autumn = past.campaigns["spring"], past.campaigns["autumn"]
    assert spring.starts == datetime(2026, 2, 28, 16, tzinfo=UTC)
    assert spring.ends == datetime(2026, 3, 14, 16, tzinfo=UTC)
    assert autumn.ends == datetime(2026, 9, 5, 10, 30, tzinfo=UTC)
    assert (spring.channel, spring.cost, autumn.cost) == ("mail", 120.0, None)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("x,2026-03-14,2026-03-01,,", "ends before it begins"),
        ("x,2027-03-01,2027-03-14,,", "begins in the future: a campaign to come is started, not imported"),
        ("a:b,2026-03-01,2026-03-14,,", "is no name for a campaign"),
        ("running,2026-03-01,2026-03-14,,", "is no name for a campaign"),
        ("x,2026-03-01,,,", "ends is missing"),
        ("x,2026-03-01,2026-02-31,,", "is not a date that exists"),
        ("spring,2026-03-01,2026-03-15,mail,120", "this campaign is described before, and otherwise"),
        ("x,2026-03-01,2026-03-14,,many", "is not a number"),
        ("x,0001-01-05,2026-03-14,,", "is not of the years 1900 to 9000"),
        ("x,2026-03-01,9999-12-31,,", "is not of the years 1900 to 9000"),
        ("x,1899-12-31,2026-03-14,,", "is not of the years 1900 to 9000"),
    ],
)
def test_a_campaign_that_cannot_be_meant_is_refused(tmp_path: Path, row: str, reason: str) -> None:
    _, report, reasons = read(tmp_path, "campaigns", f"{CAMPAIGNS}{row}\n")
    assert report.rejected == 1
    assert reason in reasons[0]


def test_a_budget_of_nothing_is_refused_and_the_same_row_again_is_not(tmp_path: Path) -> None:
    text = "name,start_date,end_date,budget\nx,2026-03-01,2026-03-02,0\ny,2026-03-01,2026-03-02,5\n"
    text += "y,2026-03-01,2026-03-02,5.0\n"
    _, report, reasons = read(tmp_path, "campaigns", text)
    assert (report.emitted, report.duplicate, report.rejected) == (1, 1, 1)
    assert "a budget is above 0" in reasons[0]


def test_members_with_arms_and_times(tmp_path: Path) -> None:
    past = described(tmp_path)
    text = "campaign,user_id,arm,sent_at\nspring,u1,test,2026-03-02 09:00\nspring,u2,Holdout,\nspring,u1,treatment,"
    text += "2026-03-02 09:00:00\nspring,u2,treatment,\nspring,u3,control,2026-03-02\nspring,u4,test,2026-03-15\n"
    text += f"spring,u5,perhaps,\nspring,,test,\nspring,{'u' * 505},test,\nspring,u6,test,0001-01-05\n"
    past, report, reasons = read(tmp_path, "members", text, past)
    assert (report.emitted, report.duplicate, report.rejected) == (2, 1, 7)
    for reason in (
        "this user is in this campaign before, and otherwise", "who is in the control group was not contacted",
        "the campaign was over by then", "is neither treatment nor control", "user_id is missing",
        "is too long beside the campaign's name", "is not of the years 1900 to 9000",
    ):  # fmt: skip
        assert any(reason in each for each in reasons), reason
    assert all("u1" not in each and "u2" not in each for each in reasons)
    told = past.members["spring"]
    assert told["u1"].contact_at == datetime(2026, 3, 2, 1, tzinfo=UTC)
    assert told["u2"].arm == "control"


def test_rows_of_campaigns_that_are_not_described_are_an_error_that_names_them(tmp_path: Path) -> None:
    past, _, _ = read(tmp_path, "members", "campaign,user\nspring,u1\nwinter,u2\nwinter,u3\n", described(tmp_path))
    with pytest.raises(InputError, match=r"2 row\(s\) name 1 campaign.*members.csv, line 3\.") as told:
        past.check()
    assert "winter" not in str(told.value)


def test_arms_of_some_users_only_are_an_error(tmp_path: Path) -> None:
    past, _, _ = read(tmp_path, "members", "campaign,user,arm\nspring,u1,test\nspring,u2,\n", described(tmp_path))
    with pytest.raises(InputError, match="1 of 2 users have no arm"):
        past.check()


def test_a_coupon_is_good_for_the_products_of_its_rows(tmp_path: Path) -> None:
    text = "campaign,coupon_code,product_id,value\nspring,C1,p1,2\nspring,C1,p2,2\nspring,C1,p1,2\nspring,C2,,\n"
    text += "spring,C2,,\nspring,C1,p3,4\n"
    past, report, reasons = read(tmp_path, "coupons", text, described(tmp_path))
    assert (report.emitted, report.duplicate, report.rejected) == (3, 2, 1)
    assert list(past.coupons["spring"]["C1"].product_ids) == ["p1", "p2"]
    assert past.coupons["spring"]["C1"].rows == 2
    assert "another value" in reasons[0]


def test_strict_stops_at_the_first_and_descriptions_are_told_with_their_lines(tmp_path: Path) -> None:
    with pytest.raises(RejectedInput, match="line 3"):
        read(tmp_path, "members", "campaign,user\nspring,u1\nspring,\n", described(tmp_path), strict=True)
    told = ToldRejects()
    for line in range(2, 30):
        told.add(file="c.csv", line=line, column="ends", reason="ends before it begins", row={})
    with pytest.raises(InputError, match=r"28 row\(s\).*c.csv, line 2: ends before it begins;.*and 8 more"):
        told.check()
    assert list(tmp_path.glob("rejects-none*")) == []


def test_other_peoples_columns(tmp_path: Path) -> None:
    columns = tmp_path / "columns.toml"
    columns.write_text(
        '[campaigns.columns]\ncampaign = "Code"\nstarts = {column = "From", format = "%d/%m/%Y"}\n'
        'ends = {column = "To", format = "%d/%m/%Y"}\nchannel = {constant = "post"}\n'
    )
    past, report, _ = read(tmp_path, "campaigns", "Code,From,To\n7,03/04/2026,05/04/2026\n", columns=str(columns))
    assert report.emitted == 1
    assert past.campaigns["7"].channel == "post"
    assert past.campaigns["7"].starts == datetime(2026, 4, 2, 16, tzinfo=UTC)
    with pytest.raises(ColumnsError, match="no column for starts"):
        read(tmp_path, "campaigns", "Code,From,To\n7,03/04/2026,05/04/2026\n")


def test_records_say_what_the_files_say(tmp_path: Path) -> None:
    past = described(tmp_path)
    spring = past.campaigns["spring"]
    made = campaign_record(spring, now=NOW, created_by="who")
    assert (made.imported, made.state, made.stopped) == (True, "stopped", spring.ends)
    assert made.definition == {"name": "spring", "cost": 120.0}
    past, _, _ = read(tmp_path, "members", "campaign,user,arm\nspring,u1,test\nspring,u2,control\n", past)
    treated, control = (assignment_record(spring, user, past.members["spring"][user]) for user in ("u1", "u2"))
    assert (treated.arm, treated.contact_at, treated.channel) == ("treatment", spring.starts, "mail")
    assert (control.arm, control.contact_at) == ("control", None)
