"""Draws the pictures of the docs: `make pictures`, or `python tests/project/pictures.py`.

Each picture has the text that it shows, and a test compares both with what the code prints now. A
picture whose text is the same is not drawn again, so that a run without a change changes no file.
"""

import re
import struct
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, chdir, redirect_stdout
from dataclasses import dataclass, replace
from decimal import Decimal
from html import escape
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeAlias
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "render")]

import click  # noqa: E402
from html_harness import parts_of  # noqa: E402 - it lives among the tests
from markdown_it import MarkdownIt  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.terminal_theme import SVG_EXPORT_THEME  # noqa: E402
from rich.text import Text  # noqa: E402
from web_browser import opened_browser  # noqa: E402

from reconciler.app.warnings import workspace_warnings  # noqa: E402
from reconciler.app.workspace import CheckedWorkspace, read_workspace  # noqa: E402
from reconciler.cli.main import run  # noqa: E402
from reconciler.cli.streams import _PAINT as PAINT  # noqa: E402
from reconciler.core.model.history import Recorded  # noqa: E402
from reconciler.core.model.plan import Allowances, Basis, Plan  # noqa: E402
from reconciler.core.model.resource import Address, Declared, Live  # noqa: E402
from reconciler.core.model.review import SignOff  # noqa: E402
from reconciler.core.model.scope import Provenance  # noqa: E402
from reconciler.core.planner import make_plan  # noqa: E402
from reconciler.core.planning.offline import assumed_live  # noqa: E402
from reconciler.core.planning.snapshot import Snapshot  # noqa: E402
from reconciler.render.comment import Frame, comment_body  # noqa: E402
from reconciler.render.html.document import plan_html  # noqa: E402
from reconciler.render.styled_text import Line, laid_out, plain_text  # noqa: E402
from reconciler.render.text import plan_lines  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = ROOT / "docs" / "pictures"
COMMIT = "4f1c0de9a7b2c3d4e5f60718293a4b5c6d7e8f90"


# The plan of the demo


def edited_books() -> Plan:
    """The example books, as the demo edits them after the first apply, and their plan."""
    workspace = read_workspace(ROOT / "journals", today="2026-04-01")
    assert workspace.settings is not None
    recorded = {
        address: Recorded(
            address=address,
            number=f"JE-{at:08}",
            spec=one.spec,
            incarnation=1,
            protect=one.protect,
        )
        for at, (address, one) in enumerate(sorted(workspace.declared.items()), start=1)
    }
    live = dict(
        assumed_live(
            workspace.declared, recorded, workspace.tenant, marked_in=workspace.tenant.marker
        )
    )
    sent = recorded[_entry("2026-02-services-revenue")].number or ""
    live[sent] = _transferred(live[sent])
    snapshot = Snapshot(
        declared=_edited(workspace),
        recorded=recorded,
        live=live,
        tenant=workspace.tenant,
        policy=workspace.settings.policy,
    )
    plan = make_plan(snapshot, basis=_basis(workspace), allowances=Allowances())
    return replace(
        plan,
        warnings=tuple(workspace_warnings(workspace, plan, workspace.settings.policy)),
        sign_off=SignOff(prepared_by=("dana",), change="pull request #7"),
    )


def _entry(name: str) -> Address:
    return Address("JournalEntry", name)


def _transferred(one: Live) -> Live:
    return replace(one, fields={**one.fields, "transferredToAccounting": "Yes"})


def _edited(workspace: CheckedWorkspace) -> Mapping[Address, Declared]:
    declared = dict(workspace.declared)
    del declared[_entry("2026-03-kuwait-unbilled-usage")]
    for name, amount in (
        ("2026-03-service-credits", Decimal("2415.40")),
        ("2026-02-services-revenue", Decimal("11850.00")),
    ):
        one = declared[_entry(name)]
        lines = tuple({**line, "amount": amount} for line in one.spec["journalEntryItems"])
        spec = {**one.spec, "journalEntryItems": lines}
        declared[_entry(name)] = replace(one, spec=spec)
    one = declared[_entry("2026-03-prepaid-release")]
    notes = "March share of policies, licences and the new security tools"
    declared[one.address] = replace(one, spec={**one.spec, "notes": notes})
    return declared


