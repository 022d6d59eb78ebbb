"""What a taste model is trained with: chosen on a validation split, stored with the model."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from profilestore.errors import UsageError

__all__ = ["Form", "Learner", "TasteSettings"]

Learner = Literal["ease", "spectral"]
Form = Literal["dense", "sparse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TasteSettings:
    """Half-lives in days; None means that time does not count.

    Attributes:
        learner: which one.
        dims: of the in- and out-vectors.
        training_half_life_days: of the histories that are learned to be completed, back from the end.
        profile_half_life_days: of the profile, in training and when it is served.
        ridge: regularisation, in units of the mean squared value of the histories.
        forward_weight: how much it counts to foretell what is bought next, against completing histories.
        forward_window_days: how far ahead is foretold.
        forward_half_life_days: of what was bought next, back from the end.
        popularity_strength: what popularity adds, against the best that taste gives; 0 for nothing.
        popularity_half_life_days: of popularity, back from the end.
        form: what is served: the vectors, or weights by product beside them.
        sparse_weights: how many a product keeps in the sparse form.
    """

    learner: Learner = "ease"
    dims: int = 128
    training_half_life_days: float | None = 20.0
    profile_half_life_days: float | None = 120.0
    ridge: float = 2000.0
    forward_weight: float = 0.6
    forward_window_days: float = 10.0
    forward_half_life_days: float = 14.0
    popularity_strength: float = 0.0
    popularity_half_life_days: float | None = None
    form: Form = "dense"
    sparse_weights: int = 200

    def __post_init__(self) -> None:
        for name in ("ridge", "forward_window_days", "forward_half_life_days"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} of a taste model must be above 0.")
        for name in ("training_half_life_days", "profile_half_life_days", "popularity_half_life_days"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name} of a taste model must be above 0, or none.")
        if self.dims < 1 or self.sparse_weights < 1 or self.forward_weight < 0 or self.popularity_strength < 0:
            raise UsageError("a taste model needs at least 1 dimension and 1 weight, and no strength below 0.")

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TasteSettings:
        """From plain values; what this version does not know is left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})
