"""The browser of the machine, for tests that look at pages: Chromium or Chrome, windowless."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
MISSING = (
    "no browser to look with: install Chromium (Debian: apt-get install chromium) or Google Chrome"
)


def program() -> str | None:
    """Where the browser is; None when there is none."""
    found = (shutil.which(name) for name in PROGRAMS)
    return next((path for path in [*found, *APPLICATIONS] if path and Path(path).exists()), None)


@contextmanager
def opened_browser(*flags: str) -> Iterator[Browser]:
    """The browser, opened with these flags besides. Without one, tests are skipped, or fail where
    REQUIRE_BROWSER=1 says that there has to be one.
    """
    path = program()
    if path is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        yield browser
        browser.close()


OVERFLOWING = """() => [document.documentElement, ...document.querySelectorAll('body *')]
    .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.checkVisibility()
        && getComputedStyle(one).display !== 'inline'
        && !one.matches('input, select, .skip, .unseen, .stack > thead, .stack > thead *'))
    .map((one) => `${one.tagName}.${one.className} ${one.scrollWidth} > ${one.clientWidth}`)"""
"""What reaches beyond its box, so that it is cut off or has to be scrolled to."""

LABELS = """() => [...document.querySelectorAll('.stack')].flatMap((table) => {
    const heads = [...table.tHead.rows].at(-1).cells;
    return [...table.querySelectorAll('tbody td:not(:empty, .mark)')]
        .filter((cell) => cell.colSpan === 1)
        .map((cell) => {
            const spanned = heads.length - cell.parentElement.cells.length;
            return [cell.dataset.l ?? '', heads[cell.cellIndex + spanned].textContent];
        });
})"""
"""The label of each value of a narrow table, with the heading of its column."""
