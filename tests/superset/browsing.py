"""One browser for the tests of this room: people who are signed in, pages they opened, what the charts answered.

Belongs here: driving Chromium and waiting. Does not belong here: what a page has to show (the tests).
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

from PIL import Image
from playwright.sync_api import Browser, Page, Response, sync_playwright

from superset_assets.roles import Login
from superset_assets.screenshots import ARGUMENTS, CHART_ERROR, CHART_HOLDER, CHROMIUM, WAITING, log_in

WIDE, PHONE = 1440, 390
_TALL = 6000
"""A window this tall draws every chart at once: those out of sight would wait for scrolling."""
_SECONDS = 120
_REFUSED = 400
"""HTTP statuses from here on are refusals and failures."""
_ENGLISH = (
    "No results", "No data", "Error", "records", "N/A", "Sign in", "Loading", "Unexpected", "Failed", "went wrong",
    "Unknown", "not found", "Forbidden", "Access denied", "Rows", "Apply filters",
)  # fmt: skip


@dataclass
class Visit:
    """A dashboard somebody has open. `answers`: rows of the latest answer by the chart's number."""

    page: Page
    width: int
    answers: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    asked: int = 0
    answered: int = 0
    unread: list[Response] = field(default_factory=list)

    def settle(self) -> None:
        """Wait until nothing is loading and no chart waits for its data, twice in a row."""
        deadline, quiet = time.monotonic() + _SECONDS, 0
        while quiet < 3:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{self.page.url}: {self.page.locator(WAITING).count()} charts still loading"
                )
            self.page.wait_for_timeout(200)
            busy = self.asked > self.answered or self.page.locator(WAITING).count() > 0
            quiet = 0 if busy or self.page.locator(CHART_HOLDER).count() == 0 else quiet + 1
        # Not in the handler: a handler must not wait for the browser.
        for response in self.unread:
            self.answers[_chart_of(response.url) or 0] = [
                row for part in response.json()["result"] for row in part.get("data") or []
            ]
        self.unread.clear()

    def chart(self, title: str) -> int:
        """Number of the chart whose title begins so. Raises AssertionError when none or several do."""
        found = {
            int(item.get_attribute("data-test-chart-id") or 0)
            for item in self.page.locator("[data-test-chart-id]").all()
            if (item.get_attribute("data-test-chart-name") or "").startswith(title)
        }
        assert len(found) == 1, (title, found)
        return found.pop()

    def rows(self, title: str) -> list[dict[str, Any]]:
        """What the chart was last told."""
        return self.answers[self.chart(title)]

    def choose(self, name: str, value: str) -> None:
        """Choose a value of a filter above the page and wait for the charts."""
        title = self.page.locator("[data-test='filter-control-name']").get_by_text(name, exact=True)
        box = self.page.locator(".filter-item-wrapper").filter(has=title).locator(".ant-select-selector")
        if box.inner_text().strip() == value:
            return  # there would be nothing to apply
        box.click()
        self.page.locator(".ant-select-item-option").get_by_text(value, exact=True).click()
        asked = self.asked
        self.page.locator("[data-test='filter-bar__apply-button']").click()
        self._follow(asked)

    def click_first_bar(self, title: str) -> None:
        """Click the first of upright bars and wait for the charts that follow; nothing else stands that far left."""
        box = self.page.locator(f"[data-test-chart-id='{self.chart(title)}'] canvas").first.bounding_box()
        assert box is not None
        asked = self.asked
        self.page.mouse.click(box["x"] + 0.15 * box["width"], box["y"] + box["height"] / 2)
        self._follow(asked)

    def _follow(self, asked: int) -> None:
        """Wait until charts ask again, and for what they are told. `asked`: questions before the action."""
        deadline = time.monotonic() + _SECONDS
        while self.asked == asked:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.page.url}: no chart reacts")
            self.page.wait_for_timeout(100)
        self.settle()

    def download(self, title: str, out: Path) -> Path:
        """Take the numbers of a chart as CSV through its menu."""
        number = self.chart(title)
        self.page.locator(f"#slice_{number}-controls").click()
        self.page.get_by_text("Herunterladen", exact=True).last.hover()
        entry = self.page.locator(".ant-dropdown-menu-item", has_text="CSV").first
        with self.page.expect_download() as started:
            entry.click()
        file = out / "export.csv"
        started.value.save_as(file)
        return file

    def colours(self, title: str) -> set[tuple[int, ...]]:
        """Colours that fill a noticeable part of a map."""
        picture = self.page.locator(
            f"[data-test-chart-id='{self.chart(title)}'] #deckgl-overlay"
        ).screenshot()
        with Image.open(BytesIO(picture)) as image:
            counted = image.convert("RGB").getcolors(image.width * image.height) or []
            noticeable = image.width * image.height / 100
            return {colour for times, colour in counted if times > noticeable and isinstance(colour, tuple)}

    def problems(self) -> list[str]:
        """What a user would stumble over: errors, English words, sideways scrolling."""
        text = self.page.locator("body").inner_text()
        found = [f"Fehler: {item}" for item in self.page.locator(CHART_ERROR).all_inner_texts()]
        found += [f"abgelehnt: {item}" for item in self.refused]
        found += [f"englisch: {word}" for word in _ENGLISH if word in text]
        across = int(self.page.evaluate("document.documentElement.scrollWidth"))
        return found + ([f"{across} px breit"] if across > self.width else [])

    def shoot(self, file: Path) -> None:
        """A picture of the whole page, also in the folder `LAGEBILD_ARTEFACTS` when that is set."""
        # The window is taller than the page: what is below its last row is empty.
        bottom = self.page.locator(".dashboard-content").evaluate(
            "page => Math.max(...[...page.querySelectorAll('.dashboard-component')]"
            ".map(tile => tile.getBoundingClientRect().bottom))"
        )
        with Image.open(BytesIO(self.page.screenshot())) as image:
            image.crop((0, 0, image.width, min(int(bottom) + 24, image.height))).save(file)
        assert file.stat().st_size > 15_000, f"{file.name} is empty"
        if kept := os.environ.get("LAGEBILD_ARTEFACTS"):
            Path(kept).mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, kept)


