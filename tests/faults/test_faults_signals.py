"""F6: signals end a run with a whole report, and the sequence of a cancelled job loses nothing."""

import json
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from actions import ACTIONS, NAMES
from crash_points import EACH_CALL, Blow

QUICK = {("create", "C06", signal.SIGINT), ("replace and delete", "C08", signal.SIGTERM)}
SCALE = 0.02
"""A cancelled job is given 7.5 seconds, then 2.5; here so much of them."""


def signals() -> Iterator[Any]:
    for name, action in ACTIONS.items():
        if action.verb[0] != "apply" or action.stuck:
            continue
        for point in EACH_CALL:
            for number in (signal.SIGINT, signal.SIGTERM):
                counted = f"{number.name} {name}"
                marks = [pytest.mark.reaches("F6", counted)]
                yield pytest.param(
                    action,
                    Blow(point=point, nth=2, signal=number, fault="F6", counted_as=counted),
                    id=f"{name}-{point}-{number.name}",
                    marks=marks if (name, point, number) in QUICK else [*marks, pytest.mark.faults],
                )


@pytest.mark.parametrize(("action", "blow"), list(signals()))
def test_f6_i11_i33_a_signal_ends_the_run_with_a_whole_report(make_lab, tally, action, blow):
    """The call in flight is settled and stored, and every change is accounted for."""
    lab = make_lab(action.name, action.prepare)
    foreign = action.untouched(lab)
    report = lab.root / "report.json"
    with tally.watching("F6", blow.counted_as), lab.hosted():
        ended = lab.run(*action.verb, "--report", report, blow=blow)
        assert ended.code == 130, ended.said
        document = json.loads(report.read_text())
        assert document["interrupted"] is True
        assert sum(document["summary"].values()) == len(document["changes"]) == len(NAMES)
        assert document["summary"]["not_attempted"] >= 1
        assert not lab.unsettled(), "what was in flight is settled"
        lab.require_always()
        again = lab.run(*action.verb)
        assert again.code == 0, again.said
        lab.require_converged(action.wanted, foreign=foreign, runs=action.now.runs)


@pytest.mark.parametrize(
    ("name", "turn"),
    [
        pytest.param(name, turn, marks=[] if (name, turn) == ("create", 2) else pytest.mark.faults)
        for name in ("create", "replace and delete", "delete")
        for turn in range(1, 6)
    ],
)
@pytest.mark.reaches("F6", "a cancelled job")
def test_f6_i01_the_sequence_of_a_cancelled_job(make_lab, tally, name, turn):
    """SIGINT, later SIGTERM, later a kill, while the ledger does not answer a call."""
    action = ACTIONS[name]
    lab = make_lab(name, action.prepare)
    foreign = action.untouched(lab)

    def hold(commit: Any) -> None:
        lab.on_commit = lambda commit: None
        process.send_signal(signal.SIGINT)
        tally.reached("F6", "a cancelled job")
        time.sleep(7.5 * SCALE)
        process.send_signal(signal.SIGTERM)
        time.sleep(2.5 * SCALE)
        process.send_signal(signal.SIGKILL)

    def count(commit: Any) -> None:
        nonlocal turn
        turn -= 1
        if turn == 0:
            hold(commit)

    with tally.watching("F6", "a cancelled job"), lab.hosted():
        lab.on_commit = count
        process = lab.start(*action.verb)
        ended = process.wait()
        assert ended.code in (-signal.SIGTERM, -signal.SIGKILL), ended.said
        lab.require_always()
        again = lab.run(*action.verb)
        assert again.code == 0, again.said
        lab.require_converged(action.wanted, foreign=foreign)
