"""Index templates, versioned indices and their aliases."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson
from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from profilestore.documents import IndexMeta
from profilestore.elastic.client import error_type
from profilestore.elastic.index_identity import resolve_index
from profilestore.elastic.retry import patient
from profilestore.errors import NotInitialised, StoreError
from profilestore.settings import Settings

__all__ = [
    "KINDS",
    "create_index",
    "delete_index",
    "init",
    "next_generation",
    "put_templates",
    "switch_aliases",
    "template",
]

KINDS: Final = (
    "products",
    "profiles",
    "events",
    "models",
    "texts",
    "recommendations",
    "segments",
    "demand",
    "activity",
    "figures",
    "audiences",
    "audits",
    "campaigns",
    "coupons",
)


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
    """Create or renew the index templates."""
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
