"""The dashboard in a real browser, wide and on a telephone, and the login page in German."""

from __future__ import annotations

from pathlib import Path

import pytest

from superset_assets.screenshots import CHROMIUM, capture
from tests.superset.conftest import SLUG, RunningSuperset

pytestmark = [
    pytest.mark.superset,
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="chromium is not installed"),
]

_ENGLISH = ("No results", "No data", "Error", "records", "N/A", "Sign in", "Loading", "Unexpected")


@pytest.mark.parametrize("width", [1440, 390])
def test_dashboard_is_drawn_without_errors(superset: RunningSuperset, tmp_path: Path, width: int) -> None:
    (shot,) = capture(superset.url, superset.logins["fuehrung"], SLUG, tmp_path, (width,))
    assert shot.errors == ()
    assert shot.charts >= 10
    assert shot.file.stat().st_size > 20_000
    assert shot.scroll_width <= width
    assert "53.940" in shot.text
    assert "Synthetische Daten" in shot.text
    assert [word for word in _ENGLISH if word in shot.text] == []
