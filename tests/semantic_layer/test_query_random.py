"""Random questions to a small release against the naive computation: the same rows, the same numbers, the same gaps."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from semantic_layer.query import Query, QueryError, ReleaseError
from semantic_layer.query.release import Release
from tests.semantic_layer.naive_query import Answer, Groups, answer
from tests.semantic_layer.query_release import (
    INDICATORS,
    LEVEL_LABELS,
    MEASURES,
    YEARS,
    Place,
    Small,
    make,
    write,
)

LEAVES_OF_TWO = ["101S1", "101S2", "102S1", "102S2"]


@pytest.fixture(scope="module")
def small() -> Small:
    return make(seed=7, hidden=0.12, missing=0.03)


@pytest.fixture(scope="module")
def release(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Release:
    return Release(write(tmp_path_factory.mktemp("release") / "random.duckdb", small))


def _is_stock(metric: str) -> bool:
    parts = INDICATORS[metric][3] if metric in INDICATORS else [(metric, "total", 1.0)]
    return any(MEASURES[measure][3] for measure, _, _ in parts)


questions = st.fixed_dictionaries(
    {
        "metric": st.sampled_from([*INDICATORS, "people", "poor", "births", "deaths"]),
        "unit": st.sampled_from(["area", "gemeinde", "none", "leaves", "leaves_by_gemeinde", "within"]),
        "time": st.sampled_from(["period", "year", "none"]),
        "years": st.lists(st.sampled_from(YEARS), min_size=1, max_size=4, unique=True),
        "level": st.sampled_from(["kreis", "gemeinde", "sozialraum"]),
        "leaves": st.lists(st.sampled_from(LEAVES_OF_TWO), min_size=2, max_size=4, unique=True),
        "sex": st.sampled_from([None, "f", "m"]),
        "age": st.sampled_from([None, None, (0, 64), (18, None)]),
        "over_time": st.sampled_from([None, "average"]),
    }
)


def _units(small: Small, question: dict[str, Any]) -> dict[str, list[Place]]:
    """What the rows are: name of the row -> areas that form it."""
    by_code = {place.code: place for place in small.places}
    match question["unit"]:
        case "area":
            return {place.key: [place] for place in small.places if place.level == question["level"]}
        case "gemeinde":
            return {place.code: [place] for place in small.places if place.level == "gemeinde"}
        case "none":
            return {"": [by_code["1"]]}
        case "within":
            return {"": [by_code["101"]]}
        case "leaves":
            return {"": [by_code[code] for code in question["leaves"]]}
        case _:
            found: dict[str, list[Place]] = {}
            for code in question["leaves"]:
                found.setdefault(code[:3], []).append(by_code[code])
            return found


def _query(question: dict[str, Any]) -> Query:
    unit = question["unit"]
    by = {"area": ["area"], "gemeinde": ["gemeinde"], "leaves_by_gemeinde": ["gemeinde"]}.get(unit, [])
    if question["time"] != "none":
        by = [*by, question["time"]]
    where: dict[str, Any] = {"year": question["years"], "groups": {}}
    if unit == "area":
        where["level"] = question["level"]
    if unit == "within":
        where["within"] = "101"
    if unit.startswith("leaves"):
        where["area_code"] = question["leaves"]
    if question["sex"]:
        where["groups"]["sex"] = question["sex"]
    if question["age"]:
        where["groups"]["age"] = list(question["age"])
    return Query.model_validate(
        {"metrics": question["metric"], "by": by, "where": where, "over_time": question["over_time"]}
    )


def _key(row: dict[str, Any], question: dict[str, Any]) -> tuple[Any, ...]:
    unit = row.get("area_key") or row.get("gemeinde_code") or ""
    return (unit, row["year"]) if question["time"] != "none" else (unit,)


def _expected(small: Small, question: dict[str, Any]) -> dict[tuple[Any, ...], Answer]:
    groups = Groups(question["sex"], question["age"])
    years = sorted(question["years"])
    metric = question["metric"]
    found: dict[tuple[Any, ...], Answer] = {}
    for name, places in _units(small, question).items():
        if question["time"] != "none":
            for year in years:
                if any(place.lives(date(year, 12, 31)) for place in places):
                    found[name, year] = answer(small, metric, places, [year], groups)
            continue
        chosen = years
        if question["over_time"] is None and _is_stock(metric):
            chosen = years[-1:]
        if any(place.lives(date(year, 12, 31)) for place in places for year in chosen):
            found[(name,)] = answer(
                small, metric, places, chosen, groups, average=question["over_time"] == "average"
            )
    return found


def _same(left: float | None, right: float | None) -> bool:
    if left is None or right is None:
        return left is None and right is None
    return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-6)


@settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(question=questions)
def test_random_questions_agree_with_loops(small: Small, release: Release, question: dict[str, Any]) -> None:
    try:
        answered = release.run(_query(question))
    except QueryError as refusal:
        # The only refusals a question of this kind may meet: the filter leaves nothing of a part.
        assert "schließt" in str(refusal), str(refusal)
        return
    rows = {_key(row, question): row for row in answered.table.to_pylist()}
    assert len(rows) == len(answered)
    expected = _expected(small, question)
    assert set(rows) == set(expected)
    for key, wanted in expected.items():
        row = rows[key]
        for name in ("value", "numerator", "denominator"):
            assert _same(row[name], getattr(wanted, name)), (key, name, row, wanted)
        assert (row["conf_status"] == "C") == wanted.is_withheld, (key, row, wanted)
        assert (row["empty_reason"] is None) == (row["value"] is not None)
        if row["value"] is None and wanted.is_withheld:
            assert row["empty_reason"] in ("gesperrt", "unter Mindestbevölkerung")


def test_gaps_occur_at_all(small: Small, release: Release) -> None:
    answered = release.run(Query(metrics=tuple(INDICATORS), by=("area", "period")))
    reasons = set(answered.to_pandas()["empty_reason"].dropna())
    assert {"gesperrt", "noch nicht geliefert", "unter Mindestbevölkerung"} <= reasons
    assert {note.reason for note in answered.footnotes} == reasons


def test_breakdowns_agree_with_loops(small: Small, release: Release) -> None:
    rows = release.run(Query(metrics=("poor_rate",), by=("area", "period", "age", "sex"))).table.to_pylist()
    assert len(rows) == 6 * sum(place.lives(date(year, 12, 31)) for place in small.places for year in YEARS)
    places = {place.key: place for place in small.places}
    bounds = {"0-17": (0, 17), "18-64": (18, 64), "65+": (65, None)}
    for row in rows:
        wanted = answer(
            small,
            "poor_rate",
            [places[row["area_key"]]],
            [row["year"]],
            Groups(row["sex"], bounds[row["age"]]),
        )
        assert _same(row["value"], wanted.value), (row, wanted)


def test_totals_are_recomputed_not_added(small: Small, release: Release) -> None:
    question = Query.model_validate(
        {
            "metrics": "poor_rate",
            "by": ["area", "period", "sex"],
            "where": {"level": "gemeinde"},
            "totals": True,
        }
    )
    rows = release.run(question).table.to_pylist()
    places = {place.key: place for place in small.places}
    root = [place for place in small.places if place.level == "kreis"]
    totals = [row for row in rows if row["is_total"]]
    assert totals
    for row in totals:
        where = [places[row["area_key"]]] if row["area_key"] else root
        wanted = answer(small, "poor_rate", where, [row["year"]], Groups(row["sex"]))
        assert _same(row["value"], wanted.value), (row, wanted)
        assert row["area_name"] == ("insgesamt" if row["area_key"] is None else where[0].name)


def test_comparisons(small: Small, release: Release) -> None:
    question = Query.model_validate(
        {
            "metrics": "poor_rate",
            "by": ["area", "period"],
            "where": {"level": "sozialraum", "year": 2020},
            "compare": {"previous": True, "kreis": True, "parent": True, "index_base_year": 2019},
        }
    )
    rows = release.run(question).table.to_pylist()
    places = {place.key: place for place in small.places}
    root = next(place for place in small.places if place.level == "kreis")

    def value(place: Place, year: int) -> float | None:
        return answer(small, "poor_rate", [place], [year], Groups()).value

    assert rows
    for row in rows:
        own = places[row["area_key"]]
        before, now = value(own, 2019), value(own, 2020)
        assert _same(row["previous_value"], before)
        assert _same(row["change"], None if before is None or now is None else now - before)
        assert _same(row["kreis_value"], value(root, 2020))
        assert _same(row["parent_value"], value(places[own.parent or ""], 2020))
        index = None if before is None or now is None else round(100 * now / before, 1)
        assert (row["index_value"] is None) == (index is None)
        assert index is None or abs(row["index_value"] - index) < 0.11


def _with_rows(path: Path, small: Small, *statements: str) -> Release:
    write(path, small)
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return Release(path)


@pytest.mark.parametrize("metric", ["people", "people_total"])
def test_areas_above_are_compared_by_their_own_figure(small: Small, release: Release, metric: str) -> None:
    """Also before the reform, when the Sozialraum and its Gemeinde were others."""
    question = Query.model_validate(
        {
            "metrics": metric,
            "where": {"level": "sozialraum"},
            "compare": {"benchmarks": ["gemeinde", "kreis", "land"]},
        }
    )
    rows = release.run(question).table.to_pylist()
    places = {place.key: place for place in small.places}
    assert {row["year"] for row in rows} == set(YEARS)
    assert len(rows) == len({(row["area_key"], row["period_key"]) for row in rows})
    for row in rows:
        gemeinde = places[places[row["area_key"]].parent or ""]
        kreis = places[gemeinde.parent or ""]
        for name, place in (("gemeinde", gemeinde), ("kreis", kreis)):
            expected = answer(small, "people", [place], [row["year"]], Groups()).value
            assert _same(row[f"benchmark_{name}"], expected)
        assert row["benchmark_land"] is None
    assert any(row["benchmark_gemeinde"] is not None for row in rows)


def test_the_mean_of_a_level_stands_beside_each_of_its_areas(small: Small, tmp_path: Path) -> None:
    root = next(place for place in small.places if place.level == "kreis")
    leaf = next(place for place in small.places if place.code == "101S1")
    release = _with_rows(
        tmp_path / "means.duckdb",
        small,
        *(
            f"insert into fct_benchmark values ('poor_rate@1', 'poor_rate', '{area.key}', '{level}', 'S2022-12-31', "
            f"'{name}', '', {value}, 3, {name == 'peers'})"
            for area, level, name, value in (
                (root, "sozialraum", "mean_unweighted", 17.5),
                (root, "gemeinde", "mean_unweighted", 16.5),
                (leaf, "sozialraum", "peers", 12.5),
            )
        ),
    )
    question = Query.model_validate(
        {
            "metrics": "poor_rate",
            "where": {"year": [2021, 2022]},
            "compare": {"benchmarks": ["mean_unweighted", "peers"], "kreis": True},
        }
    )
    rows = release.run(question).table.to_pylist()
    levels = {"sozialraum": 17.5, "gemeinde": 16.5, "kreis": None}
    for row in rows:
        mean = levels[row["area_level"]] if row["year"] == 2022 else None
        assert row["benchmark_mean_unweighted"] == mean
        assert row["benchmark_peers"] == (
            12.5 if (row["area_code"], row["year"]) == ("101S1", 2022) else None
        )
        assert row["area_level_label"] == LEVEL_LABELS[row["area_level"]]
    assert {row["area_level"] for row in rows} == set(levels)


def test_a_release_without_stored_benchmarks_says_so(small: Small, tmp_path: Path) -> None:
    release = _with_rows(tmp_path / "none.duckdb", small, "drop table fct_benchmark")
    with pytest.raises(ReleaseError, match="keine Vergleichswerte"):
        release.run(Query.model_validate({"metrics": "people", "compare": {"benchmarks": ["kreis"]}}))


def test_nothing_is_compared_across_a_break(tmp_path: Path) -> None:
    small = make(seed=3, hidden=0.0, missing=0.0)
    leaf = next(place for place in small.places if place.code == "101S1")
    release = _with_rows(
        tmp_path / "break.duckdb",
        small,
        f"""update fct_indicator set obs_status = 'B', change_reason = 'Bruch in der Zeitreihe: neue Zählung'
            where indicator_id = 'poor_rate' and area_key = '{leaf.key}' and period_key = 'S2021-12-31'""",
    )
    question = {"metrics": ["poor_rate", "people_total"], "compare": {"previous": True}}
    rows = release.run(Query.model_validate({**question, "where": {"area_code": "101S1"}})).table.to_pylist()
    found = {(row["metric"], row["year"]): (row["obs_status"], row["change"]) for row in rows}
    assert found["poor_rate@1", 2021] == ("B", None)
    for key, (status, change) in found.items():
        if key != ("poor_rate@1", 2021):
            assert status == "A"
            assert (change is None) == (key[1] == 2019)
    # Rounded as the value is: no noise of binary fractions.
    assert all(change is None or change == round(change, 1) for _, change in found.values())


def test_top_leaves_out_the_rest_and_the_empty(release: Release) -> None:
    question = {"metrics": "poor_rate", "by": ["area", "period"], "where": {"level": "sozialraum"}}
    everything = release.run(Query.model_validate(question)).to_pandas()
    top = release.run(Query.model_validate({**question, "top": {"n": 2}})).to_pandas()
    for period, rows in top.groupby("period_key"):
        best = everything[everything["period_key"] == period]["value"].dropna().nlargest(2)
        assert sorted(rows["value"]) == sorted(best)


def test_intervals_hold_the_truth(tmp_path: Path) -> None:
    hidden = make(seed=3, hidden=0.3, missing=0.0)
    truth = make(seed=3, hidden=0.0, missing=0.0)
    release = Release(write(tmp_path / "hidden.duckdb", hidden))
    codes = ["101S1", "101S2", "102S1"]
    narrowed = 0
    for metric, where in (
        ("poor", {"area_code": codes}),
        ("poor_rate", {"area_code": codes}),
        ("people", {"area_code": codes, "groups": {"sex": "f"}}),
        ("poor", {"groups": {"age": [0, 64]}, "level": "gemeinde"}),
    ):
        by = ["area", "period"] if "level" in where else ["period"]
        rows = release.run(
            Query.model_validate({"metrics": metric, "by": by, "where": where, "intervals": True})
        ).table.to_pylist()
        places = {place.key: place for place in truth.places}
        for row in rows:
            chosen = (
                [places[row["area_key"]]]
                if "level" in where
                else [p for p in truth.places if p.code in codes]
            )
            groups = Groups("f" if "groups" in where and "sex" in where["groups"] else None,
                            (0, 64) if "groups" in where and "age" in where["groups"] else None)  # fmt: skip
            real = answer(truth, metric, chosen, [row["year"]], groups).value
            assert real is not None
            if row["value"] is not None:
                assert row["value_low"] == row["value_high"] == row["value"]
                continue
            if row["value_low"] is not None:
                assert row["value_low"] <= real + 0.05
            if row["value_high"] is not None:
                narrowed += 1
                assert row["value_high"] >= real - 0.05
    assert narrowed > 3


def test_boundaries_of_today(small: Small, tmp_path: Path) -> None:
    old = [place for place in small.places if place.code in ("103", "104")]
    new = next(place for place in small.places if place.code == "105")
    converted = make(seed=7, hidden=0.0, missing=0.0)
    for period, kind, day in converted.periods:
        if kind == "stichtag" and day.year < 2021:
            values = [converted.facts["people", place.key, period, "total"][0] or 0.0 for place in old]
            converted.as_is.append(
                (
                    "people",
                    new.key,
                    period,
                    "total",
                    sum(values),
                    sum(values) - 5,
                    sum(values) + 5,
                    "E",
                    "F",
                    True,
                )
            )
    release = Release(write(tmp_path / "as_is.duckdb", converted, as_is=True))
    question = {
        "metrics": "people",
        "by": ["area", "period"],
        "where": {"level": "gemeinde"},
        "boundaries": "as_is",
    }
    rows = release.run(Query.model_validate(question)).table.to_pylist()
    assert {row["area_code"] for row in rows} == {"101", "102", "105"}
    past = [row for row in rows if row["area_code"] == "105" and row["year"] == 2019]
    wanted = sum(converted.facts["people", place.key, "S2019-12-31", "total"][0] or 0.0 for place in old)
    assert [(row["value"], row["value_low"], row["value_high"], row["obs_status"]) for row in past] == [
        (wanted, wanted - 5, wanted + 5, "E")
    ]
    assert all(row["value_low"] == row["value"] for row in rows if row["obs_status"] == "A")


def test_a_release_without_conversion_says_so(release: Release) -> None:
    with pytest.raises(ReleaseError, match="heutige Grenzen"):
        release.run(Query(metrics=("people",), boundaries="as_is"))


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"metrics": "por_rate"}, "Meinten Sie „poor_rate“"),
        ({"metrics": "income"}, "Wird nicht geliefert"),
        ({"metrics": "people", "over_time": "sum", "by": ["area"]}, "Bestand am Stichtag"),
        (
            {"metrics": "clients", "by": [], "where": {"area_code": ["101S1", "101S2"]}},
            "nicht über Gebiete summieren",
        ),
        ({"metrics": "people", "by": [], "where": {"area_code": ["101", "101S2"]}}, "doppelt"),
        ({"metrics": "people", "where": {"level": "sozialrum"}}, "„sozialraum“"),
        ({"metrics": "people", "where": {"groups": {"age": [0, 16]}}}, "nicht zu bilden"),
        ({"metrics": "people", "where": {"groups": {"sex": "x"}}}, "kennt „x“ nicht"),
        ({"metrics": "people", "where": {"year": 1990}}, "2019 bis 2022"),
        ({"metrics": "people", "order": "valu"}, "„value“"),
        ({"metrics": "people@9"}, "Diesen Stand"),
        ({"metrics": "people", "compare": {"benchmarks": ["kries"]}}, "Meinten Sie „kreis“"),
        (
            {"metrics": "people", "by": ["area"], "compare": {"benchmarks": ["kreis"]}},
            "je Gebiet und Zeitraum",
        ),
    ],
)
def test_refusals_are_german_and_helpful(release: Release, question: dict[str, Any], message: str) -> None:
    with pytest.raises(QueryError) as refusal:
        release.run(Query.model_validate(question))
    assert message in str(refusal.value)


def test_measure_sql_gives_the_same_numbers(release: Release) -> None:
    by_model = release.run(
        Query.model_validate(
            {
                "metrics": ["poor_rate", "birth_rate"],
                "by": ["area", "period"],
                "where": {"level": "gemeinde", "year": 2022},
            }
        )
    ).to_pandas()
    by_sql = release.sql(
        "select area_code, MEASURE(poor_rate) as p, MEASURE(birth_rate) as b, REASON(poor_rate) as r from indicators "
        "where area_level = 'gemeinde' and year = 2022 group by area_code order by area_code"
    ).to_pandas()
    for column, metric in (("p", "poor_rate@1"), ("b", "birth_rate@1")):
        wanted = by_model[by_model["metric"] == metric].set_index("area_code")["value"]
        got = by_sql.set_index("area_code")[column]
        assert wanted.sort_index().equals(got.sort_index().rename("value"))
    wanted_reason = by_model[by_model["metric"] == "poor_rate@1"].set_index("area_code")["empty_reason"]
    assert (
        wanted_reason.fillna("").sort_index() == by_sql.set_index("area_code")["r"].fillna("").sort_index()
    ).all()
