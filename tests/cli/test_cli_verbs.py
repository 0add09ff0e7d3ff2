"""What each verb does when all is well, and the words it ends with."""

import json
import re
import shlex
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from books_harness import Books, credit, debit, interpreter, reconciler

from reconciler import cli
from reconciler.app.explain import all_rules
from reconciler.cli.terminal import json_text
from reconciler.core.rules.catalog import PLAN_RULES
from reconciler.core.rules.close_rules import CLOSE_RULES
from reconciler.core.rules.file_rules import FILE_RULES
from reconciler.core.rules.plan_warnings import DIFFERENCE_RULES, WARNING_RULES
from reconciler.core.rules.verb_rules import REHEARSAL_RULES, SHEET_RULES, WRITING_RULES
from reconciler.workspace import DOCUMENTS, RULES, SCHEMAS
from reconciler.workspace.ledger_choice import LEDGER_RULES

TABLES = (
    RULES,
    FILE_RULES,
    PLAN_RULES,
    WARNING_RULES,
    DIFFERENCE_RULES,
    REHEARSAL_RULES,
    CLOSE_RULES,
    LEDGER_RULES,
    WRITING_RULES,
    SHEET_RULES,
)
EVERY_RULE = {name: rule for table in TABLES for name, rule in table.items()}


HELP_FILE = Path(cli.__path__[0]) / "help.txt"


@pytest.mark.parametrize("width", ["40", "200"])
def test_the_help_that_no_click_prints_is_the_one_that_it_would_print(width, request, monkeypatch):
    """On a screen of any width, so that one file holds it."""
    monkeypatch.setenv("COLUMNS", width)
    printed = reconciler("--help").out
    if request.config.getoption("--bless"):
        HELP_FILE.write_text(printed, encoding="ascii")
    assert HELP_FILE.read_text(encoding="ascii") == printed


@pytest.mark.parametrize("flag", ["-h", "--help", "--version"])
def test_what_no_click_prints_ends_as_all_else_does(flag, tmp_path):
    assert interpreter(flag, cwd=tmp_path) == reconciler(flag, cwd=tmp_path)


def test_init_writes_books_that_validate_plan_and_apply(tmp_path):
    made = reconciler("init", cwd=tmp_path)
    assert made.code == 0
    assert "Next: reconciler plan\n" in made.out
    assert reconciler("validate", cwd=tmp_path).code == 0
    ours = [tmp_path / "journals" / name for name in ("reconciler.yaml", "2026")]
    assert reconciler("fmt", "--check", *ours, cwd=tmp_path).code == 0
    assert reconciler("plan", "--detailed-exitcode", cwd=tmp_path).code == 2
    assert reconciler("apply", "-y", cwd=tmp_path).code == 0
    assert reconciler("plan", "--detailed-exitcode", cwd=tmp_path).code == 0
    assert reconciler("doctor", cwd=tmp_path).code == 0


def test_init_says_where_to_go_next(tmp_path):
    made = reconciler("init", "my-books", "--name", "acme", cwd=tmp_path)
    assert made.out.splitlines()[-1] == "Next: reconciler plan -w my-books"
    assert "name: acme\n" in (tmp_path / "my-books" / "reconciler.yaml").read_text()


@pytest.mark.parametrize("there", ["reconciler.yaml", "reference.yaml", "2026/01/first-entry.yaml"])
def test_init_never_overwrites(tmp_path, there):
    place = tmp_path / "journals" / there
    place.parent.mkdir(parents=True)
    place.write_text("mine")
    ended = reconciler("init", cwd=tmp_path)
    assert ended.code == 1
    assert "is not overwritten" in ended.err
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert (files, place.read_text()) == ([place], "mine")


@pytest.mark.parametrize("name", ["Acme Books", "", "a/b", "x" * 64, "a\nspec: {}", "'"])
def test_init_takes_only_a_name_that_a_workspace_can_have(tmp_path, name):
    ended = reconciler("init", "--name", name, cwd=tmp_path)
    assert ended.code == 64, ended.said
    assert not (tmp_path / "journals").exists()


