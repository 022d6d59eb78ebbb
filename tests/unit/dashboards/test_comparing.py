"""What of a dashboard Kibana holds otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from profilestore.dashboards.push.comparing import changes

DOCUMENT = {
    "title": "t",
    "options": {"a": True},
    "panels": [{"id": "x", "w": 1}, {"id": "y", "w": 2}],
    "tags": ["1", "2"],
}


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (DOCUMENT, []),
        ({**DOCUMENT, "more": 1, "options": {"a": True, "b": False}}, []),
        ({**DOCUMENT, "title": "u"}, ["title: 'u' becomes 't'"]),
        ({**DOCUMENT, "options": {"a": 1}}, ["options.a: 1 becomes True"]),
        ({**DOCUMENT, "options": {}}, ["options.a: True is new"]),
        ({**DOCUMENT, "tags": ["1"]}, ["tags[1]: '2' is new"]),
        ({**DOCUMENT, "tags": ["1", "2", "3"]}, ["tags[2]: '3' goes"]),
        ({**DOCUMENT, "panels": [{"id": "y", "w": 2, "h": 3}, {"id": "x", "w": 1}]}, []),
        ({**DOCUMENT, "panels": [{"id": "y", "w": 2}]}, ["panels[x]: an object is new"]),
        ({**DOCUMENT, "panels": [{"id": "x", "w": 9}, {"id": "y", "w": 2}, {"id": "z", "type": "markdown"}]},
         ["panels[x].w: 9 becomes 1", "panels[z]: markdown goes"]),
        ({**DOCUMENT, "panels": [{"w": 1}, {"w": 2}]}, ["panels[0].id: 'x' is new", "panels[1].id: 'y' is new"]),
        ({**DOCUMENT, "panels": None}, ["panels: [{'id': 'x', 'w': 1}, {'id': 'y', 'w': 2}] is new"]),
    ],
)  # fmt: skip
def test_changes(held: dict[str, Any], told: list[str]) -> None:
    assert [str(change) for change in changes(held, DOCUMENT)] == told


def test_long_values_are_told_in_short() -> None:
    (change,) = changes({"a": "x" * 500}, {"a": {"config": {"title": "Sales"}, "type": "vis"}})
    assert str(change) == f"a: '{'x' * 58}… becomes vis 'Sales'"
