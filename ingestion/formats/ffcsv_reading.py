"""A flat file whose columns are known, understood: areas, periods, groups, measures and cells per row.

Belongs here: codes of an ffcsv to the landing contract's ids. Not here: opening files and finding columns. All work is
done once per distinct text and combination, then spread over the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingestion.formats import signs
from ingestion.formats.base import DeliveryPeriod, Issue
from ingestion.formats.detect import Agreed, DateStyle, dates_issue, decimal_issue
from ingestion.formats.ffcsv_layout import FigureColumn, Layout, Variable
from ingestion.formats.official import (
    TOTAL_LABELS,
    Moment,
    area_levels,
    canonical,
    moment,
    month_of,
    unit_slug,
)
from ingestion.formats.official_table import (
    Codes,
    Figures,
    OfficialOptions,
    area_issue,
    area_key,
    combine,
    group_id,
    measure_id,
)
from ingestion.formats.raw import Encoded, encode_text

HEADER_ROW: Final = 1


@dataclass
class FlatReading:
    """One flat file being understood; what is wrong is added to `issues`."""

    layout: Layout
    headers: Sequence[str]
    table: pa.Table
    options: OfficialOptions
    statistic: str
    issues: list[Issue]
    _cache: dict[int, Encoded] = field(default_factory=dict)

    def figures(self) -> Figures | None:
        """The figures; None after a refusal."""
        self._statistic()
        areas, area_of, taken = self._areas()
        periods, period_of, time_members, months = self._times(taken)
        groups, group_of = self._groups(taken | months, time_members)
        parts = [self._figure(figure) for figure in self.layout.figures]
        if any(issue.severity == "refusal" for issue in self.issues):
            return None
        count, rows = len(parts), np.arange(self.table.num_rows, dtype=np.int64) + HEADER_ROW + 1
        measures: list[str] = []
        cells: list[signs.Cell] = []
        measure_of, cell_of, dashes = [], [], []
        for names, codes, read, which, dash in parts:
            measure_of.append(codes + len(measures))
            cell_of.append(which + len(cells))
            dashes.append(dash)
            measures.extend(names)
            cells.extend(read)
        # The same id may stand several times in the list (two codes mapped to one measure): one code per id.
        unique = {name: number for number, name in enumerate(dict.fromkeys(measures))}
        renumber = np.array([unique[name] for name in measures], dtype=np.int64)
        return Figures(
            areas=areas,
            area_of=np.tile(area_of, count),
            periods=periods,
            period_of=np.tile(period_of, count),
            measures=list(unique),
            measure_of=renumber[np.concatenate(measure_of)],
            groups=groups,
            group_of=np.tile(group_of, count),
            cells=cells,
            cell_of=np.concatenate(cell_of),
            dashes=np.concatenate(dashes),
            columns=[self.headers[figure.value] for figure in self.layout.figures],
            column_of=np.repeat(np.arange(count, dtype=np.int64), len(rows)),
            rows=np.tile(rows, count),
        )

    def _column(self, position: int) -> Encoded:
        if position not in self._cache:
            self._cache[position] = encode_text(self.table.column(position))
        return self._cache[position]

    def _refuse(self, rule: str, message: str, row: int | None = None, **more: str) -> None:
        self.issues.append(Issue("refusal", rule, message, row=row, **more))

    def _row(self, position: int) -> int:
        return position + HEADER_ROW + 1

    def _statistic(self) -> None:
        found = self._column(self.layout.statistic)
        other = [cell for cell in found.cells if cell != self.statistic]
        if self.statistic and other:
            self._refuse(
                "Andere Statistik",
                f"Vereinbart ist die Statistik {self.statistic}; die Datei enthält {', '.join(other[:5])}. "
                "Bitte die vereinbarte Tabelle liefern.",
                self._row(found.row_of(found.cells.index(other[0]))),
            )

    def _triples(self, variable: Variable) -> tuple[list[tuple[str, str, str]], Codes]:
        """Distinct (variable, attribute, label) of one variable and which of them each row has."""
        columns = [self._column(variable.code), self._column(variable.attribute)]
        if variable.label is not None:
            columns.append(self._column(variable.label))
        codes = columns[0].codes + 1
        for column in columns[1:]:
            codes = combine(codes, column.codes + 1)
        _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
        triples = [
            tuple(
                str(column.cells[column.codes[position]]) if column.codes[position] >= 0 else ""
                for column in columns
            )
            for position in first
        ]
        padded = [(item[0], item[1], item[2] if len(item) > 2 else "") for item in triples]
        return padded, np.asarray(inverse.reshape(-1), dtype=np.int64)

    def _areas(self) -> tuple[list[tuple[str, str]], Codes, set[int]]:
        """Areas, which one each row has, and the numbers of the variables that hold them."""
        rows = self.table.num_rows
        areas: dict[tuple[str, str], int] = {}
        area_of = np.full(rows, -1, dtype=np.int64)
        taken: set[int] = set()
        for variable in self.layout.variables:
            triples, codes = self._triples(variable)
            if not any(area_levels(name) for name, _, _ in triples):
                continue
            taken.add(variable.number)
            lookup = np.full(len(triples), -1, dtype=np.int64)
            bad: list[int] = []
            for number, (name, written, _) in enumerate(triples):
                if not area_levels(name):
                    continue
                key = area_key(written, self.options.area, area_levels(name))
                if key is None:
                    bad.append(number)
                else:
                    lookup[number] = areas.setdefault(key, len(areas))
            if bad:
                row = self._row(int(np.argmax(codes == bad[0])))
                keys = [triples[number][1] for number in bad]
                self.issues.append(area_issue(keys, self.options.area, row, self.headers[variable.attribute]))
                return [], area_of, taken
            found = lookup[codes]
            if ((found >= 0) & (area_of >= 0)).any():
                row = self._row(int(np.argmax((found >= 0) & (area_of >= 0))))
                self._refuse(
                    "Zwei Gebietsangaben",
                    "Die Tabelle ordnet jede Zahl zwei Gebieten zu (zum Beispiel Wohnort und Arbeitsort). Solche "
                    "Tabellen lassen sich nicht übernehmen; bitte mit einer Gebietsangabe abrufen.",
                    row,
                )
            area_of = np.where(found >= 0, found, area_of)
        if (area_of < 0).any() and self.options.area.constant:
            constant = area_key(self.options.area.constant, self.options.area)
            if constant is not None:
                area_of = np.where(area_of < 0, areas.setdefault(constant, len(areas)), area_of)
        if (area_of < 0).any():
            self._refuse(
                "Gebiet fehlt",
                f"{int((area_of < 0).sum())} Zeilen nennen kein Gebiet. Gilt die Tabelle für Deutschland, bitte "
                "Bescheid geben, damit das bei der Quelle eingetragen wird.",
                self._row(int(np.argmax(area_of < 0))),
            )
        return list(areas), area_of, taken

    def _times(
        self, taken: set[int]
    ) -> tuple[list[DeliveryPeriod], Codes, list[tuple[str, str] | None], set[int]]:
        """Periods, which one each row has, the group member a part of a year becomes, and variables used up."""
        code, time = self._column(self.layout.time_code), self._column(self.layout.time)
        style: DateStyle = "TT.MM.JJJJ" if self.layout.old else "JJJJ-MM-TT"
        if issue := dates_issue(time.cells, Agreed(dates=style), self.headers[self.layout.time]):
            self.issues.append(issue)
            return [], time.codes, [], set()
        combined = combine(code.codes + 1, time.codes + 1)
        used: set[int] = set()
        month_texts: list[str] = [""]
        month_of_row = np.zeros(self.table.num_rows, dtype=np.int64)
        for variable in self.layout.variables:
            triples, codes = self._triples(variable)
            if variable.number not in taken and {name for name, _, _ in triples} == {"MONAT"}:
                used.add(variable.number)
                month_texts = [attribute for _, attribute, _ in triples]
                month_of_row = codes
        combined = combine(combined, month_of_row)
        _, first, inverse = np.unique(combined, return_index=True, return_inverse=True)
        moments: list[Moment] = []
        for position in first:
            written = str(time.cells[time.codes[position]]) if time.codes[position] >= 0 else ""
            kind = str(code.cells[code.codes[position]]) if code.codes[position] >= 0 else ""
            month = month_texts[month_of_row[position]]
            try:
                found = moment(written, kind)
                if month:
                    found = Moment(month_of(found.period.start.year, int(month.removeprefix("MONAT"))))
                moments.append(found)
            except ValueError:
                self._refuse(
                    "Zeitangabe",
                    f"Die Zeitangabe „{written}“ ({kind or 'ohne Art'}) ist nicht lesbar. Bitte unverändert aus der "
                    "Datenbank liefern.",
                    self._row(int(position)),
                    column=self.headers[self.layout.time],
                    value=written,
                )
                return [], combined, [], used
        periods = list(dict.fromkeys(item.period for item in moments))
        lookup = np.array([periods.index(item.period) for item in moments], dtype=np.int64)
        inverse = inverse.reshape(-1)
        self._part_of = np.asarray(inverse, dtype=np.int64)
        return periods, lookup[inverse], [item.part for item in moments], used

    def _groups(self, taken: set[int], time_members: list[tuple[str, str] | None]) -> tuple[list[str], Codes]:
        """Group ids and which one each row has."""
        rows = self.table.num_rows
        key = np.zeros(rows, dtype=np.int64)
        sources: list[tuple[list[tuple[str, str] | None], Codes]] = []
        if any(time_members):
            sources.append((time_members, self._part_of))
        for variable in self.layout.variables:
            if variable.number in taken:
                continue
            triples, codes = self._triples(variable)
            members = [self._member(*triple) for triple in triples]
            for number, (name, attribute, label) in enumerate(triples):
                if name and not attribute and label and label not in TOTAL_LABELS:
                    self._refuse(
                        "Ausprägung ohne Schlüssel",
                        f"Zur Ausprägung „{label}“ fehlt der Schlüssel; ohne Schlüssel steht nur „Insgesamt“. Bitte "
                        "unverändert aus der Datenbank liefern.",
                        self._row(int(np.argmax(codes == number))),
                        column=self.headers[variable.attribute],
                    )
            sources.append((members, codes))
        for _, codes in sources:
            key = combine(key, codes)
        _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
        names = []
        for position in first:
            members_here = [members[codes[position]] for members, codes in sources]
            names.append(group_id(dict(member for member in members_here if member is not None)))
        groups = list(dict.fromkeys(names))
        lookup = np.array([groups.index(name) for name in names], dtype=np.int64)
        return groups, lookup[inverse.reshape(-1)]

    def _member(self, variable: str, attribute: str, label: str) -> tuple[str, str] | None:
        """Dimension and member of an attribute; None for a total and where the figure does not have the variable."""
        dimension = self.options.dimensions.get(variable, variable.lower())
        mapped = self.options.members.get(variable, {}).get(attribute)
        if mapped is not None:
            return None if mapped == "total" else (dimension, mapped)
        if not variable or not attribute or label in TOTAL_LABELS:
            return None
        known = canonical(variable, attribute, label)
        if known is not None:
            return self.options.dimensions.get(variable, known[0]), known[1]
        return dimension, attribute.replace(";", "_").replace("=", "_")

    def _figure(
        self, figure: FigureColumn
    ) -> tuple[list[str], Codes, list[signs.Cell], Codes, npt.NDArray[np.bool_]]:
        """Measures, which one each row has, cells, which one each row has, and which are dashes."""
        rows = self.table.num_rows
        value = self._column(figure.value)
        marks = Encoded(np.full(rows, -1, dtype=np.int64), [])
        if figure.quality is not None:
            marks = self._column(figure.quality)
        header = self.headers[figure.value]
        numbers = [cell for cell in value.cells if cell not in signs.OFFICIAL]
        if issue := decimal_issue(numbers, Agreed(decimal=self.options.decimal), header, grouped=False):
            self.issues.append(issue)
        combined = combine(value.codes + 1, marks.codes + 1)
        _, first, inverse = np.unique(combined, return_index=True, return_inverse=True)
        cells: list[signs.Cell] = []
        bad: list[int] = []
        for position in first:
            written = str(value.cells[value.codes[position]]) if value.codes[position] >= 0 else ""
            mark = str(marks.cells[marks.codes[position]]) if marks.codes[position] >= 0 else ""
            try:
                cells.append(signs.read(written, self.options.decimal, mark))
            except ValueError:
                bad.append(int(position))
                cells.append(signs.MISSING)
        if bad:
            position = min(bad)
            written = str(value.cells[value.codes[position]]) if value.codes[position] >= 0 else ""
            self._refuse(
                "Keine Zahl" if written else "Wert fehlt",
                f"In der Spalte „{header}“ steht {f'„{written}“' if written else 'nichts'}; erwartet wird eine Zahl "
                "oder ein Zeichen der amtlichen Statistik. Bitte unverändert aus der Datenbank liefern.",
                self._row(position),
                column=header,
                value=written,
            )
        is_dash = np.array([cell in signs.NOTHING for cell in value.cells] + [False], dtype=bool)
        names, measure_of = self._measures(figure)
        return names, measure_of, cells, np.asarray(inverse.reshape(-1), dtype=np.int64), is_dash[value.codes]

    def _measures(self, figure: FigureColumn) -> tuple[list[str], Codes]:
        rows = self.table.num_rows
        if figure.code_column is None or figure.unit_column is None:
            pairs, codes = [(figure.code, figure.unit)], np.zeros(rows, dtype=np.int64)
            every = [(item.code, item.unit) for item in self.layout.figures]
        else:
            code, unit = self._column(figure.code_column), self._column(figure.unit_column)
            combined = combine(code.codes + 1, unit.codes + 1)
            _, first, inverse = np.unique(combined, return_index=True, return_inverse=True)
            codes = np.asarray(inverse.reshape(-1), dtype=np.int64)
            pairs = [
                (
                    str(code.cells[code.codes[position]]) if code.codes[position] >= 0 else "",
                    str(unit.cells[unit.codes[position]]) if unit.codes[position] >= 0 else "",
                )
                for position in first
            ]
            every = pairs
        if any(not code for code, _ in pairs):
            self._refuse(
                "Merkmal fehlt", "In einigen Zeilen fehlt der Schlüssel des Wertes. Bitte neu abrufen."
            )
        names = []
        for code_text, unit_text in pairs:
            default = code_text.lower()
            ending = unit_slug(unit_text)
            if ending and len({other for name, other in every if name == code_text}) > 1:
                default = f"{default}_{ending}"
            names.append(measure_id(self.options, code_text, unit_text, default))
        return names, codes
