"""From released figures to the balance of every area: a small Kreis whose true rates are known, with withheld cells."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from analysis.ages import Bands
from analysis.cohort import Rates, project
from analysis.frames import need_forecast, population, population_record, stocks
from analysis.frames.released import Released
from analysis.frames.scenario_report import balance, labelled, text
from analysis.vital import SCENARIOS, fertility_schedule, survival_schedule

AREAS = ("A", "B", "C")
BANDS = Bands((0, 3, 6, 10, 18, 25, 45, 65, 80))
MOVES = Bands((0, 18, 65))
FIRST, LAST = 2014, 2022
SETTINGS = pd.DataFrame([{"area_system": "s", "area_level": "gemeinde", "until_year": 2030, "base_years": 5}])
NO_CHANGES = pd.DataFrame(
    columns=["scenario", "position", "kind", "label", "area_level", "area_code", "year", "years", "persons"]
)
HIDDEN = ("C", LAST, "age=80+;sex=m"), ("C", LAST, "age=80+;sex=f")


def group(bands: Bands, index: int, sex: str = "") -> dict[str, object]:
    first = bands.lower[index]
    last = bands.lower[index + 1] - 1 if index + 1 < len(bands.lower) else None
    name = f"age={first}-{last}" if last is not None else f"age={first}+"
    dimension = "age" if bands is BANDS else "age_moves"
    return {
        "group_key": f"{name};sex={sex}" if sex else name.replace("age", dimension, 1),
        "breakdown": "age;sex" if sex else dimension,
        "age_from": first,
        "age_to": last,
        "sex": sex or None,
    }


@cache
def world() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Figures and groups of nine years; A attracts families, B loses the young, C is small."""
    generator = np.random.default_rng(7)
    ages = np.arange(101)
    stock = np.stack([np.stack([size * np.exp(-((ages / 75) ** 4))] * 2) for size in (120.0, 90.0, 8.0)])
    stock *= generator.uniform(0.8, 1.2, stock.shape)
    arriving = np.zeros_like(stock)
    arriving[0, :, 0:6], arriving[0, :, 25:45], arriving[1, :, 18:25] = 6.0, 5.0, 3.0
    leaving = np.full_like(stock, 0.02)
    leaving[1, :, 18:30] = 0.15
    survival = np.stack([survival_schedule(79.0), survival_schedule(83.5)])
    rates = Rates(fertility_schedule(1.5)[None], survival[None], arriving, leaving)
    true = project(stock, [rates] * (LAST - FIRST), first_year=FIRST)
    rows: list[dict[str, object]] = []

    def add(measure: str, period: str, key: str, values: np.ndarray) -> None:
        for area, value in zip((*AREAS, "K"), (*values, values.sum()), strict=True):
            rows.append(
                {
                    "measure_id": measure,
                    "area_key": area,
                    "period_key": period,
                    "group_key": key,
                    "value": value,
                }
            )

    for step, year in enumerate(range(FIRST, LAST + 1)):
        add("population", f"S{year}", "total", true.stock[step].sum(axis=(1, 2)))
        for index in range(len(BANDS.lower)):
            banded = BANDS.sum(true.stock[step])[..., index]
            add("population", f"S{year}", str(group(BANDS, index)["group_key"]), banded.sum(axis=1))
            for sex, name in enumerate("mf"):
                add("population", f"S{year}", str(group(BANDS, index, name)["group_key"]), banded[:, sex])
        if year > FIRST:
            add("births", f"J{year}", "total", true.births[step - 1].sum(axis=1))
            add("deaths", f"J{year}", "total", true.deaths[step - 1].sum(axis=(1, 2)))
            gone = true.out_migration[step - 1].sum(axis=1)[:, 1:]
            add("moves_out", f"J{year}", "total", gone.sum(axis=1))
            for index in range(len(MOVES.lower)):
                add("moves_out", f"J{year}", str(group(MOVES, index)["group_key"]), MOVES.sum(gone)[:, index])
    figures = pd.DataFrame(rows)
    for area, year, key in HIDDEN:
        at = (figures.area_key == area) & (figures.period_key == f"S{year}") & (figures.group_key == key)
        figures.loc[at, "value"] = np.nan
    groups = [{"group_key": "total", "breakdown": "total", "age_from": None, "age_to": None, "sex": None}]
    groups += [group(BANDS, index, sex) for index in range(len(BANDS.lower)) for sex in ("", "m", "f")]
    groups += [group(MOVES, index) for index in range(len(MOVES.lower))]
    table = pd.DataFrame(groups).astype({"age_from": "Int32", "age_to": "Int32"})
    return figures, table


