"""Schule and Kita: aggregated workbooks of the school supervision and the day-care planning."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingestion.synthetic.areas import KREIS_CODE, KREIS_NAME
from ingestion.synthetic.benefits import TRACKS
from ingestion.synthetic.chance import probit, uniform
from ingestion.synthetic.context import CASE_LOSS, NOTE, Desk, Snapshot
from ingestion.synthetic.people import GERMAN
from ingestion.synthetic.workbook import Row, write_workbook

Array = NDArray[Any]
Feature = tuple[str, str, str, Array]
_TRACK_WORDS = {
    "grundschule": "Grundschule", "gemeinschaftsschule": "Gemeinschaftsschule", "gymnasium": "Gymnasium",
    "foerderzentrum": "Förderzentrum", "berufliche_schule": "Berufliche Schule",
}  # fmt: skip


def _dash(values: Array) -> list[int | str]:
    """Zero is written as a dash."""
    return [int(value) if value else "-" for value in values]


def _leavers(snapshot: Snapshot) -> dict[str, Array]:
    """Who leaves school, in total and by Abschluss; everybody who leaves has exactly one."""
    people, state = snapshot.half.people, snapshot.state
    age, track, pid = state.age, state.track, people.pid
    ses = people.ses.astype(np.float64)
    special = uniform(pid, "special school") < 0.03
    grammar = uniform(pid, "grammar school") < probit(-0.22 + 0.55 * ses - 0.2 * (people.nat != GERMAN))
    middle = (age == 16) & ~(grammar & (track == TRACKS.index("gymnasium")))
    upper = (age == 18) & (track == TRACKS.index("gymnasium"))
    depr = snapshot.areas.blocks["deprivation"].to_numpy()[people.block]
    none = middle & (
        uniform(pid, "no certificate") < np.where(special, 0.7, probit(-1.62 - 0.4 * ses + 0.2 * depr))
    )
    first = middle & ~none & (uniform(pid, "first certificate") < probit(-0.45 - 0.4 * ses))
    failed = upper & (uniform(pid, "abitur") > 0.94)
    return {
        "total": middle | upper,
        "ohne": none,
        "esa": first,
        "msa": (middle & ~none & ~first) | failed,
        "abitur": upper & ~failed,
    }


def write_schule(snapshot: Snapshot, desk: Desk) -> None:
    """Schulstatistik of the school year that ends in the snapshot's summer."""
    year, people, state, areas = snapshot.year, snapshot.half.people, snapshot.state, snapshot.areas
    track, foreign = state.track, people.nat != GERMAN
    pupil = track > 0
    fifth = (state.age == 10) & pupil
    leavers = _leavers(snapshot)
    sheets_gemeinde: dict[str, list[Feature]] = {
        "Schüler": [
            ("Insgesamt", "pupils", "total", pupil),
            *(
                (word, "pupils", f"schulart={key}", track == TRACKS.index(key))
                for key, word in _TRACK_WORDS.items()
            ),
            ("darunter nichtdeutsch", "pupils", "nationality=foreign", pupil & foreign),
        ],
        "Übergänge": [
            ("Übergänge in Klasse 5", "transitions", "total", fifth),
            (
                "darunter Gymnasium",
                "transitions_gymnasium",
                "total",
                fifth & (track == TRACKS.index("gymnasium")),
            ),
        ],
        "Abschlüsse": [
            ("Abgänge insgesamt", "school_leavers", "total", leavers["total"]),
            ("ohne Abschluss", "school_leavers", "abschluss=ohne", leavers["ohne"]),
            ("Erster Abschluss", "school_leavers", "abschluss=esa", leavers["esa"]),
            ("Mittlerer Abschluss", "school_leavers", "abschluss=msa", leavers["msa"]),
            ("Hochschulreife", "school_leavers", "abschluss=abitur", leavers["abitur"]),
        ],
    }
    period = {"period_type": "schuljahr", "period_end": date(year, 7, 31)}
    title = f"Schulstatistik {KREIS_NAME}, Schuljahr {year - 1}/{year % 100:02d}"
    codes, of_block = np.unique(snapshot.codes.gemeinde, return_inverse=True)
    truth: list[dict[str, Any]] = []
    sheets: dict[str, list[Row]] = {}
    for sheet, features in sheets_gemeinde.items():
        rows: list[Row] = [
            (f"{title} – {sheet}",),
            (NOTE,),
            (),
            ("AGS", "Gemeinde", *(name for name, *_ in features)),
        ]
        counts = np.column_stack(
            [np.bincount(of_block[people.block[flag]], minlength=len(codes)) for *_, flag in features]
        )
        rows += [
            (code, areas.names[code], *_dash(values)) for code, values in zip(codes, counts, strict=True)
        ]
        rows.append(("Summe", KREIS_NAME, *_dash(counts.sum(axis=0))))
        sheets[sheet] = rows
        truth += _truth(
            features,
            [*codes, KREIS_CODE],
            np.vstack([counts, counts.sum(axis=0)]),
            "sozialraum",
            "gemeinde",
            period,
        )

    primary = track == TRACKS.index("grundschule")
    support = primary & (
        uniform(people.pid, "language support") < probit(-1.1 + 0.7 * people.mig - 0.3 * people.ses)
    )
    features = [
        ("Grundschüler", "pupils_primary", "total", primary),
        ("mit Sprachförderung", "pupils_language_support", "total", support),
    ]
    located = uniform(people.pid, desk.settings.seed, "schule", year) >= CASE_LOSS["schule"]
    districts, counts = _by_district(areas.school, people.block, located, features)
    rows = [
        (f"{title} – Grundschulbezirke",),
        (NOTE,),
        (),
        ("Bezirk", "Name", "Grundschüler", "mit Sprachförderung"),
    ]
    rows += [
        (code, areas.names[code], *_dash(values)) for code, values in zip(districts, counts[:-1], strict=True)
    ]
    rows.append((f"{KREIS_CODE}-NZ", "ohne Zuordnung", *_dash(counts[-1])))
    rows.append(("Summe", KREIS_NAME, *_dash(counts.sum(axis=0))))
    sheets["Grundschulbezirke"] = rows
    area_codes = [*districts, f"{KREIS_CODE}-NZ", KREIS_CODE]
    truth += _truth(
        features, area_codes, np.vstack([counts, counts.sum(axis=0)]), "schulbezirk", "schulbezirk", period
    )
    path = desk.path("schule", f"Schulstatistik_{year - 1}-{year % 100:02d}.xlsx")
    write_workbook(path, sheets)
    desk.filed(path, date(year, 11, 20))
    desk.remember_observations("schule", truth)


