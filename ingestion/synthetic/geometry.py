"""Plane geometry of the Musterkreis: outline with a river edge, Voronoi blocks, unions.

Works in kilometres and converts to WGS84 at the end; coordinates have five decimals (about one metre).
Does not know what an area is called or to whom it belongs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.cluster.vq import ClusterError, kmeans2
from scipy.spatial import Voronoi, cKDTree
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GRID: Final = 1e-5
_LON0, _LAT0 = 9.31, 53.66  # south-west corner; a place where no such Kreis exists
_KM_PER_LON, _KM_PER_LAT = 52.6, 89.0  # a plan kilometre is stretched to 1.25 km: about 620 km²
WIDTH_KM, HEIGHT_KM = 30.0, 25.0


def to_wgs84(points: Floats) -> Floats:
    """Kilometres to (lon, lat), rounded to five decimals."""
    return np.column_stack(
        [np.round(_LON0 + points[:, 0] / _KM_PER_LON, 5), np.round(_LAT0 + points[:, 1] / _KM_PER_LAT, 5)]
    )


def outline(rng: np.random.Generator) -> Polygon:
    """Outline in kilometres: a smooth river along the south-west, a jagged land border elsewhere."""
    steps = np.linspace(0.0, 1.0, 60)
    phase = rng.uniform(0, 2 * np.pi, 3)
    bend = 0.8 * np.sin(3 * np.pi * steps + phase[0]) + 0.3 * np.sin(9 * np.pi * steps + phase[1])
    river = np.column_stack([0.5 + 21 * steps + 0.58 * bend, 16.5 - 15 * steps + 0.81 * bend])
    angles = np.linspace(-0.62, np.pi * 0.94, 34)[1:-1]
    radius = 1.0 + rng.normal(0, 0.035, len(angles)) + 0.05 * np.sin(5 * angles + phase[2])
    land = np.column_stack(
        [
            WIDTH_KM * 0.5 + WIDTH_KM * 0.48 * radius * np.cos(angles),
            HEIGHT_KM * 0.48 + HEIGHT_KM * 0.5 * radius * np.sin(angles),
        ]
    )
    polygon = shapely.make_valid(Polygon(np.vstack([river, land])))
    if isinstance(polygon, MultiPolygon) or not isinstance(polygon, Polygon):
        polygon = max(shapely.get_parts(polygon), key=lambda part: part.area)
    assert isinstance(polygon, Polygon)
    return polygon


def spaced_points(rng: np.random.Generator, within: Polygon, count: int, margin: float) -> Floats:
    """`count` well-spaced points inside a polygon (best of 40 candidates each)."""
    inner = within.buffer(-margin)
    west, south, east, north = inner.bounds
    candidates = np.column_stack(
        [rng.uniform(west, east, 40 * count * 2), rng.uniform(south, north, 40 * count * 2)]
    )
    candidates = candidates[shapely.contains_xy(inner, candidates[:, 0], candidates[:, 1])]
    chosen = [candidates[0]]
    distance = np.linalg.norm(candidates - chosen[0], axis=1)
    for _ in range(count - 1):
        # noise keeps the pattern from becoming a lattice
        best = int(np.argmax(distance * rng.uniform(0.6, 1.0, len(distance))))
        chosen.append(candidates[best])
        distance = np.minimum(distance, np.linalg.norm(candidates - candidates[best], axis=1))
    return np.array(chosen)


def points_around(
    rng: np.random.Generator,
    centres: Floats,
    own: int,
    within: Polygon,
    count: int,
    spread: float,
    spacing: float,
) -> Floats:
    """`count` points that are nearest to centre `own`, denser in the middle, `spacing` km apart where room allows."""
    tree = cKDTree(centres)
    chosen: list[Floats] = [centres[own]]
    while len(chosen) < count:
        scale = spread * (1.0 + 1.5 * rng.random(400) ** 2)
        draw = centres[own] + rng.normal(0, 1, (400, 2)) * scale[:, None]
        nearest = tree.query(draw)[1] == own
        inside = shapely.contains_xy(within, draw[:, 0], draw[:, 1])
        for point in draw[nearest & inside]:
            if len(chosen) < count and np.min(np.linalg.norm(np.array(chosen) - point, axis=1)) > spacing:
                chosen.append(point)
        spacing *= 0.9
    return np.array(chosen)


def voronoi_cells(points: Floats, within: Polygon) -> list[BaseGeometry]:
    """Voronoi cell of each point, clipped to the outline, in WGS84 with five decimals; cells share their vertices."""
    far = 200.0
    frame = np.array(
        [[-far, 0], [far, 0], [0, -far], [0, far], [far, far], [-far, far], [far, -far], [-far, -far]]
    )
    diagram = Voronoi(np.vstack([points, frame + points.mean(axis=0)]))
    vertices = to_wgs84(diagram.vertices)
    border = shapely.set_precision(Polygon(to_wgs84(np.array(within.exterior.coords))), GRID)
    cells: list[BaseGeometry] = []
    for index in range(len(points)):
        region = diagram.regions[diagram.point_region[index]]
        cell = shapely.make_valid(Polygon(vertices[region]))
        cells.append(_polygonal(shapely.intersection(cell, border, grid_size=GRID)))
    return cells


def union(cells: Sequence[BaseGeometry]) -> BaseGeometry:
    """Union of cells on the same grid."""
    return _polygonal(shapely.union_all(np.array(cells, dtype=object), grid_size=GRID))


def _polygonal(geometry: BaseGeometry) -> BaseGeometry:
    parts = [part for part in shapely.get_parts(geometry) if isinstance(part, Polygon) and part.area > 0]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def clusters(rng: np.random.Generator, points: Floats, count: int) -> Ints:
    """Cluster number of each point (k-means); every cluster has at least one point."""
    if count == 1:
        return np.zeros(len(points), dtype=np.int64)
    for _ in range(200):
        try:
            _, labels = kmeans2(points, count, iter=30, minit="++", seed=rng, missing="raise")
        except ClusterError:  # an empty cluster: another draw
            continue
        if len(np.unique(labels)) == count:
            return np.asarray(labels, dtype=np.int64)
    raise RuntimeError(f"no {count} clusters among {len(points)} points")
