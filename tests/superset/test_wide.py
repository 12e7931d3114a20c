"""The wide dataset: a metric per indicator equals the released value, totals are right, doubt leaves the cell empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from superset_assets.facts import Facts
from superset_assets.folders import folder_documents
from superset_assets.lint import lint
from superset_assets.render import render
from superset_assets.topics.selbstbedienung import SelbstbedienungFacts
from tests.superset import mock_release


@pytest.fixture(scope="module")
def db(release: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(release), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def wide(facts: Facts) -> SelbstbedienungFacts:
    found = facts.topics["selbstbedienung"]
    assert isinstance(found, SelbstbedienungFacts)
    return found


@pytest.fixture(scope="module")
def expressions(facts: Facts) -> dict[str, str]:
    dataset = render(facts).documents["datasets/kennzahlen_breit.yaml"]
    return {item["metric_name"]: item["expression"] for item in dataset["metrics"]}


def _value(db: duckdb.DuckDBPyConnection, expression: str, condition: str) -> float | str | None:
    row = db.execute(f"select {expression} from mart_indicator where {condition}").fetchone()
    assert row is not None
    found: float | str | None = row[0]
    return found


def test_every_metric_equals_the_released_value(
    db: duckdb.DuckDBPyConnection, wide: SelbstbedienungFacts, expressions: dict[str, str]
) -> None:
    assert len(wide.metrics) == 3
    for item in wide.metrics:
        wrong = db.execute(
            f"""
            with cells as (
                select area_key, period_key, {expressions[item.label]} as shown
                from mart_indicator group by area_key, period_key
            )
            select count(*), count(shown) from cells
            left join mart_indicator as released
                on released.indicator_id = ? and released.area_key = cells.area_key
                and released.period_key = cells.period_key
            where shown is distinct from released.value
            """,
            [item.indicator_id],
        ).fetchone()
        assert wrong == (0, 0), item.indicator_id


def test_the_total_of_the_gemeinden_is_the_value_of_the_kreis(
    db: duckdb.DuckDBPyConnection, wide: SelbstbedienungFacts, expressions: dict[str, str]
) -> None:
    for item in wide.metrics:
        gemeinden = _value(db, expressions[item.label], "area_level = 'gemeinde' and year = 2024")
        kreis = _value(
            db, "max(value)", f"indicator_id = '{item.indicator_id}' and level_rank = 0 and year = 2024"
        )
        assert gemeinden == pytest.approx(kreis), item.indicator_id


def test_a_hidden_part_two_levels_or_two_periods_leave_the_total_empty(
    db: duckdb.DuckDBPyConnection, expressions: dict[str, str]
) -> None:
    rate = expressions["SGB-II-Quote (%)"]
    assert _value(db, rate, "area_level = 'sozialraum' and year = 2024") is None
    assert _value(db, rate, "level_rank < 2 and year = 2024") is None
    assert _value(db, rate, "area_level = 'gemeinde'") is None
    free = "area_level = 'sozialraum' and year = 2024 and area_code like '99901001%'"
    expected = _value(db, "100 * sum(numerator) / sum(denominator)", f"indicator_id = 'sgb2_rate' and {free}")
    assert _value(db, rate, free) == pytest.approx(expected)


def test_the_hint_says_why(db: duckdb.DuckDBPyConnection, expressions: dict[str, str]) -> None:
    hint = expressions["Hinweis"]
    assert "mehrere Gebietsebenen" in str(_value(db, hint, "year = 2024"))
    summed = str(_value(db, hint, "year = 2024 and area_level = 'sozialraum'"))
    assert "Summe von 12 Gebieten" in summed
    assert "gesperrt" in summed
    assert "Prüfstatistik" in str(_value(db, expressions["Quellen"], "year = 2024"))


def test_values_that_do_not_add_up_are_never_added(tmp_path: Path) -> None:
    """An index value has one part and no denominator: added over areas it would look like a count."""
    from superset_assets.read import read_facts
    from superset_assets.sync import BASE_MAP

    changed = mock_release.build(tmp_path / "current.duckdb")
    with duckdb.connect(str(changed)) as db:
        db.execute("update dim_measure set additive_over_areas = false where measure_id = 'people'")
        db.execute("delete from dim_indicator_part where indicator_key = 'sgb2_rate@1'")
        db.execute(
            "insert into dim_indicator_part by name select 'sgb2_rate@1' as indicator_key, 'heads' as measure_id"
        )
    facts = read_facts(mock_release.CONFIG, changed, BASE_MAP)
    bundle = render(facts)
    assert lint(bundle, changed) == []
    metrics = {
        item["metric_name"]: item["expression"]
        for name in ("kennzahlen_breit", "mart_indicator")
        for item in bundle.documents[f"datasets/{name}.yaml"]["metrics"]
    }
    with duckdb.connect(str(changed), read_only=True) as db:
        where = "area_level = 'gemeinde' and year = 2024"
        assert _value(db, metrics["Kinder in Bedarfsgemeinschaften (%)"], where) is None
        assert _value(db, metrics["SGB-II-Quote (%)"], where) is not None
        assert _value(db, metrics["wert"], f"{where} and indicator_id = 'child_poverty'") is None
        assert _value(db, metrics["wert"], f"{where} and indicator_id = 'sgb2_rate'") is not None
        one = "area_code = '99901001' and year = 2024 and indicator_id = 'child_poverty'"
        assert _value(db, metrics["wert"], one) == _value(db, "max(value)", one)


def test_folders_hold_every_column_and_metric_once(facts: Facts) -> None:
    dataset = render(facts).documents["datasets/kennzahlen_breit.yaml"]
    members = [name for folder in dataset["folders"] for name in folder["members"]]
    assert len(members) == len(set(members))
    assert set(members) == {
        *(item["metric_name"] for item in dataset["metrics"]),
        *(column["column_name"] for column in dataset["columns"]),
    }
    written = folder_documents("d", [{"name": "A", "members": ["x", "m"]}], {"x": "1"}, {"m": "2"})
    assert [(child["uuid"], child["type"]) for child in written[0]["children"]] == [
        ("1", "column"),
        ("2", "metric"),
    ]
    with pytest.raises(KeyError):
        folder_documents("d", [{"name": "A", "members": ["gone"]}], {"x": "1"}, {})
