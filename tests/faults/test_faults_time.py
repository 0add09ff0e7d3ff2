"""T1 to T12 of section 3.3, and clocks that lie: only the ledger's clock decides, and a steady one.

Nothing sleeps: the ledger's clock, the client's on the wall and its steady one are the test's own.
I-01, I-02, I-06, I-07, I-08 and I-09.
"""

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import httpx
import pytest
from apply_harness import (
    REFERENCE,
    Bench,
    Fault,
    Line,
    answer,
    closed_first,
    every,
    files,
    instead,
    lost_after,
    lost_before,
    nth,
    of,
    outcomes,
)
from builders import declared
from ledger_contents import read_truth
from ledger_databases import SqliteFile
from oracle import Request, agrees, always, i01, i02, require

from reconciler.app.apply import exit_code
from reconciler.core.model.policy import Policy, Removal
from reconciler.core.model.report import Report
from reconciler.core.model.resource import Source
from reconciler.ledger import open_ledger

NO_DATA_QUERY = instead(answer(403, {"code": "x", "message": "no Data Query"}))


@dataclass
class Time:
    """A workspace, chance from a seed, and what happens to its calls."""

    bench: Bench
    seed: int
    jump: float = 0.0
    wall: timedelta = field(default_factory=timedelta)
    foreign: Any = ()

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.bench.wall = lambda: self.bench.clock() + self.wall
        self.bench.steady = self.steady
        self.bench.post_foreign(ReconcilerKey__c="others/a")
        self.foreign = read_truth(SqliteFile(self.bench.ledger_path)).foreign
        self.fault = self.chance.choice([lost_before, lost_after])
        self.amounts = [f"{amount}.50" for amount in self.chance.sample(range(1, 99), 3)]

    def steady(self) -> float:
        self.jump += 0.001
        return self.jump

    def books(self, at: int = 0, name: str = "a", **fields: Any) -> dict[str, Any]:
        """One entry over the so-manieth of the seed's amounts."""
        return files(**{name: of(self.amounts[at], **fields)})

    def crash_after_send(self, wanted: dict[str, Any]) -> None:
        """C08: what was sent has no answer, as far as the tool knows."""
        self.bench.line.choose = every(self.fault)
        report = self.bench.apply(wanted)
        assert outcomes(report) == {"unknown"}
        self.bench.line.choose = lambda sent: None

    def converge(self, wanted: dict[str, Any]) -> None:
        """One undisturbed apply, and then I-01, I-02, I-03, I-05, I-10."""
        if self.bench.policy.delete_cancelled:
            self.bench.converge(wanted)
        else:
            # The bench knows no entries that are kept cancelled; what is left to do is the same.
            assert outcomes(self.bench.apply(wanted)) <= {"done"}
            sent = len(self.bench.line.sent)
            assert self.bench.apply(wanted).applied == ()
            assert len(self.bench.line.sent) == sent
        truth = read_truth(SqliteFile(self.bench.ledger_path))
        with self.bench.daybook(write=False) as book:
            recorded = book.recorded()
        requests = [
            Request(method=sent.method, path=sent.path, key=sent.key, body=sent.body)
            for sent in self.bench.line.sent
        ]
        require(
            always(truth, requests),
            i01(truth, {name: item.spec for name, item in wanted.items()}),
            i02(truth, wanted, recorded, foreign=self.foreign),
            agrees(truth, recorded),
        )


def t01_after_an_hour(time: Time) -> None:
    time.crash_after_send(time.books())
    time.bench.clock.pass_by(minutes=time.chance.randint(1, 60))
    settled(time.bench.apply(time.books()), "done")
    time.converge(time.books())


def t02_after_nineteen_hours(time: Time) -> None:
    time.crash_after_send(time.books())
    time.bench.clock.pass_by(hours=19, minutes=time.chance.randint(0, 58))
    settled(time.bench.apply(time.books()), "done")
    assert len({sent.key for sent in time.bench.line.sent}) == 1
    time.converge(time.books())


def t03_after_a_day_with_a_finder(time: Time) -> None:
    time.crash_after_send(time.books())
    time.bench.clock.pass_by(hours=time.chance.choice([28, 29, 100]))
    time.bench.verbs()
    report = time.bench.apply(time.books())
    settled(report, "done" if time.fault is lost_after else "refused")
    time.converge(time.books())


def t03_after_a_day_without_a_finder(time: Time) -> None:
    """It cannot know, and says so: no guess, exit code 6, and where to look."""
    time.crash_after_send(time.books())
    time.bench.clock.pass_by(hours=time.chance.choice([20, 25, 200]))
    time.bench.line.queries = NO_DATA_QUERY
    time.bench.verbs()
    for _ in range(2):
        report = time.bench.apply(time.books())
        settled(report, "unknown")
        assert exit_code(report) == 6
        assert 'check the ledger for an entry with the marker "books/a"' in (
            report.settled[0].message
        )
    assert time.bench.verbs() == []
    time.bench.line.queries = None
    time.bench.clock.pass_by(hours=30)
    time.converge(time.books())


