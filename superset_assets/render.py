"""Pure rendering: templates + facts of a release -> documents of Superset's import bundle.

Belongs here: identifiers, the saved query of a chart, the layout grid. Does not belong here: reading releases
(`facts`), talking to Superset (`sync`, `server`).
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from superset_assets.facts import Facts

Document = dict[str, Any]

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "superset-assets.lagebild")
TEMPLATES = Path(__file__).parent / "assets"
MARKER = "lagebild"
"""Managed assets carry `lagebild:<instance>:<kind>:<key>` in `external_url`; orphans are found by it."""

_VERSION = "1.0.0"
_UNARY = {"IS NOT NULL", "IS NULL", "IS TRUE", "IS FALSE"}
_OPERATOR_IDS = {"==": "EQUALS", "IN": "IN", "IS TRUE": "IS_TRUE", "IS NOT NULL": "IS_NOT_NULL"}


@dataclass(frozen=True)
class Bundle:
    """Rendered documents of one instance by path, e.g. `charts/karte_sgb2_rate.yaml`."""

    instance: str
    documents: dict[str, Document]

    def of_kind(self, kind: str) -> dict[str, Document]:
        return {path: doc for path, doc in self.documents.items() if path.startswith(f"{kind}/")}

    def as_files(self) -> dict[str, str]:
        """File contents as Superset's importer takes them, including `metadata.yaml`."""
        metadata = {"version": _VERSION, "type": "assets", "timestamp": "2026-01-01T00:00:00+00:00"}
        # JSON is YAML, and written a hundred times faster: an unchanged sync is done in a second.
        files = {path: json.dumps(doc, ensure_ascii=False, indent=1) for path, doc in self.documents.items()}
        return {"metadata.yaml": json.dumps(metadata), **files}


class _Raw(str):
    """Text that goes into a template as it is: JSON, or text of a YAML block."""


def _inside_double_quotes(value: Any) -> Any:
    """Labels and definitions stand in double quotes in the templates; their own quotes must not end them."""
    if isinstance(value, _Raw | StrictUndefined) or not isinstance(value, str):
        return value
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def asset_uuid(instance: str, kind: str, key: str) -> str:
    """The same asset has the same identifier in every installation and after every sync."""
    return str(uuid.uuid5(NAMESPACE, f"{instance}/{kind}/{key}"))


def marker(instance: str, kind: str, key: str) -> str:
    return f"{MARKER}:{instance}:{kind}:{key}"


def slug(instance: str) -> str:
    """Address part of the executive dashboard."""
    return f"lage-{instance}"


def render(facts: Facts, templates: Path = TEMPLATES) -> Bundle:
    """All documents of an instance. Raises jinja2.UndefinedError for a template that names an unknown fact."""
    engine = Environment(  # noqa: S701 - the result is YAML, not HTML; `finalize` escapes for YAML
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_inside_double_quotes,
    )
    # YAML reads JSON as it is; characters must not be escaped for HTML as jinja's own `tojson` does.
    engine.filters["tojson"] = lambda value: _Raw(json.dumps(value, ensure_ascii=False))
    engine.filters["plain"] = _Raw

    def load(name: str, **context: Any) -> Document:
        text = engine.get_template(name).render(facts=facts, **context)
        document = yaml.load(text, Loader=yaml.CSafeLoader)
        assert isinstance(document, dict), f"{name}: a template renders to one mapping"
        return document

    documents: dict[str, Document] = {}
    documents["databases/release.yaml"] = _database(facts, load("database.yaml"))
    for path in sorted((templates / "datasets").glob("*.yaml")):
        documents[f"datasets/{path.name}"] = _dataset(facts, path.stem, load(f"datasets/{path.name}"))
    charts: dict[str, Document] = {}
    for path in sorted((templates / "charts").glob("*.yaml")):
        charts.update(_charts(facts, path, load))
    documents.update({f"charts/{key}.yaml": doc for key, doc in charts.items()})
    for path in sorted((templates / "dashboards").glob("*.yaml")):
        source = load(f"dashboards/{path.name}")
        css_file = path.with_suffix(".css")
        css = css_file.read_text(encoding="utf-8") if css_file.exists() else ""
        documents[f"dashboards/{path.name}"] = _dashboard(facts, path.stem, source, charts, css)
    return Bundle(facts.instance, documents)


def _managed(facts: Facts, kind: str, key: str) -> Document:
    return {
        "uuid": asset_uuid(facts.instance, kind, key),
        "version": _VERSION,
        "is_managed_externally": True,
        "external_url": marker(facts.instance, kind, key),
    }


