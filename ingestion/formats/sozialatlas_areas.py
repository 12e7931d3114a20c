"""Stadtteile of Flensburg (GeoJSON of the Stabsstelle Statistik): codes STGT01–STGT13, one level below the city.

Belongs here: names without their leading number, borders, the city as the union of its Stadtteile.
Options: `area_system`, `city_code`, `city_name`, `level_id` (value of LEVEL_ID), `valid_from`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from ingestion.formats.base import Issue, ParsedDelivery
from ingestion.formats.rows import landing_table
from lagebild.instance import SourceConfig


class SozialatlasAreasAdapter:
    """The border file → `area` of the levels `stadt` and `stadtteil`."""

    name: ClassVar[str] = "sozialatlas_areas"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        options = source.options
        try:
            features = json.loads(path.read_text(encoding="utf-8"))["features"]
            shapes = [shape(item["geometry"]) for item in features]
        except (ValueError, KeyError, TypeError, ShapelyError):
            message = "Die Datei ist kein lesbares GeoJSON mit Flächen."
            return ParsedDelivery(issues=(Issue("refusal", "Nicht lesbar", message),))
        issues: list[Issue] = []
        rows: list[dict[str, Any]] = []
        geometries: list[BaseGeometry] = []
        for number, (item, delivered) in enumerate(zip(features, shapes, strict=True), start=1):
            properties = item["properties"]
            code = str(properties.get("AREA_ID", ""))
            if properties.get("LEVEL_ID") != options["level_id"] or not code.startswith(
                str(options["level_id"])
            ):
                message = "Die Fläche ist kein Stadtteil."
                issues.append(Issue("refusal", "Falsche Ebene", message, row=number, value=code))
                continue
            geometry = delivered
            if not geometry.is_valid:
                geometry = shapely.make_valid(geometry)
                message = "Die Grenze schnitt sich selbst und wurde bereinigt."
                issues.append(Issue("warning", "Geometrie bereinigt", message, row=number, value=code))
            geometries.append(geometry)
            rows.append(
                {
                    "source_row": number,
                    "area_system": options["area_system"],
                    "area_level": "stadtteil",
                    "area_code": code,
                    # Delivered as "01 Altstadt": the number repeats the code.
                    "area_name": str(properties["AREA_NAME"]).partition(" ")[2],
                    "parent_code": options["city_code"],
                    "valid_from": options["valid_from"],
                    "valid_to": None,
                    "geometry": shapely.to_geojson(geometry),
                }
            )
        if any(issue.severity == "refusal" for issue in issues):
            return ParsedDelivery(issues=tuple(issues))
        city = {
            "source_row": None,
            "area_system": options["area_system"],
            "area_level": "stadt",
            "area_code": options["city_code"],
            "area_name": options["city_name"],
            "parent_code": None,
            "valid_from": options["valid_from"],
            "valid_to": None,
            "geometry": shapely.to_geojson(shapely.union_all(geometries)),
        }
        return ParsedDelivery(tables={"area": landing_table("area", [city, *rows])}, issues=tuple(issues))
