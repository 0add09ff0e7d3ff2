"""F1: killed at every labelled point of every action, the next apply finishes what was begun.

The invariants I-01, I-02, I-03, I-05, I-10 and I-26 are decided from the ledger's database.
"""

import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from actions import ACTIONS, NAMES, Action
from crash_points import (
    CLIENT,
    EACH_CALL,
    FOUNDING,
    FOUNDING_IN_A_FILE,
    LEASE,
    ONCE,
    SERVER,
    Blow,
)
from ledger_databases import POSTGRESQL, SQLITE
from program import Program
from recovery import recover

SHARED = ("create", "replace and delete", "cancel", "delete")
"""The actions that are carried out with a daybook on PostgreSQL, too."""

QUICK = {
    *((point, "create", SQLITE) for point in (*CLIENT, *SERVER)),
    *((point, "replace and delete", SQLITE) for point in ("C08", "C12", "C14", "S04")),
    ("S06", "run create", SQLITE),
    *((point, "create", POSTGRESQL) for point in ("C05", "C11", "C16 giving back")),
}
"""What the default suite has: point, action and where the daybook is; at the middle turn."""

INSTALL_ALL = """
import crash_points as points
for install in points.POINTS.values():
    install(points.Fuse(points.Blow(point=""), None))
"""

WITHOUT_A_LEASE = ("C01", "C02 taking", "C16 given back")
"""Where a client is killed that does not hold a shared daybook."""


def client_blows(action: Action) -> Iterator[tuple[Blow, bool]]:
    """Every point of the client, at the first, the middle and the last call of five changes.

    With each goes whether it is the turn for the default suite.
    """
    steps = action.calls * len(NAMES)
    points = (*CLIENT, *LEASE) if action.name in SHARED else CLIENT
    for point in points:
        if point in ONCE or point in LEASE:
            last = 1
        elif point in EACH_CALL:
            last = steps
        else:
            # Between two calls of a change: so often for each of them.
            last = (action.calls - 1) * len(NAMES)
        middle = (last + 1) // 2
        for nth in sorted({1, middle, last}) if last else ():
            yield Blow(point=point, nth=nth, fault="F1"), nth == middle


def server_blows(action: Action) -> Iterator[tuple[Blow, bool]]:
    """Every point of the server, at the first, the middle and the last call of five changes."""
    steps = action.calls * len(NAMES)
    for point in SERVER:
        turns = [1, (steps + 1) // 2, steps]
        if point == "S06":
            turns = between_entries(action)
        for nth in sorted({*turns}):
            yield Blow(point=point, nth=nth, fault="F1"), nth == turns[1]


def between_entries(action: Action) -> list[int]:
    """When the worker is inside a run: three entries to each of five, but for the one stuck."""
    if action.stuck:
        return [1, 7, 13]
    return [2, 8, 14] if action.name.startswith("run") else []


Blows = Callable[[Action], Iterator[tuple[Blow, bool]]]


def cells(blows: Blows, *, shared: bool) -> list[Any]:
    """A test for each action, blow and place; those of the bounded tier are not marked."""
    found = []
    places = [(SQLITE, SQLITE), (POSTGRESQL, SQLITE), *([(SQLITE, POSTGRESQL)] if shared else [])]
    for action in ACTIONS.values():
        for kind, daybook in places:
            if daybook == POSTGRESQL and action.name not in SHARED:
                continue
            for blow, middle in blows(action):
                named = f"{blow.point} {action.name}"
                at = f"{named}, shared daybook" if daybook == POSTGRESQL else named
                place = f"{kind}-shared" if daybook == POSTGRESQL else kind
                bounded = middle and kind == SQLITE and (blow.point, action.name, daybook) in QUICK
                marks = [pytest.mark.reaches("F1", at)]
                found.append(
                    pytest.param(
                        *((kind, daybook) if shared else (kind,)),
                        action,
                        replace(blow, counted_as=at),
                        id=f"{action.name}-{blow.point}-{blow.nth}-{place}",
                        marks=marks if bounded else [*marks, pytest.mark.faults],
                    )
                )
    return found


def test_every_point_is_in_the_product():
    """Points that the default suite does not reach are found there all the same."""
    with Program([], script=INSTALL_ALL, install=["crash_points"]) as program:
        pass
    assert program.returncode == 0


@pytest.mark.parametrize(("kind", "daybook", "action", "blow"), cells(client_blows, shared=True))
def test_f1_i01_i02_i03_i10_i42_the_client_is_killed(make_lab, tally, kind, daybook, action, blow):
    lab = make_lab(action.name, action.prepare, kind=kind, daybook=daybook)
    foreign = action.untouched(lab)
    action.arrange(lab)
    with tally.watching("F1", blow.counted_as), lab.hosted():
        ended = lab.run(*action.verb, blow=blow)
        assert ended.code == -signal.SIGKILL, ended.said
        lab.require_always()
        held = lab.break_lease()
        assert (held is not None) == (
            daybook == POSTGRESQL and blow.point not in WITHOUT_A_LEASE
        ), held
        recover(lab, action, foreign)


@pytest.mark.parametrize(("kind", "action", "blow"), cells(server_blows, shared=False))
def test_f1_i01_i02_i03_i66_the_server_is_killed(make_lab, tally, kind, action, blow):
    """The client ends by itself, and says what it does not know; then the server comes back."""
    lab = make_lab(action.name, action.prepare, kind=kind)
    foreign = action.untouched(lab)
    with tally.watching("F1", blow.counted_as):
        with lab.served(blow, connected=action.stuck) as server:
            ended = lab.run(*action.verb)
            assert server.wait().code == -signal.SIGKILL, ended.said
        assert ended.code in (1, 6), ended.said
        assert "Traceback" not in ended.said
        lab.require_always()
        # An abandoned claim on a key is given up after seconds, which pass for the new server.
        lab.clock.pass_by(seconds=30)
        action.arrange(lab)
        with lab.hosted():
            recover(lab, action, foreign)


def foundings() -> Iterator[Any]:
    """Every moment at which a new daybook may be half made, in a file and on PostgreSQL."""
    for daybook, points in (
        (SQLITE, {**FOUNDING, **FOUNDING_IN_A_FILE}),
        (POSTGRESQL, FOUNDING),
    ):
        for point in points:
            bounded = (point, daybook) in {("C12 named", SQLITE), ("C11 founding", POSTGRESQL)}
            marks = [pytest.mark.reaches("F1", f"{point}, {daybook}")]
            yield pytest.param(
                daybook,
                point,
                id=f"{point}-{daybook}",
                marks=marks if bounded else [*marks, pytest.mark.faults],
            )


@pytest.mark.parametrize(("daybook", "point"), list(foundings()))
def test_f1_i40_killed_while_the_daybook_is_made(make_lab, tally, daybook, point):
    """A daybook is there whole or not at all; the next run goes on with the one there is."""
    action = ACTIONS["create"]
    lab = make_lab("create on nothing", replace(action, was=()).prepare, daybook=daybook)
    foreign = lab.truth().foreign
    named = f"{point}, {daybook}"
    with tally.watching("F1", named), lab.hosted():
        ended = lab.apply(blow=Blow(point=point, counted_as=named))
        assert ended.code == -signal.SIGKILL, ended.said
        recover(lab, action, foreign)
