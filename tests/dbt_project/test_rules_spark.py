"""Primary rules, protection levels and residual pooling give the same rows on DuckDB and on Spark.

The macros are rendered as they stand; nothing is translated between the engines.
"""

from __future__ import annotations

import itertools
import math
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from semantic_layer.export.rules import THRESHOLD_SCHEMA
from tests.dbt_project.macro_sql import render, steps

pytestmark = [pytest.mark.slow, pytest.mark.spark]

DEEPEST = 2
RULES = ("primary_rules", "primary_verdict")
POOLING = ("residual_pooling",)

CANDIDATE_SCHEMA = pa.schema(
    [
        ("measure_id", pa.string()),
        ("period_key", pa.string()),
        ("area_key", pa.string()),
        ("area_level", pa.string()),
        ("level_rank", pa.int32()),
        ("is_unassigned", pa.bool_()),
        ("group_key", pa.string()),
        ("value", pa.float64()),
        ("obs_status", pa.string()),
        ("conf_status", pa.string()),
        ("contributors", pa.int64()),
        ("providers", pa.int64()),
        ("largest", pa.float64()),
        ("second_largest", pa.float64()),
        ("rule_id", pa.string()),
        ("value_kind", pa.string()),
        ("policy", pa.string()),
        ("tier", pa.string()),
        ("inhabitants", pa.float64()),
        ("largest_category", pa.float64()),
        ("vector_total", pa.float64()),
        ("combination_rank", pa.int32()),
    ]
)
VECTOR_SCHEMA = pa.schema(
    [
        *(
            (name, pa.string())
            for name in ("measure_id", "period_key", "breakdown", "area_key", "parent_key")
        ),
        ("level_rank", pa.int32()),
        ("is_unassigned", pa.bool_()),
        ("vector_total", pa.float64()),
        ("required_upper", pa.float64()),
        ("is_blocked", pa.bool_()),
    ]
)
_CELL_KEY = [
    (name, pa.string())
    for name in ("measure_id", "period_key", "breakdown", "area_key", "category", "stratum")
]
ATOM_SCHEMA = pa.schema([*_CELL_KEY, ("value", pa.float64()), ("value_high", pa.float64())])
EXPOSURE_SCHEMA = pa.schema([*_CELL_KEY, ("n_max", pa.float64()), ("n_min", pa.float64())])


def thresholds() -> list[dict[str, Any]]:
    """Rules that cover every field, each at its edges, for two levels and tiers."""
    off = dict.fromkeys(("basis", "decision"), "") | {
        "min_count": 0,
        "protect_zero": False,
        "min_contributors": 0,
        "min_providers": 0,
        "dominance_n": 0,
        "dominance_k_pct": 0.0,
        "p_percent": 0.0,
        "min_denominator": 0,
        "group_disclosure": False,
        "group_disclosure_slack": 0,
        "protect_unassigned": False,
    }
    rules: dict[str, dict[str, Any]] = {
        "off": {},
        "count": {"min_count": 3},
        "zero": {"min_count": 5, "protect_zero": True, "protect_unassigned": True},
        "contributors": {"min_count": 3, "min_contributors": 3, "min_providers": 2},
        "money": {"min_contributors": 3, "dominance_n": 2, "dominance_k_pct": 85.0, "p_percent": 10.0},
        "largest": {"dominance_n": 1, "dominance_k_pct": 33.3, "p_percent": 7.5},
        "group": {
            "min_count": 3,
            "group_disclosure": True,
            "group_disclosure_slack": 1,
            "min_denominator": 300,
        },
    }
    return [
        off
        | fields
        | {"rule_id": rule, "area_level": level, "tier": tier, "audience": "public"}
        | ({"min_count": 10} if level == "fine" and rule == "count" else {})
        for rule, fields in rules.items()
        for level, tier in itertools.product(("coarse", "fine"), ("public", "internal"))
    ]


