"""Names change, are given up and come back, and what stands in the ledger stays as it is."""

import pytest
from books_harness import credit, debit, entry, standing

DEARER = (debit("9.00"), credit("9.00"))


def rename(books, *, was="entry-00", name="renamed", key=True):
    before = f", previousName: {was}" if key else ""
    books.edit(f"{was}.yaml", f'{{name: "{was}"}}', f'{{name: "{name}"{before}}}')


def test_a_rename_is_shown_and_applied_as_one_change(small):
    number, before = small.number("entry-00"), len(small.content())
    rename(small)
    planned = small.plan()
    assert f"= adopt  renamed  {number}" in planned.out
    assert "renamed from entry-00" in planned.out
    assert "Plan: 1 to adopt." in planned.out
    assert "Impact: none, no amount in the books changes." in planned.out
    (change,) = small.plan_document()["changes"]
    assert (change["reason"], change["renamed_from"]) == ("renamed", "entry-00")
    assert "renamed" in small.run("plan", "--format", "markdown").out
    small.applied()
    assert small.number("renamed") == number
    assert "entry-00" not in small.posted()
    assert len(small.content()) == before
    assert small.run("fmt", small.root / "entry-00.yaml").code == 0
    assert "{name: renamed, previousName: entry-00}" in (small.root / "entry-00.yaml").read_text()
    assert small.plan("--detailed-exitcode").code == 0


@pytest.mark.long
def test_a_saved_plan_of_a_rename_is_applied_as_reviewed(small, tmp_path):
    number = small.number("entry-00")
    rename(small)
    assert small.plan("--out", tmp_path / "plan.json").code == 0
    assert "renamed from entry-00" in small.run("show", tmp_path / "plan.json").out
    assert small.run("apply", tmp_path / "plan.json").code == 0
    assert small.number("renamed") == number


def test_a_rename_by_hand_is_hinted_at_the_key(small):
    rename(small, key=False)
    assert small.actions() == {"entry-00": "remove", "renamed": "create"}
    assert "`previousName: entry-00`" in small.plan().out


def test_forgotten_is_left_alone_and_comes_back(small):
    number, text = small.number("entry-03"), (small.root / "entry-03.yaml").read_text()
    before = small.content()
    assert "declared at entry-03.yaml:1" in small.run("forget", "entry-03", "--yes").err
    small.remove("entry-03")
    ended = small.run("forget", "entry-03", "--auto-approve")
    assert ended.code == 0, ended.said
    assert f". forget  entry-03  {number}" in ended.out
    assert "Applied: 1 forgotten." in ended.out
    assert small.content() == before
    planned = small.plan("--find", "--detailed-exitcode")
    assert (planned.code, number in planned.out) == (0, False)
    small.write("entry-03.yaml", text)
    assert small.actions() == {"entry-03": "adopt"}
    small.applied()
    assert (small.number("entry-03"), small.content()) == (number, before)


@pytest.mark.long
def test_what_a_lost_daybook_left_behind_is_forgotten_too(small):
    number = small.number("entry-03")
    small.remove("entry-03")
    for path in (small.root / ".reconciler").glob("daybook.db*"):
        path.unlink()
    small.apply("--adopt-found", 11)
    assert "reconciler forget entry-03" in small.plan("--find").out
    assert small.run("forget", "entry-03", "-y").code == 0
    assert number not in small.plan("--find").out


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        pytest.param(["nobody", "--yes"], 4, "neither the daybook nor a search", id="unknown"),
        pytest.param(["entry-03"], 64, "no terminal to confirm on", id="nobody to ask"),
        pytest.param([], 64, "Missing argument", id="no name"),
    ],
)
def test_forgetting_is_refused(small, args, code, said):
    ended = small.run("forget", *args)
    assert (ended.code, said in ended.said) == (code, True), ended.said


@pytest.mark.parametrize("billing", ["embedded"], indirect=True)
def test_a_run_is_renamed_in_the_daybook_alone(billing):
    billing.applied()
    before = billing.content()
    billing.edit("billing.yaml", "2026-01-billing}", "january, previousName: 2026-01-billing}")
    assert "renamed from 2026-01-billing" in billing.plan().out
    assert "1 adopted" in billing.applied().out
    assert billing.content() == before
    assert billing.plan("--detailed-exitcode").code == 0
    billing.edit(
        "billing.yaml", "january, previousName: 2026-01-billing", "jan, previousName: january"
    )
    billing.edit("billing.yaml", "journalEntryDate: 2026-01-31", "journalEntryDate: 2026-01-30")
    assert billing.actions() == {"jan": "replace"}
    assert "JR-00000001 -> JR-00000002" in billing.applied().out
    assert len(standing(billing)) == 4
    assert billing.plan("--detailed-exitcode").code == 0


@pytest.mark.parametrize("billing", ["embedded"], indirect=True)
def test_entries_left_to_their_run_are_not_named_for_ever(billing):
    billing.applied()
    assert billing.run("import", "--run", "JR-00000001").code == 0
    written = billing.root / "imported" / "jr-00000001.yaml"
    text = written.read_text()
    written.write_text(text.replace("JR-00000001", "JR-00000009"))
    assert billing.plan("--detailed-exitcode").code == 0
    written.unlink()
    assert "4 forgotten" in billing.applied("--max-removals", "4").out
    assert "neither declared nor recorded" not in billing.plan("--find").out
    written.write_text(text)
    assert "4 adopted" in billing.applied().out
    assert len(standing(billing)) == 4


def test_an_entry_that_is_declared_under_two_names_in_a_row_is_refused(small):
    rename(small)
    small.write("again.yaml", entry("entry-00"))
    ended = small.apply()
    assert (ended.code, "error[previous-name]" in ended.err) == (3, True)