def t04_the_file_is_edited(time: Time) -> None:
    time.crash_after_send(time.books(0))
    first = {sent.body for sent in time.bench.line.sent}
    settled(time.bench.apply(time.books(1)), "done")
    creates = [sent for sent in time.bench.line.sent if sent.verb == "create"]
    assert {creates[0].body, creates[6].body} == first, "settled with its own payload (I-08)"
    time.converge(time.books(1))


def t05_the_file_is_removed(time: Time) -> None:
    time.crash_after_send(time.books())
    settled(time.bench.apply({}), "done")
    time.converge({})


def t06_removed_and_declared_again(time: Time) -> None:
    time.converge(time.books())
    first = time.bench.live()["a"]
    time.converge({})
    time.bench.clock.pass_by(hours=time.chance.randint(0, 11))
    time.converge(time.books())
    assert time.bench.live()["a"] != first


def t07_there_and_back(time: Time) -> None:
    numbers = []
    for at in (0, 1, 0):
        time.converge(time.books(at))
        numbers += time.bench.live()["a"]
        time.bench.clock.pass_by(hours=time.chance.randint(0, 11))
    assert len(set(numbers)) == 3


def t08_a_definite_refusal_whose_cause_is_gone(time: Time) -> None:
    time.bench.line.choose = nth(1, closed_first(time.bench))
    assert outcomes(time.bench.apply(time.books())) == {"blocked"}
    time.bench.reopen_period("Jan-2026")
    time.bench.clock.pass_by(hours=time.chance.randint(0, 23))
    time.converge(time.books())
    assert len({sent.key for sent in time.bench.line.sent}) == 2


def t09_a_stored_failure(time: Time) -> None:
    """A 500 is kept under the key and replayed: it says nothing of what was committed."""
    committed = time.chance.random() < 0.5

    def stored(line: Line, request: httpx.Request) -> httpx.Response:
        if committed:
            line.deliver(request)
        return instead(answer(500, {"success": False}))(line, request)

    time.bench.line.choose = every(stored)
    for _ in range(2):
        report = time.bench.apply(time.books())
        assert exit_code(report) == 6
    time.bench.line.choose = lambda sent: None
    time.converge(time.books())


def t10_two_names_with_equal_content(time: Time) -> None:
    both = {**time.books(), **time.books(name="b")}
    time.crash_after_send(time.books())
    time.converge(both)
    assert time.bench.live()["a"] != time.bench.live()["b"]


def t11_the_file_is_renamed(time: Time) -> None:
    time.crash_after_send(time.books())
    moved = {
        name: replace(item, source=Source("elsewhere/other.yaml"))
        for name, item in time.books().items()
    }
    settled(time.bench.apply(moved), "done")
    time.converge(moved)
    assert len(time.bench.all_entries()) == 2, "ours, and that of somebody else"


SCENARIOS = (
    t01_after_an_hour,
    t02_after_nineteen_hours,
    t03_after_a_day_with_a_finder,
    t03_after_a_day_without_a_finder,
    t04_the_file_is_edited,
    t05_the_file_is_removed,
    t06_removed_and_declared_again,
    t07_there_and_back,
    t08_a_definite_refusal_whose_cause_is_gone,
    t09_a_stored_failure,
    t10_two_names_with_equal_content,
    t11_the_file_is_renamed,
)


def settled(report: Report, result: str) -> None:
    assert [item.result.value for item in report.settled] == [result]


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("seeded") / "ledger.db"
    open_ledger(f"sqlite:///{path}", REFERENCE).close()
    return path


@pytest.fixture
def make_time(seeded: Any, tmp_path: Any) -> Iterator[Callable[..., Time]]:
    made: list[Bench] = []

    def make(seed: int = 0, *, another_tenant: bool = False) -> Time:
        root = tmp_path / f"time-{len(made)}"
        root.mkdir()
        if another_tenant:
            open_ledger(f"sqlite:///{root / 'ledger.db'}", REFERENCE).close()
        else:
            shutil.copy(seeded, root / "ledger.db")
        made.append(Bench(root))
        return Time(made[-1], seed)

    yield make
    for bench in made:
        bench.close()


def seeds(bounded: int) -> list[Any]:
    return [
        pytest.param(seed, marks=[] if seed < bounded else [pytest.mark.faults])
        for seed in range(20)
    ]


@pytest.mark.parametrize("seed", seeds(1))
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_i01_i02_i06_time_passes(make_time, tally, scenario, seed):
    name = scenario.__name__.partition("_")[0].upper()
    with tally.watching("T", name):
        tally.reached("T", name)
        scenario(make_time(seed))


def test_t12_one_tree_against_two_tenants_is_posted_to_both(make_time):
    one, other = make_time(), make_time(another_tenant=True)
    for time in (one, other):
        time.converge(time.books())
    keys = [{sent.key for sent in time.bench.line.sent} for time in (one, other)]
    assert keys[0].isdisjoint(keys[1])


# Clocks that lie.