def candidates(count: int, seed: int) -> list[dict[str, Any]]:
    """Random cells, most of them at the edges of some rule; every optional column is sometimes unknown."""
    chance = random.Random(seed)
    rules = sorted({row["rule_id"] for row in thresholds()})
    rows = []
    for number in range(count):
        kind = chance.choice(["count", "count", "money", "amount"])
        value = chance.choice([0, 0, 1, 2, 3, 4, 5, 9, 10, 40, 100, -1, None, chance.randrange(5000)])
        if value is not None and kind != "count":
            value = value * chance.choice([1, 0.01, 1.005, 33.333])
        total = None if value is None else value + chance.choice([0, 0, 1, 2, 3, 50])
        largest = None if value is None else value * chance.choice([1.0, 0.85, 0.5, 0.6, 0.333])
        rest = 0.0 if value is None or largest is None else value - largest
        missing = lambda known: None if chance.random() < 0.15 else known  # noqa: E731
        rows.append(
            {
                "measure_id": "m",
                "period_key": "J2024",
                "area_key": f"A{number}",
                "area_level": chance.choice(["coarse", "fine"]),
                "level_rank": chance.randrange(3),
                "is_unassigned": chance.random() < 0.1,
                "group_key": "total",
                "value": None if value is None else float(value),
                "obs_status": "A",
                "conf_status": "C" if value is None and chance.random() < 0.5 else "F",
                "contributors": missing(chance.choice([0, 1, 2, 3, 50])),
                "providers": missing(chance.choice([1, 2, 7])),
                "largest": missing(largest),
                "second_largest": missing(rest * chance.choice([0.0, 0.3, 1.0])),
                "rule_id": chance.choice(rules),
                "value_kind": kind,
                "policy": chance.choice(["evaluate"] * 8 + ["source_released", "withhold"]),
                "tier": chance.choice(["public", "internal"]),
                "inhabitants": missing(chance.choice([299.0, 300.0, 5000.0])),
                "largest_category": missing(chance.choice([value, total, 0.0])),
                "vector_total": missing(total),
                "combination_rank": chance.choice([None, None, 0, 1, 2]),
            }
        )
    return rows


def pooling_case(seed: int) -> dict[str, pa.Table]:
    """Random one-way breakdowns on a Kreis with Gemeinden and Sozialräume: what layer A is given, without dbt."""
    chance = random.Random(seed)
    vectors: list[dict[str, Any]] = []
    atoms: list[dict[str, Any]] = []
    exposures: list[dict[str, Any]] = []
    for measure, known in itertools.product(range(8), (True, False)):
        key = {"measure_id": f"m{measure}", "period_key": "J2024", "breakdown": "age" if known else "total"}
        categories = ["age=1", "age=2", "age=3"] if known else ["total"]
        strata = ["sex=f", "sex=m"] if known and measure % 2 else [""]
        leaves = {f"G{g}S{s}": f"G{g}" for g in range(4) for s in range(chance.choice([1, 2, 4]))}
        parents = {**leaves, **dict.fromkeys(leaves.values(), "K"), "K": None}
        counts: dict[tuple[str, str, str], float] = {}
        for leaf, category, stratum in itertools.product(leaves, categories, strata):
            value = float(chance.choice([0, 0, 1, 2, 3, 5, 8, 30]))
            area: str | None = leaf
            while area is not None:
                counts[area, category, stratum] = counts.get((area, category, stratum), 0.0) + value
                area = parents[area]
        for area, parent in parents.items():
            own = {pair: counts[(area, *pair)] for pair in itertools.product(categories, strata)}
            margin = {c: sum(own[c, s] for s in strata) for c in categories}
            rank = 0 if parent is None else 1 if parent == "K" else 2
            primary = [c for c, value in margin.items() if 0 < value < 3]
            vectors.append(
                key
                | {
                    "area_key": area,
                    "parent_key": parent,
                    "level_rank": rank,
                    "is_unassigned": rank == 2 and chance.random() < 0.1,
                    "vector_total": sum(margin.values()),
                    "required_upper": 3.0,
                    "is_blocked": bool(primary) or chance.random() < 0.05,
                }
            )
            for (category, stratum), value in own.items():
                cell = key | {"area_key": area, "category": category, "stratum": stratum}
                atoms.append(cell | {"value": value, "value_high": value})
                if category in primary:
                    row = sum(own[c, stratum] for c in categories)
                    n_min = row if sum(margin.values()) >= 3 else None
                    exposures.append(cell | {"n_max": row, "n_min": n_min})
    return {
        "vectors": pa.Table.from_pylist(vectors, schema=VECTOR_SCHEMA),
        "atoms": pa.Table.from_pylist(atoms, schema=ATOM_SCHEMA),
        "exposures": pa.Table.from_pylist(exposures, schema=EXPOSURE_SCHEMA),
    }


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if shutil.which("java") is None:
        pytest.skip("no Java here: Spark cannot start")
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[1]")
        .appName("lagebild-rules")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("spark")))
        .getOrCreate()
    )
    yield session
    session.stop()


