"""Custom rules: JSON Schemas of a workspace's own, which can only forbid more, and waivers."""

import json
from pathlib import Path

import pytest

from reconciler.app.workspace import read_workspace

ENTRY = """\
apiVersion: journal.reconciler/v1
kind: JournalEntry
metadata: {{name: {name}, labels: {{team: revenue}}}}
spec:
  accountingPeriodName: Jan-2026
  currency: USD
  journalEntryDate: 2026-01-31
  notes: {notes}
  journalEntryItems:
    - {{accountingCodeName: Cash, type: Debit, amount: "{amount}"}}
    - {{accountingCodeName: Deferred Revenue, type: Credit, amount: {amount}}}
"""
TICKET = {"properties": {"spec": {"properties": {"notes": {"pattern": "^ACC-[0-9]+ "}}}}}
RULE = {
    "id": "ticket",
    "title": "Notes begin with a ticket",
    "remedy": "Write ACC-123 first.",
    "schema": "rules/ticket.json",
}
TODAY = "2026-02-15"
AMOUNTS = {"first": "400.90", "second": "300.90"}


def workspace(root: Path, schema=TICKET, rules=(RULE,), waivers=(), **notes):
    """Two entries, of which `first` keeps the rule unless it is told otherwise."""
    policy = {"houseRules": list(rules)} | ({"waivers": list(waivers)} if waivers else {})
    document = {
        "apiVersion": "journal.reconciler/v1",
        "kind": "Workspace",
        "metadata": {"name": "books"},
        "spec": {"policy": policy},
    }
    (root / "reconciler.yaml").write_text(json.dumps(document))
    (root / "rules").mkdir()
    text = schema if isinstance(schema, str) else json.dumps(schema)
    (root / "rules" / "ticket.json").write_text(text)
    for name, said in {"first": "ACC-1 true-up", "second": "ACC-2 true-up", **notes}.items():
        (root / f"{name}.yaml").write_text(
            ENTRY.format(name=name, notes=said, amount=AMOUNTS.get(name, "1"))
        )
    return read_workspace(root, today=TODAY)


def found(books):
    return [(problem.path, problem.rule) for problem in books.problems]


def test_a_declaration_that_breaks_a_custom_rule_is_named_with_its_line(tmp_path):
    books = workspace(tmp_path, second="true-up")
    (problem,) = books.problems
    assert (problem.path, problem.line, problem.column) == ("second.yaml", 8, 3)
    assert problem.rule == "house/ticket"
    assert problem.message == "Notes begin with a ticket (spec/notes)"
    assert problem.remedy == "Write ACC-123 first."
    assert books.errors


@pytest.mark.parametrize(
    ("schema", "broken"),
    [
        pytest.param({}, False, id="a rule that forbids nothing"),
        pytest.param({"properties": {"kind": {"const": "JournalRun"}}}, True, id="the kind"),
        pytest.param(
            {"properties": {"metadata": {"properties": {"labels": {"required": ["owner"]}}}}},
            True,
            id="a label",
        ),
        pytest.param(
            {"$ref": "#/$defs/a", "$defs": {"a": {"required": ["spec"]}}}, False, id="itself"
        ),
    ],
)
def test_a_rule_may_speak_of_the_whole_declaration(tmp_path, schema, broken):
    assert bool(workspace(tmp_path, schema).errors) is broken


@pytest.mark.parametrize("most", ["400.90", "400.89"])
def test_amounts_are_compared_exactly_however_they_are_written(tmp_path, most):
    item = f'{{"properties": {{"amount": {{"maximum": {most}}}}}}}'
    lines = f'{{"properties": {{"journalEntryItems": {{"items": {item}}}}}}}'
    books = workspace(tmp_path, f'{{"properties": {{"spec": {lines}}}}}')
    assert len(books.errors) == (0 if most == "400.90" else 2)


def test_a_rule_is_for_the_kinds_it_names(tmp_path):
    rule = {**RULE, "kinds": ["JournalRun"]}
    assert found(workspace(tmp_path, rules=[rule], first="x")) == []


TOO_DEEP = [
    opening * levels + "{}" + closing * levels
    for levels in (100, 127, 1000, 80_000)
    for opening, closing in (('{"not":', "}"), ('{"allOf":[', "]}"), ("[", "]"))
]
"""Libraries refuse nesting too, each at a depth of its own."""


def test_a_rule_may_be_nested_a_hundred_deep(tmp_path):
    rules = {rule for _, rule in found(workspace(tmp_path, '{"not":' * 99 + "{}" + "}" * 99))}
    assert rules == {"house/ticket"}


