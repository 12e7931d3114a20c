"""Schuleingangsuntersuchung, Pflege, Schwerbehinderung, Eingliederungshilfe."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from ingestion.synthetic import names
from ingestion.synthetic.benefits import CARE_TYPES, EGH_TYPES, MARKS
from ingestion.synthetic.chance import uniform
from ingestion.synthetic.context import (
    NOTE,
    Desk,
    Snapshot,
    comma,
    german_date,
    german_nationality,
    german_sex,
    german_yes,
    point,
    write_csv,
)
from ingestion.synthetic.workbook import Row, write_workbook

FINDINGS = {
    "uebergewicht": "Übergewicht", "motorik": "Motorik auffällig", "sprache": "Sprachförderbedarf",
    "rueckstellung": "Rückstellung empfohlen", "u_vollstaendig": "U-Untersuchungen vollständig",
}  # fmt: skip
EGH_WORDS = {
    "assistenz": "Assistenz in eigener Wohnung", "wohnform": "Besondere Wohnform",
    "wfbm": "Werkstatt für behinderte Menschen", "heilpaedagogik": "Heilpädagogische Leistung",
    "schulbegleitung": "Schulbegleitung",
}  # fmt: skip
_EGH_EUR = {
    "assistenz": 14500,
    "wohnform": 44000,
    "wfbm": 17800,
    "heilpaedagogik": 6200,
    "schulbegleitung": 21500,
}
_CARE_WORDS = {"ambulant": "ambulant", "stationaer": "vollstationär", "angehoerige": "Pflegegeld"}


def write_seu(snapshot: Snapshot, desk: Desk) -> None:
    """Findings of the children who start school this summer; examined three to nine months before."""
    year, state = snapshot.year, snapshot.state
    rows = np.flatnonzero(state.seu_due)
    frame = snapshot.cases("seu", rows)
    pid = frame["pid"].to_numpy()
    birth_months = frame["birth"] // 10000 * 12 + frame["birth"] // 100 % 100
    months = (year * 12 + 6 - birth_months) - (3 + np.floor(uniform(pid, "seu month") * 7)).astype(int)
    values = {
        "uebergewicht": state.overweight, "motorik": state.motor, "sprache": state.language,
        "rueckstellung": state.deferred,
    }  # fmt: skip
    for key, flags in values.items():
        frame[key] = np.where(flags[rows], "ja", "nein")
    frame["u_vollstaendig"] = np.where(
        uniform(pid, "seu u") < 0.86 + 0.03 * np.clip(frame["ses"], -2, 2), "ja", "nein"
    )
    for key in FINDINGS:  # a few findings are not recorded
        frame[key] = np.where(uniform(pid, "seu gap", key) < 0.015, "", frame[key])
    frame["age"] = months // 12
    frame["case_type"] = "seu"
    sheet: list[Row] = [
        (f"Schuleingangsuntersuchung Schuljahr {year - 1}/{year % 100:02d}",),
        ("Kinder- und Jugendärztlicher Dienst Musterkreis",), (NOTE,),
        ("Lfd. Nr.", "AGS", "Block", "Geschlecht", "Alter in Monaten", "Staatsangehörigkeit",
         "Migrationshintergrund", *FINDINGS.values()),
    ]  # fmt: skip
    columns = (
        range(1, len(frame) + 1), frame["gemeinde_code"], frame["block"], german_sex(frame["sex"].to_numpy()).tolist(),
        months.tolist(), german_nationality(frame["nationality"].to_numpy()).tolist(),
        german_yes(frame["migration"].to_numpy()).tolist(), *(frame[key] for key in FINDINGS),
    )  # fmt: skip
    sheet += [tuple(value if value != "" else None for value in row) for row in zip(*columns, strict=True)]
    path = desk.path("seu", f"SEU_{year - 1}-{year % 100:02d}.xlsx")
    write_workbook(path, {"Befunde": sheet})
    desk.filed(path, date(year, 9, 14))
    desk.missing_block(
        "seu", path.name, f"{year - 1}/{year % 100:02d}", int((~frame["block_delivered"]).sum())
    )
    frame["period_end"] = date(year, 7, 31)
    desk.remember_cases("seu", frame)


def care_delivered(year: int, desk: Desk) -> bool:
    """Odd years, two years late; the only odd year of a short simulation is delivered all the same."""
    first, last = desk.settings.first_year, desk.years.last
    odd = [item for item in range(first, last + 1) if item % 2 == 1]
    return year in odd and (year < last or odd == [year])


def write_pflege(snapshot: Snapshot, desk: Desk) -> None:
    """Recipients and places of one Pflegestatistik; later years than delivered are logged as late (F11)."""
    year, state = snapshot.year, snapshot.state
    if year % 2 == 0:
        return
    rows = np.flatnonzero(state.care_grade > 0)
    frame = snapshot.cases("pflege", rows)
    frame["case_type"] = "pflege"
    frame["category"] = np.array(CARE_TYPES, dtype=object)[state.care_type[rows]]
    frame["pflegegrad"] = state.care_grade[rows]
    frame["period_end"] = date(year, 12, 15)
    homes = _homes(snapshot, frame, desk)
    frame["provider_key"] = _care_providers(frame, homes)
    frame["delivered"] = care_delivered(year, desk)
    name = f"Pflege_Empfaenger_{year}.csv"
    desk.remember_cases("pflege", frame)
    if not care_delivered(year, desk):
        desk.fault("F11", "late_source", "pflege", name, str(year), len(frame), "period missing, not zero")
        return
    path = desk.path("pflege", name)
    stamp = german_date(date(year, 12, 15))
    columns = (
        [stamp] * len(frame), frame["gemeinde_code"], frame["block"], german_sex(frame["sex"].to_numpy()), frame["age"],
        frame["pflegegrad"], frame["category"].map(_CARE_WORDS), frame["provider_key"],
    )  # fmt: skip
    write_csv(
        path,
        ("Stichtag", "AGS", "Block", "Geschlecht", "Alter", "Pflegegrad", "Leistungsart", "Einrichtung"),
        columns,
    )
    desk.filed(path, date(year + 2, 2, 21))
    desk.missing_block("pflege", path.name, str(year), int((~frame["block_delivered"]).sum()))

    path = desk.path("pflege", f"Pflege_Plaetze_{year}.csv")
    columns_homes = (
        [stamp] * len(homes),
        homes["ags"],
        homes["key"],
        homes["name"],
        homes["kind"],
        homes["places"],
    )
    write_csv(path, ("Stichtag", "AGS", "EinrichtungsID", "Einrichtung", "Art", "Plaetze"), columns_homes)
    desk.filed(path, date(year + 2, 2, 21))
    truth = []
    for (ags, kind), group in homes.groupby(["ags", "kind"], sort=True):
        places = group["places"].sort_values(ascending=False).to_numpy()
        measure = "care_places" if kind == "vollstationär" else "care_places_day"
        truth.append(
            {
                "period_type": "stichtag", "period_end": date(year, 12, 15), "area_system": "sozialraum",
                "area_level": "gemeinde", "area_code": ags, "measure_id": measure, "group_id": "total",
                "value": float(places.sum()), "contributors": len(places), "largest": float(places[0]),
                "second_largest": float(places[1]) if len(places) > 1 else None,
            }
        )  # fmt: skip
    desk.remember_observations("pflege", truth)


def _homes(snapshot: Snapshot, frame: pd.DataFrame, desk: Desk) -> pd.DataFrame:
    """Care homes: towns have several, every third village one; places follow the demand of the whole Kreis."""
    stationary = int((frame["category"] == "stationaer").sum())
    towns = [8, 6, 5, 4, 3, 3, 2, 2]
    sites = [f"99901{town + 1:03d}" for town, count in enumerate(towns) for _ in range(count)]
    sites += [f"99901{number:03d}" for number in range(10, 49, 3)]
    size = desk.rng("homes").lognormal(0, 0.4, len(sites))
    places = np.maximum(np.round(size / size.sum() * stationary * 1.06), 1).astype(int)
    rows = [
        {
            "ags": ags,
            "key": f"PE-{number + 1:03d}",
            "name": names.home_name(number),
            "kind": "vollstationär",
            "places": int(count),
        }
        for number, (ags, count) in enumerate(zip(sites, places, strict=True))
    ]
    for number, ags in enumerate(sites[::4]):
        share = max(2, round(stationary * 0.006))
        rows.append(
            {
                "ags": ags,
                "key": f"TP-{number + 1:03d}",
                "name": f"Tagespflege {names.home_name(number)}",
                "kind": "Tagespflege",
                "places": share,
            }
        )
    return pd.DataFrame(rows)


def _care_providers(frame: pd.DataFrame, homes: pd.DataFrame) -> list[str]:
    full = homes[homes["kind"] == "vollstationär"]
    keys = frame["pid"].to_numpy()
    cumulative = np.cumsum(full["places"].to_numpy()) / full["places"].sum()
    home = full["key"].to_numpy()[
        np.minimum(np.searchsorted(cumulative, uniform(keys, "care home")), len(full) - 1)
    ]
    service = [f"AD-{int(number) + 1:02d}" for number in np.floor(uniform(keys, "care service") ** 1.5 * 38)]
    return list(
        np.select([frame["category"] == "stationaer", frame["category"] == "ambulant"], [home, service], "")
    )


def write_disability(snapshot: Snapshot, desk: Desk) -> None:
    """One row per severely disabled person with all Merkzeichen, weightiest first."""
    year, state = snapshot.year, snapshot.state
    rows = np.flatnonzero(state.gdb > 0)
    frame = snapshot.cases("schwerbehinderung", rows)
    masks = state.marks[rows]
    text = {
        int(mask): ",".join(mark for bit, mark in enumerate(MARKS) if mask >> bit & 1)
        for mask in np.unique(masks)
    }
    frame["merkzeichen"] = [text[int(mask)] for mask in masks]
    frame["category"] = [item.split(",")[0] or "ohne" for item in frame["merkzeichen"]]
    frame["gdb"] = state.gdb[rows]
    frame["case_type"] = "schwerbehinderung"
    path = desk.path("schwerbehinderung", f"Schwerbehinderung_{year}.csv")
    columns = (
        [german_date(snapshot.day)] * len(frame), frame["gemeinde_code"], frame["block"],
        german_sex(frame["sex"].to_numpy()), frame["age"], german_nationality(frame["nationality"].to_numpy()),
        frame["gdb"], frame["merkzeichen"],
    )  # fmt: skip
    header = ("Stichtag", "AGS", "Block", "Geschlecht", "Alter", "Staatsangehoerigkeit", "GdB", "Merkzeichen")
    write_csv(path, header, columns, encoding="cp1252")
    desk.filed(path, date(year + 1, 3, 2))
    desk.missing_block("schwerbehinderung", path.name, str(year), int((~frame["block_delivered"]).sum()))
    desk.remember_cases("schwerbehinderung", frame)


def write_egh(snapshot: Snapshot, desk: Desk) -> None:
    """Eingliederungshilfe of the year; one year comes with decimal points (F06)."""
    year, state = snapshot.year, snapshot.state
    rows = np.flatnonzero(state.egh > 0)
    frame = snapshot.cases("eingliederungshilfe", rows)
    frame["case_type"] = "egh"
    frame["category"] = np.array(EGH_TYPES, dtype=object)[state.egh[rows]]
    rng = desk.rng("egh", year)
    base = frame["category"].map(_EGH_EUR).to_numpy(dtype=float) * (1 + 0.03 * (year - 2014))
    frame["amount_eur"] = np.round(base * rng.lognormal(-0.05, 0.32, len(frame)), 2)
    pick = np.floor(uniform(frame["pid"].to_numpy(), "egh provider") ** 1.6 * 7).astype(int)
    prefix = frame["category"].str[:2].str.upper()
    frame["provider_key"] = [
        f"{letters}{number + 1:02d}" for letters, number in zip(prefix, pick, strict=True)
    ]
    path = desk.path("eingliederungshilfe", f"EGH_{year}.csv")
    amounts = frame["amount_eur"].to_numpy()
    columns = (
        [f"E{year}{number:05d}" for number in range(1, len(frame) + 1)], frame["gemeinde_code"], frame["block"],
        german_sex(frame["sex"].to_numpy()), frame["age"], german_nationality(frame["nationality"].to_numpy()),
        frame["category"].map(EGH_WORDS), frame["provider_key"],
        point(amounts) if year == desk.years.decimal else comma(amounts),
    )  # fmt: skip
    header = (
        "Fall",
        "AGS",
        "Block",
        "Geschlecht",
        "Alter",
        "Staatsangehoerigkeit",
        "Leistungsart",
        "Leistungserbringer",
        "Aufwand_EUR",
    )
    write_csv(path, header, columns, encoding="utf-8-sig")
    desk.filed(path, date(year + 1, 3, 30))
    desk.missing_block("eingliederungshilfe", path.name, str(year), int((~frame["block_delivered"]).sum()))
    if year == desk.years.decimal:
        desk.fault(
            "F06",
            "decimal_point",
            "eingliederungshilfe",
            path.name,
            str(year),
            len(frame),
            "amounts right, warning",
        )
    desk.remember_cases("eingliederungshilfe", frame)