def both(
    spark: Any, ctes: str, final: str, tables: dict[str, pa.Table], folder: Path
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of DuckDB and of Spark for one statement over the same Parquet files.

    Spark puts the text of a CTE in every place that names it, so that a chain of levels grows exponentially; there each
    CTE is computed once, as a table of its own would be.
    """
    connection = duckdb.connect()
    for name, table in tables.items():
        path = folder / f"{name}.parquet"
        pq.write_table(table, path)
        connection.execute(f"create or replace view {name} as select * from '{path}'")
        spark.read.parquet(str(path)).createOrReplaceTempView(name)
    ours = connection.execute(f"with {ctes} {final}").to_arrow_table().to_pylist()
    for name, query in steps(ctes):
        spark.sql(query).localCheckpoint().createOrReplaceTempView(name)
    theirs = [row.asDict() for row in spark.sql(final).collect()]
    return ours, theirs


def same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-12)
    return bool(left == right)


def different(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[Any]:
    assert len(ours) == len(theirs) > 0
    return [
        (one, {name: other[name] for name in one if not same(one[name], other[name])})
        for one, other in zip(ours, theirs, strict=True)
        if any(not same(one[name], other[name]) for name in one)
    ]


def test_primary_rules_and_protection_levels(spark: Any, tmp_path: Path) -> None:
    rows = candidates(2500, seed=5)
    tables = {
        "candidates": pa.Table.from_pylist(rows, schema=CANDIDATE_SCHEMA),
        "thresholds": pa.Table.from_pylist(thresholds(), schema=THRESHOLD_SCHEMA),
    }
    verdict = render('primary_verdict("candidates", "thresholds")', RULES)
    ours, theirs = both(spark, verdict, "select * from judged order by area_key", tables, tmp_path)
    assert different(ours, theirs) == []
    # The comparison says something: every rule has fired, and goals lie around the value.
    fired = {row["primary_rule"] for row in ours}
    assert fired == {
        None,
        "hidden_at_source",
        "combination",
        "correction",
        "count",
        "zero",
        "contributors",
        "dominance",
        "p_percent",
        "denominator",
        "group_disclosure",
    }
    for row in ours:
        if row["primary_rule"] is not None and row["value_units"] is not None and row["value_units"] >= 0:
            assert 0 <= row["lower_goal"] <= row["value_units"] <= row["upper_goal"], row


@pytest.mark.parametrize("known", [True, pytest.param(False, marks=pytest.mark.thorough)])
def test_residual_pooling(known: bool, spark: Any, tmp_path: Path) -> None:
    chosen = {
        name: table.filter(pc.equal(table["breakdown"], "age" if known else "total"))
        for name, table in pooling_case(seed=1).items()
    }
    call = (
        f'residual_pooling("vectors", "atoms", "exposures", row_totals_known={"true" if known else "false"})'
    )
    pooled = render(call, POOLING, max_level_rank=DEEPEST)
    final = "select * from pooled order by measure_id, area_key"
    ours, theirs = both(spark, pooled, final, chosen, tmp_path)
    assert different(ours, theirs) == []
    assert {row["is_published"] for row in ours} == {True, False}
