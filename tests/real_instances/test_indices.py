"""The recipes of Berlin and Deutschland against what was published: all waves of the MSS, all years of the GISD.

The tables are those the dbt model hands to the frames; which value enters is simple here, because all figures of a
recipe are of one delivery and one day (`int_analysis__index_input` has its own unit tests).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.frames.index import index_frame, part_frame, sensitivity_frame
from ingestion.formats.base import ParsedDelivery
from lagebild.instance import Instance
from semantic_layer.catalogue.loader import load_catalogue
from semantic_layer.export.dbt import catalogue_tables
from tests.real_instances.conftest import frame

pytestmark = pytest.mark.real

Read = Callable[[str], dict[str, ParsedDelivery]]
Tables = dict[str, pd.DataFrame]

# n, status 1/2/3/4, dynamics positive/stable/negative: ../shared/oracles/README.md.
MSS = {
    2013: (434, [80, 264, 52, 38], [54, 330, 50]),
    2015: (435, [78, 270, 49, 38], [48, 350, 37]),
    2017: (436, [75, 278, 41, 42], [49, 339, 48]),
    2019: (436, [67, 283, 47, 39], [46, 357, 33]),
}


def recipes_of(instance: str) -> Tables:
    return {
        name: table.to_pandas()
        for name, table in catalogue_tables(Instance(instance)).items()
        if name.startswith("index")
    }


def inputs(landed: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Index x period x area x part, from one delivery; an indicator of these recipes is one delivered measure."""
    measures = {item.id: item.numerator[0].measure for item in load_catalogue().indicators if item.numerator}
    landed = landed.assign(period_end=pd.to_datetime(landed.period_end).dt.date)
    keys = ["area_code", "period_end"]
    figures = (
        landed[landed.group_id == "total"].drop_duplicates([*keys, "measure_id"]).set_index("measure_id")
    )
    found = []
    for _, part in tables["index_part"].iterrows():
        rows = figures.loc[[measures[part.indicator_id]]].reset_index(drop=True)
        if part.until is not None and not pd.isna(part.until):
            rows = rows[rows.period_end <= part.until]
        rows = rows.assign(change_value=np.nan)
        if part.change_indicator_id is not None:
            change = figures.loc[[measures[part.change_indicator_id]], [*keys, "value"]]
            change = change.rename(columns={"value": "delivered"}).reset_index(drop=True)
            rows = rows.merge(change, on=keys, how="left").assign(change_value=lambda it: it.delivered)
        found.append(
            pd.DataFrame(
                {
                    "index_id": part.index_id,
                    "period_key": rows.period_end.astype(str),
                    "area_key": rows.area_code,
                    "indicator_id": part.indicator_id,
                    "indicator_label": part.indicator_id,
                    "position": part.position,
                    "value": rows.value,
                    "change_value": rows.change_value,
                    "obs_status": rows.obs_status,
                    "conf_status": "F",
                    "population": np.nan,
                }
            )
        )
    return pd.concat(found)


@pytest.fixture
def mss(berlin: Read) -> tuple[pd.DataFrame, pd.DataFrame, Tables]:
    landed = frame(berlin("mss"), "observation").query("area_level == 'planungsraum'")
    tables = recipes_of("berlin")
    return landed, inputs(landed, tables), tables


def test_mss_recipe_reproduces_every_published_wave(mss: tuple[pd.DataFrame, pd.DataFrame, Tables]) -> None:
    landed, rows, tables = mss
    found = index_frame(rows, tables["index"], tables["index_part"], tables["index_class"])
    published = landed.drop_duplicates(["area_code", "period_end", "measure_id"]).pivot(
        index=["period_end", "area_code"], columns="measure_id", values="value"
    )
    for year, (n, status, dynamics) in MSS.items():
        wave = found[found.period_key == f"{year - 1}-12-31"].set_index("area_key")
        official = published.loc[date(year - 1, 12, 31)].reindex(wave.index)
        assert wave.value.count() == n and set(wave.n_areas) == {n}
        assert wave.class_number.value_counts().reindex([1, 2, 3, 4]).tolist() == status
        assert wave.change_class_number.value_counts().reindex([1, 2, 3]).tolist() == dynamics
        # Area by area: classes match all, values to the fifth digit; two tables of the source have lost a row.
        assert wave.class_number.astype("float").equals(official.mss_status_index.astype("float"))
        assert (
            (2 - wave.change_class_number).astype("float").equals(official.mss_dynamic_index.astype("float"))
        )
        difference = (wave.value - official.mss_status_score).abs()
        assert difference.count() >= n - 1 and difference.max() < 1e-5
        assert set(wave.empty_reason.dropna().str.split(" (", regex=False).str[0]) == {"nicht zutreffend"}
    assert len(found) == 4 * 447


def test_mss_row_of_the_oracle_by_parts(mss: tuple[pd.DataFrame, pd.DataFrame, Tables]) -> None:
    _, rows, tables = mss
    found = part_frame(rows, tables["index"], tables["index_part"], tables["index_class"])
    row = found[(found.period_key == "2012-12-31") & (found.area_key == "01011103")].set_index("indicator_id")
    assert row.standardised.round(5).to_dict() == {
        "mss_s1": 0.33357,
        "mss_s2": 0.27306,
        "mss_s3": 0.71517,
        "mss_s4": 0.44329,
    }
    assert row.contribution.sum() == pytest.approx(1.76509, abs=1e-5)
    # Without S2 from 2019 on.
    last = found[found.period_key == "2018-12-31"]
    assert set(last.indicator_id) == {"mss_s1", "mss_s3", "mss_s4"}


def test_mss_says_how_stable_it_is(mss: tuple[pd.DataFrame, pd.DataFrame, Tables]) -> None:
    _, rows, tables = mss
    found = sensitivity_frame(rows, tables["index"], tables["index_part"], tables["index_class"])
    assert (found.spearman > 0.9).all()
    counted = found.groupby("period_key").size()
    assert counted.tolist() == [9, 9, 9, 8]


def test_gisd_recipes_reproduce_every_kreis_and_year(deutschland: Read) -> None:
    landed = frame(deutschland("gisd"), "observation")
    tables = recipes_of("deutschland")
    rows = inputs(landed, tables)
    found = index_frame(rows, tables["index"], tables["index_part"], tables["index_class"])
    assert len(found) == 2 * 9600
    published = landed.pivot_table(index=["period_end", "area_code"], columns="measure_id", values="value")
    for index_id, measure in (("gisd_fuenftel", "gisd_quintile"), ("gisd_zehntel", "gisd_decile")):
        own = found[found.index_id == index_id]
        official = published[measure].reindex(
            pd.MultiIndex.from_arrays([pd.to_datetime(own.period_key).dt.date, own.area_key])
        )
        assert official.notna().all()
        assert (own.class_number.to_numpy(dtype=float) == official.to_numpy()).sum() == 9600
    year = rows[rows.period_key == "2021-12-31"]
    assert sensitivity_frame(year, tables["index"], tables["index_part"], tables["index_class"]).empty
