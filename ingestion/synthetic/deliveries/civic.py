"""Wahlen, Haushalt and Wohnen."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import numpy as np

from ingestion.synthetic.areas import KREIS_CODE, KREIS_NAME
from ingestion.synthetic.context import NOTE, Desk, Snapshot, german_date, german_number, write_csv
from ingestion.synthetic.people import EU, GERMAN
from ingestion.synthetic.workbook import Row, write_workbook

ELECTIONS: Final = {
    date(2014, 5, 25): "europa", date(2019, 5, 26): "europa", date(2024, 6, 9): "europa",
    date(2017, 9, 24): "bundestag", date(2021, 9, 26): "bundestag", date(2025, 2, 23): "bundestag",
    date(2018, 5, 6): "kommunal", date(2023, 5, 14): "kommunal",
}  # fmt: skip
_TURNOUT: Final = {"europa": 0.53, "bundestag": 0.775, "kommunal": 0.49}
_PRODUCTS: Final = (  # code, name, theme, EUR per inhabitant in 2014, yearly growth
    ("3.1.1.01", "Grundsicherung im Alter und bei Erwerbsminderung", "existenzsicherung", 118.0, 0.045),
    ("3.1.1.02", "Hilfe zum Lebensunterhalt", "existenzsicherung", 14.0, 0.03),
    ("3.1.1.03", "Hilfe zur Pflege", "pflege", 52.0, 0.055),
    ("3.1.2.01", "Kosten der Unterkunft nach dem SGB II", "existenzsicherung", 176.0, 0.03),
    ("3.1.2.02", "Kommunale Eingliederungsleistungen", "arbeit", 11.0, 0.02),
    ("3.1.3.01", "Leistungen für Asylbewerber", "migration", 38.0, 0.06),
    ("3.1.4.01", "Eingliederungshilfe nach dem SGB IX", "inklusion", 262.0, 0.05),
    ("3.1.5.01", "Beratung und Pflegestützpunkte", "pflege", 4.2, 0.03),
    ("3.4.6.01", "Wohngeldstelle", "wohnen", 5.1, 0.04),
    ("3.6.1.01", "Förderung von Kindertageseinrichtungen", "kinder_jugend", 148.0, 0.07),
    ("3.6.2.01", "Jugendarbeit", "kinder_jugend", 13.5, 0.02),
    ("3.6.3.01", "Hilfen zur Erziehung", "kinder_jugend", 134.0, 0.055),
    ("3.6.3.02", "Frühe Hilfen", "kinder_jugend", 3.4, 0.05),
    ("2.1.7.01", "Schulsozialarbeit", "bildung", 6.8, 0.06),
    ("2.4.1.01", "Schülerbeförderung", "bildung", 27.0, 0.025),
    ("2.7.1.01", "Volkshochschule", "bildung", 4.5, 0.02),
    ("4.1.4.01", "Öffentlicher Gesundheitsdienst", "gesundheit", 15.5, 0.045),
    ("4.1.4.02", "Schuleingangsuntersuchungen", "gesundheit", 2.1, 0.03),
    ("5.4.7.01", "Öffentlicher Personennahverkehr", "umwelt", 61.0, 0.05),
    ("5.2.2.01", "Wohnraumförderung", "wohnen", 7.4, 0.03),
    ("1.1.1.09", "Sozialplanung und Monitoring", "teilhabe", 1.6, 0.04),
)


def write_elections(snapshot: Snapshot, desk: Desk) -> None:
    """Elections of the snapshot's half-year: electorate from the persons, turnout by Gemeinde."""
    people, state, areas = snapshot.half.people, snapshot.state, snapshot.areas
    for day, kind in ELECTIONS.items():
        if day.year != snapshot.year or (day.month <= 6) != (snapshot.day.month == 6):
            continue
        codes, of_block = np.unique(areas.codes_at(day).gemeinde, return_inverse=True)
        minimum = 16 if kind == "kommunal" or (kind == "europa" and day.year >= 2024) else 18
        citizens = (
            (people.nat == GERMAN) if kind == "bundestag" else (people.nat == GERMAN) | (people.nat == EU)
        )
        eligible = np.bincount(
            of_block[people.block[citizens & (state.age >= minimum)]], minlength=len(codes)
        )
        weight = np.bincount(of_block, weights=areas.blocks["weight"])
        depr = np.bincount(of_block, weights=areas.blocks["weight"] * areas.blocks["deprivation"]) / weight
        rng = desk.rng("wahlen", day)
        rate = np.clip(_TURNOUT[kind] * (1 - 0.09 * depr) + rng.normal(0, 0.012, len(codes)), 0.2, 0.95)
        votes = np.round(eligible * rate).astype(int)
        invalid = np.round(votes * np.clip(rng.normal(0.011, 0.003, len(codes)), 0.002, 0.03)).astype(int)
        ags = [*codes, KREIS_CODE]
        values = np.vstack(
            [np.column_stack([eligible, votes, invalid]), [eligible.sum(), votes.sum(), invalid.sum()]]
        )
        path = desk.path("wahlen", f"Wahl_{kind}_{day.isoformat()}.csv")
        columns = (
            [{"europa": "Europawahl", "bundestag": "Bundestagswahl", "kommunal": "Kommunalwahl"}[kind]] * len(ags),
            [german_date(day)] * len(ags), ags, [areas.names[code] for code in ags],
            values[:, 0], values[:, 1], values[:, 2], values[:, 1] - values[:, 2],
        )  # fmt: skip
        write_csv(
            path,
            ("Wahl", "Wahltag", "AGS", "Gemeinde", "Wahlberechtigte", "Waehler", "Ungueltig", "Gueltig"),
            columns,
        )
        desk.filed(path, date(day.year, day.month + 1, 12))
        truth = [
            {
                "period_type": "stichtag", "period_end": day, "area_system": "sozialraum",
                "area_level": "kreis" if code == KREIS_CODE else "gemeinde", "area_code": code, "measure_id": measure,
                "group_id": group, "value": float(value),
            }
            for code, row in zip(ags, values, strict=True)
            for measure, value in zip(("election_eligible", "election_votes", "election_invalid"), row, strict=True)
            for group in ("total", f"wahlart={kind}")
        ]  # fmt: skip
        desk.remember_observations("wahlen", truth)


