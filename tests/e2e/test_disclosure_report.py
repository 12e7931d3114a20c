"""The report and the free cross tables of a release that was made for real."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import openpyxl
import pytest

from tests.e2e.conftest import Installation

pytestmark = pytest.mark.e2e


def _text(page: Path) -> str:
    return re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page(released: Installation) -> Path:
    reports = released.var / "musterkreis" / "protected" / "berichte"
    with duckdb.connect(str(released.current), read_only=True) as connection:
        release_id = connection.execute("select release_id from dim_release").fetchall()[0][0]
    return reports / f"geheimhaltung-{release_id}.html"


def test_a_release_comes_with_its_report(page: Path) -> None:
    text = _text(page)
    assert "Stand: freigegeben" in text
    assert "synthetisch" in text
    assert "nicht gelaufen" not in text, "every check of the certificate ran"
    assert "gescheitert" not in text
    assert "Keine ließ sich eingrenzen" in text
    assert page.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    assert page.stat().st_mode & 0o077 == 0


def test_counts_are_those_of_the_release(released: Installation, page: Path) -> None:
    """What the report calls hidden is what the release shows as withheld."""
    figure = re.search(r"davon gesperrt</dt>\s*<dd>([\d.]+)", page.read_text(encoding="utf-8"))
    assert figure is not None
    with duckdb.connect(str(released.current), read_only=True) as connection:
        hidden = connection.execute("select count(*) from fct_measure where conf_status = 'C'").fetchall()[0][
            0
        ]
    assert int(figure[1].replace(".", "")) == hidden


def test_report_is_in_the_protected_zone_only(released: Installation) -> None:
    assert not [path for path in released.published.rglob("*") if "geheimhaltung" in path.name]


def test_cross_table_from_real_records(released: Installation, tmp_path: Path) -> None:
    output = tmp_path / "tabelle.xlsx"
    arguments = ("--messgroesse", "population", "--nach", "alter;nationalitaet", "--ebene", "gemeinde")
    with duckdb.connect(str(released.current), read_only=True) as connection:
        day = connection.execute(
            "select max(period_end) from dim_period where period_type = 'stichtag' and period_key in "
            "(select period_key from fct_measure where measure_id = 'population' and value is not null)"
        ).fetchall()[0][0]
    done = released.command(
        "kreuztabelle", "musterkreis", *arguments, "--stichtag", day.isoformat(), "--ausgabe", str(output)
    )
    assert done.returncode == 0, done.stderr
    lines = list(openpyxl.load_workbook(output)["Werte"].iter_rows(min_row=5, values_only=True))
    values = [value for line in lines for value in line[3:]]
    assert not {1, 2} & set(values)
    total = next(line[-1] for line in lines if line[1] == "Musterkreis" and line[2] == "insgesamt")
    with duckdb.connect(str(released.current), read_only=True) as connection:
        exact = connection.execute(
            "select max(fact.value) from fct_measure as fact inner join dim_period using (period_key) "
            "where measure_id = 'population' and group_key = 'total' and period_end = ?",
            [day],
        ).fetchall()[0][0]
    assert abs(total - exact) <= 5
    journal = released.var / "musterkreis" / "protected" / "cell_key" / "kreuztabellen.jsonl"
    assert json.loads(journal.read_text(encoding="utf-8").splitlines()[-1])["dimensions"] == [
        "age",
        "nationality",
    ]
