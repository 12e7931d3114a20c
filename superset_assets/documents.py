"""Superset's documents from the short form of the templates: database, dataset, chart, dashboard.

Belongs here: what a document of the import bundle looks like, the saved query of a chart, the layout grid.
Does not belong here: finding and filling templates (`render`), the filters of a dashboard (`native_filters`).
"""

from __future__ import annotations

import json
from typing import Any

from superset_assets.facts import Facts
from superset_assets.identifiers import asset_uuid, marker
from superset_assets.native_filters import native_filter

Document = dict[str, Any]

VERSION = "1.0.0"
_UNARY = {"IS NOT NULL", "IS NULL", "IS TRUE", "IS FALSE"}
_OPERATOR_IDS = {
    "==": "EQUALS",
    "!=": "NOT_EQUALS",
    ">": "GREATER_THAN",
    "<": "LESS_THAN",
    ">=": "GREATER_THAN_OR_EQUAL",
    "<=": "LESS_THAN_OR_EQUAL",
    "IN": "IN",
    "NOT IN": "NOT_IN",
    "IS TRUE": "IS_TRUE",
    "IS FALSE": "IS_FALSE",
    "IS NULL": "IS_NULL",
    "IS NOT NULL": "IS_NOT_NULL",
}


def _managed(facts: Facts, kind: str, key: str) -> Document:
    return {
        "uuid": asset_uuid(facts.instance, kind, key),
        "version": VERSION,
        "is_managed_externally": True,
        "external_url": marker(facts.instance, kind, key),
    }


def database(facts: Facts, source: Document) -> Document:
    """The read-only connection to the release of one instance."""
    return {**source, **_managed(facts, "databases", "release")}


def dataset(facts: Facts, key: str, source: Document) -> Document:
    """A dataset over one released table (`table`, else the key), or over a query on released tables (`sql`)."""
    columns = [
        {
            "column_name": name,
            "verbose_name": column["label"],
            "description": column.get("description"),
            "type": column.get("type", "VARCHAR"),
            "is_dttm": column.get("is_dttm", False),
            "is_active": True,
            "groupby": True,
            "filterable": True,
            "expression": column.get("expression"),
            "extra": {},
        }
        for name, column in source["columns"].items()
    ]
    metrics = [
        {
            "metric_name": metric["metric_name"],
            "verbose_name": metric["verbose_name"],
            "metric_type": None,
            "expression": metric["expression"],
            "description": metric["description"],
            "d3format": metric.get("d3format"),
            "extra": _certification(metric.get("certified")),
        }
        for metric in source["metrics"]
    ]
    return {
        # A query instead of the bare table: Superset's SQLite metadata allows each table name only once over all
        # databases, and users choose data by a German name anyway.
        "table_name": f"{source['label']} – {facts.title}",
        "schema": "main",
        "catalog": None,
        "main_dttm_col": source["main_dttm_col"],
        "description": f"{source['description']} Quelle: {facts.attribution}",
        "default_endpoint": None,
        "offset": 0,
        "cache_timeout": None,
        "sql": source.get("sql") or f"select * from main.{source.get('table', key)}",
        "filter_select_enabled": True,
        "extra": _certification("Veröffentlichte Daten nach geprüfter Geheimhaltung"),
        "columns": columns,
        "metrics": metrics,
        # By name; `folders` writes them with the identifiers Superset gives columns and metrics.
        "folders": source.get("folders", []),
        "database_uuid": asset_uuid(facts.instance, "databases", "release"),
        **_managed(facts, "datasets", key),
    }


def _certification(details: str | None) -> Document:
    if details is None:
        return {}
    return {"certification": {"certified_by": "Sozialplanung", "details": details}}


