"""What can no longer be protected is named, with a proposal, until somebody has decided."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest
import yaml
from pydantic import ValidationError
from typer.testing import CliRunner

from lagebild.instance import Instance
from lagebild.release_decision import FILE_NAME, ReleaseDecision, decision_for
from orchestration.commands.geheimhaltung import app
from orchestration.unsafe import unsafe_cells, without_counterpart


def _decision(**more: object) -> ReleaseDecision:
    plain: dict[str, object] = {
        "measure": "m",
        "decision": "gesperrt_lassen",
        "by": "Statistikstelle",
        "decided_on": date(2026, 1, 1),
        "reason": "Vermerk 1",
    }
    return ReleaseDecision.model_validate(plain | more)


def test_the_latest_decision_on_a_figure_counts() -> None:
    general = _decision()
    narrow = _decision(area="A", decision="weiter_zeigen", decided_on=date(2026, 2, 1))
    later = _decision(area="A", group="sex=f", decided_on=date(2026, 2, 1), reason="Vermerk 2")
    decisions = (general, narrow, later)
    assert decision_for(decisions, "m", "J1", "B", "total") is general
    assert decision_for(decisions, "m", "J1", "A", "total") is narrow
    assert decision_for(decisions, "m", "J1", "A", "sex=f") is later
    assert decision_for(decisions, "other", "J1", "A", "total") is None
    assert narrow.german == "weiter zeigen (Statistikstelle, 01.02.2026): Vermerk 1"


@pytest.mark.parametrize("gap", [{"by": ""}, {"reason": ""}, {"decided_on": None}, {"decision": "egal"}])
def test_a_decision_says_who_when_and_why(gap: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        _decision(**gap)


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path / "var"))
    folder = tmp_path / "folder"
    folder.mkdir()
    found = Instance("musterkreis", folder)
    found.paths.warehouse.parent.mkdir(parents=True)
    with duckdb.connect(str(found.paths.warehouse)) as connection:
        for statement in _WAREHOUSE:
            connection.execute(statement)
    return found


_WAREHOUSE = (
    "create schema disclosure",
    "create schema staging",
    "create schema core",
    """create table disclosure.stg_proof__pattern as
    select audience, 'm|J1' as table_id, measure_id, 'J1' as period_key, area_key, 'total' as group_key, is_unsafe
    from (values ('public', 'm', 'A|1', true), ('kommune', 'm', 'A|1', true), ('kommune', 'm', 'B|1', true),
        ('public', 'm~rest', 'A|1&K|1', true), ('public', 'm', 'C|1', false))
    as t(audience, measure_id, area_key, is_unsafe)""",
    """create table disclosure.int_disclosure__table_cell as select distinct table_id, measure_id, area_key, group_key,
    2 as value_units from disclosure.stg_proof__pattern""",
    """create table disclosure.int_disclosure__known as
    select 'public' as audience, 'm|J1' as table_id, 'm' as measure_id, 'A|1' as area_key, 'total' as group_key,
    2 as value_low, 2 as value_high, 'R7' as release_id
    union all select 'kommune', 'm|J1', 'm', 'B|1', 'total', 1, 3, 'R8'""",
    """create table core.dim_area as select area_key, area_code, area_name, 1 as level_rank
    from (values ('A|1', 'A', 'Adorf'), ('B|1', 'B', 'Behausen'), ('K|1', 'K', 'Kita-Bezirk Nord'))
    as t(area_key, area_code, area_name)""",
    "create table core.dim_period as select 'J1' as period_key, '2024' as period_label, 1 as sort_key",
    "create table core.dim_group as select 'total' as group_key, 'insgesamt' as group_label, 0 as sort_key",
    "create table staging.stg_catalogue__measure as select 'm' as measure_id, 'Fälle' as label, 'r' as rule_id",
    "create table staging.stg_catalogue__rule as select 'r' as rule_id, 'evaluate' as policy",
    """create table staging.stg_ledger__cell as select 'm' as measure_id, 'J1' as period_key, area_key,
    'total' as group_key, 5.0 as value from (values ('A|1'), ('gone|1')) as t(area_key)""",
    """create table disclosure.int_disclosure__cell as select 'm' as measure_id, 'J1' as period_key, 'A|1' as area_key,
    'total' as group_key""",
)


def test_every_lost_figure_is_named_once_with_what_we_propose(instance: Instance) -> None:
    found = {(cell.audience, cell.area_label): cell for cell in unsafe_cells(instance)}
    assert set(found) == {
        ("public", "Adorf"),
        ("public", "Adorf, soweit im Gebiet Kita-Bezirk Nord"),
        ("kommune", "Behausen"),
    }
    out = found["public", "Adorf"]
    assert out.is_open and out.is_out and "R7" in out.proposal and "gesperrt lassen" in out.proposal
    revised = found["kommune", "Behausen"]
    assert not revised.is_out and "berichtigt" in revised.proposal
    overlap = found["public", "Adorf, soweit im Gebiet Kita-Bezirk Nord"]
    assert overlap.measure_label == "Fälle (Rest zur übergeordneten Zahl)" and overlap.area_code == "A&K"
    assert "anderen Werten" in overlap.proposal
    assert without_counterpart(instance) == {"Fälle": 1}


def test_a_decision_closes_the_question(instance: Instance) -> None:
    rows = [{"measure": "m", "area": "A", "decision": "weiter_zeigen", "by": "Landrat", "reason": "bekannt"}]
    text = yaml.safe_dump([{**row, "decided_on": date(2026, 3, 1)} for row in rows])
    (instance.folder / FILE_NAME).write_text(text, encoding="utf-8")
    open_ones = {cell.area_label for cell in unsafe_cells(instance) if cell.is_open}
    assert "Adorf" not in open_ones and "Behausen" in open_ones


def test_the_command_prints_names_and_no_figures(instance: Instance) -> None:
    result = CliRunner().invoke(app, ["offen", "musterkreis"])
    assert result.exit_code == 0
    assert "Fälle, insgesamt, Adorf, 2024" in result.stdout
    assert "3 von 3 Werten warten" in result.stdout
    assert "1 früher veröffentlichte Werte" in result.stdout


def test_before_the_first_proof_nothing_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path))
    assert unsafe_cells(Instance("musterkreis")) == []
    assert without_counterpart(Instance("musterkreis")) == {}
