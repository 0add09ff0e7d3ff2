"""Declared, recorded and live compared (I-50, I-54)."""

from decimal import Decimal

import pytest
from builders import KIND, credit, debit, entry, live

from reconciler.core.model.canonical import equal_values
from reconciler.core.model.plan import UNCHANGED
from reconciler.core.planning.diff import compare, read_back

SEGMENTS = (
    {"segmentName": "Department", "segmentValue": "Finance"},
    {"segmentName": "Region", "segmentValue": "EMEA"},
)


def held(spec=None, **fields):
    """The live fields of a spec as compare gets them: filled by the server, without a marker."""
    return live(spec, marker=None, **fields).fields


def said(comparison):
    """What a comparison asks for, in short."""
    return [(change.name, change.before, change.after) for change in comparison.fields]


NOTHING = entry()


@pytest.mark.parametrize(
    ("declared", "applied", "now", "expected"),
    [
        pytest.param(entry(), entry(), held(), [], id="nothing moved"),
        pytest.param(entry(), None, held(), [], id="nothing recorded, nothing differs"),
        pytest.param(
            entry(notes="b"),
            entry(notes="a"),
            held(notes="a"),
            [("notes", "a", "b")],
            id="the file moved",
        ),
        pytest.param(
            entry(notes="a"),
            entry(notes="a"),
            held(notes="x"),
            [("notes", "x", "a")],
            id="live moved: it is put back",
        ),
        pytest.param(
            entry(notes="b"), entry(notes="a"), held(notes="b"), [], id="both moved to the same"
        ),
        pytest.param(
            entry(),
            entry(notes="a"),
            held(notes="a"),
            [("notes", "a", None)],
            id="a field that left the file is cleared",
        ),
        pytest.param(
            entry(), entry(notes="a"), held(), [], id="it left the file and is cleared already"
        ),
        pytest.param(entry(), entry(), held(notes="x"), [], id="never declared is not ours"),
        pytest.param(entry(), None, held(notes="x"), [], id="not ours, nothing recorded"),
        pytest.param(
            entry(Ticket__c=None),
            entry(),
            held(Ticket__c="T-1"),
            [("Ticket__c", "T-1", None)],
            id="stated as null is cleared",
        ),
        pytest.param(entry(Ticket__c=None), entry(), held(), [], id="null and absent are one"),
        pytest.param(entry(notes=""), entry(), held(), [], id="empty text and absent are one"),
        pytest.param(
            entry(notes=""),
            entry(),
            held(notes="x"),
            [("notes", "x", None)],
            id="stated as empty is cleared",
        ),
        pytest.param(
            entry(Ticket__c="T-2"),
            entry(),
            held(Ticket__c="T-1"),
            [("Ticket__c", "T-1", "T-2")],
            id="a custom field",
        ),
        pytest.param(
            entry(Count__c=Decimal(5)), entry(), held(Count__c="5.00"), [], id="number as text"
        ),
        pytest.param(entry(Done__c=True), entry(), held(Done__c="true"), [], id="boolean as text"),
        pytest.param(
            entry(Count__c=Decimal("5.0")),
            entry(),
            held(Count__c=Decimal(5)),
            [],
            id="a number in another scale",
        ),
        pytest.param(
            entry(segments=SEGMENTS),
            None,
            held(segments=SEGMENTS[::-1]),
            [],
            id="segments compare by name, not by place",
        ),
        pytest.param(
            entry(segments=SEGMENTS[:1]),
            entry(segments=SEGMENTS),
            held(segments=SEGMENTS),
            [("segments", SEGMENTS, SEGMENTS[:1])],
            id="a segment fewer",
        ),
    ],
)
def test_a_field_changes_when(declared, applied, now, expected):
    assert said(compare(KIND, declared, applied, now)) == expected


@pytest.mark.parametrize(
    ("field", "value", "in_place"),
    [
        ("notes", "x", True),
        ("transferredToAccounting", "Error", True),
        ("Ticket__c", "x", True),
        ("accountingPeriodName", "Feb-2026", False),
        ("currency", "EUR", False),
        ("journalEntryDate", "2026-01-30", False),
        ("segments", SEGMENTS, False),
        ("organizationLabel", "North", False),
    ],
)
def test_only_basic_information_changes_in_place(field, value, in_place):
    found = compare(KIND, entry(**{field: value}), entry(), held())
    assert [(change.name, change.in_place) for change in found.fields] == [(field, in_place)]
    assert found.forced_by == (() if in_place else (field,))