class Browsing:
    """People in one Chromium; each signs in once, through the form."""

    def __init__(self, browser: Browser, base: str, logins: dict[str, Login]) -> None:
        self._browser, self._base, self._logins = browser, base, logins
        self._people: dict[tuple[str, int], Page] = {}
        self._open: Page | None = None
        self._heard: list[tuple[Page, Any, Callable[[Any], None]]] = []

    def visit(self, user: str, slug: str, width: int = WIDE) -> Visit:
        """Open a dashboard and wait until it is drawn. Each person has one page; the one before is emptied."""
        page = self._person(user, width)
        # Emptied, not closed: closing has no time limit in playwright, and has hung.
        if self._open is not None:
            self._open.goto("about:blank")
        self._open = page
        visit = Visit(page, width)
        self._listen(
            page,
            request=lambda request: _note_question(visit, request.url),
            requestfinished=lambda request: _note_end(visit, request.url),
            requestfailed=lambda request: _note_end(visit, request.url),
            response=lambda response: _note_answer(visit, response),
        )
        page.goto(f"{self._base}/superset/dashboard/{slug}/", wait_until="domcontentloaded")
        page.wait_for_selector(CHART_HOLDER, timeout=_SECONDS * 1000)
        visit.settle()
        return visit

    def _listen(self, page: Page, **notes: Callable[[Any], None]) -> None:
        for heard, event, note in self._heard:
            heard.remove_listener(event, note)
        self._heard = [(page, event, note) for event, note in notes.items()]
        for _, event, note in self._heard:
            page.on(event, note)

    def _person(self, user: str, width: int) -> Page:
        if (user, width) not in self._people:
            known = next((item.context for (name, _), item in self._people.items() if name == user), None)
            phone = width == PHONE
            context = self._browser.new_context(
                viewport={"width": width, "height": _TALL},
                locale="de-DE",
                has_touch=phone,
                is_mobile=phone,
                accept_downloads=True,
                storage_state=known.storage_state() if known else None,
            )
            context.set_default_timeout(_SECONDS * 1000)
            page = self._people[user, width] = context.new_page()
            if known is None:
                log_in(page, self._base, self._logins[user])
        return self._people[user, width]


@contextmanager
def browsing(base: str, logins: dict[str, Login]) -> Iterator[Browsing]:
    """A Chromium for the time of the block."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield Browsing(browser, base, logins)
        finally:
            browser.close()


def _chart_of(url: str) -> int | None:
    parts = urlparse(url)
    if not parts.path.endswith("/api/v1/chart/data"):
        return None
    form = parse_qs(parts.query).get("form_data", ["{}"])[0]
    return int(json.loads(form).get("slice_id") or 0)


def _note_question(visit: Visit, url: str) -> None:
    visit.asked += _chart_of(url) is not None


def _note_end(visit: Visit, url: str) -> None:
    visit.answered += _chart_of(url) is not None


def _note_answer(visit: Visit, response: Response) -> None:
    if "/api/" in response.url and response.status >= _REFUSED:
        visit.refused.append(f"{response.status} {urlparse(response.url).path}")
    elif _chart_of(response.url) and "json" in response.headers.get("content-type", ""):
        visit.unread.append(response)
