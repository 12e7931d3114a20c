"""Every dashboard in a real browser: who sees which, nothing broken, nothing English, usable on a telephone.

What people do on a page (filter, way down, export, map) is in `test_browser_work.py`, accessibility in
`test_browser_access.py`. Pictures go to `LAGEBILD_ARTEFACTS` when that is set.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from superset_assets.facts import Facts
from superset_assets.render import render
from superset_assets.screenshots import CHROMIUM
from superset_assets.server import session
from tests.superset import mock_tiers
from tests.superset.browsing import PHONE, WIDE, Browsing, browsing
from tests.superset.conftest import SLUG, RunningSuperset

pytestmark = [
    pytest.mark.superset,
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="chromium is not installed"),
]

_ROLES = (
    "fuehrung",
    "analyse",
    "planung",
    "datenschutz",
    "admin",
    "kommune-altensiel",
    "kommune-brookmuehlen",
)
_OWN = {
    "fuehrung": "Kreisverwaltung",
    "analyse": "Kreisverwaltung",
    "planung": "Kreisverwaltung",
    "kommune-altensiel": "Altensiel",
    "kommune-brookmuehlen": "Brookmühlen",
}
"""Whose internal figures a user sees; the others see none."""


@pytest.fixture(scope="module")
def people(superset: RunningSuperset) -> Iterator[Browsing]:
    with browsing(superset.url, superset.logins) as found:
        yield found


def _dashboards(superset: RunningSuperset, user: str) -> dict[str, str]:
    """Slug -> title of the dashboards Superset lists for the user."""
    with session(superset.url, superset.logins[user]) as http:
        answer = http.get(f"{superset.url}/api/v1/dashboard/?q=(page_size:100)", timeout=60)
        return {item["slug"]: item["dashboard_title"] for item in answer.json()["result"]}


def _walk(
    people: Browsing, user: str, slugs: list[str], out: Path, width: int = WIDE
) -> dict[str, list[str]]:
    """Slug -> what is wrong on the page; pages with nothing wrong are left out. A picture of each goes to `out`."""
    found = {}
    for slug in slugs:
        visit = people.visit(user, slug, width)
        if problems := visit.problems():
            found[slug] = problems
        visit.shoot(out / f"{slug}-{user}-{width}.png")
    return found


def test_all_accounts_are_tried(superset: RunningSuperset) -> None:
    assert set(superset.logins) == set(_ROLES)


def test_every_role_is_offered_the_public_pages_and_its_own_figures(
    superset: RunningSuperset, facts: Facts
) -> None:
    public = {doc["slug"] for doc in render(facts).of_kind("dashboards").values()}
    for user in _ROLES:
        offered = _dashboards(superset, user)
        internal = {title for slug, title in offered.items() if slug not in public}
        assert public <= set(offered), user
        # Superset shows its administrators every title; the figures behind it stay closed (test_access.py).
        own = (
            {reader.label for reader in mock_tiers.READERS} if user == "admin" else {_OWN.get(user)} - {None}
        )
        assert internal == {f"Interne Zahlen {label}" for label in own}, user


def test_executive_opens_her_page(people: Browsing, tmp_path: Path) -> None:
    assert _walk(people, "fuehrung", [SLUG], tmp_path) == {}


@pytest.mark.thorough
def test_executive_opens_every_dashboard(superset: RunningSuperset, people: Browsing, tmp_path: Path) -> None:
    assert _walk(people, "fuehrung", sorted(_dashboards(superset, "fuehrung")), tmp_path) == {}


@pytest.mark.thorough
@pytest.mark.parametrize("user", _ROLES[1:])
def test_every_role_opens_every_dashboard(
    superset: RunningSuperset, people: Browsing, tmp_path: Path, user: str
) -> None:
    offered = _dashboards(superset, user)
    mine = [slug for slug, title in offered.items() if user in _OWN or not title.startswith("Interne")]
    assert _walk(people, user, sorted(mine), tmp_path) == {}


@pytest.mark.parametrize("slug", [SLUG, pytest.param("profil-probekreis", marks=pytest.mark.thorough)])
def test_telephone(people: Browsing, tmp_path: Path, slug: str) -> None:
    assert _walk(people, "fuehrung", [slug], tmp_path, PHONE) == {}


def test_executive_page_says_what_it_shows(people: Browsing) -> None:
    text = people.visit("fuehrung", SLUG).page.locator("body").inner_text()
    assert "53.940" in text
    assert "Synthetische Daten" in text
