"""Labels and cells of a printed table: to members, measures and values.

Belongs here: what a text over or beside a figure means. Not here: where it stands (`nrw_layout`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ingestion.formats import signs
from ingestion.formats.base import Issue
from ingestion.formats.detect import Agreed, decimal_issue
from ingestion.formats.nrw_layout import LayoutFault, PrintedTable
from ingestion.formats.official import TOTAL_LABELS, canonical_label, slug, unit_slug
from ingestion.formats.official_table import OfficialOptions, measure_id

Member = tuple[str, str] | None
"""Dimension and member of a label; None for a total."""


class NrwOptions(OfficialOptions):
    """Options of `format: nrw_table`. Variables are named by their label; those of a row have none and are named in
    `row_dimensions`, in the order of their columns."""

    encoding: str = "cp1252"
    row_dimensions: tuple[str, ...] = ()


def members(labels: Sequence[str], variable: str, fallback: str, options: NrwOptions) -> list[Member]:
    """Dimension and member of every label. Sex, nationality and age are recognised where all labels say so."""
    written = [label.strip() for label in labels]
    mapped = options.members.get(variable, {})
    named = {label for label in written if label not in TOTAL_LABELS and label not in mapped}
    canonical = {label: canonical_label(label) for label in named}
    dimensions = {found[0] for found in canonical.values() if found is not None}
    known = bool(named) and None not in canonical.values() and len(dimensions) == 1
    if known:
        dimension = options.dimensions.get(variable, dimensions.pop())
    else:
        dimension = options.dimensions.get(variable, slug(variable) or fallback)
    found: list[Member] = []
    for label in written:
        own = canonical.get(label)
        if label in mapped:
            found.append(None if mapped[label] == "total" else (dimension, mapped[label]))
        elif label in TOTAL_LABELS:
            found.append(None)
        else:
            found.append((dimension, own[1] if known and own else slug(label) or "ohne_angabe"))
    return found


def measures(table: PrintedTable, options: NrwOptions) -> list[str]:
    """Measure id per column: as mapped, else the slug of the label, with the unit where a label has several."""
    names = []
    for label, unit in zip(table.measures, table.units, strict=True):
        default = slug(label) or slug(table.code)
        ending = unit_slug(unit)
        units = {other for name, other in zip(table.measures, table.units, strict=True) if name == label}
        if ending and len(units) > 1:
            default = f"{default}_{ending}"
        names.append(measure_id(options, label, unit, default))
    return names


def cells(
    table: PrintedTable, options: NrwOptions, agreed: Agreed, issues: list[Issue]
) -> tuple[list[signs.Cell], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    written = [cell.strip() for row in table.rows for cell in row.cells[table.keys :]]
    distinct = list(dict.fromkeys(written))
    if issue := decimal_issue([cell for cell in distinct if cell not in signs.OFFICIAL], agreed):
        fault = LayoutFault(issue.rule, "")
        fault.issue = issue
        raise fault
    cells: list[signs.Cell] = []
    width = len(table.measures)
    for cell in distinct:
        try:
            cells.append(signs.read(cell, options.decimal) if cell else signs.MISSING)
        except ValueError:
            row = table.rows[written.index(cell) // width]
            raise LayoutFault(
                "Keine Zahl",
                f"Statt einer Zahl oder eines Zeichens der amtlichen Statistik steht hier „{cell}“ "
                f"({written.count(cell)} Zellen). Bitte unverändert abrufen.",
                row.number,
            ) from None
    if "" in distinct:
        place = written.index("") // width
        message = (
            f"{written.count('')} Zellen sind leer und gelten als nicht geliefert. Die Landesdatenbank setzt sonst ein "
            "Zeichen; bitte prüfen, ob die Datei bearbeitet wurde."
        )
        issues.append(Issue("warning", "Leere Zellen", message, row=table.rows[place].number))
    position = {cell: number for number, cell in enumerate(distinct)}
    cell_of = np.array([position[cell] for cell in written], dtype=np.int64)
    dashes = np.array([cell in signs.NOTHING for cell in distinct], dtype=bool)[cell_of]
    return cells, cell_of, dashes
