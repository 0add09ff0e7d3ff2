"""Numbers 5 and 15: facts of the tenant are judged when something is posted, not for ever."""

from pathlib import Path

import pytest
from books_harness import credit, debit

CODE = "name: Subscription Revenue, type: SalesRevenue"


def rules_of(books, *args):
    found = books.run("validate", "--format", "json", *args).json["problems"]
    return {(one["rule"], one["severity"]) for one in found} - {("same-economics", "warning")}


def reference(books, before, after):
    text = (books.root / "reference.yaml").read_text()
    assert before in text, before
    books.write("reference.yaml", text.replace(before, after))


def without_code(books):
    rows = (books.root / "reference.yaml").read_text().splitlines()
    kept = [row for row in rows if "Subscription Revenue" not in row]
    assert len(kept) < len(rows)
    books.write("reference.yaml", "\n".join(kept) + "\n")


def without_period(books):
    reference(books, "name: Jan-2026", "name: January")


def without_currency(books):
    text = (books.root / "reference.yaml").read_text()
    books.write("reference.yaml", text.replace("homeCurrency: USD", "homeCurrency: EUR"))


CHANGES = {
    "a code is gone": (without_code, "known-accounting-code"),
    "a period is gone": (without_period, "known-period"),
    "the home currency changed": (without_currency, "home-amount"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_t05_a_changed_reference_leaves_posted_books_alone(small, name):
    change, rule = CHANGES[name]
    change(small)
    assert (rule, "error") not in rules_of(small)
    assert (rule, "warning") in rules_of(small)
    assert small.run("validate").code == 0
    plan = small.plan("--detailed-exitcode")
    assert plan.code == 0, plan.said
    assert "Nothing to do: the entry is posted." in plan.out
    assert small.run("drift").code == 0
    before = small.content()
    assert small.apply().code == 0
    assert small.content() == before


def closed(books):
    reference(books, "fiscalQuarter: 1, status: Open", "fiscalQuarter: 1, status: Closed")


def inactive(books):
    reference(books, "Subscription Revenue", "Subscription Revenue, status: Inactive")


@pytest.mark.parametrize("ends", [closed, inactive])
def test_t05_a_fact_that_ended_is_no_problem_of_what_is_posted(small, ends):
    """Every entry breaks it in time: a closed month must not warn for ever."""
    before = small.plan_document()["warning_rules"]
    ends(small)
    rule = {closed: "open-period", inactive: "active-accounting-code"}[ends]
    assert rule not in {found for found, _ in rules_of(small)}
    plan = small.plan_document()
    assert plan["changes"] == []
    assert plan["warning_rules"] == before
    # A new name is no posting.
    name = min(small.posted())
    small.remove(name)
    small.declare("new-name", notes=f"Notes of {name}", metadata={"previousName": name})
    assert rule not in {found for found, _ in rules_of(small)}
    small.applied()
    # The same fact is told where something would be posted.
    name = min(small.posted())
    path = next(small.root.rglob(f"{name}.yaml"))
    path.write_text(path.read_text().replace("400.90", "400.80"))
    small.declare("late", debit("7.00"), credit("7.00"))
    told = {row["path"] for row in small.run("validate", "--format", "json").json["problems"]
            if row["rule"] == rule}  # fmt: skip
    assert {Path(path).name for path in told} == {path.name, "late.yaml"}


def test_t05_what_would_be_posted_is_blocked_and_nothing_else(small):
    """One entry with a wrong code does not stop the workspace."""
    small.declare("bad", debit("1.00", "No Such Code"), credit("1.00"))
    small.declare("good", debit("2.00"), credit("2.00"))
    assert small.run("validate").code == 3
    blocked = {row["name"]: row["blocked"] for row in small.plan_document()["changes"]}
    assert blocked["bad"]["rule"] == "ledger-facts"
    assert blocked["good"] is None
    ended = small.process("apply", "--auto-approve")
    assert ended.code == 4
    assert set(small.posted()) >= {"good"}
    assert "bad" not in small.posted()


def test_t05_an_intrinsic_error_stops_everything(small):
    small.declare("bad", debit("1.00"), credit("2.00"))
    assert small.plan().code == 3


@pytest.mark.parametrize(
    ("since", "severity"), [("2026-02-01", "warning"), ("2026-01-31", "error")]
)
def test_t05_without_a_daybook_the_date_decides(empty, since, severity):
    text = (empty.root / "reference.yaml").read_text()
    row = next(row for row in text.splitlines() if CODE in row)
    changed = row.replace(CODE, f"{CODE}, status: Inactive, inactiveSince: {since}")
    empty.write("reference.yaml", text.replace(row, changed))
    empty.declare("old")
    assert ("active-accounting-code", severity) in rules_of(empty)


def made_inactive(books):
    """Books with a posted entry, of which a code became inactive."""
    books.declare("old")
    assert books.apply().code == 0
    reference(books, CODE, f"{CODE}, status: Inactive")


def test_t05_a_daybook_on_a_server_says_what_is_posted(empty, postgresql):
    """Where it cannot be read, that is said in every format, and its remedy ends well."""
    postgresql.make("history")
    place = f"127.0.0.1:{postgresql.port}"
    empty.settings(spec=f"{{daybook: '{postgresql.url_of_daybook('history')}'}}")
    made_inactive(empty)
    assert rules_of(empty) == set()
    empty.env["PGPASSWORD"] = "hunter2"
    assert rules_of(empty) == {
        ("active-accounting-code", "error"),
        ("daybook-unread", "warning"),
    }
    said = empty.run("validate")
    assert said.code == 3
    assert f"set RECONCILER_DAYBOOK_HOSTS to {place}" in " ".join(said.out.split())
    empty.env["RECONCILER_DAYBOOK_HOSTS"] = place
    assert rules_of(empty) == set()


def test_t05_a_daybook_that_is_damaged_says_nothing_of_what_is_posted(empty):
    made_inactive(empty)
    (empty.root / ".reconciler" / "daybook.db").write_bytes(b"not a database")
    assert ("daybook-unread", "warning") in rules_of(empty)
    assert empty.run("validate", "--strict").code == 3


def hold(books, rules):
    """Declare these segmentation rules instead of the one of the example Reference."""
    rows = (books.root / "reference.yaml").read_text().splitlines()
    at = next(at for at, row in enumerate(rows) if row.startswith("  segmentationRule:"))
    until = next(at for at, row in enumerate(rows) if row.startswith("  customFields:"))
    books.write("reference.yaml", "\n".join((*rows[:at], *rules, *rows[until:])) + "\n")


def segments(*names):
    return [{"segmentName": name, "segmentValue": "One"} for name in names]


def currencies(books, *rows):
    """Declare these currencies beside the home currency."""
    lines = (books.root / "reference.yaml").read_text().splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith("  currencies: ["))
    lines[at] = f"  currencies: [USD, {', '.join(rows)}]"
    books.write("reference.yaml", "\n".join(lines) + "\n")


def both(amount):
    home = {"homeCurrencyAmount": "1.00"}
    return debit(amount, **home), credit(amount, **home)


@pytest.mark.parametrize(
    ("since", "severity"), [("2026-02-01", "warning"), ("2026-01-31", "error")]
)
def test_t05_a_former_currency_is_judged_by_the_date(empty, since, severity):
    """It keeps its decimal places, and what would be posted in it is blocked."""
    currencies(empty, f"{{code: HRK, inactiveSince: {since}}}")
    empty.declare("old", *both("1.2"), currency="HRK")
    assert rules_of(empty) == {("active-currency", severity)}
    (row,) = empty.plan_document()["changes"]
    assert row["blocked"]["rule"] == "ledger-facts"
    assert f"HRK is not active in the tenant since {since}" in empty.run("validate").said
    empty.declare("old", *both("1.234"), currency="HRK")
    assert ("minor-units", "error") in rules_of(empty)


def test_t05_fmt_writes_the_decimals_that_the_reference_gives(empty):
    currencies(empty, "{minorUnits: 2, code: XYZ}")
    empty.declare("new", *both("1.2"), currency="XYZ")
    assert empty.process("fmt").code == 0
    assert "amount: 1.20" in (empty.root / "new.yaml").read_text()
    text = (empty.root / "reference.yaml").read_text()
    assert "currencies: [USD, {code: XYZ, minorUnits: 2}]" in text
    assert rules_of(empty) == set()


def test_t05_the_reference_gives_the_decimals_of_an_unknown_currency(empty):
    """They hold in the files, in `fmt` and in the ledger; then the row is changed, and dropped."""
    empty.declare("new", *both("1.2"), currency="XYZ")
    assert ("currency-code", "error") in rules_of(empty)
    currencies(empty, "{code: XYZ, minorUnits: 1}")
    assert rules_of(empty) == set()
    assert empty.process("apply", "--auto-approve").code == 0
    empty.declare("finer", *both("1.23"), currency="XYZ")
    assert rules_of(empty) == {("minor-units", "error")}
    (empty.root / "finer.yaml").unlink()
    for row, found in (
        ("{code: XYZ, minorUnits: 0}", {("minor-units", "warning")}),
        ("{code: XYZ, minorUnits: 1, inactiveSince: 2020-01-01}", set()),
        ("CHF", {("currency-code", "warning")}),
    ):
        currencies(empty, row)
        assert rules_of(empty) == found
        assert empty.plan("--detailed-exitcode").code == 0
        assert empty.run("drift").code == 0


OLD, NEW = ("Region",), ("Department", "Region")
RULES = (
    "  segmentationRules:",
    "    - {name: Regional, segments: [Region], inactiveSince: 2026-01-15}",
    "    - {name: Default, segments: [Department, Region], activeSince: 2026-01-15}",
)


@pytest.mark.parametrize(
    ("date", "names", "severity", "blocked"),
    [
        ("2026-01-14", OLD, "warning", True),
        ("2026-01-15", OLD, "error", True),
        ("2026-01-14", NEW, "warning", False),
        ("2026-01-15", NEW, None, False),
        ("2026-01-14", ("Region", "Department"), "error", True),
    ],
)
def test_t05_the_rule_of_the_date_decides_and_the_newest_of_what_is_posted(
    empty, date, names, severity, blocked
):
    hold(empty, RULES)
    empty.declare("entry", journalEntryDate=date, segments=segments(*names))
    assert rules_of(empty) == ({("segments", severity)} if severity else set())
    (row,) = empty.plan_document()["changes"]
    assert (row["blocked"] or {}).get("rule") == ("ledger-facts" if blocked else None)
    assert empty.apply().code == (4 if blocked else 0)


def test_t05_a_code_without_a_status_is_inactive_since_its_day(empty):
    reference(empty, CODE, f"{CODE}, inactiveSince: 2026-01-31")
    empty.declare("old")
    assert ("active-accounting-code", "error") in rules_of(empty)


def test_t15_the_daybook_is_new_only_while_it_records_nothing(billing):
    """Books that have only runs: the first plan says it, and no later one."""
    said = "the daybook is new"
    assert said in billing.plan().out
    assert billing.apply().code == 0
    text = (billing.root / "billing.yaml").read_text()
    billing.write("more.yaml", text.replace("2026-01-billing", "more"))
    assert "1 to create" in billing.plan().out
    assert said not in billing.plan().out
