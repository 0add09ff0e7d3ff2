"""What a run lost without a cancel of the run: entries that are cancelled, and that are gone."""

from dataclasses import replace

import pytest
from builders import address, live, recorded, snapshot
from run_builders import BILLING, JR, adopting, declared_run, live_run, recorded_run

from reconciler.core.model.resource import Acknowledgement
from reconciler.core.model.scope import EVERYTHING, Scope
from reconciler.core.planning.decisions import decide_all
from reconciler.core.planning.unanswered import acknowledged_states, unanswered_of

FOUR = tuple(f"JE-{at:08}" for at in range(1, 5))


def run_with(*states):
    """A run of four entries: each posted, `Cancelled`, or None when it was deleted."""
    return live_run(
        *(
            live(number=number, marker=None, status=status)
            for number, status in zip(FOUR, states, strict=True)
            if status
        )
    )


def accepting(*states):
    return declared_run(
        acknowledges=tuple(
            Acknowledgement(number=FOUR[at - 1], status=status, reason="Seen")
            for at, status in states
        )
    )


ON, OFF = "Created", "Cancelled"
KNOWN = recorded_run(entries=FOUR)
CUT = (ON, ON, ON, None)


def told(found):
    changes, drift = decide_all(found)
    moved = [field.before for one in drift for field in one.comparison.fields]
    return moved, [one.message for one in unanswered_of(changes, drift, found)]


@pytest.mark.parametrize(
    ("book", "states", "file", "drift", "said"),
    [
        pytest.param(KNOWN, (ON, ON, ON, ON), declared_run(), "", "", id="all posted"),
        pytest.param(
            KNOWN, CUT, declared_run(), "1 of 4 gone",
            f"1 of 4 entries of {JR} was not found", id="deleted",
        ),
        pytest.param(
            KNOWN, (None,) * 4, declared_run(), "4 of 4 gone",
            f"4 of 4 entries of {JR} were not found", id="all deleted",
        ),
        pytest.param(
            KNOWN, (ON, OFF, None, None), declared_run(), "1 of 4 cancelled, 2 of 4 gone",
            f"1 of 4 entries of {JR} are cancelled, and 2 were not found",
            id="cancelled and deleted",
        ),
        pytest.param(
            recorded_run(), CUT, declared_run(), "", "", id="a daybook without the entries"
        ),
        pytest.param(
            recorded_run(), (ON, ON, OFF, None), declared_run(), "1 of 3 cancelled",
            f"1 of 3 entries of {JR} are cancelled",
            id="a daybook without the entries, and a cancelled one",
        ),
        pytest.param(KNOWN, CUT, accepting((4, "gone")), "", "", id="acknowledged"),
        pytest.param(
            KNOWN, CUT, accepting((4, "Cancelled")), "1 of 4 gone",
            f"1 of 4 entries of {JR} was not found", id="acknowledged in another state",
        ),
        pytest.param(
            KNOWN, (ON, ON, None, None), accepting((4, "gone")), "1 of 4 gone",
            f"1 of 4 entries of {JR} was not found", id="one of two acknowledged",
        ),
    ],
)  # fmt: skip
def test_what_a_run_lost(*, book, states, file, drift, said):
    found = snapshot([file], [book], [run_with(*states)])
    assert told(found) == ([drift] * bool(drift), [said] * bool(said))


def test_what_a_removal_takes_back_is_no_question():
    assert told(snapshot([], [KNOWN], [run_with(*CUT)])) == (["1 of 4 gone"], [])


@pytest.mark.parametrize(("gone", "rules"), [(4, []), (3, ["acknowledges-unused"])])
def test_an_acknowledged_state_is_compared(gone, rules):
    found = snapshot([accepting((gone, "gone"))], [KNOWN], [run_with(*CUT)])
    warnings = acknowledged_states(decide_all(found)[0], found)
    assert [one.rule for one in warnings if one.rule == "acknowledges-unused"] == rules


IMPORTED = recorded(number=FOUR[3], from_run=True)
ITS_FILE = adopting(number=FOUR[3], made_by=JR)
RUN_ALONE = replace(EVERYTHING, addresses=frozenset({BILLING}))


@pytest.mark.parametrize("state", [OFF, None], ids=["cancelled", "gone"])
@pytest.mark.parametrize(
    ("files", "scope", "teller"),
    [
        pytest.param([ITS_FILE], EVERYTHING, address(), id="by its file"),
        pytest.param([], EVERYTHING, BILLING, id="its file is removed"),
        pytest.param([ITS_FILE], RUN_ALONE, BILLING, id="its file is out of scope"),
    ],
)
def test_an_imported_entry_is_told_once(state, files, scope, teller):
    the_run = run_with(ON, ON, ON, state)
    left = [one for one in the_run.members if one.number == FOUR[3]]
    files, book = [declared_run(), *files], [KNOWN, IMPORTED]
    found = snapshot(files, book, [the_run, *left], selection=scope)
    changes, drift = decide_all(found)
    (one,) = unanswered_of(changes, drift, found)
    assert (one.kind, one.name) == (teller.kind, teller.name)


def test_without_a_ledger_nothing_is_known_of_entries():
    offline = replace(EVERYTHING, scope=Scope(offline=True))
    assert told(snapshot([declared_run()], [KNOWN], [live_run()], selection=offline)) == ([], [])
