"""The coupons that a campaign's offer asks for."""

from __future__ import annotations

from profilestore.campaigns.coupons.pool import Pool
from profilestore.campaigns.running.definition import OfferDefinition
from profilestore.errors import UsageError

__all__ = ["pool_of"]


def pool_of(offer: OfferDefinition, *, treatment: int | None) -> Pool | None:
    """The coupons of an offer, exactly as many as are to be; None where it has none.

    Args:
        offer: of the campaign.
        treatment: how many are to get one at the start; None where nobody knows yet, for all codes there are.

    Raises:
        UsageError: the file of codes was not read, as of a definition that was stored; or a code cannot be taken.
    """
    if offer.kind != "coupon":
        return None
    size = offer.coupons if offer.issue == "claim" else treatment
    if offer.code is not None:
        return Pool.of_one(offer.code, size=1 if size is None else size)
    if offer.codes is None or offer.codes.file is None:
        raise UsageError("the codes of this campaign are in its file of codes alone: start it with that.")
    return Pool.of_file(offer.codes.file, size=size)
