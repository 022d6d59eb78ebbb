"""Index templates, versioned indices and their aliases, and what differs between server and mappings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson
from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from profilestore.documents import Event, IndexMeta, ProductDocument, ProfileDocument
from profilestore.documents.base import Document
from profilestore.elastic.client import error_type
from profilestore.elastic.index_identity import resolve_index
from profilestore.elastic.retry import patient
from profilestore.errors import NotInitialised, StoreError
from profilestore.settings import Settings

__all__ = [
    "KINDS",
    "Difference",
    "add_fields",
    "compare",
    "create_index",
    "delete_index",
    "init",
    "next_generation",
    "put_templates",
    "switch_aliases",
    "template",
]

KINDS: Final = ("products", "profiles", "events", "models", "texts")
_MODELS: Final[dict[str, type[Document]]] = {"products": ProductDocument, "profiles": ProfileDocument, "events": Event}


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


@cache
def _mappings_folder() -> Path:
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "mappings", package.parent / "mappings"):
        if (folder / "products.json").exists():
            return folder
    raise StoreError(
        f"the mappings are missing from this installation, looked beside {package.name}: install it again."
    )


@cache
def _template_text(kind: str) -> bytes:
    return (_mappings_folder() / f"{kind}.json").read_bytes()


def template(kind: str, settings: Settings) -> dict[str, Any]:
    """The index template of a kind under the shop's prefix, with its shards and replicas."""
    body: dict[str, Any] = orjson.loads(_template_text(kind))
    body["index_patterns"] = [pattern.replace("shop-", f"{settings.prefix}-", 1) for pattern in body["index_patterns"]]
    index_settings = body["template"]["settings"]
    index_settings["number_of_replicas"] = settings.replicas
    if kind == "events":
        index_settings["number_of_shards"] = settings.event_shards
    properties = body["template"]["mappings"]["properties"]
    if "text_vector" in properties:
        properties["text_vector"]["dims"] = settings.embedding_dims
    return body


def put_templates(client: Elasticsearch, settings: Settings) -> None:
    """Create or renew the five index templates."""
    for kind in KINDS:
        body = template(kind, settings)
        patient(
            "writing an index template",
            lambda body=body, kind=kind: client.indices.put_index_template(  # type: ignore[misc]  # lambda with defaults
                name=settings.index(kind),
                index_patterns=body["index_patterns"],
                priority=body["priority"],
                # A write to an index that a switch just removed must fail, not bring it back to life.
                allow_auto_create=body["allow_auto_create"],
                template=body["template"],
            ),
        )


def init(client: Elasticsearch, settings: Settings) -> list[str]:
    """Make the templates, and an index with its alias for each kind that has none. Returns what was made."""
    put_templates(client, settings)
    made: list[str] = []
    for kind in KINDS:
        alias = settings.index(kind)
        if patient("looking for the indices", lambda alias=alias: client.indices.exists_alias(name=alias).body):  # type: ignore[misc]  # lambda with defaults
            continue
        meta = _meta_for(client, settings, kind)
        name = f"{alias}-{meta.generation}"
        if create_index(client, settings, kind, name=name, meta=meta, alias=alias):
            made.append(name)
    return made


def _meta_for(client: Elasticsearch, settings: Settings, kind: str) -> IndexMeta:
    """Of a first index. Products and profiles say the same: one that was lost is made like the one that is left."""
    fresh = IndexMeta(generation="000001", fold_fingerprint=settings.fold_fingerprint())
    sibling = {"products": "profiles", "profiles": "products"}.get(kind)
    if sibling is None:
        return fresh
    try:
        left = resolve_index(client, settings.index(sibling)).meta
    except NotInitialised:
        return fresh
    # Profiles that are made anew are folded anew.
    return left.model_copy(update={"fold_fingerprint": fresh.fold_fingerprint}) if kind == "profiles" else left


