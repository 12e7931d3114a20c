"""Internal files beside the mock release, with marks that tell whose figure an answer holds, and a protected zone.

Belongs here: files as `orchestration.tiers` writes them (contract, names, modes). Every mark stands in one file only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from lagebild.paths import DBT_PROJECT_DIR
from orchestration.release_contract import read_models

_MODELS = read_models(DBT_PROJECT_DIR / "models" / "published" / "tiers", "_tiers.yml")


@dataclass(frozen=True)
class MockReader:
    audience: str
    audience_label: str
    code: str
    label: str
    mark: int
    """Value that stands in this file and nowhere else."""
    user: str

    @property
    def folder(self) -> str:
        return f"{self.audience}-{self.code}" if self.code else self.audience


READERS = (
    MockReader("kommune", "Kommunen", "99901001", "Altensiel", 424_242, "kommune-altensiel"),
    MockReader("kommune", "Kommunen", "99901002", "Brookmühlen", 515_151, "kommune-brookmuehlen"),
    MockReader("intern", "Kreisverwaltung", "", "Kreisverwaltung", 616_161, ""),
)
STRAY = 737_373
"""A row of another reader that got into every file by mistake: only row-level security stands before it."""
PROTECTED_WORD = "GEHEIMZELLE"
"""Stands in the warehouse of the protected zone."""


def build(instance: Path) -> None:
    """Writes `published/intern/` and a small `protected/warehouse.duckdb` below the folder of an instance."""
    for reader in READERS:
        folder = instance / "published" / "intern" / reader.folder
        folder.mkdir(parents=True)
        folder.chmod(0o700)
        file = folder / "current.duckdb"
        with duckdb.connect(str(file)) as db:
            for model in _MODELS:
                columns = ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])
                db.execute(f"create table {str(model['name']).removeprefix('tier_')} ({columns})")
            db.execute(
                "insert into dim_reader values (?, ?, ?, ?, 'r1')",
                [reader.audience, reader.audience_label, reader.code, reader.label],
            )
            other = "99901009" if reader.code else "99901008"
            for code, value in ((reader.code, reader.mark), (other, STRAY)):
                db.execute(
                    """insert into mart_measure_intern by name select ? as audience, ? as reader_code,
                        'hze_eur' as measure_id, 'Ausgaben für Hilfen zur Erziehung' as measure_label, 'EUR' as unit,
                        'sozialraum' as area_system, 'Sozialräume' as area_system_label, 'sozialraum' as area_level,
                        'Sozialraum' as area_level_label, 2 as level_rank, ? as area_key, 'S01' as area_code,
                        'Nord' as area_name, ? as parent_area_name, 'J2024' as period_key, 'jahr' as period_type,
                        '2024' as period_label, date '2024-12-31' as period_end, 2024 as year, 'total' as breakdown,
                        'total' as group_key, 'insgesamt' as group_label, ?::double as value, 'A' as obs_status,
                        'F' as conf_status, 'internal' as tier""",
                    [reader.audience, code, f"sozialraum:{code}S01", reader.label, value],
                )
        file.chmod(0o400)
    protected = instance / "protected"
    protected.mkdir(parents=True)
    with duckdb.connect(str(protected / "warehouse.duckdb")) as db:
        db.execute(f"create table person as select '{PROTECTED_WORD}' as name")
