"""BA Arbeitsmarkt in kommunaler Gliederung (AkG): figures by Sozialraum with `*` for 1–9, SUM rows, Fehlerprotokoll."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingestion.synthetic.areas import KREIS_CODE, KREIS_NAME
from ingestion.synthetic.benefits import EMPLOYED, MARGINAL, UNEMPLOYED
from ingestion.synthetic.chance import uniform
from ingestion.synthetic.context import CASE_LOSS, NOTE, Desk, Snapshot
from ingestion.synthetic.people import GERMAN
from ingestion.synthetic.workbook import Row, write_workbook

Array = NDArray[Any]
Feature = tuple[
    str, str, str, Array
]  # header, measure, group, flag per person (or weight of the household's head)


def _features(snapshot: Snapshot, seed: int) -> dict[str, list[Feature]]:
    people, state = snapshot.half.people, snapshot.state
    age, german = state.age, people.nat == GERMAN
    male = (people.sex == 0) | ((people.sex == 2) & (uniform(people.pid, seed, "ba sex") < 0.5))
    out = (state.employment == UNEMPLOYED) & (age >= 15) & (age < 67)
    svb, mini = state.employment == EMPLOYED, state.employment == MARGINAL
    svb = svb & (age < 67)
    sgb2, elb = state.sgb2, state.sgb2_elb
    home = state.home
    in_bg = np.bincount(home.of, weights=sgb2, minlength=len(home.hid)) > 0
    lead = np.zeros(len(people), dtype=bool)
    lead[home.head[in_bg]] = True
    with_children = np.bincount(home.of, weights=sgb2 & (age < 18), minlength=len(home.hid))[home.of] > 0
    return {
        "Arbeitslose": [
            ("Arbeitslose insgesamt", "unemployed", "total", out),
            ("darunter Langzeitarbeitslose", "unemployed_longterm", "total", out & state.longterm),
            ("Männer", "unemployed", "sex=m", out & male),
            ("Frauen", "unemployed", "sex=f", out & ~male),
            ("15 bis unter 25 Jahre", "unemployed", "age=15-24", out & (age < 25)),
            ("25 bis unter 55 Jahre", "unemployed", "age=25-54", out & (age >= 25) & (age < 55)),
            ("55 Jahre und älter", "unemployed", "age=55+", out & (age >= 55)),
            ("Deutsche", "unemployed", "nationality=de", out & german),
            ("Ausländer", "unemployed", "nationality=foreign", out & ~german),
            ("Rechtskreis SGB III", "unemployed", "rechtskreis=sgb3", out & ~sgb2),
            ("Rechtskreis SGB II", "unemployed", "rechtskreis=sgb2", out & sgb2),
        ],
        "Beschäftigte": [
            ("Sozialversicherungspflichtig Beschäftigte am Wohnort", "employed_svb", "total", svb),
            ("Männer", "employed_svb", "sex=m", svb & male),
            ("Frauen", "employed_svb", "sex=f", svb & ~male),
            ("Deutsche", "employed_svb", "nationality=de", svb & german),
            ("Ausländer", "employed_svb", "nationality=foreign", svb & ~german),
            ("Geringfügig Beschäftigte", "employed_marginal", "total", mini),
        ],
        "SGB II": [
            ("Personen in Bedarfsgemeinschaften", "sgb2_persons", "total", sgb2),
            ("Männer", "sgb2_persons", "sex=m", sgb2 & male),
            ("Frauen", "sgb2_persons", "sex=f", sgb2 & ~male),
            ("Deutsche", "sgb2_persons", "nationality=de", sgb2 & german),
            ("Ausländer", "sgb2_persons", "nationality=foreign", sgb2 & ~german),
            ("Kinder unter 15 Jahren", "sgb2_children", "total", sgb2 & (age < 15)),
            ("Erwerbsfähige Leistungsberechtigte", "sgb2_persons", "leistungsberechtigung=elb", elb),
            ("15 bis unter 25 Jahre (ELB)", "sgb2_elb_u25", "total", elb & (age < 25)),
            (
                "Nicht erwerbsfähige Leistungsberechtigte",
                "sgb2_persons",
                "leistungsberechtigung=nef",
                sgb2 & ~elb,
            ),
            ("Bedarfsgemeinschaften", "bg_total", "total", lead),
            (
                "Bedarfsgemeinschaften Alleinerziehende",
                "bg_single_parent",
                "total",
                lead & with_children & (state.household_type == 3),
            ),
            ("Bedarfsgemeinschaften mit Kindern", "bg_children", "total", lead & with_children),
        ],
    }


def write_ba_akg(snapshot: Snapshot, desk: Desk) -> None:
    """The workbook of one December."""
    year, areas, codes, people = snapshot.year, snapshot.areas, snapshot.codes, snapshot.half.people
    # a Bedarfsgemeinschaft has one address: its members are located together or not at all
    located = uniform(people.hid, desk.settings.seed, "ba_akg", year) >= CASE_LOSS["ba_akg"]
    area_codes, block_area = np.unique(codes.sozialraum, return_inverse=True)
    gemeinden = sorted(set(codes.gemeinde))
    amt_of_gemeinde = dict(zip(codes.gemeinde, codes.amt, strict=True))
    lost_of = {gemeinde: len(area_codes) + number for number, gemeinde in enumerate(gemeinden)}
    lost_of_block = np.array([lost_of[code] for code in codes.gemeinde])
    person_area = np.where(located, block_area[people.block], lost_of_block[people.block])
    changed = year == desk.years.header and desk.settings.years > 1
    header_key = "Kleinräumige Gliederung" if changed else "Gebietsschlüssel"

    sheets: dict[str, list[Row]] = {"Deckblatt": _cover(year)}
    protocol: list[Row] = [("Fehlerprotokoll",), (NOTE,), ("Sheet", "AGS", "Fehler", "Anzahl")]
    truth: list[dict[str, Any]] = []
    month = f"{year}12"
    for sheet, features in _features(snapshot, desk.settings.seed).items():
        size = len(area_codes) + len(gemeinden)
        counts = np.column_stack([np.bincount(person_area[flag], minlength=size) for *_, flag in features])
        lines: list[tuple[str, str, str, str, str, Array]] = []
        for amt in sorted(set(codes.amt)):
            amt_number = amt[-2:]
            amt_sum = np.zeros(len(features), dtype=np.int64)
            for gemeinde in (g for g in gemeinden if amt_of_gemeinde[g] == amt):
                key = f"0{amt_number}{gemeinde[-3:]}"
                gemeinde_sum = counts[lost_of[gemeinde]].copy()
                for number, area in enumerate(area_codes):
                    if area.startswith(gemeinde):
                        gemeinde_sum += counts[number]
                        lines.append(
                            (
                                "sozialraum",
                                area,
                                gemeinde,
                                f"{key}0{area[-2:]}",
                                areas.names[area],
                                counts[number],
                            )
                        )
                if counts[lost_of[gemeinde]].any():
                    name = f"{areas.names[gemeinde]}, nicht zuordenbar"
                    lines.append(
                        (
                            "sozialraum",
                            f"{gemeinde}-NZ",
                            gemeinde,
                            f"{key}999",
                            name,
                            counts[lost_of[gemeinde]],
                        )
                    )
                    first = int(counts[lost_of[gemeinde]][0])
                    if first:
                        protocol.append((sheet, gemeinde, "Anschrift nicht verortet", first))
                lines.append(
                    (
                        "gemeinde",
                        gemeinde,
                        gemeinde,
                        f"{key}SUM",
                        f"{areas.names[gemeinde]} insgesamt",
                        gemeinde_sum,
                    )
                )
                amt_sum += gemeinde_sum
            lines.append(("amt", amt, "", f"0{amt_number}SUMSUM", f"{areas.names[amt]} insgesamt", amt_sum))
        lines.append(
            ("kreis", KREIS_CODE, KREIS_CODE, "SUMSUMSUM", f"{KREIS_NAME} insgesamt", counts.sum(axis=0))
        )
        headers = [
            name.replace("darunter Langzeit", "dar. Langzeit") + " (> 1 Jahr)"
            if changed and "Langzeit" in name
            else name
            for name, *_ in features
        ]
        rows: list[Row] = [
            (f"Arbeitsmarkt in kommunaler Gliederung (AkG) – {sheet}",),
            (f"{KREIS_NAME} ({NOTE})",),
            (f"Berichtsmonat Dezember {year}",),
            (),
            ("Berichtsmonat", "AGS", header_key, "Gebietsname", *headers),
        ]
        for level, area, ags, key, name, values in lines:
            rows.append((month, ags, key, name, *("*" if 0 < value < 10 else int(value) for value in values)))
            truth += [
                {
                    "area_level": level,
                    "area_code": area,
                    "measure_id": measure,
                    "group_id": group,
                    "value": float(value),
                }
                for (_, measure, group, _), value in zip(features, values, strict=True)
            ]
        rows += [
            (),
            ("* Anzahl kleiner 10 und größer 0; SUM = Zwischensumme; 999 = nicht zuordenbar",),
            (f"Statistik (simuliert), {NOTE}",),
        ]
        sheets[sheet] = rows
    sheets["Fehlerprotokoll"] = protocol
    path = desk.path("ba_akg", f"AkG_Musterkreis_{year}-12.xlsx")
    write_workbook(path, sheets)
    desk.filed(path, date(year + 1, 4, 22))
    desk.missing_block("ba_akg", path.name, f"{year}-12", int((~located & snapshot.state.sgb2).sum()))
    if changed:
        desk.fault(
            "F03", "changed_header", "ba_akg", path.name, f"{year}-12", 2, "accepted through aliases, warning"
        )
    desk.remember_observations(
        "ba_akg",
        [
            {
                "period_type": "stichtag",
                "period_end": snapshot.day,
                "area_system": "sozialraum",
                **item,
                "starred": 0 < item["value"] < 10,
            }
            for item in truth
        ],
    )


def _cover(year: int) -> list[Row]:
    return [
        ("Arbeitsmarkt in kommunaler Gliederung",),
        (f"{KREIS_NAME}, Berichtsmonat Dezember {year}",),
        (NOTE,),
        ("Werte kleiner 10 sind durch * ersetzt.",),
    ]
