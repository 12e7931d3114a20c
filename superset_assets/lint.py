"""Static check of rendered assets: dashboard -> chart -> dataset -> released table, without a running Superset.

Belongs here: references and columns. Does not belong here: whether a chart is good, data values.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from superset_assets.documents import Document
from superset_assets.render import Bundle

_GRID_COLUMNS = 12
_LINK = re.compile(r"/superset/dashboard/([^/)\s\"']+)")


def lint(bundle: Bundle, release: Path) -> list[str]:
    """Findings, empty when all is well. Every reference is followed down to the columns of the release file."""
    datasets = {doc["uuid"]: doc for doc in bundle.of_kind("datasets").values()}
    charts = {doc["uuid"]: doc for doc in bundle.of_kind("charts").values()}
    databases = {doc["uuid"] for doc in bundle.of_kind("databases").values()}
    slugs = {doc["slug"] for doc in bundle.of_kind("dashboards").values()}
    findings: list[str] = []
    with duckdb.connect(str(release), read_only=True) as db:
        for path, dataset in bundle.of_kind("datasets").items():
            findings += [f"{path}: {text}" for text in _dataset_findings(db, dataset, databases)]
    for path, chart in bundle.of_kind("charts").items():
        findings += [f"{path}: {text}" for text in _chart_findings(chart, datasets)]
    for path, dashboard in bundle.of_kind("dashboards").items():
        findings += [f"{path}: {text}" for text in _dashboard_findings(dashboard, charts, datasets, slugs)]
    findings += _unplaced(bundle)
    findings += _duplicates(bundle)
    return findings


def _tables_of(dataset: Document) -> list[str]:
    """The released tables a dataset selects from."""
    return _tables_in(dataset["sql"])


@cache
def _tables_in(sql: str) -> list[str]:
    query = sqlglot.parse_one(sql, read="duckdb")
    own = {item.alias for item in query.find_all(exp.CTE)}
    return sorted({table.name for table in query.find_all(exp.Table)} - own)


def _dataset_findings(db: duckdb.DuckDBPyConnection, dataset: Document, databases: set[str]) -> list[str]:
    if dataset["database_uuid"] not in databases:
        return ["names a database that is not in the bundle"]
    released = {
        str(name)
        for (name,) in db.execute(
            "select table_name from information_schema.tables where table_schema = 'main'"
        ).fetchall()
    }
    missing = [name for name in _tables_of(dataset) if name not in released]
    if missing:
        return [f"table '{name}' is not in the release" for name in missing]
    try:
        columns = {str(row[0]) for row in db.execute(f"describe {dataset['sql']}").fetchall()}
    except duckdb.Error as error:
        return [f"query fails on the release: {str(error).splitlines()[0]}"]
    return _column_findings(dataset, columns)


def _column_findings(dataset: Document, released: set[str]) -> list[str]:
    """Every released column has a label, every label a column, every expression known columns."""
    declared = {column["column_name"] for column in dataset["columns"] if not column["expression"]}
    expressions = [
        *((f"metric '{item['metric_name']}'", item["expression"]) for item in dataset["metrics"]),
        *(
            (f"column '{item['column_name']}'", item["expression"])
            for item in dataset["columns"]
            if item["expression"]
        ),
    ]
    findings = [f"column '{name}' is not in the release" for name in sorted(declared - released)]
    findings += [f"released column '{name}' has no label" for name in sorted(released - declared)]
    findings += [
        f"column '{column['column_name']}' has no label"
        for column in dataset["columns"]
        if not column["verbose_name"]
    ]
    members = {*(item["metric_name"] for item in dataset["metrics"])}
    members |= {column["column_name"] for column in dataset["columns"]}
    findings += [
        f"folder '{folder['name']}' names unknown '{name}'"
        for folder in dataset.get("folders", [])
        for name in folder["members"]
        if name not in members
    ]
    for owner, expression in expressions:
        try:
            used = {item.name for item in sqlglot.parse_one(expression, read="duckdb").find_all(exp.Column)}
        except sqlglot.errors.ParseError as error:
            findings.append(f"{owner} does not parse: {error}")
            continue
        findings += [f"{owner} uses unknown column '{name}'" for name in sorted(used - released)]
    return findings


def _chart_findings(chart: Document, datasets: dict[str, Document]) -> list[str]:
    dataset = datasets.get(chart["dataset_uuid"])
    if dataset is None:
        return ["names a dataset that is not in the bundle"]
    table = ", ".join(_tables_of(dataset))
    columns = {column["column_name"] for column in dataset["columns"]}
    metrics = {metric["metric_name"] for metric in dataset["metrics"]}
    context = json.loads(chart["query_context"])
    findings: list[str] = []
    for query in context["queries"]:
        used = [*query["columns"], *(item["col"] for item in query["filters"])]
        findings += [f"column '{name}' is not in {table}" for name in used if name not in columns]
        asked = query.get("metrics", [])
        findings += [f"metric {item} is not a metric of {table}" for item in asked if isinstance(item, dict)]
        findings += [
            f"metric '{name}' is not in {table}"
            for name in asked
            if isinstance(name, str) and name not in metrics
        ]
        ordered = [name for name, _ in query.get("orderby", [])]
        findings += [f"orders by unknown '{name}'" for name in ordered if name not in columns | metrics]
    findings += [
        f"'{key}' names unknown '{name}'"
        for key, name in _named_in_form(chart["params"])
        if name not in columns | metrics
    ]
    return findings


def _named_in_form(params: dict[str, Any]) -> list[tuple[str, str]]:
    """Columns and metrics a chart's form refers to, with the key that does."""
    keys = (
        *("x_axis", "metric", "metrics", "groupby", "all_columns", "line_column", "timeseries_limit_metric"),
        *("groupbyRows", "groupbyColumns", "entity", "x", "y", "size"),
    )
    named: list[tuple[str, str]] = []
    for key in keys:
        value = params.get(key)
        named += [(key, name) for name in (value if isinstance(value, list) else [value]) if name]
    named += [("column_config", name) for name in params.get("column_config", {})]
    named += [("tooltip_contents", item["column_name"]) for item in params.get("tooltip_contents", [])]
    return named