def _database(facts: Facts, source: Document) -> Document:
    return {**source, **_managed(facts, "databases", "release")}


def _dataset(facts: Facts, table: str, source: Document) -> Document:
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
        "sql": f"select * from main.{table}",
        "filter_select_enabled": True,
        "extra": _certification("Veröffentlichte Daten nach geprüfter Geheimhaltung"),
        "columns": columns,
        "metrics": metrics,
        "database_uuid": asset_uuid(facts.instance, "databases", "release"),
        **_managed(facts, "datasets", table),
    }


def _certification(details: str | None) -> Document:
    if details is None:
        return {}
    return {"certification": {"certified_by": "Sozialplanung", "details": details}}


def _charts(facts: Facts, path: Path, load: Any) -> dict[str, Document]:
    """Charts of one template: one, or one per item of the facts list that `for_each` names."""
    each = next(
        (
            line.split(":", 1)[1].strip()
            for line in path.read_text().splitlines()
            if line.startswith("for_each:")
        ),
        None,
    )
    name = f"charts/{path.name}"
    if each is None:
        return {path.stem: _chart(facts, path.stem, load(name))}
    charts = {}
    for item in getattr(facts, each):
        key = f"{path.stem}_{getattr(item, 'indicator_id', None) or item.key}"
        charts[key] = _chart(facts, key, load(name, item=item))
    return charts


def _chart(facts: Facts, key: str, source: Document) -> Document:
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
    query = {
        **source["query"],
        "filters": filters,
        "extras": {"having": "", "where": ""},
        "applied_time_extras": {},
        "annotation_layers": [],
        "url_params": {},
        "custom_params": {},
        "custom_form_data": {},
        "time_range": "No filter",
    }
    context = {
        "datasource": {"id": 0, "type": "table"},
        "force": False,
        "queries": [query],
        "form_data": {**params, "result_format": "json", "result_type": "full"},
        "result_format": "json",
        "result_type": "full",
    }
    return {
        "slice_name": source["title"],
        "description": source["description"],
        "certified_by": None,
        "certification_details": None,
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


def _dashboard(facts: Facts, key: str, source: Document, charts: dict[str, Document], css: str) -> Document:
    # Superset wants a number per chart before it gives its own; position and filters refer to it.
    numbers = {name: index for index, name in enumerate(charts, start=1)}
    position = _position(source["rows"], source["title"], charts, numbers)
    return {
        "dashboard_title": source["title"],
        "description": source["description"],
        "css": css,
        "slug": source["slug"],
        "certified_by": None,
        "certification_details": None,
        "published": True,
        "position": position,
        "metadata": {
            "color_scheme": "lagebild",
            "refresh_frequency": 0,
            "expanded_slices": {},
            "timed_refresh_immune_slices": [],
            "cross_filters_enabled": False,
            "filter_bar_orientation": "HORIZONTAL",
            "native_filter_configuration": [
                _native_filter(facts, key, item, numbers) for item in source["filters"]
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
                chart = charts.get(name, {})
                meta |= {
                    "uuid": chart.get("uuid", ""),
                    "chartId": numbers.get(name, 0),
                    "sliceName": chart.get("slice_name", name),
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


def _native_filter(facts: Facts, dashboard: str, item: Document, numbers: dict[str, int]) -> Document:
    column, default = item["column"], item["default"]
    chosen = [] if default is None else [default]
    excluded = [number for name, number in numbers.items() if name not in item["charts"]]
    return {
        "id": f"NATIVE_FILTER-{asset_uuid(facts.instance, dashboard, column)[:12]}",
        "type": "NATIVE_FILTER",
        "name": item["name"],
        "filterType": "filter_select",
        "description": "",
        "targets": [
            {
                "datasetUuid": asset_uuid(facts.instance, "datasets", item["dataset"]),
                "column": {"name": column},
            }
        ],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": excluded},
        "controlValues": {
            "multiSelect": False,
            "enableEmptyFilter": False,
            "defaultToFirstItem": False,
            "inverseSelection": False,
            "searchAllOptions": True,
        },
        "defaultDataMask": {
            "filterState": {"value": chosen, "label": ", ".join(str(value) for value in chosen)},
            "extraFormData": ({"filters": [{"col": column, "op": "IN", "val": chosen}]} if chosen else {}),
        },
        "cascadeParentIds": [],
        "sortMetric": None,
    }
