"""The structure of a table as a Landesdatenbank prints it (`Tabelle: …`): title, header rows, data, footer.

Belongs here: what can be seen in the arrangement of cells. Not here: what labels mean. The arrangement (seen in the
files of IT.NRW and the GENESIS portals of the Länder): `Tabelle: <code>`; title lines with text in the first cell only;
header rows whose first cells are empty; data rows; a line of underscores; notes, licence and `Stand: <date> / <time>`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from ingestion.formats.base import Issue
from ingestion.formats.official import TOTAL_LABELS, moment

UNITS: Final = re.compile(
    r"Anzahl|Prozent|Promille|%|‰|1\.?000|(Tsd\.|Mill\.|Mio\.|Mrd\.|1\.?000) ?\S*|EUR|Euro|t|kg|ha|qm|qkm|km²?|m²|Jahre"
    r"|Monate|Tage|Stunden|Index|Punkte|Messzahl|\d{4} ?= ?100|(EUR|Anzahl) je .+"
)
"""Texts of a row of units."""


@dataclass(frozen=True)
class HeaderRow:
    """One row of labels over the figures; `variable` is the label of the row above it that names it."""

    variable: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class DataRow:
    """One row of data and its line number in the file."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class PrintedTable:
    """A table taken apart."""

    code: str
    title: tuple[str, ...]
    keys: int
    """Columns before the figures."""
    headers: tuple[HeaderRow, ...]
    """Rows of members over the figures, from top to bottom."""
    measures: tuple[str, ...]
    """Per column of figures: the label of what is counted."""
    units: tuple[str, ...]
    rows: tuple[DataRow, ...]
    published: date | None
    notes: str

    @property
    def width(self) -> int:
        return self.keys + len(self.measures)


class LayoutFault(Exception):
    """The file is not arranged like such a table; carries what its supplier is told."""

    def __init__(self, rule: str, message: str, row: int | None = None) -> None:
        super().__init__(rule)
        self.issue = Issue("refusal", rule, message, row=row)


