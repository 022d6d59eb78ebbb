"""The `[offer]` of a campaign's file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from profilestore.campaigns.coupons.code_file import read_codes
from profilestore.campaigns.offering import PRODUCT_KEYS, ProductOffer
from profilestore.campaigns.running.definition import Codes, OfferDefinition
from profilestore.campaigns.running.table import Table
from profilestore.errors import UsageError

__all__ = ["read_offer"]

_KINDS: Final = ("message", "coupon", "product")
_OF_COUPONS: Final = ("value", "code", "codes", "issue", "coupons")
_LONGEST_CODE: Final = 100


def read_offer(of: Table, *, folder: Path) -> OfferDefinition:
    """The offer of a campaign; problems go to those of the campaign.

    Raises:
        InputError: a file of codes that cannot be read, or has no codes or the same twice.
    """
    given = of.value("offer", required=True)
    if not isinstance(given, Mapping):
        if given is not None:
            of.problems.append("`offer` is a table: [offer]")
        return OfferDefinition(kind="message")
    table = Table(given, known=("kind", *_OF_COUPONS, *sorted(PRODUCT_KEYS)), within="offer.", problems=of.problems)
    kind = table.text("kind", required=True)
    if kind not in _KINDS:
        if kind is not None:
            table.problems.append(f"`offer.kind` is {', '.join(_KINDS[:-1])} or {_KINDS[-1]}")
        return OfferDefinition(kind="message")
    if kind != "coupon":
        _refuse(table, _OF_COUPONS, kind)
    if kind == "message":
        _refuse(table, sorted(PRODUCT_KEYS), kind)
        return OfferDefinition(kind="message")
    product = _product(table, wanted=kind == "product")
    if kind == "product":
        return OfferDefinition(kind="product", product=product)
    return _coupon(table, product, folder)


def _refuse(table: Table, keys: Any, kind: str) -> None:
    wrong = [key for key in keys if key in table.given]
    if len(wrong) > 0:
        table.problems.append(f"an offer of kind {kind} takes no {', '.join(wrong)}")


def _product(table: Table, *, wanted: bool) -> ProductOffer | None:
    given = {key: value for key, value in table.given.items() if key in PRODUCT_KEYS}
    if len(given) == 0 and not wanted:
        return None
    try:
        return ProductOffer.of(given)
    except UsageError as error:
        table.problems.append(str(error).rstrip("."))
        return None


def _coupon(table: Table, product: ProductOffer | None, folder: Path) -> OfferDefinition:
    code, file = table.text("code", longest=_LONGEST_CODE), table.text("codes")
    issue = table.text("issue") or "start"
    if issue not in ("start", "claim"):
        table.problems.append("`offer.issue` is start or claim")
        issue = "start"
    if (code is None) == (file is None) and "code" not in table.given and "codes" not in table.given:
        table.problems.append("a coupon wants `offer.code`, one for all, or `offer.codes`, a file of them")
    if code is not None and file is not None:
        table.problems.append("a coupon has `offer.code` or `offer.codes`, not both")
    codes: Codes | None = None if file is None else Codes.of(read_codes(folder / file))
    coupons = table.whole("coupons") if "coupons" in table.given else None
    if coupons is None and issue == "claim":
        coupons = None if codes is None else codes.count
    if "value" not in table.given:
        table.problems.append("`offer.value` is missing: what a coupon costs at most")
    return OfferDefinition(
        kind="coupon",
        value=table.number("value"),
        code=code,
        codes=codes,
        issue="claim" if issue == "claim" else "start",
        coupons=coupons,
        product=product,
    )
