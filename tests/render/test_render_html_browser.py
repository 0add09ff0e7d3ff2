"""The report in a real browser: for everyone, in light and dark, on paper, without scripts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from html_harness import MARKUP, SCENES, everywhere, large_plan, whole_plan
from plan_scenes import Scene, credit, debit, entry
from playwright.sync_api import Browser, Page, expect
from test_render_close_check import report as close_report
from web_browser import LABELS, OVERFLOWING, opened_browser

from reconciler.core.model.plan import Plan
from reconciler.render.html.document import close_html, plan_html

LARGE = 600
DARK = "rgb(20, 23, 27)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports as files, as somebody gets them by mail or from a build."""
    folder = tmp_path_factory.mktemp("reports")
    plans = {
        "whole": whole_plan(),
        "nothing": SCENES["nothing"]().plan(),
        "everything": SCENES["everything"]().plan(),
        "large": large_plan(LARGE),
        "forty": large_plan(40),
        "rehearsal": SCENES["rehearsal-differs"]().plan(),
        "run": SCENES["run-replace"]().plan(),
        "billions": billions(),
        **{name: everywhere(text) for name, text in MARKUP.items()},
    }
    for name, plan in plans.items():
        (folder / f"{name}.html").write_text(plan_html(plan), encoding="utf-8")
    (folder / "close.html").write_text(close_html(close_report()), encoding="utf-8")
    return folder


def billions() -> Plan:
    """Amounts as long as they get: a replacement in another currency than the home currency."""
    amounts = ("987654321098.76", "123456789012.34")
    was, now = (
        entry(debit(amount), credit(amount, "Unbilled Revenue"), currency="EUR")
        for amount in amounts
    )
    return Scene().entry("2026-01-" + "long-name-" * 6, now, was=was).plan()


class Watched:
    """A page that asks for nothing but its own file, and whose console has nothing to say."""

    def __init__(self, browser: Browser, folder: Path, **options: Any) -> None:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        context.set_default_timeout(5000)
        self.page, self._folder = context.new_page(), folder
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def go(self, name: str) -> Page:
        url = (self._folder / f"{name}.html").as_uri()
        self.page.goto(url)
        assert {asked for asked in self.asked if not asked.startswith("data:")} == {url}
        self.asked.clear()
        return self.page


@pytest.fixture
def watched(browser: Browser, reports: Path) -> Iterator[Watched]:
    seen = Watched(browser, reports)
    yield seen
    seen.page.context.close()
    assert seen.complaints == []
    assert seen.asked == []


def rows(page: Page) -> Any:
    return page.locator("#list > tbody:visible")


def test_the_whole_report_has_every_part() -> None:
    plan = whole_plan()
    assert plan.refusals
    assert plan.drift
    assert plan.warnings
    assert plan.scope.partial
    actions = {action.value for action, count in plan.summary.items() if count}
    assert actions == {"create", "update", "replace", "remove", "blocked"}
    drawn = plan_html(plan)
    for name in ("refused", "cancelled", "blocked", "impact", "balance", "unknown", "changes"):
        assert f'id="{name}"' in drawn


@pytest.mark.parametrize("name", ["whole", "nothing"])
def test_nothing_keeps_anyone_from_reading(watched: Watched, name: str) -> None:
    page = watched.go(name)
    if name == "whole":
        page.get_by_role("button", name="Open all").click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == DARK
    assert page.evaluate("axe.run({resultTypes: ['violations']})")["violations"] == []


@pytest.mark.parametrize("width", [320, 390, 768])
def test_a_narrow_screen_shows_every_amount_without_sideways_scrolling(
    browser: Browser, reports: Path, width: int
) -> None:
    seen = Watched(browser, reports, viewport={"width": width, "height": 844})
    for name in ("whole", "rehearsal", "run", "billions", "close"):
        page = seen.go(name)
        page.evaluate("document.getElementById('open-all')?.click()")
        assert page.evaluate(OVERFLOWING) == [], name
        if width == 390 and name in ("rehearsal", "run", "close"):
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
    seen.page.context.close()
    assert seen.complaints == []