STATE = "transferredToAccounting"


@pytest.mark.parametrize(
    ("declared", "applied", "now", "managed", "expected"),
    [
        pytest.param(None, None, "Yes", False, [], id="never declared"),
        pytest.param("No", "No", "Yes", False, [], id="the connector moved it"),
        pytest.param("No", None, "Yes", False, [], id="adding No to a file is no wish"),
        pytest.param("Error", "No", "No", False, [("No", "Error")], id="the file moved it"),
        pytest.param("No", "Error", "Error", False, [("Error", "No")], id="the file moved it back"),
        pytest.param("Ignore", "No", "Yes", False, [("Yes", "Ignore")], id="both moved it"),
        pytest.param(None, "Ignore", "Ignore", False, [], id="left the file: the connector's"),
        pytest.param("No", "No", "Yes", True, [("Yes", "No")], id="managed: put back"),
        pytest.param("Yes", "Yes", "No", True, [("No", "Yes")], id="managed: set again"),
        pytest.param(None, "Ignore", "Ignore", True, [("Ignore", "No")], id="managed: left"),
        pytest.param(None, None, "Yes", True, [], id="managed, but never declared"),
        pytest.param("No", "No", None, True, [], id="managed: null reads as No"),
    ],
)
def test_the_transfer_state_belongs_to_the_connector(declared, applied, now, managed, expected):
    def spec(state):
        return entry() if state is None else entry(**{STATE: state})

    live_now = held(**{STATE: now})
    found = compare(KIND, spec(declared), spec(applied), live_now, manage_observed=managed)
    assert [(change.before, change.after) for change in found.fields] == expected


def test_without_a_record_the_transfer_state_stands_still():
    found = compare(KIND, entry(**{STATE: "Yes"}), None, held(**{STATE: "No"}))
    assert found == UNCHANGED


PLAIN = (debit(), credit())


@pytest.mark.parametrize(
    ("declared", "applied", "now", "expected"),
    [
        pytest.param((debit("400.9"), credit()), PLAIN, PLAIN, False, id="M6 400.9 is 400.90"),
        pytest.param((debit("400.91"), credit()), PLAIN, PLAIN, True, id="one cent"),
        pytest.param((debit(), debit(), credit()), PLAIN, PLAIN, True, id="a line twice"),
        pytest.param((debit(),), PLAIN, PLAIN, True, id="a line dropped"),
        pytest.param(PLAIN[::-1], PLAIN, PLAIN, False, id="the other order"),
        pytest.param((credit(), debit(code="Cash")), PLAIN, PLAIN, True, id="another code"),
        pytest.param((debit(code="Subscription Revenue"), credit()), PLAIN, PLAIN, True, id="code"),
        pytest.param(
            (debit(accountingCodeType="DeferredRevenue"), credit()),
            PLAIN,
            PLAIN,
            False,
            id="a code type that the server knows already",
        ),
        pytest.param(
            (debit(accountingCodeType="Cash"), credit()), PLAIN, PLAIN, True, id="another code type"
        ),
        pytest.param(
            PLAIN,
            (debit(accountingCodeType="DeferredRevenue"), credit()),
            PLAIN,
            False,
            id="leaving out the code type changes nothing in the books",
        ),
        pytest.param(
            (debit(code="On Account", accountingCodeType="OnAccountReceivable"), credit()),
            PLAIN,
            (debit(code="On Account"), credit()),
            False,
            id="two spellings of one code type",
        ),
        pytest.param(
            PLAIN,
            (debit(glString="1-2"), credit()),
            (debit(glString="1-2"), credit()),
            True,
            id="a posting string that left the file",
        ),
        pytest.param(
            PLAIN, (debit(glString="1-2"), credit()), PLAIN, False, id="it left, and is not live"
        ),
        pytest.param(
            (debit(), debit(glString="1-2"), credit("801.80")),
            (debit(glString="1-2"), debit(glString="1-2"), credit("801.80")),
            (debit(glString="1-2"), debit(glString="1-2"), credit("801.80")),
            True,
            id="it left one of two equal lines",
        ),
        pytest.param(
            PLAIN,
            PLAIN,
            (debit(glString="1-2"), credit(glString="1-3")),
            False,
            id="a posting string that the server filled",
        ),
        pytest.param(
            (debit(glString="1-2"), debit(), credit("801.80")),
            (debit(glString="1-2"), debit(), credit("801.80")),
            (debit(glString="1-9"), debit(glString="1-2"), credit("801.80")),
            False,
            id="one that the server filled beside one that the file states",
        ),
        pytest.param(
            PLAIN,
            (debit(home="400.90"), credit(home="400.90")),
            (debit(home="400.90"), credit(home="400.90")),
            False,
            id="a home amount equal to the amount says nothing",
        ),
        pytest.param(
            PLAIN,
            (debit(home="370"), credit(home="370")),
            (debit(home="370"), credit(home="370")),
            True,
            id="home amounts that left the file",
        ),
        pytest.param(
            (debit(home="370.00"), credit(home="370")),
            None,
            (debit(home="370"), credit(home="370")),
            False,
            id="home amounts in another scale",
        ),
        pytest.param(
            (debit(home="370.01"), credit(home="370.01")),
            None,
            (debit(home="370"), credit(home="370")),
            True,
            id="another home amount",
        ),
    ],
)
def test_lines_force_a_replacement_when(declared, applied, now, expected):
    found = compare(KIND, entry(*declared), applied and entry(*applied), held(entry(*now)))
    assert found.forced_by == (("journalEntryItems",) if expected else ())
    assert bool(found) == expected