def write_budget(snapshot: Snapshot, desk: Desk) -> None:
    """Products with plan and result; the last year is not closed."""
    year, inhabitants = snapshot.year, len(snapshot.half.people)
    rng = desk.rng("haushalt", year)
    columns: list[list[str]] = [[], [], [], [], [], []]
    for code, name, theme, per_head, growth in _PRODUCTS:
        plan = (
            round(per_head * (1 + growth) ** (year - 2014) * inhabitants * rng.normal(1, 0.02) / 100) * 100.0
        )
        actual = round(plan * rng.normal(1.005, 0.035), 2)
        result = "" if year == desk.years.last else german_number([actual])[0]
        for column, value in zip(
            columns, (str(year), code, name, theme, german_number([plan])[0], result), strict=True
        ):
            column.append(value)
    path = desk.path("haushalt", f"Haushalt_{year}.csv")
    header = ("Jahr", "Produkt", "Bezeichnung", "Handlungsfeld", "Ansatz EUR", "Ergebnis EUR")
    preface = (f"Haushaltsplan {year} {KREIS_NAME} (synthetisch)",)
    write_csv(path, header, columns, encoding="cp1252", preface=preface)
    desk.filed(path, date(year + 1, 5, 31))


def write_housing(snapshot: Snapshot, desk: Desk) -> None:
    """Dwellings, living area, social housing and asked rents by Sozialraum."""
    year, areas = snapshot.year, snapshot.areas
    codes, of_block = np.unique(snapshot.codes.sozialraum, return_inverse=True)
    blocks = areas.blocks
    # dwellings of a block are a plan value that grows slowly, not the households of the moment
    growth = 1.006 ** (year - 2014)
    base = blocks["weight"].to_numpy() * desk.settings.inhabitants * 0.49 * growth
    vacancy = desk.rng("wohnen blocks").normal(1.05, 0.03, len(blocks))
    dwellings_block = np.round(base * vacancy).astype(int)
    size = np.where(blocks["town"], 82.0, 108.0) - 7.0 * blocks["deprivation"].clip(-1.5, 2.5)
    dwellings = np.bincount(of_block, weights=dwellings_block).astype(int)
    living = np.round(np.bincount(of_block, weights=dwellings_block * size)).astype(int)
    share = np.clip(0.04 + 0.05 * blocks["deprivation"], 0.0, 0.3) * 0.97 ** (year - 2014)
    social = np.round(np.bincount(of_block, weights=dwellings_block * share * blocks["town"])).astype(int)
    rng = desk.rng("wohnen", year)
    offers = rng.poisson(dwellings * 0.011)
    weight = np.bincount(of_block, weights=blocks["weight"])
    depr = np.bincount(of_block, weights=blocks["weight"] * blocks["deprivation"]) / weight
    east = np.bincount(of_block, weights=blocks["weight"] * blocks["x_km"]) / weight
    level = (7.1 - 0.35 * depr + 0.05 * (east - 15)) * 1.038 ** (year - 2014)
    rent_sum = np.array(
        [
            round(float(np.sum(np.round(rng.normal(mean, 1.1, count), 2))), 2)
            for mean, count in zip(level, offers, strict=True)
        ]
    )
    header = (
        "Schlüssel", "Sozialraum", "Wohnungen", "Wohnfläche in m²", "Sozialwohnungen", "Mietangebote",
        "Summe der Angebotsmieten (EUR je m²)",
    )  # fmt: skip
    rows: list[Row] = [
        (f"Wohnungsbestand und Angebotsmieten {KREIS_NAME}, 31.12.{year}",),
        (NOTE,),
        (),
        header,
    ]
    truth: list[dict[str, Any]] = []
    total: list[float] = [0.0] * 5
    for number, code in enumerate(codes):
        values = [
            int(dwellings[number]),
            int(living[number]),
            int(social[number]),
            int(offers[number]),
            float(rent_sum[number]),
        ]
        total = [left + right for left, right in zip(total, values, strict=True)]
        hidden = 0 < offers[number] < 3
        cells: list[Any] = [value if value else "-" for value in values]
        if hidden:
            cells[3:] = [".", "."]
        rows.append((code, areas.names[code], *cells))
        truth += _housing_truth(snapshot.day, "sozialraum", code, values)
    rows.append(("Summe", KREIS_NAME, *map(int, total[:4]), round(total[4], 2)))
    truth += _housing_truth(snapshot.day, "kreis", KREIS_CODE, [*total[:4], round(total[4], 2)])
    path = desk.path("wohnen", f"Wohnen_{year}.xlsx")
    write_workbook(path, {"Sozialräume": rows})
    desk.filed(path, date(year + 1, 6, 10))
    desk.remember_observations("wohnen", truth)


def _housing_truth(day: date, level: str, code: str, values: list[Any]) -> list[dict[str, Any]]:
    measures = ("dwellings", "living_area_m2", "dwellings_social", "rent_count", "rent_sum_eur")
    return [
        {
            "period_type": "stichtag", "period_end": day, "area_system": "sozialraum", "area_level": level,
            "area_code": code, "measure_id": measure, "group_id": "total", "value": float(value),
        }
        for measure, value in zip(measures, values, strict=True)
    ]  # fmt: skip