def test_values_on_a_narrow_screen_are_labelled_by_their_columns(
    browser: Browser, reports: Path
) -> None:
    """The headings are out of sight there, so a label that differs from its heading would lie."""
    seen = Watched(browser, reports, viewport={"width": 390, "height": 844})
    for name in ("whole", "rehearsal", "run", "close"):
        pairs = seen.go(name).evaluate(LABELS)
        assert len(pairs) > 10
        # Lines of an entry are on two sides: `Before, debit USD` under `Debit USD`.
        assert [
            (said, head)
            for said, head in pairs
            if said.partition(", ")[2].lower() != head.lower() and said != head
        ] == []
    page = seen.go("everything")
    page.get_by_role("link", name="2026-01-true-up").click()
    lines = page.get_by_role("table", name="Lines of 2026-01-true-up")
    shown = lines.locator("td[data-l]").evaluate_all(
        "cells => cells.map(e => getComputedStyle(e, '::before').content + e.textContent)"
    )
    sums = ['"Before, debit USD"12,500.00', '"After, debit USD"12,500.10']
    assert shown[:2] == sums
    credits_ = [text.replace("debit", "credit") for text in sums]
    assert shown[2:4] == credits_
    assert shown[4:] == [sums[0], credits_[0], sums[1], credits_[1]]
    page.context.close()


def test_all_of_it_is_read_without_scripts(browser: Browser, reports: Path) -> None:
    seen = Watched(browser, reports, java_script_enabled=False)
    page = seen.go("everything")
    expect(page.get_by_label("Text")).to_be_hidden()
    expect(page.get_by_role("button")).to_have_count(0)
    for text in ("Hosting of January", "12,500.10", "To fix:", "cancel JE-00000003"):
        expect(page.locator("#list").get_by_text(text).first).to_be_visible()
    page.get_by_role("link", name="2026-01-obsolete").click()
    assert page.url.endswith("#c-3")
    page.context.close()
    assert seen.complaints == []


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of this name has the focus, and can be seen to have it."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        said = focused.get_attribute("id") or focused.inner_text() if focused.count() else ""
        if said.strip() == name:
            assert focused.evaluate("e => getComputedStyle(e).outlineStyle") != "none"
            return
    raise AssertionError(f"{name} cannot be reached with the Tab key")


def test_changes_are_filtered_sorted_and_opened_by_keyboard(watched: Watched) -> None:
    page = watched.go("everything")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the plan"
    tab_to(page, "f-text")
    page.keyboard.type("hosting 61,400")
    expect(page.get_by_role("status")).to_have_text("1 of 5 changes")
    expect(rows(page)).to_have_count(1)
    tab_to(page, "Clear")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("5 changes")
    tab_to(page, "Amount")
    amount = page.locator("#list").get_by_role("columnheader", name="Amount")
    for order, first in (("ascending", "8.00"), ("descending", "61,400.00"), (None, "61,400.00")):
        page.keyboard.press("Enter")
        assert amount.get_attribute("aria-sort") == order
        expect(rows(page).first).to_contain_text(first)
    tab_to(page, "2026-01-hosting")
    lines = page.get_by_role("table", name="Lines of 2026-01-hosting")
    expect(lines).to_be_hidden()
    page.keyboard.press("Enter")
    expect(lines).to_be_visible()
    assert page.locator(":focus").get_attribute("aria-expanded") == "true"
    page.keyboard.press("Space")
    expect(lines).to_be_hidden()


@pytest.mark.parametrize(
    ("label", "choice", "names"),
    [
        pytest.param("Action", "blocked (1)", ["2026-01-sent"], id="an action"),
        pytest.param(
            "Action",
            "cancels a posted entry (2)",
            ["2026-01-obsolete", "2026-01-true-up"],
            id="what is cancelled",
        ),
        pytest.param("Accounting code", "Hosting Costs", ["2026-01-hosting"], id="a code"),
    ],
)
def test_a_choice_leaves_what_it_names(
    watched: Watched, label: str, choice: str, names: list[str]
) -> None:
    page = watched.go("everything")
    page.locator("#filter").get_by_label(label, exact=True).select_option(label=choice)
    expect(page.get_by_role("status")).to_have_text(f"{len(names)} of 5 changes")
    assert rows(page).locator("button").all_text_contents() == names


