"""The Prüfbericht as a workbook: `Übersicht` and `Beanstandungen`, one line per finding, to filter and tick off.

Text from deliveries goes into cells as text: what a spreadsheet would take for a formula is defused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingestion.landing.manifest import Manifest
from lagebild.instance import SourceConfig
from lagebild.spreadsheet import set_text

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

    from ingestion.landing.report import RuleGroup

SEVERITY: Final = {"refusal": "Fehler", "warning": "Hinweis"}
HEADERS: Final = ("Art", "Regel", "Datei", "Blatt", "Zeile", "Spalte", "Wert", "Was ist zu tun?", "Erledigt")
WIDTHS: Final = (10, 30, 34, 18, 8, 26, 18, 80, 12)


def write_workbook(
    path: Path,
    manifest: Manifest,
    source: SourceConfig,
    received: str,
    period: str,
    groups: Sequence[RuleGroup],
    column_label: Callable[[str | None], str],
) -> None:
    """Writes the workbook; `groups` are the findings by rule, refusals first."""
    from openpyxl import Workbook
    from openpyxl.worksheet.properties import PageSetupProperties

    book = Workbook()
    overview = book.active
    assert overview is not None
    overview.title = "Übersicht"
    refused = manifest.status == "quarantined"
    facts: list[tuple[str, Any]] = [
        ("Prüfbericht", source.label),
        ("Ergebnis", "Die Lieferung wurde zurückgewiesen." if refused else "Mit Hinweisen angenommen."),
        ("Was jetzt zu tun ist", _next_step(refused)),
        ("Lieferstelle", f"{source.supplier} ({source.contact})"),
        ("Datei", manifest.file_name),
        ("Eingegangen", received),
        ("Berichtszeitraum", period or "nicht erkannt"),
        ("Prüfsumme (SHA-256)", manifest.sha256),
        ("", ""),
        ("Regel", "Anzahl"),
        *((f"{SEVERITY[group.severity]}: {group.rule}", len(group.issues)) for group in groups),
    ]
    if source.personal:
        facts.append(("Hinweis", "Die Quelle enthält Einzelangaben zu Personen. Werte werden nicht genannt."))
    _fill(overview, facts, (32, 90))
    findings = book.create_sheet("Beanstandungen")
    lines = [
        (
            SEVERITY[issue.severity],
            issue.rule,
            manifest.file_name,
            issue.sheet or "",
            issue.row if issue.row is not None else "",
            column_label(issue.column),
            issue.value or "",
            issue.message,
            "",
        )
        for group in groups
        for issue in group.issues
    ]
    _fill(findings, [HEADERS, *lines], WIDTHS)
    findings.freeze_panes = "A2"
    findings.auto_filter.ref = f"A1:I{len(lines) + 1}"
    for sheet in (overview, findings):
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
        sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        sheet.print_title_rows = "1:1"
    book.save(path)


def _next_step(refused: bool) -> str:
    if refused:
        return (
            "Alle mit „Fehler“ bezeichneten Zeilen des Blatts „Beanstandungen“ berichtigen und die ganze Datei unter "
            "demselben Namen neu liefern. Bis dahin gilt die letzte gültige Lieferung."
        )
    return "Die Hinweise prüfen. Ist eine Zahl falsch, die berichtigte Datei neu liefern; sonst ist nichts zu tun."


def _fill(sheet: Worksheet, rows: Iterable[Sequence[Any]], widths: Sequence[int]) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    for column, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    colours = {"Fehler": "FDE3E1", "Hinweis": "FFF4D6"}
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(number, column)
            set_text(cell, value)
            cell.alignment = Alignment(vertical="top", wrap_text=True)
            if number == 1 or (len(widths) == 2 and column == 1):
                cell.font = Font(bold=True)
            if len(widths) > 2 and str(row[0]) in colours and number > 1:
                cell.fill = PatternFill("solid", fgColor=colours[str(row[0])])