@pytest.mark.parametrize(
    ("schema", "fact"),
    [
        ("{", "is not JSON"),
        ("[]", "is not an object"),
        ('{"type": "nonsense"}', "is not a JSON Schema"),
        ('{"type": "object", "type": "object"}', "a key occurs twice"),
        ({"$ref": "https://evil.example/schema.json"}, "no schema is fetched"),
        ({"properties": {"a": {"$ref": "other.json"}}}, "no schema is fetched"),
        ({"$ref": "#/$defs/none"}, "is not a JSON Schema"),
        ({"pattern": "a" * 257}, "more than 256 characters"),
        ({"patternProperties": {"a" * 257: {}}}, "more than 256 characters"),
        ({"pattern": "^(?=a)(a+)+$"}, "is not a JSON Schema"),
        *((text, "nested more than 100 deep") for text in TOO_DEEP),
        (" " * (1024 * 1024 + 1), "MiB"),
    ],
)
def test_a_rule_that_cannot_be_read_is_an_error(tmp_path, schema, fact):
    (problem,) = workspace(tmp_path, schema).problems
    assert (problem.path, problem.rule) == ("reconciler.yaml", "house-schema")
    assert fact in problem.message


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (lambda file: file.unlink(), "there is no file"),
        (lambda file: (file.unlink(), file.symlink_to("/etc/hostname")), "outside the workspace"),
    ],
)
def test_a_rule_stands_inside_the_workspace(tmp_path, change, fact):
    workspace(tmp_path)
    change(tmp_path / "rules" / "ticket.json")
    (problem,) = read_workspace(tmp_path, today=TODAY).problems
    assert fact in problem.message


def test_a_rule_stands_once(tmp_path):
    (problem,) = workspace(tmp_path, rules=[RULE, RULE]).problems
    assert "occurs twice" in problem.message


def test_a_custom_rule_takes_none_of_ours_away(tmp_path):
    (tmp_path / "odd.yaml").write_text(ENTRY.format(name="odd", notes="x", amount="-1"))
    rules = {problem.rule for problem in workspace(tmp_path, {}).errors}
    assert rules == {"schema-amount"}


def waiver(**more):
    return {"rule": "ticket", "name": "first", "reason": "Old", "expires": TODAY, **more}


@pytest.mark.parametrize(
    ("given", "rules"),
    [
        pytest.param(waiver(), [], id="on its last day"),
        pytest.param(
            waiver(expires="2026-02-14"), ["house/ticket", "waiver-expired"], id="a day later"
        ),
        pytest.param(waiver(name="other"), ["house/ticket", "waiver-unused"], id="another entry"),
        pytest.param(waiver(rule="other"), ["house/ticket", "waiver-unused"], id="another rule"),
    ],
)
def test_a_waiver_excepts_one_declaration_until_its_day(tmp_path, given, rules):
    books = workspace(tmp_path, first="no ticket", waivers=[given])
    assert sorted(rule for _, rule in found(books)) == rules
    said = [f"house/ticket is waived for first until {TODAY}: Old"]
    assert list(books.waived) == (said if not rules else [])
    assert {problem.rule for problem in books.errors} == set(rules) & {"house/ticket"}


def test_a_waiver_that_is_not_needed_is_no_exception(tmp_path):
    assert found(workspace(tmp_path, waivers=[waiver()])) == [("reconciler.yaml", "waiver-unused")]


def test_a_policy_names_what_the_reference_has(tmp_path):
    (tmp_path / "reconciler.yaml").write_text("""\
apiVersion: journal.reconciler/v1
kind: Workspace
metadata: {name: books}
spec:
  policy:
    approvals:
      tiers: [{required: 2, accountingCodes: [Defered Revenue]}, {required: 1, periods: [Jan 2026]}]
    freeze: [{periods: [January 2026]}]
""")
    (tmp_path / "reference.yaml").write_text("""\
apiVersion: journal.reconciler/v1
kind: Reference
metadata: {name: acme}
spec:
  currencies: [USD]
  accountingPeriods: [{name: Jan-2026, startDate: 2026-01-01, endDate: 2026-01-31}]
  accountingCodes: [{name: Deferred Revenue, type: DeferredRevenue}]
""")
    problems = read_workspace(tmp_path, today=TODAY).errors
    assert sorted(item.message for item in problems if item.rule == "policy-name") == [
        'no accounting code is named "Defered Revenue"',
        'no accounting period is named "Jan 2026"',
        'no accounting period is named "January 2026"',
    ]
