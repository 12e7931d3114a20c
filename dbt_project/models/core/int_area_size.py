"""Grain: area with geometry. Square kilometres on the WGS84 ellipsoid.

A Python model because DuckDB measures degrees without its spatial extension. The geometry is projected to Lambert's
cylindrical equal-area projection of the ellipsoid and measured there in the plane; between the vertices of an area of
a Kreis's size its error is far below that of the borders. Source: Snyder (1987), Map Projections, USGS Professional
Paper 1395, eq. 3-12, 10-10 and 10-11 with the equator as standard parallel.
"""

import json

import numpy as np
import pandas as pd
import shapely
from shapely.geometry import shape

EQUATORIAL_RADIUS_KM = 6378.137
ECCENTRICITY = 0.0818191908426215


def model(dbt, session):
    dbt.config(materialized="table")
    areas = dbt.ref("dim_area").df()
    areas = areas[areas["geometry_geojson"].notna()]
    rows = [
        (area_key, square_kilometres(shape(json.loads(text))))
        for area_key, text in zip(areas["area_key"], areas["geometry_geojson"], strict=True)
    ]
    return pd.DataFrame(rows, columns=["area_key", "area_km2"]).astype(
        {"area_key": "string", "area_km2": "float64"}
    )


def square_kilometres(geometry):
    """Area of a WGS84 geometry in square kilometres, rounded to 100 square metres."""
    return round(shapely.transform(shapely.make_valid(geometry), _equal_area).area, 4)


def _equal_area(coordinates):
    longitude, latitude = np.radians(coordinates[:, 0]), np.radians(coordinates[:, 1])
    e, sine = ECCENTRICITY, np.sin(latitude)
    q = (1 - e**2) * (sine / (1 - (e * sine) ** 2) - np.log((1 - e * sine) / (1 + e * sine)) / (2 * e))
    return np.column_stack([EQUATORIAL_RADIUS_KM * longitude, EQUATORIAL_RADIUS_KM * q / 2])
