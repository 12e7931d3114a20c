"""What landing tells the gate: areas, the delivery before, figures of other sources, and the order that needs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.landing.conform import conform
from ingestion.landing.context import LandedContext
from ingestion.landing.contracts import TABLES
from ingestion.landing.manifest import MANIFEST_NAME, Manifest, read_manifests
from ingestion.landing.order import landed_before, landing_order
from lagebild.instance import Instance, list_instances

DAY = date(2024, 12, 31)


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    """The Musterkreis' configuration with a state of its own."""
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path / "var"))
    yield Instance("musterkreis")


def land(
    instance: Instance,
    source: str,
    name: str,
    tables: dict[str, list[dict[str, Any]]],
    end: date | None,
    **more: Any,
) -> None:
    """Puts a landed delivery into place."""
    folder = instance.paths.landing / source / f"{source}-{name}"
    folder.mkdir(parents=True)
    for table, rows in tables.items():
        fields = [item for item in TABLES[table] if item.name not in ("delivery_id", "source_id")]
        content = pa.Table.from_pylist(rows, schema=pa.schema(fields))
        pq.write_table(conform(table, content, f"{source}-{name}", source), folder / f"{table}.parquet")
    fields_of: dict[str, Any] = {
        "delivery_id": f"{source}-{name}",
        "source_id": source,
        "instance": instance.name,
        "status": "landed",
        "received_at": datetime(2025, 1, 1, tzinfo=UTC),
        "file_name": f"{name}.csv",
        "file_modified_at": datetime(2025, 1, 1, tzinfo=UTC),
        "sha256": name,
        "size_bytes": 1,
        "period_type": "stichtag" if end else None,
        "period_start": end,
        "period_end": end,
        "rows": {table: len(rows) for table, rows in tables.items()},
        "adapter": "x",
        "config_fingerprint": "x",
    }
    manifest = Manifest.model_validate(fields_of | more)
    (folder / MANIFEST_NAME).write_text(manifest.model_dump_json(), encoding="utf-8")


def area(level: str, code: str, parent: str | None) -> dict[str, Any]:
    return {
        "area_system": "sozialraum",
        "area_level": level,
        "area_code": code,
        "area_name": f"Ort {code}",
        "parent_code": parent,
        "valid_from": date(2010, 1, 1),
    }


AREAS = [
    area("kreis", "99901", None),
    area("amt", "99901A01", "99901"),
    area("gemeinde", "99901001", "99901A01"),
    area("sozialraum", "99901001S01", "99901001"),
    area("block", "99901001B0001", "99901001S01"),
]
CROSSWALK = [
    {
        "area_system": "sozialraum",
        "area_level": "gemeinde",
        "from_code": "99901049",
        "to_code": "99901051",
        "reform_date": date(2018, 1, 1),
        "weight": 1.0,
        "method": "exact",
    }
]


def person(key: str, block: str | None) -> dict[str, Any]:
    return {
        "reference_date": DAY,
        "person_key": key,
        "gemeinde_code": "99901001",
        "block_code": block,
        "age": 5,
    }


def figure(value: float, day: date) -> dict[str, Any]:
    return {
        "area_system": "sozialraum",
        "area_level": "gemeinde",
        "area_code": "99901001",
        "period_type": "stichtag",
        "period_start": day,
        "period_end": day,
        "measure_id": "dwellings",
        "group_id": "total",
        "value": value,
        "obs_status": "A",
        "conf_status": "F",
    }


def context(instance: Instance, source: str) -> LandedContext:
    manifests = read_manifests(instance, source)
    return LandedContext(instance, instance.sources[source], lambda: manifests)


def test_areas_and_successors_come_from_the_landed_register(instance: Instance) -> None:
    nothing = context(instance, "wohnen").areas
    assert nothing is not None and not nothing.areas  # configured, but not landed
    land(instance, "geobasis", "a", {"area": AREAS, "area_crosswalk": CROSSWALK}, None)
    known = context(instance, "wohnen").areas
    assert known is not None
    assert known.ancestor(("sozialraum", "block", "99901001B0001"), "kreis", DAY) == "99901"
    assert known.ancestor(("sozialraum", "sozialraum", "99901001-NZ"), "amt", DAY) == "99901A01"
    assert known.successors == {("sozialraum", "gemeinde", "99901049"): ("99901051",)}
    assert context(instance, "geobasis").areas is None  # the register is not measured against itself


def test_earlier_is_the_nearest_one_in_use(instance: Instance) -> None:
    for year, value in ((2021, 1.0), (2023, 3.0), (2025, 5.0)):
        day = date(year, 12, 31)
        land(instance, "wohnen", str(year), {"observation": [figure(value, day)]}, day)
    replaced = datetime(2025, 2, 1, tzinfo=UTC)
    correction = {"observation": [figure(4.0, date(2023, 12, 31))]}
    land(instance, "wohnen", "neu", correction, date(2023, 12, 31), file_modified_at=replaced)
    found = context(instance, "wohnen").earlier("stichtag", DAY, None, None)
    assert found is not None and found.period_end == date(2023, 12, 31)
    assert found.figures == {("dwellings", "total", "sozialraum", "gemeinde", "99901001"): 4.0}
    assert context(instance, "wohnen").earlier("stichtag", date(2021, 12, 31), None, None) is None
    assert context(instance, "wohnen").earlier("jahr", DAY, None, None) is None
    assert context(instance, "wohnen").earlier("stichtag", DAY, "99901A01", None) is None


def test_totals_of_persons_on_every_level(instance: Instance) -> None:
    from semantic_layer.export.dbt import write_catalogue_tables

    write_catalogue_tables(instance)
    land(instance, "geobasis", "a", {"area": AREAS}, None)
    people = [person("a", "99901001B0001"), person("b", "99901001B0001"), person("c", None)]
    land(instance, "einwohnerregister", "a", {"person": people}, DAY)
    gate = context(instance, "ba_akg")
    totals = gate.totals("population", "stichtag", DAY, 0)
    assert totals["sozialraum", "sozialraum", "99901001S01"] == 2
    assert totals["sozialraum", "gemeinde", "99901001"] == 3
    assert totals["sozialraum", "kreis", "99901"] == 3
    later = date(2025, 1, 20)
    assert gate.totals("population", "stichtag", later, 31) == totals
    assert gate.totals("population", "stichtag", later, 19) == {}
    assert gate.totals("population", "jahr", DAY, 31) == {}
    assert context(instance, "einwohnerregister").totals("population", "stichtag", DAY, 0) == {}
    assert "population" in gate.measures["sgb2_persons"].part_of


@pytest.mark.parametrize("name", list_instances())
def test_what_others_need_lands_first(name: str) -> None:
    instance = Instance(name)
    order = [source.id for source in landing_order(instance)]
    assert sorted(order) == sorted(instance.sources)
    for source in instance.sources.values():
        assert all(order.index(other) < order.index(source.id) for other in landed_before(instance, source))
