"""Warnings are governed: raised, lowered where no money is at stake, waived for single entries."""

import pytest
from books_harness import JOURNALS, reconciler
from checkouts import Checkout

from reconciler.app.explain import all_rules
from reconciler.core.model.finding import Severity
from reconciler.core.model.policy import Level, Policy
from reconciler.core.planning.limits.stricter import stricter
from reconciler.core.rules.severities import LOWERABLE, WAIVABLE

GUARDS = frozenset(
    """
    acknowledged acknowledges-unused date-in-period daybook-new daybook-older daybook-unread
    dimension-transferred equal-allowed file-ignored forgotten-posted generated-missing
    home-currency import-vanished ledger-not-searched ledger-older limits-unchecked
    offline-daybook open-call original-alone
    policy-changed possible-rename reference-changed reversal-renamed reversal-unproved
    reversal-waiting run-overlap same-economics stamps-wrong unread-spill untracked-entry
    unusual-rate
    waiver-applied waiver-expired waiver-unused yaml-comment
    """.split()  # noqa: SIM905  a word a rule is easier to compare than a list
)
"""The rules that guard money or evidence. Whoever adds a warning decides where it belongs."""

LATER, EARLIER = "2999-12-31", "2020-01-01"


def waiver(rule, expires=LATER):
    return f"waivers: [{{rule: {rule}, name: two, reason: Both are meant, expires: {expires}}}]"


@pytest.fixture
def warned(empty):
    """Books with a warning about money, two equal entries, and with one about a spreadsheet."""
    empty.declare("one")
    empty.declare("two")
    empty.write("march.csv", "a,b")
    return empty


def found(books, policy, *words):
    """The exit code of `validate` under a policy, and the rules with their severities."""
    books.settings(spec=f"{{policy: {policy}}}")
    ended = books.run("validate", "--format", "json", *words)
    rows = ended.json["problems"]
    return ended.code, {row["rule"]: row["severity"] for row in rows}


EQUAL, SHEET = ("same-economics", "warning"), ("file-spreadsheet", "warning")


@pytest.mark.parametrize(
    ("policy", "code", "severities"),
    [
        pytest.param("{}", 0, {EQUAL, SHEET}, id="as they are"),
        pytest.param(
            "{severities: {same-economics: error}}", 3,
            {("same-economics", "error"), SHEET}, id="raised",
        ),
        pytest.param(
            "{severities: {file-spreadsheet: information}}", 0,
            {EQUAL, ("file-spreadsheet", "information")}, id="lowered",
        ),
        pytest.param("{severities: {file-spreadsheet: off}}", 0, {EQUAL}, id="off"),
        pytest.param(
            "{strict: true, severities: {file-spreadsheet: off}}", 3,
            {("same-economics", "error")}, id="what is off is not strict",
        ),
        pytest.param(
            f"{{{waiver('same-economics')}}}", 0, {SHEET}, id="waived"
        ),
        pytest.param(
            f"{{strict: [same-economics], {waiver('same-economics')}}}",
            0, {SHEET}, id="waived, though strict",
        ),
        pytest.param(
            f"{{{waiver('same-economics', EARLIER)}}}", 0,
            {EQUAL, SHEET, ("waiver-expired", "warning")}, id="no longer waived",
        ),
        pytest.param(
            f"{{{waiver('date-in-period')}}}", 0,
            {EQUAL, SHEET, ("waiver-unused", "warning")}, id="a waiver that covers nothing",
        ),
        pytest.param(
            f"{{{waiver('file-spreadsheet')}}}", 0,
            {EQUAL, SHEET, ("waiver-unused", "warning")}, id="no warning about an entry",
        ),
        pytest.param(
            "{severities: {same-economics: off}}", 3,
            {EQUAL, SHEET, ("policy-severity", "error")}, id="a guard of money",
        ),
        pytest.param(
            "{severities: {known-accounting-code: warning}}", 3,
            {EQUAL, SHEET, ("policy-severity", "error")}, id="an error",
        ),
        pytest.param(
            "{strict: [file-spreadsheet], severities: {file-spreadsheet: off}}", 3,
            {EQUAL, ("policy-severity", "error")}, id="two opposite words",
        ),
        pytest.param(
            "{severities: {same-economic: error}}", 3,
            {EQUAL, SHEET, ("policy-name", "error")}, id="a misspelt rule",
        ),
    ],
)  # fmt: skip
def test_a_policy_governs_warnings(warned, policy, code, severities):
    ended, rules = found(warned, policy)
    assert set(rules.items()) == severities
    assert ended == code