def dated(change: Callable[[datetime, int], datetime | None]) -> Callable[[Time], None]:
    """Every answer's Date as something between makes it; None takes it away."""

    def disturb(time: Time) -> None:
        count = 0
        deliver = time.bench.line.deliver

        def delivered(request: httpx.Request) -> httpx.Response:
            nonlocal count
            response = deliver(request)
            count += 1
            date = change(parsedate_to_datetime(response.headers["date"]), count)
            del response.headers["date"]
            if date is not None:
                response.headers["date"] = format_datetime(date, usegmt=True)
            return response

        time.bench.line.deliver = delivered  # type: ignore[method-assign]

    return disturb


def wall(days: float) -> Callable[[Time], None]:
    def disturb(time: Time) -> None:
        time.wall = timedelta(days=days)

    return disturb


def leaping(wall: float, steady: float) -> Callable[[Time], None]:
    """The client's clocks leap with every request; the steady one never goes back."""

    def disturb(time: Time) -> None:
        deliver = time.bench.line.deliver

        def delivered(request: httpx.Request) -> httpx.Response:
            response = deliver(request)
            time.wall += timedelta(hours=wall)
            time.jump += steady
            return response

        time.bench.line.deliver = delivered  # type: ignore[method-assign]

    return disturb


def in_2038(time: Time) -> None:
    time.bench.clock.time = datetime(2038, 1, 19, 3, 14, 6, tzinfo=UTC)


CLOCKS = {
    "client two days ahead": wall(2),
    "client two days behind": wall(-2),
    "client leaps back": leaping(-36, 0),
    "client leaps ahead": leaping(36, 5),
    "server an hour ahead now and then": dated(
        lambda date, count: date + timedelta(hours=count % 2)
    ),
    "server an hour behind now and then": dated(
        lambda date, count: date - timedelta(hours=count % 2)
    ),
    "leap second smear": dated(lambda date, count: date + timedelta(seconds=count % 3 - 1)),
    "year 2038": in_2038,
    "no Date": dated(lambda date, count: None),
}

BEFORE = files(a=of("1.00"), b=of("2.00"))
KEEPING = Policy(removal=Removal.CANCEL)
ACTIONS: dict[str, tuple[Policy, dict[str, Any], dict[str, Any]]] = {
    "create": (Policy(), {}, BEFORE),
    "update": (Policy(), BEFORE, files(a=of("1.00", notes="x"), b=of("2.00", notes="y"))),
    "cancel": (KEEPING, BEFORE, {}),
    "remove": (Policy(), BEFORE, {}),
    "replace": (KEEPING, BEFORE, files(a=of("3.00"), b=of("4.00"))),
    "replace and delete": (Policy(), BEFORE, files(a=of("3.00"), b=of("4.00"))),
}
BOUNDED = {("no Date", "create"), ("client leaps ahead", "replace and delete"),
           ("client two days ahead", "create"), ("year 2038", "update")}  # fmt: skip


@pytest.mark.parametrize(
    ("clock", "action", "fault"),
    [
        pytest.param(
            clock,
            action,
            fault,
            id=f"{clock}-{action}-{fault.__name__}",
            marks=[]
            if (clock, action) in BOUNDED and fault is lost_after
            else [pytest.mark.faults],
        )
        for clock in CLOCKS
        for action in [*ACTIONS, "adopt"]
        for fault in (lost_before, lost_after)
    ],
)
def test_i09_only_the_ledgers_clock_decides(make_time, tally, clock, action, fault: Fault):
    """The first call of every change has no answer; the next run knows or looks."""
    time = make_time()
    bench = time.bench
    if action == "adopt":
        number = bench.post_foreign(notes="by hand")
        before: dict[str, Any] = {}
        spec = of(notes="by hand")
        now = {"mine": declared(spec, name="mine", adopts=number)}
    else:
        bench.policy, before, now = ACTIONS[action]
    if before:
        assert outcomes(bench.apply(before)) == {"done"}
    with tally.watching("clock", f"{clock}, {action}"):
        CLOCKS[clock](time)
        bench.line.choose = every(fault)
        bench.apply(now, continue_on_error=True)
        bench.line.choose = lambda sent: None
        tally.reached("clock", f"{clock}, {action}")
        bench.clock.pass_by(hours=1)
        report = bench.apply(now)
        if report.still_open:
            # Without the ledger's time only a search tells, and only after all can have come.
            assert clock == "no Date", [item.message for item in report.settled]
            assert exit_code(report) == 6
            del bench.line.deliver
        time.converge(now)


def test_i09_a_key_is_not_used_again_because_the_client_believes_that_it_is_early(make_time):
    """The client's clock stands still for a day; the ledger's does not."""
    time = make_time()
    time.crash_after_send(time.books())
    time.bench.line.queries = NO_DATA_QUERY
    stopped = time.bench.clock()
    time.bench.clock.pass_by(hours=25)
    time.bench.wall = lambda: stopped
    time.bench.verbs()
    report = time.bench.apply(time.books())
    settled(report, "unknown")
    assert time.bench.verbs() == []