def test_validate_lists_every_finding_and_the_counts(small):
    small.declare("one", debit("1.00"), credit("2.00"))
    small.declare("two", debit("1.00", "No Such Code"), credit("1.00"))
    ended = small.run("validate")
    assert ended.code == 3
    assert "error[lines-balance]" in ended.out
    assert "error[known-accounting-code]" in ended.out
    assert "10 files, 8 entries: 2 errors, " in ended.said


def test_validate_shows_only_what_was_asked_for(small):
    small.declare("one", debit("1.00"), credit("2.00"))
    small.declare("two", debit("1.00", "No Such Code"), credit("1.00"))
    ended = small.run("validate", small.root / "two.yaml")
    assert (ended.code, ended.out.count("error[")) == (3, 1)
    assert small.run("validate", small.root / "entry-00.yaml").code == 0


def test_validate_as_json_is_stable_and_says_where(small):
    small.declare("one", debit("1.00"), credit("2.00"))
    first, second = (small.run("validate", "--format", "json") for _ in range(2))
    assert first.out == second.out
    assert (first.code, first.err) == (3, "")
    assert first.json["valid"] is False
    found = [item for item in first.json["problems"] if item["severity"] == "error"]
    assert [item["path"] for item in found] == ["one.yaml"]
    assert {"line", "column", "rule", "message", "remedy"} <= found[0].keys()


def test_validate_needs_no_ledger_and_makes_none(tmp_path):
    books = Books(tmp_path / "books")
    books.settings(spec="{target: {baseUrl: 'https://rest.test.zuora.com'}}")
    books.declare("one")
    ended = books.run("validate")
    assert ended.code == 0
    assert "No Reference" in ended.err
    assert not (books.root / ".reconciler").exists()


def test_fmt_changes_spelling_and_no_value(small):
    small.write(
        "entry-00.yaml",
        "kind: JournalEntry\napiVersion: journal.reconciler/v1\n"
        "metadata: {name: entry-00}\nspec:\n  notes: Notes of entry-00 # why\n"
        "  currency: USD\n  accountingPeriodName: Jan-2026\n  journalEntryDate: 2026-01-31\n"
        "  journalEntryItems:\n"
        "    - {type: Debit, accountingCodeName: Deferred Revenue, amount: 400.9}\n"
        "    - {type: Credit, accountingCodeName: Subscription Revenue, amount: 400.9}\n",
    )
    path = small.root / "entry-00.yaml"
    checked = small.run("fmt", "--check", path)
    assert (checked.code, "would change" in checked.out) == (3, True)
    (command,) = re.findall(r"^To fix: Run `reconciler (.*)`\.$", checked.err, re.MULTILINE)
    assert small.run(*shlex.split(command)).code == 0
    assert "# why" in path.read_text()
    assert "400.90" in path.read_text()
    assert small.run("fmt", "--check", path).code == 0
    assert small.plan("--detailed-exitcode").code == 0


def test_doctor_finds_nothing_wrong_in_sound_books(small):
    ended = small.run("doctor")
    assert ended.code == 0
    assert not any(line.startswith("bad ") for line in ended.out.splitlines())
    for fact in ("files: 8 files, 6 entries", "credentials: accepted", "6 entries recorded"):
        assert fact in ended.out
    assert "accounting periods: 7" in ended.out


def test_doctor_changes_nothing(empty):
    """But for the copy of the embedded ledger that queries read, which is kept beside it."""

    def files():
        paths = (path.relative_to(empty.root) for path in empty.root.rglob("*"))
        return {str(path) for path in paths if "ledger-query-kept-" not in str(path)}

    before = files()
    assert interpreter("doctor", "-w", empty.root).code == 0
    assert files() == before


