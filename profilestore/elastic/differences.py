"""What differs between the server, `mappings/*.json` and the pydantic documents, and what can be added in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from elasticsearch import Elasticsearch, NotFoundError

from profilestore.documents import (
    ActivityDocument,
    AudienceDocument,
    AuditDocument,
    CampaignDocument,
    CouponDocument,
    DemandWeek,
    Event,
    FigureDocument,
    ProductDocument,
    ProfileDocument,
    RecommendationList,
)
from profilestore.documents.base import Document
from profilestore.elastic import indices
from profilestore.elastic.retry import patient
from profilestore.settings import Settings

__all__ = ["Difference", "add_fields", "compare"]

_MODELS: Final[dict[str, type[Document]]] = {
    "products": ProductDocument,
    "profiles": ProfileDocument,
    "events": Event,
    "recommendations": RecommendationList,
    "demand": DemandWeek,
    "activity": ActivityDocument,
    "figures": FigureDocument,
    "audiences": AudienceDocument,
    "audits": AuditDocument,
    "campaigns": CampaignDocument,
    "coupons": CouponDocument,
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which the server is not as the mappings say. `additive`: a field that can be added in
    place; `fault`: this installation's own mappings and documents differ; everything else calls for an
    index built beside."""

    kind: str
    text: str
    additive: bool
    path: tuple[str, ...] = ()
    fault: bool = False

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


def add_fields(client: Elasticsearch, settings: Settings, differences: Sequence[Difference]) -> None:
    """Add the missing fields to the indices in force, in place."""
    for kind in sorted({difference.kind for difference in differences if difference.additive}):
        properties = indices.template(kind, settings)["template"]["mappings"]["properties"]
        new = {d.path[0]: properties[d.path[0]] for d in differences if d.additive and d.kind == kind}
        patient(
            "adding fields",
            lambda kind=kind, new=new: client.indices.put_mapping(index=settings.index(kind), properties=new),  # type: ignore[misc]  # lambda with defaults
        )


def compare(client: Elasticsearch, settings: Settings) -> list[Difference]:
    """Every difference between server, `mappings/*.json` and the pydantic documents; [] when all agree."""
    differences = _documents_differences(settings)
    for kind in indices.KINDS:
        alias = settings.index(kind)
        try:
            answer = patient(f"reading {alias}", lambda alias=alias: _get(client, alias))  # type: ignore[misc]  # lambda with defaults
        except NotFoundError:
            answer = None
        if answer is None:
            differences.append(Difference(kind, f"the alias {alias} is missing: run `profilestore init`", False))
            continue
        wanted = indices.template(kind, settings)["template"]
        ((name, entry),) = answer.items()
        differences += _compare_properties(kind, name, wanted["mappings"]["properties"], entry["mappings"])
        if str(entry["mappings"].get("dynamic")) != "strict":
            differences.append(Difference(kind, f"{name} is not `dynamic: strict`", False))
        shards = int(entry["settings"]["index"]["number_of_shards"])
        if shards != wanted["settings"]["number_of_shards"]:
            text = f"{name} has {shards} shards, the settings say {wanted['settings']['number_of_shards']}"
            differences.append(Difference(kind, text, False))
    return differences


def _get(client: Elasticsearch, alias: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.indices.get(index=alias).body
    except NotFoundError:
        return None
    return found


def _documents_differences(settings: Settings) -> list[Difference]:
    differences: list[Difference] = []
    for kind, model in _MODELS.items():
        mapped = set(indices.template(kind, settings)["template"]["mappings"]["properties"])
        fields = set(model.model_fields)
        for name in sorted(mapped - fields):
            differences.append(
                Difference(kind, f"{name} is in mappings/{kind}.json and not in {model.__name__}", False, fault=True)
            )
        for name in sorted(fields - mapped):
            differences.append(
                Difference(kind, f"{name} is in {model.__name__} and not in mappings/{kind}.json", False, fault=True)
            )
    return differences


def _compare_properties(
    kind: str, index: str, wanted: Mapping[str, Any], mappings: Mapping[str, Any]
) -> list[Difference]:
    found = mappings.get("properties", {})
    differences: list[Difference] = []
    for name in sorted(set(wanted) | set(found)):
        if name not in found:
            differences.append(Difference(kind, f"{index} lacks the field {name}", True, (name,)))
        elif name not in wanted:
            differences.append(Difference(kind, f"{index} has a field {name} that mappings/{kind}.json lacks", False))
        else:
            for path, have, want in _leaf_differences((name,), found[name], wanted[name]):
                text = f"{index} has {'.'.join(path)} = {have!r}, mappings/{kind}.json says {want!r}"
                additive = have is None and "properties" in path
                differences.append(Difference(kind, text, additive, path))
    return differences


def _leaf_differences(path: tuple[str, ...], have: Any, want: Any) -> list[tuple[tuple[str, ...], Any, Any]]:
    if isinstance(have, dict) and isinstance(want, dict):
        found: list[tuple[tuple[str, ...], Any, Any]] = []
        for key in sorted(set(have) | set(want)):
            # The first vector sets the dimensions that the mapping leaves open.
            if key == "dims" and key not in want:
                continue
            found += _leaf_differences((*path, key), have.get(key), want.get(key))
        return found
    return [] if have == want else [(path, have, want)]
