"""Panels as Elasticsearch aggregations that need no script, so that they run on the embedded server too.

The aggregations are named k0, k1 … for what a panel groups by and m0, m1 … for what it counts; `reading.py` makes
rows of the answer. A ratio is two aggregations, divided when read.
"""

from __future__ import annotations

from typing import Any, Final

from profilestore.dashboards.buckets import Buckets, DateHistogram, Filters, Ranges, Terms
from profilestore.dashboards.conditions import query_of
from profilestore.dashboards.measures import (
    Average,
    Count,
    LastValue,
    Maximum,
    Measure,
    Median,
    Percentile,
    Ratio,
    Sum,
    UniqueCount,
)
from profilestore.dashboards.panels import Chart, Dashboard

__all__ = ["aggregations", "panel_body", "panel_query"]

# Up to where distinct values are counted as good as exactly: the most that Elasticsearch offers for a single number
# (256 KiB a count), and its default, which is also Kibana's, for each of many groups (16 KiB).
_PRECISION: Final = 40_000
_PRECISION_IN_GROUPS: Final = 3_000
Body = dict[str, Any]


def panel_body(panel: Chart, *, dashboard: Dashboard, time_zone: str, states: dict[str, Body] | None = None) -> Body:
    """The whole search of a panel.

    Args:
        panel: of the dashboard.
        dashboard: whose condition holds for all panels that controls act on.
        time_zone: days, weeks and months are the shop's.
        states: choices of a control as queries, by name: the panel's numbers are worked out under each (the
            aggregation `states`); None for the panel as it is.
    """
    inner = aggregations(panel, time_zone=time_zone)
    body: Body = {"size": 0, "track_total_hits": True, "query": panel_query(panel, dashboard)}
    if states is None:
        return body | {"aggs": inner} if len(inner) > 0 else body
    within: Body = {"filters": {"filters": states}}
    if len(inner) > 0:
        within["aggs"] = inner
    return body | {"aggs": {"states": within}}


def panel_query(panel: Chart, dashboard: Dashboard) -> Body:
    """What a panel counts among, without any control."""
    conditions = [panel.where]
    if panel.source.controlled:
        conditions.append(dashboard.where)
    return {"bool": {"filter": [query_of(each) for each in conditions if each is not None]}}


def aggregations(panel: Chart, *, time_zone: str) -> Body:
    """The panel's groups within each other, with its measures in the innermost."""
    precision = _PRECISION if len(panel.buckets) == 0 else _PRECISION_IN_GROUPS
    measures = _measures(panel.measures, precision)
    ranking = _measures(panel.measures[:1], precision)
    inner = measures
    for depth in reversed(range(len(panel.buckets))):
        bucket = panel.buckets[depth]
        if depth < len(panel.buckets) - 1 and isinstance(bucket, Terms) and bucket.order == "measure":
            inner = {**ranking, **inner}
        aggregation = _bucket(bucket, panel.measures[0], time_zone)
        if len(inner) > 0:
            aggregation["aggs"] = inner
        inner = {f"k{depth}": aggregation}
    return inner


def _bucket(bucket: Buckets, first: Measure, time_zone: str) -> Body:
    match bucket:
        case Terms():
            terms: Body = {"field": bucket.field, "size": bucket.limit, "order": _order(bucket, first)}
            if bucket.order == "measure":
                # for several shards, as Kibana does it under "increase accuracy"; in the order of keys all are exact
                terms["shard_size"] = max(1000, int(1.5 * bucket.limit) + 10)
            if bucket.missing is not None:
                terms["missing"] = bucket.missing
            return {"terms": terms}
        case DateHistogram():
            return {
                "date_histogram": {
                    "field": bucket.field,
                    "calendar_interval": bucket.interval,
                    "time_zone": time_zone,
                    "min_doc_count": 0,
                }
            }
        case Ranges():
            spans = [{"key": span.label, "from": span.gte, "to": span.lt} for span in bucket.spans]
            known = [{name: value for name, value in span.items() if value is not None} for span in spans]
            return {"range": {"field": bucket.field, "ranges": known}}
        case Filters():
            return {"filters": {"filters": {each.label: query_of(each.condition) for each in bucket.filters}}}


def _order(bucket: Terms, first: Measure) -> Any:
    if bucket.order != "measure":
        return {"_key": "asc" if bucket.order == "ascending" else "desc"}
    by = {Count: "_count", Median: "m0.50", Sum: "m0.sum"}.get(type(first), "m0")
    # equal ones in the order of their names, so that two runs say the same
    return [{by: "desc"}, {"_key": "asc"}]


def _measures(measures: tuple[Measure, ...], precision: int) -> Body:
    found: Body = {}
    for number, measure in enumerate(measures):
        if isinstance(measure, Ratio):
            found |= _one(f"m{number}a", measure.above, precision) | _one(f"m{number}b", measure.below, precision)
        else:
            found |= _one(f"m{number}", measure, precision)
    return found


def _one(name: str, measure: Measure, precision: int) -> Body:
    """The aggregation of a measure; behind a filter where it has a condition. A plain count needs none."""
    inner = _plain(measure, precision)
    condition = getattr(measure, "where", None)
    if condition is None:
        return {} if inner is None else {name: inner}
    filtered: Body = {"filter": query_of(condition)}
    if inner is not None:
        filtered["aggs"] = {"value": inner}
    return {name: filtered}


def _plain(measure: Measure, precision: int) -> Body | None:
    match measure:
        case UniqueCount(field=field):
            return {"cardinality": {"field": field, "precision_threshold": precision}}
        case Sum(field=field):
            # with how many values there were: nothing is not 0
            return {"stats": {"field": field}}
        case Average(field=field):
            return {"avg": {"field": field}}
        case Maximum(field=field):
            return {"max": {"field": field}}
        case Median(field=field):
            return {"percentiles": {"field": field, "percents": [50]}}
        case Percentile(field=field, percentile=percentile):
            return {"percentiles": {"field": field, "percents": [percentile]}}
        case LastValue(field=field, time_field=time_field):
            # top_metrics would be shorter, but the embedded server lacks it; a profile's whole source is large
            latest = {"size": 1, "sort": [{time_field: "desc"}], "_source": False, "docvalue_fields": [field]}
            return {"top_hits": latest}
        case _:
            return None
