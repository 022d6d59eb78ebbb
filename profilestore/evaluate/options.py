"""What is asked of an evaluation, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

from profilestore.errors import UsageError
from profilestore.recommend.wish import MAX_N

__all__ = ["EvaluateOptions", "Split"]

Split = Literal["time", "leave-one-out", "user"]
_USERS_MOST: Final = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateOptions:
    """How to evaluate.

    Attributes:
        split: by time (default), each user's last purchase, or users held out whole.
        share: of the events (of the users, for the split by user) that is trained on.
        ks: lengths of the lists; the first one is what groups, differences and plots are told at.
        methods: of the shop's own; all that it has trained when empty.
        repeats: whether products count that the user knows already; by default only new ones.
        peers: whether the outside peers (extra `peers`) take part; the built-in ones always do.
        budget: how many settings taste and each peer may try on the validation cut; None is the default.
        seed: of all draws.
        cold_products: share of the products that a second training does not get to see; 0 leaves it out.
        users: at most so many are asked about, a seeded draw; None is 5,000.
        history: with the split by user, of those held out only their first so many acts are known, as of newcomers;
            None is four fifths of their products.
    """

    split: Split = "time"
    share: float = 0.8
    ks: tuple[int, ...] = (20,)
    methods: tuple[str, ...] = ()
    repeats: bool = False
    peers: bool = False
    budget: int | None = None
    seed: int = 7
    cold_products: float = 0.1
    users: int | None = None
    history: int | None = None

    def __post_init__(self) -> None:
        if self.split not in get_args(Split):
            raise UsageError(f"the split is one of {', '.join(get_args(Split))}.")
        if not (math.isfinite(self.share) and 0.0 < self.share < 1.0):
            raise UsageError("the share that is trained on is above 0 and below 1, such as 0.8.")
        if len(self.ks) == 0 or any(not 1 <= k <= MAX_N for k in self.ks):
            raise UsageError(f"k is from 1 to {MAX_N}.")
        if self.budget is not None and self.budget < 0:
            raise UsageError("the budget is a number of settings to try, 0 or more.")
        if not 0.0 <= self.cold_products <= 0.5:
            raise UsageError("the share of products to hide is from 0 to 0.5.")
        if self.seed < 0:
            raise UsageError("the seed is a number of at least 0.")
        if self.users is not None and self.users < 2:
            raise UsageError("at least 2 users must be asked about.")
        if self.history is not None and self.history < 1:
            raise UsageError("the history is a number of acts, 1 or more.")
        if self.history is not None and self.split != "user":
            raise UsageError("a history of so many acts goes with --split user: others are trained on what they did.")

    @property
    def k(self) -> int:
        """The k at which groups, differences and plots are told."""
        return self.ks[0]

    @property
    def length(self) -> int:
        """How long the lists must be."""
        return max(self.ks)

    @property
    def users_most(self) -> int:
        """How many users are asked about at most."""
        return _USERS_MOST if self.users is None else self.users