def _basis(workspace: CheckedWorkspace) -> Basis:
    assert workspace.settings is not None
    return Basis(
        workspace=workspace.settings.name,
        host="the embedded ledger",
        tenant_id="3e4157a6-24a9-4dce-bebc-a213cbaf0d26",
        entity_id="",
        lineage="demo",
        home_currency=workspace.tenant.home_currency,
        marker_place=workspace.settings.marker,
        origin=Provenance(commit=COMMIT, made_at="2026-04-01T08:14:05Z"),
    )


# Pictures of a terminal

_SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font: {char_height}px/{line_height}px ui-monospace, Menlo, Consolas,
  "Liberation Mono", monospace; font-variant-ligatures: none; }}
{styles}
</style>
<defs>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""Rich's own format without the fonts that it asks a server for."""

_CELL = 12.2
"""The width of a character in Rich's drawing."""


@dataclass(frozen=True, kw_only=True)
class Screen:
    """A terminal of `width` columns, and what a command printed on it."""

    command: str
    lines: Iterable[Line]
    width: int

    @property
    def text(self) -> str:
        """What is read on it."""
        drawn = ("".join(text for text, _ in spans).rstrip() for spans in self._spans())
        return "\n".join(drawn).strip() + "\n"

    def svg(self) -> str:
        """The screen as Rich draws it."""
        console = Console(
            record=True, width=self.width, file=StringIO(), highlight=False, markup=False,
            emoji=False, force_terminal=True, color_system="standard", legacy_windows=False,
        )  # fmt: skip
        for spans in self._spans():
            painted = (click.style(text, **PAINT.get(style, {})) for text, style in spans)
            console.print(Text.from_ansi("".join(painted)))
        return console.export_svg(title="", theme=SVG_EXPORT_THEME, code_format=_SVG, unique_id="t")

    def _spans(self) -> Iterator[Line]:
        yield ((f"$ {self.command}", "strong"),)
        yield from laid_out(self.lines, self.width)


def text_of_screen(svg: str) -> str:
    """The text of a terminal's picture, line by line."""
    rows: dict[float, list[tuple[float, str]]] = {}
    for one in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        if one.get("y"):
            where = float(one.attrib["y"])
            rows.setdefault(where, []).append((float(one.attrib["x"]), "".join(one.itertext())))
    lines = []
    for _, parts in sorted(rows.items()):
        line = ""
        for left, text in sorted(parts):
            line = line.ljust(round(left / _CELL)) + text.replace("\xa0", " ")
        lines.append(line.rstrip())
    return "\n".join(lines).strip() + "\n"


# Pictures of a spreadsheet

_HIGH, _LEFT = 26, 36
_SHEET = (
    "rect{fill:#fff;stroke:#c9ced6}.head{fill:#eef1f5}.wrong{fill:none;stroke:#b3261e;stroke-width:3}"
    "text{font:14px system-ui,'Liberation Sans',sans-serif;fill:#1a1d21}"
    ".name{fill:#565d67;text-anchor:middle}.number{text-anchor:end}"
)


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A sheet as a spreadsheet program shows it, with a frame around the cell `wrong`."""

    rows: tuple[tuple[str, ...], ...]
    wrong: str

    @property
    def text(self) -> str:
        """Its cells, a comma between them, and below them the cell that is marked."""
        return "".join(f"{','.join(row)}\n" for row in (*self.rows, (self.wrong,)))

    def svg(self) -> str:
        """The sheet with the letters of its columns and the numbers of its rows."""
        widths = [_LEFT, *(24 + 8 * max(map(len, one)) for one in zip(*self.rows, strict=True))]
        letters = ["", *(chr(ord("A") + at) for at in range(len(widths) - 1))]
        grid = [letters, *([str(at), *row] for at, row in enumerate(self.rows, start=1))]
        width, height = sum(widths) + 2, _HIGH * len(grid) + 2
        cells = [
            _cell(text, left=1 + sum(widths[:at]), top=1 + _HIGH * row, width=widths[at],
                  head=row == 0 or at == 0)
            for row, found in enumerate(grid)
            for at, text in enumerate(found)
        ]  # fmt: skip
        column, row = letters.index(self.wrong[0]), int(self.wrong[1:])
        return (
            f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'xmlns="http://www.w3.org/2000/svg">\n<style>{_SHEET}</style>\n{"".join(cells)}'
            f'<rect class="wrong" x="{1 + sum(widths[:column])}" y="{1 + _HIGH * row}" '
            f'width="{widths[column]}" height="{_HIGH}"><title>{self.wrong}</title></rect>\n'
            "</svg>\n"
        )


def _cell(text: str, *, left: int, top: int, width: int, head: bool) -> str:
    number = not head and re.fullmatch("[0-9.,]+", text)
    kind, place = ("number", left + width - 10) if number else ("", left + 10)
    kind, place = ("name", left + width // 2) if head else (kind, place)
    return (
        f'<rect class="{"head" if head else ""}" x="{left}" y="{top}" width="{width}" '
        f'height="{_HIGH}"/>'
        f'<text class="{kind}" x="{place}" y="{top + 18}">{escape(text)}</text>\n'
    )


def text_of_sheet(svg: str) -> str:
    """The cells of a sheet's picture, and below them the cell that is marked."""
    rows: dict[str, list[str]] = {}
    root = ElementTree.fromstring(svg)
    for one in root.iter("{http://www.w3.org/2000/svg}text"):
        if one.get("class") != "name":
            rows.setdefault(one.attrib["y"], []).append(one.text or "")
    marked = [one.text or "" for one in root.iter("{http://www.w3.org/2000/svg}title")]
    return "".join(f"{','.join(row)}\n" for row in (*rows.values(), marked))


