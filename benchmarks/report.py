"""What a browser needs for the HTML report of a large plan: to open it, to filter and to sort it.

    python benchmarks/report.py [--changes 5000]

Times are from the act until the next frame is drawn, in the machine's Chromium or Chrome.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "render")]

from html_harness import large_plan  # noqa: E402 - it lives among the tests
from web_browser import opened_browser  # noqa: E402

from reconciler.render.html.document import plan_html  # noqa: E402

_FILTER = "document.getElementById('filter').dispatchEvent(new Event('submit', {cancelable: true}))"
_ACTS = (
    (
        "filter by text, the first time",
        f"document.getElementById('f-text').value = '-01'; {_FILTER}",
    ),
    ("filter by text, again", f"document.getElementById('f-text').value = '-02'; {_FILTER}"),
    ("show all again", f"document.getElementById('f-text').value = ''; {_FILTER}"),
    ("sort by amount", "document.querySelectorAll('.sort')[5].click()"),
    ("open one change", "document.querySelector('.fold').click()"),
    ("open all changes", "document.getElementById('open-all').click()"),
)
_UNTIL_DRAWN = """() => new Promise((done) => {{
  const begun = performance.now();
  {act};
  requestAnimationFrame(() => setTimeout(() => done(Math.round(performance.now() - begun)), 0));
}})"""


def main() -> None:
    """Draw, open, act, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=5000)
    plan = large_plan(parser.parse_args().changes)
    begun = time.perf_counter()
    text = plan_html(plan)
    print(f"{'draw the report':<34}{_since(begun):>6} ms, {len(text.encode()) / 1e6:.1f} MB")
    with tempfile.TemporaryDirectory() as folder, opened_browser() as browser:
        file = Path(folder) / "report.html"
        file.write_text(text, encoding="utf-8")
        _measure(browser.new_page(viewport={"width": 1280, "height": 900}), file)


def _measure(page: Page, file: Path) -> None:
    begun = time.perf_counter()
    page.goto(file.as_uri())
    print(f"{'open it':<34}{_since(begun):>6} ms")
    for name, act in _ACTS:
        print(f"{name:<34}{page.evaluate(_UNTIL_DRAWN.format(act=act)):>6} ms")


def _since(begun: float) -> int:
    return round((time.perf_counter() - begun) * 1000)


if __name__ == "__main__":
    main()