def _by_district(
    districts: Array, block: Array, located: Array, features: list[Feature]
) -> tuple[Array, Array]:
    """Counts per district, one more row for the children who could not be located."""
    codes, of_block = np.unique(districts, return_inverse=True)
    where = np.where(located, of_block[block], len(codes))
    return codes, np.column_stack(
        [np.bincount(where[flag], minlength=len(codes) + 1) for *_, flag in features]
    )


def _truth(
    features: list[Feature], codes: list[str], counts: Array, system: str, level: str, period: dict[str, Any]
) -> list[dict[str, Any]]:
    return [
        {
            **period, "area_system": system, "area_level": "kreis" if code == KREIS_CODE else level, "area_code": code,
            "measure_id": measure, "group_id": group, "value": float(value),
        }
        for code, values in zip(codes, counts, strict=True)
        for (_, measure, group, _), value in zip(features, values, strict=True)
    ]  # fmt: skip


def write_kita(snapshot: Snapshot, desk: Desk) -> None:
    """Places and children by Kita-Bezirk of residence."""
    year, people, state, areas = snapshot.year, snapshot.half.people, snapshot.state, snapshot.areas
    small, large = state.kita & (state.age < 3), state.kita & (state.age >= 3)
    other_language = state.kita & people.mig & (uniform(people.pid, "kita language") < 0.6)
    features: list[Feature] = [
        ("Betreute Kinder unter 3 Jahren", "kita_children", "age=0-2", small),
        ("Betreute Kinder 3 bis unter 6 Jahre", "kita_children", "age=3-5", large),
        ("darunter nichtdeutsche Familiensprache", "kita_children_language", "total", other_language),
    ]
    located = uniform(people.pid, desk.settings.seed, "kita", year) >= CASE_LOSS["kita"]
    districts, counts = _by_district(areas.kita, people.block, located, features)
    rng = desk.rng("kita", year)
    places_small = np.round(counts[:-1, 0] * rng.normal(1.03, 0.04, len(districts))).astype(int)
    places_large = np.round(counts[:-1, 1] * rng.normal(1.05, 0.03, len(districts))).astype(int)
    homes = np.maximum(np.round((places_small * 1.6 + places_large) / 75), 1).astype(int)
    header = ("Bezirk", "Name", "Einrichtungen", "Plätze U3", "Plätze Ü3", *(name for name, *_ in features))
    rows: list[Row] = [(f"Kindertagesbetreuung {KREIS_NAME}, Stichtag 31.12.{year}",), (NOTE,), (), header]
    for number, code in enumerate(districts):
        places = (int(homes[number]), int(places_small[number]), int(places_large[number]))
        rows.append((code, areas.names[code], *places, *map(int, counts[number])))
    rows.append((f"{KREIS_CODE}-NZ", "ohne Zuordnung", None, None, None, *map(int, counts[-1])))
    total = counts.sum(axis=0)
    sums = (int(homes.sum()), int(places_small.sum()), int(places_large.sum()))
    rows.append(("Summe", KREIS_NAME, *sums, *map(int, total)))
    path = desk.path("kita", f"Kita_{year}.xlsx")
    write_workbook(path, {"Kita-Bezirke": rows})
    desk.filed(path, date(year + 1, 3, 15))
    period = {"period_type": "stichtag", "period_end": snapshot.day}
    place_features: list[Feature] = [
        ("", "kita_facilities", "total", homes), ("", "kita_places", "age=0-2", places_small),
        ("", "kita_places", "age=3-5", places_large),
    ]  # fmt: skip
    place_counts = np.column_stack([homes, places_small, places_large])
    truth = _truth(
        features,
        [*districts, f"{KREIS_CODE}-NZ", KREIS_CODE],
        np.vstack([counts, total]),
        "kitabezirk",
        "kitabezirk",
        period,
    )
    truth += _truth(
        place_features,
        [*districts, KREIS_CODE],
        np.vstack([place_counts, place_counts.sum(axis=0)]),
        "kitabezirk",
        "kitabezirk",
        period,
    )
    desk.remember_observations("kita", truth)
