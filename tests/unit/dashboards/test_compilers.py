"""From one definition: KQL and queries, Kibana's operations, aggregations, rows, charts."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from profilestore.dashboards.bodies import aggregations, panel_body
from profilestore.dashboards.buckets import DateHistogram, Filters, Labelled, Ranges, Span, Terms
from profilestore.dashboards.catalogue import all_dashboards
from profilestore.dashboards.charts import series_of, vega_lite
from profilestore.dashboards.conditions import Every, Exists, Is, Not, Within, kql_of, query_of
from profilestore.dashboards.encodings import number_format
from profilestore.dashboards.fitting import fitted, text_width
from profilestore.dashboards.kibana import kibana_document
from profilestore.dashboards.layout import in_rows
from profilestore.dashboards.measures import Average, Count, Median, Ratio, Sum, UniqueCount, Unit
from profilestore.dashboards.panels import Bar, Dashboard, Line, Markdown, Metric, Source, Table
from profilestore.dashboards.reading import read_rows
from profilestore.settings import Settings

SOURCE = Source(view="v", index="i", time_field="time")
COMMON: dict[str, Any] = {"title": "T", "source": SOURCE, "missing": "Nothing."}
BUYS = Is(field="type", value="purchase")


def page(*panels: Any, where: Any = None) -> Dashboard:
    return Dashboard(
        id="d", name="d", title="D", description="", period=("now-1y", "now"), controls=(), panels=panels, where=where
    )


def config(panel: Any) -> Any:
    return kibana_document(page(panel))["panels"][0]["config"]


@pytest.mark.parametrize(
    ("condition", "kql", "query"),
    [
        (None, "", {"match_all": {}}),
        (Is(field="a", value='x "y" \\'), r'a: "x \"y\" \\"', {"term": {"a": 'x "y" \\'}}),
        (Is(field="a", value=True), "a: true", {"term": {"a": True}}),
        (Is(field="a", value=3), "a: 3", {"term": {"a": 3}}),
        (Within(field="a", gte=0, lt=5), "a >= 0 and a < 5", {"range": {"a": {"gte": 0, "lt": 5}}}),
        (Exists(field="a"), "a: *", {"exists": {"field": "a"}}),
        (Not(condition=Exists(field="a")), "not (a: *)", {"bool": {"must_not": [{"exists": {"field": "a"}}]}}),
        (
            Every(conditions=(Exists(field="a"), Is(field="b", value=1))),
            "a: * and b: 1",
            {"bool": {"filter": [{"exists": {"field": "a"}}, {"term": {"b": 1}}]}},
        ),
    ],
)
def test_a_condition_is_kql_and_a_query(condition: Any, kql: str, query: dict[str, Any]) -> None:
    assert kql_of(condition) == kql
    assert query_of(condition) == query


def test_a_ratio_is_a_formula_there_and_two_aggregations_here() -> None:
    ratio = Ratio(
        label="r", above=Sum(label="", field="revenue", where=BUYS), below=UniqueCount(label="", field="order")
    )
    panel = Metric(id="p", values=(ratio,), **COMMON)
    assert config(panel)["metrics"][0]["formula"] == "sum(revenue, kql='type: \"purchase\"') / unique_count(order)"
    assert aggregations(panel, time_zone="UTC") == {
        "m0a": {"filter": {"term": {"type": "purchase"}}, "aggs": {"value": {"stats": {"field": "revenue"}}}},
        "m0b": {"cardinality": {"field": "order", "precision_threshold": 40_000}},
    }
    answer = {"m0a": {"doc_count": 3, "value": {"count": 3, "sum": 12.0}}, "m0b": {"value": 4}}
    assert read_rows(panel, answer, total=9, time_zone="UTC") == [{"m0": 3.0}]
    answer["m0b"]["value"] = 0  # nothing, not an error, where the divisor is 0
    assert read_rows(panel, answer, total=9, time_zone="UTC") == []


def test_a_quote_cannot_break_out_of_a_formula() -> None:
    ratio = Ratio(label="r", above=Count(label="", where=Is(field="a", value="it's")), below=Count(label=""))
    with pytest.raises(ValueError, match="single quote"):
        config(Metric(id="p", values=(ratio,), **COMMON))


def test_what_cannot_rank_is_refused() -> None:
    ratio = Ratio(label="r", above=Count(label=""), below=Count(label=""))
    by = Terms(label="a", field="a")
    with pytest.raises(ValidationError, match="cannot rank"):
        Table(id="p", rows=(by,), values=(ratio,), **COMMON)
    with pytest.raises(ValidationError, match="cannot rank"):
        Table(id="p", rows=(by,), values=(Count(label="c", where=BUYS),), **COMMON)
    Table(id="p", rows=(by.model_copy(update={"order": "ascending"}),), values=(ratio,), **COMMON)
    with pytest.raises(ValidationError, match="two colours"):
        Bar(id="p", x=by, y=(Count(label="c"), Count(label="d")), split=by, **COMMON)


def test_over_time_the_split_is_outside_else_within() -> None:
    by, days = Terms(label="a", field="a", limit=3), DateHistogram(label="t", field="time", interval="1w")
    over_time = Line(id="p", x=days, y=(Count(label="c"),), split=by, **COMMON)
    found = aggregations(over_time, time_zone="Asia/Shanghai")
    assert found["k0"]["terms"]["field"] == "a"
    assert found["k0"]["aggs"]["k1"]["date_histogram"] == {
        "field": "time", "calendar_interval": "1w", "time_zone": "Asia/Shanghai", "min_doc_count": 0,
    }  # fmt: skip
    assert config(over_time)["layers"][0]["breakdown_by"]["aggregate_first"] is True
    beside = Bar(id="p", x=Terms(label="b", field="b"), y=(Sum(label="s", field="s"),), split=by, **COMMON)
    found = aggregations(beside, time_zone="UTC")
    assert found["k0"]["terms"]["field"] == "b"
    assert found["k0"]["terms"]["order"] == [{"m0.sum": "desc"}, {"_key": "asc"}]
    assert found["k0"]["aggs"].keys() == {"m0", "k1"}  # ranked by the sum of all of its parts
    assert config(beside)["layers"][0]["breakdown_by"]["aggregate_first"] is False


def test_ranges_count_the_lower_border_in_here_and_there() -> None:
    ages = Ranges(label="age", field="age", spans=(Span(label="young", lt=18), Span(label="old", gte=18)))
    panel = Bar(id="p", x=ages, y=(Count(label="c"),), **COMMON)
    ranges = aggregations(panel, time_zone="UTC")["k0"]["range"]["ranges"]
    assert ranges == [{"key": "young", "to": 18.0}, {"key": "old", "from": 18.0}]
    assert config(panel)["layers"][0]["x"]["ranges"] == [{"lte": 18.0, "label": "young"}, {"gt": 18.0, "label": "old"}]


def test_states_are_one_request_and_no_body_holds_a_script() -> None:
    for dashboard in all_dashboards(Settings()):
        for panel in dashboard.charts:
            body = panel_body(panel, dashboard=dashboard, time_zone="UTC", states={"a": {"match_all": {}}})
            assert body["aggs"]["states"]["filters"]["filters"] == {"a": {"match_all": {}}}
            assert "script" not in str(body)
            assert body["size"] == 0


def test_the_dashboard_s_condition_holds_where_controls_act() -> None:
    off = Not(condition=Is(field="personalisation", value="off"))
    free = Source(view="w", index="j", controlled=False)
    inside = Metric(id="a", values=(Count(label="c"),), **COMMON)
    outside = Metric(id="b", values=(Count(label="c"),), **{**COMMON, "source": free})
    board = page(inside, outside, where=off)
    assert panel_body(inside, dashboard=board, time_zone="UTC")["query"]["bool"]["filter"] == [query_of(off)]
    assert panel_body(outside, dashboard=board, time_zone="UTC")["query"]["bool"]["filter"] == []
    flags = [panel["config"]["ignore_global_filters"] for panel in kibana_document(board)["panels"]]
    assert flags == [False, True]


def test_rows_come_with_local_dates_and_without_what_nobody_has() -> None:
    days = DateHistogram(label="t", field="time", interval="1d")
    panel = Line(id="p", x=days, y=(Average(label="a", field="a"),), **COMMON)
    buckets = [
        {"key": 1_300_000_000_000 - 1_300_000_000_000 % 86_400_000 - 28_800_000, "doc_count": 2, "m0": {"value": 2.5}},
        {"key": 1_300_060_800_000, "doc_count": 1, "m0": {"value": None}},
    ]
    rows = read_rows(panel, {"k0": {"buckets": buckets}}, total=3, time_zone="Asia/Shanghai")
    assert rows == [{"k0": "2011-03-13", "m0": 2.5}]
    assert read_rows(panel, {}, total=0, time_zone="UTC") == []


def test_a_median_ranks_by_its_own_value() -> None:
    panel = Table(id="p", rows=(Terms(label="a", field="a"),), values=(Median(label="m", field="m"),), **COMMON)
    assert aggregations(panel, time_zone="UTC")["k0"]["terms"]["order"][0] == {"m0.50": "desc"}


def test_names_of_filters_differ_and_rows_fit_the_grid() -> None:
    same = Labelled(label="x", condition=BUYS)
    with pytest.raises(ValidationError, match="one name"):
        Filters(label="f", filters=(same, same))
    words = Markdown(id="m", title="M", content="Hello")
    placed = in_rows((3, [(24, words), (24, words)]), (2, [(48, words)]))
    assert [(p.place.x, p.place.y, p.place.w, p.place.h) for p in placed] == [
        (0, 0, 24, 3),
        (24, 0, 24, 3),
        (0, 3, 48, 2),
    ]
    with pytest.raises(ValueError, match="48 columns"):
        in_rows((3, [(40, words), (9, words)]))
    assert config(words) == {"content": "Hello", "title": "M", "settings": {}}


def test_every_chart_is_valid_vega_lite_with_its_title_as_description() -> None:
    import vl_convert

    for panel in (panel for dashboard in all_dashboards(Settings()) for panel in dashboard.charts):
        spec = vega_lite(panel, series=["a", "b"] if len(panel.buckets) > 1 else [], language="zh")
        assert (spec is None) == (panel.kind in ("metric", "table")), panel.id
        if spec is None:
            continue
        assert spec["description"].startswith(panel.title)
        row = {f"k{n}": "2011-03-01" for n in range(len(panel.buckets))}
        row |= {f"m{n}": 1.0 for n in range(len(panel.measures))}
        made = fitted(spec, [row], width=300, height=200, labels=["1"])
        assert len(vl_convert.vegalite_to_vega(made)["marks"]) > 0, panel.id


def test_colours_stay_with_their_names() -> None:
    by = Terms(label="Segment", field="segment", missing="none")
    panel = Bar(id="p", lying=True, x=Terms(label="b", field="b"), y=(Count(label="c"),), split=by, **COMMON)
    rows = [{"k0": "x", "k1": name, "m0": 1} for name in ("none", "b", "a", "new")]
    assert series_of(panel, rows, known={"segment": ["a", "b", "c"]}) == ["a", "b", "new", "none"]
    spec = vega_lite(panel, series=["a", "none"], language="en")
    assert spec is not None
    assert spec["encoding"]["color"]["scale"]["range"] == ["#0072B2", "#999999"]


def test_bars_leave_room_for_their_numbers_and_few_are_not_fat() -> None:
    panel = Bar(id="p", lying=True, x=Terms(label="b", field="b"), y=(Count(label="c"),), **COMMON)
    spec = vega_lite(panel, series=[], language="en")
    assert spec is not None
    made = fitted(spec, [{"k0": "only", "m0": 100}], width=400, height=300, labels=["100"])
    assert made["height"] < 130
    assert made["encoding"]["x"]["scale"]["domainMax"] > 105
    assert text_width("红色") > text_width("ab")


def test_units_are_d3_formats() -> None:
    assert [number_format(Unit()), number_format(Unit(decimals=2)), number_format(Unit(kind="share", decimals=1))] == [
        ",.0f", ",.2f", ".1%",
    ]  # fmt: skip
