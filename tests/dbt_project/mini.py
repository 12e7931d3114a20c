"""A hand-made instance small enough to check by eye: writes landing and catalogue Parquet, runs dbt for real.

Belongs here: building inputs and running dbt. Does not belong here: expectations (they stand in the tests).
"""

from __future__ import annotations

import atexit
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.landing.contracts import TABLES
from ingestion.landing.deliveries import SCHEMA as DELIVERY_SCHEMA
from ingestion.landing.registry import CALENDAR_SCHEMA
from lagebild.disclosure_rules import DisclosureRule
from lagebild.instance import AreaLevel, AreaSystem, Coarsening, InstanceConfig, InstanceMeasure
from lagebild.paths import DBT_PROJECT_DIR
from orchestration.warehouse import DBT_THREADS
from semantic_layer.catalogue.linked import linked
from semantic_layer.catalogue.model import Catalogue, Measure
from semantic_layer.catalogue.resolve import Supply
from semantic_layer.export import linked as linked_tables
from semantic_layer.export.dbt import SCHEMAS as CATALOGUE_SCHEMAS
from semantic_layer.export.rules import coarser_rows, combination_rows, rule_rows, threshold_rows

STICHTAG = date(2024, 12, 31)
DELIVERY = "mini-000000000001"

AREA_LEVELS = [
    {"level": "kreis", "level_label": "Kreis", "level_plural": "Kreise"},
    {"level": "gemeinde", "level_label": "Gemeinde", "level_plural": "Gemeinden"},
    {"level": "sozialraum", "level_label": "Sozialraum", "level_plural": "Sozialräume"},
    {"level": "block", "level_label": "Block", "level_plural": "Blöcke"},
]


@cache
def _room() -> Path:
    """A folder of this process, removed with it."""
    room = tempfile.mkdtemp(prefix="lagebild-mini-")
    atexit.register(shutil.rmtree, room, ignore_errors=True)
    return Path(room)


