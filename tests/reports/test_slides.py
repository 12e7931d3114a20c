"""A theme as slides: the file opens, its charts hold the released values, its notes say what they mean."""

from __future__ import annotations

import io
import re
from datetime import date
from typing import Any

import pytest
from pptx import Presentation

from reports.reader import Reader
from reports.release import NothingReleased
from reports.slides import number_format, slides
from tests.reports import probe


@pytest.fixture(scope="module")
def deck(reader: Reader) -> Any:
    return Presentation(io.BytesIO(slides(reader, "lage", date(2025, 3, 14))))


def _charts(deck: Any) -> list[Any]:
    return [shape.chart for slide in deck.slides for shape in slide.shapes if shape.has_chart]


def _texts(slide: Any) -> str:
    return "\n".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)


def test_charts_are_native_and_hold_the_released_values(reader: Reader, deck: Any) -> None:
    rows = reader.release.rows(
        """select period_label, value from mart_indicator where indicator_id = 'sgb2_rate' and area_key = ?
           order by period_end""",
        [probe.ROOT],
    )  # fmt: skip
    series = next(
        chart
        for chart in _charts(deck)
        if list(chart.plots[0].categories) == [row["period_label"] for row in rows]
        and list(chart.plots[0].series[0].values) == pytest.approx([row["value"] for row in rows])
    )
    assert series.value_axis.tick_labels.number_format == "#,##0.0"
    assert any(chart.part.chart_workbook.xlsx_part is not None for chart in _charts(deck)), (
        "data can be edited"
    )


def test_every_slide_says_release_and_synthetic_and_has_a_title(reader: Reader, deck: Any) -> None:
    assert len(deck.slides) >= 5
    for slide in deck.slides:
        assert slide.shapes.title.text_frame.text
        assert reader.release.info.mark in _texts(slide)
        assert "synthetische Daten" in _texts(slide)


def test_notes_hold_definition_and_source(deck: Any) -> None:
    notes = [slide.notes_slide.notes_text_frame.text for slide in deck.slides]
    assert any("Definition: Definition von" in text and "Quelle: Prüfstatistik" in text for text in notes)


def test_texts_and_tables_are_german(deck: Any) -> None:
    for slide in deck.slides:
        cells = [
            cell.text
            for shape in slide.shapes
            if shape.has_table
            for row in shape.table.rows
            for cell in row.cells
        ]
        for text in (_texts(slide), *cells):
            assert not re.search(r"\bnan\b|\bNone\b|(?<![\d.])\d+\.\d%", text)
    languages = {
        run._r.rPr.get("lang")
        for slide in deck.slides
        for paragraph in slide.shapes.title.text_frame.paragraphs
        for run in paragraph.runs
    }
    assert languages == {"de-DE"}


def test_number_formats_follow_the_decimals(reader: Reader) -> None:
    assert number_format(reader.indicators["population_total"]) == "#,##0"
    assert number_format(reader.indicators["sgb2_rate"]) == "#,##0.0"


def test_an_unknown_theme_names_the_known_ones(reader: Reader) -> None:
    with pytest.raises(NothingReleased, match=r"lage \(Soziale Lage\)"):
        slides(reader, "verkehr", date(2025, 3, 14))
