"""The method `bought-together`: what goes with the products in the cart and with the latest ones bought.

Each product carries the association rules that lead to it as weights by antecedent (`rules_weights`, written by
`profilestore rules mine`), so one search with the user's products as tokens adds up the scores of the rules: the
score of a product is how much more often it was in the same order than chance explains, summed over the tokens.
On Online Retail, rules of the first 80 % of the orders, asked with half of a later order (NDCG@20 of the other
half): 0.291 by this score, 0.285 by confidence, 0.217 by lift, 0.051 by popularity (`scripts/measure_rules.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from profilestore.recommend.clauses import Body, Filters, all_of, page, sparse
from profilestore.recommend.method import Method, Question
from profilestore.recommend.trained import Trained
from profilestore.recommend.wish import Wish

__all__ = ["TOGETHER", "build_together_body", "tokens_of"]

RULES_FIELD: Final = "rules_weights"
# What somebody bought longer ago says little of what they lack now.
_LATEST: Final = 20
_NO_TOKENS: Final = (
    "this user has nothing in the cart and bought nothing, or personalisation is off: the popular products instead"
)


def tokens_of(profile: Mapping[str, Any]) -> list[str]:
    """What is in the cart, then the latest products bought, the last one first; nothing of who opted out."""
    if profile.get("personalisation") == "off":
        return []
    bought = dict.fromkeys(_listed(profile.get("purchased_products")))
    # Seen products stand the latest first; what is not among them is of no known time.
    ordered = [product for product in _listed(profile.get("seen_products")) if product in bought]
    latest = list(dict.fromkeys([*ordered, *bought]))[:_LATEST]
    return list(dict.fromkeys([*_listed(profile.get("cart_products")), *latest]))


def build_together_body(product_id: str, *, filters: Filters, n: int) -> Body:
    """The products that are bought together with one product, itself left out; none where it has no rules."""
    forbidden = [*filters.forbidden(), {"term": {"product_id": product_id}}]
    return {**page(n), "query": all_of(filters.required(), forbidden, must=[sparse(RULES_FIELD, {product_id: 1.0})])}


def _listed(value: str | Sequence[str] | None) -> list[str]:
    """A list of one value may be stored as the value."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _reads(trained: Trained, wish: Wish) -> tuple[str, ...]:
    return ("cart_products", "purchased_products", "seen_products", "personalisation")


def _build(question: Question) -> Body | None:
    session = list(question.wish.session)
    tokens = session if len(session) > 0 else tokens_of(question.profile or {})
    if len(tokens) == 0:
        return None
    rules = sparse(RULES_FIELD, dict.fromkeys(tokens, 1.0))
    return {**page(question.size), "query": all_of(question.required(), question.forbidden(), must=[rules])}


TOGETHER: Final = Method(name="bought-together", build=_build, reads=_reads, unknown=_NO_TOKENS)
