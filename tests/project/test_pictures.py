"""The pictures show what the code prints now, and the site of the docs has every page."""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from pictures import FOLDER, ROOT, pictures, shown, whole_plan


def test_a_picture_shows_what_is_printed_now() -> None:
    old = [name for name, new in pictures().items() if shown(FOLDER / name) != new.text]
    assert old == [], "run `make pictures`, and look at them"


def test_the_page_on_plans_shows_what_is_printed_now() -> None:
    page = (ROOT / "docs" / "plans.md").read_text(encoding="utf-8")
    assert f"```text\n{whole_plan()}```" in page, "run `make pictures`"


def test_every_picture_is_used_and_small(tracked: tuple[Path, ...]) -> None:
    pages = "".join(
        (ROOT / path).read_text(encoding="utf-8") for path in tracked if path.suffix == ".md"
    )
    files = sorted(FOLDER.iterdir())
    assert [file.name for file in files if not re.search(rf"pictures/{file.name}\b", pages)] == []
    assert [file.name for file in files if file.stat().st_size > 150_000] == []
    linked = set(re.findall(r"pictures/([\w.-]+)", pages))
    assert linked == {file.name for file in files}


def test_the_site_has_every_page(tracked: tuple[Path, ...]) -> None:
    """`make docs` checks the links; it needs packages that the tests do not have."""
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    pages = {str(path) for path in tracked if path.suffix == ".md" and path.parts[0] == "docs"}
    assert set(paths(site["nav"])) >= pages
    assert [path for path in paths(site["nav"]) if not (ROOT / path).is_file()] == []


def paths(nav: object) -> Iterator[str]:
    """The pages of a navigation, whatever they are called."""
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict):
        nav = list(nav.values())
    for part in nav if isinstance(nav, list) else ():
        yield from paths(part)
