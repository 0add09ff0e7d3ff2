"""X1 to X11 of section 3.4: rivals of an apply, as processes on real sockets.

Each ends with one winner or in a clean serial order; nobody overwrites in silence (I-31, I-32).
I-26, I-42, I-61.
"""

import json
import re
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from laboratory import APPLY, Books, Lab, entry
from oracle import Request, i03, i26, require
from processes import Process
from program import LONGEST

from reconciler.ledger import create_app, open_ledger

NAMES = ("n1", "n2", "n3")
BEFORE = {name: entry(f"{at}.00") for at, name in enumerate(NAMES, start=1)}
DEARER = {name: entry(f"{at}.99") for at, name in enumerate(NAMES, start=1)}
NOTED = {name: entry(f"{at}.00", notes="edited") for at, name in enumerate(NAMES, start=1)}
EVERYTHING = (
    "Create Journal Entry",
    "Edit Journal Entry",
    "Cancel Journal Entry",
    "Override Transferred to Accounting",
    "Manage Close Process",
    "Run Trial Balance",
    "Reopen Accounting Period",
)

WHO = "somebody else"


def prepared(lab: Lab) -> None:
    """Three entries that are applied, beside one of somebody else."""
    with lab.hosted():
        with by_hand(lab) as call:
            body = {**entry("11.00"), "ReconcilerKey__c": "others/a"}
            call("POST", "/v1/journal-entries", body)
        lab.declare(Books(entries=BEFORE))
        ended = lab.apply()
        assert ended.code == 0, ended.said


@contextmanager
def by_hand(lab: Lab) -> Iterator[Callable[..., Any]]:
    """Calls of somebody else, past the tool and past the watcher on the socket."""
    with open_ledger(lab.database.url) as ledger:
        client_id, secret = ledger.issue_client(WHO, EVERYTHING)
        app = create_app(ledger, clock=lab.clock, failed_login_delay=0)
        with httpx.Client(
            transport=httpx.WSGITransport(app=app), base_url="http://localhost"
        ) as client:
            form = {"client_id": client_id, "client_secret": secret}
            form["grant_type"] = "client_credentials"
            token = client.post("/oauth/token", data=form).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"

            def call(method: str, path: str, body: Any = None) -> Any:
                answer = client.request(method, path, json=body).json()
                assert answer["success"] is True, answer
                return answer

            yield call


def close_period(lab: Lab, *ways: str, name: str = "Jan-2026") -> None:
    with by_hand(lab) as call:
        periods = call("GET", "/v1/accounting-periods")["accountingPeriods"]
        (period,) = (one["id"] for one in periods if one["name"] == name)
        for way in ways or ("pending-close", "close"):
            call("PUT", f"/v1/accounting-periods/{period}/{way}")


@pytest.fixture(
    autouse=True, params=[1, *(pytest.param(n, marks=pytest.mark.faults) for n in range(2, 21))]
)
def turn(request: pytest.FixtureRequest) -> int:
    """Each scenario is run once in the default suite, and twenty times with its faults."""
    Turn.number = int(request.param)
    return Turn.number


class Turn:
    """The turn that is being run: it decides how far a held apply has come."""

    number = 1


@pytest.fixture
def lab(make_lab: Callable[..., Lab]) -> Lab:
    lab = make_lab("rivals", prepared)
    lab.foreign = lab.truth().foreign  # type: ignore[attr-defined]
    return lab


def converged(lab: Lab, wanted: dict[str, Any]) -> None:
    lab.calm()
    ended = lab.apply()
    assert ended.code == 0, ended.said
    lab.require_converged(wanted, foreign=lab.foreign)  # type: ignore[attr-defined]


