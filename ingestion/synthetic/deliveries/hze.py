"""Hilfen zur Erziehung: six Jugendämter, six layouts, and most of the faults of real life."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from ingestion.synthetic.benefits import HZE_TYPES
from ingestion.synthetic.chance import uniform
from ingestion.synthetic.context import (
    NOTE,
    Desk,
    Snapshot,
    comma,
    german_nationality,
    german_number,
    german_sex,
    point,
    write_csv,
)
from ingestion.synthetic.workbook import Row, write_workbook

NAMES = {
    "p27": "Flexible Hilfe", "p29": "Soziale Gruppenarbeit", "p30": "Erziehungsbeistandschaft",
    "p31": "Sozialpädagogische Familienhilfe", "p32": "Tagesgruppe", "p33": "Vollzeitpflege", "p34": "Heimerziehung",
    "p35": "Intensive sozialpädagogische Einzelbetreuung", "p35a": "Eingliederungshilfe seelische Behinderung",
    "p41": "Hilfe für junge Volljährige",
}  # fmt: skip
_YEARLY_EUR = {
    "p27": 7200, "p29": 4200, "p30": 7900, "p31": 9800, "p32": 27500, "p33": 17800, "p34": 62500, "p35": 41000,
    "p35a": 15500, "p41": 29500,
}  # fmt: skip
KREISJUGENDAMT = "99901"


def write_hze(snapshot: Snapshot, desk: Desk) -> None:
    """All deliveries of one year; the Jugendamt of the fourth town is late in the last year (F01)."""
    year, state = snapshot.year, snapshot.state
    rows = np.flatnonzero(state.hze > 0)
    frame = snapshot.cases("hze", rows)
    frame["case_type"] = "hze"
    frame["category"] = np.array(HZE_TYPES, dtype=object)[state.hze[rows]]
    frame["kommune_code"] = snapshot.areas.jugendamt(snapshot.day)[snapshot.half.people.block[rows]]
    rng = desk.rng("hze", year)
    base = frame["category"].map(_YEARLY_EUR).to_numpy(dtype=float) * (1 + 0.035 * (year - 2014))
    frame["amount_eur"] = np.round(base * rng.lognormal(-0.15, 0.55, len(frame)), 2)
    frame["provider_key"] = _providers(frame)
    frame["delivered"] = True
    parts = []
    for kommune, writer in WRITERS.items():
        part = frame[frame["kommune_code"] == kommune].reset_index(drop=True)
        parts.append(_deliver(kommune, writer, part, year, desk))
    desk.remember_cases("hze", pd.concat(parts, ignore_index=True))


def _providers(frame: pd.DataFrame) -> list[str]:
    """Few providers per Jugendamt, one of them large."""
    keys = frame["pid"].to_numpy()
    pick = uniform(keys, "hze provider") ** 1.8
    count = np.where(frame["kommune_code"] == KREISJUGENDAMT, 9, 5)
    number = np.floor(pick * count).astype(int)
    office = frame["kommune_code"].str[-1].astype(int)
    return [f"T{o}{n + 1:02d}" for o, n in zip(office, number, strict=True)]


def _deliver(
    kommune: str,
    writer: Callable[[Path, pd.DataFrame, int, Desk], None],
    part: pd.DataFrame,
    year: int,
    desk: Desk,
) -> pd.DataFrame:
    years = desk.years
    delivered = date(year + 1, 3, 8 + int(kommune[-1]))
    extension = "xlsx" if kommune in ("99901003", "99901005") else "csv"
    path = desk.path("hze", f"HzE_{kommune}_{year}.{extension}")
    if kommune == "99901004" and year == years.last:
        desk.fault(
            "F01",
            "late_kommune",
            "hze",
            path.name,
            str(year),
            len(part),
            "period of this Kommune missing, not zero",
        )
        return part.assign(delivered=False)
    if kommune == "99901005" and year == years.previous:
        keep = uniform(part["pid"].to_numpy(), desk.settings.seed, "hze incomplete") >= 0.06
        if keep.all() and len(part):
            keep[0] = False
        writer(path, part[keep].reset_index(drop=True), year, desk)
        desk.filed(path, delivered)
        path = desk.path("hze", f"HzE_{kommune}_{year}_Korrektur.{extension}")
        delivered = date(year + 1, 4, 25)
        desk.fault(
            "F05",
            "corrected_delivery",
            "hze",
            path.name,
            str(year),
            int((~keep).sum()),
            "supersedes the first delivery",
        )
    writer(path, part, year, desk)
    desk.filed(path, delivered)
    desk.missing_block("hze", path.name, str(year), int((~part["block_delivered"]).sum()))
    if kommune == "99901002" and year == years.header and desk.settings.years > 1:
        desk.fault(
            "F02", "changed_header", "hze", path.name, str(year), 7, "accepted through aliases, warning"
        )
    if kommune == KREISJUGENDAMT and year == years.decimal:
        desk.fault("F07", "decimal_point", "hze", path.name, str(year), len(part), "amounts right, warning")
    if kommune == "99901001" and year == years.double:
        copy = desk.path("hze", f"HzE_{kommune}_{year}_Kopie.csv")
        shutil.copyfile(path, copy)
        desk.filed(copy, date(year + 1, 3, 12))
        desk.fault(
            "F04",
            "double_delivery",
            "hze",
            copy.name,
            str(year),
            len(part),
            "one delivery, no double count",
            path.name,
        )
    return part


def _first(path: Path, part: pd.DataFrame, year: int, desk: Desk) -> None:
    header = (
        "Fall-Nr",
        "AGS",
        "Baublock",
        "Geschlecht",
        "Alter",
        "Staatsangehörigkeit",
        "Hilfeart",
        "Träger-Nr",
        "Ausgaben in EUR",
    )
    columns = (
        [f"{year}-{number:05d}" for number in range(1, len(part) + 1)], part["gemeinde_code"], part["block"],
        german_sex(part["sex"].to_numpy()), part["age"], german_nationality(part["nationality"].to_numpy()),
        part["category"].map(NAMES), part["provider_key"], german_number(part["amount_eur"]),
    )  # fmt: skip
    write_csv(path, header, columns, encoding="cp1252")


def _second(path: Path, part: pd.DataFrame, year: int, desk: Desk) -> None:
    header: tuple[str, ...] = (
        "hilfe_id",
        "hilfe",
        "block",
        "kosten",
        "traeger",
        "alter",
        "geschlecht",
        "nationalitaet",
    )
    if year == desk.years.header and desk.settings.years > 1:
        header = (
            "hilfe_id",
            "paragraf",
            "baublock",
            "ausgaben_eur",
            "traeger_nr",
            "lebensalter",
            "geschlecht",
            "staatsang",
        )
    columns = (
        [f"H{year % 100}{number:05d}" for number in range(1, len(part) + 1)], "§ " + part["category"].str[1:],
        part["block"].str[-5:], point(part["amount_eur"].to_numpy()), part["provider_key"], part["age"],
        part["sex"].map({"m": "1", "f": "2", "d": "3"}), np.where(part["nationality"] == "de", "D", "A"),
    )  # fmt: skip
    write_csv(path, header, columns, delimiter=",")


def _third(path: Path, part: pd.DataFrame, year: int, desk: Desk) -> None:
    rows: list[Row] = [
        (f"Hilfen zur Erziehung {year}",), ("Jugendamt der dritten Stadt, Auszug aus dem Fachverfahren",), (NOTE,), (),
        ("Nr.", "Hilfe nach", "Geburtsdatum", "Geschlecht", "Staatsangehörigkeit", "Baublock", "Träger", "Kosten (€)"),
    ]  # fmt: skip
    words = {"m": "männlich", "f": "weiblich", "d": "divers"}
    columns = (
        range(1, len(part) + 1), "§ " + part["category"].str[1:] + " SGB VIII",
        [f"{birth % 100:02d}.{birth // 100 % 100:02d}.{birth // 10000}" for birth in part["birth"].tolist()],
        part["sex"].map(words), german_nationality(part["nationality"].to_numpy()).tolist(),
        part["block"].replace("", None), part["provider_key"], comma(part["amount_eur"].to_numpy()),
    )  # fmt: skip
    rows += list(zip(*columns, strict=True))
    write_workbook(path, {"HzE": rows})


def _fourth(path: Path, part: pd.DataFrame, year: int, desk: Desk) -> None:
    header = ("JAHR", "ALTER", "SEX", "NATION", "HILFE_KZ", "BLOCK_NR", "TRAEGER_ID", "BETRAG", "FALL_ID")
    block = [str(int(code[-4:])) if code else "" for code in part["block"]]
    columns = (
        [year] * len(part), part["age"], part["sex"].map({"m": "M", "f": "W", "d": "D"}),
        german_nationality(part["nationality"].to_numpy()), part["category"].str[1:], block, part["provider_key"],
        comma(part["amount_eur"].to_numpy()), [f"{number:06d}" for number in range(1, len(part) + 1)],
    )  # fmt: skip
    write_csv(path, header, columns, encoding="utf-8-sig", quoted=True)


def _fifth(path: Path, part: pd.DataFrame, year: int, desk: Desk) -> None:
    rows: list[Row] = [
        (
            "Aktenzeichen",
            "Block",
            "Hilfeart",
            "Alter",
            "m/w/d",
            "Deutsch (ja/nein)",
            "Leistungserbringer",
            "Jahresausgaben",
        )
    ]
    columns = (
        "51-" + part["person_key"].str[:10], part["block"].replace("", None), part["category"].map(NAMES),
        part["age"].tolist(), german_sex(part["sex"].to_numpy()).tolist(),
        np.where(part["nationality"] == "de", "ja", "nein").tolist(), part["provider_key"], part["amount_eur"].tolist(),
    )  # fmt: skip
    rows += list(zip(*columns, strict=True))
    rows.append(("Summe", None, None, None, None, None, None, round(float(part["amount_eur"].sum()), 2)))
    write_workbook(path, {"Fälle": rows, "Hinweise": [("Hilfen zur Erziehung", year), (NOTE,)]})


def _sixth(path: Path, part: pd.DataFrame, year: int, desk: Desk) -> None:
    header = (
        "AGS",
        "Block",
        "Geburtsjahr",
        "Alter",
        "Geschlecht",
        "Staatsangehoerigkeit",
        "Paragraf",
        "Traeger",
        "Ausgaben",
    )
    amounts = part["amount_eur"].to_numpy()
    columns = (
        part["gemeinde_code"], part["block"], part["birth"] // 10000, part["age"], german_sex(part["sex"].to_numpy()),
        german_nationality(part["nationality"].to_numpy()), part["category"].str[1:], part["provider_key"],
        point(amounts) if year == desk.years.decimal else comma(amounts),
    )  # fmt: skip
    preface = (
        f"# Kreisjugendamt Musterkreis, Hilfen zur Erziehung {year}",
        "# synthetisch, simulierte Daten",
    )
    write_csv(path, header, columns, encoding="cp1252", preface=preface)


WRITERS: dict[str, Callable[[Path, pd.DataFrame, int, Desk], None]] = {
    "99901001": _first,
    "99901002": _second,
    "99901003": _third,
    "99901004": _fourth,
    "99901005": _fifth,
    KREISJUGENDAMT: _sixth,
}
