"""Nothing that leaves as a table may run in a spreadsheet: hostile names through every writer.

OWASP, „CSV Injection“: a cell that begins with = + - @, a tab or a line end is a formula. Names of areas, labels of
measures and texts of issues come from deliveries and files of others.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest

from ingestion.datenbogen.model import Form, FormOptions
from ingestion.datenbogen.write import build_form
from ingestion.landing.manifest import Manifest, ManifestIssue
from ingestion.landing.report import write_report
from lagebild.spreadsheet import csv_column, csv_text
from semantic_layer.export.open_data import _write_csv
from semantic_layer.present.files import to_csv, to_german_csv, to_xlsx
from semantic_layer.query.result import MetricInfo, Result
from tests.ingestion import faults as f

HOSTILE = ("=cmd|' /C calc'!A0", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1")


def cells_of(content: bytes) -> list[openpyxl.cell.cell.Cell]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [cell for sheet in book for line in sheet.iter_rows() for cell in line if cell.value is not None]


def harmless(content: bytes, hostile: str) -> None:
    """The text is there, and no cell of the workbook is a formula because of it."""
    cells = cells_of(content)
    assert any(hostile.strip() in str(cell.value) for cell in cells)
    assert not [cell for cell in cells if cell.data_type == "f" and hostile.strip() in str(cell.value)]


def harmless_text(text: str, hostile: str, delimiter: str) -> None:
    cells = [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) for cell in row]
    assert any(hostile.strip() in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r")) or cell == hostile]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_pruefbericht(tmp_path: Path, hostile: str) -> None:
    now = datetime(2025, 1, 1, tzinfo=UTC)
    issue = ManifestIssue(
        severity="refusal",
        rule="Unbekanntes Gebiet",
        message=hostile,
        sheet=hostile,
        row=1,
        column=hostile,
        value=hostile,
    )
    manifest = Manifest(
        delivery_id="probe-1", source_id="probe", instance="stadt", status="quarantined", received_at=now,
        file_name=f"{hostile}.csv", file_modified_at=now, sha256="0", size_bytes=1, rows={}, warnings=0,
        issues=(issue,), adapter="delimited", config_fingerprint="x",
    )  # fmt: skip
    write_report(tmp_path, manifest, f.BENCHES["delimited"].source)
    harmless((tmp_path / "pruefbericht.xlsx").read_bytes(), hostile)


@pytest.mark.parametrize("hostile", HOSTILE[:4])
def test_datenbogen(tmp_path: Path, hostile: str) -> None:
    form = Form(
        "probe", "91", hostile, 2024, (("91001", hostile),), FormOptions.model_validate(f.FORM_OPTIONS)
    )
    stream = io.BytesIO()
    build_form(form, f.BENCHES["datenbogen"].source, {}, {}).save(stream)
    harmless(stream.getvalue(), hostile)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_open_data_files(tmp_path: Path, hostile: str) -> None:
    _write_csv(
        tmp_path / "a.csv", pa.table({"area_name": [hostile, None, "Aue"], "value": [-1.5, 2.0, None]})
    )
    text = (tmp_path / "a.csv").read_bytes().decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert [row[0] for row in rows[1:]] == [f"'{hostile}", "", "Aue"]
    assert rows[1][1] == "-1.5"  # figures stay figures


@pytest.mark.parametrize("hostile", HOSTILE)
def test_answers_as_files(hostile: str) -> None:
    table = pa.table(
        {
            "metric": ["cases"],
            "metric_label": [hostile],
            "unit": [hostile],
            "area_key": ["raum:gemeinde:91001"],
            "area_name": [hostile],
            "value": [-1.5],
            "empty_reason": pa.array([None], pa.string()),
            "obs_status": ["A"],
        }
    )
    metric = MetricInfo("cases", "cases", 1, "count", hostile, hostile, hostile, 1)
    result = Result(table, "20250101T000000Z", "stadt", hostile, "select 1", (metric,), (hostile,))
    harmless(to_xlsx(result), hostile)
    harmless_text(to_csv(result).decode(), hostile, ",")
    harmless_text(to_german_csv(result).decode("utf-8-sig"), hostile, ";")


def test_texts_and_columns_are_treated_alike() -> None:
    texts = [*HOSTILE, "Aue", "", "Bad Ems - Nassau", "\n=1"]
    assert csv_column(pa.chunked_array([texts])).to_pylist() == [csv_text(item) for item in texts]