@cache
def release(measures: tuple[str, ...] = stocks.MEASURES, sexes: bool = True, until: int = LAST) -> Released:
    figures, groups = world()
    figures = figures[figures.measure_id.isin(measures) & (figures.period_key.str[1:].astype(int) <= until)]
    if not sexes:
        figures = figures[~figures.group_key.str.contains("sex")]
    years = range(FIRST, LAST + 1)
    periods = pd.DataFrame(
        {
            "period_key": [f"{kind}{year}" for kind in "SJ" for year in years],
            "period_end": pd.to_datetime([f"{year}-12-31" for _ in "SJ" for year in years]),
        }
    )
    rows = stocks.tidy(figures, figures.iloc[:0], groups, periods)
    areas = pd.DataFrame(
        {
            "area_key": [*AREAS, "K"],
            "area_system": "s",
            "area_level": ["gemeinde"] * 3 + ["kreis"],
            "area_level_label": ["Gemeinde"] * 3 + ["Kreis"],
            "area_code": [*AREAS, "K"],
            "area_name": ["Adorf", "Bdorf", "Cdorf", "Kreis"],
            "level_rank": [1, 1, 1, 0],
            "is_current": True,
        }
    )
    return Released(rows, areas, pd.DataFrame({"area_key": AREAS, "ancestor_area_key": "K"}))


def scenarios(planner: bool = False) -> pd.DataFrame:
    rows = [
        {
            "scenario": item.name,
            "position": place,
            "is_planner": False,
            "fertility": item.fertility,
            "expectancy_gain": item.expectancy_gain,
            "in_migration": item.in_migration,
            "years_until": item.years_until,
        }
        for place, item in enumerate(SCENARIOS)
    ]
    if planner:
        rows.append({**rows[1], "scenario": "neubau", "position": 3, "is_planner": True})
    return pd.DataFrame(rows)


def change(**other: object) -> pd.DataFrame:
    own = {
        "scenario": "neubau",
        "position": 0,
        "kind": "neubau",
        "label": "Am Anger",
        "area_level": "gemeinde",
        "area_code": "B",
        "year": 2024,
        "years": 2,
        "persons": 600.0,
        "within_kreis": 0.5,
        "profile_json": "[[0, 17, 30], [25, 44, 60], [65, null, 10]]",
    }
    return pd.DataFrame([own | other])


PARTS = pd.DataFrame(
    {
        "need_id": ["kita", "kita"],
        "position": [0, 1],
        "age_from": [0, 3],
        "age_to": [1, 5],
        "measure_id": [None, "kita"],
        "group_key": [None, "total"],
        "rate": [40.0, np.nan],
        "reached": [np.nan, np.nan],
    }
)


@cache
def found(planner: bool = False) -> pd.DataFrame:
    return population.of_release(
        release(), SETTINGS, scenarios(planner), change() if planner else NO_CHANGES, PARTS
    )


def test_withheld_bands_get_what_the_released_totals_leave() -> None:
    read = release().stocks("s", "gemeinde")
    assert read is not None and read.has_sex and read.bands == BANDS
    figures = world()[0]
    age = figures.query("area_key == 'C' and period_key == 'S2022' and group_key == 'age=80+'").value.item()
    assert read.stock[LAST][2, :, -1].sum() == pytest.approx(age)
    assert read.estimated[LAST].tolist() == [False, False, True]
    assert not read.estimated[LAST - 1].any()
    assert read.single(LAST).sum() == pytest.approx(read.stock[LAST].sum())
    assert BANDS.sum(read.single(LAST)) == pytest.approx(read.stock[LAST])
    assert read.moves_bands == MOVES


def test_bands_that_do_not_tile_the_ages_or_miss_the_total_are_no_stock() -> None:
    whole = release()
    overlapping = whole.rows.assign(age_to=whole.rows.age_to.where(whole.rows.age_from != 3, 7))
    assert replace(whole, rows=overlapping).stocks("s", "gemeinde") is None
    is_total = (whole.rows.group_key == "total") & (whole.rows.year == LAST)
    other = whole.rows.assign(value=whole.rows.value.where(~is_total, whole.rows.value * 2))
    read = replace(whole, rows=other).stocks("s", "gemeinde")
    assert read is not None and read.years[-1] == LAST - 1


