"""A small Musterkreis from its sources to its release, through Dagster, in a state folder of its own.

The refresh runs as its users run it, in processes of the command line. The tests build on each other in the order
of the file: the first refresh is the expensive one.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import duckdb
import pytest
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from lagebild.paths import PROJECT_ROOT
from orchestration.database_files import file_sha256
from orchestration.publish import read_ledger
from orchestration.release_contract import RELEASE_TABLES
from tests.e2e.conftest import Installation

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


AFTER_REFORMS_ONLY = {"fct_measure_as_is", "fct_indicator_as_is"}
AFTER_MORE_YEARS_ONLY = {"fct_forecast", "fct_population_quality", "mart_before_after"}


def _runs(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, DagsterRunStatus]]:
    monkeypatch.setenv("DAGSTER_HOME", str(installation.var / "dagster"))
    with DagsterInstance.get() as dagster:
        return [(run.job_name, run.status) for run in dagster.get_runs(filters=RunsFilter())]


def test_the_first_refresh_publishes(released: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect(str(released.current), read_only=True) as connection:
        counts = {
            table: connection.execute(f"select count(*) from {table}").fetchall()[0][0]
            for table in RELEASE_TABLES
        }
        synthetic, title = connection.execute("select is_synthetic, title from dim_release").fetchall()[0]
    # The three simulated years lie after the last reform of areas, and are too few to forecast an indicator, to test
    # the forecast of the population or to look before and after a measure.
    empty = {table for table, count in counts.items() if count == 0}
    assert empty == AFTER_REFORMS_ONLY | AFTER_MORE_YEARS_ONLY
    assert synthetic is True
    assert "synthetisch" in title
    assert [row.sha256 for row in read_ledger(released.published)] == [file_sha256(released.current)]
    assert _runs(released, monkeypatch) == [("refresh_musterkreis", DagsterRunStatus.SUCCESS)]


def test_no_personal_key_leaves_the_protected_zone(released: Installation) -> None:
    """Neither the release nor Dagster's storage nor the logs hold a key of a simulated person or household."""
    landing = released.var / "musterkreis" / "protected" / "landing"
    with duckdb.connect() as connection:
        keys = connection.execute(
            "select distinct person_key from read_parquet(?) using sample 50 rows (reservoir, 1)",
            [str(landing / "einwohnerregister" / "*" / "person.parquet")],
        ).fetchall()
    assert len(keys) == 50
    open_files = [
        path
        for zone in (released.published, released.var / "dagster", released.var / "log")
        for path in zone.rglob("*")
        if path.is_file()
    ]
    assert len(open_files) > 5
    for path in open_files:
        content = path.read_bytes()
        assert not [key for (key,) in keys if str(key).encode() in content], path.name


def test_the_second_refresh_skips(released: Installation) -> None:
    before = file_sha256(released.current)
    done = released.refresh()
    assert done.returncode == 0, done.stderr
    assert "nichts Neues" in done.stdout
    assert "Warehouse rechnen" not in done.stderr
    assert file_sha256(released.current) == before
    assert len(read_ledger(released.published)) == 1


def test_a_corrupt_delivery_goes_to_quarantine_and_the_release_stays(released: Installation) -> None:
    before = file_sha256(released.current)
    inbox = released.var / "musterkreis" / "inbox"
    good = next(path for path in sorted((inbox / "ba_akg").rglob("*")) if path.is_file())
    torn = good.with_name(f"neu_{good.name}")
    torn.write_bytes(good.read_bytes()[:2000])
    try:
        done = released.refresh()
    finally:
        torn.unlink()
    assert done.returncode == 0, done.stderr
    assert "ZURÜCKGEWIESEN" in done.stderr
    delivery = f"ba_akg-{hashlib.sha256(good.read_bytes()[:2000]).hexdigest()[:12]}"
    folder = released.quarantine / "ba_akg" / delivery
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["status"] == "quarantined"
    assert (folder / "pruefbericht.html").exists()
    assert file_sha256(released.current) == before


