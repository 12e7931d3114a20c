"""INKAR and GISD against published results: sums over 400 Kreise, rounding of the source, index values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pandas as pd
import pytest

from analysis.index import classes_by_quantile
from expectations.context import KnownArea, KnownAreas, MeasureFacts, StaticContext
from expectations.rules.observed import observed
from expectations.rules.sums_between import sums_between
from lagebild.instance import Instance
from tests.real_instances.conftest import Parsed, frame

Deutschland = Callable[[str], Parsed]

YEAR_2021 = date(2021, 12, 31)


def _by_kreis(figures: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Per Kreis: the delivered figure of 2021 and the sum of its Gemeinden."""
    chosen = figures[(figures.measure_id == measure) & (figures.period_end == YEAR_2021)]
    kreise = chosen[chosen.area_level == "kreis"].set_index("area_code").value
    gemeinden = chosen[chosen.area_level == "gemeinde"]
    sums = gemeinden.groupby(gemeinden.area_code.str[:5]).value.sum()
    return pd.DataFrame({"kreis": kreise, "gemeinden": sums})


def test_inkar_lands_without_a_finding(deutschland: Deutschland) -> None:
    parsed = deutschland("inkar")
    assert len(parsed) == 12
    assert [issue for delivery in parsed.values() for issue in delivery.issues] == []
    figures = frame(parsed, "observation")
    shape = figures.groupby(["measure_id", "area_level"]).agg(
        areas=("area_code", "nunique"), first=("period_end", "min"), last=("period_end", "max")
    )
    assert set(shape[shape.index.get_level_values("area_level") == "kreis"].areas) == {400}
    assert set(shape[shape.index.get_level_values("area_level") == "gemeinde"].areas) == {10990}
    assert set(shape["last"]) == {YEAR_2021, date(2021, 6, 30)}
    assert shape.loc[("unemployed_annual", "gemeinde"), "first"] == date(1998, 12, 31)
    assert shape.loc[("unemployed_annual", "kreis"), "first"] == date(1995, 12, 31)


def test_blank_cells_are_missing_and_never_zero(deutschland: Deutschland) -> None:
    figures = frame(deutschland("inkar"), "observation")
    blank = figures[figures.value.isna()]
    # 17 Gemeinden of 24 years, 18 Kreis-years of school leavers.
    assert blank.groupby("measure_id").size().to_dict() == {
        "unemployed_annual": 408,
        "school_leavers_without_degree_pct": 18,
    }
    assert set(blank.obs_status) == {"O"}
    assert set(figures[figures.value.notna()].obs_status) == {"A"}


def test_population_15_to_64_of_the_gemeinden_is_that_of_the_kreis(deutschland: Deutschland) -> None:
    both = _by_kreis(frame(deutschland("inkar"), "observation"), "population_15_64")
    assert len(both) == 400
    assert (both.kreis == both.gemeinden).all()
    assert both.kreis["01056"] == 201_508


def test_unemployed_differ_by_the_rounding_of_the_source(deutschland: Deutschland) -> None:
    figures = frame(deutschland("inkar"), "observation")
    both = _by_kreis(figures, "unemployed_annual")
    gap = (both.kreis - both.gemeinden).abs()
    assert (gap == 0).sum() == 166
    assert gap.max() == 6
    assert (both.gemeinden["01056"], both.kreis["01056"]) == (9369, 9371)
    # Whole persons per Gemeinde: n Gemeinden and the Kreis may be off by (n + 1) / 2, which the source's rule allows.
    chosen = figures[(figures.measure_id == "unemployed_annual") & (figures.period_end == YEAR_2021)]
    parts = chosen[chosen.area_level == "gemeinde"].groupby(chosen.area_code.str[:5]).size()
    assert (gap <= (parts + 1) / 2).all()


def test_unemployed_of_the_gemeinden_are_no_error_for_the_gate(deutschland: Deutschland) -> None:
    from lagebild.instance import Instance

    assert Instance("deutschland").sources["inkar"].checks.sums.rounding == 1


@pytest.mark.parametrize(
    ("code", "score", "classes"),
    [
        ("01056", 0.47576, (2, 4, 2)),  # Pinneberg
        ("05334", 0.56573, (3, 6, 2)),  # StädteRegion Aachen
        ("05378", 0.39977, (2, 3, 2)),  # Rheinisch-Bergischer Kreis
        ("01001", 0.80757, (5, 10, 3)),  # Flensburg
    ],
)
def test_gisd_of_2021(
    deutschland: Deutschland, code: str, score: float, classes: tuple[int, int, int]
) -> None:
    figures = frame(deutschland("gisd"), "observation")
    chosen = (
        figures[(figures.area_code == code) & (figures.period_end == YEAR_2021)].set_index("measure_id").value
    )
    assert chosen["gisd_score"] == score
    assert tuple(chosen[["gisd_quintile", "gisd_decile", "gisd_class"]]) == classes


