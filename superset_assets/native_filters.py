"""Native filters of a dashboard from the short form of the templates.

Belongs here: one filter. Does not belong here: the rest of the dashboard (`documents`).
"""

from __future__ import annotations

from typing import Any

from superset_assets.facts import Facts
from superset_assets.identifiers import asset_uuid


def native_filter(
    facts: Facts,
    dashboard: str,
    item: dict[str, Any],
    numbers: dict[str, int],
    all_filters: list[dict[str, Any]],
) -> dict[str, Any]:
    """A filter `{name, dataset, column, default, charts}` as Superset keeps it.

    `charts` lists the charts it acts on; without it, all of the dashboard. Optional: `multi` (several values),
    `required` (never empty), `first` (starts with the first value), `parents` (names of filters whose choice narrows
    the values offered: the way down from Kreis to Sozialraum), `descending`, `only` (list of `{col, op, val}` that
    narrow the values for good). `default` is a value, a list or nothing.
    Raises KeyError for a parent that is no filter of the dashboard.
    """
    column, default = item["column"], item.get("default")
    chosen = default if isinstance(default, list) else [] if default is None else [default]
    acts_on = item.get("charts")
    excluded = [number for name, number in numbers.items() if acts_on is not None and name not in acts_on]
    ids = {other["name"]: _id(facts, dashboard, other) for other in all_filters}
    return {
        "id": ids[item["name"]],
        "type": "NATIVE_FILTER",
        "name": item["name"],
        "filterType": "filter_select",
        "description": item.get("description", ""),
        "targets": [
            {
                "datasetUuid": asset_uuid(facts.instance, "datasets", item["dataset"]),
                "column": {"name": column},
            }
        ],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": excluded},
        "controlValues": {
            "multiSelect": bool(item.get("multi", False)),
            "enableEmptyFilter": bool(item.get("required", False)),
            "defaultToFirstItem": bool(item.get("first", False)),
            "inverseSelection": False,
            "searchAllOptions": True,
            "sortAscending": not item.get("descending", False),
        },
        "defaultDataMask": {
            "filterState": {"value": chosen, "label": ", ".join(str(value) for value in chosen)},
            "extraFormData": ({"filters": [{"col": column, "op": "IN", "val": chosen}]} if chosen else {}),
        },
        "adhoc_filters": [_condition(entry) for entry in item.get("only", [])],
        "cascadeParentIds": [ids[name] for name in item.get("parents", [])],
        "sortMetric": None,
    }


def _id(facts: Facts, dashboard: str, item: dict[str, Any]) -> str:
    return f"NATIVE_FILTER-{asset_uuid(facts.instance, dashboard, item['name'])[:12]}"


def _condition(entry: dict[str, Any]) -> dict[str, Any]:
    value = {"comparator": entry["val"]} if "val" in entry else {}
    return {
        "expressionType": "SIMPLE",
        "clause": "WHERE",
        "subject": entry["col"],
        "operator": entry["op"],
        **value,
    }