@contextmanager
def held(lab: Lab, *args: object, at: int = 0) -> Iterator[tuple[Process, threading.Event]]:
    """An apply one of whose first three changing requests is executed and not answered yet."""
    arrived, go_on = threading.Event(), threading.Event()
    commits, at = count(1), at or 1 + Turn.number % 3

    def hold(commit: Any) -> None:
        if next(commits) < at:
            return
        lab.on_commit = lambda later: None
        arrived.set()
        go_on.wait(LONGEST)

    lab.on_commit = hold
    # A rival may take its time: the one that is held must not give its call up meanwhile.
    process = lab.start("apply", *(args or APPLY), LAB_PATIENCE=str(LONGEST))
    assert arrived.wait(LONGEST), process.said
    try:
        yield process, go_on
    finally:
        go_on.set()


def test_x1_the_same_plan_twice_at_once_has_one_winner(lab, tally):
    lab.declare(Books(entries=DEARER))
    with tally.watching("X1", "apply"), lab.hosted():
        planned = lab.run("plan", "--out", lab.root / "plan.json")
        assert planned.code == 0, planned.said
        with held(lab, lab.root / "plan.json") as (first, go_on):
            tally.reached("X1", "apply")
            second = lab.run("apply", lab.root / "plan.json")
            assert second.code == 1
            assert "another apply is writing to the daybook" in second.said
            go_on.set()
            ended = first.wait()
        assert ended.code == 0, ended.said
        again = lab.run("apply", lab.root / "plan.json")
        assert again.code == 5, again.said
        converged(lab, DEARER)


def test_x2_of_two_commits_the_one_that_is_applied_last_stands(lab, tally):
    with tally.watching("X2", "apply"), lab.hosted():
        lab.declare(Books(entries=NOTED))
        lab.run("plan", "--out", lab.root / "older.json")
        with held(lab) as (older, go_on):
            tally.reached("X2", "apply")
            lab.declare(Books(entries=DEARER))
            assert lab.apply().code == 1
            go_on.set()
            assert older.wait().code == 0
        converged(lab, DEARER)
        before = lab.truth().effects
        stale = lab.run("apply", lab.root / "older.json")
        assert stale.code == 5, stale.said
        assert lab.truth().effects == before


TAKEN_OVER = re.compile("took the daybook over|was unlocked|lease", re.IGNORECASE)


def by_its_id(lab: Lab, said: str) -> None:
    """As the refused apply says: `reconciler daybook unlock ID`."""
    found = re.search(r"daybook unlock ([0-9a-f-]{36})", " ".join(said.split()))
    assert found is not None, said
    ended = lab.processes.start(["daybook", "unlock", "-w", lab.books, found[1]], {}).wait()
    assert ended.code == 0, ended.said


def by_hand_on_the_file(lab: Lab, said: str) -> None:
    """What a person does who believes that the holder is dead, against all advice."""
    for lock in (lab.books / ".reconciler").glob("*.lock"):
        lock.unlink()


@pytest.mark.faults
def test_x3_apply_and_destroy_are_one_after_the_other(lab, tally):
    with tally.watching("X3", "apply"), lab.hosted():
        lab.declare(Books(entries=DEARER))
        with held(lab) as (applying, go_on):
            tally.reached("X3", "apply")
            lab.declare(Books())
            destroying = lab.apply("--max-removals", "3")
            assert destroying.code == 1, destroying.said
            go_on.set()
            assert applying.wait().code == 0
        lab.require_always()
        # A destruction names how many it means.
        destroyed = lab.apply("--max-removals", "3")
        assert destroyed.code == 0, destroyed.said
        lab.require_converged({}, foreign=lab.foreign)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "break_lease",
    [by_its_id, pytest.param(by_hand_on_the_file, marks=pytest.mark.faults)],
    ids=lambda f: f.__name__,
)
def test_x4_b17_i42_a_holder_whose_lease_was_broken_sends_at_most_one_more(lab, tally, break_lease):
    """Stopped, its lease broken, another run done: it wakes up, and a fence stands before it."""
    lab.declare(Books(entries=DEARER))
    with tally.watching("X4", "apply"), lab.hosted():
        with held(lab) as (holder, go_on):
            tally.reached("X4", "apply")
            holder.send_signal(signal.SIGSTOP)
            refused = lab.apply()
            assert refused.code == 1, refused.said
            break_lease(lab, refused.said)
            winner = lab.apply()
            assert winner.code == 0, winner.said
            before, changed = len(lab.requests), lab.recorded()
            holder.send_signal(signal.SIGCONT)
            go_on.set()
            ended = holder.wait()
        assert ended.code not in (0, None)
        assert TAKEN_OVER.search(ended.said), ended.said
        assert len(lab.requests) <= before + 1
        assert lab.recorded() == changed
        converged(lab, DEARER)


