"""As-was and as-is, benchmarks, peers, targets and breaks on a hand-made Kreis with three reforms.

    2016   Gemeinde D is merged into B (which keeps its row): exact.
    2018   Gemeinde A is split into E (60 % of the inhabitants) and F (40 %): estimated.
    2021   F and C are merged into M: exact, but F before 2018 is an estimated part of A.

Every expected figure below is computed by hand from the released ones.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from tests.dbt_project.mini import Mini

YEARS = (2015, 2017, 2019, 2022)
POPULATION = {
    2015: {"A": 1000, "B": 400, "C": 300, "D": 100},
    2017: {"A": 1000, "B": 500, "C": 300},
    2019: {"E": 620, "F": 400, "B": 510, "C": 310},
    2022: {"E": 630, "M": 720, "B": 520},
}
HIDDEN = {("C", 2019)}
"""The one figure of `moves` that the supplier hid."""
MOVES_SHARE = 10


def _day(year: int) -> date:
    return date(year, 12, 31)


@pytest.fixture(scope="module")
def star(tmp_path_factory: pytest.TempPathFactory) -> Mini:
    mini = Mini(Path(tmp_path_factory.mktemp("as_is")))
    mini.area("kreis", "K", None)
    spans = {
        "A": (2010, 2017),
        "B": (2010, None),
        "C": (2010, 2020),
        "D": (2010, 2015),
        "E": (2018, None),
        "F": (2018, 2020),
        "M": (2021, None),
    }
    for code, (first, last) in spans.items():
        mini.area(
            "gemeinde",
            code,
            "K",
            valid_from=date(first, 1, 1),
            valid_to=None if last is None else date(last, 12, 31),
            geometry=json.dumps(
                {"type": "Polygon", "coordinates": [[[9, 54], [9.1, 54], [9.1, 54.1], [9, 54.1], [9, 54]]]}
            ),
        )
    for old, new, year, weight, method in (
        ("D", "B", 2016, 1.0, "exact"),
        ("A", "E", 2018, 0.6, "population"),
        ("A", "F", 2018, 0.4, "population"),
        ("F", "M", 2021, 1.0, "exact"),
        ("C", "M", 2021, 1.0, "exact"),
    ):
        mini.crosswalk.append(
            {
                "area_system": "sozialraum",
                "area_level": "gemeinde",
                "from_code": old,
                "to_code": new,
                "reform_date": date(year, 1, 1),
                "weight": weight,
                "method": method,
            }
        )
    mini.rule("free", policy="source_released")
    mini.measure("population", "free", lowest_level="gemeinde")
    mini.measure("moves", "free", lowest_level="gemeinde")
    mini.measure("score", "free", lowest_level="gemeinde", additive_over_areas=False)
    mini.measure("area_km2", "free", lowest_level="gemeinde", input="area", value_kind="amount")
    for year, figures in POPULATION.items():
        at = {"period_start": _day(year), "period_end": _day(year)}
        for code, value in figures.items():
            hidden = (code, year) in HIDDEN
            mini.observation("population", "gemeinde", code, float(value), **at)
            mini.observation(
                "moves",
                "gemeinde",
                code,
                None if hidden else value / MOVES_SHARE,
                conf_status="C" if hidden else "F",
                **at,
            )
            mini.observation("score", "gemeinde", code, 1.5, **at)
    common = {
        "version": 1,
        "theme_id": "demografie",
        "kind": "rate",
        "decimals": 2,
        "polarity": "neutral",
        "status": "active",
        "tier": "public",
        "area_system": "sozialraum",
        "lowest_level": "gemeinde",
        "min_denominator": 0,
    }
    for name, factor, denominator in (("move_rate", 100.0, "population"), ("inhabitants", 1.0, None)):
        mini.indicators.append(
            common
            | {
                "indicator_key": f"{name}@1",
                "indicator_id": name,
                "label": name,
                "short_label": name,
                "factor": factor,
            }
        )
        numerator = "moves" if denominator else "population"
        for part, measure in (("numerator", numerator), ("denominator", denominator)):
            if measure:
                mini.parts.append(
                    {
                        "indicator_key": f"{name}@1",
                        "part": part,
                        "measure_id": measure,
                        "group_id": "total",
                        "sign": 1.0,
                    }
                )
    mini.indicator_changes = [
        {
            "indicator_id": "move_rate",
            "version": 1,
            "changed_on": date(2024, 1, 1),
            "kind": "neu",
            "note": "Erstfassung",
        }
    ]
    mini.targets = [
        {
            "indicator_id": "move_rate",
            "area_level": "kreis",
            "area_code": "K",
            "year": 2027,
            "value": 8.0,
            "decision": "Kreistag",
        }
    ]
    mini.peer_features = [{"indicator_id": "inhabitants", "label": "Bevölkerung", "is_logarithmic": True}]
    mini.build()
    return mini


def _as_is(star: Mini, measure: str) -> pd.DataFrame:
    return star.query(
        f"""
        select area.area_code, year(period.period_end) as year, fact.* exclude (area_key, period_key)
        from published.fct_measure_as_is as fact
        inner join published.dim_area as area using (area_key)
        inner join published.dim_period as period using (period_key)
        where measure_id = '{measure}' and not area.is_unassigned
        """
    ).set_index(["area_code", "year"])


def test_only_areas_with_other_boundaries_are_converted(star: Mini) -> None:
    found = _as_is(star, "population")
    assert set(found.index) == {
        *(("B", year) for year in (2015,)),
        *(("E", year) for year in (2015, 2017)),
        *(("M", year) for year in (2015, 2017, 2019)),
    }


def test_mergers_are_exact(star: Mini) -> None:
    found = _as_is(star, "population")
    assert found.loc[("B", 2015), "value"] == 400 + 100
    assert found.loc[("M", 2019), "value"] == 400 + 310
    for key in (("B", 2015), ("M", 2019)):
        row = found.loc[key]
        assert (row["value_low"], row["value_high"], row["obs_status"]) == (row["value"], row["value"], "A")
        assert not row["is_estimate"]


def test_splits_are_estimated_and_carry_their_bounds_through_later_reforms(star: Mini) -> None:
    found = _as_is(star, "population")
    for year in (2015, 2017):
        part = found.loc[("E", year)]
        # Odds of 0.6 are 1.5: halved 0.75, doubled 3, so that the share lies between 3/7 and 3/4.
        assert part["value"] == 600
        assert part["value_low"] == pytest.approx(1000 * 3 / 7)
        assert part["value_high"] == pytest.approx(750)
        merged = found.loc[("M", year)]
        assert merged["value"] == 400 + 300
        assert merged["value_low"] == pytest.approx(1000 * 0.25 + 300)
        assert merged["value_high"] == pytest.approx(1000 * 4 / 7 + 300)
        assert {part["obs_status"], merged["obs_status"]} == {"E"}


def test_a_hidden_part_hides_what_it_is_converted_to(star: Mini) -> None:
    found = _as_is(star, "moves")
    assert pd.isna(found.loc[("M", 2019), "value"])
    assert found.loc[("M", 2019), "conf_status"] == "C"
    assert found.loc[("M", 2017), "value"] == pytest.approx(70)


def test_what_does_not_add_up_is_not_converted(star: Mini) -> None:
    assert _as_is(star, "score").empty
    sizes = _as_is(star, "area_km2")
    own = star.query("select value from published.fct_measure where measure_id = 'area_km2' limit 1")[
        "value"
    ][0]
    assert len(sizes) == 6
    assert set(sizes["value"]) == {own}


def test_nothing_is_lost_or_doubled(star: Mini) -> None:
    """The Gemeinden of today add up to the Kreis in every year, whatever the reforms."""
    total = star.query(
        """
        select period_key, sum(value) as parts
        from (
            select period_key, value
            from published.fct_measure_as_is
            where measure_id = 'population'
            union all
            select fact.period_key, fact.value
            from published.fct_measure as fact
            inner join published.dim_area as area using (area_key)
            anti join published.fct_measure_as_is using (measure_id, area_key, period_key, group_key)
            where measure_id = 'population' and area.is_current and area.level_rank = 1
        )
        group by period_key
        order by period_key
        """
    )
    assert list(total["parts"]) == [sum(POPULATION[year].values()) for year in YEARS]


def test_rates_are_formed_from_converted_parts(star: Mini) -> None:
    found = star.query(
        """
        select area.area_code, year(period.period_end) as year, fact.*
        from published.fct_indicator_as_is as fact
        inner join published.dim_area as area using (area_key)
        inner join published.dim_period as period using (period_key)
        where indicator_id = 'move_rate'
        """
    ).set_index(["area_code", "year"])
    merged = found.loc[("M", 2017)]
    assert merged["value"] == pytest.approx(100 * 70 / 700)
    # The rate of the part is at most twice or half that of the rest: numerator bounds over the estimated base.
    assert merged["value_low"] == pytest.approx(100 * (100 * 0.25 + 30) / 700, abs=0.005)
    assert merged["value_high"] == pytest.approx(100 * (100 * 4 / 7 + 30) / 700, abs=0.005)
    assert found.loc[("M", 2019), "empty_reason"] == "gesperrt"


def test_an_area_that_took_in_another_breaks_its_series(star: Mini) -> None:
    found = star.query(
        """
        select year(period.period_end) as year, fact.obs_status, fact.change, fact.change_reason
        from published.fct_indicator as fact
        inner join published.dim_area as area using (area_key)
        inner join published.dim_period as period using (period_key)
        where indicator_id = 'inhabitants' and area_code = 'B'
        """
    ).set_index("year")
    assert found.loc[2017, "obs_status"] == "B"
    assert pd.isna(found.loc[2017, "change"])
    assert found.loc[2017, "change_reason"] == "Bruch in der Zeitreihe: Gebietsänderung zum 01.01.2016"
    assert found.loc[2019, "obs_status"] == "A"
    assert found.loc[2019, "change"] == 10


def test_benchmarks_name_their_level_and_their_kind(star: Mini) -> None:
    found = star.query(
        """
        select benchmark, benchmark_label, fact.value, n_areas, is_weighted
        from published.fct_benchmark as fact
        inner join published.dim_area as area using (area_key)
        where indicator_id = 'inhabitants' and fact.area_level = 'gemeinde' and level_rank = 0
        and period_key = 'S2022-12-31'
        """
    ).set_index("benchmark")
    assert found.loc["mean_unweighted", "value"] == pytest.approx((630 + 720 + 520) / 3, abs=0.001)
    assert found.loc["mean_unweighted", "benchmark_label"] == "ungewichteter Mittelwert (Gemeinde)"
    assert not found.loc["mean_unweighted", "is_weighted"]
    # Three Gemeinden have no five peers.
    assert "peers" not in found.index


def test_targets_and_change_log_are_published(star: Mini) -> None:
    target = star.query("select indicator_key, area_key, target_year, value from published.fct_target")
    assert target.to_dict("records") == [
        {
            "indicator_key": "move_rate@1",
            "area_key": "sozialraum|kreis|K|2010-01-01",
            "target_year": 2027,
            "value": 8.0,
        }
    ]
    assert len(star.query("select * from published.dim_indicator_change")) == 1


@pytest.mark.slow
def test_documentation_is_generated_without_a_network(star: Mini, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every published table with its description, and the lineage from the dashboard back to the source."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    star.build("docs", "generate")
    catalogue = json.loads((star.root / "target" / "catalog.json").read_text("utf-8"))["nodes"]
    manifest = json.loads((star.root / "target" / "manifest.json").read_text("utf-8"))
    published = [name for name in catalogue if ".published_" in name]
    assert len(published) > 20
    assert all(manifest["nodes"][name]["description"] for name in published)
    parents = manifest["parent_map"]
    reached, open_nodes = set(), ["exposure.lagebild.lage_auf_einen_blick"]
    while open_nodes:
        node = open_nodes.pop()
        reached.add(node)
        open_nodes += [parent for parent in parents.get(node, []) if parent not in reached]
    assert "source.lagebild.landing.person" in reached