def chart(facts: Facts, key: str, source: Document) -> Document:
    """A chart: its form and, from the same parts, the saved query (`queries` for charts that send several)."""
    filters = [dict(item) for item in source["filters"]]
    dataset_uuid = asset_uuid(facts.instance, "datasets", source["dataset"])
    # The importer replaces this placeholder by the number the dataset has in this installation.
    placeholder = f"{dataset_uuid}__table"
    params = {
        **source["params"],
        "datasource": placeholder,
        "viz_type": source["viz_type"],
        "adhoc_filters": [_adhoc_filter(item) for item in filters],
    }
    queries = [
        {
            **query,
            "filters": [*filters, *query.get("filters", [])],
            "extras": {"having": "", "where": ""},
            "applied_time_extras": {},
            "annotation_layers": [],
            "url_params": {},
            "custom_params": {},
            "custom_form_data": {},
            "time_range": "No filter",
        }
        for query in source.get("queries") or [source["query"]]
    ]
    context = {
        "datasource": {"id": 0, "type": "table"},
        "force": False,
        "queries": queries,
        "form_data": {**params, "result_format": "json", "result_type": "full"},
        "result_format": "json",
        "result_type": "full",
    }
    return {
        "slice_name": source["title"],
        "description": source["description"],
        # A saved template stands on no dashboard; users find it in the list of charts, marked as certified.
        "certified_by": "Sozialplanung" if source.get("saved") else None,
        "certification_details": "Vorlage für eigene Auswertungen" if source.get("saved") else None,
        "viz_type": source["viz_type"],
        "params": params,
        "query_context": json.dumps(context, ensure_ascii=False),
        "cache_timeout": None,
        "dataset_uuid": dataset_uuid,
        **_managed(facts, "charts", key),
    }


def _adhoc_filter(item: Document) -> Document:
    adhoc = {
        "expressionType": "SIMPLE",
        "clause": "WHERE",
        "subject": item["col"],
        "operator": item["op"],
        "operatorId": _OPERATOR_IDS[item["op"]],
        "isExtra": False,
    }
    return adhoc if item["op"] in _UNARY else {**adhoc, "comparator": item["val"]}


def dashboard(facts: Facts, key: str, source: Document, charts: dict[str, Document], css: str) -> Document:
    """A dashboard: rows of cells on the grid, native filters, style sheet.

    Raises KeyError for a cell whose chart is not among `charts`.
    """
    names = [cell["chart"] for row in source["rows"] for cell in row["cells"] if "chart" in cell]
    # Superset wants a number per chart before it gives its own; position and filters refer to it.
    numbers = {name: index for index, name in enumerate(names, start=1)}
    return {
        "dashboard_title": source["title"],
        "description": source["description"],
        "css": css,
        "slug": source["slug"],
        "certified_by": None,
        "certification_details": None,
        "published": True,
        "position": _position(source["rows"], source["title"], charts, numbers),
        "metadata": {
            "color_scheme": "lagebild",
            # Series that mean the same on every chart of the page keep their colour whatever else is shown.
            "label_colors": source.get("label_colors", {}),
            "refresh_frequency": 0,
            "expanded_slices": {},
            "timed_refresh_immune_slices": [],
            "cross_filters_enabled": bool(source.get("cross_filters", False)),
            "filter_bar_orientation": source.get("filter_bar", "HORIZONTAL"),
            "native_filter_configuration": [
                native_filter(facts, key, item, numbers, source["filters"]) for item in source["filters"]
            ],
            "default_filters": "{}",
        },
        **_managed(facts, "dashboards", key),
    }


def _position(
    rows: list[Document], title: str, charts: dict[str, Document], numbers: dict[str, int]
) -> Document:
    row_ids = [f"ROW-{index}" for index in range(1, len(rows) + 1)]
    position: Document = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "GRID_ID": {"id": "GRID_ID", "type": "GRID", "children": row_ids, "parents": ["ROOT_ID"]},
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": title}},
    }
    for row_id, row in zip(row_ids, rows, strict=True):
        cell_ids = []
        for index, cell in enumerate(row["cells"], start=1):
            meta: Document = {"width": cell["width"], "height": cell["height"]}
            if "chart" in cell:
                name = cell["chart"]
                cell_id, kind = f"CHART-{name}", "CHART"
                placed = charts[name]
                meta |= {
                    "uuid": placed["uuid"],
                    "chartId": numbers[name],
                    "sliceName": cell.get("title", placed["slice_name"]),
                }
            else:
                cell_id, kind = f"MARKDOWN-{row_id}-{index}", "MARKDOWN"
                meta["code"] = cell["markdown"]
            position[cell_id] = {
                "id": cell_id,
                "type": kind,
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID", row_id],
                "meta": meta,
            }
            cell_ids.append(cell_id)
        position[row_id] = {
            "id": row_id,
            "type": "ROW",
            "children": cell_ids,
            "parents": ["ROOT_ID", "GRID_ID"],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
    return position
