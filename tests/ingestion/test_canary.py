"""Canaries: a name, an address, numbers and a birth date that exist once are planted in deliveries of every kind (good,
refused, broken) and then searched in everything that was written."""

from __future__ import annotations

import io
import logging
import os
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from ingestion.anonymise.reduction import Reduction
from ingestion.anonymise.review import REVIEW_NAME
from ingestion.landing.land import land_instance
from ingestion.landing.manifest import Manifest, read_manifests
from lagebild.instance import Instance

NAME: Final = "Kanarienvogelsdottir"
STREET: Final = "Zeisigflötenstieg"
HOUSE: Final = "84711"
PERSON: Final = "990047110815"
HOUSEHOLD: Final = "880047110815"
BIRTH: Final = "17.05.1948"
NOTE: Final = "Pflegt den Wellensittich"
CANARIES: Final = (
    NAME, NAME.upper(), STREET, "zeisigfloetenstieg", HOUSE, PERSON, HOUSEHOLD, BIRTH, "1948-05-17", "19480517", NOTE,
)  # fmt: skip

COMMON: Final[dict[str, Any]] = {
    "supplier": "Amt",
    "contact": "amt@beispiel.example",
    "legal_basis": "§ 34 BMG",
    "cycle": "half_yearly",
    "reference_day": "30.06.",
}
COLUMNS: Final[dict[str, Any]] = {
    "person_key": {"header": "Nummer"},
    "household_key": {"header": "Haushalt"},
    "gemeinde_code": {"header": "AGS"},
    "street": {"header": "Strasse"},
    "house_number": {"header": "Hausnummer"},
    "sex": {"header": "Geschlecht", "map": {"m": "m", "w": "f"}},
    "age": {"header": "Geburtsdatum", "kind": "age_from_birth_date"},
}
PROTECTION: Final[dict[str, Any]] = {
    "pseudonymise": ["person_key", "household_key"],
    "address": {"max_unmatched_share": 0.1},
}


def source(
    name: str, files: str, table: str, columns: dict[str, Any], part: dict[str, Any]
) -> dict[str, Any]:
    return COMMON | {
        "id": name,
        "label": name,
        "format": part.pop("format"),
        "files": f"${{INBOX}}/{name}/{files}",
        "tables": [table],
        "personal": True,
        "protection": dict(PROTECTION),
        "options": {
            "file_pattern": r".*_(?P<date>\d{4}-\d{2}-\d{2})(_.+)?\.\w+",
            "period": {"type": "stichtag"},
            "parts": [{"table": table, "columns": columns, **part}],
        },
    }


def sources() -> list[dict[str, Any]]:
    dated = {"reference_date": {"header": "Stichtag", "kind": "date"}}
    case_columns = {name: column for name, column in COLUMNS.items() if name != "person_key"}
    constants = {"constants": {"case_type": "probe"}}
    register = source("register", "*.csv", "person", dated | COLUMNS, {"format": "delimited"})
    hidden = {"ignored": ["Name", "Nummer", "Bemerkung"]}
    book = source(
        "akten",
        "*.xlsx",
        "case",
        case_columns,
        {"format": "workbook", "sheet": "Liste", **hidden, **constants},
    )
    query = {"query": "select * from fall", **hidden, **constants}
    base = source("datenbank", "*.sqlite", "case", case_columns, {"format": "database", **query})
    for item in (book, base):
        item["protection"]["pseudonymise"] = ["household_key"]
    addresses = COMMON | {
        "id": "adressen",
        "label": "Adressen",
        "format": "delimited",
        "files": "${INBOX}/adressen/*.csv",
        "tables": ["address"],
        "options": {
            "parts": [
                {
                    "table": "address",
                    "columns": {
                        "gemeinde_code": {"header": "AGS"},
                        "street": {"header": "Strasse"},
                        "house_number": {"header": "Hausnummer"},
                        "block_code": {"header": "Block"},
                    },
                }
            ]
        },
    }
    return [register, book, base, addresses]


