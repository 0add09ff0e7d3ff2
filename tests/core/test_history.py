"""The recorded state is a fold over all recorded calls (I-07, I-08, I-26)."""

import pytest
from builders import address, entry

from reconciler.core.model.history import Act, CallHistory, Recorded, Result, fold

OLD, NEW = "JE-00000001", "JE-00000002"
A, B = entry(notes="a"), entry(notes="b")


def tried(act, result=Result.DONE, number=OLD, **more):
    return CallHistory(address=address(), act=act, result=result, number=number, **more)


def create(result=Result.DONE, number=OLD, spec=A, **more):
    return tried(Act.CREATE, result, number, spec=spec, **more)


REPLACED = [create(), tried(Act.CANCEL), create(number=NEW, spec=B)]


@pytest.mark.parametrize(
    ("history", "state"),
    [
        pytest.param([create()], {"number": OLD, "spec": A, "incarnation": 1}, id="created"),
        pytest.param(
            [create(protect=True)],
            {"number": OLD, "spec": A, "protect": True, "incarnation": 1},
            id="created and protected",
        ),
        pytest.param(
            [create(Result.REFUSED, None)], {"attempt": 1}, id="refused: the next key is another"
        ),
        pytest.param([create(Result.UNSENT, None)], {}, id="never sent: the key stays"),
        pytest.param([create(Result.UNKNOWN, None)], {"unsettled": True}, id="I-07 unknown"),
        pytest.param([create(None, None)], {"unsettled": True}, id="I-08 died in between"),
        pytest.param(
            [create(Result.REFUSED, None), create()],
            {"number": OLD, "spec": A, "incarnation": 1},
            id="created at the second attempt: the count starts anew",
        ),
        pytest.param(
            [create(), tried(Act.UPDATE, spec=B, protect=True)],
            {"number": OLD, "spec": B, "protect": True, "incarnation": 1},
            id="updated",
        ),
        pytest.param(
            [create(), tried(Act.UPDATE, Result.UNKNOWN, spec=B)],
            {"number": OLD, "spec": A, "incarnation": 1},
            id="an update that may not have happened",
        ),
        pytest.param(
            [create(), tried(Act.NOTE, spec=B)],
            {"number": OLD, "spec": B, "incarnation": 1},
            id="noted",
        ),
        *(
            pytest.param(
                [create(), tried(Act.CANCEL, result)],
                {"number": OLD, "spec": A, "cancelled": ours, "incarnation": 1},
                id=f"a cancel, {result}",
            )
            for result, ours in [
                (Result.DONE, True),
                (Result.UNKNOWN, True),
                (None, True),
                (Result.REFUSED, False),
                (Result.UNSENT, False),
            ]
        ),
        pytest.param(
            [*REPLACED, tried(Act.CANCEL, number=OLD)],
            {"number": NEW, "spec": B, "leftovers": (OLD,), "incarnation": 2},
            id="a cancel of a predecessor says nothing of the entry",
        ),
        pytest.param(
            REPLACED,
            {"number": NEW, "spec": B, "leftovers": (OLD,), "incarnation": 2},
            id="replaced, the old one left",
        ),
        pytest.param(
            [*REPLACED, tried(Act.DELETE)],
            {"number": NEW, "spec": B, "incarnation": 2},
            id="replaced, the old one deleted",
        ),
        pytest.param(
            [*REPLACED, tried(Act.DELETE, Result.UNKNOWN)],
            {"number": NEW, "spec": B, "leftovers": (OLD,), "incarnation": 2},
            id="a delete that may not have happened",
        ),
        pytest.param(
            [create(), tried(Act.CANCEL), tried(Act.DELETE)],
            {"incarnation": 1, "last": OLD},
            id="removed: the next create is another incarnation",
        ),
        pytest.param(
            [create(), tried(Act.FORGET)], {"incarnation": 1, "last": OLD}, id="forgotten"
        ),
        pytest.param(
            [create(), tried(Act.CANCEL), create(Result.REFUSED, None, B)],
            {"number": OLD, "spec": A, "cancelled": True, "incarnation": 1, "attempt": 1},
            id="I-26 cancelled, and the successor refused",
        ),
    ],
)
def test_a_history_folds_to_one_state(history, state):
    assert fold(history) == {address(): Recorded(address=address(), **state)}


def test_addresses_fold_apart():
    other = CallHistory(
        address=address("b"), act=Act.CREATE, result=Result.DONE, number=NEW, spec=B
    )
    states = fold([create(), other])
    assert {item.name: state.number for item, state in states.items()} == {
        "true-up": OLD,
        "b": NEW,
    }