def test_a_replaced_line_is_named_on_both_sides():
    found = compare(
        KIND, entry(debit("7"), credit("7")), None, held(entry(debit("7"), credit("8")))
    )
    assert [line["amount"] for line in found.lines_added] == [Decimal(7)]
    assert [line["amount"] for line in found.lines_removed] == [Decimal(8)]


def updates(comparison):
    return [(dict(update.before), dict(update.fields)) for update in comparison.line_updates]


@pytest.mark.parametrize(
    ("declared", "applied", "now", "expected"),
    [
        pytest.param(
            (debit(Team__c="b"), credit()),
            (debit(Team__c="a"), credit()),
            (debit(Team__c="a"), credit()),
            [({"Team__c": "a"}, {"Team__c": "b"})],
            id="a custom field moved in the file",
        ),
        pytest.param(
            PLAIN,
            (debit(Team__c="a"), credit()),
            (debit(Team__c="a"), credit()),
            [({"Team__c": "a"}, {"Team__c": None})],
            id="a custom field left the file",
        ),
        pytest.param(
            PLAIN, PLAIN, (debit(Team__c="x"), credit()), [], id="never declared is not ours"
        ),
        pytest.param(
            (debit(Team__c="a"), credit()),
            (debit(Team__c="a"), credit()),
            (debit(Team__c="a"), credit(Team__c="x")),
            [],
            id="declared on one line is not ours on another",
        ),
        pytest.param(
            (debit(Team__c=None), credit()),
            PLAIN,
            (debit(Team__c="x"), credit()),
            [({"Team__c": "x"}, {"Team__c": None})],
            id="stated as null is cleared",
        ),
        pytest.param(
            (debit(Team__c=False), credit()),
            None,
            (debit(), credit()),
            [({"Team__c": None}, {"Team__c": False})],
            id="false is not absent",
        ),
        pytest.param(
            (debit(Team__c=Decimal(5)), credit()),
            None,
            (debit(Team__c="5"), credit()),
            [],
            id="a number that comes back as text",
        ),
        pytest.param(
            (debit(notes="b"), credit()),
            (debit(notes="a"), credit()),
            PLAIN,
            [({"notes": "a"}, {"notes": "b"})],
            id="notes cannot be read, so the file is compared with what was applied",
        ),
        pytest.param(
            PLAIN,
            (debit(notes="a"), credit()),
            PLAIN,
            [({"notes": "a"}, {"notes": None})],
            id="notes left the file",
        ),
        pytest.param(
            (debit(notes="a"), credit()),
            (debit(notes="a"), credit()),
            PLAIN,
            [],
            id="notes that are never read back are no difference",
        ),
        pytest.param((debit(notes="a"), credit()), None, PLAIN, [], id="notes, nothing recorded"),
        pytest.param(
            (debit(notes="a", accountingCodeType="DeferredRevenue"), credit()),
            (debit(notes="a"), credit()),
            PLAIN,
            [],
            id="a line that now states its code type is the same line",
        ),
        pytest.param(
            (debit("7", notes="a"), credit("7")),
            PLAIN,
            (debit("7"), credit("7")),
            [({"notes": None}, {"notes": "a"})],
            id="a line that was put into the ledger by hand, and declared since",
        ),
        pytest.param(
            (debit("1", notes="a"), debit("1", notes="b"), credit("2")),
            (debit("1", notes="b"), debit("1", notes="a"), credit("2")),
            (debit("1"), debit("1"), credit("2")),
            [],
            id="equal lines with notes, in the other order",
        ),
    ],
)
def test_a_line_is_updated_in_place_when(declared, applied, now, expected):
    found = compare(KIND, entry(*declared), applied and entry(*applied), held(entry(*now)))
    assert updates(found) == expected
    assert found.forced_by == ()


