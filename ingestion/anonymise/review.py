"""Addresses that found no block: counts for the manifest, and a list for whoever keeps the address register.

The list holds no personal data: streets (normalised) with many rows and several house numbers, never a house number;
everything rarer is one sum per Gemeinde ("weitere"). A family name that slipped into the street field is rarer.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np
import openpyxl
from openpyxl.styles import Font

from ingestion.anonymise.register import Located, Outcome
from ingestion.formats.base import Issue
from lagebild.protection import AddressRule

REVIEW_NAME: Final = "klaerungsliste.xlsx"
REASONS: Final = {
    Outcome.STREET_UNKNOWN: "Straße fehlt im Adressregister",
    Outcome.HOUSE_UNKNOWN: "Hausnummern fehlen im Adressregister",
    Outcome.AMBIGUOUS: "Hausnummer liegt in mehreren Baublöcken",
}
OTHERS: Final = "weitere"


class AddressTally:
    """Counts of one delivery, over all its pieces."""

    def __init__(self, rule: AddressRule) -> None:
        self.rule = rule
        self.outcomes: Counter[Outcome] = Counter()
        self._rows: Counter[tuple[Outcome, str, str]] = Counter()
        self._houses: dict[tuple[Outcome, str, str], set[str]] = {}

    def add(self, located: Located) -> None:
        codes, counts = np.unique(located.outcome, return_counts=True)
        self.outcomes.update({Outcome(code): int(n) for code, n in zip(codes, counts, strict=True)})
        rows = np.flatnonzero(np.isin(located.outcome, [int(reason) for reason in REASONS]))
        gemeinden = located.gemeinde.take(rows).to_pylist()
        for row, gemeinde in zip(rows, gemeinden, strict=True):
            street = located.street_keys[located.street[row]]
            key = (Outcome(located.outcome[row]), gemeinde or "", street)
            self._rows[key] += 1
            self._houses.setdefault(key, set()).add(located.house_cell(int(row)))  # counted, never listed

    @property
    def total(self) -> int:
        return sum(self.outcomes.values())

    @property
    def unmatched(self) -> int:
        return self.total - self.outcomes[Outcome.MATCHED]

    def counts(self) -> dict[str, int]:
        """Rows per outcome, for the manifest."""
        return {outcome.name.lower(): self.outcomes[outcome] for outcome in Outcome}

    def issues(self) -> list[Issue]:
        """What is said about the rate; silent below the agreed share."""
        if not self.total or self.unmatched / self.total <= self.rule.max_unmatched_share:
            return []
        share = f"{100 * self.unmatched / self.total:.1f}".replace(".", ",")
        limit = f"{100 * self.rule.max_unmatched_share:.1f}".replace(".", ",")
        return [
            Issue(
                self.rule.on_excess,
                "Anschriften nicht zuordenbar",
                f"{share} % der Zeilen ({self.unmatched} von {self.total}) konnten keinem Baublock zugeordnet werden; "
                f"vereinbart sind höchstens {limit} %. Davon ohne Anschrift: "
                f"{self.outcomes[Outcome.NO_ADDRESS]}, Straße unbekannt: {self.outcomes[Outcome.STREET_UNKNOWN]}, "
                f"Hausnummer unbekannt: {self.outcomes[Outcome.HOUSE_UNKNOWN]}, nicht eindeutig: "
                f"{self.outcomes[Outcome.AMBIGUOUS]}. Bitte Anschriften und Stand des Adressregisters prüfen.",
            )
        ]

    def listing(self) -> list[tuple[str, str, str, int]]:
        """(Gemeinde, reason, street or "weitere", rows), most frequent first; "weitere" last."""
        named: list[tuple[str, str, str, int]] = []
        rest: Counter[tuple[str, str]] = Counter()
        for (outcome, gemeinde, street), rows in self._rows.items():
            houses = len(self._houses[outcome, gemeinde, street])
            if rows >= self.rule.review_persons and houses >= self.rule.review_houses:
                named.append((gemeinde, REASONS[outcome], street, rows))
            else:
                rest[gemeinde, REASONS[outcome]] += rows
        named.sort(key=lambda entry: (-entry[3], entry))
        # A remainder below the threshold would say as much as a street named: it is summed over all Gemeinden.
        few: Counter[str] = Counter()
        for (gemeinde, reason), rows in sorted(rest.items()):
            if rows >= self.rule.review_persons:
                named.append((gemeinde, reason, OTHERS, rows))
            else:
                few[reason] += rows
        return named + [("", reason, OTHERS, rows) for reason, rows in sorted(few.items())]

    def write(self, folder: Path) -> Path | None:
        """Writes the list as a workbook into `folder`; None where there is nothing to review."""
        listing = self.listing()
        if not listing:
            return None
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        sheet.title = "Klärungsliste"
        sheet.append(["Gemeinde", "Grund", "Straße (vereinheitlicht)", "Zeilen"])
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        for entry in listing:
            sheet.append(entry)
        for column, width in zip("ABCD", (12, 42, 40, 10), strict=True):
            sheet.column_dimensions[column].width = width
        sheet.freeze_panes = "A2"
        path = folder / REVIEW_NAME
        book.save(path)
        path.chmod(0o600)
        return path