HEADER: Final = "Stichtag;Nummer;Haushalt;AGS;Strasse;Hausnummer;Geschlecht;Geburtsdatum"
PLAIN: Final = [
    f"30.06.2024;{n};{n // 2};99901001;Lindenstr.;{n % 3 + 1};m;01.02.19{60 + n}" for n in range(20, 39)
]
CANARY: Final = f"30.06.2024;{PERSON};{HOUSEHOLD};99901001;{STREET};{HOUSE};w;{BIRTH}"


def csv(*rows: str, header: str = HEADER, encoding: str = "utf-8") -> bytes:
    return ("\n".join([header, *rows]) + "\n").encode(encoding)


REGISTERS: Final[dict[str, bytes]] = {
    "gut_2024-06-30.csv": csv(*PLAIN, CANARY),
    "kopie_2024-06-30_kopie.csv": csv(*PLAIN, CANARY),
    "spalte_2024-06-30_a.csv": csv(CANARY.rsplit(";", 1)[0], header=HEADER.rsplit(";", 1)[0]),
    "name_2024-06-30_b.csv": csv(f"{CANARY};{NAME}", header=f"{HEADER};Nachname"),
    "freitext_2024-06-30_c.csv": csv(f"{CANARY};{NOTE}", header=f"{HEADER};Bemerkungen"),
    "schluessel_2024-06-30_d.csv": csv(*PLAIN, CANARY.replace(";w;", f";{NAME};")),
    "datum_2024-06-30_e.csv": csv(*PLAIN, CANARY.replace(BIRTH, NAME)),
    "zukunft_2024-06-30_f.csv": csv(*PLAIN, CANARY, CANARY.replace(BIRTH, "17.05.2948")),
    "doppelt_2024-06-30_g.csv": csv(*PLAIN, CANARY, CANARY),
    "leer_2024-06-30_h.csv": csv(*PLAIN, CANARY.replace("99901001", "")),
    "abbruch_2024-06-30_i.csv": csv(*PLAIN, CANARY, CANARY[:60]),
    "zeichen_2024-06-30_j.csv": csv(*PLAIN, CANARY, encoding="cp1252"),
    "kopf_2024-06-30_k.csv": csv(CANARY, header=f"{NAME};{STREET}"),
    "ohnekopf_2024-06-30_l.csv": f"{CANARY}\n{CANARY}\n".encode(),
    "ohne_anschrift_2024-06-30_m.csv": csv(*[CANARY.replace(PERSON, f"{PERSON}{n}") for n in range(9)]),
    "name.csv": csv(CANARY),  # no date: the name does not follow the agreement
    "nichts_2024-06-30_n.csv": NAME.encode(),
    "kaputt_2024-06-30_o.csv": csv(*PLAIN, CANARY),
}
CASE_HEADER: Final = [
    "Nummer",
    "Name",
    "Haushalt",
    "AGS",
    "Strasse",
    "Hausnummer",
    "Geschlecht",
    "Geburtsdatum",
]
CASE: Final = [PERSON, NAME, HOUSEHOLD, "99901001", STREET, HOUSE, "w", BIRTH]
GOOD_CASES: Final = [
    [str(n), "X", str(n), "99901001", "Lindenstr.", "1", "m", "01.02.1960"] for n in range(30)
]


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Instance, str, list[str]]]:
    """All deliveries landed; the instance, all log output, all progress lines."""
    folder = tmp_path_factory.mktemp("canary")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    real = Reduction.table

    def breaking(self: Reduction, name: str, table: Any) -> Any:
        if table.num_rows == len(PLAIN) + 1 and broken["now"]:
            raise ValueError(f"cannot read {NAME} {PERSON}")
        return real(self, name, table)

    broken = {"now": False}
    lines: list[str] = []

    def progress(line: str) -> None:
        lines.append(line)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAGEBILD_VAR", str(folder / "var"))
        config = folder / "instance"
        (config / "sources").mkdir(parents=True)
        for item in sources():
            text = yaml.safe_dump(item, allow_unicode=True)
            (config / "sources" / f"{item['id']}.yml").write_text(text, encoding="utf-8")
        instance = Instance("probe", config)
        _deliver(instance)
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        try:
            kaputt = instance.paths.inbox / "register" / "kaputt_2024-06-30_o.csv"
            content = kaputt.read_bytes()
            kaputt.unlink()
            land_instance(instance, progress)
            # Not the same content as the good one, or it would be known.
            kaputt.write_bytes(content + b"\n")
            broken["now"] = True
            patch.setattr(Reduction, "table", breaking)
            land_instance(instance, progress)
        finally:
            root.removeHandler(handler)
            root.setLevel(level)
        yield instance, stream.getvalue(), lines


