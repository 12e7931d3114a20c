"""The two layouts of ffcsv brought to one: which column is what.

Belongs here: headers. New layout (since 2025): lower-case English headers, one `value` column with unit and code beside
it. Old layout: German headers, one column per figure called `CODE__Label__Unit`, its quality column `CODE__Label__q`,
derived rates `Label__CH0004`. Source: Destatis, „Das neue Flatfile CSV-Format (ffcsv) der Datenbank GENESIS-Online“.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ingestion.formats.base import Issue


@dataclass(frozen=True)
class Variable:
    """Positions of the four columns of one variable; labels may be absent (None)."""

    number: int
    code: int
    attribute: int
    label: int | None


@dataclass(frozen=True)
class FigureColumn:
    """One column of figures. In the new layout code and unit stand in columns, in the old one in the header."""

    value: int
    quality: int | None
    code_column: int | None = None
    unit_column: int | None = None
    code: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Layout:
    """Where everything stands."""

    old: bool
    statistic: int
    time_code: int
    time: int
    variables: tuple[Variable, ...]
    figures: tuple[FigureColumn, ...]


_NEW: Final = {
    "statistic": "statistics_code",
    "time_code": "time_code",
    "time": "time",
    "variable": "{}_variable_code",
    "attribute": "{}_variable_attribute_code",
    "label": "{}_variable_attribute_label",
}
_OLD: Final = {
    "statistic": "Statistik_Code",
    "time_code": "Zeit_Code",
    "time": "Zeit",
    "variable": "{}_Merkmal_Code",
    "attribute": "{}_Auspraegung_Code",
    "label": "{}_Auspraegung_Label",
}
_NEW_FIGURE: Final = ("value", "value_unit", "value_variable_code")
_KNOWN_NEW: Final = re.compile(
    r"statistics_(code|label)|time(_code|_label)?|\d+_variable(_attribute)?_(code|label)"
    r"|value(_q|_unit|_variable_(code|label))?"
)
_KNOWN_OLD: Final = re.compile(
    r"Statistik_(Code|Label)|Zeit(_Code|_Label)?|\d+_(Merkmal|Auspraegung)_(Code|Label)"
)
_OLD_FIGURE: Final = re.compile(r"(?P<code>[A-Z][A-Z0-9]+)__(?P<label>.+)__(?P<unit>[^_].*)")
_OLD_RATE: Final = re.compile(r"(?P<label>.+)__(?P<code>CH\d{4})")


def layout_of(headers: Sequence[str]) -> tuple[Layout | None, list[Issue]]:
    """The layout of a header line; None with refusals where a needed column is missing or named twice."""
    if doubled := [name for name, count in Counter(headers).items() if count > 1 and name]:
        message = (
            f"Die Spalte „{doubled[0]}“ kommt mehrfach vor. Bitte unverändert aus der Datenbank liefern."
        )
        return None, [Issue("refusal", "Spalte doppelt", message, row=1, column=doubled[0])]
    position = {name: number for number, name in enumerate(headers)}
    old = sum(name in position for name in ("Statistik_Code", "Zeit_Code", "Zeit")) > sum(
        name in position for name in ("statistics_code", "time_code", "time")
    )
    names = _OLD if old else _NEW
    numbers = sorted(
        int(found[1])
        for name in headers
        if (found := re.fullmatch(names["variable"].format(r"(\d{1,3})"), name))
        or (found := re.fullmatch(names["attribute"].format(r"(\d{1,3})"), name))
    )
    numbers = sorted(set(numbers))
    needed = [names[key] for key in ("statistic", "time_code", "time")]
    needed += [names[key].format(number) for number in numbers for key in ("variable", "attribute")]
    needed += () if old else _NEW_FIGURE
    missing = [name for name in needed if name not in position]
    figures = _old_figures(headers) if old else ()
    if old and not figures:
        missing.append("…__…__Einheit")
    if missing:
        return None, [_missing(name, headers) for name in missing]
    variables = tuple(
        Variable(
            number,
            position[names["variable"].format(number)],
            position[names["attribute"].format(number)],
            position.get(names["label"].format(number)),
        )
        for number in numbers
    )
    if not old:
        value, unit, code = (position[name] for name in _NEW_FIGURE)
        figures = (FigureColumn(value, position.get("value_q"), code, unit),)
    statistic, time_code, time = (position[names[key]] for key in ("statistic", "time_code", "time"))
    layout = Layout(old, statistic, time_code, time, variables, figures)
    return layout, _unknown(headers, layout)


def _old_figures(headers: Sequence[str]) -> tuple[FigureColumn, ...]:
    position = {name: number for number, name in enumerate(headers)}
    found = []
    for number, name in enumerate(headers):
        if _KNOWN_OLD.fullmatch(name) or name.endswith("__q"):
            continue
        if rate := _OLD_RATE.fullmatch(name):
            found.append(FigureColumn(number, position.get(f"{name}__q"), code=rate["code"], unit="%"))
        elif figure := _OLD_FIGURE.fullmatch(name):
            quality = position.get(f"{figure['code']}__{figure['label']}__q")
            unit = figure["unit"].replace("_", " ")
            found.append(FigureColumn(number, quality, code=figure["code"], unit=unit))
    return tuple(found)


def _unknown(headers: Sequence[str], layout: Layout) -> list[Issue]:
    used = {figure.value for figure in layout.figures} | {figure.quality for figure in layout.figures}
    known = _KNOWN_OLD if layout.old else _KNOWN_NEW
    return [
        Issue(
            "warning",
            "Unbekannte Spalte",
            f"Die Spalte „{name}“ gehört nicht zum Format ffcsv und wird nicht übernommen.",
            row=1,
            column=name,
        )
        for number, name in enumerate(headers)
        if name and number not in used and not known.fullmatch(name)
    ]


def _missing(name: str, headers: Sequence[str]) -> Issue:
    shown = ", ".join(header for header in headers[:12] if header)
    return Issue(
        "refusal",
        "Spalte fehlt",
        f"In der Kopfzeile fehlt die Spalte „{name}“. Vorhanden sind: {shown}. Bitte die Datei unverändert als "
        "Flat-CSV (ffcsv) aus der Datenbank liefern.",
        row=1,
        column=name,
    )
