"""Renames on a real ledger: one marker moves, and whatever breaks off ends in one entry (I-01)."""

import json
import random

import pytest
from apply_harness import (
    each,
    files,
    lost_after,
    lost_before,
    nth,
    of,
    outcomes,
    refused_connection,
)
from builders import address, declared

from reconciler.errors import DaybookError

LATER = {"hours": 30}
"""Long after every key is forgotten, and every query has caught up."""


def renamed(spec, name="new", before="old"):
    return {name: declared(spec, name=name, previous_name=before)}


OLD = files(old=of("1.00", notes="a"))
SAME = renamed(of("1.00", notes="a"))
DEARER = renamed(of("2.00", notes="a"))


def reasons(bench):
    return [(change.action.value, change.reason.value) for change in bench.planned.pending]


def test_i22_a_rename_changes_the_marker_and_nothing_else(bench):
    bench.converge(OLD)
    (number,) = bench.live()["old"]
    before = bench.rows("select * from journal_entries")
    bench.verbs()
    assert outcomes(bench.apply(SAME)) == {"done"}
    assert reasons(bench) == [("adopt", "renamed")]
    assert json.loads(bench.line.sent[0].body) == {"ReconcilerKey__c": "books/new"}
    assert bench.verbs() == ["basic-information"]
    (row,) = bench.rows("select * from journal_entries")
    moved = {name for name in row.keys() if row[name] != before[0][name]}  # noqa: SIM118
    assert moved <= {"custom_fields", "updated_on", "updated_by"}
    assert bench.live() == {"new": [number]}
    bench.require_converged(SAME)


@pytest.mark.long
def test_a_field_that_leaves_the_file_with_the_rename_is_cleared(bench):
    bench.converge(OLD)
    bench.converge(renamed(of("1.00")))


def test_an_amount_replaces_the_entry_of_the_old_name(bench):
    bench.converge(OLD)
    (number,) = bench.live()["old"]
    bench.verbs()
    assert outcomes(bench.apply(DEARER)) == {"done"}
    assert reasons(bench) == [("replace", "renamed")]
    assert bench.verbs() == ["basic-information", "cancel", "create", "delete"]
    assert bench.live()["new"] != [number]
    bench.require_converged(DEARER)


def faults():
    """What may go amiss with each call; some now, the rest in the long sweep."""
    for at in range(1, 5):
        for fault in (lost_before, lost_after, refused_connection):
            for wanted in (SAME, DEARER):
                now = (at == 1) == (wanted is SAME) and fault is lost_after and at != 4
                what = "as it is" if wanted is SAME else "and replaced"
                yield pytest.param(
                    wanted, at, fault, id=f"{what}, {fault.__name__}, {at}",
                    marks=() if now else pytest.mark.long,
                )  # fmt: skip


@pytest.mark.parametrize(("wanted", "at", "fault"), list(faults()))
def test_i01_a_rename_that_meets_a_fault_converges(bench, wanted, at, fault):
    bench.converge(OLD)
    bench.line.choose = nth(at, fault)
    bench.apply(wanted)
    bench.converge(wanted)


class Died(BaseException):
    """The process ends here."""


def crashes():
    """Where the process ends, and what the file says after it; some now, the rest in the sweep."""
    for at in ("the intent", "the call", "the outcome"):
        for kept in (True, False):
            for wanted in (SAME, DEARER):
                what = "as it is" if wanted is SAME else "and replaced"
                key = "the key stays" if kept else "the key is gone"
                now = at == "the call" or (at, kept, wanted is SAME) == ("the intent", True, True)
                marks = () if now else pytest.mark.long
                yield pytest.param(wanted, kept, at, id=f"{at}, {key}, {what}", marks=marks)


