"""Files in JJ format: audited, read into CSV, written from a table or from the warehouse.

Belongs here: files and their protection. Does not belong here: the format (`disclosure.jj`).
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from disclosure.jj import JJError, JJTable, format_jj, from_linked, parse_jj, to_linked
from lagebild.instance import Instance
from orchestration.pruefung.description import Description
from orchestration.pruefung.grid import read_grids
from orchestration.pruefung.published import Unreadable
from orchestration.pruefung.report import write_private
from orchestration.pruefung.system import build_system
from orchestration.pruefung.tables import read_table
from orchestration.pruefung.verdict import SECONDS, TableAudit, judge_linked

_CSV_COLUMNS = (
    "Zelle",
    "Wert",
    "Kosten",
    "Status",
    "Untergrenze",
    "Obergrenze",
    "Schutz unten",
    "Schutz oben",
    "Schutz gleitend",
    "Gleichungen",
)


def read_jj_file(path: Path) -> JJTable:
    """Raises Unreadable with file and line."""
    if not path.is_file():
        raise Unreadable(f"Die Datei {path} gibt es nicht.")
    try:
        return parse_jj(path.read_text(encoding="latin-1"))
    except JJError as error:
        raise Unreadable(f"{path.name}: {error}") from error


def write_jj_file(table: JJTable, path: Path) -> None:
    """Readable by its owner only: a JJ file holds the figures that are to be hidden."""
    write_private(path, format_jj(table).encode("ascii"))


def audit_jj_file(path: Path, *, seconds: float = SECONDS) -> TableAudit:
    """Attacks the cells u and m of a JJ file. Raises Unreadable."""
    jj = read_jj_file(path)
    try:
        read = to_linked(jj, path.name)
    except JJError as error:
        raise Unreadable(f"{path.name}: {error}") from error
    if not read.is_hidden.any():
        raise Unreadable(f"{path.name}: In der Datei ist keine Zelle gesperrt (Status u oder m).")
    labels = [f"Zelle {cell.number}" for cell in jj.cells]
    return judge_linked(
        read.table, read.is_hidden, labels, read.offset.tolist(), 10**read.decimals, seconds=seconds
    )


def write_cells(table: JJTable, path: Path) -> None:
    """One line per cell, and the numbers of its equations."""
    where: dict[int, list[str]] = defaultdict(list)
    for number, equation in enumerate(table.equations, 1):
        for part, _ in equation.terms:
            where[part].append(str(number))
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(_CSV_COLUMNS)
    for cell in table.cells:
        figures = (cell.value, cell.cost, cell.status, cell.lower, cell.upper)
        levels = (cell.lower_protection, cell.upper_protection, cell.sliding)
        texts = [str(item).replace(".", ",") for item in (cell.number, *figures, *levels)]
        writer.writerow([*texts, " ".join(where[cell.number])])
    write_private(path, out.getvalue().encode("utf-8-sig"))


def table_as_jj(path: Path, description: Description) -> JJTable:
    """A complete table as JJ: counts below the threshold are primary, what sums need is added. Raises Unreadable."""
    grids = read_grids(
        path, description.blatt, description.hidden_signs, description.nichts, description.fehlt
    )
    if len(grids) > 1:
        names = ", ".join(f"»{grid.name}«" for grid in grids)
        raise Unreadable(
            f"{path.name} hat mehrere Blätter ({names}); bitte eines in der Beschreibung nennen (blatt)."
        )
    table = read_table(grids[0], description, path.parent, needs_hidden=False)
    system = build_system(table, description.assumptions)
    if (system.is_hidden & system.is_printed).any():
        raise Unreadable(
            f"{path.name}: Gesperrte Zellen haben keinen Wert, den eine JJ-Datei enthalten könnte."
        )
    if system.dropped:
        raise Unreadable(f"{path.name}: {system.dropped[0]}")
    linked = system.table
    threshold = description.schwelle * table.scale
    primary = (linked.base > 0) & (linked.base < threshold) & system.is_printed
    marked = replace(
        linked,
        is_primary=primary,
        lower_goal=np.where(primary, 0, linked.base),
        upper_goal=np.where(primary, threshold, linked.base),
    )
    return from_linked(marked)


def exportable_tables(instance: Instance) -> list[str]:
    """Tables of the instance's warehouse with something to protect, one line each. Raises Unreadable."""
    from orchestration.pruefung.warehouse_tables import list_tables

    return list_tables(instance)


def export_table(instance: Instance, table_id: str, target: Path | None) -> tuple[Path, JJTable]:
    """A table of the warehouse with its present pattern as JJ file, by default in the protected zone."""
    from orchestration.pruefung.warehouse_tables import load_table

    table, is_hidden = load_table(instance, table_id)
    written = from_linked(table, is_hidden)
    name = "".join(sign if sign.isalnum() else "_" for sign in table_id)
    path = target or instance.paths.protected / "jj" / f"{name}.jj"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_jj_file(written, path)
    return path, written
