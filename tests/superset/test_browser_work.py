"""What people do on a page: choose, go down to the parts of an area, read a map, take the table with them.

The expected numbers come from the query interface on the same released file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from semantic_layer.query import Query, Release, Where
from superset_assets.screenshots import CHROMIUM
from tests.superset.browsing import Visit, browsing
from tests.superset.conftest import RunningSuperset
from tests.superset.mock_release import HIDDEN

pytestmark = [
    pytest.mark.superset,
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="chromium is not installed"),
]

_COMPARED = "Gewählte Kennzahl im Vergleich"
_FINE = "Gewählte Kennzahl – Sozialräume"
_TABLE = "Soziale Lage – Tabelle"
_MAP = "SGB-II-Quote in %"
_AREAS = 12
_DECIMALS = 1


@pytest.fixture(scope="module")
def theme(superset: RunningSuperset) -> Iterator[Visit]:
    """One page for the whole module; the tests go on where the one before ended."""
    with browsing(superset.url, superset.logins) as people:
        yield people.visit("analyse", "thema-lage-probekreis")


def _asked(superset: RunningSuperset, metric: str, level: str) -> dict[str, float | None]:
    """Area -> rounded latest value, as the query interface answers."""
    release = Release(superset.state / "probekreis" / "published" / "current.duckdb")
    try:
        table = release.run(Query(metrics=[metric], where=Where(level=level, latest=True))).table
    finally:
        release.close()
    return dict(zip(table["area_name"].to_pylist(), table["value"].to_pylist(), strict=True))


def test_map_draws_every_area_and_hidden_ones_without_a_number(theme: Visit) -> None:
    rows = theme.rows(_MAP)
    assert len({row["ring_json"] for row in rows}) == _AREAS
    assert sum(row["value_label"] == "gesperrt" for row in rows) == len(HIDDEN)
    colours = theme.colours(_MAP)
    # Drawn, not only answered: hidden areas in grey, the others in the colours of their classes.
    assert any(red == green == blue and 180 < red < 220 for red, green, blue in colours), colours
    assert sum(max(colour) - min(colour) > 40 for colour in colours) >= 4, colours


def test_choosing_another_kennzahl_changes_the_numbers(superset: RunningSuperset, theme: Visit) -> None:
    before = {row["zweig"]: row["wert"] for row in theme.rows(_COMPARED)}
    theme.choose("Kennzahl", "SGB-II-Quote")
    after = {row["zweig"]: row["wert"] for row in theme.rows(_COMPARED)}
    assert after != before
    asked = _asked(superset, "sgb2_rate", "gemeinde")
    assert {name: round(after[name], _DECIMALS) for name in asked} == asked


def test_exported_table_equals_the_query_interface(
    superset: RunningSuperset, theme: Visit, tmp_path: Path
) -> None:
    theme.choose("Kennzahl", "SGB-II-Quote")
    file = theme.download(_TABLE, tmp_path)
    with file.open(encoding="utf-8-sig", newline="") as text:
        rows = list(csv.DictReader(text, delimiter=";"))
    asked = _asked(superset, "sgb2_rate", "gemeinde")
    assert {row["Gebiet"]: row["Wert"] for row in rows} == {
        name: f"{value:.{_DECIMALS}f} %".replace(".", ",") for name, value in asked.items()
    }


def test_clicking_an_area_leads_down_to_its_parts(superset: RunningSuperset, theme: Visit) -> None:
    theme.choose("Kennzahl", "SGB-II-Quote")
    theme.click_first_bar(_COMPARED)
    below = {row["area_name"]: row["wert"] for row in theme.rows(_FINE)}
    asked = _asked(superset, "sgb2_rate", "sozialraum")
    assert {name: round(value, _DECIMALS) for name, value in below.items()} == {
        name: value for name, value in asked.items() if name.startswith("Dünenförde") and value is not None
    }
    assert {row["area_name"] for row in theme.rows(_MAP)} == {
        name for name in asked if name.startswith("Dünenförde")
    }
