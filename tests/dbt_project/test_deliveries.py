"""Embargo, coverage and earlier nights in the star: what is not there yet is missing, never summed over."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.landing.calendar import delivery_calendar
from ingestion.landing.deliveries import SCHEMA, delivery_table, end_of_day
from ingestion.landing.manifest import Manifest
from ingestion.landing.registry import calendar_table
from tests.dbt_project.mini import STICHTAG, Mini
from tests.ingestion.agreements import QUARTER, delivery, source

RELEASE_DAY = date(2025, 4, 30)
SOURCES = {
    "mini": source(
        "mini",
        coverage=("A", "K"),
        supply={
            "expected": {"period": "jahr", "first_period": "2024-12-31", "due": QUARTER},
            "suppliers": {"A": {"name": "Jugendamt A"}, "K": {"name": "Kreisjugendamt"}},
            "embargo": {"dates": {STICHTAG: RELEASE_DAY}},
        },
    )
}
SELECTION = (
    # Tests of what lies further down have nothing to look at here.
    *("build", "--exclude-resource-type", "unit_test", "--indirect-selection", "cautious"),
    *("--select", "+fct_measure", "+published_mart_delivery", "+published_dim_delivery"),
)


def _hze(delivery_id: str, kommune: str, arrived: date, count: int, mini: Mini) -> Manifest:
    gemeinde = "A" if kommune == "A" else "B"
    mini.cases += [
        {
            "delivery_id": delivery_id,
            "case_type": "hze",
            "period_type": "jahr",
            "period_start": date(2024, 1, 1),
            "period_end": STICHTAG,
            "gemeinde_code": gemeinde,
            "block_code": f"{gemeinde}1b",
        }
        for _ in range(count)
    ]
    rows = {"case": count}
    return delivery(delivery_id, arrived, STICHTAG, source_id="mini", kommune_code=kommune, rows=rows)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Mini]:
    """One instance, two nights: under embargo and after it. A correction that came later lies in landing too."""
    mini = Mini(Path(tmp_path_factory.mktemp("nights")))
    mini.area("kreis", "K", None)
    for gemeinde in ("A", "B"):
        mini.area("gemeinde", gemeinde, "K")
        mini.area("sozialraum", f"{gemeinde}1", gemeinde)
        mini.area("block", f"{gemeinde}1b", f"{gemeinde}1")
    mini.rule("open")
    mini.measure("hze_cases", "open", input="case", period_type="jahr", value_sql="count(*)")
    mini.microdata_measures = [
        {
            "measure": "hze_cases",
            "input": "case",
            "where": "case_type = 'hze'",
            "value": "count(*)",
            "breakdowns": [],
            "period_type": "jahr",
            "source": "mini",
            "area_system": "sozialraum",
            "lowest_level": "sozialraum",
            "level_rank": 2,
            "category_dimension": "",
        }
    ]
    mini.coverage = [("mini", "A"), ("mini", "K")]
    manifests = [
        _hze("town", "A", date(2025, 3, 1), 4, mini),
        _hze("rest", "K", date(2025, 3, 20), 7, mini),
        _hze("rest-corrected", "K", date(2025, 5, 2), 9, mini),
    ]
    built = {}
    for name, day in (("embargo", date(2025, 4, 29)), ("free", RELEASE_DAY)):
        registry = mini.root / name
        registry.mkdir()
        areas = mini_areas_delivery()
        deliveries = delivery_table(manifests, SOURCES, end_of_day(day)).to_pylist()
        pq.write_table(
            pa.Table.from_pylist([areas, *deliveries], schema=SCHEMA), registry / "deliveries.parquet"
        )
        pq.write_table(
            calendar_table(delivery_calendar(SOURCES, manifests, day)), registry / "calendar.parquet"
        )
        mini.registry_dir = str(registry)
        mini.build(*SELECTION)
        # Each night has a warehouse of its own, as `lagebild stand --rechnen` builds it.
        kept = Mini(mini.root / f"{name}-warehouse")
        kept.root.mkdir()
        for part in ("landing", "catalogue", name):
            (kept.root / part).symlink_to(mini.root / part)
        mini.warehouse.rename(kept.warehouse)
        built[name] = kept
    return built


def mini_areas_delivery() -> dict[str, Any]:
    """The delivery that holds the areas; no Kommune, no embargo."""
    manifest = delivery("mini-000000000001", date(2020, 1, 1), None, source_id="mini")
    rows: list[dict[str, Any]] = delivery_table([manifest]).to_pylist()
    return rows[0]


def _value(mini: Mini, area: str) -> tuple[Any, str]:
    row = mini.query(
        f"""
        select fact.value, fact.obs_status
        from core.fct_measure as fact inner join core.dim_area as area using (area_key)
        where area.area_code = '{area}' and fact.group_key = 'total'
        """
    )
    assert len(row) <= 1
    return (row["value"][0], row["obs_status"][0]) if len(row) else (None, "absent")


def test_nothing_of_a_delivery_under_embargo_reaches_the_star(nights: dict[str, Mini]) -> None:
    assert _value(nights["embargo"], "K") == (None, "absent")
    deliveries = nights["embargo"].query("select * from published.dim_delivery").set_index("delivery_id")
    assert deliveries.loc["town", "status"] == "embargoed"
    assert deliveries["row_count"].isna()["town"]
    calendar = nights["embargo"].query(
        "select * from published.mart_delivery where period_end = '2024-12-31'"
    )
    assert set(calendar["status_label"]) == {"gesperrt, frei ab 30.04.2025"}
    assert set(calendar["coverage_label"]) == {"0 von 2"}
    assert not calendar["is_complete"].any()


def test_the_same_inputs_are_free_on_the_day_of_release(nights: dict[str, Mini]) -> None:
    assert _value(nights["free"], "A") == (4, "A")
    assert _value(nights["free"], "K") == (11, "A")
    calendar = nights["free"].query("select * from published.mart_delivery where period_end = '2024-12-31'")
    assert set(calendar["coverage_label"]) == {"2 von 2"}
    assert calendar.set_index("kommune_code")["supplier"].to_dict() == {
        "A": "Jugendamt A",
        "K": "Kreisjugendamt",
    }
    assert calendar.set_index("kommune_code")["kommune_name"]["A"] == "Gebiet A"


def test_an_earlier_night_knows_nothing_of_the_correction(nights: dict[str, Mini]) -> None:
    landed = nights["free"].query("select distinct delivery_id from staging.stg_landing__case")
    assert set(landed["delivery_id"]) == {"town", "rest"}
    known = nights["free"].query("select delivery_id, status from published.dim_delivery")
    assert dict(zip(known["delivery_id"], known["status"], strict=True)) == {
        "mini-000000000001": "current",
        "town": "current",
        "rest": "current",
    }