@pytest.mark.parametrize(
    ("spoil", "code", "fact"),
    [
        (lambda books: books.declare("one", debit("1.00"), credit("2.00")), 3, "1 problem"),
        (lambda books: (books.root / "reconciler.yaml").unlink(), 3, "problem"),
        (lambda books: books.env.update(ZUORA_BASE_URL="https://x.invalid"), 8, "credentials"),
        (lambda books: books.env.update(ZUORA_BASE_URL="http://x.invalid"), 8, "credentials"),
        (lambda books: books.env.update(ZUORA_BASE_URL="nonsense", ZUORA_TOKEN="t"), 1, "URL"),
        (
            lambda books: (books.root / ".reconciler" / "ledger.db").write_bytes(b"x" * 999),
            1,
            "ledger cannot be used",
        ),
    ],
    ids=["finding", "no workspace", "no credentials", "no TLS", "no URL", "broken ledger"],
)
def test_doctor_says_what_is_bad(small, spoil, code, fact):
    small.leave_ledger_open()
    spoil(small)
    ended = small.run("doctor")
    assert ended.code == code, ended.said
    assert "  bad  " in ended.out
    assert fact in ended.out
    assert "Traceback" not in ended.said


def test_a_slip_in_the_settings_brings_no_other_problem(empty):
    empty.settings(spec='{daybook: "postgresq://db.example.com/daybook"}')
    ended = empty.run("validate")
    assert ended.code == 3
    assert ended.out.count(": error[") == 1, ended.out
    assert "reconciler.yaml:4:" in ended.out


@pytest.mark.parametrize("rule", EVERY_RULE)
def test_every_rule_is_explained(rule):
    ended = reconciler("explain", rule)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"{rule} (")
    assert "Why: " in ended.out
    assert "What to do: " in ended.out


def test_explain_lists_all_rules_and_guesses_at_a_slip():
    listed = reconciler("explain").out
    assert {row.split()[0] for row in listed.splitlines()} == set(EVERY_RULE)
    assert 'Did you mean "lines-balance"?' in reconciler("explain", "line-balance").err


def test_a_custom_rule_is_explained_where_it_holds(small):
    rule = "{id: ticket, title: A ticket first, remedy: Write ACC-123., schema: rules/ticket.json}"
    small.settings(spec=f"{{policy: {{houseRules: [{rule}]}}}}")
    ended = small.run("explain", "house/ticket")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("house/ticket (error)")
    for words in ("A ticket first", "rules/ticket.json", "What to do: Write ACC-123."):
        assert words in ended.out
    assert "there is no rule house/other" in small.run("explain", "house/other").err
    assert "name it with --workspace" in reconciler("explain", "house/ticket").err


def test_no_explanation_has_a_gap():
    assert [name for name, rule in all_rules().items() if re.search(r"\{\d*\}", rule.remedy)] == []


