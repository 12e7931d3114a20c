"""The compiler against the figures dbt has released: every indicator value of the Musterkreis, to the digit."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from lagebild.paths import PROJECT_ROOT
from semantic_layer.query import Query, QueryError, ReleaseError, open_release, query
from semantic_layer.query.release import Release
from tests.semantic_layer.query_release import make, write

_REAL = Path(
    os.environ.get("LAGEBILD_TEST_RELEASE", PROJECT_ROOT / "var/musterkreis/published/current.duckdb")
)
_COLUMNS = ("numerator", "denominator", "value", "obs_status", "conf_status", "previous_value", "change", "kreis_value",
            "parent_value")  # fmt: skip


@pytest.fixture(scope="module")
def musterkreis() -> Release:
    if not _REAL.is_file():
        pytest.skip("no released Musterkreis here (make refresh INSTANCE=musterkreis)")
    try:
        return Release(_REAL)
    except ReleaseError as error:
        pytest.skip(f"the released Musterkreis is too old for the compiler: {error}")


@pytest.mark.slow
def test_every_released_indicator_value_is_reproduced(musterkreis: Release) -> None:
    frames = []
    for metric in musterkreis.metadata.metrics.values():
        if metric.kind != "indicator":
            continue
        for system in musterkreis.metadata.measure_systems[metric.numerator[0].measure_id]:
            frames.append(
                musterkreis.run(
                    Query.model_validate(
                        {
                            "metrics": metric.key,
                            "area_system": system,
                            "where": {"include_unassigned": True},
                            "compare": {"previous": True, "kreis": True, "parent": True},
                        }
                    )
                ).to_pandas()
            )
    ours = pd.concat(frames)
    connection = duckdb.connect(str(_REAL), read_only=True, config=dict(_config()))
    released = connection.execute(
        "select fact.*, area.level_rank from fct_indicator as fact join dim_area as area using (area_key)"
    ).df()
    both = ours.merge(
        released,
        left_on=["metric", "area_key", "period_key"],
        right_on=["indicator_key", "area_key", "period_key"],
        how="outer",
        suffixes=("", "_released"),
        indicator=True,
    )
    # Releases of an older Lagebild also held levels below the indicator's lowest one: those only.
    ranks = {(area.system, area.level): area.rank for area in musterkreis.metadata.areas.values()}
    extra = both[both["_merge"] == "right_only"]
    for row in extra.to_dict("records"):
        metric = musterkreis.metadata.metrics[row["indicator_key"]]
        area = musterkreis.metadata.areas[row["area_key"]]
        assert area.rank > ranks[area.system, metric.lowest_level]
    assert not (both["_merge"] == "left_only").any()
    both = both[both["_merge"] == "both"]
    assert len(both) > 100_000
    for column in _COLUMNS:
        left, right = both[column], both[f"{column}_released"]
        if left.dtype == float:
            differs = ~((left - right).abs() <= 1e-9 * right.abs().clip(lower=1)) & ~(
                left.isna() & right.isna()
            )
        else:
            differs = ~((left == right) | (left.isna() & right.isna()))
        assert not differs.any(), both[differs][
            ["metric", "area_key", "period_key", column, f"{column}_released"]
        ].head()
    # What is shown is the same to the last digit, not nearly.
    assert ((both["value"] == both["value_released"]) | both["value"].isna()).all()
    reasons = both[["empty_reason", "empty_reason_released"]].drop_duplicates().dropna(how="all")
    assert set(map(tuple, reasons.itertuples(index=False))) <= {
        *(
            (reason, reason)
            for reason in ("gesperrt", "noch nicht geliefert", "nicht erhoben", "nicht zutreffend", "k. A.")
        ),
        ("unter Mindestbevölkerung", "gesperrt"),
    }


def _config() -> dict[str, str | bool | int | float | list[str]]:
    # One process opens a file with one configuration.
    from semantic_layer.query.engine import LOCKED

    return LOCKED


def test_sums_of_sozialraeume_equal_the_released_gemeinde(musterkreis: Release) -> None:
    """Where nothing is withheld, summing the parts gives the figure the upper level was released with."""
    answered = musterkreis.run(
        Query.model_validate(
            {"metrics": "population", "by": ["area_level", "period"], "where": {"include_unassigned": True}}
        )
    ).to_pandas()
    for _, rows in answered.dropna(subset="value").groupby("period_key"):
        assert rows["value"].nunique() == 1


def test_a_sample_of_breakdowns_adds_up(musterkreis: Release) -> None:
    for measure in ("population", "unemployed", "disability_persons"):
        question = {
            "metrics": measure,
            "by": ["area", "sex"],
            "where": {"level": "kreis", "latest": True},
            "totals": True,
        }
        rows = musterkreis.run(Query.model_validate(question)).to_pandas()
        parts = rows[rows["sex"].notna() & rows["area_key"].notna()]
        whole = rows[rows["sex"].isna() & rows["area_key"].notna()]
        assert parts["value"].isna().any() or parts["value"].sum() == whole["value"].iloc[0]


def test_the_release_live_at_a_time(var: Path) -> None:
    published = var / "musterkreis" / "published"
    published.mkdir(parents=True)
    for name in ("release-a.duckdb", "release-b.duckdb"):
        write(published / name, make(seed=len(name)))
    os.link(published / "release-b.duckdb", published / "current.duckdb")
    lines = [
        f'{{"release_id": "{name}", "file_name": "release-{name}.duckdb", "published_at": "{time}"}}'
        for name, time in (("a", "2026-01-10T02:00:00+00:00"), ("b", "2026-02-10T02:00:00+00:00"),
                           ("gone", "2026-03-01T02:00:00+00:00"))
    ]  # fmt: skip
    (published / "ledger.jsonl").write_text("\n".join(lines) + "\n")
    assert open_release("musterkreis").path.name == "current.duckdb"
    assert open_release("musterkreis", "2026-01-31").path.name == "release-a.duckdb"
    assert open_release("musterkreis", "2026-02-10").path.name == "release-b.duckdb"
    assert open_release("musterkreis", "2026-02-10T01:00").path.name == "release-a.duckdb"
    assert open_release("musterkreis", "2026-02-10") is open_release("musterkreis", "2026-02-11")
    for moment, message in (
        ("2026-01-01", "noch kein"),
        ("2026-03-02", "nicht mehr aufbewahrt"),
        ("gestern", "kein Datum"),
    ):
        with pytest.raises(QueryError, match=message):
            open_release("musterkreis", moment)
    with pytest.raises(ReleaseError, match="musterkreis"):
        open_release("musterkries")
    answered = query(instance="musterkreis", metrics="people", by=["year"])
    assert answered.release_id == "20260101T000000Z" and len(answered) == 4
    with pytest.raises(QueryError, match="Meinten Sie „metrics“"):
        query(instance="musterkreis", metrcs="people")


def test_a_file_that_is_no_release(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="lagebild refresh"):
        Release(tmp_path / "absent.duckdb")
    duckdb.connect(str(tmp_path / "old.duckdb")).execute("create table dim_area (a int)")
    with pytest.raises(ReleaseError, match="älteren Lagebild"):
        Release(tmp_path / "old.duckdb")
