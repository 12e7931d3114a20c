"""Berlin LOR: areas with validity and borders, and the crosswalks of the reforms of 2019 and 2021.

The register comes as several files of one folder: borders per level until 2020 (GeoJSON), the hierarchy of 2021 (CSV,
without borders) and the crosswalk 2006 → 2021 (CSV, weights = share of the old area). Belongs here: reading them,
deriving parents from the keys (the key of an area begins with the key of its parent), and deriving borders of 2021
where the predecessors' borders show them. Not here: population weights (the estimates for 2019 are configuration).

Some tables need two files of the folder (areas of the old Planungsräume weight the crosswalk of the coarser levels);
the second is read from the source's option `companions` (landing hands over a copy of the delivered file alone), and
the delivery is refused when it is absent.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar, Final

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from ingestion.formats.base import Issue, ParsedDelivery
from ingestion.formats.rows import landing_table
from ingestion.formats.strict_csv import CsvRefused, numbers, read_records
from lagebild.instance import SourceConfig
from lagebild.paths import data_dir

CODE_LENGTH: Final = {
    "bezirk": 2,
    "prognoseraum": 4,
    "bezirksregion": 6,
    "planungsraum": 8,
}
LOR_LEVELS: Final = ("planungsraum", "bezirksregion", "prognoseraum")
_SLIVER: Final = 0.001
"""Crosswalk weights below this come from digitising, not from the reform."""


@dataclass(frozen=True)
class Feature:
    """One polygon of a border file, key already corrected. `row` is its 1-based position."""

    row: int
    code: str
    name: str
    area_m2: float
    geometry: BaseGeometry


@dataclass(frozen=True)
class Area:
    """One row of `area` before it is written."""

    row: int | None
    level: str
    code: str
    name: str
    valid_from: date
    valid_to: date | None
    geometry: BaseGeometry | None


@dataclass(frozen=True)
class Reform2019:
    """The split of 2019 as configured.

    `new`: codes that came; `cut`: areas whose boundary changed (two rows each); `contained`: area → Planungsraum it
    held before; `flows`: level → (from, to, weight).
    """

    day: date
    new: frozenset[str]
    cut: frozenset[str]
    contained: Mapping[str, str]
    flows: Mapping[str, tuple[tuple[str, str, float], ...]]


def read_features(
    path: Path, level: str, wrong_keys: Sequence[Mapping[str, Any]]
) -> tuple[list[Feature], list[Issue]]:
    """Polygons of a border file; keys named in `wrong_keys` are replaced and reported."""
    features: list[Feature] = []
    issues: list[Issue] = []
    for row, item in enumerate(json.loads(path.read_text(encoding="utf-8"))["features"], start=1):
        properties = item["properties"]
        code, area = str(properties["id"]), float(properties["area"])
        for wrong in wrong_keys:
            if (wrong["level"], wrong["code"]) == (level, code) and abs(wrong["area_m2"] - area) < 1:
                message = f"„{properties['name']}“ trägt einen fremden Schlüssel; gemeint ist {wrong['right_code']}."
                issues.append(Issue("warning", "Falscher Schlüssel", message, row=row, value=code))
                code = str(wrong["right_code"])
        geometry = shape(item["geometry"])
        if not geometry.is_valid:
            geometry = shapely.make_valid(geometry)
            issues.append(
                Issue(
                    "warning",
                    "Geometrie bereinigt",
                    "Die Grenze schnitt sich selbst.",
                    row=row,
                    value=code,
                )
            )
        features.append(Feature(row, code, str(properties["name"]), area, geometry))
    codes = [feature.code for feature in features]
    for feature in features:
        if codes.count(feature.code) > 1:
            issues.append(
                Issue("refusal", "Doppelter Schlüssel", "Zwei Räume tragen denselben Schlüssel.", row=feature.row,
                      column="id", value=feature.code)
            )  # fmt: skip
        if len(feature.code) != CODE_LENGTH[level] or not feature.code.isdigit():
            issues.append(Issue("refusal", "Schlüssel", f"Kein Schlüssel der Ebene {level}.", row=feature.row,
                                value=feature.code))  # fmt: skip
    return features, issues


def old_areas(
    features: Sequence[Feature],
    level: str,
    since: date,
    until: date,
    reform: Reform2019,
    planning_areas: Mapping[str, BaseGeometry],
) -> Iterator[Area]:
    """Areas of the LOR until 2020. Border files show the state after 2019; the state before is put together."""
    day_before = reform.day - timedelta(days=1)
    for feature in features:
        now = Area(
            feature.row,
            level,
            feature.code,
            feature.name,
            since,
            until,
            feature.geometry,
        )
        if feature.code in reform.new:
            yield replace(now, valid_from=reform.day)
        elif feature.code in reform.cut:
            inner = reform.contained.get(feature.code)
            before = feature.geometry
            if inner is not None:
                before = shapely.union(before, planning_areas[inner])
            for outer, part in reform.contained.items():
                # The area that received the part did not hold it before.
                if len(part) > len(feature.code) and part.startswith(feature.code) and outer != feature.code:
                    before = shapely.difference(before, planning_areas[part])
            yield replace(now, valid_to=day_before, geometry=before)
            yield replace(now, valid_from=reform.day)
        else:
            yield now


def reform_rows(level: str, reform: Reform2019) -> Iterator[tuple[str, str, float, str]]:
    """Crosswalk of 2019 for every cut area: (from, to, weight, method); the weights of one `from` sum to 1."""
    flows = reform.flows[level]
    for code in sorted(item for item in reform.cut if len(item) == CODE_LENGTH[level]):
        leaving = [(target, weight) for source, target, weight in flows if source == code]
        for target, weight in leaving:
            yield code, target, weight, "population"
        staying = 1.0 - sum(weight for _, weight in leaving)
        yield code, code, staying, "population" if leaving else "exact"


def read_crosswalk(path: Path) -> list[tuple[int, str, str, float]]:
    """Rows (line, old, new, weight) of the crosswalk between Planungsräume. Raises `CsvRefused`."""
    records = read_records(path, ("plr_id_pre2021", "plr_id_2021", "weight"))
    return [
        (line, record["plr_id_pre2021"], record["plr_id_2021"], weight)
        for (line, record), weight in zip(records, numbers(records, "weight"), strict=True)
    ]


def coarser_crosswalk(
    weights: Iterable[tuple[str, str, float]], area_m2: Mapping[str, float], length: int
) -> dict[tuple[str, str], float]:
    """Crosswalk of a coarser level: area of the old area that falls into the new one ÷ area of the old area."""
    shared: dict[tuple[str, str], float] = defaultdict(float)
    whole: dict[str, float] = defaultdict(float)
    for old, new, weight in weights:
        shared[old[:length], new[:length]] += weight * area_m2[old]
        whole[old[:length]] += weight * area_m2[old]
    return {(old, new): area / whole[old] for (old, new), area in shared.items()}


def derive_geometries(
    weights: Iterable[tuple[str, str, float]],
    old: Mapping[str, Feature],
    new_area_m2: Mapping[str, float],
    length: int,
    tolerance: float,
) -> dict[str, BaseGeometry]:
    """Borders of new areas as the union of the old Planungsräume that lie mostly in them.

    Only where union and new area differ (symmetric difference, from the crosswalk's areas) by at most `tolerance`
    of the new area; other areas stay without border.
    """
    shares: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for source, target, weight in weights:
        shares[source][target[:length]] += weight
    members: dict[str, list[str]] = defaultdict(list)
    for source, targets in shares.items():
        members[max(targets, key=lambda code: (targets[code], code))].append(source)
    result: dict[str, BaseGeometry] = {}
    for target, sources in members.items():
        common = sum(old[source].area_m2 * shares[source][target] for source in sources)
        union = sum(old[source].area_m2 for source in sources)
        whole = new_area_m2[target]
        if (union - common) + (whole - common) <= tolerance * whole:
            result[target] = shapely.union_all([old[source].geometry for source in sources])
    return result


class LorAreasAdapter:
    """One file of the LOR register → `area` and/or `area_crosswalk`."""

    name: ClassVar[str] = "lor_areas"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        options = source.options
        needed = _companions(path, options)
        absent = [item.name for item in needed if not item.exists()]
        if absent:
            message = f"Es fehlen die zugehörigen Dateien {', '.join(absent)}."
            return ParsedDelivery(issues=(Issue("refusal", "Begleitdatei fehlt", message),))
        try:
            if path.name in options["layers"]:
                return _parse_layer(path, options)
            if path.name == options.get("hierarchy_2021"):
                return _parse_hierarchy(path, options)
            if path.name == options.get("crosswalk_2021"):
                return _parse_crosswalk(path, options)
        except CsvRefused as refused:
            return ParsedDelivery(issues=refused.issues)
        message = "Diese Datei gehört nicht zum Gebietsverzeichnis (siehe Einstellungen der Quelle)."
        return ParsedDelivery(issues=(Issue("refusal", "Unbekannte Datei", message),))


def _layer(options: Mapping[str, Any], level: str) -> str:
    return next(str(name) for name, layer_level in options["layers"].items() if layer_level == level)


def _companion(options: Mapping[str, Any], name: str) -> Path:
    folder = str(options["companions"]).replace("${LAGEBILD_DATA}", str(data_dir()))
    return Path(folder) / name


def _companions(path: Path, options: Mapping[str, Any]) -> list[Path]:
    planning = _companion(options, _layer(options, "planungsraum"))
    crosswalk = _companion(options, str(options["crosswalk_2021"]))
    if path.name == options.get("hierarchy_2021"):
        return [planning, crosswalk]
    return [planning]


def _reform(options: Mapping[str, Any]) -> Reform2019:
    raw = options["reform_2019"]
    return Reform2019(
        day=raw["date"],
        new=frozenset(raw["new"]),
        cut=frozenset(raw["cut"]),
        contained=dict(raw.get("contained", {})),
        flows={
            level: tuple((flow["from"], flow["to"], float(flow["weight"])) for flow in flows)
            for level, flows in raw.get("flows", {}).items()
        },
    )


def _old_planning_areas(options: Mapping[str, Any]) -> dict[str, Feature]:
    file = _companion(options, _layer(options, "planungsraum"))
    features, _ = read_features(file, "planungsraum", options["wrong_keys"])
    return {feature.code: feature for feature in features}


def _area_row(area: Area, options: Mapping[str, Any]) -> dict[str, Any]:
    lengths = {"planungsraum": 6, "bezirksregion": 4, "prognoseraum": 2}
    parent: str | None = area.code[: lengths[area.level]] if area.level in lengths else None
    if area.level == "bezirk":
        parent = str(options["root"]["code"])
    return {
        "source_row": area.row,
        "area_system": str(options["area_system"]),
        "area_level": area.level,
        "area_code": area.code,
        "area_name": area.name,
        "parent_code": parent,
        "valid_from": area.valid_from,
        "valid_to": area.valid_to,
        "geometry": None if area.geometry is None else shapely.to_geojson(area.geometry),
    }


def _crosswalk_row(
    options: Mapping[str, Any],
    level: str,
    row: int | None,
    old: str,
    new: str,
    day: date,
    weight: float,
    method: str,
) -> dict[str, Any]:
    return {
        "source_row": row,
        "area_system": str(options["area_system"]),
        "area_level": level,
        "from_code": old,
        "to_code": new,
        "reform_date": day,
        "weight": weight,
        "method": method,
    }


def _parse_layer(path: Path, options: Mapping[str, Any]) -> ParsedDelivery:
    level = str(options["layers"][path.name])
    features, issues = read_features(path, level, options["wrong_keys"])
    if any(issue.severity == "refusal" for issue in issues):
        return ParsedDelivery(issues=tuple(issues))
    since = options["valid_from"]
    if level == "bezirk":
        root = options["root"]
        city = shapely.union_all([feature.geometry for feature in features])
        areas = [
            Area(
                None,
                "stadt",
                str(root["code"]),
                str(root["name"]),
                since["bezirk"],
                None,
                city,
            )
        ]
        areas += [Area(f.row, level, f.code, f.name, since["bezirk"], None, f.geometry) for f in features]
        return ParsedDelivery(
            tables={"area": landing_table("area", (_area_row(area, options) for area in areas))},
            issues=tuple(issues),
        )
    reform = _reform(options)
    planning = {code: feature.geometry for code, feature in _old_planning_areas(options).items()}
    until = since["lor_2021"] - timedelta(days=1)
    areas = list(old_areas(features, level, since["lor_2006"], until, reform, planning))
    before = sum(area.valid_to is not None and area.valid_to < reform.day for area in areas)
    if before:
        message = (
            f"Für {before} Räume ist die Grenze vor dem {reform.day:%d.%m.%Y} aus den späteren Grenzen "
            "zusammengesetzt oder näherungsweise die spätere: amtliche Unterlagen der Änderung fehlen."
        )
        issues.append(Issue("warning", "Grenze geschätzt", message))
    return ParsedDelivery(
        tables={"area": landing_table("area", (_area_row(area, options) for area in areas))},
        issues=tuple(issues),
    )


def _parse_hierarchy(path: Path, options: Mapping[str, Any]) -> ParsedDelivery:
    columns = {
        "planungsraum": ("Planungsraum (Nummer)", "Planungsraum (Name)"),
        "bezirksregion": ("Bezirksregion (Nummer)", "Bezirksregion (Name)"),
        "prognoseraum": ("Prognoseraum (Nummer)", "Prognoseraum (Name)"),
    }
    size = "Fläche in qm"
    records = read_records(path, [*(name for pair in columns.values() for name in pair), size])
    sizes = numbers(records, size)
    issues: list[Issue] = []
    names: dict[str, dict[str, tuple[int, str]]] = {level: {} for level in columns}
    area_m2: dict[str, float] = defaultdict(float)
    for (line, record), square_metres in zip(records, sizes, strict=True):
        codes = [record[columns[level][0]] for level in LOR_LEVELS]
        if not (codes[0].startswith(codes[1]) and codes[1].startswith(codes[2])):
            issues.append(
                Issue(
                    "refusal",
                    "Hierarchie",
                    "Die Schlüssel liegen nicht ineinander.",
                    row=line,
                    value=codes[0],
                )
            )
            continue
        for level, (number, label) in columns.items():
            names[level].setdefault(record[number], (line, record[label]))
            area_m2[record[number]] += square_metres
    if issues:
        return ParsedDelivery(issues=tuple(issues))
    old = _old_planning_areas(options)
    weights = [
        (a, b, w) for _, a, b, w in read_crosswalk(_companion(options, str(options["crosswalk_2021"])))
    ]
    rows: list[dict[str, Any]] = []
    for level in LOR_LEVELS:
        derived = derive_geometries(
            weights,
            old,
            area_m2,
            CODE_LENGTH[level],
            float(options["derived_geometry_tolerance"]),
        )
        rows += [
            _area_row(
                Area(
                    line,
                    level,
                    code,
                    name,
                    options["valid_from"]["lor_2021"],
                    None,
                    derived.get(code),
                ),
                options,
            )
            for code, (line, name) in names[level].items()
        ]
        message = (
            f"Grenzen ab 2021 fehlen in der Lieferung; aus den alten Planungsräumen zusammengesetzt wurden "
            f"{len(derived)} von {len(names[level])} Räumen der Ebene {level}, die übrigen bleiben ohne Grenze."
        )
        issues.append(Issue("warning", "Grenzen abgeleitet", message))
    return ParsedDelivery(tables={"area": landing_table("area", rows)}, issues=tuple(issues))


def _parse_crosswalk(path: Path, options: Mapping[str, Any]) -> ParsedDelivery:
    delivered = read_crosswalk(path)
    day = options["valid_from"]["lor_2021"]
    old = _old_planning_areas(options)
    unknown = sorted({source for _, source, _, _ in delivered} - set(old))
    if unknown:
        message = f"{len(unknown)} alte Planungsräume sind unbekannt, z. B. {unknown[0]}."
        return ParsedDelivery(issues=(Issue("refusal", "Unbekannter Raum", message),))
    issues: list[Issue] = []
    slivers = sum(weight < _SLIVER for _, _, _, weight in delivered)
    if slivers:
        message = f"{slivers} von {len(delivered)} Gewichten liegen unter 0,1 % (Reste der Digitalisierung)."
        issues.append(Issue("warning", "Kleine Gewichte", message, column="weight"))
    rows = [
        _crosswalk_row(options, "planungsraum", line, source, target, day, weight, "area")
        for line, source, target, weight in delivered
    ]
    area_m2 = {code: feature.area_m2 for code, feature in old.items()}
    for level in ("bezirksregion", "prognoseraum"):
        coarser = coarser_crosswalk(((a, b, w) for _, a, b, w in delivered), area_m2, CODE_LENGTH[level])
        rows += [
            _crosswalk_row(options, level, None, source, target, day, weight, "area")
            for (source, target), weight in sorted(coarser.items())
        ]
    reform = _reform(options)
    for level in reform.flows:
        rows += [
            _crosswalk_row(options, level, None, source, target, reform.day, weight, method)
            for source, target, weight, method in reform_rows(level, reform)
        ]
    message = (
        f"Für die Änderung vom {reform.day:%d.%m.%Y} liegen keine amtlichen Unterlagen vor; ihre Gewichte sind aus den "
        "Einwohnerzahlen davor und danach geschätzt."
    )
    issues.append(Issue("warning", "Reform geschätzt", message))
    return ParsedDelivery(
        tables={"area_crosswalk": landing_table("area_crosswalk", rows)}, issues=tuple(issues)
    )