def test_no_name_stands_for_two_rules():
    assert len(EVERY_RULE) == sum(map(len, TABLES))


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_kind_has_a_schema_to_print(kind):
    ended = reconciler("schema", kind)
    assert ended.code == 0
    assert ended.json["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert ended.json["properties"]["kind"]["const"] == kind


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_the_tool_writes_has_a_schema_to_print(name):
    ended = reconciler("schema", name)
    assert ended.code == 0
    assert '"format_version"' in ended.out


def test_schema_lists_the_kinds_and_then_what_the_tool_writes():
    listed = [row.split()[0] for row in reconciler("schema").out.splitlines()]
    assert listed == [*SCHEMAS, *DOCUMENTS]


def test_version_tells_itself():
    assert reconciler("version").out.startswith("reconciler 0.")
    assert reconciler("version", "--format", "json").json["reconciler"].startswith("0.")
    assert reconciler("--version").code == 0


def test_a_report_is_written_and_is_what_json_prints(small, tmp_path):
    small.declare("new")
    path = tmp_path / "report.json"
    ended = small.apply("--report", path, "--format", "json")
    assert ended.code == 0
    assert ended.json == json.loads(path.read_text())
    assert ended.json["summary"] == {
        "done": 1,
        "failed": 0,
        "not_attempted": 0,
        "unknown": 0,
        "blocked": 0,
    }
    change = ended.json["changes"][0]
    assert (change["address"], change["outcome"]) == ("JournalEntry/new", "done")
    assert change["number"] == small.number("new")


def test_a_report_names_what_was_blocked(small, tmp_path):
    small.set("entry-00", transferredToAccounting="Yes")
    small.remove("entry-00")
    ended = small.apply("--report", tmp_path / "report.json")
    assert ended.code == 4
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["changes"][0]["outcome"] == "blocked"
    assert report["changes"][0]["remedy"]


def test_drift_as_json_names_what_moved(small):
    small.set("entry-00", notes="By hand")
    first, second = (small.run("drift", "--format", "json") for _ in range(2))
    assert first.out == second.out
    assert (first.code, [item["name"] for item in first.json["drift"]]) == (7, ["entry-00"])


def test_a_plan_may_select_entries_by_their_transfer_state(small):
    for name, state in (("entry-00", "Error"), ("entry-01", "Yes")):
        small.set(name, transferredToAccounting=state)
    for name in ("entry-00", "entry-01", "entry-02"):
        small.declare(name, notes="Other notes")
    select = ("--select", "transfer=Error")
    assert small.plan_document(*select)["changes"][0]["name"] == "entry-00"
    ended = small.plan(*select, "--select", "transfer=Yes")
    assert "PARTIAL: only --select transfer=Error or transfer=Yes" in ended.out
    assert "2 to update" in ended.out, ended.said
    ended = small.plan("--select", "transfer=Processing")
    assert (ended.code, "matches nothing" in ended.err) == (64, True), ended.said
    assert small.plan("--offline", *select).code == 64
    assert small.apply(*select).code == 0
    assert {"entry-01", "entry-02"} == {*small.actions()}


def test_drift_may_leave_out_failed_transfers(small):
    small.set("entry-00", transferredToAccounting="Error")
    number = small.number("entry-00")
    ended = small.run("drift")
    assert (ended.code, f"5 No, 1 Error: {number} entry-00" in ended.out) == (7, True), ended.said
    ended = small.run("drift", "--ignore", "transfer-error")
    assert (ended.code, "5 No, 1 Error" in ended.out) == (0, True), ended.said
    found = small.run("drift", "--ignore", "transfer-error", "--format", "json").json
    assert (found["unanswered"], found["transfers"][0]["counts"]) == ([], {"Error": 1, "No": 5})
    small.set("entry-01", notes="By hand")
    assert small.run("drift", "--ignore", "transfer-error").code == 7


def test_i50_a_result_as_json_has_every_digit_of_a_number():
    """A custom field of a tenant may hold a number, and no float may touch it."""
    written = json_text({"before": Decimal("9007199254740993.10"), "after": None})
    assert written == '{\n  "before": 9007199254740993.10,\n  "after": null\n}\n'


@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.parametrize("verb", ["plan", "drift", "validate", "doctor", "explain", "schema"])
def test_every_output_is_the_same_twice(small, verb, style):
    small.declare("new")
    small.set("entry-01", notes="By hand")
    first, second = (small.run(verb, "--format", style) for _ in range(2))
    assert (first.code, first.out, first.err) == (second.code, second.out, second.err)


def test_the_plan_does_not_depend_on_where_the_workspace_is(small, tmp_path):
    small.declare("new")
    first = small.plan().out
    moved = tmp_path / "moved"
    shutil.move(small.root, moved)
    # A command that it suggests names the workspace.
    assert reconciler("plan", "-w", moved).out.replace(str(moved), str(small.root)) == first


FORMS = {
    "sarif": ("validate", '"version": "2.1.0"'),
    "github": ("validate", "::warning title=date-in-period,file="),
    "junit": ("validate", '<testsuite name="reconciler validate"'),
    "csv": ("plan", "effect,action,name,"),
}


@pytest.mark.parametrize("style", FORMS)
def test_what_other_programs_read_is_all_that_stdout_has(small, style):
    verb, said = FORMS[style]
    small.declare("odd", debit("1.00"), credit("1.00"), journalEntryDate="2026-02-03")
    ended = small.run(verb, "--format", style)
    assert ended.code == 0, ended.said
    assert said in ended.out
    assert not ended.out.startswith("Workspace")


def test_a_plan_for_a_runner_is_added_to_the_summary_of_its_job(small, tmp_path):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    small.env["GITHUB_STEP_SUMMARY"] = str(summary)
    saved = tmp_path / "plan.json"
    assert small.run("plan", "--out", saved).code == 0
    assert summary.read_text() == "before\n"
    shown = small.run("show", saved, "--format", "github")
    assert shown.out.startswith(("::warning", "::notice"))
    assert summary.read_text().startswith("before\n### <code>")
