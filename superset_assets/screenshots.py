"""Pictures and prints of a dashboard from a real browser, and the chart errors a user would see on it.

Belongs here: driving the browser. Does not belong here: starting Superset, judging the picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from superset_assets.roles import Login

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
)
_PHONE_WIDTH = 600
_LOGIN_ATTEMPTS = 4
CHART_HOLDER = ".dashboard-component-chart-holder"
WAITING = ", ".join(
    f"{place} {sign}"
    for place in (CHART_HOLDER, "[data-test='filter-bar']")
    for sign in (".loading", "[data-test='loading-indicator']")
)
CHART_ERROR = ", ".join(
    (
        f"{CHART_HOLDER} .ant-alert-error",
        f"{CHART_HOLDER} [role='alert']",
        f"{CHART_HOLDER} [data-test='error-alert']",
        ".missing-chart-container",
    )
)


@dataclass(frozen=True)
class Screenshot:
    """One picture. `errors`: messages on the page; `charts`: number of chart tiles drawn."""

    width: int
    file: Path
    charts: int
    errors: tuple[str, ...]
    text: str
    """Everything readable on the page, for checks of language and numbers."""
    scroll_width: int
    """Width of the content in pixels; more than `width` means sideways scrolling."""


def capture(
    base_url: str,
    login: Login,
    slug: str,
    out_dir: Path,
    widths: tuple[int, ...] = (1440, 390),
    timeout_seconds: float = 90.0,
) -> list[Screenshot]:
    """Log in by the form, open the dashboard at each width, wait until all charts are drawn, save a full picture.

    Raises playwright.sync_api.Error when the browser or the login fails; chart errors are returned.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    shots = []
    for width in widths:
        with opened(base_url, login, slug, width, timeout_seconds) as page:
            shots.append(_shoot(page, width, out_dir / f"{slug}-{width}.png"))
    return shots


def print_page(
    base_url: str, login: Login, slug: str, file: Path, width: int = 1440, timeout_seconds: float = 90.0
) -> Screenshot:
    """The dashboard in one file, `.png` or `.pdf` (one long page with searchable text); `width` in pixels.

    Raises playwright.sync_api.Error when the browser or the login fails; chart errors are returned.
    """
    with opened(base_url, login, slug, width, timeout_seconds) as page:
        shot = _shoot(page, width, file.with_suffix(".png"))
        if file.suffix == ".pdf":
            # The style sheets for paper hide what Superset draws for the screen.
            page.emulate_media(media="screen")
            height = int(page.evaluate("document.documentElement.scrollHeight"))
            page.pdf(
                path=str(file),
                width=f"{width}px",
                height=f"{height + 1}px",
                print_background=True,
                tagged=True,
            )
            shot.file.unlink()
    return replace(shot, file=file)


@contextmanager
def opened(
    base_url: str, login: Login, slug: str, width: int, timeout_seconds: float = 90.0
) -> Iterator[Page]:
    """The dashboard in a browser of its own, logged in, all charts drawn. `width`: of the window, in pixels."""
    base = base_url.rstrip("/")
    phone = width < _PHONE_WIDTH
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            context = browser.new_context(
                viewport={"width": width, "height": 844 if phone else 1000},
                locale="de-DE",
                has_touch=phone,
                is_mobile=phone,
            )
            page = context.new_page()
            log_in(page, base, login)
            page.goto(f"{base}/superset/dashboard/{slug}/")
            _wait_for_charts(page, timeout_seconds)
            yield page
        finally:
            browser.close()


def log_in(page: Page, base: str, login: Login) -> None:
    """Log in through the form a person uses; raises playwright's TimeoutError when it stays on the form.

    The form is drawn by a script: what is typed before the script runs is lost, so it is typed again.
    """
    for attempt in range(1, _LOGIN_ATTEMPTS + 1):
        page.goto(f"{base}/login/")
        page.wait_for_load_state("networkidle")
        page.fill("[data-test='username-input']", login.user)
        page.fill("[data-test='password-input']", login.password)
        page.press("[data-test='password-input']", "Enter")
        try:
            page.wait_for_url(lambda url: "/login" not in url, timeout=20_000, wait_until="commit")
            return
        except PlaywrightTimeout:
            if attempt == _LOGIN_ATTEMPTS:
                raise


def _wait_for_charts(page: Page, timeout_seconds: float) -> None:
    page.wait_for_selector(CHART_HOLDER, timeout=timeout_seconds * 1000)
    # Charts outside the window are drawn when they come into view: walk down once, then back.
    height = page.evaluate("document.documentElement.scrollHeight")
    for top in range(0, int(height) + 1, 500):
        page.evaluate(f"window.scrollTo(0, {top})")
        page.wait_for_timeout(150)
    page.evaluate("window.scrollTo(0, 0)")
    # A chart that never ends loading is counted as an error of the picture, with its number.
    with suppress(PlaywrightTimeout):
        page.wait_for_function(
            "selector => document.querySelectorAll(selector).length === 0",
            arg=WAITING,
            timeout=timeout_seconds * 1000,
        )
    page.wait_for_timeout(2500)


def _shoot(page: Page, width: int, file: Path) -> Screenshot:
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    # A window as tall as the page: charts far down are drawn for a full picture.
    page.set_viewport_size({"width": width, "height": min(height, 6000)})
    page.wait_for_timeout(2500)
    errors = [
        re.sub(r"\s+", " ", text).strip() or "error without text"
        for text in page.locator(CHART_ERROR).all_inner_texts()
    ]
    waiting = page.locator(WAITING).count()
    if waiting:
        errors.append(f"{waiting} charts still loading")
    page.screenshot(path=str(file), full_page=True)
    return Screenshot(
        width=width,
        file=file,
        charts=page.locator(CHART_HOLDER).count(),
        errors=tuple(errors),
        text=page.locator("body").inner_text(),
        scroll_width=int(page.evaluate("document.documentElement.scrollWidth")),
    )
