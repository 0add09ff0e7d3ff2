"""A rehearsal says what the ledger will say, proves the plan's balances, and touches nothing."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
from dataclasses import replace
from decimal import Decimal

import pytest
from books_harness import JOURNALS, credit, debit, reconciler, standing

from reconciler.core.model.plan import Change
from reconciler.core.planning.impact import impact_of
from reconciler.core.rehearsal import verdict

NINE = (debit("9.00"), credit("9.00"))
FEBRUARY = {"accountingPeriodName": "Feb-2026", "journalEntryDate": "2026-02-28"}
FINANCE = (
    "Create Journal Entry",
    "Edit Journal Entry",
    "Cancel Journal Entry",
    "Delete Cancelled Journal Entry",
    "Create Journal Run",
    "Cancel Journal Run",
    "Delete Cancelled Journal Run",
)


def rehearsed(books, *words, code=0):
    """The rehearsal of the plan made now; the ledger and the daybook are as before."""
    before = books.content()
    ended = books.plan("--format", "json", "--rehearse", *words)
    assert ended.code == code, ended.said
    assert books.content() == before
    return json.loads(ended.out)["rehearsal"]


def outcomes(rehearsal):
    return {one["name"]: one["outcome"] for one in rehearsal["changes"]}


def changed(books):
    """One change of each sort."""
    books.declare("new", *NINE)
    books.declare("entry-00", notes="Other notes")
    books.declare("entry-01", *NINE)
    books.remove("entry-02")
    books.declare("entry-03", notes="Notes of entry-03", **FEBRUARY)


ALL = {"new", "entry-00", "entry-01", "entry-02", "entry-03"}


def test_no_change_is_compared_with_the_others(small, monkeypatch):
    """A rehearsal of a whole month takes no longer for each change than one of a few."""
    changed(small)
    monkeypatch.setattr(Change, "__eq__", lambda *_: pytest.fail("compared"))
    assert set(outcomes(rehearsed(small))) == ALL


def test_every_change_is_applied_and_every_balance_is_that_of_the_plan(small):
    changed(small)
    found = rehearsed(small)
    assert outcomes(found) == dict.fromkeys(ALL, "accepted")
    impact = small.plan_document()["impact"]
    rows = {(row["period"], row["account"]): row for row in found["balances"]}
    assert rows.keys() == {(row["period"], row["account"]) for row in impact}
    for row in impact:
        for name in ("debit_before", "credit_before", "debit_after", "credit_after"):
            other = rows[row["period"], row["account"]]
            assert other[name] == other[f"planned_{name}"] == row[name]
    assert (found["holds"], found["permissions"]) == (True, list(FINANCE))


def test_a_rehearsal_changes_neither_digest_nor_apply_nor_says_another_thing_twice(small, tmp_path):
    changed(small)
    saved = tmp_path / "plan.json"
    digest = small.plan_document()["digest"]
    first, second = (small.plan("--rehearse", "--rehearse-as", FINANCE[0]) for _ in range(2))
    assert (first.code, first.out) == (7, second.out)
    assert small.plan("--rehearse", "--out", saved).code == 0
    assert json.loads(saved.read_text())["digest"] == digest
    shown = small.run("show", saved)
    assert "Rehearsal on a scratch ledger: 5 of 5 changes accepted" in shown.out
    assert small.run("apply", saved).code == 0
    assert small.plan("--expect-no-changes").code == 0


@pytest.mark.parametrize("lacking", FINANCE[:4])
def test_a_rehearsal_is_refused_what_the_real_client_is_refused(served_small, tmp_path, lacking):
    """With the same permissions the real apply ends as the rehearsal said, change by change."""
    changed(served_small)
    permissions = [name for name in FINANCE if name != lacking]
    found = rehearsed(served_small, "--rehearse-as", ",".join(permissions), code=7)
    served_small.credentials(*permissions)
    report = tmp_path / "report.json"
    words = ("--parallelism", 1, "--continue-on-error", "--report", report)
    assert served_small.apply(*words).code != 0
    real = {
        one["address"].partition("/")[2]: one["outcome"]
        for one in json.loads(report.read_text())["changes"]
    }
    words = {"done": "accepted", "failed": "refused", "not_attempted": "not-attempted"}
    assert outcomes(found) == {name: words[outcome] for name, outcome in real.items()}
    refused = [one["message"] for one in found["changes"] if one["outcome"] == "refused"]
    assert any(lacking in message for message in refused), refused


@pytest.mark.parametrize("way", ["the permission", "the declaration"])
def test_a_refusal_ends_with_the_permission_or_the_declaration(small, way):
    """A period that waits for its close takes entries only from who may close it."""
    periods = small.call("GET", "accounting-periods")["accountingPeriods"]
    for period in sorted(periods, key=lambda period: period["startDate"]):
        small.call("PUT", f"accounting-periods/{period['id']}/pending-close")
        if period["name"] == "Jan-2026":
            break
        small.call("PUT", f"accounting-periods/{period['id']}/close")
    small.declare("new", *NINE)
    ended = small.plan("--rehearse")
    assert ended.code == 7
    assert "rehearsal-refused: To fix: Correct the declaration" in ended.out
    words = ()
    if way == "the permission":
        words = ("--rehearse-as", ",".join((*FINANCE, "Manage Close Process")))
    else:
        small.declare("new", *NINE, **FEBRUARY)
    assert outcomes(rehearsed(small, *words)) == {"new": "accepted"}


def test_a_difference_is_shown_and_gone_with_its_cause(small, monkeypatch):
    """The cause is planted: an impact that loses a cent."""
    small.declare("new", *NINE)

    def wrong(*args, **named):
        rows = impact_of(*args, **named)
        cent = Decimal("0.01")
        return (replace(rows[0], debit_after=rows[0].debit_after - cent), *rows[1:])

    with monkeypatch.context() as patched:
        patched.setattr(verdict, "impact_of", wrong)
        ended = small.plan("--rehearse")
        assert ended.code == 7
        assert "trial balance after = plan's impact in 1 of 2 rows" in ended.out
        assert "rehearsal-differs: To fix: Do not apply the plan." in ended.out
    assert rehearsed(small)["holds"]


def test_a_transferred_entry_keeps_its_state_on_the_scratch_ledger(small):
    small.set("entry-00", transferredToAccounting="Yes")
    small.declare("entry-00", notes="Other notes")
    assert outcomes(rehearsed(small)) == {"entry-00": "accepted"}
    small.settings(spec="{policy: {transferState: managed}}")
    small.declare("entry-01", notes="Notes of entry-01", transferredToAccounting="Yes")
    assert outcomes(rehearsed(small)) == {"entry-00": "accepted", "entry-01": "accepted"}


def test_a_run_is_created_empty_and_cancelled_with_its_entries(billing):
    found = rehearsed(billing)
    assert set(outcomes(found).values()) == {"accepted"}
    assert "what JournalRun/2026-01-billing will post" in found["unknown"]
    billing.applied()
    (billing.root / "billing.yaml").unlink()
    found = rehearsed(billing, "--max-removals", 4)
    assert (outcomes(found), found["holds"]) == ({"2026-01-billing": "accepted"}, True)
    assert found["balances"], "its entries move the books"


def test_a_run_posts_what_a_file_of_transactions_says(billing):
    file = billing.root.parent / "transactions.csv"
    found = rehearsed(billing, "--transactions", file)
    assert (set(outcomes(found).values()), found["holds"]) == ({"accepted"}, True)
    assert "source transactions that transactions.csv lacks" in found["unknown"]
    billing.applied()
    sums = {
        (row["account"], row["currency"]): (
            Decimal(row["debit_after"]),
            Decimal(row["credit_after"]),
        )
        for row in found["balances"]
    }
    live = {}
    for number in standing(billing):
        one = billing.get(number)
        for line in one["journalEntryItems"]:
            key = (line["accountingCodeName"], one["currency"])
            debit_sum, credit_sum = live.get(key, (Decimal(0), Decimal(0)))
            amount = Decimal(str(line["amount"]))
            side = (amount, 0) if line["type"] == "Debit" else (0, amount)
            live[key] = (debit_sum + side[0], credit_sum + side[1])
    assert sums == live


def test_transactions_that_nothing_can_take_are_refused(billing, tmp_path):
    file = billing.root.parent / "transactions.csv"
    ended = billing.plan("--transactions", file)
    assert (ended.code, "--transactions needs --rehearse" in ended.err) == (64, True), ended.said
    broken = tmp_path / "broken.csv"
    broken.write_text("id\n1\n")
    ended = billing.plan("--rehearse", "--transactions", broken)
    assert (ended.code, "--transactions: " in ended.err) == (64, True), ended.said
    (billing.root / "billing.yaml").unlink()
    billing.declare("new", *NINE)
    ended = billing.plan("--rehearse", "--transactions", file)
    assert (ended.code, "the plan creates no journal run" in ended.err) == (64, True), ended.said


def test_an_offline_plan_is_rehearsed_from_daybook_and_files(small):
    changed(small)
    found = rehearsed(small, "--offline")
    assert (found["offline"], outcomes(found)) == (True, dict.fromkeys(ALL, "accepted"))
    assert "(OFFLINE: " in small.plan("--offline", "--rehearse").out
    assert not {*small.root.glob(".reconciler/*scratch*")}


def test_what_cannot_be_rehearsed_says_what_to_do(small):
    changed(small)
    ended = small.plan("--rehearse", "--rehearse-limit", 4)
    assert (ended.code, "Add --rehearse-limit 5" in ended.said) == (64, True), ended.said
    assert small.plan("--rehearse", "--rehearse-limit", 5).code == 0
    ended = small.plan("--rehearse", "--rehearse-as", "Create Journal Entries")
    assert (ended.code, "unknown permission" in ended.said) == (64, True), ended.said
    assert small.plan("--rehearse-as", FINANCE[0]).code == 64
    text = (small.root / "reference.yaml").read_text()
    (small.root / "reference.yaml").unlink()
    assert small.plan("--rehearse").code == 0, "the ledger knows its codes"
    ended = small.plan("--offline", "--rehearse")
    assert (ended.code, "Write the reference.yaml of the tenant" in ended.said) == (1, True)
    (small.root / "reference.yaml").write_text(text)
    assert small.plan("--offline", "--rehearse").code == 0


def test_a_refused_plan_is_not_rehearsed(small):
    small.settings(spec="{policy: {limits: {changes: 1}}}")
    changed(small)
    ended = small.plan("--rehearse", "--format", "json")
    assert (ended.code, "rehearsal" in ended.json) == (4, False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_rehearsal_that_is_ended(small, tmp_path, number):
    """The scratch ledger is in memory, so no signal can leave it behind."""
    changed(small)
    before = {*small.root.rglob("*"), *tmp_path.rglob("*")}
    child = os.fork()
    if not child:  # pragma: no cover - it is killed
        import reconciler.app.rehearsing as module

        def ended(*_, **__):
            os.kill(os.getpid(), number)

        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        module.apply = ended
        os.environ["TMPDIR"] = str(tmp_path)
        try:
            small.plan("--rehearse")
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == number
    left = {*small.root.rglob("*"), *tmp_path.rglob("*")} - before
    assert {path.name for path in left} <= {"ledger.db-shm", "ledger.db-wal"}


def test_the_page_shows_what_its_commands_print(tmp_path, request):
    """docs/rehearsal.md; with --bless its texts are written anew."""
    page = JOURNALS.parent / "docs" / "rehearsal.md"
    text = page.read_text(encoding="utf-8")
    (commands,) = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    shutil.copytree(JOURNALS, tmp_path / "journals", ignore=shutil.ignore_patterns(".reconciler"))
    printed = []
    for command in commands.splitlines():
        words = shlex.split(command)
        if words[0] != "reconciler":
            subprocess.run(words, cwd=tmp_path, check=True)
            continue
        ended = reconciler(*words[1:], cwd=tmp_path)
        if "--rehearse" in words:
            section = re.search(r"^Rehearsal.*?(?=\n\n)", ended.out, re.MULTILINE | re.DOTALL)
            printed.append((ended.code, f"{section[0]}\n" if section else ended.said))
    shown = re.findall(r"^```text\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    if request.config.getoption("--bless"):
        for old, (_, new) in zip(shown, printed, strict=True):
            text = text.replace(old, new)
        page.write_text(text, encoding="utf-8")
        shown = [new for _, new in printed]
    assert printed == [(0, shown[0]), (7, shown[1])]
