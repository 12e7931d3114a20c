"""Large files arrive in pieces: what lands and what is reported is the same as for the whole file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.formats import delimited
from ingestion.formats.base import StoredTable, columns
from ingestion.formats.delimited import DelimitedAdapter
from ingestion.landing import store
from ingestion.landing.contracts import TABLES
from ingestion.landing.land import land_source
from ingestion.landing.store import PieceStore
from lagebild.instance import Instance
from tests.ingestion.test_formats import source
from tests.ingestion.test_landing import ROWS, Deliver, deliver, folder_of, instance, only, register

__all__ = ["deliver", "instance"]  # fixtures

OPTIONS: dict[str, Any] = {
    "file_pattern": r"kosten_(?P<year>\d{4})\.csv",
    "period": {"type": "stichtag", "header": "Stichtag"},
    "parts": [
        {
            "table": "case",
            "constants": {"case_type": "egh"},
            "columns": {
                "amount_eur": {"header": "Kosten", "kind": "decimal"},
                "age": {"header": "Geboren", "kind": "age_from_birth_date"},
                "sex": {"header": "Geschlecht", "map": {"m": "m", "w": "f"}},
            },
        }
    ],
}
CELLS = st.tuples(
    st.sampled_from(["31.12.2024"] * 12 + ["31.12.2023", ""]),
    st.sampled_from(["12,50", "7", "12.50", "1.234,50", "viel"]),
    st.sampled_from(["01.02.1990", "29.02.2000", "00.00.1980", "01.01.2030", "?"]),
    st.sampled_from(["m", "w", "x", ""]),
)
LINE = st.one_of(CELLS.map(";".join), st.sampled_from(["", "   ", ";;;"]))


def parse(path: Path, rows: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, ...]:
    monkeypatch.setattr(delimited, "PIECE_ROWS", rows)
    # Arrow hands over what one block holds: small blocks, so that pieces end within the file.
    monkeypatch.setattr(delimited, "_BLOCK_BYTES", 64 if rows < 100 else 1 << 20)
    parsed = DelimitedAdapter().parse(path, source("delimited", OPTIONS))
    table = parsed.tables["case"].to_pylist() if "case" in parsed.tables else None
    return table, sorted(parsed.issues, key=str), parsed.period


def unpositioned(outcome: tuple[Any, ...]) -> tuple[Any, ...]:
    """Where notations or days are mixed, the row named and the wording depend on how far the file was read."""
    table, issues, period = outcome
    if any("Stichtag" in issue.rule for issue in issues):
        # Several days, none, or another one than the file name's: named is what was met first.
        return table, ["Stichtag" for issue in issues], None
    mixed = any(issue.rule in ("Keine Zahl", "Dezimalzeichen geändert") for issue in issues)
    if not mixed:
        return outcome
    refused = any(issue.severity == "refusal" for issue in issues)
    rest = [issue for issue in issues if issue.rule not in ("Keine Zahl", "Dezimalzeichen geändert")]
    return table, refused, [replace(issue, message="") for issue in rest], period


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINE, max_size=25))
def test_pieces_say_what_the_whole_says(
    lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kosten_2024.csv"
    path.write_text("\n".join(["Titel", "Stichtag;Kosten;Geboren;Geschlecht", *lines]) + "\n")
    whole = parse(path, 10_000, monkeypatch)
    assert unpositioned(parse(path, 2, monkeypatch)) == unpositioned(whole)


def test_counts_and_first_rows_are_those_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kosten_2024.csv"
    good, bad = "31.12.2024;1,5;01.02.1990;m", "31.12.2024;1,5;01.02.2030;q"
    path.write_text(
        "\n".join(["Stichtag;Kosten;Geboren;Geschlecht", *[good] * 9, "", *[bad] * 5, *[good] * 9, bad])
    )
    _, issues, _ = parse(path, 3, monkeypatch)
    assert {(issue.rule, issue.row) for issue in issues} == {
        ("Kein Geburtsdatum", 12),
        ("Unbekannter Schlüssel", 12),
    }
    assert all("Betroffen: 6 Zeilen" in issue.message for issue in issues)


def test_decimal_signs_that_change_in_the_middle_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kosten_2024.csv"
    rows = [f"31.12.2024;{amount};01.02.1990;m" for amount in ["1,50"] * 12 + ["2.50"] * 12]
    path.write_text("\n".join(["Stichtag;Kosten;Geboren;Geschlecht", *rows]) + "\n")
    table, issues, _ = parse(path, 3, monkeypatch)
    assert table is None and [issue.rule for issue in issues] == ["Keine Zahl"]


def test_a_delivery_in_pieces_lands_like_any_other(
    instance: Instance, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "PIECE_ROWS", 40)
    monkeypatch.setattr(delimited, "_BLOCK_BYTES", 1024)
    monkeypatch.setattr(store, "ROW_GROUP", 50)
    rows = [ROWS[0].replace("p1", f"p{number}") for number in range(300)]
    deliver(rows=rows)
    source_config = register(protection={"pseudonymise": ["person_key"]}, checks={"expected_rows_min": 1})
    assert land_source(instance, source_config).landed == 1
    manifest = only(instance)
    folder = folder_of(instance, manifest)
    table = pq.read_table(folder / "person.parquet")
    assert table.schema.equals(TABLES["person"])
    assert table["source_row"].to_pylist() == list(range(2, 302))
    assert len(set(table["person_key"].to_pylist())) == 300
    assert manifest.rows == {"person": 300}
    assert not (folder / "pieces").exists()
    # The gate sees all pieces: the same person in the first and in the last one.
    deliver(
        "register_2023-12-31.csv", rows=[row.replace("30.06.2024", "31.12.2023") for row in [*rows, rows[0]]]
    )
    assert land_source(instance, source_config).quarantined == 1


def test_stored_tables_are_read_by_column(tmp_path: Path) -> None:
    pieces = PieceStore(tmp_path / "pieces")
    pieces.add("one", pa.table({"a": [1]}))
    for number in range(3):
        pieces.add("many", pa.table({"a": [number], "b": [str(number)]}))
    tables = pieces.tables()
    assert isinstance(tables["one"], pa.Table)
    many = tables["many"]
    assert isinstance(many, StoredTable)
    assert (many.num_rows, many.column_names) == (3, ["a", "b"])
    assert columns(many, ["b"]).to_pydict() == {"b": ["0", "1", "2"]}
    assert many.column("a").to_pylist() == [0, 1, 2]
