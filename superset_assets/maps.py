"""Maps: class breaks that stay comparable over time, and the view that shows all areas.

Belongs here: numbers for choropleths, from released values and outlines. Does not belong here: chart templates.
"""

from __future__ import annotations

import json
import math
from typing import Any

import duckdb

from lagebild import map_classes as classes


def map_classes(
    db: duckdb.DuckDBPyConnection, system: str, level: str, indicator_id: str, decimals: int
) -> tuple[dict[str, Any], ...]:
    """Five classes by quantiles over all released periods, so that maps of different years compare."""
    row = db.execute(
        """select quantile_cont(value, ?) from mart_indicator
           where indicator_id = ? and area_system = ? and area_level = ? and value is not null""",
        [list(classes.QUANTILES), indicator_id, system, level],
    ).fetchone()
    quantiles: list[float] = row[0] if row and row[0] else []
    return class_breaks(quantiles, decimals)


def class_breaks(quantiles: list[float], decimals: int) -> tuple[dict[str, Any], ...]:
    """Map classes between rounded quantiles; equal breaks are merged. Outer ends are rounded outwards."""
    return tuple(
        {
            "id": number,
            "minValue": _plain(item.low),
            "maxValue": _plain(item.high),
            "color": {**rgb(item.colour), "a": 1},
        }
        for number, item in enumerate(classes.map_classes(quantiles, decimals))
    )


def rgb(colour: str) -> dict[str, int]:
    """`#1f3a70` as the numbers Superset's colour fields take."""
    return {name: int(colour[start : start + 2], 16) for name, start in (("r", 1), ("g", 3), ("b", 5))}


def viewport(db: duckdb.DuckDBPyConnection, system: str, level: str) -> dict[str, float]:
    """Centre and zoom that show all areas of the level; the chart zooms closer by itself."""
    rows = db.execute(
        """select distinct ring_json from mart_map where area_system = ? and area_level = ? and is_latest""",
        [system, level],
    ).fetchall()
    points = [point for (ring,) in rows if ring for point in _points(json.loads(ring))]
    if not points:
        return {"longitude": 10.0, "latitude": 51.0, "zoom": 5, "bearing": 0, "pitch": 0}
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    span = max(east - west, (north - south) * 1.6, 0.01)
    return {
        "longitude": round((west + east) / 2, 4),
        "latitude": round((south + north) / 2, 4),
        "zoom": round(math.log2(360 / span) - 0.3, 1),
        "bearing": 0,
        "pitch": 0,
    }


def _plain(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _points(ring: list[Any]) -> list[list[float]]:
    """Points of a ring, or of an outer ring followed by its holes."""
    if ring and isinstance(ring[0][0], list):
        return [point for part in ring for point in part]
    return ring
