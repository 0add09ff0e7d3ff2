"""Every promise of docs/guarantees.md names tests that exist, and every scenario has one."""

import re

import pytest
from checkout import ROOT
from named_tests import TESTS, check_table, naming_tests, table_of

PAGE = ROOT / "docs" / "guarantees.md"
FOLDERS = ("errors", "trust")
SCENARIOS = tuple(f"T-{number:02}" for number in range(1, 34))


def test_every_scenario_is_acted_out() -> None:
    missing = [name for name, tests in naming_tests(SCENARIOS, *FOLDERS).items() if not tests]
    assert missing == []


def test_the_list_of_scenarios_is_current(request: pytest.FixtureRequest) -> None:
    table = table_of(naming_tests(SCENARIOS, *FOLDERS), "scenario")
    check_table("guarantees.md", "scenarios", table, request)


def test_every_promise_names_tests_that_exist() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    promises = [row for row in rows if "`" in row[2] and not row[0].startswith("T-")]
    assert len(promises) >= 20
    for promise, _, tests in promises:
        named = re.findall(r"`(\S+?)::(test_\w+)`", tests)
        assert named, promise
        for file, test in named:
            assert f"def {test}(" in (TESTS / file).read_text("utf-8"), f"{promise}: {test}"


def test_every_promise_of_the_readme_is_on_the_page() -> None:
    """The README says briefly what the page says with evidence."""
    readme = (ROOT / "README.md").read_text("utf-8")
    section = readme.partition("## What it guarantees\n")[2].partition("\n## ")[0]
    promises = [
        " ".join(item.split()) for item in re.findall(r"^- (.+?)(?=^- |^$)", section, re.M | re.S)
    ]
    page = " ".join(PAGE.read_text("utf-8").split())
    assert promises
    assert [promise for promise in promises if promise.partition(".")[0] not in page] == []
