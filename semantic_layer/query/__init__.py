"""Questions to a release: query model, compiler, guard, `MEASURE()` SQL. See docs/query.md.

Reads released files only. What may be in them is decided before, by dbt.
"""

from semantic_layer.query.errors import GuardRefusal, QueryError, QueryTimeout, ReleaseError
from semantic_layer.query.model import Compare, Order, Query, Top, Where
from semantic_layer.query.release import Release, open_release, parse_query, query
from semantic_layer.query.result import Footnote, MetricInfo, Result

__all__ = [
    "Compare",
    "Footnote",
    "GuardRefusal",
    "MetricInfo",
    "Order",
    "Query",
    "QueryError",
    "QueryTimeout",
    "Release",
    "ReleaseError",
    "Result",
    "Top",
    "Where",
    "open_release",
    "parse_query",
    "query",
]
