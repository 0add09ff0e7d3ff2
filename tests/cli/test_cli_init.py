"""`init`: own books with the periods of any fiscal year, asked for or by flags, valid at once."""

import os
import re
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cli_screen import at_a_terminal

from reconciler.cli.main import run
from reconciler.core.model.fiscal_calendar import Calendar, fiscal_year

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "your-own-books.md").read_text(encoding="utf-8")
DAYS = st.dates(date(2000, 1, 1), date(2090, 12, 31))


@given(calendar=st.sampled_from(Calendar), first=DAYS, long=st.booleans())
def test_the_periods_of_a_year_are_adjacent_and_cover_it(
    calendar: Calendar, first: date, long: bool
) -> None:
    first = first.replace(day=1) if calendar is Calendar.MONTHS else first
    periods = fiscal_year(calendar, first, long=long)
    assert periods[0].start_date == first.isoformat()
    for one, following in pairwise(periods):
        day = date.fromisoformat(one.end_date or "") + timedelta(days=1)
        assert day.isoformat() == following.start_date
    last = date.fromisoformat(periods[-1].end_date or "")
    days = (last - first).days + 1
    if calendar is Calendar.MONTHS:
        assert (last + timedelta(days=1)).month == first.month
        assert days in (365, 366)
    else:
        assert days == 7 * (53 if long else 52)
    assert len({period.name for period in periods}) == len(periods)
    assert {period.fiscal_quarter for period in periods} == {1, 2, 3, 4}


YEARS = {
    Calendar.MONTHS: ("2026-04-01", "Apr-2026", "2026-04-30", "Mar-2027", "2027-03-31"),
    Calendar.WEEKS_445: ("2025-12-29", "FY26-P01", "2026-01-25", "FY26-P12", "2026-12-27"),
    Calendar.WEEKS_454: ("2026-02-01", "FY27-P01", "2026-02-28", "FY27-P12", "2027-01-30"),
    Calendar.WEEKS_544: ("2026-02-01", "FY27-P01", "2026-03-07", "FY27-P12", "2027-01-30"),
    Calendar.THIRTEEN: ("2025-12-29", "FY26-P01", "2026-01-25", "FY26-P13", "2026-12-27"),
}


@pytest.mark.parametrize("calendar", Calendar)
def test_a_year_has_the_periods_of_its_calendar(calendar: Calendar) -> None:
    first_day, name, end, last_name, last_end = YEARS[calendar]
    periods = fiscal_year(calendar, date.fromisoformat(first_day))
    assert (periods[0].name, periods[0].end_date) == (name, end)
    assert (periods[-1].name, periods[-1].end_date) == (last_name, last_end)


@pytest.mark.parametrize("calendar", Calendar)
@pytest.mark.parametrize(
    ("currency", "amount"), [("EUR", "100.00"), ("JPY", "100"), ("KWD", "100.000")]
)
def test_own_books_are_valid_and_post_at_once(
    calendar: Calendar,
    currency: str,
    amount: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [
        "--home-currency",
        currency,
        "--calendar",
        str(calendar.value),
        "--first-day",
        YEARS[calendar][0],
    ]
    root = ["-w", str(tmp_path / "own")]
    assert run(["init", root[1], *words, "--segments", "Department, Cost Center"]) == 0
    assert run(["validate", "--strict", *root]) == 0
    assert run(["fmt", "--check", *root]) == 0
    assert run(["apply", "--auto-approve", *root]) == 0
    assert f"{currency} {amount}" in capsys.readouterr().out
    assert run(["plan", "--expect-no-changes", *root]) == 0


def test_on_a_terminal_it_asks(tmp_path: Path) -> None:
    books = SimpleNamespace(root=tmp_path)
    answers = "GBP\n13-periods\n2025-12-29\nDepartment\n"
    code, screen = at_a_terminal(
        books, "init", str(tmp_path / "own"), typed=answers, prompt="Home currency"
    )
    assert code == 0, screen
    for question in (
        "Home currency",
        "Accounting periods",
        "First day of the fiscal year",
        "Segments",
    ):
        assert question in screen
    text = (tmp_path / "own" / "reference.yaml").read_text(encoding="utf-8")
    assert "homeCurrency: GBP" in text
    assert "FY26-P13" in text
    assert "segments: [Department]" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--home-currency", "EUR"), "Name --calendar and --first-day too."),
        (("--home-currency", "Euro"), "three capital letters"),
        (("--calendar", "weekly"), "is not one of"),
        (("--first-day", "01/02/2026"), "does not match the format"),
        (("--segments", "a{b"), "is not the name of a segment"),
        (("--marker", "Key"), "such as ReconcilerKey__c"),
        (("--example", "--calendar", "months"), "--example cannot be combined"),
        (
            ("--home-currency", "EUR", "--calendar", "months", "--first-day", "2026-01-15"),
            "a calendar month begins on its first day",
        ),
        (
            ("--home-currency", "XXZ", "--calendar", "months", "--first-day", "2026-01-01"),
            "XXZ is not a currency",
        ),
    ],
)
def test_a_wrong_word_is_a_usage_error_and_writes_nothing(
    words: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", str(tmp_path / "own"), *words]) == 64
    assert message in capsys.readouterr().err
    assert not (tmp_path / "own").exists()


def test_the_page_on_own_books_works_as_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "alice")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "alice@example.com")
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in "".join(blocks).splitlines():
        if line.startswith("reconciler "):
            assert run(line.split()[1:]) == 0, line
        else:
            assert os.system(line) == 0, line


def test_the_example_data_take_the_marker_that_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for number, marker in enumerate(["Key__c", "Preparer__c", "notes"]):
        assert run(["init", f"books-{number}", "--marker", marker, "--example"]) == 0
        assert run(["validate", "--strict", "-w", f"books-{number}"]) == 0, marker
    capsys.readouterr()
