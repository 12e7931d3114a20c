"""The Umsetzungsbericht: sentences and tables from rows of the marts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from reports.document import Note, Points, Table, Text
from reports.release import NothingReleased, Release
from reports.render import render_html
from reports.umsetzung import implementation, implementation_sections
from tests.superset import mock_release
from tests.superset.mock_ziele import COMPARISONS, RECOMMENDATIONS, STATUS, TARGETS


def test_numbers_agree_with_their_verbs_and_costs_count_pairs_only() -> None:
    sections = implementation_sections(RECOMMENDATIONS, STATUS, TARGETS, COMPARISONS)
    overview = sections[0].blocks
    assert isinstance(overview[0], Text)
    text = overview[0].text.replace("\u00a0", " ")
    assert text == (
        "Das Register führt 3 Handlungsempfehlungen: 1 ist in Umsetzung, 1 wurde umgesetzt und 1 wurde zurückgestellt. "
        "Geplant sind zusammen 3.000 Euro; für 2 Empfehlungen mit Angabe sind bisher 1.500 Euro angefallen, 75 % des "
        "Plans."
    )
    assert isinstance(overview[1], Points)
    assert overview[1].points == ("Stadtteilbüro (HE-001, Altensiel): Frist 2024.",)


def test_changes_are_those_of_the_year_before_the_register() -> None:
    (told,) = [
        block
        for block in implementation_sections(RECOMMENDATIONS, STATUS, [], [])[0].blocks[2:]
        if isinstance(block, Points)
    ]
    # HE-001 began two years before, decisions are no change.
    assert told.points == ("01.06.2024: Offener Treff (HE-002, Altensiel) – umgesetzt (eröffnet)",)
    (quiet,) = implementation_sections(RECOMMENDATIONS, [], [], [])[0].blocks[2:]
    assert isinstance(quiet, Text) and "kein Status geändert" in quiet.text


def test_parts_without_rows_are_left_out_and_the_caution_stands_before_the_comparison() -> None:
    titles = [item.title for item in implementation_sections(RECOMMENDATIONS, STATUS, [], [])]
    assert titles == ["Überblick", "Stand nach Handlungsfeld", "Soziale Lage", "Wie gelesen wird"]
    compared = implementation_sections(RECOMMENDATIONS, STATUS, TARGETS, COMPARISONS)[-2]
    assert [type(block) for block in compared.blocks] == [Note, Points]
    table = implementation_sections(RECOMMENDATIONS, STATUS, TARGETS, COMPARISONS)[2].blocks[0]
    assert isinstance(table, Table)
    assert [row[4] for row in table.rows] == [
        "in Umsetzung seit 15.01.2023; überfällig",
        "umgesetzt seit 15.01.2023",
        "zurückgestellt seit 15.01.2023",
    ]


def test_the_report_of_a_release_and_of_one_without_recommendations(tmp_path: Path) -> None:
    path = mock_release.build(tmp_path / "release.duckdb")
    with Release(path) as release:
        document = implementation(release, date(2025, 3, 12))
        assert document.subtitle.endswith("Stand 20.01.2025") and document.is_synthetic
        page = render_html(document)
        assert "Stadtteilbüro (HE-001)" in page and "Kein Nachweis einer Wirkung." in page
        # The same rows give the same report.
        assert implementation(release, date(2025, 3, 12)) == replace(document)
    with duckdb.connect(str(path)) as db:
        db.execute("delete from mart_recommendation")
    with Release(path) as release, pytest.raises(NothingReleased, match="keine Handlungsempfehlungen"):
        implementation(release, date(2025, 3, 12))
