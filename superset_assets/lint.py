"""Static check of rendered assets: dashboard -> chart -> dataset -> released table, without a running Superset.

Belongs here: references and columns. Does not belong here: whether a chart is good, data values.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from superset_assets.render import Bundle, Document

_GRID_COLUMNS = 12


def lint(bundle: Bundle, release: Path) -> list[str]:
    """Findings, empty when all is well. Every reference is followed down to the columns of the release file."""
    tables = _released_columns(release)
    datasets = {doc["uuid"]: doc for doc in bundle.of_kind("datasets").values()}
    charts = {doc["uuid"]: doc for doc in bundle.of_kind("charts").values()}
    databases = {doc["uuid"] for doc in bundle.of_kind("databases").values()}
    findings: list[str] = []
    for path, dataset in bundle.of_kind("datasets").items():
        findings += [f"{path}: {text}" for text in _dataset_findings(dataset, tables, databases)]
    for path, chart in bundle.of_kind("charts").items():
        findings += [f"{path}: {text}" for text in _chart_findings(chart, datasets)]
    for path, dashboard in bundle.of_kind("dashboards").items():
        findings += [f"{path}: {text}" for text in _dashboard_findings(dashboard, charts, datasets)]
    findings += _duplicates(bundle)
    return findings


def _released_columns(release: Path) -> dict[str, set[str]]:
    connection = duckdb.connect(str(release), read_only=True)
    try:
        rows = connection.execute(
            "select table_name, column_name from information_schema.columns where table_schema = 'main'"
        ).fetchall()
    finally:
        connection.close()
    tables: dict[str, set[str]] = {}
    for table, column in rows:
        tables.setdefault(table, set()).add(column)
    return tables


def _table_of(dataset: Document) -> str:
    """The released table a dataset selects from."""
    table = sqlglot.parse_one(dataset["sql"], read="duckdb").find(exp.Table)
    return table.name if table is not None else ""


def _dataset_findings(dataset: Document, tables: dict[str, set[str]], databases: set[str]) -> list[str]:
    table = _table_of(dataset)
    if dataset["database_uuid"] not in databases:
        return ["names a database that is not in the bundle"]
    if table not in tables:
        return [f"table '{table}' is not in the release"]
    declared = {column["column_name"] for column in dataset["columns"] if not column["expression"]}
    expressions = [
        *((f"metric '{item['metric_name']}'", item["expression"]) for item in dataset["metrics"]),
        *(
            (f"column '{item['column_name']}'", item["expression"])
            for item in dataset["columns"]
            if item["expression"]
        ),
    ]
    findings = [f"column '{name}' is not in the release" for name in sorted(declared - tables[table])]
    findings += [f"released column '{name}' has no label" for name in sorted(tables[table] - declared)]
    findings += [
        f"column '{column['column_name']}' has no label"
        for column in dataset["columns"]
        if not column["verbose_name"]
    ]
    for owner, expression in expressions:
        try:
            used = {item.name for item in sqlglot.parse_one(expression, read="duckdb").find_all(exp.Column)}
        except sqlglot.errors.ParseError as error:
            findings.append(f"{owner} does not parse: {error}")
            continue
        findings += [f"{owner} uses unknown column '{name}'" for name in sorted(used - tables[table])]
    return findings


def _chart_findings(chart: Document, datasets: dict[str, Document]) -> list[str]:
    dataset = datasets.get(chart["dataset_uuid"])
    if dataset is None:
        return ["names a dataset that is not in the bundle"]
    table = _table_of(dataset)
    columns = {column["column_name"] for column in dataset["columns"]}
    metrics = {metric["metric_name"] for metric in dataset["metrics"]}
    context = json.loads(chart["query_context"])
    findings: list[str] = []
    for query in context["queries"]:
        used = [*query["columns"], *(item["col"] for item in query["filters"])]
        findings += [f"column '{name}' is not in {table}" for name in used if name not in columns]
        findings += [
            f"metric '{name}' is not in {table}" for name in query.get("metrics", []) if name not in metrics
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
    keys = ("x_axis", "metric", "metrics", "groupby", "all_columns", "line_column", "timeseries_limit_metric")
    named: list[tuple[str, str]] = []
    for key in keys:
        value = params.get(key)
        named += [(key, name) for name in (value if isinstance(value, list) else [value]) if name]
    named += [("column_config", name) for name in params.get("column_config", {})]
    named += [("tooltip_contents", item["column_name"]) for item in params.get("tooltip_contents", [])]
    return named


def _dashboard_findings(
    dashboard: Document, charts: dict[str, Document], datasets: dict[str, Document]
) -> list[str]:
    position = dashboard["position"]
    findings: list[str] = []
    cells = [item for item in position.values() if isinstance(item, dict) and item["type"] == "CHART"]
    for cell in cells:
        if cell["meta"]["uuid"] not in charts:
            findings.append(f"position '{cell['id']}' refers to no chart of the bundle")
    placed = {cell["meta"]["uuid"] for cell in cells}
    findings += [
        f"chart '{doc['slice_name']}' is on no dashboard" for key, doc in charts.items() if key not in placed
    ]
    for item in position.values():
        if isinstance(item, dict) and item["type"] == "ROW":
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


def _duplicates(bundle: Bundle) -> list[str]:
    seen: dict[str, str] = {}
    findings = []
    for path, doc in bundle.documents.items():
        if doc["uuid"] in seen:
            findings.append(f"{path}: same uuid as {seen[doc['uuid']]}")
        seen[doc["uuid"]] = path
    return findings
