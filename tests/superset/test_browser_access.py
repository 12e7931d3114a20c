"""Accessibility: axe-core with the rules of WCAG 2.1 A and AA. What is ours has no violation.

One page here, two in the thorough tests.

What Superset itself fails stands in `SUPERSET` and, in German, in docs/barrierefreiheit.md; an entry that is no longer
needed fails the test, as does a new violation.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from lagebild.paths import PROJECT_ROOT
from superset_assets.screenshots import CHROMIUM
from tests.superset.browsing import Browsing, browsing
from tests.superset.conftest import SLUG, RunningSuperset

pytestmark = [
    pytest.mark.superset,
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="chromium is not installed"),
]

_OPTIONS = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "resultTypes": ["violations"],
}
SUPERSET: dict[str, tuple[str, ...]] = {}
"""Rule -> CSS selectors of Superset's own components that fail it."""


_PAGES = (SLUG, "thema-lage-probekreis")


@pytest.fixture(scope="module", params=[_PAGES[:1], pytest.param(_PAGES, marks=pytest.mark.thorough)])
def violations(
    superset: RunningSuperset, request: pytest.FixtureRequest
) -> Iterator[list[tuple[str, str, str]]]:
    """(rule, selector of `SUPERSET` or empty, element) of every failing element of the pages."""
    with browsing(superset.url, superset.logins) as people:
        found = [item for slug in request.param for item in _check(people, "fuehrung", slug)]
    yield found


def _check(people: Browsing, user: str, slug: str) -> list[tuple[str, str, str]]:
    page = people.visit(user, slug).page
    answer: dict[str, Any] = Axe().run(page, options=_OPTIONS).response
    found = []
    for rule in answer["violations"]:
        for node in rule["nodes"]:
            inside = page.evaluate(
                "([target, known]) => known.find(one => document.querySelector(target)?.closest(one)) ?? ''",
                [node["target"][0], list(SUPERSET.get(rule["id"], ()))],
            )
            found.append((rule["id"], inside, f"{slug}: {node['html'][:200]}"))
    return found


def test_nothing_of_ours_fails(violations: list[tuple[str, str, str]]) -> None:
    assert [(rule, element) for rule, known, element in violations if not known] == []


def test_known_faults_of_superset_still_exist(violations: list[tuple[str, str, str]]) -> None:
    seen = {(rule, known) for rule, known, _ in violations if known}
    assert seen == {(rule, known) for rule, selectors in SUPERSET.items() for known in selectors}


def test_the_statement_names_every_known_fault() -> None:
    text = (PROJECT_ROOT / "docs" / "barrierefreiheit.md").read_text(encoding="utf-8")
    assert [rule for rule in SUPERSET if f"`{rule}`" not in text] == []
