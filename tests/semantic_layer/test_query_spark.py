"""The same questions on Spark: Parquet exports of a small release give DuckDB's rows."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from semantic_layer.query import Query
from semantic_layer.query.compile import compile_query
from semantic_layer.query.release import Release
from tests.semantic_layer.query_release import INDICATORS, make, write

pytestmark = [pytest.mark.slow, pytest.mark.spark]

_PLACES = ["101S1", "101S2", "102S1"]
QUESTIONS: list[dict[str, Any]] = [
    *({"metrics": name} for name in INDICATORS),
    *({"metrics": name, "by": ["year"]} for name in ("poor_rate", "birth_rate", "births", "death_rate")),
    *({"metrics": name, "by": []} for name in ("poor_rate", "birth_rate", "births", "people")),
    {"metrics": ["poor_rate", "people"], "by": ["gemeinde", "period"]},
    {"metrics": "poor_rate", "by": ["area", "gemeinde"], "where": {"level": "sozialraum", "latest": True}},
    {"metrics": "poor_rate", "by": ["period"], "where": {"area_code": _PLACES}, "intervals": True},
    {"metrics": "people", "by": ["gemeinde", "period"], "where": {"area_code": _PLACES}, "intervals": True},
    {"metrics": "people", "by": ["area_level", "period"]},
    {
        "metrics": "poor_rate_u65",
        "by": ["area", "period", "sex"],
        "where": {"level": "gemeinde"},
        "totals": True,
    },
    {"metrics": "people", "by": ["area", "age"], "where": {"latest": True, "groups": {"sex": "f"}}},
    {"metrics": "people", "by": ["area", "period"], "where": {"groups": {"age": [0, 64]}}, "intervals": True},
    {"metrics": "people", "by": ["area"], "over_time": "average"},
    {"metrics": "births", "by": ["area"], "over_time": "sum"},
    {
        "metrics": "poor_rate",
        "where": {"year": 2020},
        "compare": {"previous": True, "kreis": True, "parent": True},
    },
    {"metrics": "birth_rate", "by": ["area", "year"], "compare": {"index_base_year": 2019}},
    {"metrics": "poor_rate", "where": {"level": "sozialraum"}, "top": {"n": 3}},
    {"metrics": "people", "boundaries": "as_is", "where": {"level": "gemeinde"}},
    {"metrics": "poor_rate", "where": {"within": "101"}, "order": "-value", "limit": 5},
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Release, Any]]:
    if shutil.which("java") is None:
        pytest.skip("no Java here: Spark cannot start")
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    small = make(seed=5, hidden=0.15)
    merged = next(place for place in small.places if place.code == "105")
    small.as_is.append(("people", merged.key, "S2020-12-31", "total", 70.5, 60.0, 80.0, "E", "F", True))
    path = write(folder / "small.duckdb", small, as_is=True)
    export = duckdb.connect(str(path), read_only=True)
    tables = [row[0] for row in export.execute("select table_name from duckdb_tables()").fetchall()]
    for table in tables:
        export.execute(f"copy {table} to '{folder / table}.parquet' (format parquet)")
    export.close()
    session = (
        SparkSession.builder.master("local[2]")
        .appName("lagebild-test")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .getOrCreate()
    )
    for table in tables:
        session.read.parquet(str(folder / f"{table}.parquet")).createOrReplaceTempView(table)
    yield Release(path), session
    session.stop()


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-12)
    return bool(left == right)


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.thorough)])
def test_spark_gives_duckdbs_rows(both: tuple[Release, Any], every: int) -> None:
    release, session = both
    assert len(QUESTIONS) >= 28
    for question in QUESTIONS[::every]:
        wanted = Query.model_validate(question)
        ours = release.run(wanted).table.to_pylist()
        sql = compile_query(wanted, release.metadata, "spark").sql
        # The statement carries one row more than the limit to tell that there is more.
        theirs = [row.asDict() for row in session.sql(sql).collect()][: wanted.limit]
        assert len(ours) == len(theirs) > 0, question
        for one, other in zip(ours, theirs, strict=True):
            assert list(one) == list(other)
            different = {name: (one[name], other[name]) for name in one if not _same(one[name], other[name])}
            assert not different, (question, different, one)