@pytest.mark.faults
def test_x5_the_lock_of_a_dead_process_holds_nobody_up(lab, tally):
    lab.declare(Books(entries=DEARER))
    with tally.watching("X5", "apply"), lab.hosted():
        with held(lab) as (holder, _):
            tally.reached("X5", "apply")
            holder.send_signal(signal.SIGKILL)
            assert holder.wait().code == -signal.SIGKILL
        converged(lab, DEARER)


@pytest.mark.parametrize(
    "when", [pytest.param("before apply", marks=pytest.mark.faults), "during apply"]
)
def test_x6_i31_what_moved_since_the_plan_is_a_conflict_and_stays(lab, tally, when):
    lab.declare(Books(entries=DEARER))
    with tally.watching("X6", when), lab.hosted():
        lab.run("plan", "--out", lab.root / "plan.json")
        number = lab.truth().standing["n3"][0]

        def move(request: Request | None = None) -> None:
            lab.calm()
            with by_hand(lab) as call:
                path = f"/v1/journal-entries/{number}/basic-information"
                call("PUT", path, {"notes": "by hand"})

        tally.reached("X6", when)
        if when == "before apply":
            move()
            ended = lab.run("apply", lab.root / "plan.json")
            assert ended.code == 5, ended.said
            assert lab.requests == []
        else:
            lab.on_receipt = move
            ended = lab.run("apply", lab.root / "plan.json", "--parallelism", "1")
            assert ended.code == 6, ended.said
            assert f"{number} changed since the plan was made" in ended.said
        (kept,) = (one for one in lab.truth().entries if one.number == number)
        assert kept.stands
        assert kept.content[3] == "by hand"
        converged(lab, DEARER)


def test_x7_i23_an_entry_transferred_between_check_and_cancel_stays(lab, tally):
    lab.declare(Books(entries={**BEFORE, "n1": DEARER["n1"]}))
    number = lab.truth().standing["n1"][0]

    def transfer(state: str) -> None:
        with by_hand(lab) as call:
            path = f"/v1/journal-entries/{number}/basic-information"
            call("PUT", path, {"transferredToAccounting": state})

    def at_the_cancel(request: Request) -> None:
        assert request.path.endswith(f"{number}/cancel")
        lab.calm()
        transfer("Yes")

    with tally.watching("X7", "cancel"), lab.hosted():
        lab.on_receipt = at_the_cancel
        ended = lab.apply()
        tally.reached("X7", "cancel")
        assert ended.code not in (0, None), ended.said
        assert "Traceback" not in ended.said
        assert lab.truth().standing["n1"] == (number,)
        blocked = lab.apply()
        assert blocked.code == 4, blocked.said
        transfer("No")
        converged(lab, {**BEFORE, "n1": DEARER["n1"]})


def test_x8_i26_a_period_closed_between_cancel_and_create_is_told_and_finished(lab, tally):
    lab.declare(Books(entries={**BEFORE, "n1": DEARER["n1"]}))
    wanted = {**BEFORE, "n1": DEARER["n1"]}

    def at_the_create(request: Request) -> None:
        if request.method == "POST":
            lab.calm()
            close_period(lab)

    with tally.watching("X8", "create"), lab.hosted():
        lab.on_receipt = at_the_create
        ended = lab.apply()
        tally.reached("X8", "create")
        assert ended.code == 6, ended.said
        require(i26(lab.truth(), wanted, lab.recorded(), ended.code))
        close_period(lab, "reopen")
        converged(lab, wanted)


