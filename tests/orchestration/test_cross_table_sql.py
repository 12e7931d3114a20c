"""The SQL of the Cell-Key-Methode equals its reference, on DuckDB and on Spark."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from disclosure.cell_key import KEYS, Parameters, PerturbationTable, perturbation_table
from lagebild.instance import SyntheticSettings
from orchestration.cross_table.tabulate import project_sql
from tests.synthetic.conftest import build

QUERY = """
with cell as (
    select a, b, count(*) as value, {{ cell_key("record_key") }} as cell_key from record group by a, b
)
{{ overlaid("cell", "p_table", "value") }}
"""
PARAMETERS = Parameters(5, 3.0, blocked=2)


@pytest.fixture(scope="module")
def p_table() -> PerturbationTable:
    return perturbation_table(PARAMETERS)


def _relation(table: PerturbationTable) -> pa.Table:
    columns = {
        "count": table.count,
        "deviation": table.deviation,
        "key_from": table.lower,
        "key_to": table.upper,
    }
    return pa.table(columns)


def _records(seed: int = 1) -> pa.Table:
    chance = np.random.default_rng(seed)
    # From single records to cells of some hundreds.
    first = chance.zipf(1.5, 20_000) % 200
    keys = chance.integers(0, KEYS, first.size)
    return pa.table({"a": first, "b": chance.integers(0, 3, first.size), "record_key": keys})


def _reference(records: pa.Table, table: PerturbationTable) -> dict[tuple[int, int], int]:
    frame = records.to_pandas().groupby(["a", "b"])["record_key"].agg(["size", "sum"])
    shown = table.perturb(frame["size"].to_numpy(), (frame["sum"] % KEYS).to_numpy())
    return dict(zip(frame.index, shown.tolist(), strict=True))


def test_duckdb_equals_the_reference(p_table: PerturbationTable) -> None:
    records = _records()
    with duckdb.connect() as connection:
        connection.register("record", records)
        connection.register("p_table", _relation(p_table))
        rows = connection.execute(project_sql(QUERY)).fetch_arrow_table().to_pylist()
    assert {(row["a"], row["b"]): row["shown"] for row in rows} == _reference(records, p_table)
    assert len(rows) > 300


def test_zero_stays_zero_in_sql(p_table: PerturbationTable) -> None:
    with duckdb.connect() as connection:
        connection.register("p_table", _relation(p_table))
        connection.sql(
            "create table cell as select 0 as value, k * 97::bigint as cell_key from range(1000) r(k)"
        )
        shown = connection.sql(project_sql('{{ overlaid("cell", "p_table", "value") }}')).fetchall()
    assert len(shown) == 1000
    assert {row[-1] for row in shown} == {0}


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    if shutil.which("java") is None:
        pytest.skip("needs Java (Spark)")
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    yield session
    session.stop()


@pytest.mark.slow
@pytest.mark.spark
def test_spark_equals_the_reference(p_table: PerturbationTable, spark: Any, tmp_path: Path) -> None:
    records = _records(2)
    for name, table in (("record", records), ("p_table", _relation(p_table))):
        pq.write_table(table, tmp_path / f"{name}.parquet")
        spark.read.parquet(str(tmp_path / f"{name}.parquet")).createOrReplaceTempView(name)
    rows = spark.sql(project_sql(QUERY)).collect()
    assert {(row["a"], row["b"]): row["shown"] for row in rows} == _reference(records, p_table)


def test_a_simulated_kreis_keeps_its_shape(p_table: PerturbationTable, tmp_path: Path) -> None:
    """Persons of a simulated Musterkreis by block, age band and sex: noise of mean 0, its variance V, no 1 and no 2."""
    kreis = build(tmp_path, SyntheticSettings(seed=7, inhabitants=6000, first_year=2016, years=1))
    persons = kreis.persons("2016-12-31")
    chance = np.random.default_rng(9)
    persons["record_key"] = chance.integers(0, KEYS, len(persons))
    persons["band"] = persons["age"] // 10
    cells = persons.groupby(["gemeinde_code", "band", "sex"], observed=True)["record_key"].agg(
        ["size", "sum"]
    )
    counts = cells["size"].to_numpy()
    shown = p_table.perturb(counts, (cells["sum"] % KEYS).to_numpy())
    noise = shown - counts
    assert counts.size > 300
    assert abs(noise.mean()) < 4 * np.sqrt(PARAMETERS.variance / counts.size)
    assert noise.var() == pytest.approx(PARAMETERS.variance, rel=0.25)
    assert not set(shown.tolist()) & {1, 2, -1}
    assert set(counts.tolist()) & {1, 2}, "there was something to hide"
    assert abs(noise).max() <= PARAMETERS.max_deviation
