"""What an event says of its own state, and of the state of a refund: read from the shop's own attributes.

The log has no field for a state; shops put theirs into `attributes`. Two kinds of keys are read, in any spelling of
case, blanks, dashes and underscores: of the event itself (`status`, `state`, `order_status`, 状态 …) and of a refund
(`refund_status`, `return_status`, 退款状态 …). A word that is not known is shown as it stands, and opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["is_closed", "is_open", "is_outgoing", "refund_state", "state", "topic"]

_OWN: Final = ("order status", "status", "state", "订单状态", "状态")
_REFUND: Final = ("refund status", "return status", "refund state", "退款状态", "退货状态")
_TOPIC: Final = ("topic", "subject", "reason", "category", "kind", "主题", "原因", "类型")
_DIRECTION: Final = ("direction", "方向")
_OUTGOING: Final = frozenset(("out", "outgoing", "outbound", "answer", "reply", "sent", "发出", "回复"))
_OPEN: Final = frozenset(
    ("open", "opened", "new", "created", "submitted", "initiated", "requested", "request", "pending", "processing",
     "in process", "in progress", "in review", "under review", "reviewing", "waiting", "awaiting", "on hold",
     "approved", "accepted", "escalated", "unresolved", "unanswered", "申请中", "已申请", "待处理", "处理中", "待退款",
     "退款中", "退货中", "待审核", "审核中", "未处理", "未解决", "待回复", "已受理", "待跟进")
)  # fmt: skip
_CLOSED: Final = frozenset(
    ("done", "closed", "complete", "completed", "finished", "settled", "paid", "paid out", "refunded", "returned",
     "resolved", "solved", "answered", "rejected", "declined", "denied", "cancelled", "canceled", "withdrawn", "已完成",
     "完成", "已退款", "已退货", "已关闭", "已解决", "已拒绝", "已取消", "已回复", "已撤销")
)  # fmt: skip
# A state of an order that is one of a refund: "return requested", "refund pending", "申请退款".
_OF_REFUND: Final = re.compile(r"refund|return|退款|退货")


def state(attributes: Mapping[str, Any] | None) -> str | None:
    """What the event says of itself."""
    return _first(attributes, _OWN)


def refund_state(attributes: Mapping[str, Any] | None, *, is_refund: bool) -> str | None:
    """What the event says of a refund: of itself where it is one, else by a key of refunds or a word such as "return
    requested" in the state of the order."""
    said = _first(attributes, _REFUND)
    if said is not None:
        return said
    own = state(attributes)
    return own if own is not None and (is_refund or _OF_REFUND.search(_plain(own)) is not None) else None


def topic(attributes: Mapping[str, Any] | None) -> str | None:
    """What the event says it is about."""
    return _first(attributes, _TOPIC)


def is_outgoing(attributes: Mapping[str, Any] | None) -> bool:
    """Whether a contact says that it went from the shop to the customer."""
    said = _first(attributes, _DIRECTION)
    return said is not None and _plain(said) in _OUTGOING


def is_open(said: str | None) -> bool:
    """Whether a state is one of those that wait for somebody."""
    if said is None or is_closed(said):
        return False
    plain = _plain(said)
    if plain in _OPEN or plain in ("申请退款", "申请退货"):
        return True
    if _OF_REFUND.search(plain) is None:
        return False
    rest = " ".join(_OF_REFUND.sub(" ", plain).split())
    return rest in _OPEN or rest in ("中", "申请", "ing") or rest.partition(" ")[0] in _OPEN


def is_closed(said: str | None) -> bool:
    """Whether a state is one of those in which nobody waits any more."""
    if said is None:
        return False
    plain = _plain(said)
    return plain in _CLOSED or " ".join(_OF_REFUND.sub(" ", plain).split()) in _CLOSED


def _first(attributes: Mapping[str, Any] | None, keys: tuple[str, ...]) -> str | None:
    held = {_plain(name): value for name, value in (attributes or {}).items()}
    for key in keys:
        value = held.get(key)
        if isinstance(value, str) and value.strip() != "":
            return value.strip()
    return None


def _plain(text: str) -> str:
    """`refundStatus`, `REFUND-STATUS` and `refund_status` are one."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return " ".join(re.sub(r"[\s_.\-]+", " ", spaced).casefold().split())
