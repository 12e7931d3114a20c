"""Drawings: valid specifications, right classes, German numbers, hidden areas in grey with their reason."""

from __future__ import annotations

import re
from typing import Any

import altair as alt
import pytest
import vl_convert

from lagebild.map_classes import CLASS_COLOURS, MapClass, map_classes
from reports.charts import maps, style
from reports.charts.bars import bars
from reports.charts.fan import Point, fan
from reports.charts.lines import place_in_time
from reports.charts.pyramid import Band, pyramid
from reports.document import Table
from reports.facts import Indicator
from reports.reader import Reader
from reports.sections import figures
from tests.reports import probe
from tests.superset.mock_release import HIDDEN

SHARE = Indicator("x", "Quote", "Quote", "", "t", "T", "rate", "%", 1, "neutral", "", "", "", "")


@pytest.fixture
def specifications(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Specifications that were drawn, each checked against the schema of vega-lite first."""
    drawn: list[dict[str, Any]] = []

    def draw(specification: dict[str, Any], **options: Any) -> str:
        alt.Chart.from_dict(specification, validate=True)
        drawn.append(specification)
        return svg(specification, **options)

    svg = vl_convert.vegalite_to_svg
    monkeypatch.setattr(style.vl_convert, "vegalite_to_svg", draw)
    return drawn


def _words(svg: str) -> list[str]:
    return re.findall(r">([^<>]+)</text>", svg)


def test_all_kinds_are_valid_and_speak_german(reader: Reader, specifications: list[dict[str, Any]]) -> None:
    indicator = reader.indicators["sgb2_rate"]
    area = reader.area_by_key[probe.FIRST]
    charts = [
        figures.series_of(reader, [indicator], [area, reader.root], "Entwicklung"),
        bars(indicator, reader.spread("sgb2_rate", "gemeinde"), 5.7, "Probekreis", "Vergleich", by_value=True),
        figures.area_map(reader, indicator, width=300, height=200),
        figures.where_map(reader, area, width=100, height=100),
        pyramid(
            [Band("0–5 Jahre, m", "m", 0, 5, 10.0), Band("80 Jahre und älter, f", "f", 80, None, 20.0)],
            [Band("0–5 Jahre, m", "m", 0, 5, 30.0), Band("80 Jahre und älter, f", "f", 80, None, 20.0)],
            "Hafen", "Kreis", "Altersaufbau",
        ),
        fan(
            [Point("beobachtet", 2023, 5.0), Point("Prognose", 2024, 5.5, 5.0, 6.0)],
            decimals=1, caption="Prognose", alt_text="Zeitreihe", table=Table("", (), ()),
        ),
    ]  # fmt: skip
    assert len(specifications) == len(charts)
    for chart in charts:
        assert chart is not None
        assert chart.alt and chart.caption
        words = _words(chart.svg)
        assert not any(re.search(r"\d\.\d(?!\d\d)", word) for word in words), words
        assert not any(word in {"undefined", "null", "NaN"} for word in words)
    series = charts[0]
    assert series is not None and re.search(r"\d,\d", " ".join(_words(series.svg)))


def test_hidden_areas_are_grey_and_say_so(reader: Reader) -> None:
    drawn = figures.area_map(reader, reader.indicators["sgb2_rate"], width=300, height=200)
    assert drawn is not None
    assert style.HIDDEN in drawn.svg
    assert "gesperrt" in _words(drawn.svg)
    withheld = [row for row in drawn.table.rows if row[2] == "gesperrt"]
    assert len(withheld) == len(HIDDEN)
    assert all(row[1] == "gesperrt" for row in withheld)
    assert f"gesperrt: {len(HIDDEN)}\u00a0Gebiete" in drawn.alt


def test_values_fall_into_their_class() -> None:
    classes = map_classes([0.0, 2.0, 4.0, 6.0, 8.0, 10.0], 1)
    assert [item.colour for item in classes] == list(CLASS_COLOURS)
    assert maps.class_of(0.0, "", classes, SHARE) == "0,0 bis unter 2,0"
    assert maps.class_of(2.0, "", classes, SHARE) == "2,0 bis unter 4,0"
    assert maps.class_of(10.0, "", classes, SHARE) == "8,0 bis 10,0"
    assert maps.class_of(None, "gesperrt", classes, SHARE) == "gesperrt"
    assert maps.class_of(None, "noch nicht geliefert", classes, SHARE) == "keine Angabe"


def test_few_classes_keep_light_and_dark_apart() -> None:
    assert map_classes([], 1) == ()
    assert map_classes([3.0] * 6, 0) == (MapClass(3.0, 3.0, CLASS_COLOURS[0]),)
    two = map_classes([1.0, 1.0, 1.0, 5.0, 5.0, 9.0], 0)
    assert (two[0].colour, two[-1].colour) == (CLASS_COLOURS[0], CLASS_COLOURS[-1])


def test_bars_without_a_rankable_order_stand_by_name(reader: Reader) -> None:
    spread = list(reversed(reader.spread("child_poverty", "gemeinde")))
    indicator = reader.indicators["child_poverty"]
    by_value = bars(indicator, spread, None, "", "x", by_value=True)
    by_name = bars(indicator, spread, None, "", "x", by_value=False)
    assert by_value is not None and by_name is not None
    names = [row[0] for row in by_name.table.rows]
    assert names == sorted(names)
    assert [row[0] for row in by_value.table.rows] != names


def test_a_stichtag_lies_at_the_end_of_its_year(reader: Reader) -> None:
    latest = reader.root_series["sgb2_rate"][-1]
    assert place_in_time(latest) == 2024.0
