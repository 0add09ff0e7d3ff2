"""F2 and F5: killed again in the middle of recovering, and killed at moments nobody chose."""

import random
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from actions import ACTIONS, KEPT
from crash_points import CLIENT, Blow
from laboratory import Books, Lab, entry

FIRST, SECOND = "C08", ("C05", "C08", "C10", "C13")
"""The pairs of the default suite: an answer lost, then a kill in the run that settles it."""


def pairs() -> Iterator[Any]:
    for name in ("create", "replace and delete"):
        for first in CLIENT:
            if first == "C14" and ACTIONS[name].calls == 1:
                continue
            for second in CLIENT:
                bounded = name == "create" and first == FIRST and second in SECOND
                marks = [pytest.mark.reaches("F2", f"{first} {name}")]
                yield pytest.param(
                    ACTIONS[name],
                    first,
                    second,
                    id=f"{name}-{first}-{second}",
                    marks=marks if bounded else [*marks, pytest.mark.faults],
                )


@pytest.mark.parametrize(("action", "first", "second"), list(pairs()))
def test_f2_i01_i08_killed_again_while_it_recovers(make_lab, tally, action, first, second):
    """What is left to do may not pass the second point any more; then the second run just ends."""
    lab = make_lab(action.name, action.prepare)
    foreign = action.untouched(lab)
    counted = f"{first} {action.name}"
    with tally.watching("F2", counted), lab.hosted():
        kills = 0
        for point in (first, second):
            blow = Blow(point=point, fault="F2", counted_as=counted)
            ended = lab.run(*action.verb, blow=blow)
            killed = ended.code == -signal.SIGKILL
            kills += killed
            assert killed or (point == second and ended.code == 0), ended.said
            lab.require_always()
        again = lab.run(*action.verb)
        assert again.code == 0, again.said
        lab.require_converged(action.wanted, foreign=foreign)
    for _ in range(kills - 1):
        tally.converged("F2", counted)


MANY = {**KEPT, **{f"many-{number:02}": entry(f"{number}.10") for number in range(1, 51)}}


def prepare_many(lab: Lab) -> None:
    """A plan of fifty creates."""
    with lab.hosted():
        lab.declare(Books(entries=KEPT))
        ended = lab.apply()
        assert ended.code == 0, ended.said
    lab.declare(Books(entries=MANY))


@pytest.mark.reaches("F5", "create of 50")
@pytest.mark.parametrize(
    "seed",
    [pytest.param(seed, marks=[] if seed == 1 else [pytest.mark.faults]) for seed in range(1, 41)],
)
def test_f5_i01_i03_killed_at_random_moments(make_lab, tally, seed):
    """The seed says when; four kills in a row, whatever each leaves behind for the next."""
    chance = random.Random(seed)
    lab = make_lab("many", prepare_many)
    foreign = lab.truth().foreign
    with lab.hosted():
        kills = 0
        for _ in range(4):
            process = lab.start("apply", "--auto-approve", "--parallelism", "2")
            time.sleep(chance.uniform(0.05, 0.9))
            process.send_signal(signal.SIGKILL)
            ended = process.wait()
            if ended.code == -signal.SIGKILL:
                kills += 1
                tally.reached("F5", "create of 50")
            lab.require_always()
        with tally.watching("F5", "create of 50"):
            again = lab.apply()
            assert again.code == 0, (seed, again.said)
            lab.require_converged(MANY, foreign=foreign)
        for _ in range(kills - 1):
            tally.converged("F5", "create of 50")
