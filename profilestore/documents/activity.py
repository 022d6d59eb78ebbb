"""An act as dashboards look at it: an event of the log with what is known of its user and product now."""

from __future__ import annotations

from datetime import datetime

from profilestore.documents.base import Document

__all__ = ["ActivityDocument"]


class ActivityDocument(Document):
    """One act, derived from the event log by `dashboards refresh`; the id is the event's.

    Everything here can be derived again at any time. Money is in the shop's currency, `revenue` of a refund is
    negative; `hour` (0 to 23), `weekday` (1 is Monday) and months (`yyyy-MM`) are in the shop's time zone, `time` is
    UTC. `segment` to `lifecycle` are the user's of now, and absent where personalisation is off; so is `sentiment`.

    Attributes:
        product: a name of the product that no other has: its title (at most 60 characters), with the id where two
            have the same, or the id.
        what: `product`, or a dash.
        order_key: the same on all lines of an order, and on no line of another; `order_number` counts a user's
            orders from 1.
        first_act: on one act a user, the first.
        cohort_age: months from the month of the user's first purchase (`cohort_month`) to this act's.
        repeated: an impression or click of a product and request that this user has seen, or clicked, before.
        clicked: 1 or 0 on impressions that are not repeated, as in `feedback report`; `converted` alike.
        attributed: on purchases, whether the user had clicked on a recommendation of the product within 7 days
            before; `attributed_method` is that of the last such click.
        new_product: the product was listed within 30 days before the act.
        query: the words of a search, where three users or more searched for the same.
        no_result: on searches whose event says in `attributes.results` how many there were.
        state: what of the user this was made from; `product_state` of the product, `seq_no` of the event.
    """

    event_id: str
    user_id: str
    type: str
    time: datetime
    product_id: str | None = None
    product: str | None = None
    what: str
    title: str | None = None
    category: str | None = None
    brand: str | None = None
    topics: list[str] | None = None
    quantity: float | None = None
    revenue: float | None = None
    order_key: str | None = None
    order_number: int | None = None
    first_purchase: bool | None = None
    first_act: bool
    hour: int
    weekday: int
    cohort_month: str | None = None
    cohort_age: int | None = None
    segment: str | None = None
    value_tier: str | None = None
    churn_band: str | None = None
    lifecycle: str | None = None
    personalisation: str | None = None
    channel: str | None = None
    device: str | None = None
    method: str | None = None
    position: int | None = None
    experiment: str | None = None
    repeated: bool | None = None
    clicked: int | None = None
    converted: int | None = None
    attributed: bool | None = None
    attributed_method: str | None = None
    new_product: bool | None = None
    query: str | None = None
    query_key: str | None = None
    no_result: bool | None = None
    rating: float | None = None
    sentiment: float | None = None
    sentiment_label: str | None = None
    state: str
    product_state: str | None = None
    seq_no: int
