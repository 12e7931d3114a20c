"""Geobasis delivery: a ZIP with the areas, the crosswalk of the reforms (both CSV) and one GeoJSON per level.

Members are read in memory, nothing is unpacked to disk; size and names are checked before reading.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path, PurePosixPath
from typing import ClassVar, Final

import pyarrow as pa

from ingestion.formats.base import Issue, ParsedDelivery
from ingestion.formats.delimited import read_delimited
from ingestion.formats.mapping import map_part
from ingestion.formats.raw import RawTable
from ingestion.formats.reading import Context
from ingestion.formats.spec import Column, Part, TabularOptions
from lagebild.instance import SourceConfig

MAX_TOTAL_BYTES: Final = 512 * 1024**2
MAX_RATIO: Final = 200
"""Unpacked size and compression beyond which a ZIP is taken for an attack."""

_AREAS: Final = Part(
    table="area",
    columns={
        "area_system": Column(header="Gebietssystem"),
        "area_level": Column(header="Ebene"),
        "area_code": Column(header="Schluessel"),
        "area_name": Column(header="Name"),
        "parent_code": Column(header="Uebergeordnet"),
        "valid_from": Column(header="GueltigAb", kind="date"),
        "valid_to": Column(header="GueltigBis", kind="date"),
    },
)
_CROSSWALK: Final = Part(
    table="area_crosswalk",
    columns={
        "area_system": Column(header="Gebietssystem"),
        "area_level": Column(header="Ebene"),
        "from_code": Column(header="Von"),
        "to_code": Column(header="Nach"),
        "reform_date": Column(header="Reformdatum", kind="date"),
        "weight": Column(header="Gewicht", kind="decimal"),
        "method": Column(
            header="Methode",
            map={"exakt": "exact", "flaeche": "area", "fläche": "area", "einwohner": "population"},
        ),
    },
)


class GeobasisAdapter:
    """`format: geobasis`; no options. A delivery has no period: it holds all validities."""

    name: ClassVar[str] = "geobasis"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        try:
            with zipfile.ZipFile(path) as archive:
                if issue := _unsafe(archive):
                    return ParsedDelivery(issues=(issue,))
                return _parse(archive, source)
        except zipfile.BadZipFile:
            return ParsedDelivery(
                issues=(
                    Issue("refusal", "ZIP nicht lesbar", "Das Archiv ist beschädigt. Bitte neu liefern."),
                )
            )


def _unsafe(archive: zipfile.ZipFile) -> Issue | None:
    total = 0
    for item in archive.infolist():
        name = PurePosixPath(item.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or (name.parts and name.parts[0].endswith(":")):
            return Issue(
                "refusal", "Unzulässiger Name im ZIP", "Dateien dürfen nicht aus dem Archiv hinausweisen."
            )
        if item.flag_bits & 0x1:
            return Issue("refusal", "ZIP verschlüsselt", "Bitte ohne Kennwort liefern.")
        total += item.file_size
        if item.file_size > MAX_RATIO * max(item.compress_size, 1024):
            return Issue(
                "refusal",
                "ZIP unzulässig",
                "Das Archiv ist ungewöhnlich stark gepackt und wird nicht gelesen.",
            )
    if total > MAX_TOTAL_BYTES:
        return Issue(
            "refusal", "ZIP zu groß", f"Entpackt sind höchstens {MAX_TOTAL_BYTES // 1024**2} MiB zulässig."
        )
    return None


def _parse(archive: zipfile.ZipFile, source: SourceConfig) -> ParsedDelivery:
    members = {PurePosixPath(name).name: name for name in archive.namelist()}
    issues: list[Issue] = []
    tables: dict[str, pa.Table] = {}
    for file_name, part in (("gebiete.csv", _AREAS), ("umstieg.csv", _CROSSWALK)):
        if file_name not in members:
            issues.append(
                Issue("refusal", "Datei im ZIP fehlt", f"Im Archiv fehlt „{file_name}“.", sheet=file_name)
            )
            continue
        options = TabularOptions(decimal=".", parts=(part,))
        raw = read_delimited(archive.read(members[file_name]), part, options)
        if not isinstance(raw, RawTable):
            issues.extend(raw)
            continue
        named = RawTable(raw.headers, raw.columns, raw.rows, file_name, raw.header_row)
        outcome, _ = map_part(named, part, Context({}, ".", source.personal, None))
        issues.extend(outcome.issues)
        if outcome.table is not None:
            tables[part.table] = outcome.table
    if any(issue.severity == "refusal" for issue in issues):
        return ParsedDelivery(issues=tuple(issues))
    geometries, faults = _geometries(archive, members)
    issues.extend(faults)
    if faults:
        return ParsedDelivery(issues=tuple(issues))
    areas = tables["area"]
    keys = list(zip(areas["area_level"].to_pylist(), areas["area_code"].to_pylist(), strict=True))
    missing = sorted({key for key in keys if key not in geometries})
    if missing:
        level, code = missing[0]
        issues.append(
            Issue(
                "warning",
                "Geometrie fehlt",
                f"{len(missing)} Gebiete haben keine Geometrie und erscheinen nicht auf Karten, zuerst {level} {code}.",
                sheet=f"{level}.geojson",
                value=code,
            )
        )
    geometry = pa.array([geometries.get(key) for key in keys], pa.string())
    tables["area"] = areas.append_column("geometry", geometry)
    return ParsedDelivery(tables=tables, issues=tuple(issues))


def _geometries(
    archive: zipfile.ZipFile, members: dict[str, str]
) -> tuple[dict[tuple[str, str], str], list[Issue]]:
    """GeoJSON geometry by (level, code)."""
    found: dict[tuple[str, str], str] = {}
    issues: list[Issue] = []
    for name in sorted(members):
        if not name.endswith(".geojson"):
            continue
        level = name.removesuffix(".geojson")
        try:
            for feature in json.loads(archive.read(members[name]))["features"]:
                code = str(feature["properties"]["schluessel"])
                found[(level, code)] = json.dumps(feature["geometry"], separators=(",", ":"))
        except (ValueError, KeyError, TypeError):
            issues.append(
                Issue(
                    "refusal",
                    "GeoJSON nicht lesbar",
                    f"„{name}“ ist keine gültige FeatureCollection.",
                    sheet=name,
                )
            )
    return found, issues
