"""The Python models of the project on shapes whose answer is known."""

from __future__ import annotations

import importlib.util
import json
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from shapely.geometry import box, mapping

from lagebild.paths import DBT_PROJECT_DIR

A_KM, FLATTENING = 6378.137, 1 / 298.257223563
E2 = FLATTENING * (2 - FLATTENING)


def _load(name: str) -> ModuleType:
    path = DBT_PROJECT_DIR / "models" / "core" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Dbt:
    """Hands a model its `dim_area`."""

    def __init__(self, areas: pd.DataFrame) -> None:
        self.areas = areas

    def config(self, **_: Any) -> None:
        """Settings of the materialisation do not matter here."""

    def ref(self, name: str) -> SimpleNamespace:
        assert name == "dim_area"
        return SimpleNamespace(df=lambda: self.areas)


def _areas(shapes: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "area_key": key,
                "area_system": "s",
                "area_level": "g",
                "valid_from": "2010-01-01",
                "geometry_geojson": None if shape is None else json.dumps(mapping(shape)),
            }
            for key, shape in shapes.items()
        ]
    )


def test_area_of_a_cell_is_the_integral_over_the_ellipsoid() -> None:
    """Against numerical integration of the area element, and the published surface of WGS84 (510.065.621,7 km²)."""
    size = _load("int_area_size").square_kilometres

    def element(latitude: float) -> float:
        return float(np.cos(latitude) / (1 - E2 * np.sin(latitude) ** 2) ** 2)

    for south, north in ((0, 1), (53.9, 54.4), (-34, -33)):
        strip, _ = quad(element, np.radians(south), np.radians(north))
        expected = A_KM**2 * (1 - E2) * strip * np.radians(0.5)
        assert size(box(9, south, 9.5, north)) == pytest.approx(expected, rel=1e-7)
    assert size(box(-180, -90, 180, 90)) == pytest.approx(510_065_621.7, rel=1e-8)
    # Parts add up to the whole, wherever they are cut.
    assert size(box(9, 54, 9.3, 54.2)) + size(box(9.3, 54, 10, 54.2)) == pytest.approx(
        size(box(9, 54, 10, 54.2))
    )


def test_areas_without_geometry_have_no_size() -> None:
    found = _load("int_area_size").model(_Dbt(_areas({"a": box(9, 54, 9.1, 54.1), "b": None})), None)
    assert list(found["area_key"]) == ["a"]


def test_neighbours_keep_their_common_border_and_the_order_of_rows_does_not_matter() -> None:
    shapes = {"a": box(9, 54, 9.1, 54.1), "b": box(9.1, 54, 9.2, 54.1)}
    polygons = _load("int_area_polygon").model
    found = polygons(_Dbt(_areas(shapes)), None)
    again = polygons(_Dbt(_areas(dict(reversed(shapes.items())))), None)
    pd.testing.assert_frame_equal(found, again)
    corners = [{tuple(point) for point in json.loads(ring)} for ring in found["ring_json"]]
    assert {(9.1, 54.0), (9.1, 54.1)} <= corners[0] & corners[1]
