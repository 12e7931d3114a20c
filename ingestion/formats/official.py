"""Vocabulary of German official statistics: area keys, times, and the classifications every table shares.

Belongs here: facts of the offices' systems (GENESIS, Regionalstatistik, Zensus, Landesdatenbank) that do not depend on
a file format. Not here: reading files, and names one source chooses (its YAML).

Sources: Amtlicher Gemeindeschlüssel (2 Land, 3 Regierungsbezirk, 5 Kreis, 8 Gemeinde) and Regionalschlüssel (9, 12);
GENESIS classifications GES, NAT, ALT*; GENESIS times (ISO 8601 with duration: `2015-05P1M` month, `2015-04P3M` quarter,
`2003-10P6M` semester, `2000-P1Y` school year; the older layout `31.12.2019`, `04/1991`, `WS 2015/16`, `2000/01`).
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Final

from ingestion.formats.amtlich import gemeinde_code
from ingestion.formats.base import DeliveryPeriod

TOTAL_LABELS: Final = frozenset({"Insgesamt", "insgesamt", "Zusammen", "Total"})

_AREA_VARIABLES: Final[tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]] = (
    (re.compile(r"DINSG|GEODL\d+"), ("bund",)),
    (re.compile(r"DLAND\w*|GEOBL\d+"), ("land",)),
    (re.compile(r"REGBEZ\w*|GEORB\d+"), ("regierungsbezirk",)),
    # Kreistabellen also list the three towns inside a Regionalverband and the Berlin Bezirke, with eight digits.
    (re.compile(r"KREISE\w*|GEOLK\d+"), ("kreis", "gemeinde", "bezirk")),
    (re.compile(r"GEOVB\d+"), ("gemeindeverband",)),
    (re.compile(r"GEMEIN\w*|GEOGM\d+"), ("gemeinde", "bezirk")),
)
"""Codes of the variables that hold areas, and the levels their keys may name."""

_AREA_CODES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"DG"), "bund"),
    (re.compile(r"(0[1-9]|1[0-6])"), "land"),
    (re.compile(r"(0[1-9]|1[0-6])\d"), "regierungsbezirk"),
    (re.compile(r"(0[1-9]|1[0-6])\d{3}"), "kreis"),
    (re.compile(r"11(00[1-9]|01[0-2])\1"), "bezirk"),  # 11001001 Berlin-Mitte: no Gemeinde
    (re.compile(r"(0[1-9]|1[0-6])\d{6}"), "gemeinde"),
    (re.compile(r"(0[1-9]|1[0-6])\d{7}"), "gemeindeverband"),
    (re.compile(r"JH\d{8}"), "jugendamt"),
)


def area_levels(variable: str) -> tuple[str, ...]:
    """Levels the areas of a GENESIS variable may have; empty where the variable holds no areas."""
    return next((levels for pattern, levels in _AREA_VARIABLES if pattern.fullmatch(variable)), ())


def area_of(code: str) -> tuple[str, str] | None:
    """Level and area code of an official key; None for anything else. A 12-digit ARS becomes its AGS."""
    if re.fullmatch(r"\d{12}", code):
        code = gemeinde_code(code)
    level = next((level for pattern, level in _AREA_CODES if pattern.fullmatch(code)), None)
    return None if level is None else (level, code)


@dataclass(frozen=True)
class Moment:
    """A period of landing, and the part of it that has no period type of its own as a group member."""

    period: DeliveryPeriod
    part: tuple[str, str] | None = None
    """`("quarter", "2")`, `("semester", "winter")`: quarters stand under their year, semesters under the academic
    year, because landing knows Stichtag, Jahr, Schuljahr and Monat only."""


def moment(text: str, time_code: str = "") -> Moment:
    """The period a time of a table names. Raises ValueError for an unknown spelling or an impossible date."""
    text = text.strip()
    if found := re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text):
        return _stichtag(date(int(found[1]), int(found[2]), int(found[3])))
    if found := re.fullmatch(r"(\d\d)\.(\d\d)\.(\d{4})", text):
        return _stichtag(date(int(found[3]), int(found[2]), int(found[1])))
    if found := re.fullmatch(r"(\d{4})(?:-(\d\d)?)?P(\d+)([MY])", text):
        return _duration(int(found[1]), int(found[2] or 0), found[3] + found[4])
    if found := re.fullmatch(r"(\d{4})-(\d\d)", text) or re.fullmatch(r"(?=.{7}$)(?:\d\d/)(\d{4})", text):
        month = int(found[2]) if found.re.groups == 2 else int(text[:2])
        return Moment(month_of(int(found[1]), month))
    if found := re.fullmatch(r"(?:(WS|WiSe|Wintersemester) )?(\d{4})/(\d\d|\d{4})", text):
        year = int(found[2])
        if int(found[3]) % 100 != (year + 1) % 100:
            raise ValueError("no consecutive years")
        return _school_year(year, "winter" if found[1] else "")
    if found := re.fullmatch(r"(?:SS|SoSe|Sommersemester) (\d{4})", text):
        return _school_year(int(found[1]) - 1, "summer")
    if found := re.fullmatch(r"\d{4}", text):
        year = int(text)
        return _school_year(year) if time_code.startswith(("SCHULJ", "SLJAHR")) else Moment(_year(year))
    raise ValueError("no time")


def month_of(year: int, month: int) -> DeliveryPeriod:
    """A calendar month; ValueError for a thirteenth."""
    start = date(year, month, 1)
    return DeliveryPeriod("monat", start, date(year, month, monthrange(year, month)[1]))


def _stichtag(day: date) -> Moment:
    return Moment(DeliveryPeriod("stichtag", day, day))


def _year(year: int) -> DeliveryPeriod:
    return DeliveryPeriod("jahr", date(year, 1, 1), date(year, 12, 31))


def _school_year(year: int, semester: str = "") -> Moment:
    period = DeliveryPeriod("schuljahr", date(year, 8, 1), date(year + 1, 7, 31))
    return Moment(period, ("semester", semester) if semester else None)


def _duration(year: int, month: int, length: str) -> Moment:
    if length == "1M":
        return Moment(month_of(year, month))
    if length == "3M" and month in (1, 4, 7, 10):
        return Moment(_year(year), ("quarter", str((month + 2) // 3)))
    if length == "6M" and month in (4, 10):
        return _school_year(year, "winter") if month == 10 else _school_year(year - 1, "summer")
    if length == "1Y":
        return Moment(_year(year)) if month == 1 else _school_year(year)
    raise ValueError("unknown duration")


_SEX: Final = {"GESM": "m", "GESW": "f", "GESD": "d"}
_SEX_LABELS: Final = {
    **dict.fromkeys(("männlich", "Männer", "Jungen"), "m"),
    **dict.fromkeys(("weiblich", "Frauen", "Mädchen"), "f"),
    "divers": "d",
}
_NATIONALITY: Final = {"NATD": "de", "NATA": "foreign"}
_NATIONALITY_LABELS: Final = {
    **dict.fromkeys(("Deutsche", "deutsch", "Deutsch"), "de"),
    **dict.fromkeys(("Ausländer", "Ausländer/-innen", "ausländisch", "Nichtdeutsche"), "foreign"),
}


def age_band(code: str, label: str) -> str | None:
    """Age member (`0-2`, `75+`) of an attribute of the ALT variables, from its code or else its label."""
    if found := re.fullmatch(r"ALT(\d{3})B(\d{3})", code):
        return _band(int(found[1]), int(found[2]) - 1)
    if found := re.fullmatch(r"ALT(\d{3})UM", code):
        return f"{int(found[1])}+"
    if found := re.fullmatch(r"ALT(\d{3})", code):
        return _band(int(found[1]), int(found[1]))
    return age_label(label)


def age_label(label: str) -> str | None:
    """Age member a German label names: `6 bis unter 10 Jahre` is `6-9`; None for any other text."""
    text = " ".join(label.split())
    if found := re.fullmatch(r"(\d{1,3}) bis unter (\d{1,3}) Jahren?", text):
        return _band(int(found[1]), int(found[2]) - 1)
    if found := re.fullmatch(r"unter (\d{1,3}) Jahren?", text):
        return _band(0, int(found[1]) - 1)
    if found := re.fullmatch(r"(?:ab )?(\d{1,3}) Jahren?(?: und (?:mehr|älter))?", text):
        return f"{int(found[1])}+" if text != f"{found[1]} Jahre" else _band(int(found[1]), int(found[1]))
    return None


def _band(low: int, high: int) -> str | None:
    return f"{low}-{high}" if low <= high else None


def canonical(variable: str, code: str, label: str) -> tuple[str, str] | None:
    """Dimension and member of a GENESIS attribute every instance knows (sex, nationality, age); None for others."""
    if code in _SEX:
        return "sex", _SEX[code]
    if code in _NATIONALITY:
        return "nationality", _NATIONALITY[code]
    if variable.startswith("ALT") and (band := age_band(code, label)) is not None:
        return "age", band
    return None


def canonical_label(label: str) -> tuple[str, str] | None:
    """The same for tables that carry labels only."""
    text = label.strip()
    if text in _SEX_LABELS:
        return "sex", _SEX_LABELS[text]
    if text in _NATIONALITY_LABELS:
        return "nationality", _NATIONALITY_LABELS[text]
    band = age_label(text)
    return None if band is None else ("age", band)


_TRANSLITERATION: Final = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "§": "par", "%": "pct", "(": " ", ")": " "}
)


def slug(label: str) -> str:
    """A label as identifier: `Begonnene Hilfen/Beratungen` becomes `begonnene_hilfen_beratungen`. Deterministic;
    umlauts are written out. Empty for a text without letters and digits; never starts with a digit."""
    text = re.sub(r"[^a-z0-9]+", "_", label.lower().translate(_TRANSLITERATION)).strip("_")
    return f"n{text}" if text[:1].isdigit() else text


def unit_slug(unit: str) -> str:
    """Ending of a measure for a unit, `pct` for percent; empty for plain counts."""
    text = unit.strip()
    if text in ("", "Anzahl"):
        return ""
    return "pct" if text in ("%", "Prozent") else slug(text)
