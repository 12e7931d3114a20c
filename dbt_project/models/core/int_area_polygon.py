"""Grain: area x polygon part. Simplified rings for maps; neighbours of a level keep their common border.

A Python model because no SQL function simplifies a coverage without opening gaps between neighbours.
"""

import json

import pandas as pd
import shapely
from shapely.geometry import shape

TOLERANCE_DEGREES = 0.0004
"""About 40 m north-south at 54° N: invisible at the zoom of a Kreis, a tenth of the vertices."""


def model(dbt, session):
    dbt.config(materialized="table")
    areas = dbt.ref("dim_area").df()
    areas = areas[areas["geometry_geojson"].notna()].sort_values("area_key")
    rows = []
    # One coverage per level and start of validity: only areas that stand beside each other share borders.
    for _, level in areas.groupby(["area_system", "area_level", "valid_from"], sort=True):
        geometries = [shapely.make_valid(shape(json.loads(text))) for text in level["geometry_geojson"]]
        simplified = shapely.coverage_simplify(geometries, TOLERANCE_DEGREES)
        for area_key, original, geometry in zip(level["area_key"], geometries, simplified, strict=True):
            polygons = _polygons(geometry) or _polygons(original)
            for part, polygon in enumerate(polygons):
                rings = [polygon.exterior, *polygon.interiors]
                coordinates = [[[round(x, 5), round(y, 5)] for x, y in ring.coords] for ring in rings]
                ring_json = json.dumps(coordinates[0] if len(coordinates) == 1 else coordinates)
                rows.append((area_key, part, ring_json))
    return pd.DataFrame(rows, columns=["area_key", "part", "ring_json"]).astype(
        {"area_key": "string", "part": "int32", "ring_json": "string"}
    )


def _polygons(geometry):
    parts = getattr(geometry, "geoms", [geometry])
    return [part for part in parts if part.geom_type == "Polygon" and not part.is_empty]