@dataclass
class Mini:
    """One hand-made instance below `root`. Rows are dicts; missing columns become NULL."""

    root: Path
    measures: list[dict[str, Any]] = field(default_factory=list)
    rules: list[DisclosureRule] = field(default_factory=list)
    coarser: dict[str, Coarsening] = field(default_factory=dict)
    """Coarser scales, as `instance.yml` says them; only of dimension `age`."""
    breakdowns: list[tuple[str, str]] = field(default_factory=list)
    groups: list[dict[str, Any]] = field(default_factory=list)
    indicators: list[dict[str, Any]] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)
    areas: list[dict[str, Any]] = field(default_factory=list)
    crosswalk: list[dict[str, Any]] = field(default_factory=list)
    observations: list[dict[str, Any]] = field(default_factory=list)
    persons: list[dict[str, Any]] = field(default_factory=list)
    cases: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    calendar: list[dict[str, Any]] = field(default_factory=list)
    coverage: list[tuple[str, str]] = field(default_factory=list)
    microdata_measures: list[dict[str, Any]] = field(default_factory=list)
    age_bounds: tuple[int, ...] = (0, 18, 65)
    indicator_breaks: list[dict[str, Any]] = field(default_factory=list)
    indicator_changes: list[dict[str, Any]] = field(default_factory=list)
    targets: list[dict[str, Any]] = field(default_factory=list)
    peer_features: list[dict[str, Any]] = field(default_factory=list)
    registry_dir: str = ""
    """Registry of another night, written by the test itself."""
    part_of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Measure to the wholes it is a part of, as `measures.yml` of the catalogue says it."""
    restricts: dict[str, tuple[str, tuple[int, int | None]]] = field(default_factory=dict)
    """Measure to the one it repeats for an age range."""
    second_system: tuple[str, ...] = ()
    """Levels of the area system `second`, coarsest first; areas come with `area(…, area_system="second")`."""
    proof_dir: str = ""
    """Folder with the proof of a solver; empty: nothing has been solved."""
    require_certificate: bool = False

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse.duckdb"

    def area(self, level: str, code: str, parent: str | None, **more: Any) -> None:
        row = {
            "area_system": "sozialraum",
            "area_level": level,
            "area_code": code,
            "area_name": f"Gebiet {code}",
            "parent_code": parent,
            "valid_from": date(2010, 1, 1),
            "valid_to": None,
        }
        self.areas.append(row | more)

    def rule(self, rule_id: str, **more: Any) -> None:
        """A rule as `rules.yml` would say it, overrides per level, tier and audience included."""
        self.rules.append(DisclosureRule.model_validate({"id": rule_id, "basis": "Test", **more}))

    def measure(self, measure_id: str, rule_id: str, breakdowns: tuple[str, ...] = (), **more: Any) -> None:
        row = {
            "measure_id": measure_id,
            "label": measure_id,
            "definition": "",
            "unit": "Anzahl",
            "value_kind": "count",
            "source_id": "mini",
            "input": "observation",
            "period_type": "stichtag",
            "area_system": "sozialraum",
            "lowest_level": "sozialraum",
            "rule_id": rule_id,
            "tier": "public",
            "additive_over_areas": True,
            "semi_additive_time": True,
        }
        self.measures.append(row | more)
        self.breakdowns += [(measure_id, breakdown) for breakdown in ("total", *breakdowns)]

    def observation(
        self, measure_id: str, level: str, code: str, value: float | None, group: str = "total", **more: Any
    ) -> None:
        row = {
            "area_system": "sozialraum",
            "area_level": level,
            "area_code": code,
            "period_type": "stichtag",
            "period_start": STICHTAG,
            "period_end": STICHTAG,
            "measure_id": measure_id,
            "group_id": group,
            "value": value,
            "obs_status": "A",
            "conf_status": "F",
            "delivery_id": DELIVERY,
            "source_id": "mini",
        }
        self.observations.append(row | more)

    def _write_landing(self) -> None:
        rows = {
            "area": self.areas,
            "area_crosswalk": self.crosswalk,
            "observation": self.observations,
            "person": self.persons,
            "case": self.cases,
        }
        for table, schema in TABLES.items():
            folder = self.root / "landing" / "mini" / "all"
            folder.mkdir(parents=True, exist_ok=True)
            filled = [
                {name: {"delivery_id": DELIVERY, "source_id": "mini"}.get(name) for name in schema.names}
                | row
                for row in rows.get(table, [])
            ]
            pq.write_table(pa.Table.from_pylist(filled, schema=schema), folder / f"{table}.parquet")

    def _write_registry(self) -> None:
        default = {
            "delivery_id": DELIVERY,
            "source_id": "mini",
            "status": "current",
            "received_at": datetime(2025, 1, 15, tzinfo=UTC),
            "file_modified_at": datetime(2025, 1, 15, tzinfo=UTC),
            "file_name": "mini.csv",
            "period_type": "stichtag",
            "period_start": STICHTAG,
            "period_end": STICHTAG,
            "kommune_code": None,
            "row_count": 1,
            "warnings": 0,
            "supersedes": None,
        }
        folder = self.root / "landing" / "_registry"
        folder.mkdir(parents=True, exist_ok=True)
        rows = [default | row for row in (self.deliveries or [{}])]
        pq.write_table(pa.Table.from_pylist(rows, schema=DELIVERY_SCHEMA), folder / "deliveries.parquet")
        pq.write_table(
            pa.Table.from_pylist(self.calendar, schema=CALENDAR_SCHEMA), folder / "calendar.parquet"
        )

    def _supply(self) -> Supply:
        """The measures as an instance folder and the catalogue would give them; only what table groups ask for."""
        levels = tuple(
            AreaLevel(code=item["level"], label=item["level_label"], plural=item["level_plural"])
            for item in AREA_LEVELS
        )
        second = tuple(AreaLevel(code=level, label=level, plural=level) for level in self.second_system)
        config = InstanceConfig.model_construct(
            dimensions={"age": self.age_bounds},
            coarser=self.coarser,
            area_systems=(
                AreaSystem(code="sozialraum", label="Sozialräume", levels=levels),
                AreaSystem(code="second", label="Zweite Gliederung", levels=second),
            ),
        )
        restricted = {
            name: {"restricts": whole, "covers": ages} for name, (whole, ages) in self.restricts.items()
        }
        catalogue = Catalogue.model_construct(
            measures=tuple(
                Measure.model_construct(
                    id=row["measure_id"],
                    part_of=self.part_of.get(row["measure_id"], ()),
                    **restricted.get(row["measure_id"], {}),
                )
                for row in self.measures
            )
        )
        supplied = tuple(
            InstanceMeasure(
                measure=row["measure_id"],
                source=row["source_id"],
                input=row["input"],
                breakdowns=tuple(
                    tuple(breakdown.split(";"))
                    for measure, breakdown in self.breakdowns
                    if measure == row["measure_id"] and breakdown != "total"
                ),
                period_type=row["period_type"],
                area_system=row["area_system"],
                lowest_level=row["lowest_level"],
                rule=row["rule_id"],
            )
            for row in self.measures
        )
        return Supply(catalogue, config, supplied)

    def _write_catalogue(self) -> None:
        bounds = [*self.age_bounds, None]
        bands = [
            {
                "dimension": "age",
                "age_from": low,
                "age_to": None if high is None else high - 1,
                "member": f"{low}+" if high is None else f"{low}-{high - 1}",
            }
            for low, high in itertools.pairwise(bounds)
        ]
        tables: dict[str, list[dict[str, Any]]] = {
            "theme": [{"theme_id": "demografie", "label": "Demografie", "sort_key": 1}],
            "indicator": self.indicators,
            "indicator_part": self.parts,
            "measure": self.measures,
            "measure_breakdown": [{"measure_id": m, "breakdown": b} for m, b in self.breakdowns],
            "group_member": [
                {"group_id": "total", "breakdown": "total", "group_label": "insgesamt", "sort_key": 0},
                *self.groups,
            ],
            "rule": rule_rows(self.rules, {}),
            "rule_threshold": threshold_rows(
                self.rules,
                tuple(dict.fromkeys([*(item["level"] for item in AREA_LEVELS), *self.second_system])),
            ),
            "rule_combination": list(
                combination_rows(self._supply(), {rule.id: rule for rule in self.rules})
            ),
            "group_coarser": list(coarser_rows(self._supply())),
            "area_level": [
                {
                    "area_system": "sozialraum",
                    "area_system_label": "Sozialräume",
                    "is_main": True,
                    "level_rank": rank,
                    **level,
                }
                for rank, level in enumerate(AREA_LEVELS)
            ]
            + [
                {
                    "area_system": "second",
                    "area_system_label": "Zweite Gliederung",
                    "is_main": False,
                    "level_rank": rank,
                    "level": level,
                    "level_label": level,
                    "level_plural": level,
                }
                for rank, level in enumerate(self.second_system)
            ],
            "age_band": bands,
            "source": [
                {
                    "source_id": "mini",
                    "label": "Mini",
                    "supplier": "Test",
                    "kommunen_expected": len(self.coverage),
                }
            ],
            "source_coverage": [{"source_id": s, "kommune_code": k} for s, k in self.coverage],
            "indicator_break": self.indicator_breaks,
            "indicator_change": self.indicator_changes,
            "target": self.targets,
            "peer_feature": self.peer_features,
            **linked_tables.rows(linked(self._supply(), {rule.id: rule for rule in self.rules})),
        }
        folder = self.root / "catalogue"
        folder.mkdir(parents=True, exist_ok=True)
        for table, schema in CATALOGUE_SCHEMAS.items():
            rows = [dict.fromkeys(schema.names) | row for row in tables.get(table, [])]
            pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / f"{table}.parquet")

    def build(self, *arguments: str) -> None:
        """Writes the inputs and runs `dbt build` (or the given command); raises with dbt's output on failure.

        dbt reads the whole project anew when a variable differs: what it has read with the same ones is handed on.
        """
        self._write_landing()
        self._write_registry()
        self._write_catalogue()
        place = self.stand()
        variables = {
            "instance": "mini",
            "title": "Mini",
            "is_synthetic": True,
            "attribution": "Test",
            "landing_dir": str(place / "landing"),
            "registry_dir": self.registry_dir.replace(str(self.root), str(place)),
            "catalogue_dir": str(place / "catalogue"),
            "main_area_system": "sozialraum",
            "release_id": "R1",
            "input_fingerprint": "F1",
            "catalogue_version": "C1",
            "measures": self.microdata_measures,
            "proof_dir": self.proof_dir.replace(str(self.root), str(place)),
            "require_certificate": self.require_certificate,
        }
        command = [
            str(Path(sys.executable).parent / "dbt"),
            *(arguments or ("build", "--exclude-resource-type", "unit_test")),
            "--project-dir",
            str(DBT_PROJECT_DIR),
            "--profiles-dir",
            str(DBT_PROJECT_DIR),
            "--target",
            "duckdb",
            "--vars",
            json.dumps(variables),
        ]
        read = self.root / "target" / "partial_parse.msgpack"
        read.parent.mkdir(exist_ok=True)
        handed_on = _room() / f"{hashlib.sha256(json.dumps(variables).encode()).hexdigest()}.msgpack"
        if handed_on.exists():
            shutil.copyfile(handed_on, read)
        environment = os.environ | {
            "LAGEBILD_WAREHOUSE": str(place / self.warehouse.name),
            "DBT_TARGET_PATH": str(self.root / "target"),
            **DBT_THREADS,
            "DBT_LOG_PATH": str(self.root / "log"),
        }
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if read.exists():
            shutil.copyfile(read, handed_on)
        if result.returncode != 0:
            raise AssertionError(result.stdout[-8000:] + result.stderr[-2000:])

    def stand(self) -> Path:
        """Puts the instance at the one place all are built at, so that dbt's variables do not differ; views of the
        warehouse read their files there."""
        place = _room() / "mini"
        place.unlink(missing_ok=True)
        place.symlink_to(self.root)
        return place

    def query(self, sql: str) -> pd.DataFrame:
        self.stand()
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(sql).df()