@pytest.mark.parametrize("planner", [False, True])
def test_nobody_is_lost_and_the_areas_add_up(planner: bool) -> None:
    table = balance(found(planner))
    assert set(table.scenario) == {"niedrig", "mittel", "hoch"} | ({"neubau"} if planner else set())
    flows = table.births - table.deaths + table.net_migration
    before = table.groupby(["area_key", "scenario"]).population.shift()
    later = table.year > LAST
    assert (before + flows)[later].to_numpy() == pytest.approx(table.population[later].to_numpy(), abs=1e-8)
    assert table.births[~later].isna().all()
    sums = table[table.area_key != "K"].groupby(["scenario", "year"]).population.sum()
    kreis = table[table.area_key == "K"].set_index(["scenario", "year"]).population
    assert sums.to_numpy() == pytest.approx(kreis.reindex(sums.index).to_numpy(), abs=1e-8)
    base = found(planner).query("year == @LAST and area_key == 'C'")
    assert set(base.obs_status) == {"E"}
    assert set(found(planner).query("year > @LAST").obs_status) == {"F"}


def test_scenarios_are_ordered_and_rates_are_recovered() -> None:
    table = balance(found()).query("area_key == 'K' and year == 2030").set_index("scenario")
    assert table.population["niedrig"] < table.population["mittel"] < table.population["hoch"]
    first = balance(found()).query("area_key == 'K' and scenario == 'mittel' and year == 2023").iloc[0]
    figures = (
        world()[0].query("area_key == 'K' and group_key == 'total'").set_index(["measure_id", "period_key"])
    )
    assert first.births == pytest.approx(figures.value["births", "J2022"], rel=0.05)
    assert first.deaths == pytest.approx(figures.value["deaths", "J2022"], rel=0.05)
    assert first.departures == pytest.approx(figures.value["moves_out", "J2022"], rel=0.15)


def test_the_back_test_beats_constant_shares() -> None:
    whole = release()
    table = population_record.of_release(whole, SETTINGS)
    assert set(table.method) == {population.COHORT}
    areas = table[table.area_level == "gemeinde"]
    assert areas.base_year.tolist() == [LAST - 3, LAST - 5]
    assert (areas.mape < areas.mape_naive).all() and (areas.weighted < areas.weighted_naive).all()
    assert table[table.area_level == "kreis"].mape.isna().all() and (table.total_error < 3).all()


def test_a_housing_area_fills_and_stays_occupied() -> None:
    table = balance(found(planner=True)).set_index(["area_key", "scenario", "year"])
    gained = table.population.unstack("scenario").eval("neubau - mittel")
    assert gained["B"][2023] == pytest.approx(0, abs=1e-8)
    assert gained["B"][2024] == pytest.approx(300, rel=0.02)
    assert gained["B"][2025] == pytest.approx(600, rel=0.05)
    assert 540 < gained["B"][2030] < 700
    # Half of them lived in the Kreis before.
    assert gained["K"][2025] == pytest.approx(300, rel=0.1)
    assert table.planned["B", "neubau", 2024] == pytest.approx(300)
    assert table.planned["A", "neubau", 2024] < 0


def test_a_closed_home_stays_closed_and_unknown_areas_are_named() -> None:
    closed = population.of_release(
        release(), SETTINGS, scenarios(True), change(persons=-300.0, years=1), PARTS
    )
    gained = balance(closed).set_index(["area_key", "scenario", "year"]).population.unstack("scenario")
    lost = gained.eval("neubau - mittel")["B"]
    assert lost[2024] == pytest.approx(-300, rel=0.02) and -350 < lost[2030] < -250
    with pytest.raises(ValueError, match="Das Gebiet X der Ebene „gemeinde“ wird nicht vorausberechnet"):
        population.of_release(release(), SETTINGS, scenarios(True), change(area_code="X"), PARTS)


def test_without_flows_hamilton_perry_and_no_planners() -> None:
    table = population.of_release(
        release(("population",), sexes=False), SETTINGS, scenarios(True), change(), PARTS
    )
    assert set(table.method) == {population.HAMILTON_PERRY}
    assert set(table.scenario) == {"niedrig", "mittel", "hoch"} and set(table.sex) == {"total"}
    whole = balance(table)
    flows = whole.births - whole.deaths + whole.net_migration
    before = whole.groupby(["area_key", "scenario"]).population.shift()
    later = whole.year > LAST
    assert (before + flows)[later].to_numpy() == pytest.approx(whole.population[later].to_numpy(), abs=1e-7)
    last = whole.query("area_key == 'K' and year == 2030").set_index("scenario").population
    assert last["niedrig"] <= last["mittel"] <= last["hoch"]


