"""Campaigns as they are stored, and who gets what of them: what apps read from `{prefix}-campaigns`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from profilestore.documents.base import Document

__all__ = ["CampaignDocument", "assignment_id", "campaign_id", "contact_id"]


class CampaignDocument(Document):
    """A campaign, one user's place in it, one contact that a user is promised in a week, or what runs now.

    `kind` says which:

    - `campaign` (`_id` `campaign:NAME`): the definition whole, `state`, `counts` of the plan that was frozen when it
      was started, and `lists`, where the users of that plan stand until each has an assignment. `imported`: it was
      run elsewhere, nobody was drawn by lot, and there is no control group. Its `unless` and `quiet` are those of its
      assignments, its `week` that of its first contact.
    - `assignment` (`_id` `NAME:USER`): `arm`, drawn by lot (a stable hash) among who might be written to; what the
      user gets (`offer`, `product_id`, `code`) by which `channel`, not before `contact_at` and not after `ends`.
      `withheld` says why nothing is to be sent although the lot fell on it; the arm stays as it was drawn.
      `unless` is `off` where vectors or scores chose the offer or the audience, so that one lookup of the profile's
      `personalisation` holds it back. `quiet` are the minutes of the day, on the clock of the shop's time zone, in
      which nobody is contacted (ranges of them, `gte` to below `lt`). What was believed of the user when the campaign
      started (`segment` … `purchase_30d`) is for the report, and goes when personalisation is switched off.
    - `contact` (`_id` `contact:WEEK:PLACE:USER`): the contact of a week, ISO 8601 in the shop's time zone, that a
      campaign took; that no two can take one place is the cap of contacts.
    - `running` (`_id` `running`): the names of all campaigns that run, for a terms lookup.
    """

    kind: Literal["campaign", "assignment", "contact", "running"]
    campaign: str | None = None
    # of a campaign
    state: Literal["starting", "running", "stopped"] | None = None
    imported: bool | None = None
    description: str | None = None
    audience: str | None = None
    starts: datetime | None = None
    budget: float | None = None
    definition: dict[str, Any] | None = None
    counts: dict[str, Any] | None = None
    lists: dict[str, Any] | None = None
    created: datetime | None = None
    created_by: str | None = None
    stopped: datetime | None = None
    # of an assignment, some of a campaign or contact too
    user_id: str | None = None
    arm: Literal["treatment", "control"] | None = None
    channel: str | None = None
    assigned_at: datetime | None = None
    contact_at: datetime | None = None
    ends: datetime | None = None
    offer: Literal["message", "coupon", "product"] | None = None
    product_id: str | None = None
    product_title: str | None = None
    reasons: list[str] | None = None
    coupon: str | None = None
    code: str | None = None
    withheld: str | None = None
    unless: str | None = None
    quiet: list[dict[str, int]] | None = None
    segment: str | None = None
    value_tier: str | None = None
    churn_band: str | None = None
    lifecycle: str | None = None
    purchase_30d: float | None = None
    # of a contact
    week: str | None = None
    place: int | None = None
    # of what runs
    running: list[str] | None = None


def campaign_id(campaign: str) -> str:
    """The `_id` of a campaign's record. No campaign's name has a colon."""
    return f"campaign:{campaign}"


def assignment_id(campaign: str, user_id: str) -> str:
    """The `_id` of a user's place in a campaign. No campaign is named `campaign`, `contact` or `running`."""
    return f"{campaign}:{user_id}"


def contact_id(user_id: str, week: str, place: int) -> str:
    """The `_id` of the place-th contact (from 0) of a user in an ISO week such as 2026-W48."""
    return f"contact:{week}:{place}:{user_id}"