def _deliver(instance: Instance) -> None:
    inbox = instance.paths.inbox
    for name in ("register", "akten", "datenbank", "adressen"):
        (inbox / name).mkdir(parents=True)
    rows = [f"99901001;Lindenstraße;{n};99901001B0001" for n in range(1, 4)]
    (inbox / "adressen" / "adressen.csv").write_bytes(csv(*rows, header="AGS;Strasse;Hausnummer;Block"))
    for name, content in REGISTERS.items():
        (inbox / "register" / name).write_bytes(content)
    for name, cases in (
        ("gut_2024-06-30.xlsx", [*GOOD_CASES, CASE]),
        ("schlecht_2024-06-30_a.xlsx", [*GOOD_CASES, [*CASE[:6], NAME, BIRTH]]),
    ):
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        sheet.title = "Liste"
        for row in (CASE_HEADER, *cases):
            sheet.append(row)
        book.properties.creator = NAME
        book.save(inbox / "akten" / name)
    for name, cases in (
        ("gut_2024-06-30.sqlite", [*GOOD_CASES, CASE]),
        ("schlecht_2024-06-30_a.sqlite", [*GOOD_CASES, [*CASE[:7], NAME]]),
    ):
        base = sqlite3.connect(inbox / "datenbank" / name)
        base.execute(f"create table fall ({', '.join(f'{column} text' for column in CASE_HEADER)})")
        base.executemany(f"insert into fall values ({', '.join('?' * len(CASE))})", cases)
        base.commit()
        base.close()
    moment = datetime(2024, 7, 1, tzinfo=UTC).timestamp()
    for path in inbox.rglob("*.*"):
        os.utime(path, (moment, moment))


def canaries_in(content: bytes) -> set[str]:
    """Canaries in bytes, in the encodings and character references a file may have, and inside zip members."""
    content = re.sub(rb"&#(\d+);", lambda reference: chr(int(reference[1])).encode(), content)
    found = {
        canary
        for canary in CANARIES
        for encoding in ("utf-8", "cp1252", "utf-16-le")
        if canary.encode(encoding) in content
    }
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                found |= canaries_in(archive.read(member))
    return found


def canaries_of(path: Path) -> set[str]:
    """Canaries in a file, its name, and – where it is Parquet – its decoded cells."""
    found = canaries_in(path.read_bytes()) | canaries_in(path.name.encode())
    if path.suffix == ".parquet":
        table = pq.read_table(path, partitioning=None)
        cells = "\n".join(str(cell) for column in table.columns for cell in column.to_pylist())
        found |= canaries_in(cells.encode()) | canaries_in(str(table.schema.metadata).encode())
    return found


def manifests(instance: Instance) -> dict[str, Manifest]:
    return {item.file_name: item for item in read_manifests(instance)}


