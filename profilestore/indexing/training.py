"""`train`: a taste model from the event log, switched in with the products and profiles that carry it (P4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from profilestore.documents import IndexMeta
from profilestore.errors import NotFound, StoreError, UsageError
from profilestore.indexing.generation import BuildReport
from profilestore.indexing.parts import Parts
from profilestore.indexing.taste import set_taste
from profilestore.indexing.taste_content import choose_methods, fit_described, read_content

if TYPE_CHECKING:
    from profilestore.features.taste.content import ContentModel
    from profilestore.features.taste.interactions import Interactions
    from profilestore.features.taste.learning import LearnOptions
    from profilestore.features.taste.model import TasteModel

__all__ = ["ModelEntry", "TasteReport", "learn_options", "list_models", "read_interactions", "train_taste", "use_model"]

# So long a half-life is none: the fold wants a number.
_NO_DECAY_DAYS: Final = 36_500.0
# Elasticsearch's limit.
_DIMS_MOST: Final = 4096

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TasteReport:
    """A taste model that was put in force."""

    model_id: str
    settings: dict[str, Any]
    figures: dict[str, Any]
    build: BuildReport


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A stored model: its kind, when it was made, its size, its figures, and whether it is in force."""

    model_id: str
    kind: str
    created: str
    size_bytes: int
    in_force: bool
    figures: dict[str, Any]


def learn_options(
    learner: Literal["auto", "ease", "spectral"],
    dims: int | None,
    budget: int | None,
    form: Literal["auto", "dense", "sparse"] = "auto",
) -> LearnOptions:
    """Options checked; None stands for the default.

    Raises:
        UsageError: one that cannot be meant.
    """
    from profilestore.features.taste.learning import DEFAULT_BUDGET, LearnOptions

    if learner not in ("auto", "ease", "spectral"):
        raise UsageError("the learner is auto, ease or spectral.")
    if form not in ("auto", "dense", "sparse"):
        raise UsageError("the form is auto, dense or sparse.")
    if dims is not None and not 1 <= dims <= _DIMS_MOST:
        raise UsageError(f"the dimensions are between 1 and {_DIMS_MOST}.")
    if budget is not None and budget < 0:
        raise UsageError("the budget is a number of settings to try, 0 or more.")
    return LearnOptions(learner=learner, dims=dims, budget=DEFAULT_BUDGET if budget is None else budget, form=form)


def train_taste(
    parts: Parts, options: LearnOptions | None = None, *, progress: Progress = lambda step: None
) -> TasteReport:
    """Train on the whole log, store the model with its figures, settings and data window, and switch it in.

    Events that arrive meanwhile are folded before the switch and after it; the next training learns from them.

    Raises:
        ModelError: too little to learn from, or more than fits into memory; says what does.
        StoreError: another build is under way.
    """
    from profilestore.features.taste.learning import learn

    progress("reading the event log")
    acts = read_interactions(parts)
    learned = learn(acts, options, progress=progress)
    model = learned.model
    meta = parts.in_force.products.identity().meta
    progress("learning what content says of taste")
    described = read_content(parts, model, meta)
    content = fit_described(described, model, meta)
    stored = {**model.figures, "settings": model.settings.to_dict()}
    if learned.validation is not None and learned.choice is not None:
        progress("choosing boosts and methods")
        stored |= choose_methods(described, learned.validation, learned.choice, parts.settings)
    if content is not None:
        parts.store.save("taste-content", content.model_id, content.to_bytes(), figures={"taste_model": model.model_id})
        stored |= {"content_model": content.model_id, "content_explained": content.explained}
    parts.store.save("taste", model.model_id, model.to_bytes(), figures=stored)
    build = _switch_in(parts, model, content, stored, trained_on=meta, progress=progress)
    return TasteReport(model.model_id, model.settings.to_dict(), stored, build)


def use_model(parts: Parts, model_id: str, *, progress: Progress = lambda step: None) -> TasteReport:
    """Put a stored taste model in force again; prices, stock and profiles stay those of today.

    Raises:
        NotFound: there is no such taste model.
        StoreError: another build is under way.
    """
    from profilestore.features.taste.model import TasteModel

    head = parts.store.head(model_id)
    if head is None or head["kind"] != "taste":
        raise NotFound(
            "there is no taste model of this id. `profilestore models list` shows them.", kind="model", id=model_id
        )
    progress(f"loading {model_id}")
    model = TasteModel.from_bytes(parts.store.load(model_id))
    name = head["body"].get("content_model")
    content = None if name is None else parts.models.taste_content(name)
    build = _switch_in(parts, model, content, head["body"], trained_on=None, progress=progress)
    return TasteReport(model_id, model.settings.to_dict(), dict(head["body"]), build)


def list_models(parts: Parts) -> list[ModelEntry]:
    """All stored models, oldest first."""
    meta = parts.in_force.products.identity().meta
    current = {meta.text_model, meta.topics_model, meta.taste_model}
    entries = [
        ModelEntry(
            model_id=model_id,
            kind=kind,
            created=record["created"],
            size_bytes=record["bytes"],
            in_force=model_id in current,
            figures=record["body"],
        )
        for kind in ("text", "topics", "taste")
        for model_id, record in parts.store.list(kind)
    ]
    return sorted(entries, key=lambda entry: (entry.created, entry.model_id))


def read_interactions(parts: Parts) -> Interactions:
    """The log's weighed acts on products that are in the index, read in pages; 20 bytes of each are kept."""
    from profilestore.features.taste.interactions import InteractionsBuilder

    side = parts.in_force
    target = side.products.identity()
    side.products.refresh(target.index)
    product_ids = sorted(
        product_id for page in side.products.scan(target.index, fields=["product_id"]) for product_id, _, _ in page
    )
    builder = InteractionsBuilder(product_ids, parts.rules.under(target.meta))
    log = side.log.identity()
    checkpoints = side.log.checkpoints(log)
    side.log.refresh(log)
    for shard, upto in checkpoints.items():
        for page in side.log.read(log, shard=shard, after=-1, upto=upto):
            builder.add(logged.event for logged in page if logged.event is not None)
    return builder.build()


def _switch_in(
    parts: Parts,
    model: TasteModel,
    content: ContentModel | None,
    chosen: Mapping[str, Any],
    *,
    trained_on: IndexMeta | None,
    progress: Progress,
) -> BuildReport:
    """Build products and profiles with the model beside those in force, and switch. `chosen` are the figures
    stored with the model, with what validation chose for the methods that use it."""
    in_force: list[IndexMeta] = []
    half_life = model.settings.profile_half_life_days

    def change(meta: IndexMeta) -> IndexMeta:
        if trained_on is not None and (meta.text_model, meta.topics_model) != (
            trained_on.text_model,
            trained_on.topics_model,
        ):
            raise StoreError("another text or topic model came into force during the training: train again.")
        in_force.append(meta)
        return meta.model_copy(
            update={
                "taste_model": model.model_id,
                "taste_dims": model.dims,
                "taste_half_life_days": _NO_DECAY_DAYS if half_life is None else half_life,
                "taste_content": None if content is None else content.model_id,
                "taste_form": model.settings.form,
                "hybrid_boosts": chosen.get("hybrid_boosts"),
                "auto_methods": tuple((int(least), str(method)) for least, method in chosen.get("auto_methods", ())),
            }
        )

    return parts.builder.build(
        change=change,
        transform=lambda sources: set_taste(
            model, content, [dict(source) for source in sources], models=parts.models, meta=in_force[-1]
        ),
        progress=progress,
    )
