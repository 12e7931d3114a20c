"""Disclosure control at full size, and against the other methods on the same tables.

Run: `.venv/bin/python benchmarks/disclosure/run.py [--periods N] [--only wide|methods] [--warehouse FILE]`; the
warehouse is that of a refreshed Musterkreis (default: the live one). The protected zone is read, nothing is kept.

Wide: every margin of the registers down to the Baublock in all area systems (`wide.py`, about 3.3 million cells):
solved from scratch, certificate checked by dbt's SQL tests, then one source redelivered.
Methods: our pattern, Gauss elimination and hypercube (own implementations) on the tables of the live Musterkreis, and
the exact optimum where it can be computed.
Goals (issue 5): 15 min from scratch, 60 s for the increment, 60 s of SQL per million cells, 6 GiB; secondary cells at
most 1.3 x the optimum, fewer than the hypercube everywhere.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import duckdb

from benchmarks.disclosure.methods import compare_methods
from benchmarks.disclosure.wide import TABLES, write_wide
from lagebild.instance import DisclosureSettings
from lagebild.paths import DBT_PROJECT_DIR, InstancePaths
from orchestration.protection.decide import Protection, protect_warehouse

_DBT = Path(sys.executable).with_name("dbt")
_CERTIFICATE = (
    "stg_proof",
    "int_disclosure__base_cell",
    "int_disclosure__shift",
    "int_disclosure__attacker_knowledge",
)


def main() -> None:
    """Runs what was asked for and prints one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--warehouse", type=Path, default=InstancePaths("musterkreis").warehouse)
    parser.add_argument("--periods", type=int, default=99, help="newest periods only")
    parser.add_argument("--only", choices=["wide", "methods"])
    arguments = parser.parse_args()
    if arguments.only != "methods":
        with tempfile.TemporaryDirectory(prefix="lagebild-geheimhaltung-") as folder:
            _wide(arguments.warehouse, Path(folder), arguments.periods)
    if arguments.only != "wide":
        compare_methods(arguments.warehouse)


def _wide(warehouse: Path, folder: Path, periods: int) -> None:
    file, proof = folder / "wide.duckdb", folder / "proof"
    cells = write_wide(warehouse, file, TABLES, periods)
    print(f"wide Musterkreis: {cells:,} cells")
    settings = DisclosureSettings(time_limit_s=6 * 3600, table_limit_s=1800)
    first = protect_warehouse(file, proof, settings, _progress)
    _print("from scratch", first)
    _certificate(file, proof, cells)
    _redeliver(file)
    second = protect_warehouse(file, proof, settings, _progress)
    _print("one source redelivered (one period)", second)
    used = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(f"largest process: {used / 1024**2:.2f} GiB")


def _print(what: str, done: Protection) -> None:
    methods = ", ".join(f"{count} {name}" for name, count in sorted(done.methods.items()))
    print(
        f"{what}: {done.seconds:.1f} s, {done.solved} tables solved, {done.reused} kept ({methods});"
        f" {done.primaries:,} primary, {done.secondaries:,} secondary cells"
        f" ({100 * done.secondaries / done.cells:.1f} %), {done.unsafe} unsafe,"
        f" {done.witnesses:,} worlds, {done.cells / done.seconds:,.0f} cells/s"
    )


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)


def _redeliver(file: Path) -> None:
    """One person more in every tenth area of the newest period of the largest source, in every breakdown alike."""
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            """
            create temp table newest as
            select max(table_id) as table_id from disclosure.int_disclosure__table where table_group = 'population';
            create temp table extra as
            select table_id, atom_area, min(atom_id) as atom_id, clique
            from disclosure.int_disclosure__atom
            where table_id = (select table_id from newest) and hash(atom_area) % 10 = 0
            group by table_id, atom_area, clique;
            update disclosure.int_disclosure__atom as atom set base = base + 1
            from extra where extra.table_id = atom.table_id and extra.atom_id = atom.atom_id;
            update disclosure.int_disclosure__table_cell as cell
            set value_units = fresh.value, is_primary = fresh.value between 1 and 2
            from (
                select atom.table_id, place.area_key, cover.group_key, sum(atom.base)::bigint as value
                from disclosure.int_disclosure__atom as atom
                inner join disclosure.int_disclosure__area_cover as place on place.atom_area = atom.atom_area
                    and atom.period_end between place.valid_from and coalesce(place.valid_to, date '9999-12-31')
                inner join disclosure.int_disclosure__group_cover as cover
                    on cover.table_group = atom.table_group and cover.clique = atom.clique
                    and cover.atom_group = atom.atom_group
                where atom.table_id = (select table_id from newest)
                group by all
            ) as fresh
            where fresh.table_id = cell.table_id and fresh.area_key = cell.area_key
                and fresh.group_key = cell.group_key;
            """
        )


def _certificate(file: Path, proof: Path, cells: int) -> None:
    """dbt's certificate tests on the wide tables, by themselves."""
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            f"""
            create or replace table disclosure.int_disclosure__decision as
            select measure_id, period_key, area_key, group_key, is_published, 'solver' as decided_by
            from read_parquet('{proof}/pattern.parquet') where audience = 'public'
            """
        )
    variables = json.dumps({"proof_dir": str(proof), "require_certificate": True, "ledger_dir": ""})
    environment = os.environ | {
        "LAGEBILD_WAREHOUSE": str(file),
        "DBT_TARGET_PATH": str(file.parent / "target"),
        "DBT_LOG_PATH": str(file.parent / "log"),
    }
    common = [
        "--project-dir",
        str(DBT_PROJECT_DIR),
        "--profiles-dir",
        str(DBT_PROJECT_DIR),
        "--vars",
        variables,
    ]
    selected = [f"{name}*" if name == "stg_proof" else name for name in _CERTIFICATE]
    started = time.monotonic()
    for command in (
        ["run", "--select", *selected],
        ["test", "--select", "certificate_*", "--indirect-selection", "cautious"],
    ):
        done = subprocess.run(
            [str(_DBT), *command, *common], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(done.stdout[-3000:])
            raise SystemExit("the certificate does not hold")
    results = json.loads((file.parent / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    statuses = Counter(item["status"] for item in results)
    seconds = time.monotonic() - started
    print(
        f"certificate by SQL: {seconds:.1f} s, {1e6 * seconds / cells:.1f} s per million cells,"
        f" {statuses['pass']} of {len(results)} tests passed"
    )
    shutil.rmtree(file.parent / "target")


if __name__ == "__main__":
    main()
