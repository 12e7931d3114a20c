"""Stadtteile and Bezirke of Flensburg (GeoJSON of the Stabsstelle Statistik): STGT01–STGT13 below the city, STBZ011–
STBZ132 below the Stadtteile.

Belongs here: names without their leading number, borders, the city as the union of its Stadtteile.
Options: `area_system`, `level_id` (value of LEVEL_ID), `valid_from`; for Stadtteile `city_code` and `city_name`; for
a level below them `level` (its code), whose parents the file names.
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
    """The border file → `area` of the levels `stadt` and `stadtteil`, or of one level below them."""

    name: ClassVar[str] = "sozialatlas_areas"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        options = source.options
        below = "level" in options  # the city above the Stadtteile is landed with them, once
        level = str(options.get("level", "stadtteil"))
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
                message = f"Die Fläche gehört nicht zur Ebene „{level}“."
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
                    "area_level": level,
                    "area_code": code,
                    # Delivered as "01 Altstadt": the number repeats the code.
                    "area_name": str(properties["AREA_NAME"]).partition(" ")[2],
                    "parent_code": str(properties["PARENT_ARE"]) if below else options["city_code"],
                    "valid_from": options["valid_from"],
                    "valid_to": None,
                    "geometry": shapely.to_geojson(geometry),
                }
            )
        if any(issue.severity == "refusal" for issue in issues):
            return ParsedDelivery(issues=tuple(issues))
        if below:
            return ParsedDelivery(tables={"area": landing_table("area", rows)}, issues=tuple(issues))
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