def test_the_search_finds_canaries_where_they_are(tmp_path: Path) -> None:
    path = tmp_path / "gut.csv"
    path.write_bytes(REGISTERS["gut_2024-06-30.csv"])
    assert canaries_of(path) == {STREET, HOUSE, PERSON, HOUSEHOLD, BIRTH}
    pq.write_table(pa.table({"a": [NAME] * 3}), tmp_path / "a.parquet", compression="zstd")
    assert canaries_of(tmp_path / "a.parquet") == {NAME}
    book = openpyxl.Workbook()
    book.worksheets[0].append(CASE)
    book.save(tmp_path / "a.xlsx")
    assert canaries_of(tmp_path / "a.xlsx") >= {NAME, PERSON, STREET}
    path.write_bytes(REGISTERS["zeichen_2024-06-30_j.csv"])
    assert STREET in canaries_of(path)


def test_deliveries_went_the_way_they_should(delivered: tuple[Instance, str, list[str]]) -> None:
    """Otherwise the search below would say nothing."""
    instance, log, _ = delivered
    verdicts = {
        name: (item.status, [issue.rule for issue in item.issues])
        for name, item in manifests(instance).items()
    }
    landed = {name for name, (status, _) in verdicts.items() if status == "landed"}
    assert landed == {
        "adressen.csv",
        "gut_2024-06-30.csv",
        "gut_2024-06-30.xlsx",
        "gut_2024-06-30.sqlite",
        "ohne_anschrift_2024-06-30_m.csv",
    }
    assert verdicts["name_2024-06-30_b.csv"][1] == ["Personenbezogene Spalte"]
    assert verdicts["freitext_2024-06-30_c.csv"][1] == ["Personenbezogene Spalte"]
    assert verdicts["zukunft_2024-06-30_f.csv"][1] == ["Kein Geburtsdatum"]
    assert verdicts["kaputt_2024-06-30_o.csv"][1] == ["Datei konnte nicht gelesen werden"]
    assert verdicts["ohne_anschrift_2024-06-30_m.csv"][1] == ["Anschriften nicht zuordenbar"]
    assert "could not be read: ValueError" in log
    assert len(verdicts) == 1 + len(REGISTERS) - 1 + 4  # the copy is known, everything else is a delivery
    good = manifests(instance)["gut_2024-06-30.csv"]
    assert (good.rows, good.addresses["matched"], good.addresses["street_unknown"]) == ({"person": 20}, 19, 1)
    folder = instance.paths.landing / "register" / good.delivery_id
    table = pq.read_table(folder / "person.parquet")
    assert table["age"].to_pylist()[-1] == 76 and table["block_code"].to_pylist()[-1] is None
    assert (folder / REVIEW_NAME).exists()


def test_no_canary_in_anything_that_was_written(delivered: tuple[Instance, str, list[str]]) -> None:
    instance, log, lines = delivered
    files = [path for path in instance.paths.root.parent.rglob("*") if path.is_file()]
    kinds = {path.suffix for path in files}
    assert kinds >= {".parquet", ".json", ".age", ".xlsx", ".html", ".jsonl"}
    found = {path.relative_to(instance.paths.root.parent).as_posix(): canaries_of(path) for path in files}
    assert {name: canaries for name, canaries in found.items() if canaries} == {}
    assert canaries_in(log.encode()) == set()
    assert canaries_in("\n".join(lines).encode()) == set()


def test_inbox_is_empty_but_for_the_address_register(delivered: tuple[Instance, str, list[str]]) -> None:
    instance, _, _ = delivered
    left = {path.name for path in instance.paths.inbox.rglob("*") if path.is_file()}
    assert left == {"adressen.csv"}
    assert not list((instance.paths.protected / "landing_work").iterdir())


def test_folders_of_personal_deliveries_are_closed(delivered: tuple[Instance, str, list[str]]) -> None:
    instance, _, _ = delivered
    for manifest in read_manifests(instance):
        zone = instance.paths.landing if manifest.status == "landed" else instance.paths.quarantine
        if manifest.source_id != "adressen":
            assert (zone / manifest.source_id / manifest.delivery_id).stat().st_mode & 0o077 == 0