def test_two_lines_of_one_code_and_side_cannot_be_updated_so_the_entry_is_replaced():
    """API facts 3.5: items have no id."""
    lines = debit("1"), debit("2"), credit("3")
    now = held(entry(*lines))
    found = compare(KIND, entry(debit("1", Team__c="a"), *lines[1:]), entry(*lines), now)
    assert found.forced_by == ("journalEntryItems",)
    assert updates(found) == [({"Team__c": None}, {"Team__c": "a"})]


def test_equal_lines_pair_so_that_nothing_has_to_change():
    """A foreign field on one of two equal lines must not swap them."""
    lines = debit("1", Team__c="a"), debit("1"), credit("2")
    now = held(entry(debit("1", Team__c="a"), debit("1", Project__c="foreign"), credit("2")))
    assert compare(KIND, entry(*lines), entry(*lines), now) == UNCHANGED
    assert compare(KIND, entry(*lines[::-1]), entry(*lines), now) == UNCHANGED


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("a", "a", True),
        ("a", "b", False),
        (Decimal("5.0"), Decimal(5), True),
        (Decimal(5), "5.00", True),
        (Decimal(1000), "1E+3", True),
        (Decimal(5), "5E", False),
        ("-5", Decimal(-5), True),
        (Decimal(5), "6", False),
        (Decimal(5), "5 ", False),
        (Decimal(5), "five", False),
        (Decimal(5), "\uff15", False),
        ("5", "5.0", False),
        ("007", "7", False),
        (True, "true", True),
        ("false", False, True),
        (True, "True", False),
        (True, True, True),
        (True, False, False),
        (True, Decimal(1), False),
        (False, Decimal(0), False),
        (None, "", False),
        (None, None, True),
        (None, False, False),
        ((), None, False),
    ],
)
def test_two_values_of_one_field_are_alike(left, right, expected):
    assert equal_values(left, right) is expected
    assert equal_values(right, left) is expected


@pytest.mark.parametrize(
    ("asked", "applied", "now", "missing"),
    [
        pytest.param(entry(notes="b"), entry(notes="a"), held(notes="b"), [], id="as asked"),
        pytest.param(
            entry(notes="b"), entry(notes="a"), held(notes="a"), ["notes"], id="not taken"
        ),
        pytest.param(
            entry(), entry(notes="a"), held(notes="a"), ["notes"], id="a field was not cleared"
        ),
        pytest.param(
            entry(debit(notes="b"), credit()),
            entry(debit(notes="a"), credit()),
            held(),
            [],
            id="line notes cannot be read back",
        ),
        pytest.param(entry(), None, held(), [], id="after a create nothing was there"),
    ],
)
def test_reading_back_shows_what_was_not_done(asked, applied, now, missing):
    """I-32."""
    assert [change.name for change in read_back(KIND, asked, applied, now).fields] == missing
