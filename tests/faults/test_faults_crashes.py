"""F1: killed at every labelled point of every action, the next apply finishes what was begun.

The invariants I-01, I-02, I-03, I-05, I-10 and I-26 are decided from the ledger's database.
"""

import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from actions import ACTIONS, NAMES, Action, transfer
from crash_points import CLIENT, EACH_CALL, FOUNDING, ONCE, SERVER, Blow
from laboratory import Lab
from ledger_databases import POSTGRESQL, SQLITE

QUICK = ("create", "replace and delete")
"""The actions of the default suite."""


def client_blows(action: Action, *, full: bool) -> Iterator[Blow]:
    """Every point of the client, at the first, the middle and the last call of five changes."""
    steps = action.calls * len(NAMES)
    for point in CLIENT:
        if point in ONCE:
            turns = [1]
        elif point in EACH_CALL:
            turns = sorted({1, (steps + 1) // 2, steps}) if full else [(steps + 1) // 2]
        else:
            # Between two calls of a change: so often for each of them.
            between = (action.calls - 1) * len(NAMES)
            middle = (between + 1) // 2
            turns = (sorted({1, middle, between}) if full else [middle]) if between else []
        yield from (Blow(point=point, nth=nth, fault="F1") for nth in turns)


def server_blows(action: Action, *, full: bool) -> Iterator[Blow]:
    """Every point of the server, at the first, the middle and the last call of five changes."""
    steps = action.calls * len(NAMES)
    for point in SERVER:
        if point == "S06":
            # Three entries to each of five runs: the second of the first, and so on.
            turns = [2, 8, 14] if action.name.startswith("run") else []
        else:
            turns = sorted({1, (steps + 1) // 2, steps})
        chosen = turns if full else turns[1:2]
        yield from (Blow(point=point, nth=nth, fault="F1") for nth in chosen)


def cells(blows: Callable[..., Iterator[Blow]]) -> list[Any]:
    """A test for each action, blow and database; those of the bounded tier are not marked."""
    found = []
    for action in ACTIONS.values():
        quick = {(b.point, b.nth) for b in blows(action, full=False)}
        for kind in (SQLITE, POSTGRESQL):
            for blow in blows(action, full=True):
                named = f"{blow.point} {action.name}"
                bounded = (
                    action.name in QUICK and kind == SQLITE and (blow.point, blow.nth) in quick
                )
                marks = [pytest.mark.reaches("F1", named)]
                found.append(
                    pytest.param(
                        kind,
                        action,
                        replace(blow, counted_as=named),
                        id=f"{action.name}-{blow.point}-{blow.nth}-{kind}",
                        marks=marks if bounded else [*marks, pytest.mark.faults],
                    )
                )
    return found


@pytest.mark.parametrize(("kind", "action", "blow"), cells(client_blows))
def test_f1_i01_i02_i03_i10_the_client_is_killed(make_lab, tally, kind, action, blow):
    lab = make_lab(action.name, action.prepare, kind=kind)
    foreign = action.untouched(lab)
    action.arrange(lab)
    with tally.watching("F1", blow.counted_as), lab.hosted():
        ended = lab.run(*action.verb, blow=blow)
        assert ended.code == -signal.SIGKILL, ended.said
        lab.require_always()
        recover(lab, action, foreign)


@pytest.mark.parametrize(("kind", "action", "blow"), cells(server_blows))
def test_f1_i01_i02_i03_i66_the_server_is_killed(make_lab, tally, kind, action, blow):
    """The client ends by itself, and says what it does not know; then the server comes back."""
    lab = make_lab(action.name, action.prepare, kind=kind)
    foreign = action.untouched(lab)
    with tally.watching("F1", blow.counted_as):
        with lab.served(blow) as server:
            ended = lab.run(*action.verb)
            assert server.wait().code == -signal.SIGKILL, ended.said
        assert ended.code in (1, 6), ended.said
        assert "Traceback" not in ended.said
        lab.require_always()
        # An abandoned claim on a key is given up after seconds, which pass for the new server.
        lab.clock.pass_by(seconds=30)
        with lab.hosted():
            recover(lab, action, foreign)


def recover(lab: Lab, action: Action, foreign: dict[str, Any]) -> None:
    """One undisturbed run, and what must be so after it."""
    again = lab.run(*action.verb)
    if action.verb[0] == "import" and again.code == 4:
        # What was written or adopted already is not imported again; apply finishes it.
        again = lab.apply()
        unwritten = [number for number in action.verb[1:] if not lab.declares(number)]
        assert again.code == 0, again.said
        if unwritten:
            again = lab.run("import", *unwritten)
    if action.stuck:
        # The first run cannot be cancelled until the connector takes its entry back.
        assert again.code in (0, 4, 6), again.said
        assert "Traceback" not in again.said
        transfer(lab, "No")
        lab.calm()
        again = lab.apply()
    assert again.code == 0, again.said
    lab.require_converged(action.wanted, foreign=foreign, runs=action.now.runs)


@pytest.mark.reaches("F1", f"{FOUNDING} create")
def test_f1_i40_killed_while_the_daybook_is_made(make_lab, tally):
    """A daybook is there whole or not at all; the next run goes on with the one there is."""
    action = ACTIONS["create"]
    lab = make_lab("create on nothing", replace(action, was=()).prepare)
    foreign = lab.truth().foreign
    named = f"{FOUNDING} create"
    with tally.watching("F1", named), lab.hosted():
        ended = lab.apply(blow=Blow(point=FOUNDING, counted_as=named))
        assert ended.code == -signal.SIGKILL, ended.said
        again = lab.apply()
        assert again.code == 0, again.said
        lab.require_converged(action.wanted, foreign=foreign)
