"""The report from real files: a small warehouse and proof written by hand, with values that must not reappear."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import numpy as np
import pytest
from typer.testing import CliRunner

from lagebild.instance import Instance
from lagebild.release_decision import ReleaseDecision
from orchestration import publication_ledger
from orchestration.cli import app
from orchestration.disclosure_report.facts import Facts, Gap
from orchestration.disclosure_report.findings import read_findings
from orchestration.disclosure_report.gap import optimality_gap
from orchestration.disclosure_report.read import NothingToReport, read_facts
from orchestration.disclosure_report.texts import CHECKS
from orchestration.disclosure_report.write import write_report
from orchestration.protection.store import ProofWriter
from orchestration.publish import Release

RELEASE, BEFORE = "20260102T020000Z", "20260101T020000Z"
NOW = datetime(2026, 1, 2, 3, tzinfo=UTC)
VALUES = {"A": 7771, "B": 8883, "C": 5000, "D": 6000}
"""Births: A is small by rule, B is hidden for its sake. Deaths: A alone is hidden and follows from the others."""
CANARIES = ("7771", "7.771", "8883", "8.883", "16654", "16.654")
"""Hidden values, and their sum."""

WAREHOUSE = """
create schema staging; create schema core; create schema disclosure; create schema published;
create table published.dim_release as select '20260102T020000Z' as release_id;
create table staging.stg_catalogue__measure as
    select * from (values ('births', 'Geburten', 'dominance'), ('deaths', 'Sterbefälle', 'dominance'))
    t(measure_id, label, rule_id);
create table staging.stg_catalogue__rule as
    select 'dominance' as rule_id, 'Dienstanweisung' as basis, 'Statistikstelle, 01.02.2025' as decision,
        'evaluate' as policy, 'Dominanz (1, 80 %)' as thresholds_text
    union all select 'unused', 'Niemand', '', 'evaluate', '';
create table core.dim_area as
    select code as area_key, code as area_code, 'Ort ' || code as area_name,
        if(code = 'K', 0, 1) as level_rank, if(code = 'K', 'Kreis', 'Gemeinde') as area_level_label
    from (values ('K'), ('A'), ('B'), ('C'), ('D')) t(code);
create table core.dim_period as
    select 'J2025' as period_key, '2025' as period_label, 1 as sort_key, date '2025-12-31' as period_end;
create table core.dim_group as select 'total' as group_key, 'insgesamt' as group_label, 1 as sort_key;
create table figure as
    select measure_id, code, value, measure_id = 'births' and code = 'B' as is_secondary, code = 'A' as is_primary
    from (values ('births'), ('deaths')) m(measure_id)
    cross join (values ('A', 7771), ('B', 8883), ('C', 5000), ('D', 6000), ('K', 27654)) v(code, value);
create table disclosure.int_disclosure__cell as
    select measure_id, 'J2025' as period_key, code as area_key, 'total' as group_key, value::double as value,
        'F' as conf_status, is_primary, if(is_primary, 'dominance', null) as primary_rule, 'public' as tier,
        'evaluate' as policy
    from figure
    -- Not delivered: neither published nor hidden.
    union all select 'births', 'J2024', 'A', 'total', null, 'F', false, null, 'public', 'evaluate';
create table disclosure.int_disclosure__decision as
    select measure_id, 'J2025' as period_key, code as area_key, 'total' as group_key, 'total' as breakdown,
        not (is_primary or is_secondary) as is_published, 'solver' as decided_by
    from figure;
create table disclosure.int_disclosure__table as
    select measure_id || '|J2025' as table_id, measure_id as table_group, 'J2025' as period_key,
        date '2025-12-31' as period_end, true as is_consistent, true as has_primary
    from (values ('births'), ('deaths'), ('unsolved')) m(measure_id)
    union all select 'odd|J2025', 'odd', 'J2025', date '2025-12-31', false, false;
create table disclosure.int_disclosure__table_cell as
    select measure_id || '|J2025' as table_id,
        (row_number() over (partition by measure_id order by code))::integer - 1 as cell_id,
        measure_id, code as area_key, 'total' as group_key, 'total' as breakdown, 1 as level_rank,
        value::bigint as value_units, is_primary, null::varchar as primary_rule,
        0::bigint as lower_goal, 9000::bigint as upper_goal, true as may_publish, 'public' as tier, 1.0 as weight,
        false as suggested_hidden
    from figure;