def create_index(
    client: Elasticsearch, settings: Settings, kind: str, *, name: str, meta: IndexMeta, alias: str | None = None
) -> bool:
    """Create one versioned index with its `_meta`; False when another process was first."""
    body = template(kind, settings)["template"]
    body["mappings"]["_meta"] |= meta.model_dump(exclude_none=True)
    for field, dims in (
        ("topic_vector", meta.topic_dims),
        ("taste_vector", meta.taste_dims),
        ("taste_in", meta.taste_dims),
    ):
        if dims is not None and field in body["mappings"]["properties"]:
            body["mappings"]["properties"][field]["dims"] = dims

    def call() -> bool:
        try:
            client.indices.create(
                index=name,
                mappings=body["mappings"],
                settings=body["settings"],
                aliases=None if alias is None else {alias: {}},
                wait_for_active_shards="1",
            )
        except BadRequestError as error:
            if error_type(error) == "resource_already_exists_exception":
                return False
            raise
        return True

    return patient(f"creating {name}", call)


def delete_index(client: Elasticsearch, name: str) -> None:
    """Delete one index by name; one that is gone is fine."""

    def call() -> None:
        try:
            client.indices.delete(index=name)
        except NotFoundError:
            return

    patient(f"deleting {name}", call)


def next_generation(client: Elasticsearch, settings: Settings) -> str:
    """The number after the highest of any index of this shop, as six digits."""
    names: set[str] = set()
    for kind in KINDS:
        pattern = f"{settings.index(kind)}-0*"
        answer = patient(
            "listing the indices",
            lambda pattern=pattern: client.indices.get_settings(index=pattern, filter_path="*.settings.index.uuid"),  # type: ignore[misc]  # lambda with defaults
        )
        names |= {name for name in answer.body if re.fullmatch(r"-[0-9]{6}", name.removeprefix(settings.index(kind)))}
    return f"{max((int(name.rsplit('-', 1)[1]) for name in names), default=0) + 1:06d}"


def switch_aliases(client: Elasticsearch, moves: Mapping[str, tuple[str, str]]) -> None:
    """Move aliases in one atomic call: alias -> (from index, to index).

    Raises:
        StoreError: an alias is no longer where it was; another switch came first.
    """
    actions: list[dict[str, Any]] = []
    for alias, (old, new) in moves.items():
        actions.append({"remove": {"index": old, "alias": alias, "must_exist": True}})
        actions.append({"add": {"index": new, "alias": alias}})

    def call() -> None:
        try:
            client.indices.update_aliases(actions=actions)
        except ApiError as error:
            if error.status_code not in (400, 404) or _stand_at(client, moves):
                # A lost answer: the switch was made, and the call repeated by us finds nothing to remove.
                if error.status_code in (400, 404):
                    return
                raise
            raise StoreError(
                f"the aliases were moved by another process ({error_type(error)}): run it again."
            ) from error

    patient("switching the aliases", call)


def _stand_at(client: Elasticsearch, moves: Mapping[str, tuple[str, str]]) -> bool:
    return all(client.indices.exists_alias(name=alias, index=new).body for alias, (_, new) in moves.items())


def add_fields(client: Elasticsearch, settings: Settings, differences: Sequence[Difference]) -> None:
    """Add the missing fields to the indices in force, in place."""
    for kind in sorted({difference.kind for difference in differences if difference.additive}):
        properties = template(kind, settings)["template"]["mappings"]["properties"]
        new = {d.path[0]: properties[d.path[0]] for d in differences if d.additive and d.kind == kind}
        patient(
            "adding fields",
            lambda kind=kind, new=new: client.indices.put_mapping(index=settings.index(kind), properties=new),  # type: ignore[misc]  # lambda with defaults
        )


def compare(client: Elasticsearch, settings: Settings) -> list[Difference]:
    """Every difference between server, `mappings/*.json` and the pydantic documents; [] when all agree."""
    differences = _documents_differences(settings)
    for kind in KINDS:
        alias = settings.index(kind)
        try:
            answer = patient(f"reading {alias}", lambda alias=alias: _get(client, alias))  # type: ignore[misc]  # lambda with defaults
        except NotFoundError:
            answer = None
        if answer is None:
            differences.append(Difference(kind, f"the alias {alias} is missing: run `profilestore init`", False))
            continue
        wanted = template(kind, settings)["template"]
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
        mapped = set(template(kind, settings)["template"]["mappings"]["properties"])
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