def test_gisd_covers_all_kreise_and_years(deutschland: Deutschland) -> None:
    figures = frame(deutschland("gisd"), "observation")
    scores = figures[figures.measure_id == "gisd_score"]
    assert len(scores) == 9600
    assert scores.value.between(0, 1).all()
    # The class follows from the quintile: 1 → 1, 2 to 4 → 2, 5 → 3.
    wide = figures.pivot_table(index=["area_code", "period_end"], columns="measure_id", values="value")
    assert (wide.gisd_class == wide.gisd_quintile.map({1: 1, 2: 2, 3: 2, 4: 2, 5: 3})).all()


def test_gisd_classes_can_be_computed_from_the_score(deutschland: Deutschland) -> None:
    figures = frame(deutschland("gisd"), "observation")
    wide = figures.pivot_table(index=["period_end", "area_code"], columns="measure_id", values="value")
    matching = pd.Series(0, index=["gisd_quintile", "gisd_decile"])
    for _, year in wide.groupby(level="period_end"):
        score = year.gisd_score.to_numpy()
        matching["gisd_quintile"] += int((classes_by_quantile(score, 5) == year.gisd_quintile).sum())
        matching["gisd_decile"] += int((classes_by_quantile(score, 10) == year.gisd_decile).sum())
    assert matching.to_dict() == {"gisd_quintile": 9600, "gisd_decile": 9600}


def test_the_index_of_a_land_is_another_measure(deutschland: Deutschland) -> None:
    figures = frame(deutschland("gisd_land"), "observation")
    assert set(figures.measure_id) == {"gisd_land_score"}
    areas = figures.groupby("area_level").area_code.nunique().to_dict()
    assert areas == {"kreis": 68, "gemeindeverband": 566}


@pytest.mark.parametrize(
    ("source_id", "level", "areas"), [("gisd_ror", "raumordnungsregion", 96), ("gisd_nuts2", "nuts2", 38)]
)
def test_regions_bring_their_areas(deutschland: Deutschland, source_id: str, level: str, areas: int) -> None:
    parsed = deutschland(source_id)
    known = frame(parsed, "area")
    assert (known.area_level == level).sum() == areas
    assert set(frame(parsed, "observation").area_code) == set(known[known.area_level == level].area_code)


def _known(deutschland: Deutschland) -> KnownAreas:
    columns = ["area_system", "area_level", "area_code", "parent_code", "valid_from", "valid_to", "area_name"]
    sources = ("gemeindeverzeichnis", "umsteigeschluessel", "gebietsaenderungen")
    areas = []
    for source_id in sources:
        rows = frame(deutschland(source_id), "area")[columns].astype(object)
        areas += [KnownArea(*row) for row in rows.where(rows.notna(), None).itertuples(index=False)]
    levels = {
        item.code: tuple(level.code for level in item.levels)
        for item in Instance("deutschland").config.area_systems
    }
    return KnownAreas(tuple(areas), levels)


@pytest.mark.parametrize(
    ("measure", "name"),
    [("unemployed_annual", "A_Arbeitslosigkeit"), ("population_15_64", "A_ErwerbsfaehigeBevoelkerung")],
)
def test_the_gate_tells_rounding_between_the_files_of_gemeinden_and_kreise(
    deutschland: Deutschland, measure: str, name: str
) -> None:
    parsed = deutschland("inkar")
    last = {
        level: table[pd.to_datetime(table.period_end).dt.year == 2021]
        for level, file in (("gemeinde", f"{name}.xls"), ("kreis", f"{name}Kreis.xls"))
        for table in [observed(parsed[file].tables["observation"])]
    }
    facts = MeasureFacts(
        measure, "Zahl", "Personen", "count", True, "inkar", "observation", "true", "", "jahr", "amtlich"
    )
    checks = Instance("deutschland").sources["inkar"].checks.sums
    told = {}
    for own, other in (("gemeinde", "kreis"), ("kreis", "gemeinde")):
        context = StaticContext(
            areas=_known(deutschland), measures={measure: facts}, beside=last[other].reset_index(drop=True)
        )
        found = sums_between(last[own], context, checks)
        told[own] = [
            (item.rule, message)
            for item in found
            for excess, message in zip(item.frame["excess"], item.frame["message"], strict=True)
            if excess > 0
        ]
    assert told["gemeinde"] == told["kreis"]  # whichever file comes last
    if measure == "population_15_64":
        assert told["kreis"] == []
        return
    ((rule, message),) = told["kreis"]
    assert rule == "Rundung der Quelle"
    assert "2021: 234 von 400 Gebieten weichen ab, größte Abweichung 6." in message
