"""A raw table under its expected headers: aliases, missing and unknown columns, and how faults of cells are worded."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingestion.anonymise.columns import is_personal_header
from ingestion.formats import values
from ingestion.formats.base import DeliveryPeriod, Issue
from ingestion.formats.raw import Encoded, RawTable
from ingestion.formats.spec import Part, RowFilter


@dataclass(frozen=True)
class Context:
    """What holds for the whole file."""

    names: dict[str, str]
    """Named groups of the file name."""
    decimal: str
    personal: bool
    period: DeliveryPeriod | None
    may_be_empty: bool = False
    """No row is a statement too: nothing happened in the period."""
    refused_columns: tuple[str, ...] = ()
    """Further headers that must not be delivered (`protection.refuse_columns`)."""


def _plain(name: str) -> str:
    """For comparing names: small letters, umlauts without their dots (`Fälle`, `Fallzahl`)."""
    return "".join(
        sign for sign in unicodedata.normalize("NFKD", name.lower()) if not unicodedata.combining(sign)
    )


def affected(hint: str, count: int) -> str:
    """What to do, and how many rows it concerns."""
    return f"{hint} Betroffen: {count} {'Zeile' if count == 1 else 'Zeilen'}."


def expected_headers(part: Part) -> dict[str, tuple[str, ...]]:
    """All headers a part needs or knows, with their aliases; order as in the YAML."""
    found: dict[str, tuple[str, ...]] = {}

    def add(header: str, aliases: tuple[str, ...] = ()) -> None:
        if header:
            found[header] = tuple(dict.fromkeys((*found.get(header, ()), *aliases)))

    for column in (*part.columns.values(), *part.attributes.values()):
        add(column.header, column.aliases)
    if part.area:
        add(part.area.header, part.area.aliases)
    for figure in part.figures:
        add(figure.header, figure.aliases)
        add(figure.contributors)
        for header in (*figure.sum_of, *figure.minus):
            add(header)
        if figure.where:
            add(figure.where.header)
    for row_filter in part.skip_rows:
        add(row_filter.header)
    return found


def _optional_headers(part: Part) -> set[str]:
    columns = (*part.columns.values(), *part.attributes.values())
    needed = {column.header for column in columns if not column.optional}
    return {column.header for column in columns if column.optional} - needed


class Reader:
    """One raw table under its expected headers; `issues` says what is wrong with them."""

    def __init__(self, raw: RawTable, part: Part, context: Context, extra: tuple[str, ...] = ()) -> None:
        self.raw, self.part, self.context = raw, part, context
        self.issues: list[Issue] = []
        self.unreadable_cells: dict[tuple[str, str], tuple[str, int]] = {}
        """(rule, column) → what to do, number of rows: for joining the pieces of a file."""
        self.agreed_signs: set[str] = set()
        """Columns with numbers that can only be read with the agreed decimal sign."""
        self._positions: dict[str, int] = {}
        self._cache: dict[str, Encoded] = {}
        self._resolve(extra)

    def _resolve(self, extra: tuple[str, ...]) -> None:
        actual = {header: position for position, header in reversed(list(enumerate(self.raw.headers)))}
        used: set[str] = set()
        expected = expected_headers(self.part)
        for header in extra:
            expected.setdefault(header, ())
        for header, aliases in expected.items():
            if header in actual:
                self._positions[header] = actual[header]
                used.add(header)
                self._once(header)
                continue
            alias = next((name for name in aliases if name in actual), None)
            if alias is not None:
                self._positions[header] = actual[alias]
                used.add(alias)
                self._once(alias)
                self.issues.append(
                    self._issue(
                        "warning",
                        "Spaltenname geändert",
                        f"Die Spalte „{header}“ heißt in dieser Datei „{alias}“. Sie wurde erkannt; bitte künftig "
                        "den vereinbarten Namen verwenden.",
                        alias,
                    )
                )
            elif header not in _optional_headers(self.part):
                self.issues.append(
                    self._issue(
                        "refusal",
                        "Spalte fehlt",
                        f"In der Kopfzeile (Zeile {self.raw.header_row}) fehlt die Spalte „{header}“. Vorhanden sind: "
                        f"{', '.join(name for name in self.raw.headers if name)}. {self._meant(header, expected)}Bitte "
                        "die Spalte ergänzen oder den vereinbarten Namen verwenden.",
                        header,
                    )
                )
        for name in self.raw.headers:
            if name and name not in used and name not in self.part.ignored:
                if self.context.personal and is_personal_header(name, self.context.refused_columns):
                    self.issues.append(
                        self._issue(
                            "refusal",
                            "Personenbezogene Spalte",
                            f"Die Spalte „{name}“ darf nicht geliefert werden: Namen, Kontaktdaten, Kennnummern und "
                            "freie Texte sind für die Planung nicht erforderlich. Bitte ohne diese Spalte neu liefern.",
                            name,
                        )
                    )
                    continue
                self.issues.append(
                    self._issue(
                        "warning",
                        "Unbekannte Spalte",
                        f"Die Spalte „{name}“ ist nicht vereinbart und wird nicht übernommen.",
                        name,
                    )
                )

    def _once(self, header: str) -> None:
        """A column that is there twice says two things (often two tables side by side)."""
        if self.raw.headers.count(header) > 1:
            self.issues.append(
                self._issue(
                    "refusal",
                    "Spalte doppelt",
                    f"Die Spalte „{header}“ steht {self.raw.headers.count(header)} Mal in der Kopfzeile (Zeile "
                    f"{self.raw.header_row}). Bitte nur eine Tabelle und jede Spalte einmal liefern.",
                    header,
                )
            )

    def _meant(self, header: str, expected: dict[str, tuple[str, ...]]) -> str:
        """The column that may be the missing one under a new name."""
        known = {*expected, *(alias for aliases in expected.values() for alias in aliases)}
        unknown = [name for name in self.raw.headers if name and name not in known | set(self.part.ignored)]
        plain = {_plain(name): name for name in unknown}
        close = get_close_matches(_plain(header), plain, n=1, cutoff=0.6)
        return f"Ist „{plain[close[0]]}“ gemeint? " if close else ""

    def _issue(self, severity: Any, rule: str, message: str, column: str) -> Issue:
        return Issue(severity, rule, message, sheet=self.raw.sheet, row=self.raw.header_row, column=column)

    def column(self, header: str) -> Encoded | None:
        if header not in self._positions:
            return None
        if header not in self._cache:
            self._cache[header] = self.raw.encoded(self._positions[header])
        return self._cache[header]

    def plain_text(self, header: str) -> pa.Array | None:
        return self.raw.plain_text(self._positions[header]) if header in self._positions else None

    def written_header(self, header: str) -> str:
        return self.raw.headers[self._positions[header]]

    def matching(self, row_filter: RowFilter) -> npt.NDArray[np.bool_]:
        encoded = self.column(row_filter.header)
        if encoded is None:
            return np.zeros(len(self.raw.rows), dtype=bool)
        pattern = re.compile(row_filter.match)
        hits = [code for code, cell in enumerate(encoded.cells) if pattern.fullmatch(values.text(cell))]
        return np.isin(encoded.codes, hits)

    def unreadable(self, header: str, encoded: Encoded, cells: list[int], rule: str, hint: str) -> Issue:
        first = cells[0]
        count = encoded.count_of(cells)
        self.unreadable_cells[rule, self.written_header(header)] = (hint, count)
        return Issue(
            "refusal",
            rule,
            affected(hint, count),
            sheet=self.raw.sheet,
            row=int(self.raw.rows[encoded.row_of(first)]),
            column=self.written_header(header),
            value=None if self.context.personal else values.text(encoded.cells[first]),
        )

    def sign_warning(self, header: str, encoded: Encoded) -> Issue:
        other = "Dezimalpunkt" if self.context.decimal == "," else "Dezimalkomma"
        agreed = "Dezimalkomma" if self.context.decimal == "," else "Dezimalpunkt"
        return Issue(
            "warning",
            "Dezimalzeichen geändert",
            f"Die Zahlen sind mit {other} statt mit {agreed} geschrieben ({int((encoded.codes >= 0).sum())} Zeilen). "
            "Sie wurden richtig gelesen; bitte künftig die vereinbarte Schreibweise verwenden.",
            sheet=self.raw.sheet,
            row=int(self.raw.rows[0]),
            column=self.written_header(header),
        )
