"""`lagebild geheimhaltung`: exit codes, reports nobody else can read, JJ there and back."""

from __future__ import annotations

import csv
import stat
from pathlib import Path

import duckdb
import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from disclosure.jj import parse_jj
from lagebild.paths import InstancePaths
from orchestration.cli import app
from tests.orchestration.protection_fixture import write_warehouse

LEAKING = "Ort;m;w;Insgesamt\nA;12;*;14\nB;20;18;38\nInsgesamt;32;20;52\n"
SAFE = "Ort;m;w;Insgesamt\nA;*;*;14\nB;*;*;38\nInsgesamt;32;20;52\n"
COMPLETE = "Ort;m;w;Insgesamt\nA;12;2;14\nB;20;18;38\nInsgesamt;32;20;52\n"


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["geheimhaltung", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def written(folder: Path, text: str) -> Path:
    path = folder / "tabelle.csv"
    path.write_text(text, encoding="utf-8")
    return path


def is_private(path: Path) -> bool:
    return stat.S_IMODE(path.stat().st_mode) == 0o600


def test_exit_codes(tmp_path: Path) -> None:
    code, said = run("pruefen", written(tmp_path, LEAKING))
    assert code == 1 and "A · w = Insgesamt − m = 14 − 12 = 2" in said
    assert "Über 1 von 1 gesperrten Zellen gibt die Tabelle mehr preis, als sie soll." in said
    code, said = run("pruefen", written(tmp_path, SAFE))
    assert code == 0 and "Keine der 4 gesperrten Zellen" in said
    code, said = run("pruefen", written(tmp_path, COMPLETE))
    assert code == 2 and "keine Zelle gesperrt" in said
    assert run("pruefen", tmp_path / "fehlt.csv")[0] == 2
    assert run("pruefen")[0] == 2
    assert run("pruefen", "--instanz", "musterkreis")[0] == 2


def test_options_do_what_the_description_does(tmp_path: Path) -> None:
    path = written(tmp_path, LEAKING.replace("*", "geheim"))
    assert run("pruefen", path)[0] == 2
    assert run("pruefen", path, "--gesperrt", "geheim")[0] == 1
    assert run("pruefen", path, "--gesperrt", "geheim", "--schwelle", "2")[0] == 0
    description = tmp_path / "tabelle.yml"
    description.write_text("gesperrt: [geheim]\nschwelle: 2\n", encoding="utf-8")
    assert run("pruefen", path, "--beschreibung", description)[0] == 0
    assert run("pruefen", path, "--beschreibung", description, "--schwelle", "3")[0] == 1
    empty = written(tmp_path, LEAKING.replace("*", ""))
    assert run("pruefen", empty)[0] == 2
    assert run("pruefen", empty, "--leer-gesperrt")[0] == 1


def test_reports_are_complete_and_private(tmp_path: Path) -> None:
    path = written(tmp_path, LEAKING)
    for ending in ("xlsx", "csv", "html"):
        run("pruefen", path, "--bericht", tmp_path / f"bericht.{ending}")
        assert is_private(tmp_path / f"bericht.{ending}")
    with (tmp_path / "bericht.csv").open(encoding="utf-8-sig") as handle:
        (row,) = csv.DictReader(handle, delimiter=";")
    assert (row["Zelle"], row["mindestens"], row["höchstens"]) == ("A · w", "2", "2")
    assert row["Urteil"] == "genau bestimmbar"
    sheet = load_workbook(tmp_path / "bericht.xlsx")["Gesperrte Zellen"]
    assert [cell.value for cell in sheet[2]][1:7] == [
        "A · w",
        "Zeile 2, Spalte 3",
        "*",
        "genau bestimmbar",
        2,
        2,
    ]
    page = (tmp_path / "bericht.html").read_text(encoding="utf-8")
    assert "genau bestimmbar" in page and "14 − 12 = 2" in page
    code, said = run("pruefen", path, "--bericht", tmp_path / "bericht.docx")
    assert code == 1 and "Der Bericht ließ sich nicht schreiben" in said


def test_jj_there_and_back(tmp_path: Path) -> None:
    target = tmp_path / "tabelle.jj"
    code, said = run("jj-schreiben", written(tmp_path, COMPLETE), target)
    assert code == 0 and is_private(target) and "9 Zellen, 6 Gleichungen" in said
    table = parse_jj(target.read_text(encoding="ascii"))
    assert [cell.status for cell in table.cells].count("u") == 1
    # The single primary follows from its row.
    code, said = run("pruefen", target)
    assert code == 1 and "genau 2 – genau bestimmbar" in said
    # With the other three inner cells hidden as secondaries it is protected.
    lines = target.read_text().splitlines()
    for number in (0, 3, 4):
        lines[2 + number] = lines[2 + number].replace(" s ", " m ", 1)
    target.write_text("\n".join(lines) + "\n", encoding="ascii")
    code, said = run("pruefen", target)
    assert code == 0, said
    code, said = run("jj-lesen", target, tmp_path / "zellen.csv")
    assert code == 0 and is_private(tmp_path / "zellen.csv")
    with (tmp_path / "zellen.csv").open(encoding="utf-8-sig") as handle:
        rows = list(csv.DictReader(handle, delimiter=";"))
    assert len(rows) == 9 and {row["Status"] for row in rows} == {"s", "u", "m"}
    target.write_text("0\n3\n0 1\n", encoding="ascii")
    code, said = run("pruefen", target)
    assert code == 2 and "Zeile 3" in said
    code, said = run("jj-schreiben", written(tmp_path, SAFE), target)
    assert code == 2 and "Gesperrte Zellen haben keinen Wert" in said


def test_a_table_of_the_warehouse_is_exported(var: Path) -> None:
    paths = InstancePaths("musterkreis")
    code, said = run("export", "musterkreis")
    assert code == 2 and "noch nichts gerechnet" in said
    paths.protected.mkdir(parents=True)
    write_warehouse(paths.warehouse)
    code, said = run("export", "musterkreis")
    assert code == 0 and "faelle|2024  12 Zellen" in said
    code, said = run("export", "musterkreis", "faelle|2024")
    assert code == 0 and "Achtung: Die Datei enthält ungesperrte Zahlen" in said
    (file,) = (paths.protected / "jj").iterdir()
    assert is_private(file)
    table = parse_jj(file.read_text(encoding="ascii"))
    with duckdb.connect(str(paths.warehouse), read_only=True) as connection:
        expected = connection.execute(
            "select value_units, is_primary from disclosure.int_disclosure__table_cell "
            "where table_id = 'faelle|2024' order by cell_id"
        ).fetchall()
    assert [(int(cell.value), cell.status == "u") for cell in table.cells[: len(expected)]] == expected
    assert table.contradictions() == []
    code, said = run("export", "musterkreis", "faelle|1900")
    assert code == 2 and "gibt es nicht" in said


@pytest.mark.parametrize("command", ["pruefen", "jj-lesen", "jj-schreiben", "export"])
def test_help_is_german(command: str) -> None:
    code, said = run(command, "--help")
    assert code == 0 and any(word in said for word in ("Tabelle", "JJ-Datei"))