def test_x9_two_tools_with_different_daybooks_do_not_overwrite_each_other_in_silence(
    lab, tally, tmp_path
):
    """The marker proves whose an entry is: the other tool takes over what it finds, or stops."""
    other = rival_of(lab, tmp_path / "rival")
    with tally.watching("X9", "two daybooks"), lab.hosted():
        other.url = lab.url
        lab.declare(Books(entries=DEARER))
        other.declare(Books(entries=NOTED))
        with held(lab) as (first, go_on):
            tally.reached("X9", "two daybooks")
            second = other.apply()
            go_on.set()
            ended = first.wait()
        assert {ended.code, second.code} <= {0, 1, 4, 5, 6}, ended.said + second.said
        assert "Traceback" not in ended.said + second.said
        require(i03(lab.truth()))
        converged(lab, DEARER)
        # The rival's daybook is an older one by now, and it goes on from what it finds.
        again = other.apply()
        assert again.code == 0, again.said
        require(i03(lab.truth()))
        assert {len(numbers) for numbers in lab.truth().standing.values()} == {1}
        converged(lab, DEARER)


def rival_of(lab: Lab, root: Path) -> Lab:
    """The same workspace in another checkout, with a copy of the daybook."""
    shutil.copytree(lab.root, root)
    return Lab(root, lab.database, lab.processes, lab.tally)


def test_x10_i61_eight_writers_with_one_key_make_one_entry(lab, tally):
    body = json.dumps({**entry("5.00"), "ReconcilerKey__c": "others/ten"}).encode()
    with tally.watching("X10", "create"), lab.hosted():
        keys = lab.keys
        form = {
            "client_id": keys["ZUORA_CLIENT_ID"],
            "client_secret": keys["ZUORA_CLIENT_SECRET"],
            "grant_type": "client_credentials",
        }
        token = httpx.post(f"{lab.url}/oauth/token", data=form).json()["access_token"]
        barrier = threading.Barrier(8)

        def post(_: int) -> tuple[int, str | None]:
            barrier.wait()
            answer = httpx.post(
                f"{lab.url}/v1/journal-entries",
                content=body,
                headers={
                    "Authorization": f"Bearer {token}",
                    "Content-Type": "application/json",
                    "Idempotency-Key": "one-key",
                },
                timeout=LONGEST,
            )
            return answer.status_code, answer.json().get("journalEntryNumber")

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(post, range(8)))
        tally.reached("X10", "create")
        made = [one for one in lab.truth().entries if one.marker == "others/ten"]
        assert len(made) == 1
        assert {number for status, number in answers if number} == {made[0].number}
        assert {status for status, _ in answers} <= {200, 409}
        lab.require_always()


def test_x11_i09_a_finder_that_lags_is_no_proof_of_absence(make_lab, tally):
    """Killed after the ledger committed, and then its daybook is lost: the query is late."""
    lab = make_lab("rivals", prepared)
    more = {**BEFORE, "n4": entry("4.00")}
    with tally.watching("X11", "create"), lab.hosted(query_lag=600):
        lab.declare(Books(entries=more))
        with held(lab, at=1) as (process, _):
            process.send_signal(signal.SIGKILL)
            process.wait()
        lab.clock.pass_by(minutes=5)
        for path in (lab.books / ".reconciler").glob("daybook.db*"):
            path.unlink()
        tally.reached("X11", "create")
        ended = lab.apply("--first-apply")
        assert ended.code in (0, 4, 6), ended.said
        lab.require_always()
        assert {len(numbers) for numbers in lab.truth().standing.values()} == {1}
        lab.clock.pass_by(hours=30)
        lab.foreign = lab.truth().foreign  # type: ignore[attr-defined]
        converged(lab, more)
