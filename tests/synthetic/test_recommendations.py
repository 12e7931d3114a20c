"""The simulated register of Handlungsempfehlungen: read by its own source, consistent in itself, always the same."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from expectations.gate import check
from ingestion.formats.workbook import WorkbookAdapter
from ingestion.synthetic.areas import Areas, build_areas
from ingestion.synthetic.context import Desk
from ingestion.synthetic.deliveries.recommendations import write_recommendations
from lagebild.instance import Instance, SyntheticSettings

SETTINGS = SyntheticSettings(seed=7, inhabitants=6000, first_year=2014, years=12)
SOURCE = Instance("musterkreis").sources["handlungsempfehlungen"]


@pytest.fixture(scope="module")
def areas() -> Areas:
    return build_areas(SETTINGS.seed)


@pytest.fixture(scope="module")
def register(areas: Areas, tmp_path_factory: pytest.TempPathFactory) -> Path:
    inbox = tmp_path_factory.mktemp("inbox")
    write_recommendations(Desk(SETTINGS, areas, inbox))
    return inbox / "handlungsempfehlungen" / "Massnahmenregister.xlsx"


def rows(path: Path, table: str) -> list[dict[str, Any]]:
    parsed = WorkbookAdapter().parse(path, SOURCE)
    assert parsed.issues == ()
    found: list[dict[str, Any]] = parsed.tables[table].to_pylist()
    return found


def test_every_recommendation_ends_where_its_history_ends(register: Path) -> None:
    recommendations, steps = rows(register, "recommendation"), rows(register, "recommendation_status")
    assert len(recommendations) == 42
    assert {row["status"] for row in recommendations} >= {"in Umsetzung", "umgesetzt", "zurückgestellt"}
    for row in recommendations:
        own = [step for step in steps if step["recommendation_id"] == row["recommendation_id"]]
        assert (own[0]["status"], own[0]["since"]) == ("geplant", row["decided_on"])
        assert own[-1]["status"] == row["status"]
        days = [step["since"] for step in own]
        assert days == sorted(set(days)) and days[-1] <= date(2025, 12, 31)
        assert (row["cost_actual_eur"] is not None) == (row["status"] in {"in Umsetzung", "umgesetzt"})
        assert (row["target_value"] is None) == (row["indicator_id"] is None) and row["operative_goal"]


def test_its_areas_exist(register: Path, areas: Areas) -> None:
    for row in rows(register, "recommendation"):
        assert row["gemeinde_code"] is None or row["gemeinde_code"] in areas.names
        assert row["area_code"] is None or row["area_code"] in areas.names
        assert (row["area_code"] is None) == (row["area_level"] is None)


def test_the_gate_takes_it(register: Path) -> None:
    assert check(SOURCE, WorkbookAdapter().parse(register, SOURCE)) == []


def test_the_same_seed_gives_the_same_file(areas: Areas, register: Path, tmp_path: Path) -> None:
    write_recommendations(Desk(SETTINGS, areas, tmp_path))
    again = tmp_path / "handlungsempfehlungen" / "Massnahmenregister.xlsx"
    assert again.read_bytes() == register.read_bytes()


def test_a_register_from_before_the_new_columns_is_still_read(register: Path, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(register)
    book["Register"].delete_cols(13, 8)
    del book["Statusverlauf"]
    old = tmp_path / "Massnahmenregister.xlsx"
    book.save(old)
    parsed = WorkbookAdapter().parse(old, SOURCE)
    assert parsed.issues == () and check(SOURCE, parsed) == []
    assert set(parsed.tables) == {"recommendation"}
    assert parsed.tables["recommendation"].num_rows == 42
    del book["Register"]
    book.create_sheet("leer")
    book.save(old)
    assert [issue.rule for issue in WorkbookAdapter().parse(old, SOURCE).issues] == ["Tabellenblatt fehlt"]