def test_a_link_opens_what_it_names_though_it_was_filtered_out(watched: Watched) -> None:
    page = watched.go("everything")
    page.get_by_label("Text").fill("hosting")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("link", name="2026-01-sent").click()
    expect(page.get_by_role("table", name="Lines of 2026-01-sent")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("5 changes")
    assert page.locator(":focus").inner_text() == "2026-01-sent"


def test_hostile_text_is_only_text(watched: Watched) -> None:
    for name, text in MARKUP.items():
        page = watched.go(name)
        assert page.locator("script").count() == 2, name
        assert page.locator("img, iframe, form:not(#filter)").count() == 0, name
        assert page.locator("h1").text_content() == text


def test_on_paper_everything_is_open_and_nothing_is_to_be_pressed(watched: Watched) -> None:
    page = watched.go("everything")
    page.get_by_label("Text").fill("hosting")
    expect(rows(page)).to_have_count(1)
    page.emulate_media(media="print", color_scheme="dark")
    expect(rows(page)).to_have_count(5)
    for name in ("2026-01-hosting", "2026-01-obsolete", "2026-01-true-up"):
        expect(page.get_by_role("table", name=f"Lines of {name}")).to_be_visible()
    expect(page.get_by_label("Text")).to_be_hidden()
    expect(page.get_by_role("rowheader", name="Approved by")).to_be_visible()
    field = page.get_by_role("columnheader", name="Signature").bounding_box()
    assert field is not None
    assert field["width"] > 45 / 25.4 * 96, "room to sign, whatever the names are"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@dataclass
class PrintedPage:
    """A page as it was printed: its text line by line, and the height of the lowest one.

    The height is a share of the page, 0 at its lower edge; the margins are left out.
    """

    lines: list[str]
    lowest: float


PAPERS = {"A4": (596, 843), "Letter": (612, 792)}
"""What people print on, in points."""


@pytest.fixture(params=PAPERS)
def paper(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def printed(page: Page, paper: str) -> list[PrintedPage]:
    from pypdf import PdfReader

    pages = []
    width, height = PAPERS[paper]
    for sheet in PdfReader(BytesIO(page.pdf(format=paper, prefer_css_page_size=True))).pages:
        assert (round(sheet.mediabox.width), round(sheet.mediabox.height)) == (width, height)
        places: list[float] = []
        text = sheet.extract_text(
            visitor_text=lambda text, matrix, at, *_, found=places: (
                found.append((at[5] * matrix[3] + matrix[5]) / height) if text.strip() else None
            )
        )
        body = [place for place in places if 0.05 < place < 0.95]
        pages.append(PrintedPage(text.split("\n"), min(body, default=1.0)))
    return pages


def test_printed_pages_repeat_headings_and_break_no_row(watched: Watched, paper: str) -> None:
    page = watched.go("forty")
    page.get_by_role("button", name="Entry").click()
    pages = printed(page, paper)
    names: list[str] = []
    for sheet in pages:
        text = "\n".join(sheet.lines)
        begun = re.findall(r"^\S+ (?:create|update|replace|remove) 2026", text, re.MULTILINE)
        said = re.findall(r"^(?:Lines|Fields) of (\S+)$", text, re.MULTILINE)
        found = [*dict.fromkeys(said)]
        ended = re.findall("^Calls: ", text, re.MULTILINE)
        assert len(begun) == len(found) == len(ended), f"a broken change: {text}"
        if found:
            assert "Action Entry Number Period Dated Amount File" in sheet.lines
        assert "sha256:" in text
        names += found
    assert names == [f"2026-01-accrual-{at:04}" for at in range(40)]
    assert [at for at, sheet in enumerate(pages[:-1]) if sheet.lowest > 0.35] == []


def test_the_heading_of_a_printed_table_stays_with_its_first_row(
    watched: Watched, paper: str
) -> None:
    """Wherever the foot of a page falls: the tables begin lower and lower."""
    page = watched.go("everything")
    for height in range(0, 400, 100):
        page.evaluate(f"document.querySelector('main').style.paddingTop = '{height}px'")
        for sheet in printed(page, paper):
            last = sheet.lines[-1]
            assert not re.match("(Period|Currency|Action|Entry) .*(After|Proof|File|by)", last), (
                height
            )


def test_the_last_printed_page_is_signed(watched: Watched, paper: str) -> None:
    sheets = printed(watched.go("whole"), paper)
    text = "\n".join(line for sheet in sheets for line in sheet.lines)
    signed = text[text.index("These signatures are for one plan only") :]
    assert "sha256:" in signed
    assert "Commit 4f1c0de9a7b2" in signed
    for word in ("Prepared by", "Reviewed by", "Approved by", "Signature", "Date"):
        assert word in signed


def test_a_large_plan_lays_out_what_is_on_the_screen(watched: Watched) -> None:
    """A count and not a time, which would be the machine's: most of it waits until it is seen."""
    page = watched.go("large")
    drawn = """() => [...document.querySelectorAll('#list > tbody')]
        .filter((body) => body.rows[0].checkVisibility({contentVisibilityAuto: true})).length"""
    found = page.locator("#found")
    assert page.evaluate(drawn) < 100
    page.locator("#f-text").fill("accrual-059")
    expect(found).to_have_text("10 of 600 changes")
    page.locator("#f-text").fill("")
    expect(found).to_have_text("600 changes")
    page.locator("#list .sort").last.click()
    page.locator("#open-all").click()
    assert page.locator("#list > tbody.open").count() == LARGE
    assert page.evaluate(drawn) < 100