def take_apart(text: str, delimiter: str) -> PrintedTable:
    """The parts of a printed table. Raises LayoutFault."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    head = re.fullmatch(r'"?Tabelle:\s*([\w.-]+)"?[;,\t|]*\s*', lines[first]) if first is not None else None
    if first is None or head is None:
        raise LayoutFault(
            "Kein Tabellenkopf",
            "Die Datei beginnt nicht mit „Tabelle: …“. Erwartet wird eine Tabelle, wie sie die Landesdatenbank als CSV "
            "ausgibt. Bitte unverändert abrufen.",
            1,
        )
    end = next((number for number, line in enumerate(lines) if re.fullmatch(r"_{5,};*", line.strip())), None)
    if end is None:
        raise LayoutFault(
            "Ende der Tabelle fehlt",
            "Die Linie am Ende der Zahlen fehlt; die Datei ist vermutlich beim Übertragen abgebrochen. "
            "Bitte vollständig neu liefern.",
            len(lines),
        )
    try:
        body = [
            DataRow(first + 2 + number, tuple(next(csv.reader([line], delimiter=delimiter), [])))
            for number, line in enumerate(lines[first + 1 : end])
            if line.strip(f" {delimiter}")
        ]
    except csv.Error:
        raise LayoutFault(
            "Aufbau nicht lesbar",
            "Die Zeilen lassen sich nicht in Spalten zerlegen. Bitte unverändert abrufen.",
        ) from None
    title, header, data = _split(body)
    width = len(data[0].cells)
    for row in data:
        if len(row.cells) != width:
            raise LayoutFault(
                "Zeile unvollständig",
                f"Die Zeile hat {len(row.cells)} statt {width} Spalten. Bitte vollständig neu liefern.",
                row.number,
            )
    grid = [tuple(cell.strip() for cell in (*row.cells, *[""] * width)[:width]) for row in header]
    keys = next((number for number in range(width) if any(row[number] for row in grid)), width)
    if not 0 < keys < width:
        raise LayoutFault(
            "Kopfzeilen nicht erkannt",
            "Über den Zahlen stehen keine Bezeichnungen. Bitte die Tabelle unverändert abrufen.",
            header[0].number,
        )
    labels = [_filled(row[keys:]) for row in grid]
    headers, measures, units = _headers(labels, title)
    notes = "\n".join(lines[end + 1 :])
    return PrintedTable(head[1], title, keys, headers, measures, units, tuple(data), _stand(notes), notes)


def _split(body: Sequence[DataRow]) -> tuple[tuple[str, ...], list[DataRow], list[DataRow]]:
    position = 0
    title: list[str] = []
    while position < len(body) and _is_title(body[position].cells):
        title.append(" ".join(body[position].cells[0].split()))
        position += 1
    start = position
    while position < len(body) and not body[position].cells[0].strip():
        position += 1
    header, data = list(body[start:position]), list(body[position:])
    if not header or not data:
        raise LayoutFault(
            "Kopfzeilen nicht erkannt" if not header else "Keine Daten",
            "Zwischen Titel und Zahlen fehlen die Kopfzeilen. Bitte die Tabelle unverändert abrufen."
            if not header
            else "Unter den Kopfzeilen stehen keine Daten. Bitte die Auswahl prüfen und neu abrufen.",
        )
    return tuple(title), header, data


def _is_title(cells: Sequence[str]) -> bool:
    return bool(cells[0].strip()) and not any(cell.strip() for cell in cells[1:])


def _filled(labels: Sequence[str]) -> tuple[str, ...]:
    """A header that spans several columns may stand over the first of them only."""
    found: list[str] = []
    for label in labels:
        found.append(label or (found[-1] if found else ""))
    return tuple(" ".join(label.split()) for label in found)


def _headers(
    labels: list[tuple[str, ...]], title: Sequence[str]
) -> tuple[tuple[HeaderRow, ...], tuple[str, ...], tuple[str, ...]]:
    """Rows of members, and per column the label of the measure and its unit."""
    rest = list(labels)
    width = len(rest[0])
    stated = re.fullmatch(r"(?P<label>.+?)\s*\((?P<unit>[^()]+)\)", title[-1]) if title else None
    if all(UNITS.fullmatch(label) for label in rest[-1]) and not is_times(rest[-1]):
        units = rest.pop()
        # With a row of units the row above it says what is counted; without one the title does.
        measures = rest.pop() if rest and not is_times(rest[-1]) else (title[-1] if title else "",) * width
    elif stated is not None:
        measures, units = (stated["label"],) * width, (stated["unit"],) * width
    else:
        measures, units = ((title[-1] if title else ""),) * width, ("",) * width
    found: list[HeaderRow] = []
    pending = ""
    for number, row in enumerate(rest):
        names_next = len(set(row)) == 1 and number + 1 < len(rest) and row[0] not in TOTAL_LABELS
        if names_next and not pending and not is_times(row):
            pending = row[0]
            continue
        found.append(HeaderRow(pending, row))
        pending = ""
    return tuple(found), measures, units


def is_times(labels: Sequence[str]) -> bool:
    """True where every label is a time."""
    try:
        for label in set(labels):
            moment(label)
    except ValueError:
        return False
    return True


def times_in(title: Sequence[str]) -> list[str]:
    """The days or, where there are none, the years a title names."""
    text = " ".join(title)
    days = re.findall(r"(?<!\d)\d\d\.\d\d\.(?:19|20)\d\d(?!\d)", text)
    years = re.findall(r"(?<![\d.])(?:19|20)\d\d(?![\d-])", text)
    return list(dict.fromkeys(days or years))


def _stand(notes: str) -> date | None:
    found = re.search(r"^Stand:\s*(\d\d)\.(\d\d)\.(\d{4})\b", notes, re.MULTILINE)
    try:
        return date(int(found[3]), int(found[2]), int(found[1])) if found else None
    except ValueError:
        return None
