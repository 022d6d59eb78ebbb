"""What an evaluation found. Frozen; `to_json_dict` is what `--json` prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from profilestore.evaluate.significance import Interval

__all__ = ["ColdProducts", "Difference", "Evaluation", "Group", "MethodFigures", "ServedLoss"]

Figures = Mapping[str, Interval]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodFigures:
    """A method or a peer with its figures, by names such as `ndcg@20`.

    Attributes:
        kind: whether it is the shop's own, served by Elasticsearch, or a peer, computed in memory.
        settings: that the validation cut chose for a peer, and how many were tried.
        answered_by: of the shop's own: how many users were answered by which method in the end.
    """

    name: str
    kind: Literal["shop", "peer"]
    figures: Figures
    settings: Mapping[str, Any] = field(default_factory=dict)
    answered_by: Mapping[str, int] = field(default_factory=dict)

    def to_json_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "name": self.name,
            "kind": self.kind,
            "settings": dict(self.settings),
            "answered_by": dict(self.answered_by),
            "figures": _plain(self.figures),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The paired difference of two methods' NDCG; `p` by randomisation, `p_holm` corrected for all differences."""

    method: str
    against: str
    interval: Interval
    p: float
    p_holm: float

    def to_json_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "method": self.method,
            "against": self.against,
            **self.interval.to_json_dict(),
            "p": round(self.p, 6),
            "p_holm": round(self.p_holm, 6),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Users who have something in common, and each method's figure on them (NDCG, recall and HR at the first k)."""

    field: str
    value: str
    users: int
    figures: Mapping[str, Figures]

    def to_json_dict(self) -> dict[str, Any]:
        """As plain values."""
        methods = {name: _plain(figures) for name, figures in self.figures.items()}
        return {"field": self.field, "value": self.value, "users": self.users, "methods": methods}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedLoss:
    """NDCG of a method through Elasticsearch and by brute force, over the users it answers from vectors.

    `loss` is the share of the exact NDCG that the search loses; negative where it happened to gain.
    """

    method: str
    users: int
    served: Interval
    exact: Interval
    difference: Interval
    loss: float

    def to_json_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "method": self.method,
            "users": self.users,
            "served": self.served.to_json_dict(),
            "exact": self.exact.to_json_dict(),
            "difference": self.difference.to_json_dict(),
            "loss": round(self.loss, 6),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdProducts:
    """A second training that never saw an act on `products` products; only these are ranked and asked for."""

    products: int
    users: int
    methods: tuple[MethodFigures, ...]
    differences: tuple[Difference, ...]

    def to_json_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "products": self.products,
            "users": self.users,
            "methods": [method.to_json_dict() for method in self.methods],
            "differences": [difference.to_json_dict() for difference in self.differences],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All of it. Equal events, products, settings and options give equal figures.

    Attributes:
        asked: what was asked: source, split, share, k, seed, whether repeats count.
        sizes: events, users and products on either side of the split.
        settings: of the taste model that the training chose, and what it was validated with.
        notes: what a reader must know to read the figures right.
        methods: the shop's own and the peers, best NDCG first.
        differences: of each two.
        groups: users by activity, gender and age.
        cold_products: None where it was not asked for, or could not be.
        served: what serving loses.
    """

    asked: Mapping[str, Any]
    sizes: Mapping[str, int]
    settings: Mapping[str, Any]
    notes: tuple[str, ...]
    methods: tuple[MethodFigures, ...]
    differences: tuple[Difference, ...]
    groups: tuple[Group, ...]
    cold_products: ColdProducts | None
    served: tuple[ServedLoss, ...]

    @property
    def k(self) -> int:
        """The k at which groups, differences and plots are told."""
        return int(self.asked["k"][0])

    def method(self, name: str) -> MethodFigures:
        """The figures of one method or peer; KeyError without it."""
        for method in self.methods:
            if method.name == name:
                return method
        raise KeyError(name)

    def to_json_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "asked": dict(self.asked),
            "sizes": dict(self.sizes),
            "settings": dict(self.settings),
            "notes": list(self.notes),
            "methods": [method.to_json_dict() for method in self.methods],
            "differences": [difference.to_json_dict() for difference in self.differences],
            "groups": [group.to_json_dict() for group in self.groups],
            "cold_products": None if self.cold_products is None else self.cold_products.to_json_dict(),
            "served_against_exact": [loss.to_json_dict() for loss in self.served],
        }


def _plain(figures: Figures) -> dict[str, dict[str, float]]:
    return {name: interval.to_json_dict() for name, interval in figures.items()}