PAGE = (ROOT / "docs" / "spreadsheets.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of the page on spreadsheets in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def findings() -> Screen:
    """What the import of the page prints about its sheet, as a terminal paints it."""
    command, *printed = blocks("console")[0].splitlines()
    return Screen(
        command=command.removeprefix("$ "),
        lines=tuple(map(_painted, printed)),
        width=max(map(len, printed)),
    )


def _painted(text: str) -> Line:
    place, mark, rest = text.partition(" error[")
    if mark:
        return ((place, "strong"), (mark + rest, "bad"))
    head, mark, rest = text.partition(": ")
    return ((head + mark, "strong" if head.strip() == "To fix" else "bad"), (rest, ""))


def imported_plan() -> Plan:
    """The plan of what the corrected sheet of the page declares."""
    wrong, right = blocks("csv")[0], blocks("csv")[0].replace("18.02", "18.20")
    assert wrong != right
    with TemporaryDirectory() as folder, chdir(folder), redirect_stdout(StringIO()):
        assert run(["init", ".", "--name", "acme-books"]) == 0
        Path("accruals.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
        Path("march.csv").write_text(right, encoding="utf-8")
        Path("2026/01/first-entry.yaml").unlink()
        assert run(["import", "--from", "march.csv", "--mapping", "accruals"]) == 0
        workspace = read_workspace(Path(), today="2026-04-01")
    snapshot = Snapshot(declared=workspace.declared, recorded={}, live={}, tenant=workspace.tenant)
    return make_plan(snapshot, basis=_basis(workspace), allowances=Allowances())


# Pictures of documents


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A document in a browser's window of a size in pixels."""

    html: str
    size: tuple[int, int]

    @property
    def text(self) -> str:
        """What is read in the document, also below the window."""
        return " ".join(parts_of(self.html).text.split()) + "\n"

    def png(self, browser: "Browser") -> bytes:
        """The window, with the text of the document inside the file."""
        width, height = self.size
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_content(self.html)
        drawn = page.screenshot()
        page.close()
        # The text is the last chunk but one: the end of a PNG is twelve bytes.
        data = b"Description\0\0" + zlib.compress(self.text.encode("utf-8"), 9)
        chunk = b"zTXt" + data
        return b"".join(
            (
                *(drawn[:-12], struct.pack(">I", len(data)), chunk),
                *(struct.pack(">I", zlib.crc32(chunk)), drawn[-12:]),
            )
        )


def text_of_shot(png: bytes) -> str:
    """The text inside a picture of a document; empty for none."""
    _, mark, rest = png.partition(b"zTXtDescription\0\0")
    return zlib.decompressobj().decompress(rest).decode("utf-8") if mark else ""


_FORGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Comment</title><style>
body { margin: 0; padding: 16px; background: #fff; color: #1f2328;
  font: 14px/1.5 system-ui, "Liberation Sans", sans-serif; }
article { border: 1px solid #d1d9e0; border-radius: 6px; }
header { padding: 8px 16px; border-bottom: 1px solid #d1d9e0; background: #f6f8fa; }
section { padding: 4px 16px 8px; }
code { padding: 2px 5px; border-radius: 6px; background: #eff1f3;
  font: 12px ui-monospace, "Liberation Mono", monospace; }
pre { padding: 16px; border-radius: 6px; background: #f6f8fa; } pre code { padding: 0; }
table { margin: 16px 0; border-collapse: collapse; } tr:nth-child(2n) { background: #f6f8fa; }
th, td { padding: 6px 13px; border: 1px solid #d1d9e0; }
blockquote { margin: 0; padding: 0 1em; border-left: 4px solid #d1d9e0; }
.CAUTION { border-color: #cf222e; } .CAUTION::before { content: "Caution"; color: #cf222e; }
.WARNING { border-color: #9a6700; } .WARNING::before { content: "Warning"; color: #9a6700; }
</style><article><header><b>reconciler</b> commented</header><section>"""
"""A comment as a forge shows it."""


def comment(plan: Plan) -> str:
    """The comment on a pull request, as a page."""
    job = "https://github.com/acme/books/actions/runs/7"
    frame = Frame(
        environment="production",
        commit=COMMIT,
        merged=plan.basis.origin.commit,
        job_url=job,
        report_url=f"{job}/artifacts/9",
    )
    body = comment_body(plan, frame, before="", limit=65_536)
    drawn = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(body)
    drawn = re.sub(r"<blockquote>\s*<p>\[!(\w+)\]", r'<blockquote class="\1"><p>', drawn)
    return f"{_FORGE}{drawn}</section></article></html>"


Picture: TypeAlias = Screen | Sheet | Shot


def pictures() -> Mapping[str, Picture]:
    """Every picture by the name of its file in docs/pictures."""
    plan = edited_books()
    report = plan_html(plan)
    rows = tuple(tuple(line.split(",")) for line in blocks("csv")[0].splitlines())
    wrong = re.search(r"march\.csv!([A-Z]\d+): error", blocks("console")[0])
    assert wrong
    return {
        "plan-80.svg": _plan(plan, 80),
        "plan-120.svg": _plan(plan, 120),
        "report.png": Shot(html=report, size=(1100, 1000)),
        "report-phone.png": Shot(html=report, size=(390, 1000)),
        "comment.png": Shot(html=comment(plan), size=(850, 900)),
        "sheet.svg": Sheet(rows=rows, wrong=wrong[1]),
        "sheet-findings.svg": findings(),
        "sheet-plan.svg": _plan(imported_plan(), 100),
    }


def _plan(plan: Plan, width: int) -> Screen:
    return Screen(command="reconciler plan", lines=tuple(plan_lines(plan)), width=width)


def whole_plan() -> str:
    """The plan of the demo as text without a width, as a pipe gets it."""
    return plain_text(plan_lines(edited_books()))


def shown(file: Path) -> str:
    """The text that a picture in a file shows; empty without the file."""
    if not file.exists():
        return ""
    if file.suffix == ".png":
        return text_of_shot(file.read_bytes())
    drawn = file.read_text(encoding="utf-8")
    return (text_of_screen if "rich-terminal" in drawn else text_of_sheet)(drawn)


def main() -> None:
    """Draw every picture whose text is another one now, and write the plan into its page."""
    page = ROOT / "docs" / "plans.md"
    before, head, after = page.read_text(encoding="utf-8").partition("\n## A whole plan\n")
    text = f"```text\n{whole_plan()}```"
    after = re.sub(r"```text\n.*?```", lambda _: text, after, count=1, flags=re.DOTALL)
    page.write_text(before + head + after, encoding="utf-8")
    with ExitStack() as stack:
        browser: Browser | None = None
        for name, picture in pictures().items():
            if "--all" not in sys.argv and shown(FOLDER / name) == picture.text:
                continue
            if isinstance(picture, Shot):
                browser = browser or stack.enter_context(opened_browser())
                (FOLDER / name).write_bytes(picture.png(browser))
            else:
                (FOLDER / name).write_text(picture.svg(), encoding="utf-8")
            print(f"drew docs/pictures/{name}")


if __name__ == "__main__":
    main()
