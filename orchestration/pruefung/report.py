"""The answer as text for the terminal and as CSV, workbook or page.

Belongs here: German words and formats. Does not belong here: verdicts (`verdict`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, select_autoescape

from lagebild.spreadsheet import csv_text, set_text
from orchestration.pruefung.verdict import HiddenCell, TableAudit, Verdict, span

COLUMNS = (
    "Tabelle",
    "Zelle",
    "Stelle",
    "Zeichen",
    "Urteil",
    "mindestens",
    "höchstens",
    "ohne Ganzzahligkeit",
    "Rechenweg",
)
_SHOWN = 20
"""Lines per table on the terminal; all are in the report."""


def summary(audit: TableAudit) -> list[str]:
    """What the terminal shows for one table."""
    lines = [headline(audit)]
    lines += [f"  {note}" for note in audit.notes]
    lines += [f"  Widerspruch: {item}" for item in audit.contradictions]
    lines += [f"  {count:>6}  {verdict.value}" for verdict, count in audit.counts.items()]
    bad = [cell for cell in audit.cells if cell.verdict.is_disclosure]
    for cell in bad[:_SHOWN]:
        lines.append(f"  {cell.label} ({cell.place}): {cell.span} – {cell.verdict.value}")
        lines += [f"      {line}" for line in cell.reason.splitlines()]
    if len(bad) > _SHOWN:
        lines.append(f"  … und {len(bad) - _SHOWN} weitere Zellen (alle mit --bericht)")
    return lines


def headline(audit: TableAudit) -> str:
    if audit.is_derived:
        return f"{audit.name}: {len(audit.cells)}"
    return f"{audit.name}: {audit.printed} Zahlen gezeigt, {len(audit.cells)} gesperrt"


def conclusion(audits: Sequence[TableAudit]) -> str:
    """One sentence over all tables."""
    cells = [cell for audit in audits if not audit.is_derived for cell in audit.cells]
    bad = sum(cell.verdict.is_disclosure for cell in cells)
    derived = sum(cell.verdict.is_disclosure for audit in audits if audit.is_derived for cell in audit.cells)
    open_ones = sum(cell.verdict is Verdict.UNDECIDED for cell in cells)
    rest = f" {open_ones} Zellen sind in der Zeit nicht entschieden (--zeit)." if open_ones else ""
    if derived:
        rest = f" {derived} kleine Zahlen, die nirgends stehen, folgen aus Quoten.{rest}"
    if bad:
        verb = "gibt die Tabelle mehr preis" if bad == 1 else "geben die Tabellen mehr preis"
        return f"Über {bad} von {len(cells)} gesperrten Zellen {verb}, als sie soll.{rest}"
    return f"Keine der {len(cells)} gesperrten Zellen lässt sich unter die Schwelle eingrenzen.{rest}"


def write_report(audits: Sequence[TableAudit], path: Path) -> None:
    """Writes xlsx, csv or html by the ending of `path`; raises ValueError for another one.

    The report names figures that were hidden: it is readable by its owner only.
    """
    ending = path.suffix.lower()
    if ending == ".csv":
        content = _csv(audits).encode("utf-8-sig")
    elif ending == ".html":
        content = _html(audits).encode()
    elif ending == ".xlsx":
        content = _xlsx(audits)
    else:
        raise ValueError("Der Bericht wird als .xlsx, .csv oder .html geschrieben.")
    write_private(path, content)


def write_private(path: Path, content: bytes) -> None:
    """A file nobody else on the machine may read, also while it is being written."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)


def _values(audit: TableAudit, cell: HiddenCell) -> list[str | float | None]:
    return [
        audit.name,
        cell.label,
        cell.place,
        cell.sign,
        cell.verdict.value,
        cell.lower,
        cell.upper,
        span(cell.real_lower, cell.real_upper),
        cell.reason,
    ]


def _csv(audits: Sequence[TableAudit]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for audit in audits:
        for cell in audit.cells:
            row = [
                csv_text(value)
                if isinstance(value, str)
                else ""
                if value is None
                else f"{value:g}".replace(".", ",")
                for value in _values(audit, cell)
            ]
            writer.writerow(row)
    return out.getvalue()


def _html(audits: Sequence[TableAudit]) -> str:
    environment = Environment(
        loader=PackageLoader("orchestration.pruefung", "."), autoescape=select_autoescape(default=True)
    )
    return environment.get_template("bericht.html.j2").render(
        audits=audits, conclusion=conclusion(audits), headline=headline, span=span
    )


def _xlsx(audits: Sequence[TableAudit]) -> bytes:
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font

    book = Workbook()
    overview = book.active
    assert overview is not None
    overview.title = "Überblick"
    overview["A1"] = conclusion(audits)
    overview["A1"].font = Font(bold=True)
    line = 3
    for audit in audits:
        set_text(overview.cell(line, 1), audit.name)
        overview.cell(line, 1).font = Font(bold=True)
        line += 1
        for verdict, count in audit.counts.items():
            overview.cell(line, 1, verdict.value)
            overview.cell(line, 2, count)
            line += 1
        for text in (*audit.notes, *(f"Widerspruch: {item}" for item in audit.contradictions)):
            set_text(overview.cell(line, 1), text)
            line += 1
        line += 1
    overview.column_dimensions["A"].width = 90
    sheet = book.create_sheet("Gesperrte Zellen")
    for column, title in enumerate(COLUMNS, 1):
        sheet.cell(1, column, title).font = Font(bold=True)
    row = 2
    for audit in audits:
        for cell in audit.cells:
            for column, value in enumerate(_values(audit, cell), 1):
                set_text(sheet.cell(row, column), value)
            sheet.cell(row, len(COLUMNS)).alignment = Alignment(wrap_text=True, vertical="top")
            row += 1
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    for letter, width in zip("ABCDEFGHI", (24, 40, 28, 9, 30, 12, 12, 20, 80), strict=True):
        sheet.column_dimensions[letter].width = width
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
