"""Destatis "Gebietsänderungen" of a year: which area gave what to which, since when, with area and inhabitants.

Änderungsart: 1 Auflösung, 2 Teilausgliederung (one row for what left, one for what stayed), 3 Schlüsseländerung, 4
Namensänderung; several are written "3, 4". Lands as `area_crosswalk` (weights) and as `area` rows that say what
changed on a day (see `state_date` in the contract): the receiving side begins on the day of effect, a side that
ceased ends on the day before. The day is the statistical one, because figures follow it; the legal one may lie years
earlier.

Weights are shares of the inhabitants of the giving area, of its km² where nobody lives there or inhabitants are not
given, and exactly 1 for a single receiver. A Gemeindeverband carries no figures in the file; its weights come from
its Gemeinden in the file, and where those have none either it ends without weights (warning). Not here: the Kreise
between which Gemeinden moved – the file does not name them as changed.

Options: `sheet`, `area_system`.
Source: https://www.destatis.de → Gemeindeverzeichnis, Gebietsänderungen; footnote 1 of the sheet.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict

from ingestion.formats import values
from ingestion.formats.amtlich import LEVEL_OF_LENGTH, code_of, gemeinde_code, parent_of
from ingestion.formats.base import DeliveryPeriod, Issue, ParsedDelivery
from ingestion.formats.rows import landing_table
from ingestion.formats.sheets import Row, Sheet, SheetError, Workbook, cell, formula_issues, label
from lagebild.instance import SourceConfig

_HEADERS: Final = ("Regionaleinheit", "Wirksamkeitsdatum")
_UNITS: Final = {"Gemeinde", "Gemeindeverband", "Kreis", "Regierungsbezirk", "Land"}
_SUBHEADERS: Final = (
    "Amtlicher Regionalschlüssel (ARS)", "Amtlicher Gemeindeschlüssel (AGS)", "Name", "Änderungsart", "Fläche qm",
    "Einwohner", "Amtlicher Regionalschlüssel (ARS)", "Amtlicher Gemeindeschlüssel (AGS)", "Name", "juristisch",
    "statistisch",
)  # fmt: skip
_NAMED: Final = 5

Method = Literal["exact", "population", "area"]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    sheet: str = "Gebietsaenderungen"
    area_system: str = "amtlich"


@dataclass(frozen=True)
class Change:
    """One row: what `from_ars` gave to `to_ars`; figures are None where the file has none."""

    row: int
    from_ars: str
    from_name: str
    to_ars: str
    to_name: str
    kinds: frozenset[int]
    square_metres: float | None
    inhabitants: float | None
    day: date

    @property
    def level(self) -> str:
        return LEVEL_OF_LENGTH[len(self.from_ars)]


@dataclass(frozen=True)
class Weight:
    """Share of one area that goes to another."""

    row: int
    level: str
    from_code: str
    to_code: str
    day: date
    weight: float
    method: Method


class GebietsaenderungenAdapter:
    """One year's list of changes → `area_crosswalk` and dated `area` rows."""

    name: ClassVar[str] = "gebietsaenderungen"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        options = _Options.model_validate(source.options)
        issues = formula_issues(path)
        try:
            sheet, header, renamed = Workbook(path).find(options.sheet, _HEADERS)
            issues += renamed
            changes = list(_read(sheet, header, issues))
        except SheetError as error:
            return ParsedDelivery(issues=(error.issue,))
        if not changes and not any(issue.severity == "refusal" for issue in issues):
            issues.append(
                Issue("refusal", "Keine Änderungen", "Das Blatt enthält keine Gebietsänderung.", sheet.name)
            )
        if any(issue.severity == "refusal" for issue in issues):
            return ParsedDelivery(issues=tuple(issues))
        weights, unweighted = crosswalk(changes)
        for change in unweighted:
            message = (
                f"Für „{change.from_name}“ nennt die Datei weder Einwohner noch Fläche der Teile; das Gebiet endet, "
                "ohne dass sich Zahlen umrechnen lassen."
            )
            issues.append(Issue("warning", "Gewicht nicht bestimmbar", message, sheet.name, change.row,
                                value=change.from_ars))  # fmt: skip
        tables = {
            "area_crosswalk": landing_table("area_crosswalk", _crosswalk_rows(weights, options)),
            "area": landing_table("area", area_rows(changes, options.area_system)),
        }
        years = [change.day for change in changes]
        period = DeliveryPeriod("jahr", date(max(years).year, 1, 1), date(max(years).year, 12, 31))
        return ParsedDelivery(tables=tables, issues=tuple(issues), period=period)


def _columns(sheet: Sheet, header: int) -> list[int]:
    """Positions of the eleven columns below the header; titles repeat for the two sides, so their order counts."""
    below = sheet.rows[header + 1] if header + 1 < len(sheet.rows) else []
    titles = [(position, label(written)) for position, written in enumerate(below) if label(written)]
    found: list[int] = []
    for wanted in _SUBHEADERS:
        position = next((at for at, title in titles if title == wanted and at not in found), None)
        if position is None:
            raise SheetError(
                "Spalte fehlt",
                f"Unter der Kopfzeile fehlt die Spalte „{wanted}“. Bitte die Datei unverändert liefern.",
                sheet=sheet.name,
                value=wanted,
            )
        found.append(position)
    return found