@pytest.mark.thorough
def test_a_failed_build_is_a_failure_with_the_step_and_the_release_stays(released: Installation) -> None:
    before = file_sha256(released.current)
    # The deliveries now tell something new, but the warehouse cannot be written: it is no database any more.
    warehouse = released.var / "musterkreis" / "protected" / "warehouse.duckdb"
    intact = warehouse.read_bytes()
    inbox = released.var / "musterkreis" / "inbox"
    budget = sorted(path for path in (inbox / "haushalt").rglob("*") if path.is_file())[0]
    newer = budget.with_name(f"{budget.stem}_Korrektur{budget.suffix}")
    newer.write_bytes(budget.read_bytes() + b"\r\n")
    warehouse.write_bytes(b"no database" * 1000)
    try:
        done = released.refresh()
    finally:
        newer.unlink()
        warehouse.write_bytes(intact)
    assert done.returncode == 1
    assert "Schritt musterkreis_warehouse" in done.stderr
    assert "bleibt" in done.stderr
    assert file_sha256(released.current) == before
    assert len(read_ledger(released.published)) == 1


# The second half of the build by itself, on a proof that somebody has changed meanwhile.
SECOND_HALF = """
import sys
from dagster import AssetKey, DagsterInstance
from orchestration.definitions import build_definitions, job_name
from orchestration.refresh import dagster_home
dagster_home()
definitions = build_definitions(["musterkreis"])
job = definitions.resolve_job_def(job_name("musterkreis"))
published = AssetKey(["musterkreis", "published", "dim_release"])
half = next(item for item in definitions.assets if published in item.keys)
keys = [*half.keys, AssetKey(["musterkreis", "release"])]
with DagsterInstance.get() as dagster:
    result = job.execute_in_process(instance=dagster, asset_selection=keys, raise_on_error=False)
for event in result.get_step_failure_events():
    print(event.step_key, event.step_failure_data.user_failure_data.description)
sys.exit(0 if result.success else 1)
"""


def _second_half(installation: Installation) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SECOND_HALF],
        cwd=PROJECT_ROOT,
        env=installation.environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_every_table_has_a_verdict_and_the_attack_was_in_vain(released: Installation) -> None:
    proof = released.var / "musterkreis" / "protected" / "proof"
    with duckdb.connect() as connection:
        methods = dict(
            connection.execute(
                "select method, count(*) from read_parquet(?) where audience = 'public' group by method",
                [str(proof / "verdict.parquet")],
            ).fetchall()
        )
    assert methods["solver"] > 20
    assert set(methods) <= {"none", "solver", "fallback"}
    attack = json.loads((proof / "attack.json").read_text(encoding="utf-8"))
    assert attack["primaries"] > 0
    assert attack["disproved"] == []


@pytest.mark.thorough
def test_a_witness_that_is_tampered_with_blocks_the_release(released: Installation) -> None:
    before = file_sha256(released.current)
    witness = released.var / "musterkreis" / "protected" / "proof" / "witness.parquet"
    intact = witness.read_bytes()
    with duckdb.connect() as connection:
        # One person more in one world: whatever is published above her no longer adds up.
        connection.execute(
            "create table witness as select * replace "
            "(case when row_number() over () = 1 then delta + 1 else delta end as delta) from read_parquet(?)",
            [str(witness)],
        )
        connection.execute(f"copy witness to '{witness}' (format parquet)")
    try:
        done = _second_half(released)
    finally:
        witness.write_bytes(intact)
    assert done.returncode == 1, done.stderr[-2000:]
    assert "musterkreis_published Der Nachweis der Geheimhaltung" in done.stdout
    assert "certificate_" in done.stdout
    assert file_sha256(released.current) == before
    assert len(read_ledger(released.published)) == 1


def test_status_names_release_and_sources(released: Installation) -> None:
    done = released.command("status")
    assert done.returncode == 0, done.stderr
    release = read_ledger(released.published)[0]
    assert release.release_id in done.stdout
    assert "geliefert vor" in done.stdout
    assert "zurückgewiesen" in done.stdout


def test_an_unknown_instance_is_refused_in_plain_words(installation: Installation) -> None:
    done = installation.command("refresh", "nirgendwo")
    assert done.returncode == 1
    assert "Unbekannte Instanz" in done.stderr