@pytest.mark.parametrize(("wanted", "kept", "at"), list(crashes()))
def test_i01_i08_a_crash_between_the_steps_of_a_rename_converges(
    bench, monkeypatch, wanted, at, kept
):
    """Live old and recorded old; live new and recorded old; both new."""
    bench.converge(OLD)

    def die(*_, **__):
        raise Died

    with monkeypatch.context() as patch:
        if at == "the call":
            bench.line.choose = lambda sent: lost_after
            patch.setattr("reconciler.daybook.Daybook.record_outcome", die)
        else:
            name = {"the intent": "record_intent", "the outcome": "record_outcome"}[at]
            patch.setattr(f"reconciler.daybook.Daybook.{name}", die)
        with pytest.raises(Died):
            bench.apply(wanted)
    assert set(bench.live()) == {"old" if at == "the intent" else "new"}
    with bench.daybook(write=False) as book:
        assert [one.address.name for one in book.recorded().values() if one.number] == ["old"]
    if not kept:
        wanted = {name: declared(one.spec, name=name) for name, one in wanted.items()}
        if at == "the intent":
            # Nothing was done, and no file says any more that the two are one.
            return
    bench.converge(wanted)


@pytest.mark.parametrize(
    "wanted", [SAME, pytest.param(DEARER, marks=pytest.mark.long)], ids=["as it is", "and replaced"]
)
def test_i44_a_lost_daybook_is_no_hindrance(bench, wanted):
    bench.converge(OLD)
    for path in bench.root.glob("daybook.db*"):
        path.unlink()
    bench.clock.pass_by(**LATER)
    bench.converge(wanted)
    assert bench.doubled == []


def test_i44_a_daybook_from_before_the_rename_takes_note_of_it(bench):
    bench.converge(OLD)
    copy = (bench.root / "daybook.db").read_bytes()
    bench.converge(SAME)
    before = bench.live()
    for path in bench.root.glob("daybook.db*"):
        path.unlink()
    bench.daybook_path.write_bytes(copy)
    bench.clock.pass_by(**LATER)
    wanted = files(new=SAME["new"].spec)
    bench.verbs()
    bench.converge(wanted)
    assert bench.verbs() == []
    assert bench.live() == before


@pytest.mark.long
def test_a_chain_of_names_over_several_applies(bench):
    bench.converge(files(a=of("1.00")))
    (number,) = bench.live()["a"]
    for name, before in (("b", "a"), ("c", "b"), ("a", "c")):
        bench.converge(renamed(of("1.00"), name=name, before=before))
        assert bench.live() == {name: [number]}


def test_a_chain_whose_middle_was_never_applied(bench):
    bench.converge(files(a=of("1.00")))
    (number,) = bench.live()["a"]
    bench.converge(renamed(of("1.00"), name="c", before="b"))
    assert bench.live() == {"c": [number]}


@pytest.mark.long
def test_the_key_may_stay_and_the_old_name_be_used_again(bench):
    bench.converge(OLD)
    (number,) = bench.live()["old"]
    bench.converge(SAME)
    # The file rule wants the key gone by then; a plan does not depend on it.
    both = {**files(new=SAME["new"].spec), **files(old=of("7.00"))}
    bench.converge(both)
    assert bench.live()["new"] == [number]


def test_a_rename_whose_daybook_breaks_says_what_happened(bench, monkeypatch):
    """I-43: the marker is written, and nothing recorded."""
    bench.converge(OLD)

    def full(*_, **__):
        raise DaybookError("no room", remedy="Make some.")

    with monkeypatch.context() as patch:
        patch.setattr("reconciler.daybook.Daybook.record_outcome", full)
        report = bench.apply(SAME)
    assert "took effect; this is not recorded" in report.applied[0].message
    bench.converge(SAME)


# Who may write.


def live_marker(bench, number, marker):
    bench.api(
        "PUT", f"/v1/journal-entries/{number}/basic-information", {"ReconcilerKey__c": marker}
    )


CHANGES = {
    "update": (OLD, files(old=of("1.00", notes="b"))),
    "replace": (OLD, files(old=of("2.00", notes="a"))),
    "remove": (OLD, {}),
    "rename": (OLD, SAME),
    "rename and replace": (OLD, DEARER),
    "adopt": ({}, {"old": declared(of("1.00", notes="a"), name="old", adopts="JE-00000001")}),
}
MARKERS = {
    None: "no marker",
    "theirs/old": "another workspace",
    "books/other": "another name",
}


