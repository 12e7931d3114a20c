"""A free cross table as a workbook: sheet `Werte`, sheet `Hinweise`. Pure: a `CrossTable` in, bytes out."""

from __future__ import annotations

import io
import itertools
from datetime import date

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from lagebild import german
from lagebild.instance import InstanceConfig
from lagebild.spreadsheet import set_text
from orchestration.cross_table.tabulate import CrossTable

_HEAD = PatternFill("solid", fgColor="DCE8EE")
_NOT_DELIVERED = "nicht geliefert"


def warning(deviation: int) -> str:
    """The label every table carries."""
    return (
        "Werte mit der Cell-Key-Methode überlagert; Summen weichen ab; "
        f"Maximalabweichung {deviation} je Wert."
    )


def workbook(table: CrossTable, config: InstanceConfig, made_on: date) -> bytes:
    """The file. Values of areas whose supplier has not delivered are words, not zeros."""
    asked = table.request
    labels = asked.names
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "Werte"
    *rows_by, columns = table.members
    title = f"{asked.label} nach {', '.join(labels)}, {table.period_label}"
    set_text(sheet.cell(1, 1), title)
    sheet.cell(1, 1).font = Font(bold=True, size=13)
    set_text(sheet.cell(2, 1), warning(asked.settings.max_deviation))
    sheet.cell(2, 1).font = Font(bold=True, color="9A3412")
    head = ["Gebietsschlüssel", "Gebiet", *labels[:-1], *(label for _, label in columns)]
    for position, text in enumerate(head, start=1):
        title_cell = sheet.cell(4, position)
        set_text(title_cell, text)
        title_cell.font, title_cell.fill = Font(bold=True), _HEAD
        title_cell.alignment = Alignment(wrap_text=True, vertical="top")
    line = 5
    for area in table.areas:
        for chosen in itertools.product(*rows_by):
            texts = [area.code, area.name, *(label for _, label in chosen)]
            for position, text in enumerate(texts, start=1):
                set_text(sheet.cell(line, position), text)
            codes = tuple(code for code, _ in chosen)
            for position, (code, _) in enumerate(columns, start=len(texts) + 1):
                value = table.shown.get((area.area_key, *codes, code), 0)
                figure = sheet.cell(line, position, _NOT_DELIVERED if area.is_missing else value)
                figure.number_format = "#,##0"
            line += 1
    for position in range(1, len(head) + 1):
        sheet.column_dimensions[get_column_letter(position)].width = 30 if position == 2 else 16
    sheet.freeze_panes = f"{get_column_letter(3 + len(rows_by))}5"
    _notes(book.create_sheet("Hinweise"), table, config, title, made_on)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _notes(sheet: Worksheet, table: CrossTable, config: InstanceConfig, title: str, made_on: date) -> None:
    settings = table.request.settings
    blocked = (
        f"Werte von 1 bis {settings.blocked} kommen nicht vor, und eine 0 kann für wenige Fälle stehen: "
        "Solche Fallzahlen erscheinen als 0 oder als mindestens "
        f"{settings.blocked + 1}."
        if settings.blocked
        else "Auch kleine Werte sind überlagert: Eine gezeigte 0 kann für wenige Fälle stehen."
    )
    lines = [
        title,
        warning(settings.max_deviation),
        "Jeder Wert ist um eine kleine Zufallszahl verändert, im Mittel um null. Dieselben Fälle erhalten in jeder "
        "Tabelle dieselbe Veränderung; mehrfaches Abfragen macht den Wert nicht genauer.",
        "Auch die Zeilen und Spalten »insgesamt« sind eigens überlagert. Sie sind nicht die Summe der gezeigten Werte "
        "und nicht die Werte der Veröffentlichung.",
        blocked,
        "Anteile aus kleinen Werten sind unsicher: Bei einem Wert von 20 kann die wahre Zahl um bis zu "
        f"{german.number(100 * settings.max_deviation / 20)} Prozent abweichen.",
        f"»{_NOT_DELIVERED}«: Die zuständige Stelle hat für diesen Zeitraum noch nicht geliefert."
        if any(area.is_missing for area in table.areas)
        else "",
        f"Einheit: {table.request.unit}. Grundlage: {settings.decision}.",
        f"{config.attribution}. Erstellt am {german.day(made_on)}.",
        "Synthetische Daten, keine Aussage über einen wirklichen Kreis." if config.synthetic else "",
    ]
    sheet.column_dimensions["A"].width = 110
    for position, text in enumerate(filter(None, lines), start=1):
        set_text(sheet.cell(position, 1), text)
        sheet.cell(position, 1).alignment = Alignment(wrap_text=True, vertical="top")


__all__ = ["warning", "workbook"]
