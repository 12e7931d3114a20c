"""The small YAML beside a table: what the table does not say of itself. Keys are German: planners write it.

Belongs here: its fields and their checks. Does not belong here: guessing what is left out (`layout`, `sums`).
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from disclosure.rates import Rounding
from orchestration.pruefung.grid import HIDDEN_SIGNS, MISSING_SIGNS
from orchestration.pruefung.published import Assumptions, Unreadable


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RateColumn(_Strict):
    """`quote` = faktor × zaehler / nenner, named as the columns (members of one dimension) are."""

    quote: str
    zaehler: str
    nenner: str | int
    nenner_bei: dict[str, str] = {}
    """Feature → member at which the denominator stands: the share of a city total is {Stadtteil: Insgesamt}."""
    dezimalen: int | None = None
    faktor: int = 100
    rundung: Rounding = Rounding.COMMERCIAL


class Hierarchy(_Strict):
    """Sums of one feature: written out, in a CSV (Teil;Ganzes), or in a column beside the members."""

    summen: dict[str, list[str]] = {}
    datei: str | None = None
    spalte: str | None = None
    mit_rest: bool = False
    """The parts do not make up the whole: more is in it than is listed."""


class Description(_Strict):
    """All fields are optional; what is not said is recognised and named in the report."""

    blatt: str | None = None
    kopfzeilen: list[int] = []
    letzte_zeile: int | None = None
    merkmale: list[str] = []
    werte: list[str] = []
    ohne: list[str] = []
    """Columns or rows that are left out of the audit."""
    hierarchien: dict[str, Hierarchy] = {}
    gesperrt: list[str] = list(HIDDEN_SIGNS)
    nichts: list[str] = ["-", "–"]
    fehlt: list[str] = list(MISSING_SIGNS)
    leer: Literal["fehlt", "gesperrt"] = "fehlt"
    schwelle: int = Field(3, ge=1)
    nur_kleine_gesperrt: bool = False
    nullen_gezeigt: bool = False
    quoten: list[RateColumn] = []

    @property
    def assumptions(self) -> Assumptions:
        return Assumptions(self.schwelle, self.nur_kleine_gesperrt, self.nullen_gezeigt)

    @property
    def hidden_signs(self) -> list[str]:
        return [*self.gesperrt, ""] if self.leer == "gesperrt" else self.gesperrt


def read_description(path: Path) -> Description:
    """Raises Unreadable with the German reason."""
    if not path.is_file():
        raise Unreadable(f"Die Beschreibung {path} gibt es nicht.")
    try:
        return Description.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", Zeile {mark.line + 1}" if mark else ""
        raise Unreadable(f"{path.name}{where}: Die Beschreibung ist nicht lesbar.") from error
    except ValidationError as error:
        wrong = ", ".join(".".join(str(part) for part in item["loc"]) for item in error.errors())
        raise Unreadable(f"{path.name}: Unbekannte oder unpassende Angaben: {wrong}.") from error


def read_hierarchy(path: Path) -> dict[str, list[str]]:
    """Whole → parts from a CSV with two columns, part and whole. Raises Unreadable."""
    if not path.is_file():
        raise Unreadable(f"Die Hierarchie {path} gibt es nicht.")
    found: dict[str, list[str]] = {}
    text = path.read_text(encoding="utf-8-sig")
    delimiter = ";" if ";" in text else ","
    for number, row in enumerate(csv.reader(text.splitlines(), delimiter=delimiter), 1):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) < 2:
            raise Unreadable(f"{path.name}, Zeile {number}: Erwartet werden Teil und Ganzes in zwei Spalten.")
        part, whole = row[0].strip(), row[1].strip()
        if whole and not (number == 1 and (part.lower(), whole.lower()) == ("teil", "ganzes")):
            found.setdefault(whole, []).append(part)
    return found
