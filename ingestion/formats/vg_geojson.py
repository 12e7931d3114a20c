"""Administrative boundaries (VG of the BKG) as GeoJSON: one feature per Kreis, Gemeindeverband or Gemeinde.

Keys are ARS (12, 9 or 5 digits) and AGS; the level follows from the length of the ARS, the code from the agreed system:
a Gemeinde is known by its AGS, everything above by its ARS. Where a register of states (Gemeindeverzeichnis) keeps the
area system, the rows only lend their borders to its areas (see `dbt_project/models/core/int_area_validity.sql`).

Options: `area_system` (default amtlich), `valid_from` (day from which on the borders may be shown).
Source: BKG, documentation of VG250/VG5000, attributes ARS, AGS, GEN, BEZ; RFC 7946.
"""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Final

import shapely
from pydantic import BaseModel, ConfigDict
from shapely.errors import ShapelyError
from shapely.geometry import shape

from ingestion.formats.amtlich import gemeinde_code, parent_of
from ingestion.formats.base import Issue, ParsedDelivery
from ingestion.formats.rows import landing_table
from lagebild.instance import SourceConfig

_LEVELS: Final = {12: "gemeinde", 9: "gemeindeverband", 5: "kreis"}


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    area_system: str = "amtlich"
    valid_from: date


class VgGeojsonAdapter:
    """One GeoJSON file → `area` rows with geometry."""

    name: ClassVar[str] = "vg_geojson"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        options = _Options.model_validate(source.options)
        try:
            features = json.loads(path.read_text(encoding="utf-8"))["features"]
            read = [(dict(item["properties"]), shape(item["geometry"])) for item in features]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ShapelyError):
            message = "Die Datei ist kein lesbares GeoJSON mit Flächen."
            return ParsedDelivery(issues=(Issue("refusal", "Nicht lesbar", message),))
        issues: list[Issue] = []
        rows: list[dict[str, Any]] = []
        seen: set[str] = set()
        for number, (properties, geometry) in enumerate(read, start=1):
            ars, name = str(properties.get("ARS", "")), str(properties.get("GEN", "")).strip()
            if not re.fullmatch(r"[0-9]+", ars) or len(ars) not in _LEVELS or not name:
                message = "Die Fläche hat keinen Amtlichen Regionalschlüssel (5, 9 oder 12 Ziffern) oder keinen Namen."
                issues.append(
                    Issue("refusal", "Schlüssel fehlt", message, row=number, column="ARS", value=ars)
                )
                continue
            if ars in seen:
                message = "Der Schlüssel steht mehrfach in der Datei. Bitte die Flächen vereinigen."
                issues.append(
                    Issue("refusal", "Schlüssel doppelt", message, row=number, column="ARS", value=ars)
                )
                continue
            seen.add(ars)
            if geometry.geom_type not in ("Polygon", "MultiPolygon") or geometry.is_empty:
                message = "Statt einer Fläche steht hier etwas anderes."
                issues.append(Issue("refusal", "Keine Fläche", message, row=number, value=ars))
                continue
            if not geometry.is_valid:
                geometry = shapely.make_valid(geometry)
                message = "Die Grenze schnitt sich selbst und wurde bereinigt."
                issues.append(Issue("warning", "Geometrie bereinigt", message, row=number, value=ars))
            rows.append(
                {
                    "source_row": number,
                    "area_system": options.area_system,
                    "area_level": _LEVELS[len(ars)],
                    "area_code": gemeinde_code(ars) if len(ars) == 12 else ars,
                    "area_name": name,
                    "parent_code": parent_of(ars),
                    "valid_from": options.valid_from,
                    "geometry": shapely.to_geojson(geometry),
                }
            )
        if not rows and not issues:
            issues.append(Issue("refusal", "Keine Flächen", "Die Datei enthält keine Fläche."))
        if any(issue.severity == "refusal" for issue in issues):
            return ParsedDelivery(issues=tuple(issues))
        return ParsedDelivery(tables={"area": landing_table("area", rows)}, issues=tuple(issues))
