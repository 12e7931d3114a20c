"""Everything derived in a release is a function of its released parts: proven on the file, and the proof has teeth."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import duckdb
import pytest

from lagebild.paths import PROJECT_ROOT
from tests.e2e.conftest import Installation

pytestmark = pytest.mark.e2e

QUERY = PROJECT_ROOT / "dbt_project" / "tests" / "derived_from_released_parts.sql"


def faults(release: Path) -> dict[str, int]:
    """What the dbt test finds in a release file, by kind: the same text, on the tables anybody can read."""
    query = re.sub(r'\{\{ ref\("published_(\w+)"\) \}\}', r"\1", QUERY.read_text(encoding="utf-8"))
    with duckdb.connect(str(release), read_only=True) as connection:
        return dict(connection.execute(f"select what, count(*) from ({query}) group by what").fetchall())


def change(release: Path, copy: Path, statement: str) -> Path:
    shutil.copy(release, copy)
    copy.chmod(0o600)
    with duckdb.connect(str(copy)) as connection:
        changed = connection.execute(statement).fetchone()
        assert changed is not None and changed[0] > 0
    return copy


@pytest.fixture
def release(released: Installation) -> Path:
    return released.current


def test_nothing_is_derived_from_hidden_figures(release: Path) -> None:
    assert faults(release) == {}


HIDDEN_PART = """
    update fct_measure set value = null
    where (measure_id, area_key, period_key) in (
        select part.measure_id, fact.area_key, fact.period_key
        from fct_indicator as fact inner join dim_indicator_part as part using (indicator_key)
        where fact.value is not null and part.part = 'numerator'
        order by all limit 1
    )
"""
INVENTED_RATE = """
    update fct_indicator set value = 12.3, numerator = 123, denominator = 1000
    where (indicator_key, area_key, period_key) in (
        select indicator_key, area_key, period_key from fct_indicator
        where value is null and conf_status = 'C' and numerator is null order by all limit 1
    )
"""
KEPT_CHANGE = """
    update fct_indicator set change = 0.5
    where (indicator_key, area_key, period_key) in (
        select indicator_key, area_key, period_key from fct_indicator
        where value is null and change is null order by all limit 1
    )
"""
HIDDEN_PEER = """
    update fct_benchmark set n_areas = n_areas + 1
    where (indicator_key, area_key, period_key, benchmark) in (
        select indicator_key, area_key, period_key, benchmark from fct_benchmark
        where value is not null order by all limit 1
    )
"""


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (HIDDEN_PART, {"numerator"}),
        (INVENTED_RATE, {"numerator", "denominator"}),
        (KEPT_CHANGE, {"change"}),
        (HIDDEN_PEER, {"mean", "peers"}),
    ],
)
def test_the_proof_fails_where_something_is_not(
    release: Path, tmp_path: Path, statement: str, found: set[str]
) -> None:
    assert set(faults(change(release, tmp_path / "changed.duckdb", statement))) & found


def test_no_file_size_of_a_protected_source_is_published(release: Path) -> None:
    """The number of records of a delivery is a count of people nobody has decided on."""
    with duckdb.connect(str(release), read_only=True) as connection:
        shown = connection.execute(
            "select distinct source_id from dim_delivery where row_count is not null"
        ).fetchall()
    assert {source for (source,) in shown}.isdisjoint(
        {"hze", "wohngeld", "einwohnerregister", "pflege", "ba_akg"}
    )
