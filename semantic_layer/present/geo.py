"""An answer on the map: GeoJSON features of its areas with the row of the answer as properties (RFC 7946)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from semantic_layer.present.files import to_dict
from semantic_layer.query.errors import QueryError
from semantic_layer.query.result import Result


def to_geojson(result: Result, geometries: Mapping[str, str]) -> bytes:
    """One feature per row; an area without a boundary has geometry null.

    `geometries`: area key → GeoJSON geometry. Raises `QueryError` for an answer without areas.
    """
    if "area_key" not in result.table.column_names:
        raise QueryError("Eine Karte braucht Gebiete: bitte nach »area« gliedern.")
    content = to_dict(result)
    rows = content.pop("rows")
    content.pop("columns")
    return _collection(
        [feature(row["area_key"], geometries.get(row["area_key"]), row) for row in rows], content
    )


def areas_geojson(
    areas: list[dict[str, Any]], geometries: Mapping[str, str], about: Mapping[str, Any]
) -> bytes:
    """Areas without figures."""
    return _collection(
        [feature(area["area_key"], geometries.get(area["area_key"]), area) for area in areas], about
    )


def feature(area_key: str, geometry: str | None, properties: Mapping[str, Any]) -> dict[str, Any]:
    """One GeoJSON feature."""
    return {
        "type": "Feature",
        "id": area_key,
        "geometry": json.loads(geometry) if geometry else None,
        "properties": dict(properties),
    }


def _collection(features: list[dict[str, Any]], about: Mapping[str, Any]) -> bytes:
    content = {"type": "FeatureCollection", **about, "features": features}
    return json.dumps(content, ensure_ascii=False, allow_nan=False).encode()


__all__ = ["areas_geojson", "feature", "to_geojson"]