def test_nothing_is_made_up_where_nothing_is_configured_or_known() -> None:
    for found_ in (
        population.of_release(release(), SETTINGS.iloc[:0], scenarios(), NO_CHANGES, PARTS),
        population.of_release(release(("births",)), SETTINGS, scenarios(), NO_CHANGES, PARTS),
        population.of_release(release(until=FIRST), SETTINGS, scenarios(), NO_CHANGES, PARTS),
    ):
        assert found_.empty and list(found_.columns) == list(population.COLUMNS)


def kita(values: dict[int, float]) -> pd.DataFrame:
    rows = [
        {"measure_id": "kita", "group_key": "total", "area_key": "K", "value": item}
        for item in values.values()
    ]
    return pd.DataFrame(rows).assign(period_end=pd.to_datetime([f"{year}-03-01" for year in values]))


def needs(parts: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    persons = found().groupby(["area_key", "scenario", "year", "age_from"])["population"].sum().reset_index()
    return need_forecast.of_release(release(), SETTINGS, parts, persons, counts)


def test_a_need_is_rate_times_population() -> None:
    read = release().stocks("s", "gemeinde")
    assert read is not None
    children = {year: read.single(year)[..., 3:6].sum() for year in read.years}
    counts = kita({year: 0.5 * children[year] for year in (2019, 2020, 2021, 2022)})
    table = needs(PARTS, counts).set_index(["area_key", "scenario", "year"])
    persons = found().groupby(["area_key", "scenario", "year", "age_from"]).population.sum()
    for year in (2022, 2030):
        young, older = (persons["A", "hoch", year, age] for age in (0, 3))
        expected = (
            0.4 * persons["A", "hoch", year].loc[:1].sum() + 0.5 * persons["A", "hoch", year].loc[3:5].sum()
        )
        assert young > 0 and older > 0
        assert table.value["A", "hoch", year] == pytest.approx(expected)
    # A rate that never moved has no width of its own: the middle scenario carries the range of the scenarios.
    assert table.value_high["K", "mittel", 2030] == pytest.approx(table.value["K", "hoch", 2030])
    assert table.value_low["K", "mittel", 2030] == pytest.approx(table.value["K", "niedrig", 2030])
    assert table.value_low["K", "hoch", 2030] == pytest.approx(table.value["K", "hoch", 2030])


def test_the_rate_widens_like_a_random_walk_and_leads_to_what_was_decided() -> None:
    read = release().stocks("s", "gemeinde")
    assert read is not None
    own = PARTS[PARTS.measure_id == "kita"]
    rates = {2018: 0.40, 2019: 0.42, 2020: 0.40, 2021: 0.42, 2022: 0.40}
    counts = kita({year: rate * read.single(year)[..., 3:6].sum() for year, rate in rates.items()})
    table = needs(own, counts).query("area_key == 'K' and scenario == 'hoch'").set_index("year")
    reach = (table.value_high - table.value) / table.population
    assert reach[2022] == pytest.approx(0)
    assert reach[2023] == pytest.approx(1.2816 * 0.02, rel=1e-3)
    assert reach[2026] == pytest.approx(1.2816 * 0.02 * 2, rel=1e-3)
    led = needs(own.assign(rate=60.0, reached=2026.0), counts).query("area_key == 'K' and scenario == 'hoch'")
    share = led.set_index("year").eval("value / population")
    assert share.loc[[2022, 2024, 2026, 2030]].to_numpy() == pytest.approx([0.4, 0.5, 0.6, 0.6])
    assert needs(own.assign(measure_id="unknown"), counts).empty


def test_the_text_of_a_scenario_compares_with_the_middle() -> None:
    areas = release().areas
    table = balance(found(planner=True))
    last = table[table.year == 2030].set_index(["area_key", "scenario"]).population
    needs_ = pd.DataFrame(
        {
            "need_label": "Kita",
            "unit": "Plätze",
            "area_key": "K",
            "scenario": ["mittel", "neubau"],
            "year": 2030,
            "value": [1000.2, 1240.0],
        }
    )
    words = text("neubau", "Neubau", table, needs_, areas, ["B"])
    gained = last["B", "neubau"] - last["B", "mittel"]
    assert f"Bdorf: Ende 2030 rechnerisch {last['B', 'neubau']:,.0f}".replace(",", ".") in words
    assert f"{gained:.0f} mehr als ohne diese Annahmen" in words
    assert "Kita, Kreis 2030: 1.240 Plätze, 240 mehr als ohne diese Annahmen." in words
    german = labelled(
        table, areas, {"mittel": "mittel", "neubau": "Neubau"}, {"area_name": "Gebiet", "year": "Jahr"}
    )
    assert german.iloc[0].tolist() == ["Kreis", LAST]
