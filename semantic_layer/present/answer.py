"""An answer in any form, boundaries fetched where the form is a map. HTTP interface and command line both call this."""

from __future__ import annotations

from semantic_layer.present import files, geo
from semantic_layer.query import Release, Result, directory


def render_answer(release: Release, result: Result, kind: str) -> bytes:
    """The answer in one of `files.MEDIA_TYPES`. Raises KeyError for an unknown kind and `QueryError` for a map without
    areas."""
    if kind != "geojson":
        return files.render(result, kind)
    named = "area_key" in result.table.column_names
    keys = sorted({str(key) for key in result.table["area_key"].to_pylist()}) if named else []
    return geo.to_geojson(result, directory.geometries(release, keys))


__all__ = ["render_answer"]
