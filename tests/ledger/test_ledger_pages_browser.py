"""The pages in a real browser: by keyboard, without scripts, for everyone, in light and dark."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from ledger_databases import Database, Databases
from ledger_harness import ENTRIES, SOCKET, Bench, credit, debit, post, regions, start_run
from pages_harness import LocalBench
from playwright.sync_api import Browser, Page, expect
from web_browser import LABELS, OVERFLOWING, opened_browser

expect.set_options(timeout=60_000)
REMOTE = "books.test"
"""A name that the browser finds on this machine and takes for an address somewhere else."""
RESOLVER = f"--host-resolver-rules=MAP {REMOTE} 127.0.0.1"
RUN, ENTRY = "JR-00000001", "JE-00000003"
DARK = "rgb(20, 23, 27)"
PATHS = ("/", f"/entries/{ENTRY}", "/runs", f"/runs/{RUN}", "/trial-balance", "/entries/JE-0")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened_browser(RESOLVER) as opened:
        yield opened


@pytest.fixture(scope="module")
def books(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A served ledger with long text, several currencies, many lines and a run at work."""
    database = databases.copy(tmp_path_factory.mktemp("browser"))
    bench = LocalBench(database, mode=SOCKET, by_hand=True)
    api = bench.client()
    post(api, notes="Accrual of hosting")
    post(
        api,
        currency="JPY",
        accountingPeriodName="Feb-2026",
        transferredToAccounting="Yes",
        journalEntryItems=[debit("7"), credit("7")],
    )
    lines = [debit("1.10", "Cash", notes="W" * 200, CostCenter__c="C") for _ in range(8)]
    post(
        api,
        currency="KWD",
        notes="<script>alert(1)</script> \u202e " + "W" * 900,
        journalEntryItems=[*lines, credit("8.800", glString="01-2200")],
    )
    assert api.put(f"{ENTRIES}/JE-00000001/cancel").json()["success"] is True
    bench.load(*regions(45))
    assert start_run(api) == RUN
    bench.step(2)
    yield bench
    bench.close()


class Watched:
    """A page that keeps to its origin, and whose console has nothing to say."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self._url = page, url
        self.complaints: list[str] = []
        page.on("console", lambda message: self._heard(message.text))
        page.on("pageerror", lambda error: self._heard(str(error)))
        page.on("request", lambda request: self._asked(request.url))

    def go(self, path: str) -> None:
        self.page.goto(f"{self._url}{path}")

    def _heard(self, text: str) -> None:
        # The browser itself notes that a page was answered with 401 or 404, as it should be.
        if "Failed to load resource" not in text or " 40" not in text:
            self.complaints.append(text)

    def _asked(self, url: str) -> None:
        if urlsplit(url).netloc != urlsplit(self._url).netloc:
            self.complaints.append(f"asked for {url}")


def look(browser: Browser, url: str, **options: Any) -> Watched:
    context = browser.new_context(**options)
    context.set_default_timeout(60_000)
    return Watched(context.new_page(), url)


@pytest.fixture
def watched(browser: Browser, books: Bench) -> Iterator[Watched]:
    seen = look(browser, books.url, viewport={"width": 1280, "height": 900})
    yield seen
    seen.page.context.close()
    assert seen.complaints == []


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of this name has the focus, and can be seen to have it."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count() and (focused.get_attribute("id") or focused.inner_text()) == name:
            assert focused.evaluate("e => getComputedStyle(e).outlineStyle") != "none"
            return
    raise AssertionError(f"{name} cannot be reached with the Tab key")


def test_the_ledger_is_walked_by_keyboard_alone(watched: Watched) -> None:
    page = watched.page
    watched.go("/")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("Enter")
    tab_to(page, "text")
    page.keyboard.type("hosting")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert "text=hosting" in page.url
    tab_to(page, "JE-00000001")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("JE-00000001")
    expect(page.get_by_text("Accrual of hosting")).to_be_visible()
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(1)
    tab_to(page, "Journal runs")
    page.keyboard.press("Enter")
    tab_to(page, RUN)
    page.keyboard.press("Enter")
    expect(page.get_by_text("20 of 45 entries made")).to_be_visible()
    tab_to(page, "Trial balance")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Feb-2026")
    expect(page.get_by_text("JPY: debits 7 = credits 7")).to_be_visible()


def test_nothing_keeps_anyone_from_reading(watched: Watched) -> None:
    page = watched.page
    for path in PATHS:
        page.emulate_media(color_scheme="light")
        watched.go(f"{path}?refresh=off")  # what is asked about a page must not lose it
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        page.emulate_media(color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == DARK
        found = page.evaluate("axe.run({resultTypes: ['violations']})")
        assert found["violations"] == [], path


@pytest.mark.parametrize("width", [320, 390, 768])
def test_a_narrow_screen_shows_every_amount_without_sideways_scrolling(
    browser: Browser, books: Bench, width: int
) -> None:
    seen = look(browser, books.url, viewport={"width": width, "height": 844})
    for path in PATHS:
        seen.go(f"{path}?refresh=off")
        assert seen.page.evaluate(OVERFLOWING) == [], path
        if width == 390:
            found = Axe().run(seen.page)
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"
    seen.page.context.close()


def test_values_on_a_narrow_screen_are_labelled_by_their_columns(
    browser: Browser, books: Bench
) -> None:
    """The headings are out of sight there, so a label that differs from its heading would lie."""
    seen = look(browser, books.url, viewport={"width": 390, "height": 844})
    found = 0
    for path in PATHS:
        seen.go(f"{path}?refresh=off")
        pairs = seen.page.evaluate(LABELS)
        assert [(said, head) for said, head in pairs if not said.startswith(head)] == [], path
        found += len(pairs)
    assert found > 100
    seen.page.context.close()


def test_pages_need_no_scripts(browser: Browser, books: Bench) -> None:
    seen = look(browser, books.url, java_script_enabled=False)
    page = seen.page
    seen.go("/")
    page.get_by_label("Transferred").select_option("Yes")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="JE-00000002").click()
    expect(page.get_by_text("JPY: debits")).to_be_visible()
    page.context.close()
    assert seen.complaints == []


def test_a_run_at_work_moves_on_by_itself(watched: Watched, books: Bench) -> None:
    watched.go(f"/runs/{RUN}")
    expect(watched.page.locator("progress")).to_have_attribute("value", "20")
    books.step()
    expect(watched.page.locator("progress")).to_have_attribute("value", "40")


def test_signing_in_and_out(browser: Browser, seeded: Database) -> None:
    bench = Bench(seeded, mode=SOCKET)
    post(bench.client())
    client_id, secret = bench.ledger.issue_client("Close team")
    seen = look(browser, bench.url.replace("127.0.0.1", REMOTE))
    page = seen.page
    seen.go("/entries/JE-00000001")
    expect(page).to_have_title("Sign in · Ledger")
    page.get_by_label("Client id").fill(client_id)
    page.get_by_label("Client secret").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("is wrong")
    assert Axe().run(page).violations_count == 0
    page.get_by_label("Client id").fill(client_id)
    page.get_by_label("Client secret").fill(secret)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_contain_text("JE-00000001")
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_title("Sign in · Ledger")
    page.context.close()
    bench.close()
    assert seen.complaints == []
