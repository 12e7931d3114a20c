"""Geobasis (areas, crosswalk, geometry) and the address register."""

from __future__ import annotations

import json
from datetime import date

import pandas as pd
import shapely

from ingestion.synthetic.context import NOTE, Desk, write_csv
from ingestion.synthetic.workbook import write_zip

_METHODS = {"exact": "exakt", "population": "einwohner"}


def write_geobasis(desk: Desk) -> None:
    """The zip archive with all area systems."""
    areas = desk.areas
    rows = areas.area_rows
    listing = pd.DataFrame(
        {
            "Gebietssystem": rows["area_system"],
            "Ebene": rows["area_level"],
            "Schluessel": rows["area_code"],
            "Name": rows["area_name"],
            "Uebergeordnet": rows["parent_code"].fillna(""),
            "GueltigAb": [day.isoformat() for day in rows["valid_from"]],
            "GueltigBis": [day.isoformat() if day is not None else "" for day in rows["valid_to"]],
        }
    )
    cross = areas.crosswalk
    changes = pd.DataFrame(
        {
            "Gebietssystem": cross["area_system"],
            "Ebene": cross["area_level"],
            "Von": cross["from_code"],
            "Nach": cross["to_code"],
            "Reformdatum": [day.isoformat() for day in cross["reform_date"]],
            "Gewicht": [f"{weight:.6f}" for weight in cross["weight"]],
            "Methode": cross["method"].map(_METHODS),
        }
    )
    members = {
        "gebiete.csv": _text(listing),
        "umstieg.csv": _text(changes),
        "liesmich.txt": f"Geobasisdaten Musterkreis. {NOTE}.\n".encode(),
    }
    for level in ("kreis", "amt", "gemeinde", "sozialraum", "block", "schulbezirk", "kitabezirk"):
        members[f"{level}.geojson"] = _features(desk, level)
    path = desk.path("geobasis", "Geobasis_Musterkreis.zip")
    write_zip(path, members)
    desk.filed(path, date(max(desk.years.last, 2021), 1, 11))


def _text(frame: pd.DataFrame) -> bytes:
    lines = [";".join(frame.columns), *(";".join(map(str, row)) for row in frame.itertuples(index=False))]
    return ("\n".join(lines) + "\n").encode("utf-8")


def _features(desk: Desk, level: str) -> bytes:
    features = [
        {
            "type": "Feature",
            "properties": {"schluessel": code, "name": desk.areas.names[code]},
            "geometry": json.loads(shapely.to_geojson(geometry)),
        }
        for (item, code), geometry in sorted(desk.areas.geometries.items(), key=lambda entry: entry[0])
        if item == level
    ]
    content = {"type": "FeatureCollection", "name": f"{level} ({NOTE})", "features": features}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def write_addresses(desk: Desk) -> None:
    """One row per address; those of Gemeinden dissolved since the first year under their former codes as well."""
    codes = desk.areas.codes_at(desk.address_day)
    former = desk.areas.codes_at(date(desk.settings.first_year, 1, 1))
    columns = desk.addresses.rows(desk.areas, codes, former)
    path = desk.path("adressregister", "Adressregister.csv")
    write_csv(path, ("AGS", "Gemeinde", "Strasse", "Hausnummer", "Block"), columns, encoding="cp1252")
    desk.filed(path, date(max(desk.years.last, 2021), 1, 18))
