"""A whole accounting period is imported: what is nobody's, and nothing else (I-22)."""

import pytest
from books_harness import by_hand, credit, debit

PERIOD = ("import", "--period", "Jan-2026", "--yes")


def test_i22_a_period_is_imported_and_everything_else_left(small):
    mine = small.number("entry-00")
    by = {
        "mine": by_hand(small),
        "theirs": by_hand(small, ReconcilerKey__c="theirs/x"),
        "gone": by_hand(small),
        "other": by_hand(small, accountingPeriodName="Feb-2026", journalEntryDate="2026-02-28"),
        "marked": by_hand(small, ReconcilerKey__c="acme-books/marked"),
    }
    small.call("PUT", f"journal-entries/{by['gone']}/cancel")
    # What only its marker ties to the workspace is not taken untold; the remedy says how.
    refused = small.run(*PERIOD)
    assert (refused.code, "unproved-entries" in refused.err) == (4, True), refused.said
    assert f"{by['marked']} (marked)" in refused.err
    assert "adopt them with --adopt-found 1." in " ".join(refused.err.split())
    assert not (small.root / "imported").exists()
    ended = small.run(*PERIOD, "--adopt-found", "1")
    assert ended.code == 0, ended.said
    assert f"= {by['mine']}  {by['mine'].lower()}" in ended.out
    assert f"= {by['marked']}  marked" in ended.out
    assert f'not imported: {by["theirs"]}  carries the marker "theirs/x"' in ended.out
    assert f"not imported: {by['gone']}  has the status Cancelled" in ended.out
    assert f"not imported: {mine}  already recorded as entry-00" in ended.out
    assert by["other"] not in ended.out
    assert "are left for what was imported (2)" in ended.out
    assert small.plan("--detailed-exitcode").code == 0
    assert small.run("fmt", "--check", small.root / "imported").code == 0
    posted = small.posted()
    assert (posted[by["mine"].lower()], posted["marked"]) == (by["mine"], by["marked"])
    again = small.run(*PERIOD)
    assert (again.code, "nothing to import" in again.said) == (0, True)


def test_a_period_is_imported_piece_by_piece(small):
    numbers = [by_hand(small) for _ in range(3)]
    before = small.content()
    ended = small.run(*PERIOD[:3], "--write-only", "--limit", "2")
    assert ended.code == 0, ended.said
    assert "1 more can be imported: run the command again, or raise --limit." in ended.out
    assert small.content() == before
    # As if it had been interrupted before anything was adopted: files are there, and no record.
    ended = small.run(*PERIOD)
    assert ended.code == 0, ended.said
    assert ended.out.count("already declared, adopted now") == 2
    assert {number.lower() for number in numbers} <= set(small.posted())
    assert small.plan("--detailed-exitcode").code == 0


@pytest.mark.parametrize("text", ["a\u2028b", "\u202aINV-1", "cafe\u0301", "\ufeffa"])
def test_a_text_that_no_file_may_hold_stops_its_own_entry_alone(small, text):
    odd, plain = by_hand(small, notes=text), by_hand(small)
    ended = small.run(*PERIOD)
    assert ended.code == 0, ended.said
    assert f"not imported: {odd}  {odd} cannot be declared: notes: the text " in ended.out
    assert small.posted()[plain.lower()] == plain
    refused = small.run("import", odd, "--yes")
    assert (refused.code, f"{odd} cannot be declared: notes" in refused.err) == (4, True)
    # The remedy, as it is written: correct the text in the ledger, then run the command again.
    small.call("PUT", f"journal-entries/{odd}/basic-information", notes="corrected")
    assert small.run("import", odd, "--yes").code == 0
    assert small.plan("--detailed-exitcode").code == 0


def test_a_reversal_names_the_text_that_no_file_may_hold(small):
    home = {"homeCurrencyAmount": "5.00"}
    lines = [debit("5.00", CostCenter__c="a\u2028b", **home), credit("5.00", **home)]
    odd = by_hand(small, journalEntryItems=lines)
    refused = small.run("reverse", odd)
    said = f"{odd.lower()}-reversal cannot be declared: CostCenter__c: the text holds U+2028"
    assert (refused.code, said in refused.err) == (3, True), refused.said
    assert not (small.root / "reversals").exists()


@pytest.mark.parametrize("billing", ["embedded"], indirect=True)
def test_what_a_run_made_is_left_to_it(billing):
    billing.applied()
    ended = billing.run(*PERIOD)
    assert ended.code == 0, ended.said
    assert ended.out.count("made by a journal run: import the run") == 4
    assert not (billing.root / "imported").exists()


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        pytest.param(
            ["--period", "Jan-26", "--yes"], 4, 'Did you mean "Jan-2026"?', id="no period"
        ),
        pytest.param(["--period", "Jan-2026"], 64, "no terminal to confirm on", id="nobody to ask"),
        pytest.param(
            ["--period", "Jan-2026", "JE-00000001", "--yes"],
            64,
            "cannot be combined with numbers",
            id="both",
        ),
    ],
)
def test_a_period_is_not_imported(small, args, code, said):
    ended = small.run("import", *args)
    assert (ended.code, said in ended.said) == (code, True), ended.said


def test_a_number_that_is_managed_is_omitted_as_the_remedy_says(small):
    number = by_hand(small)
    refused = small.run("import", "JE-00000001", number)
    assert (refused.code, "To fix: Omit this number" in refused.said) == (4, True), refused.said
    assert small.run("import", number).code == 0
    assert small.plan("--expect-no-changes").code == 0


def test_a_daybook_to_export_is_created_by_the_apply_that_the_remedy_names(empty, tmp_path):
    empty.declare("first")
    refused = empty.run("daybook", "export", tmp_path / "daybook.json")
    assert (refused.code, "run `reconciler apply" in refused.said) == (1, True)
    assert empty.apply().code == 0
    assert empty.run("daybook", "export", tmp_path / "daybook.json").code == 0