QUERY = ("--live", "query")
VERBS = {
    # How each verb ends at each level of a rule about files, and of one about how it read the
    # ledger. None: the verb shows no finding under that rule.
    "validate": {"file-spreadsheet": 3, "cache-discarded": None},
    "plan": {"file-spreadsheet": 3, "cache-discarded": 4},
    "apply": {"file-spreadsheet": 3, "cache-discarded": 4},
    "drift": {"file-spreadsheet": 3, "cache-discarded": 7},
    "close-check": {"file-spreadsheet": 3, "cache-discarded": None},
}
ARGUMENTS = {
    "plan": QUERY,
    "apply": ("--auto-approve", *QUERY),
    "drift": QUERY,
    "close-check": ("Jan-2026", "--allow", "earlier-period", "--allow", "not-transferred"),
}


@pytest.mark.parametrize("level", ["error", "warning", "information", "off"])
@pytest.mark.parametrize("rule", ["cache-discarded", "file-spreadsheet"])
def test_every_verb_ends_by_the_level_of_what_it_finds(empty, rule, level):
    empty.declare("one")
    empty.settings(spec=f"{{policy: {{severities: {{{rule}: {level}}}}}}}")
    assert empty.apply().code == 0
    empty.write("march.csv", "a,b")
    for verb, ends in VERBS.items():
        (empty.root / ".reconciler" / "cache.db").write_text("damaged")
        ended = empty.run(verb, *ARGUMENTS.get(verb, ()))
        fails = level == "error" or (
            level == "warning" and (verb, rule) == ("drift", "cache-discarded")
        )
        code = ends[rule] if fails and ends[rule] is not None else 0
        assert ended.code == code, (verb, ended.said)
        if rule == "cache-discarded" and ends[rule] is not None:
            word = {"error": "warning", "off": ""}.get(level, level)
            shown = f"{word}[{rule}]" if word else rule
            assert (shown in ended.out) is bool(word), (verb, ended.said)
            assert ("older copy" in ended.out) is False


def test_every_warning_is_lowerable_or_a_guard():
    """A rule that is on neither list was forgotten, and one on both contradicts itself."""
    warnings = {name for name, rule in all_rules().items() if rule.severity is not Severity.ERROR}
    assert warnings == LOWERABLE | GUARDS
    assert not LOWERABLE & GUARDS
    assert WAIVABLE <= GUARDS


def test_a_plan_shows_a_waiver_and_no_warning(warned):
    warned.settings(spec=f"{{policy: {{{waiver('same-economics')}}}}}")
    shown = warned.plan("--strict").out
    assert "information[waiver-applied]: same-economics is waived for two until 2999" in shown
    assert "[same-economics]" not in shown
    assert warned.apply().code == 0
    # Without the waiver, a plan that changes nothing would have a warning too.
    again = warned.plan().out
    assert "information[waiver-applied]: same-economics is waived for two until 2999" in again


def test_a_change_does_not_lift_the_warning_that_it_breaks(empty):
    """Levels and waivers of the approved base hold until an apply under the new ones completes."""
    empty.declare("one")
    empty.settings(spec="{policy: {strict: true}}")
    empty.remove("one")
    checkout = Checkout(empty)
    empty.declare("one")
    empty.declare("two")
    empty.settings(spec=f"{{policy: {{{waiver('same-economics')}}}}}")
    checkout.commit("Waive, and break")
    ended = empty.plan()
    assert ended.code == 4, ended.said
    assert "strict-warning" in ended.said
    assert "same-economics" in ended.said


@pytest.mark.parametrize(
    ("old", "new", "held"),
    [
        pytest.param({}, {"a": "off"}, {}, id="lowered by the change alone"),
        pytest.param({"a": "off"}, {}, {}, id="no longer lowered"),
        pytest.param({"a": "off"}, {"a": "information"}, {"a": "information"}, id="the higher"),
        pytest.param({"a": "error"}, {}, {"a": "error"}, id="raised by the base"),
        pytest.param({}, {"a": "error"}, {"a": "error"}, id="raised by the change"),
    ],
)
def test_the_higher_level_of_two_policies_holds(old, new, held):
    before, after = (
        Policy(severities={rule: Level(level) for rule, level in levels.items()})
        for levels in (old, new)
    )
    assert stricter(before, after, 10).severities == held


def test_the_example_books_are_clean():
    ended = reconciler("validate", "-w", JOURNALS, "--strict")
    assert ended.code == 0, ended.said
    assert "0 errors, 0 warnings." in ended.out
