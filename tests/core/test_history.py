"""The recorded state is a fold over all recorded calls (I-07, I-08, I-26)."""

import pytest
from builders import address, entry

from reconciler.core.model.history import Act, CallHistory, Recorded, Result, dropped, fold

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
        pytest.param(
            [create(), *[tried(Act.NOTE, spec=B, otherwise={"notes": ("a", "b")})] * 2],
            {
                "number": OLD,
                "spec": B,
                "incarnation": 1,
                "otherwise": {"notes": ("a", "b", 2)},
            },
            id="stored otherwise, twice",
        ),
        pytest.param(
            [create(), tried(Act.NOTE, otherwise={"notes": ("a", "b")}), tried(Act.UPDATE, spec=B)],
            {"number": OLD, "spec": B, "incarnation": 1},
            id="stored otherwise, and then as sent",
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
            [create(entries=("a", "b")), tried(Act.NOTE, spec=A, entries=("b", "c"))],
            {"number": OLD, "spec": A, "incarnation": 1, "entries": ("a", "b", "c")},
            id="what any read listed of a run",
        ),
        pytest.param(
            [create(entries=("a", "b")), tried(Act.ADOPT, spec=A, entries=("b",))],
            {"number": OLD, "spec": A, "incarnation": 2, "adopted": OLD, "entries": ("a", "b")},
            id="a run that is recorded again",
        ),
        pytest.param(
            [create(entries=("a",)), create(number=NEW, spec=B, entries=("b",))],
            {"number": NEW, "spec": B, "leftovers": (OLD,), "incarnation": 2, "entries": ("b",)},
            id="the entries of a replaced run are not those of its successor",
        ),
        pytest.param(
            [create(entries=("a",)), tried(Act.FORGET)],
            {"incarnation": 1, "last": OLD},
            id="a run that is forgotten has no entries",
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


def calls(*words):
    """Calls that succeeded, as `create 1`: the number is also the name."""
    for word in words:
        act, _, number = word.partition(" ")
        at = address(f"n{number}")
        yield CallHistory(address=at, act=Act(act), result=Result.DONE, number=f"JE-{number:0>8}")


@pytest.mark.parametrize(
    ("history", "gone", "telling"),
    [
        pytest.param(["create 1"], [], [], id="nothing was removed"),
        pytest.param(["create 1", "create 2", "delete 1"], [1], [1], id="removed last"),
        pytest.param(["create 1", "delete 1", "create 2"], [1], [],
                     id="created since: if the ledger is older, that one is missing"),
        pytest.param(["create 1", "delete 1", "create 2", "delete 2"], [2, 1], [2, 1],
                     id="nothing is left that could be missing"),
        pytest.param(["create 1", "create 2", "cancel 1", "delete 1", "cancel 2"], [2, 1], [2, 1],
                     id="cancelled and kept"),
        pytest.param(["create 1", "delete 1", "create 1"], [], [], id="the number was given again"),
        pytest.param(["create 1", "create 2", "forget 1"], [1], [1], id="missing"),
        pytest.param(["create 1", "retire 1"], [], [], id="forgotten, and still posted"),
        pytest.param(
            [*(f"create {at}" for at in range(1, 31)), *(f"delete {at}" for at in range(1, 30))],
            [*range(29, 0, -1)], [*range(29, 19, -1)],
            id="of entries of one age the last removed ones tell",
        ),
    ],
)  # fmt: skip
def test_what_was_removed_tells_whether_the_ledger_is_older(history, gone, telling):
    found = dropped(calls(*history))
    assert list(found.numbers) == [f"JE-{number:08}" for number in gone]
    assert list(found.telling) == [f"JE-{number:08}" for number in telling]
