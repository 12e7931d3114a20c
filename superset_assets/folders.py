"""Folders of datasets: columns and metrics grouped for whoever builds a chart.

The importer of Superset takes folders by the identifiers of columns and metrics only, which it gives itself.
So the bundle names members, and after the import they are looked up here. Runs inside Superset's app context.
Belongs here: folders. Does not belong here: what a dataset holds (`documents`).
"""

from __future__ import annotations

import uuid
from typing import Any

from superset_assets.identifiers import NAMESPACE


def folder_documents(
    dataset_uuid: str, folders: list[dict[str, Any]], columns: dict[str, str], metrics: dict[str, str]
) -> list[dict[str, Any]]:
    """Folders as Superset keeps them, from names; `columns` and `metrics` map a name to its identifier.

    Raises KeyError for a member that is neither.
    """
    kinds = {**dict.fromkeys(columns, "column"), **dict.fromkeys(metrics, "metric")}
    identifiers = {**columns, **metrics}
    return [
        {
            "uuid": str(uuid.uuid5(NAMESPACE, f"{dataset_uuid}/folders/{folder['name']}")),
            "type": "folder",
            "name": folder["name"],
            "children": [
                {"uuid": identifiers[name], "type": kinds[name], "name": name} for name in folder["members"]
            ],
        }
        for folder in folders
    ]


def set_folders(folders: dict[str, list[dict[str, Any]]]) -> None:
    """Write the folders of imported datasets (by dataset uuid)."""
    from superset import db
    from superset.connectors.sqla.models import SqlaTable

    for dataset in db.session.query(SqlaTable).filter(
        SqlaTable.uuid.in_([uuid.UUID(key) for key in folders])
    ):
        dataset.folders = folder_documents(
            str(dataset.uuid),
            folders[str(dataset.uuid)],
            {column.column_name: str(column.uuid) for column in dataset.columns},
            {metric.metric_name: str(metric.uuid) for metric in dataset.metrics},
        )
    db.session.flush()