def takings():
    """Every change, every marker, before and after the plan; some now, the rest in the sweep."""
    for change in CHANGES:
        for marker, what in MARKERS.items():
            for when in ("before the plan", "after the plan"):
                if (change, marker, when) != ("adopt", None, "before the plan"):
                    now = marker == "theirs/old" and (
                        change == "rename" or (change, when[0]) == ("adopt", "b")
                    )
                    marks = () if now else pytest.mark.long
                    name = f"{change}, {what}, {when}"
                    yield pytest.param(change, marker, when, id=name, marks=marks)


@pytest.mark.parametrize(("change", "marker", "when"), list(takings()))
def test_i22_a10_nothing_is_written_to_an_entry_that_is_not_ours(bench, change, marker, when):
    applied, wanted = CHANGES[change]
    if applied:
        bench.apply(applied)
    else:
        bench.post_foreign(**json.loads(json.dumps(of("1.00", notes="a"), default=str)))
    if change == "adopt" and marker is None:
        # An entry without a marker is what is adopted.
        marker = "theirs/old"
    taken = []

    def take():
        live_marker(bench, "JE-00000001", marker)
        taken.extend(tuple(row) for row in bench.rows("select * from journal_entries"))

    if when == "before the plan":
        take()
    bench.verbs()
    report = bench.apply(wanted, between=take if when == "after the plan" else lambda: None)
    assert outcomes(report) == {"blocked" if when == "before the plan" else "failed"}
    if when == "before the plan":
        (blocked,) = {change.block.rule for change in bench.planned.pending}
        assert blocked == "ownership"
    assert bench.verbs() == []
    assert [tuple(row) for row in bench.rows("select * from journal_entries")] == taken


@pytest.mark.parametrize("marker", ["theirs/old"])
def test_i24_a_predecessor_that_is_not_ours_any_more_is_not_deleted(bench, marker):
    bench.apply(OLD)
    wanted = files(old=of("2.00", notes="a"))
    bench.line.choose = lambda sent: lost_before if sent.verb == "delete" else None
    bench.apply(wanted)
    bench.line.choose = lambda sent: None
    bench.execute(
        "update journal_entries set custom_fields = "
        f"'{json.dumps({'ReconcilerKey__c': marker} if marker else {})}' "
        "where number = 'JE-00000001'"
    )
    bench.verbs()
    assert outcomes(bench.apply(wanted)) == {"blocked"}
    assert bench.planned.pending[0].block.rule == "ownership"
    assert bench.verbs() == []


# Everything at once.


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.long if seed >= 1 else ()) for seed in range(60)]
)
def test_i01_any_history_of_renames_and_faults_converges(bench, seed):
    chance = random.Random(seed)
    name, amount, wanted = "n0", "1.00", files(n0=of("1.00"))
    bench.converge(wanted)
    for at in range(1, chance.randint(3, 6)):
        if chance.random() < 0.5:
            amount = f"{chance.randint(1, 3)}.00"
        wanted = renamed(of(amount), name=f"n{at}", before=name)
        name = f"n{at}"
        faults = [lost_before, lost_after, refused_connection, None, None]
        bench.line.choose = each(*(chance.choice(faults) for _ in range(6)))
        bench.apply(wanted)
        bench.line.choose = lambda sent: None
        if chance.random() < 0.6:
            bench.apply(wanted)
        if chance.random() < 0.3:
            bench.clock.pass_by(**LATER)
        with bench.daybook(write=False) as book:
            state = book.recorded().get(address(name))
        if state is None or state.number is None:
            # The next rename would be of a name that was never applied.
            bench.clock.pass_by(**LATER)
            bench.converge(wanted)
    bench.converge(wanted)
    assert bench.doubled == []