def _dashboard_findings(
    dashboard: Document, charts: dict[str, Document], datasets: dict[str, Document], slugs: set[str]
) -> list[str]:
    position = dashboard["position"]
    findings: list[str] = []
    cells = [item for item in position.values() if _is(item, "CHART")]
    for cell in cells:
        if cell["meta"]["uuid"] not in charts:
            findings.append(f"position '{cell['id']}' refers to no chart of the bundle")
    texts = [item["meta"]["code"] for item in position.values() if _is(item, "MARKDOWN")]
    findings += [
        f"links to '{name}', which is no dashboard of the instance"
        for text in texts
        for name in _LINK.findall(text)
        if name not in slugs
    ]
    for item in position.values():
        if _is(item, "ROW"):
            width = sum(position[child]["meta"]["width"] for child in item["children"])
            if not 0 < width <= _GRID_COLUMNS:
                findings.append(f"{item['id']} is {width} of {_GRID_COLUMNS} columns wide")
    for native in dashboard["metadata"]["native_filter_configuration"]:
        for target in native["targets"]:
            dataset = datasets.get(target["datasetUuid"])
            if dataset is None:
                findings.append(f"filter '{native['name']}' names a dataset that is not in the bundle")
            elif target["column"]["name"] not in {column["column_name"] for column in dataset["columns"]}:
                findings.append(
                    f"filter '{native['name']}' names unknown column '{target['column']['name']}'"
                )
    return findings


def _is(item: Any, kind: str) -> bool:
    return isinstance(item, dict) and item["type"] == kind


def _unplaced(bundle: Bundle) -> list[str]:
    """Charts that stand on no dashboard; kept templates for own analyses are marked `saved: true`."""
    placed = {
        item["meta"]["uuid"]
        for dashboard in bundle.of_kind("dashboards").values()
        for item in dashboard["position"].values()
        if _is(item, "CHART")
    }
    return [
        f"chart '{doc['slice_name']}' is on no dashboard"
        for doc in bundle.of_kind("charts").values()
        if doc["uuid"] not in placed and not doc["certified_by"]
    ]


def _duplicates(bundle: Bundle) -> list[str]:
    """Identifiers and addresses that stand twice."""
    seen: dict[str, str] = {}
    findings = []
    addresses = [doc["slug"] for doc in bundle.of_kind("dashboards").values()]
    findings += [
        f"address '{name}' stands twice" for name in sorted({*addresses}) if addresses.count(name) > 1
    ]
    for path, doc in bundle.documents.items():
        if doc["uuid"] in seen:
            findings.append(f"{path}: same uuid as {seen[doc['uuid']]}")
        seen[doc["uuid"]] = path
    return findings
