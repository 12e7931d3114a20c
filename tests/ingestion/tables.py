"""Small made-up tables in the formats of the statistical offices, for the tests of their adapters."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ingestion.formats.base import ParsedDelivery
from lagebild.instance import SourceConfig

NEW_HEADER = (
    "statistics_code;statistics_label;time_code;time_label;time;"
    "1_variable_code;1_variable_label;1_variable_attribute_code;1_variable_attribute_label;"
    "2_variable_code;2_variable_label;2_variable_attribute_code;2_variable_attribute_label;"
    "value;value_unit;value_variable_code;value_variable_label;value_q"
)


def source(fmt: str, **options: Any) -> SourceConfig:
    """A registered source with these options."""
    return SourceConfig(
        id="tabelle",
        label="Tabelle",
        supplier="Amt",
        contact="Amt",
        legal_basis="Gesetz",
        format=fmt,
        files="x",
        tables=("observation",),
        cycle="yearly",
        reference_day="31.12.",
        options=options,
    )


def flat_row(
    value: str,
    area: str = "KREISE;Kreise;01056;Pinneberg, Kreis",
    member: str = "GES;Geschlecht;;Insgesamt",
    time: str = "STAG;Stichtag;2024-12-31",
    measure: str = "Anzahl;BEVSTD;Bevölkerungsstand",
    mark: str = "",
) -> str:
    """One line of the new ffcsv layout."""
    return f"12411;Fortschreibung;{time};{area};{member};{value};{measure};{mark}"


def flat(rows: Iterable[str], header: str = NEW_HEADER) -> bytes:
    """A file of the new ffcsv layout, with byte order mark."""
    return ("\ufeff" + "\n".join((header, *rows)) + "\n").encode()


def zipped(members: dict[str, bytes]) -> bytes:
    """A ZIP archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


PRINTED = """\
Tabelle: 99999-01i
Hilfen nach Art der Hilfe - Kreise - Jahr;;;;;;
Statistik der Hilfen;;;;;;
;;;Art der Hilfe;;;
;;;Insgesamt;;Beratung § 28;
;;;Hilfen;Begonnene Hilfen;Hilfen;Begonnene Hilfen
;;;Anzahl;Anzahl;Anzahl;Anzahl
2023;05;Nordrhein-Westfalen;300;150;30;15
2023;051;  Düsseldorf, Regierungsbezirk;200;100;20;10
2023;05111;    Düsseldorf, krfr. Stadt;120;60;-;.
2023;05154;    Kleve, Kreis;80;40;20;/
2023;053;  Köln, Regierungsbezirk;100;50;10;...
2023;05313;    Aachen, krfr. Stadt;x;(50)p;10s;5
__________
"Anmerkung;
über zwei Zeilen"
© Amt, 2025. Dieses Werk ist lizenziert unter der Datenlizenz Deutschland - Namensnennung - Version 2.0.
Stand: 27.11.2025 / 09:41:33
"""


def printed(text: str = PRINTED) -> bytes:
    """A printed table as a Landesdatenbank writes it."""
    return text.encode("cp1252")


def rows_of(parsed: ParsedDelivery) -> list[dict[str, Any]]:
    """Observations as dictionaries; the delivery must not be refused."""
    assert not parsed.refused, [issue.message for issue in parsed.issues]
    return parsed.tables["observation"].to_pylist()


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path
