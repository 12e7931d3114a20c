"""What landing tells the gate about the world outside a delivery (`expectations.context.GateContext`).

Reads the Parquet files of current deliveries and the exported catalogue table, each at most once and only when a rule
asks. Belongs to one run of `land_source`; nothing is written.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from expectations.context import AreaId, Earlier, FigureKey, KnownArea, KnownAreas, MeasureFacts
from expectations.rules.observed import COLUMNS, observed
from expectations.rules.plausibility import roll_up
from ingestion.landing.deliveries import succession
from ingestion.landing.manifest import Manifest, read_manifests
from lagebild.instance import Instance, SourceConfig

log = logging.getLogger("lagebild.landing")

AGE = "age"


class LandedContext:
    """The gate's view of what has landed. `own` gives the manifests of the source being landed, newest state."""

    def __init__(
        self, instance: Instance, source: SourceConfig, own: Callable[[], Iterable[Manifest]]
    ) -> None:
        self._instance, self._source, self._own = instance, source, own

    @cached_property
    def areas(self) -> KnownAreas | None:
        sources = [item for item in self._instance.sources.values() if "area" in item.tables]
        # The area register itself cannot be measured against its predecessor: it says what is right.
        if not sources or "area" in self._source.tables:
            return None
        areas: list[KnownArea] = []
        successors: dict[AreaId, tuple[str, ...]] = {}
        for source in self._instance.sources.values():
            for manifest in self._current(source.id):
                areas += self._read_areas(manifest)
                for key, code in self._read_successors(manifest):
                    successors[key] = (*successors.get(key, ()), code)
        levels = {
            system.code: tuple(level.code for level in system.levels)
            for system in self._instance.config.area_systems
        }
        return KnownAreas(tuple(areas), levels, successors)

    @cached_property
    def areas_fingerprint(self) -> str:
        """Hash of the deliveries that make up the area register; another register may know other keys."""
        # The configuration counts: the same file, read in another way, may hold other areas.
        parts = sorted(
            f"{manifest.delivery_id} {manifest.config_fingerprint}"
            for source in self._instance.sources.values()
            if {"area", "area_crosswalk"} & set(source.tables) and source.id != self._source.id
            for manifest in self._current(source.id)
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    @cached_property
    def measures(self) -> Mapping[str, MeasureFacts]:
        return read_measures(self._instance.paths.catalogue)

    def earlier(
        self, period_type: str, period_end: date, kommune_code: str | None, part: str | None
    ) -> Earlier | None:
        """The nearest delivery before `period_end` that is in use."""
        before = [
            item
            for item in _in_use(self._own())
            if item.period_type == period_type
            and item.kommune_code == kommune_code
            and item.part == part
            and item.period_end is not None
            and item.period_end < period_end
        ]
        if not before:
            return None
        last = max(before, key=lambda item: (item.period_end or date.min, item.delivery_id))
        assert last.period_end is not None
        return Earlier(last.period_end, last.rows, self._figures(last))

    def siblings(self, measures: frozenset[str]) -> pd.DataFrame | None:
        paths = [str(path) for item in _in_use(self._own()) if (path := self._parquet(item, "observation"))]
        if not paths:
            return None
        with duckdb.connect() as connection:
            found = connection.execute(
                f"select {', '.join(COLUMNS)} from read_parquet($1) where list_contains($2, measure_id)",
                [paths, sorted(measures)],
            ).fetch_arrow_table()
        return observed(found)

    def totals(self, measure_id: str, period_type: str, day: date, days_apart: int) -> Mapping[AreaId, float]:
        facts = self.measures.get(measure_id)
        if facts is None or facts.period_type != period_type or facts.source_id == self._source.id:
            return {}
        near = [
            item
            for item in self._current(facts.source_id)
            if item.period_type == period_type
            and item.period_end is not None
            and abs((item.period_end - day).days) <= days_apart
        ]
        if not near:
            return {}
        closest = min(abs((item.period_end - day).days) for item in near if item.period_end)
        found: dict[AreaId, float] = {}
        for item in near:
            if item.period_end is not None and abs((item.period_end - day).days) == closest:
                for key, value in self._totals(measure_id, item.delivery_id).items():
                    found[key] = found.get(key, 0.0) + value
        return found

    @cached_property
    def _by_source(self) -> dict[str, list[Manifest]]:
        return {}

    def _current(self, source_id: str) -> list[Manifest]:
        if source_id not in self._by_source:
            self._by_source[source_id] = _in_use(read_manifests(self._instance, source_id))
        return self._by_source[source_id]

    def _parquet(self, manifest: Manifest, table: str) -> Path | None:
        path = self._instance.paths.landing / manifest.source_id / manifest.delivery_id / f"{table}.parquet"
        return path if path.exists() else None

    def _read_areas(self, manifest: Manifest) -> list[KnownArea]:
        path = self._parquet(manifest, "area")
        if path is None:
            return []
        columns = [
            "area_system",
            "area_level",
            "area_code",
            "parent_code",
            "valid_from",
            "valid_to",
            "area_name",
        ]
        found = pq.read_table(path, columns=columns).to_pydict()
        return [KnownArea(*values) for values in zip(*(found[name] for name in columns), strict=True)]

    def _read_successors(self, manifest: Manifest) -> list[tuple[AreaId, str]]:
        path = self._parquet(manifest, "area_crosswalk")
        if path is None:
            return []
        found = pq.read_table(path, columns=["area_system", "area_level", "from_code", "to_code"])
        return [
            ((row["area_system"], row["area_level"], row["from_code"]), row["to_code"])
            for row in found.to_pylist()
            if row["from_code"] != row["to_code"]
        ]

    def _figures(self, manifest: Manifest) -> Mapping[FigureKey, float]:
        path = self._parquet(manifest, "observation")
        if path is None:
            return {}
        columns = ["measure_id", "group_id", "area_system", "area_level", "area_code", "value"]
        rows = pq.read_table(path, columns=columns)
        known = rows.filter(pc.is_valid(rows.column("value"))).to_pydict()
        keys = zip(*(known[name] for name in columns[:-1]), strict=True)
        return dict(zip(keys, known["value"], strict=True))

    def _totals(self, measure_id: str, delivery_id: str) -> Mapping[AreaId, float]:
        cached = self._total_cache
        if (measure_id, delivery_id) not in cached:
            cached[measure_id, delivery_id] = self._read_totals(self.measures[measure_id], delivery_id)
        return cached[measure_id, delivery_id]

    @cached_property
    def _total_cache(self) -> dict[tuple[str, str], Mapping[AreaId, float]]:
        return {}

    def _read_totals(self, facts: MeasureFacts, delivery_id: str) -> Mapping[AreaId, float]:
        manifest = next(item for item in self._current(facts.source_id) if item.delivery_id == delivery_id)
        path = self._parquet(manifest, facts.input)
        if path is None or manifest.period_end is None:
            return {}
        with duckdb.connect() as connection:
            if facts.input == "observation":
                rows = connection.execute(
                    "select area_system, area_level, area_code, value from read_parquet(?) "
                    "where measure_id = ? and group_id = 'total' and value is not null",
                    [str(path), facts.measure_id],
                ).fetchall()
                return {(system, level, code): float(value) for system, level, code, value in rows}
            if self.areas is None or facts.value != "count(*)":
                return {}
            # `where` is SQL of the instance's own measures.yml, not of a delivery.
            by_block = connection.execute(
                f"select gemeinde_code, block_code, {facts.value} from read_parquet(?) where {facts.where} "
                "group by gemeinde_code, block_code",
                [str(path)],
            ).fetchall()
        gemeinden: dict[str, float] = {}
        blocks: dict[str, float] = {}
        for gemeinde, block, count in by_block:
            if gemeinde is not None:
                gemeinden[gemeinde] = gemeinden.get(gemeinde, 0.0) + count
            if block is not None:
                blocks[block] = blocks.get(block, 0.0) + count
        system, day = facts.area_system, manifest.period_end
        # What lies in no block is missing below the Gemeinde: from there on upwards the Gemeinde itself counts.
        fine = roll_up(blocks, system, "block", day, self.areas)
        return {**fine, **roll_up(gemeinden, system, "gemeinde", day, self.areas)}


def _in_use(manifests: Iterable[Manifest]) -> list[Manifest]:
    found = list(manifests)
    states = succession(found)
    return [item for item in found if states[item.delivery_id][0] == "current"]


@cache
def _measure_table(path: Path, modified: int) -> Mapping[str, MeasureFacts]:
    breakdowns: dict[str, list[str]] = {}
    companion = path.with_name("measure_breakdown.parquet")
    for row in pq.read_table(companion).to_pylist() if companion.exists() else ():
        name = row["breakdown"]
        if ";" not in name:
            breakdowns.setdefault(row["measure_id"], []).append(AGE if name.startswith(AGE) else name)
    return {
        row["measure_id"]: _facts(row, tuple(breakdowns.get(row["measure_id"], ()))) for row in _rows(path)
    }


def _rows(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def _facts(row: dict[str, Any], breakdowns: tuple[str, ...]) -> MeasureFacts:
    return MeasureFacts(
        measure_id=row["measure_id"],
        label=row["label"],
        unit=row["unit"],
        value_kind=row["value_kind"],
        additive=bool(row["additive_over_areas"]),
        source_id=row["source_id"],
        input=row["input"],
        where=row["where_sql"] or "true",
        value=row["value_sql"] or "count(*)",
        period_type=row["period_type"],
        area_system=row["area_system"],
        part_of=tuple(name for name in (row["part_of"] or "").split(", ") if name),
        breakdowns=breakdowns,
    )


def read_measures(folder: Path) -> Mapping[str, MeasureFacts]:
    """Measures of the exported catalogue (`protected/catalogue/measure.parquet`), by id; empty before the export."""
    path = folder / "measure.parquet"
    if not path.exists():
        log.info("no exported catalogue: sums, jumps and plausibility are not checked")
        return {}
    return _measure_table(path, path.stat().st_mtime_ns)