create table disclosure.int_disclosure__atom as
    select measure_id || '|J2025' as table_id, measure_id as table_group, 'J2025' as period_key,
        date '2025-12-31' as period_end,
        (row_number() over (partition by measure_id order by code))::integer - 1 as atom_id,
        measure_id as atom_measure, 'total' as clique, code as atom_area, 'total' as atom_group, value::bigint as base,
        null::bigint as ceiling
    from figure where code <> 'K';
create table disclosure.int_disclosure__area_cover as
    select code as atom_area, ancestor as area_key, date '2000-01-01' as valid_from, null::date as valid_to
    from (values ('A'), ('B'), ('C'), ('D')) t(code) cross join (select unnest(['K', 'self']) as kind) k
    cross join lateral (select if(kind = 'K', 'K', code) as ancestor) a;
create table disclosure.int_disclosure__group_cover as
    select measure_id as table_group, measure_id, 'total' as group_key, measure_id as atom_measure, 'total' as clique,
        'total' as atom_group
    from (values ('births'), ('deaths')) m(measure_id);
create table disclosure.int_disclosure__link as
    select 'births|J2025' as table_id, 0 as link_row, 0 as atom_id, 0 as coefficient where false;
create table disclosure.int_disclosure__known as
    select 'public' as audience, '' as table_id, '' as measure_id, '' as area_key, '' as group_key,
        0::bigint as value_low, 0::bigint as value_high, '' as release_id where false;
create table staging.stg_ledger__cell as
    select 'births' as measure_id, 'J2025' as period_key, code as area_key, 'total' as group_key
    from (values ('A'), ('GONE')) t(code);
