"""The table of bad input: every fault of the list × the formats it can come in, and what has to be said about it.

Belongs here: cases only. They are tried in test_fault_matrix.py; docs/bad-input.md tells suppliers the same.
"""
# ruff: noqa: E501 - one case per line reads like the table it is

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from openpyxl.worksheet.worksheet import Worksheet

from tests.ingestion import faults as f
from tests.ingestion.tables import flat, flat_row, zipped


@dataclass(frozen=True)
class Case:
    """One fault in one format: the file, and what has to be said about it."""

    fault: str
    bench: str
    content: Callable[[], bytes]
    rule: str
    severity: Literal["refusal", "warning"] = "refusal"
    row: int | None = None
    column: str | None = None
    sheet: str | None = None
    value: str | None = None
    words: str = ""
    """Part of the message."""

    @property
    def id(self) -> str:
        return f"{self.fault}-{self.bench}".replace(" ", "_")


def spoilt(bench: str, change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    """The newest sound file of a format, changed."""
    return lambda: change(f.BENCHES[bench].sound[f.BENCHES[bench].name])


def changed(row: int, column: int, cell: object) -> tuple[f.Row, ...]:
    """The sound rows with one cell exchanged (0-based)."""
    return tuple(
        tuple(cell if (at, number) == (row, column) else old for number, old in enumerate(line))
        for at, line in enumerate(f.ROWS)
    )


def thousandfold() -> tuple[f.Row, ...]:
    return tuple((*row[:2], row[2] * 1000, *row[3:]) for row in f.ROWS)


def put(cell: str, value: Any) -> f.Hook:
    def hook(page: Worksheet) -> None:
        page[cell] = value

    return hook


def merge(cells: str) -> f.Hook:
    return lambda page: page.merge_cells(cells)


def second_table(page: Worksheet) -> None:
    for number, row in enumerate([f.HEADERS, *f.ROWS], start=8):
        for column, cell in enumerate(row, start=1):
            page.cell(number, column, cell)


def beside(page: Worksheet) -> None:
    for number, row in enumerate([f.HEADERS, *f.ROWS], start=1):
        for column, cell in enumerate(row, start=8):
            page.cell(number, column, cell)


def stored_formula() -> bytes:
    """A formula with the result Excel leaves beside it."""
    content = f.as_xlsx(hook=put("C3", "=40+40"))
    return f.replaced(content, "xl/worksheets/sheet1.xml", b"<f>40+40</f><v></v>", b"<f>40+40</f><v>80</v>")


ORDER: Final = (3, 0, 4, 2, 1)
REORDERED = tuple(tuple(row[at] for at in ORDER) for row in f.ROWS)
ORDERED_HEADERS = tuple(f.HEADERS[at] for at in ORDER)
RENAMED = tuple("Fallzahl" if name == "Fälle" else name for name in f.HEADERS)
HTML = b"<!DOCTYPE html><html><body>Bitte anmelden</body></html>"
BIFF_START = f.record(0x0809, bytes.fromhex("0006050000000000000000000000000000"[:32]))


def xls(*records: bytes) -> bytes:
    return f.compound(("Workbook", BIFF_START + b"".join(records)))


def bomb() -> bytes:
    return zipped({"a_flat.csv": b"0;" * (12 << 20)})


CASES: Final = [
    # --- transport
    *[
        Case("leere Datei", name, lambda: b"", "Leere Datei")
        for name in ("delimited", "layouts", "workbook", "datenbogen", "database", "ffcsv", "inkar", "ba_workbook")
    ],
    *[
        Case("abgeschnittenes Archiv", name, spoilt(name, lambda content: content[:-200]), "Archiv beschädigt")
        for name in ("workbook", "datenbogen", "ffcsv", "inkar", "ba_workbook")
    ],
    *[
        Case("beschädigtes Archiv (Prüfsumme)", name, spoilt(name, f.with_wrong_checksum), "Archiv beschädigt")
        for name in ("workbook", "ffcsv", "inkar")
    ],
    Case("abgeschnittene Datei", "delimited", lambda: f.as_csv()[:-22], "Zeile unvollständig", row=4),
    Case("abgeschnittene Datei", "database", lambda: f.as_sqlite()[:700], "Datenbank nicht lesbar"),
    Case("Kennwort", "ffcsv", lambda: f.with_password_bit(f.as_flat()), "Kennwort"),
    *[
        Case("Kennwort", name, lambda: f.compound(("EncryptionInfo", b"x"), ("EncryptedPackage", b"y")), rule)
        for name, rule in (("workbook", "Kennwort"), ("datenbogen", "Kennwort"), ("inkar", "Kennwort"), ("ba_workbook", "Kennwort"))
    ],
    Case("Kennwort (altes Excel)", "inkar", lambda: xls(f.record(0x2F, bytes(6))), "Kennwort"),
    *[
        Case("Makros", name, spoilt(name, lambda content: f.with_member(content, "xl/vbaProject.bin", b"x")), "Makros")
        for name in ("workbook", "datenbogen", "inkar", "ba_workbook")
    ],
    Case("Makroblatt (XLM)", "workbook", lambda: f.with_member(f.as_xlsx(), "xl/macrosheets/sheet1.xml", b"<a/>"), "Makros"),
    Case("Makroblatt (XLM)", "inkar", lambda: xls(f.record(0x85, bytes(4) + b"\x00\x01" + b"\x01\x00a")), "Makros"),
    Case("eingebettetes Objekt", "workbook", lambda: f.with_member(f.as_xlsx(), "xl/embeddings/oleObject1.bin", b"x"), "Eingebettete Objekte"),
    Case("Verknüpfung mit anderen Dateien", "workbook", lambda: f.with_member(f.as_xlsx(), "xl/externalLinks/externalLink1.xml", b"<a/>"), "Verknüpfung mit anderen Dateien", "warning"),
    Case("Zip-Bombe", "ffcsv", bomb, "Archiv zu groß"),
    Case("Zip-Bombe", "workbook", lambda: f.with_member(f.as_xlsx(), "xl/media/a.xml", b"0" * (24 << 20)), "Archiv zu groß"),
    Case("Zip-Bombe (Zelle in der letzten Ecke)", "workbook", lambda: f.as_xlsx(hook=put("XFD1048576", 1)), "Blatt zu groß"),
    Case("Zip-Bombe (Zelle in der letzten Ecke)", "inkar", lambda: f.as_inkar(hook=put("XFD1048576", 1)), "Blatt zu groß"),
    Case("Zip-Bombe (Entitäten)", "workbook", lambda: f.replaced(f.as_xlsx(), "xl/workbook.xml", b"<workbook", b'<!DOCTYPE a [<!ENTITY b "c">]><workbook'), "Aufbau nicht lesbar"),
    Case("Archiv im Archiv", "ffcsv", lambda: f.with_member(f.as_flat(), "b.zip", zipped({"c": b"d"})), "Archiv im Archiv", value="b.zip"),
    Case("Pfad hinaus (..)", "ffcsv", lambda: zipped({"../../a_flat.csv": flat(f.FLAT_ROWS)}), "Unzulässiger Name im Archiv", value="../../a_flat.csv"),
    Case("Pfad hinaus (absolut)", "ffcsv", lambda: zipped({"/etc/a.csv": flat(f.FLAT_ROWS)}), "Unzulässiger Name im Archiv", value="/etc/a.csv"),
    Case("Pfad hinaus (Laufwerk)", "ffcsv", lambda: zipped({"C:\\a.csv": flat(f.FLAT_ROWS)}), "Unzulässiger Name im Archiv"),
    Case("Pfad hinaus (..)", "workbook", lambda: f.with_member(f.as_xlsx(), "../xl/a.xml", b"<a/>"), "Unzulässiger Name im Archiv", value="../xl/a.xml"),
    Case("Verknüpfung im Archiv", "ffcsv", lambda: f.with_link(f.as_flat()), "Verknüpfung im Archiv", value="verweis.csv"),
    # --- another kind of file
    Case("HTML statt Tabelle", "workbook", lambda: HTML, "Andere Dateiart", words="HTML-Seite"),
    Case("HTML statt Tabelle", "delimited", lambda: HTML, "Andere Dateiart", words="HTML-Seite"),
    Case("CSV mit der Endung xlsx", "workbook", f.as_csv, "Andere Dateiart", words="Textdatei"),
    Case("Excel mit der Endung csv", "delimited", f.as_xlsx, "Andere Dateiart", words="Excel-Arbeitsmappe"),
    Case("Excel mit der Endung csv", "layouts", f.as_xlsx, "Andere Dateiart", words="Excel-Arbeitsmappe"),
    Case("altes Excel mit der Endung xlsx", "workbook", xls, "Andere Dateiart", words="alter Art"),
    Case("PDF statt Tabelle", "datenbogen", lambda: b"%PDF-1.7 ...", "Andere Dateiart", words="PDF"),
    Case("Text statt Datenbank", "database", f.as_csv, "Andere Dateiart", words="SQLite"),
    Case("Nullbytes", "delimited", lambda: f.as_csv().replace(b"Chor", b"Ch\x00r"), "Unlesbare Zeichen", row=4),
    # --- how it is written
    Case("falscher Zeichensatz", "delimited", lambda: f.as_csv(encoding="cp1252"), "Zeichensatz", words="cp1252"),
    Case("falscher Zeichensatz", "layouts", lambda: f.as_csv(encoding="cp1252"), "Zeichensatz"),
    Case("falscher Zeichensatz (UTF-16)", "delimited", lambda: f.as_csv(encoding="utf-16"), "Zeichensatz", words="utf-16"),
    Case("falscher Zeichensatz", "ffcsv", lambda: zipped({"a.csv": ("\n".join([flat([]).decode("utf-8-sig").strip(), *(row.replace("Kiel", "Köln") for row in f.FLAT_ROWS)])).encode("cp1252")}), "Zeichensatz"),
    Case("anderes Trennzeichen", "delimited", lambda: f.as_csv(delimiter="|"), "Trennzeichen", words="senkrechter Strich"),
    Case("gemischte Dezimalzeichen", "delimited", lambda: f.as_csv(changed(1, 3, "7.25")), "Keine Zahl", row=3, column="Quote", value="7.25"),
    Case("gemischte Dezimalzeichen", "workbook", lambda: f.as_xlsx(changed(1, 3, "7.25")), "Keine Zahl", row=3, column="Quote", sheet="Blatt", value="7.25"),
    Case("gemischte Dezimalzeichen", "database", lambda: f.as_sqlite(changed(1, 3, "7.25")), "Keine Zahl", column="Quote", value="7.25"),
    Case("gemischte Dezimalzeichen", "ffcsv", lambda: f.as_flat([flat_row("3,5", area="KREISE;Kreise;01001;F"), flat_row("2.5", area="KREISE;Kreise;01002;K")]), "Dezimalzeichen"),
    Case("durchweg anderes Dezimalzeichen", "delimited", lambda: f.as_csv([(*row[:3], row[3].replace(",", "."), row[4]) for row in f.ROWS]), "Dezimalzeichen geändert", "warning", column="Quote"),
    Case("Zahl als Text (1.234)", "workbook", lambda: f.as_xlsx(changed(0, 2, "1.234")), "Zahl als Text", "warning", row=2, column="Fälle", value="1.234"),
    # --- structure
    Case("Kopfzeile in Zeile 14", "delimited", lambda: f.as_csv(above=["Bericht"] * 13), "Kopfzeile verschoben", "warning", row=14),
    Case("Kopfzeile in Zeile 14", "workbook", lambda: f.as_xlsx(above=13), "Kopfzeile verschoben", "warning", row=14, sheet="Blatt"),
    Case("Kopfzeile in Zeile 14", "inkar", lambda: f.as_xlsx(f.INKAR_ROWS[1:], f.INKAR_ROWS[0], above=13, sheet="Daten"), "Kopfzeile verschoben", "warning", row=14),
    Case("Kopfzeile fehlt", "workbook", lambda: f.as_xlsx(f.ROWS[1:], f.ROWS[0]), "Kopfzeile nicht gefunden", sheet="Blatt"),
    Case("Kopfzeile fehlt", "inkar", lambda: f.as_inkar(f.INKAR_ROWS[1:]), "Kopfzeile fehlt"),
    Case("zwei Tabellen untereinander", "workbook", lambda: f.as_xlsx(hook=second_table), "Zwei Tabellen", row=8, sheet="Blatt"),
    Case("zwei Tabellen nebeneinander", "workbook", lambda: f.as_xlsx(hook=beside), "Spalte doppelt", row=1, column="Schlüssel"),
    Case("zwei Tabellen untereinander", "delimited", lambda: f.as_csv() + f.as_csv(), "Zwei Tabellen", row=5),
    Case("zwei Tabellen untereinander", "inkar", lambda: f.as_inkar([*f.INKAR_ROWS, *f.INKAR_ROWS]), "Unbekannte Kennziffer", row=5),
    Case("verbundene Zellen", "workbook", lambda: f.as_xlsx(hook=merge("C2:C4")), "Verbundene Zellen", row=2, column="Fälle", value="C2:C4"),
    Case("verbundene Zellen", "ba_workbook", lambda: f.as_ba(hook=merge("A4:A5")), "Verbundene Zellen", row=4, value="A4:A5"),
    Case("verbundene Zellen", "inkar", lambda: f.as_inkar(hook=merge("A3:A4")), "Unbekannte Kennziffer", row=4),
    Case("verbundene Zellen", "datenbogen", lambda: f.a_form(hook=merge("A6:A7")), "Aufbau verändert"),
    Case("geänderte Spaltenfolge", "delimited", lambda: f.as_csv(REORDERED, ORDERED_HEADERS), "", "warning"),
    Case("geänderte Spaltenfolge", "workbook", lambda: f.as_xlsx(REORDERED, ORDERED_HEADERS), "", "warning"),
    Case("umbenannte Spalte", "delimited", lambda: f.as_csv(headers=RENAMED), "Spalte fehlt", column="Fälle", words="Ist „Fallzahl“ gemeint?"),
    Case("umbenannte Spalte", "layouts", lambda: f.as_csv(headers=RENAMED), "Spalte fehlt", column="Fälle", words="Ist „Fallzahl“ gemeint?"),
    Case("umbenannte Spalte", "workbook", lambda: f.as_xlsx(headers=RENAMED), "Spalte fehlt", column="Fälle", sheet="Blatt", words="Ist „Fallzahl“ gemeint?"),
    Case("umbenannte Spalte", "database", lambda: f.as_sqlite(headers=RENAMED), "Spalte fehlt", column="Fälle", words="Ist „Fallzahl“ gemeint?"),
    Case("umbenannte Spalte", "ffcsv", lambda: f.as_flat(header=flat([]).decode("utf-8-sig").strip().replace(";value;", ";wert;")), "Spalte fehlt"),
    Case("umbenannte Spalte", "ba_workbook", lambda: f.as_ba([[cell if cell != "Insgesamt" else "Alle" for cell in row] for row in f.BA_ROWS]), "Spalte fehlt"),
    Case("umbenannte Spalte", "datenbogen", lambda: f.a_form(hook=put("C5", "Fallzahl")), "Aufbau verändert", row=5, value="Fallzahl"),
    Case("umbenannte Spalte (bekannter Name)", "delimited", lambda: f.as_csv(headers=tuple("Anteil" if name == "Quote" else name for name in f.HEADERS)), "Spaltenname geändert", "warning", column="Anteil"),
    # --- cells
    Case("Formel ohne Ergebnis", "workbook", lambda: f.as_xlsx(hook=put("C3", "=40+40")), "Formel ohne Ergebnis", row=3, column="Fälle", value="C3"),
    Case("Formel statt Wert", "workbook", stored_formula, "Formel statt Wert", "warning", row=3, column="Fälle", value="C3"),
    Case("Formel statt Wert", "inkar", lambda: f.as_inkar(hook=put("D3", "=1+1")), "Formel statt Wert", value="D3"),
    Case("Formel statt Wert", "ba_workbook", lambda: f.as_ba(hook=put("B4", "=1+1")), "Formel statt Wert", value="B4"),
    Case("Formel statt Wert", "datenbogen", lambda: f.a_form(hook=put("C7", "=40+40")), "Formel statt Zahl", row=7),
    Case("Text statt Zahl", "datenbogen", lambda: f.a_form(hook=put("C7", "etwa 80")), "Keine Zahl", row=7, value="etwa 80"),
    Case("Datum als Zahl", "delimited", lambda: f.as_csv(changed(1, 4, "45657")), "Kein Datum", row=3, column="Stand", value="45657", words="Tageszahl"),
    Case("Datum als Zahl", "workbook", lambda: f.as_xlsx(changed(1, 4, 45657)), "Kein Datum", row=3, column="Stand", value="45657", words="Tageszahl"),
    Case("Datum als Zahl", "database", lambda: f.as_sqlite(changed(1, 4, 45657)), "Kein Datum", column="Stand", value="45657", words="Tageszahl"),
    Case("mehrere Stichtage", "workbook", lambda: f.as_xlsx(changed(1, 4, "30.06.2024")), "Mehrere Stichtage", row=3, column="Stand"),
    # --- content, judged by the gate
    Case("unbekannter Gebietsschlüssel", "delimited", lambda: f.as_csv(changed(1, 0, "91777")), "Unbekannter Gebietsschlüssel", row=3, value="91777"),
    Case("unbekannter Gebietsschlüssel", "workbook", lambda: f.as_xlsx(changed(1, 0, "91777")), "Unbekannter Gebietsschlüssel", row=3, value="91777"),
    Case("unbekannter Gebietsschlüssel", "database", lambda: f.as_sqlite(changed(1, 0, "91777")), "Unbekannter Gebietsschlüssel", value="91777"),
    Case("unbekannter Gebietsschlüssel", "inkar", lambda: f.as_inkar([*f.INKAR_ROWS, ["01099", "Neu", "Kreise", 1, 2]]), "Unbekannter Gebietsschlüssel", row=5, value="01099"),
    Case("unbekannter Gebietsschlüssel", "ba_workbook", lambda: f.as_ba([*f.BA_ROWS, ["01099 Neu", 1, 2]]), "Unbekannter Gebietsschlüssel", row=6, value="01099"),
    Case("unbekannter Gebietsschlüssel", "ffcsv", lambda: f.as_flat([*f.FLAT_ROWS, flat_row("5", area="KREISE;Kreise;01099;Neu")]), "Unbekannter Gebietsschlüssel", value="01099"),
    Case("ungültige Form des Schlüssels", "delimited", lambda: f.as_csv(changed(1, 0, "9100")), "Unbekanntes Gebiet", row=3, column="Schlüssel", value="9100"),
    Case("aufgelöster Gebietsschlüssel", "delimited", lambda: f.as_csv(changed(1, 0, "91009")), "Aufgelöster Gebietsschlüssel", row=3, value="91009"),
    Case("aufgelöster Gebietsschlüssel", "workbook", lambda: f.as_xlsx(changed(1, 0, "91009")), "Aufgelöster Gebietsschlüssel", row=3, value="91009"),
    Case("negative Anzahl", "delimited", lambda: f.as_csv(changed(1, 2, -80)), "Negative Zahl", row=3, value="-80.0"),
    Case("negative Anzahl", "workbook", lambda: f.as_xlsx(changed(1, 2, -80)), "Negative Zahl", row=3, value="-80.0"),
    Case("negative Anzahl", "database", lambda: f.as_sqlite(changed(1, 2, -80)), "Negative Zahl", value="-80.0"),
    Case("negative Anzahl", "inkar", lambda: f.as_inkar([*f.INKAR_ROWS[:3], ["01002", "Kiel", "Kreise", -9000, 8900]]), "Negative Zahl", row=4),
    Case("negative Anzahl", "datenbogen", lambda: f.a_form(entries=(120, -80, 40)), "Wert außerhalb des Möglichen", row=7, value="-80"),
    Case("tausendfacher Wert", "delimited", lambda: f.as_csv(thousandfold()), "Größenordnung", row=2),
    Case("tausendfacher Wert", "workbook", lambda: f.as_xlsx(thousandfold()), "Größenordnung", row=2),
    Case("tausendfacher Wert", "database", lambda: f.as_sqlite(thousandfold()), "Größenordnung"),
    Case("tausendfacher Wert", "datenbogen", lambda: f.a_form(entries=(120_000, 80_000, 40_000)), "Größenordnung"),
    Case("doppelte Zeilen", "delimited", lambda: f.as_csv([*f.ROWS, f.ROWS[1]]), "Doppelte Zeile", row=3, words="Dieselbe Angabe"),
    Case("doppelte Zeilen", "workbook", lambda: f.as_xlsx([*f.ROWS, f.ROWS[1]]), "Doppelte Zeile", row=3, words="Dieselbe Angabe"),
    Case("doppelte Zeilen", "database", lambda: f.as_sqlite([*f.ROWS, f.ROWS[1]]), "Doppelte Zeile"),
    Case("doppelte Zeilen", "inkar", lambda: f.as_inkar([*f.INKAR_ROWS, f.INKAR_ROWS[2]]), "Doppelte Kennziffer", row=5),
    Case("doppelte Zeilen", "ba_workbook", lambda: f.as_ba([*f.BA_ROWS, f.BA_ROWS[3]]), "Doppelte Angabe"),
    Case("doppelte Zeilen (andere Zahl)", "ffcsv", lambda: f.as_flat([*f.FLAT_ROWS, flat_row("99", area="KREISE;Kreise;01002;Kiel")]), "Widersprüchliche Angaben"),

]  # fmt: skip