def _read(sheet: Sheet, header: int, issues: list[Issue]) -> Iterator[Change]:
    unit_at = [label(item) for item in sheet.rows[header]].index("Regionaleinheit")
    columns = _columns(sheet, header)
    faults: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for number, row in enumerate(sheet.rows[header + 2 :], start=header + 3):
        unit = str(cell(row, unit_at)).strip()
        if not unit:
            continue
        if unit not in _UNITS:
            faults["Unbekannte Regionaleinheit"].append((number, unit))
            continue
        try:
            yield _change(row, columns, number)
        except ValueError as error:
            faults["Zeile unlesbar"].append((number, str(error)))
    for rule, places in faults.items():
        rows = ", ".join(str(at) for at, _ in places[:_NAMED])
        message = (
            "Schlüssel, Änderungsart oder Wirksamkeitsdatum ist nicht lesbar oder passt nicht zusammen. "
            f"Betroffen: {len(places)} Zeilen, zuerst Zeile {rows}."
        )
        issues.append(Issue("refusal", rule, message, sheet.name, places[0][0], value=places[0][1]))


def _change(row: Row, columns: Sequence[int], number: int) -> Change:
    from_ars, from_ags, from_name, kind, metres, people, to_ars, to_ags, to_name, _, statistical = (
        cell(row, position) for position in columns
    )
    kinds = frozenset(int(part) for part in re.findall(r"\d+", values.text(kind)))
    if not kinds or not kinds <= {1, 2, 3, 4}:
        raise ValueError(f"Änderungsart {kind}")
    return Change(
        row=number,
        from_ars=_key(from_ars, from_ags),
        from_name=str(from_name).strip(),
        to_ars=_key(to_ars, to_ags),
        to_name=str(to_name).strip() or str(from_name).strip(),
        kinds=kinds,
        square_metres=_figure(metres),
        inhabitants=_figure(people),
        day=values.day(statistical),
    )


def _key(ars: Any, ags: Any) -> str:
    written, short = values.text(ars), values.text(ags)
    if not re.fullmatch(r"[0-9]+", written) or len(written) not in LEVEL_OF_LENGTH:
        raise ValueError(f"ARS {written}")
    if short and len(written) == 12 and short != gemeinde_code(written):
        raise ValueError(f"AGS {short}")
    return written


def _figure(written: Any) -> float | None:
    if written in ("", None):
        return None
    number = values.decimal(written, ",")
    if number < 0:
        raise ValueError(f"{written}")
    return number


def crosswalk(changes: Sequence[Change]) -> tuple[list[Weight], list[Change]]:
    """Weights per giving area and day (they sum to one), and the first row of areas whose weights cannot be known."""
    flows: dict[tuple[str, date, str], dict[str, list[Change]]] = defaultdict(lambda: defaultdict(list))
    for change in changes:
        flows[(change.level, change.day, code_of(change.from_ars))][code_of(change.to_ars)].append(change)
    weights: list[Weight] = []
    unweighted: list[Change] = []
    for (level, day, code), targets in flows.items():
        first = next(iter(targets.values()))[0]
        amounts = {to: _amounts(rows, changes) for to, rows in targets.items()}
        shares, method = _shares(amounts)
        if not shares:
            unweighted.append(first)
            continue
        weights += [
            Weight(targets[to][0].row, level, code, to, day, share, method) for to, share in shares.items()
        ]
    return weights, unweighted


def _amounts(rows: Sequence[Change], changes: Sequence[Change]) -> tuple[float | None, float | None]:
    """Inhabitants and square metres of one flow; for a Gemeindeverband summed from its Gemeinden."""
    first = rows[0]
    parts: Sequence[Change] = rows
    if len(first.from_ars) == 9:
        parts = [
            change
            for change in changes
            if change.level == "gemeinde"
            and change.day == first.day
            and change.from_ars[:9] == first.from_ars
            and change.to_ars[:9] == first.to_ars
        ]
    inhabitants = [change.inhabitants for change in parts]
    metres = [change.square_metres for change in parts]
    return (_total(inhabitants), _total(metres))


def _total(figures: Sequence[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known and len(known) == len(figures) else None


def _shares(amounts: Mapping[str, tuple[float | None, float | None]]) -> tuple[dict[str, float], Method]:
    if len(amounts) == 1:
        return dict.fromkeys(amounts, 1.0), "exact"
    methods: tuple[tuple[int, Method], ...] = ((0, "population"), (1, "area"))
    for position, method in methods:
        figures = {to: pair[position] for to, pair in amounts.items()}
        known = {to: figure for to, figure in figures.items() if figure is not None}
        total = sum(known.values())
        if len(known) == len(figures) and total > 0:
            return {to: figure / total for to, figure in known.items()}, method
    return {}, "exact"


def _crosswalk_rows(weights: Sequence[Weight], options: _Options) -> Iterator[dict[str, Any]]:
    for item in weights:
        yield {
            "source_row": item.row,
            "area_system": options.area_system,
            "area_level": item.level,
            "from_code": item.from_code,
            "to_code": item.to_code,
            "reform_date": item.day,
            "weight": item.weight,
            "method": item.method,
        }


def area_rows(changes: Sequence[Change], area_system: str) -> list[dict[str, Any]]:
    """Dated statements: every receiving area from the day on, every ceased one until the day before."""
    rows: dict[tuple[str, str, date], dict[str, Any]] = {}
    receiving = {(change.level, code_of(change.to_ars), change.day) for change in changes}
    for change in changes:
        level, start = change.level, change.day
        common = {"source_row": change.row, "area_system": area_system, "area_level": level}
        to_code, from_code = code_of(change.to_ars), code_of(change.from_ars)
        rows[(level, to_code, start)] = {
            **common,
            "area_code": to_code,
            "area_name": change.to_name,
            "parent_code": parent_of(change.to_ars),
            "valid_from": start,
            "valid_to": None,
        }
        if (level, from_code, start) not in receiving:
            last = start - timedelta(days=1)
            rows[(level, from_code, last)] = {
                **common,
                "area_code": from_code,
                "area_name": change.from_name,
                "parent_code": parent_of(change.from_ars),
                "valid_from": last,
                "valid_to": last,
            }
    return list(rows.values())
