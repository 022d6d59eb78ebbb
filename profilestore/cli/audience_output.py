"""How audiences are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from profilestore.cli.output import format_count

if TYPE_CHECKING:
    from profilestore.campaigns.audience.audiences import Size
    from profilestore.campaigns.audience.membership import Audience
    from profilestore.campaigns.audience.tree import Node

__all__ = ["plain_audience", "print_size", "written_out"]

_TOLD = 3


def plain_audience(audience: Audience) -> dict[str, Any]:
    """As printed by `--json`."""
    return {
        "name": audience.name,
        **audience.definition.to_json_dict(),
        "created": audience.created,
        "created_by": audience.created_by,
        "members_when_built": audience.members,
    }


def print_size(size: Size, channel: str) -> None:
    """How many match, where some are left, and how many are in."""
    typer.echo(
        f"members: {format_count(size.members)} of {format_count(size.matched)} who match; "
        f"{format_count(size.no_consent)} gave no consent to {channel}, "
        f"{format_count(size.over_limit)} are over the limit"
    )
    if size.opted_out > 0:
        typer.echo(f"personalisation off: {format_count(size.opted_out)} of the members; no offer is chosen for them")


def written_out(node: Node) -> str:
    """A definition on one line, as a person would say it."""
    from profilestore.campaigns.audience.tree import AllOf, AnyOf, Buyers, IdFile, InSegment, Lookalike, Not, Rule

    match node:
        case AllOf(parts):
            return " and ".join(_within(part) for part in parts)
        case AnyOf(parts):
            return " or ".join(_within(part) for part in parts)
        case Not(part):
            return f"not {_within(part)}"
        case Rule(condition):
            return condition
        case InSegment(name):
            return f"in segment {name}"
        case IdFile(file):
            return f"in file {file}"
        case Lookalike(users):
            who = ", ".join(users[:_TOLD]) + (
                f" and {format_count(len(users) - _TOLD)} more" if len(users) > _TOLD else ""
            )
            return f"like {who}{_cut(node.top, node.min_score)}"
        case Buyers(product):
            return f"likely buyers of {product}{_cut(node.top, node.min_score)}"


def _within(node: Node) -> str:
    from profilestore.campaigns.audience.tree import AllOf, AnyOf, Rule

    text = written_out(node)
    several = isinstance(node, AllOf | AnyOf) and len(node.parts) > 1
    return f"({text})" if several or isinstance(node, Rule) else text


def _cut(top: int | None, min_score: float | None) -> str:
    told = [f"the best {format_count(top)}"] if top is not None else []
    told += [f"from {min_score:g} on"] if min_score is not None else []
    return f" ({', '.join(told)})" if len(told) > 0 else ""