drop table figure;
"""


def _write_proof(folder: Path) -> None:
    pattern, base = ProofWriter(folder, "pattern"), ProofWriter(folder, "base")
    witness, verdict = ProofWriter(folder, "witness"), ProofWriter(folder, "verdict")
    codes = np.array(["A", "B", "C", "D", "K"])
    for measure, hidden in (("births", "AB"), ("deaths", "A")):
        table = {"table_id": f"{measure}|J2025"}
        pattern.add(
            audience="public",
            **table,
            measure_id=measure,
            period_key="J2025",
            area_key=codes,
            group_key="total",
            is_published=np.array([code not in hidden for code in codes]),
            is_unsafe=np.array([measure == "deaths" and code == "A" for code in codes]),
        )
        base.add(**table, atom_id=np.arange(4), base=np.array(list(VALUES.values())))
        verdict.add(
            audience="public",
            **table,
            table_group=measure,
            period_key="J2025",
            method="solver",
            cells=5,
            primaries=1,
            secondaries=int(measure == "births"),
            unsafe=int(measure == "deaths"),
            witnesses=2,
            seconds=1.5,
            input_hash="h",
            is_reused=False,
            solved_at=NOW.replace(tzinfo=None),
        )
    for writer in (pattern, base, witness, verdict):
        writer.commit()


def _write_release(published: Path, release_id: str, rows: str) -> None:
    path = published / f"release-{release_id}.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"create table fct_measure as select * from (values {rows}) "
            "t(measure_id, period_key, area_key, group_key, value, conf_status)"
        )
    publication_ledger.append(
        published, asdict(Release(release_id, "", "2026-01-01T02:00:00+00:00", "", path.name, 1, {}))
    )


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path / "var"))
    chosen = Instance("musterkreis")
    paths = chosen.paths
    for folder in (paths.protected, paths.proof, paths.dbt_target, paths.published):
        folder.mkdir(parents=True)
    with duckdb.connect(str(paths.warehouse)) as connection:
        connection.execute(WAREHOUSE)
        _write_proof(paths.proof)
        pattern = paths.proof / "pattern.parquet"
        connection.execute(
            f"create view disclosure.stg_proof__pattern as select * from read_parquet('{pattern}')"
        )
    (paths.proof / "attack.json").write_text(
        json.dumps({"tables": 2, "primaries": 9, "disproved": [], "overcautious": 0}), encoding="utf-8"
    )
    results = [{"unique_id": f"test.lagebild.{name}", "status": "pass"} for name in CHECKS]
    (paths.dbt_target / "run_results.json").write_text(json.dumps({"results": results}), encoding="utf-8")
    old = "('births', 'J2025', 'A', 'total', null, 'C'), ('births', 'J2025', 'B', 'total', 1.0, 'F')"
    new = (
        "('births', 'J2025', 'A', 'total', 2.0, 'F'), ('births', 'J2025', 'B', 'total', null, 'C'), "
        "('births', 'J2025', 'C', 'total', 3.0, 'F')"
    )
    _write_release(paths.published, BEFORE, old)
    _write_release(paths.published, RELEASE, new)
    yield chosen


@pytest.fixture
def facts(instance: Instance) -> Facts:
    return read_facts(instance, now=NOW)


def test_cells_are_counted_per_measure_and_level(facts: Facts) -> None:
    rows = {(row.measure, row.level): row for row in facts.counted}
    births = rows["Geburten", "Gemeinde"]
    assert (births.cells, births.hidden, births.primary, births.secondary) == (4, 2, 1, 1)
    assert births.hidden_share == pytest.approx((7771 + 8883) / 27654)
    assert births.reasons == {"dominance": 1}
    assert rows["Geburten", "Kreis"].hidden == 0
    assert (rows["Sterbefälle", "Gemeinde"].hidden, rows["Sterbefälle", "Gemeinde"].primary) == (1, 1)


def test_every_reason_to_hide_is_told_apart(instance: Instance) -> None:
    """Stars of a supplier stay stars under every policy; what a rule never shows is not called a neighbour."""
    with duckdb.connect(str(instance.paths.warehouse)) as connection:
        for area, value, conf, policy, decided, is_published in (
            ("B", "null", "C", "source_released", "policy", True),
            ("C", "4", "F", "source_released", "policy", True),
            ("D", "5", "F", "withhold", "policy", False),
            ("K", "6", "F", "evaluate", "policy", False),
        ):
            connection.execute(
                "insert into disclosure.int_disclosure__cell values "
                f"('births', 'J2023', '{area}', 'total', {value}, '{conf}', false, null, 'public', '{policy}')"
            )
            connection.execute(
                "insert into disclosure.int_disclosure__decision values "
                f"('births', 'J2023', '{area}', 'total', 'total', {is_published}, '{decided}')"
            )
    rows = {(row.measure, row.level): row for row in read_facts(instance, now=NOW).counted}
    gemeinde, kreis = rows["Geburten", "Gemeinde"], rows["Geburten", "Kreis"]
    assert (gemeinde.cells, gemeinde.hidden, gemeinde.secondary) == (7, 4, 1)
    assert gemeinde.reasons == {"dominance": 1, "hidden_at_source": 1, "withheld": 1}
    assert kreis.reasons == {"contradiction": 1}


def test_rules_proof_and_changes_are_read(facts: Facts) -> None:
    assert [(rule.rule_id, rule.measures) for rule in facts.rules] == [
        ("dominance", ("Geburten", "Sterbefälle"))
    ]
    assert {check.state for check in facts.checks} == {"passed"}
    assert facts.attack is not None
    assert facts.attack.primaries == 9
    assert [(group.group, group.tables, group.worlds) for group in facts.groups] == [
        ("Geburten", 1, 2),
        ("Sterbefälle", 1, 2),
    ]
    assert (facts.uncertified_tables, facts.inconsistent_tables) == (1, 1)
    assert facts.previous_release == BEFORE
    (change,) = facts.changes
    assert (change.newly_hidden, change.newly_published, change.revised, change.added, change.removed) == (
        1,
        1,
        0,
        1,
        0,
    )
    assert facts.released_on is not None
    assert facts.without_counterpart == {"Geburten": 1}


def test_an_unsafe_figure_has_its_chain_of_names(instance: Instance) -> None:
    (finding,) = read_findings(instance)
    assert (finding.measure, finding.area, finding.decision) == ("Sterbefälle", "Ort A (A)", "")
    assert finding.chain.startswith("Ergibt sich als: »Sterbefälle, Ort K, insgesamt« − ")
    assert "− »Sterbefälle, Ort B, insgesamt«" in finding.chain
    assert not any(value in finding.chain for value in CANARIES)
    (late,) = read_findings(instance, seconds=0)
    assert "nicht in der vorgesehenen Zeit" in late.chain


def test_what_nobody_can_derive_is_said_to_be_so(instance: Instance) -> None:
    pattern = instance.paths.proof / "pattern.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select * replace (measure_id = 'births' and area_key = 'A' as is_unsafe) "
            f"from read_parquet('{pattern}')) to '{pattern}.new' (format parquet)"
        )
    Path(f"{pattern}.new").replace(pattern)
    (finding,) = read_findings(instance)
    assert finding.measure == "Geburten"
    assert "findet keine Ableitung" in finding.chain


def test_a_figure_an_earlier_release_showed_is_named_as_such(instance: Instance) -> None:
    with duckdb.connect(str(instance.paths.warehouse)) as connection:
        connection.execute(
            "insert into disclosure.int_disclosure__known "
            "values ('public', 'deaths|J2025', 'deaths', 'A', 'total', 7771, 7771, '20250101T020000Z')"
        )
    instance.__dict__["decisions"] = (
        ReleaseDecision(
            measure="deaths",
            decision="gesperrt_lassen",
            by="Statistikstelle",
            decided_on=date(2026, 1, 5),
            reason="Frühere Fassung ist zurückgezogen.",
        ),
    )
    (finding,) = read_findings(instance)
    assert finding.chain == "Wurde in der Veröffentlichung 20250101T020000Z selbst gezeigt."
    assert "Statistikstelle, 05.01.2026" in finding.decision
    assert "deaths" not in finding.proposal


def test_gap_against_the_exact_optimum(instance: Instance) -> None:
    """Births hides one neighbour, and one is needed: the pattern is optimal. A second one doubles the cost."""
    paths = instance.paths
    assert optimality_gap(paths.warehouse, paths.proof) == Gap(1, 1.0, 1.0)
    pattern = paths.proof / "pattern.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select * replace (is_published and not (measure_id = 'births' and area_key = 'C') as is_published) "
            f"from read_parquet('{pattern}')) to '{pattern}.new' (format parquet)"
        )
    Path(f"{pattern}.new").replace(pattern)
    assert optimality_gap(paths.warehouse, paths.proof) == Gap(1, 2.0, 1.0)


def test_files_hold_no_hidden_value(instance: Instance) -> None:
    written = write_report(instance, now=NOW)
    assert written.status == "open"
    assert len(written.annex) == 2
    for path in instance.paths.reports.iterdir():
        assert path.stat().st_mode & 0o077 == 0
        if path.suffix == ".pdf":
            if shutil.which("pdftotext") is None:
                continue
            text = subprocess.run(
                ["pdftotext", str(path), "-"], capture_output=True, text=True, check=True
            ).stdout
        else:
            text = path.read_text(encoding="utf-8")
        assert not [value for value in CANARIES if value in text], path.name
    assert "Ort A" not in written.html.read_text(encoding="utf-8")
    assert "Ort A" in written.annex[0].read_text(encoding="utf-8")


def test_next_report_tells_what_rules_changed(instance: Instance) -> None:
    write_report(instance, now=NOW)
    stored = instance.paths.reports / f"geheimhaltung-{RELEASE}.json"
    (instance.paths.reports / f"geheimhaltung-{BEFORE}.json").write_text(
        stored.read_text(encoding="utf-8").replace("80 %", "70 %"), encoding="utf-8"
    )
    (sentence,) = read_facts(instance, now=NOW).changed_rules
    assert "70 %" in sentence
    assert "80 %" in sentence


def test_annex_goes_when_nothing_is_open(instance: Instance) -> None:
    write_report(instance, now=NOW)
    pattern = instance.paths.proof / "pattern.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select * replace (false as is_unsafe) from read_parquet('{pattern}')) "
            f"to '{pattern}.new' (format parquet)"
        )
    Path(f"{pattern}.new").replace(pattern)
    assert write_report(instance, now=NOW).annex == ()
    assert not list(instance.paths.reports.glob("*anlage*"))


def test_a_night_that_stopped_half_way_does_not_rewrite_the_report_of_the_night_before(
    instance: Instance,
) -> None:
    before = write_report(instance, now=NOW).html.read_bytes()
    begun = {"release_id": "20991231T020000Z", "input_fingerprint": "x"}
    instance.paths.build_identity.write_text(json.dumps(begun), encoding="utf-8")
    with pytest.raises(
        NothingToReport, match="20991231T020000Z ist zwischen Geheimhaltung und Veröffentlichung"
    ):
        write_report(instance, now=NOW)
    assert [
        path.read_bytes() for path in instance.paths.reports.glob("*.html") if "anlage" not in path.name
    ] == [before]


def test_command_and_its_refusals(instance: Instance) -> None:
    done = CliRunner().invoke(app, ["geheimhaltung", "bericht", "musterkreis"])
    assert done.exit_code == 0, done.output
    assert "freigegeben mit offenen Punkten" in done.output
    with duckdb.connect(str(instance.paths.warehouse)) as connection:
        connection.execute("alter table disclosure.int_disclosure__decision drop column decided_by")
    with pytest.raises(NothingToReport, match="älteren Fassung"):
        read_facts(instance)
    instance.paths.warehouse.unlink()
    missing = CliRunner().invoke(app, ["geheimhaltung", "bericht", "musterkreis"])
    assert missing.exit_code == 1
    assert "noch nichts gerechnet" in missing.output
