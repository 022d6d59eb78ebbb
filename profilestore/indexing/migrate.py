"""Mend what differs between server and mappings, without a stop (P4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from profilestore.elastic import indices
from profilestore.elastic.differences import Difference, add_fields, compare
from profilestore.errors import MappingMismatch
from profilestore.indexing.generation import BuildReport
from profilestore.indexing.parts import Parts

__all__ = ["MigrationReport", "migrate", "rebuild_all"]


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What was mended: fields added in place, and the generation that was built beside, if one was needed."""

    differences: tuple[str, ...]
    added: int
    build: BuildReport | None


def migrate(parts: Parts, *, progress: Callable[[str], None] = lambda step: None) -> MigrationReport:
    """Add new fields in place; rebuild beside and switch where a mapping cannot be changed.

    Raises:
        MappingMismatch: mappings and documents of this installation differ, which no server can mend,
            or something still differs afterwards.
        StoreError: another build is under way.
    """
    client, settings = parts.client, parts.settings
    found = compare(client, settings)
    own = [difference for difference in found if difference.fault]
    if len(own) > 0:
        _raise(own, "the mappings and the documents of this installation differ: install it again")
    indices.init(client, settings)
    add_fields(client, settings, found)
    left = compare(client, settings)
    build = None
    kinds = {difference.kind for difference in left}
    if len(kinds & {"products", "profiles", "events"}) > 0:
        build = parts.builder.build(new_log="events" in kinds, progress=progress)
    small = sorted(kinds - {"products", "profiles", "events"})
    if len(small) > 0:
        generations = parts.generations
        with generations.building():
            for kind in small:
                progress(f"moving the {kind}")
                generations.move(kind)
    after = compare(client, settings)
    if len(after) > 0:
        _raise(after, "something still differs after the migration")
    return MigrationReport(
        differences=tuple(str(difference) for difference in found), added=len(found) - len(left), build=build
    )


def rebuild_all(parts: Parts, *, progress: Callable[[str], None] = lambda step: None) -> BuildReport:
    """Fold all profiles again from the log under the settings of now, beside those in force."""
    fingerprint = parts.settings.fold_fingerprint()
    return parts.builder.build(
        change=lambda meta: meta.model_copy(update={"fold_fingerprint": fingerprint}), progress=progress
    )


def _raise(differences: list[Difference], what: str) -> None:
    lines = [str(difference) for difference in differences]
    raise MappingMismatch(f"{what}: {'; '.join(lines[:5])}", differences=lines)
