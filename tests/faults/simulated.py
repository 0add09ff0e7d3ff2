"""Client and ledger in one process, and everything that can happen to them, drawn from a seed."""

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from apply_bench import (
    Bench,
    Fault,
    Line,
    Sent,
    answer,
    files,
    instead,
    lost_after,
    lost_before,
    of,
    refusal,
    refused_connection,
)
from crashing import Crash, Disk, Machine, Wire, full, unsure
from held import Truth, read_truth
from ledger_databases import SqliteFile
from truth import Request, Violations, agrees, always, i01, i02, require

from reconciler.core.report import Report
from reconciler.daybook import Daybook, open_daybook
from reconciler.errors import ReconcilerError

NAMES = "abc"
KEY_LIFE = timedelta(hours=20)
BEGINNING = datetime(2026, 3, 2, 8, tzinfo=UTC)


def after(response: httpx.Response) -> Fault:
    """N17, N20: the ledger has committed, and something between answers in its place."""

    def fault(line: Line, request: httpx.Request) -> httpx.Response:
        line.deliver(request)
        return instead(response)(line, request)

    return fault


def cut(line: Line, request: httpx.Request) -> httpx.Response:
    """N11: half of the answer."""
    whole = line.deliver(request)
    raw = whole.read()
    return httpx.Response(
        whole.status_code, headers=whole.headers, stream=httpx.ByteStream(raw[: len(raw) // 2])
    )


def twice(line: Line, request: httpx.Request) -> httpx.Response:
    """N29: a middlebox delivers it a second time."""
    line.deliver(request)
    return line.deliver(request)


LINE_FAULTS: Mapping[str, Fault] = {
    "N01 refused": refused_connection,
    "N07 lost before": lost_before,
    "N08 lost after": lost_after,
    "N11 half an answer": cut,
    "N14 a limit": instead(httpx.Response(429, headers={"Retry-After": "1"}, json={})),
    "N16 broken before": instead(answer(500, {"success": False})),
    "N17 a gateway after": after(answer(502, {})),
    "N18 a lock": instead(refusal(52030050, "Locked")),
    "N20 a page after": after(httpx.Response(200, html="<p>Welcome</p>")),
    "N23 signed out": instead(answer(401, {"message": "expired"})),
    "N26 in progress": instead(answer(409, {"success": False})),
    "N29 twice": twice,
}
READ_FAULTS: Mapping[str, Fault] = {
    "a read is lost": lost_before,
    "a read breaks": instead(answer(500, {"success": False})),
    "a read is no answer": instead(httpx.Response(200, html="<p>Welcome</p>")),
}
QUERY_FAULTS: Mapping[str, Fault] = {
    "no Data Query": instead(answer(404, {"code": "x", "message": "no such resource"})),
    "a query is lost": lost_before,
}
NEVER_TAKEN = ("N01 refused", "N14 a limit", "N23 signed out")
"""Faults after which the client knows that the ledger has taken nothing."""

TOLD_APART = ("N19 a rule", "N28 late", "X7 transferred", "X8 closed", "C06", "C08")
"""Faults of the line that are closures over a simulation."""

DISK_FAULTS = ("F4 full", "F4 unsure", "C05 before", "C06 after")
MOVES = {
    "declared": 18, "removed": 6, "notes by hand": 2, "cancelled by hand": 2,
    "deleted by hand": 2, "transferred": 2, "taken back": 4, "a foreign entry": 1,
    "period closed": 2,
    "period opened": 3, "an hour": 3, "a day": 2, "two days": 1, "daybook lost": 1,
    "daybook restored": 2, "client clock": 2,
}  # fmt: skip
"""What people, rivals and time do, and how often of 53."""


@dataclass
class Simulation:
    """One seed: a workspace on a ledger, and chance that decides all that happens to them."""

    bench: Bench
    seed: int
    lossy: bool
    """Whether the daybook may be lost or restored; its files then always say everything."""
    counts: Counter[str] = field(default_factory=Counter)
    story: list[str] = field(default_factory=list)
    machine: Machine = field(default_factory=Machine)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.specs: dict[str, Any] = {}
        self.late: list[httpx.Request] = []
        self.refused: set[str] = set()
        self.first_sent: dict[str, datetime] = {}
        self.stuck: dict[Sent, str] = {}
        self.lost = self.closed = self.copied = False
        self.rates = {
            what: self.chance.choice(rates)
            for what, rates in {
                "line": (0.1, 0.3, 0.6),
                "stuck": (0.3, 0.9),
                "crash": (0.05, 0.15, 0.3),
                "disk": (0.0, 0.05, 0.2),
                "read": (0.0, 0.0, 0.05, 0.5),
                "query": (0.0, 0.0, 0.5),
                "between": (0.0, 0.4),
            }.items()
        }
        self.offset = timedelta()
        self.bench.wall = lambda: self.bench.clock() + self.offset
        self.jump = 0.0
        self.bench.steady = self.steady
        self.bench.clock.time = BEGINNING
        self.disk = Disk(machine=self.machine, name="daybook.db")
        self.bench.daybook = self.daybook  # type: ignore[method-assign]
        self.bench.line._inner = Wire(self.bench.line._inner, self.machine)
        self.bench.post_foreign()
        self.foreign = self.truth().foreign
        self.track = self.others = 0
        self.calm()

    def run(self, steps: int) -> None:
        """So many steps, what must always hold after each, and everything else at the end."""
        with self.disk.under():
            for _ in range(2):
                self.declare()
            if self.chance.random() < 0.7:
                self.bench.apply(files(**self.specs))
            for _ in range(steps):
                self.step()
                self.check()
            self.come_to_rest()

    def step(self) -> None:
        if self.late and self.chance.random() < 0.5:
            self.deliver_late()
        if self.chance.random() < 0.6:
            self.apply()
        else:
            self.move()

    def check(self) -> None:
        """What holds at any moment: I-02 (others), I-03, I-05, I-60, I-62, I-70."""
        truth = self.truth()
        require(self.always(truth))
        assert truth.foreign == self.foreign, "the entries of others are not what they were"
        assert self.bench.doubled == [], "two stood at once (I-03)"

    def always(self, truth: Truth) -> Violations:
        """What holds at any moment; but a daybook from nothing begins with its first keys again.

        The ledger has forgotten them by the time they have another effect, and a search has shown
        that what they made does not stand any more.
        """
        found = always(truth, self.requests())
        return tuple(one for one in found if not (self.lost and one.invariant == "I-05"))

    def come_to_rest(self) -> None:
        """Faults end, time passes, and one undisturbed apply puts everything in order."""
        self.tell("rest")
        self.calm()
        self.deliver_late()
        self.open_period()
        self.take_back()
        self.bench.clock.pass_by(hours=30)
        wanted = files(**self.specs)
        if self.lost:
            self.cancel_orphans()
        self.bench.converge(wanted)
        truth, recorded = self.truth(), self.recorded()
        require(
            self.always(truth),
            i01(truth, self.specs),
            i02(truth, self.specs, recorded, foreign=self.foreign),
            agrees(truth, recorded),
        )

    # The tool.

    @contextmanager
    def daybook(self, *, write: bool = True) -> Iterator[Daybook]:
        """The workspace's daybook; what a dead process had open, the kernel closes."""
        book = open_daybook(self.bench.daybook_path, write=write, clock=self.bench.wall)
        try:
            yield book
        finally:
            try:
                book.close()
            except Crash:
                book._store.close()
                raise

    def apply(self) -> None:
        self.machine.dead = False
        self.storm()
        self.tell("apply")
        between = self.move if self.chance.random() < self.rates["between"] else lambda: None
        try:
            report = self.bench.apply(
                files(**self.specs),
                continue_on_error=self.chance.random() < 0.5,
                between=self.aside(between),
                doors={"new_track_id": self.track_id},
            )
        except Crash:
            self.tell("crashed")
        except ReconcilerError as error:
            self.count("run ended", type(error).__name__)
        else:
            self.note(report)
            if self.bench.line.reads is None and not self.late:
                self.bench.require_true(report)
        self.machine.dead = False
        self.calm()

    def note(self, report: Report) -> None:
        for settled in report.settled:
            self.count("settled", settled.act, settled.result.value)
            self.tell(f"  settled {settled.address.name} {settled.act}")
        for item in report.applied:
            self.count("ended", item.outcome.value)
            self.count("reason", item.change.reason.value)
            self.count("action", item.change.action.value)
            if item.error is not None:
                self.count("error", type(item.error).__name__)
        told = {item.change.address.name: item.outcome.value for item in report.applied}
        self.tell(f"  ended {told}")

    def steady(self) -> float:
        """The client's clock that only rises: a little with every look, and in leaps."""
        self.jump += 0.001
        return self.jump

    def track_id(self) -> str:
        self.track += 1
        return f"simulated-{self.track}"

    # The faults.

    def storm(self) -> None:
        """From here on faults are drawn for every request and every commit."""
        line = self.bench.line
        self.stuck.clear()
        line.choose = self.fault_for
        rate = self.chance.random() * self.rates["read"]
        line.reads = self.drawn(READ_FAULTS, rate) if rate else None
        if self.chance.random() < self.rates["query"]:
            name = self.chance.choice(sorted(QUERY_FAULTS))
            self.count("fault", name)
            line.queries = QUERY_FAULTS[name]
        self.disk.choose = self.disk_fault_for

    def calm(self) -> None:
        line = self.bench.line
        line.choose, line.reads, line.queries = lambda sent: None, None, None
        self.disk.choose = lambda wrote: None

    @contextmanager
    def calmed(self) -> Iterator[None]:
        line = self.bench.line
        held = line.choose, line.reads, line.queries
        line.choose, line.reads, line.queries = lambda sent: None, None, None
        yield
        line.choose, line.reads, line.queries = held

    def fault_for(self, sent: Sent) -> Fault | None:
        name = self.stuck.get(sent) or self.drawn_for(sent)
        self.require_young(sent, name)
        return self.counted(name) if name else None

    def drawn_for(self, sent: Sent) -> str:
        if self.chance.random() < self.rates["crash"]:
            return self.chance.choice(["C06", "C08"])
        if self.chance.random() >= self.rates["line"]:
            return ""
        own = [name for name in TOLD_APART if not name.startswith("C")]
        name = self.chance.choice([*sorted(LINE_FAULTS), *own])
        if self.chance.random() < self.rates["stuck"]:
            # Every attempt of the call meets it: without that, a retry nearly always heals.
            self.stuck[sent] = name
        return name

    def require_young(self, sent: Sent, fault: str) -> None:
        """I-09: no create is sent with a key that may have taken effect before the safe window."""
        first = self.first_sent.get(sent.key, self.bench.clock())
        assert self.lost or self.bench.clock() - first < KEY_LIFE, f"{sent.key} is too old"
        if sent.key and fault not in NEVER_TAKEN:
            self.first_sent[sent.key] = first

    def counted(self, name: str) -> Fault:
        self.count("fault", name)
        return LINE_FAULTS.get(name) or self.own_faults[name]

    @property
    def own_faults(self) -> Mapping[str, Fault]:
        return {
            "N19 a rule": self.rule,
            "N28 late": self.hold,
            "X7 transferred": self.with_move(self.transfer),
            "X8 closed": self.with_move(self.close_period),
            "C06": lambda line, request: self.die(),
            "C08": self.die_after,
        }

    def drawn(self, faults: Mapping[str, Fault], rate: float) -> Fault:
        def fault(line: Line, request: httpx.Request) -> httpx.Response:
            if self.chance.random() < self.rates["crash"] / 3:
                self.count("fault", "C09")
                self.die()
            if self.chance.random() >= rate:
                return line.deliver(request)
            name = self.chance.choice(sorted(faults))
            self.count("fault", name)
            return faults[name](line, request)

        return fault

    def rule(self, line: Line, request: httpx.Request) -> httpx.Response:
        """A refusal of the ledger's own: what took effect is replayed, the rest is kept as no."""
        key = request.headers.get("idempotency-key", "")
        if key and key in line.executed:
            return line.deliver(request)
        self.refused.add(key)
        return instead(refusal(52030030, "No"))(line, request)

    def hold(self, line: Line, request: httpx.Request) -> httpx.Response:
        """The request is on its way for a long time."""
        request.read()
        self.late.append(request)
        raise httpx.ReadTimeout("silence", request=request)

    def deliver_late(self) -> None:
        late, self.late = self.late, []
        for request in late:
            if request.headers.get("idempotency-key", "-") not in self.refused:
                self.tell(f"late {request.method} {request.url.path}")
                self.bench.line.deliver(request)

    def with_move(self, move: Callable[[], None]) -> Fault:
        def fault(line: Line, request: httpx.Request) -> httpx.Response:
            move()
            return line.deliver(request)

        return fault

    def die(self) -> httpx.Response:
        self.machine.crash()
        raise AssertionError

    def die_after(self, line: Line, request: httpx.Request) -> httpx.Response:
        line.deliver(request)
        return self.die()

    def disk_fault_for(self, wrote: str) -> Any:
        def crash_before(commit: Callable[[], None]) -> None:
            self.machine.crash()

        def crash_after(commit: Callable[[], None]) -> None:
            commit()
            self.machine.crash()

        if wrote not in ("intent", "outcome") or self.chance.random() >= self.rates["disk"]:
            return None
        faults = {"F4 full": full, "F4 unsure": unsure, "C05 before": crash_before,
                  "C06 after": crash_after}  # fmt: skip
        name = self.chance.choice(sorted(faults))
        self.count("fault", f"{name} {wrote}")
        return faults[name]

    # People, rivals and time.

    def move(self) -> None:
        (name,) = self.chance.choices(list(MOVES), list(MOVES.values()))
        move = {
            "declared": self.declare,
            "removed": lambda: self.specs.pop(self.chance.choice(NAMES), None),
            "notes by hand": lambda: self.by_hand(lambda n: self.set(n, notes="by hand")),
            "cancelled by hand": lambda: self.by_hand(self.cancel),
            "deleted by hand": lambda: self.by_hand(lambda n: (self.cancel(n), self.delete(n))),
            "transferred": self.transfer,
            "taken back": self.take_back,
            "a foreign entry": self.post_foreign,
            "period closed": self.close_period,
            "period opened": self.open_period,
            "an hour": lambda: self.wait(1),
            "a day": lambda: self.wait(self.chance.choice([19, 21, 26])),
            "two days": lambda: self.wait(50),
            "daybook lost": self.lose,
            "daybook restored": self.copy_or_restore,
            "client clock": self.turn_clock,
        }[name]
        self.count("move", name)
        self.tell(name)
        move()

    def aside(self, move: Callable[[], None]) -> Callable[[], None]:
        """A move while the tool is between plan and apply: its daybook is open by then."""

        def between() -> None:
            with self.calmed():
                lossy, self.lossy = self.lossy, False
                move()
                self.lossy = lossy

        return between

    def declare(self) -> None:
        say = (lambda *values: self.chance.choice(values)) if not self.lossy else (
            lambda *values: self.chance.choice([value for value in values if value is not None])
        )  # fmt: skip
        fields = {
            # Always declared: what no file ever spoke of is not ours, and stays as it is.
            "notes": say("x", "y"),
            "Ticket__c": say(None, "T1", "T2"),
            "accountingPeriodName": self.chance.choice(["Jan-2026", "Jan-2026", "Feb-2026"]),
        }
        fields = {name: value for name, value in fields.items() if value is not None}
        amount = self.chance.choice(["1.00", "2.50"])
        self.specs[self.chance.choice(NAMES)] = of(amount, **fields)

    def by_hand(self, change: Callable[[str], Any]) -> None:
        numbers = self.numbers(movable=True)
        if numbers:
            number = self.chance.choice(numbers)
            self.tell(f"  of {number}")
            change(number)

    def transfer(self) -> None:
        state = self.chance.choice(["Yes", "Processing"])
        self.by_hand(lambda number: self.set(number, transferredToAccounting=state))

    def take_back(self) -> None:
        """The ledger connector gives every entry back that may be given back."""
        for number in self.numbers(movable=True):
            self.set(number, transferredToAccounting="No")

    def close_period(self) -> None:
        if not self.closed:
            self.bench.close_period("Jan-2026")
            self.closed = True

    def open_period(self) -> None:
        if self.closed:
            self.bench.reopen_period("Jan-2026")
            self.closed = False

    def post_foreign(self) -> None:
        if not self.closed:
            self.others += 1
            self.bench.post_foreign(ReconcilerKey__c=f"others/{self.others}")
        self.foreign = self.truth().foreign

    def wait(self, hours: float) -> None:
        self.deliver_late()
        self.bench.clock.pass_by(hours=hours)

    def turn_clock(self) -> None:
        """Only the ledger's clock decides; the client's on the wall may say what it likes."""
        self.offset = timedelta(days=self.chance.choice([-2, 0, 2, 4000]))
        self.jump += self.chance.choice([0, 3600, 172_800])

    def lose(self) -> None:
        if self.lossy:
            self.wait(1)
            self.lost = True
            self._drop()

    def _drop(self) -> None:
        for path in self.bench.root.glob("daybook.db*"):
            path.unlink()

    def copy_or_restore(self) -> None:
        """A copy is taken at first, and put back later."""
        if not self.lossy:
            return
        copies = self.bench.root / "copies"
        if not copies.exists():
            copies.mkdir()
            for path in self.bench.root.glob("daybook.db*"):
                shutil.copy(path, copies)
        else:
            self.lose()
            for path in copies.iterdir():
                shutil.copy(path, self.bench.root)
            shutil.rmtree(copies)

    def cancel_orphans(self) -> None:
        """What no file and no record speaks of is left alone by the tool, and removed by hand."""
        known = {state.number for state in self.recorded().values()}
        for name, numbers in self.truth().standing.items():
            for number in numbers:
                if name not in self.specs and number not in known:
                    self.bench.api("PUT", f"/v1/journal-entries/{number}/cancel")

    def set(self, number: str, **fields: Any) -> None:
        path = f"/v1/journal-entries/{number}/basic-information"
        self.bench.api("PUT", path, fields)

    def cancel(self, number: str) -> None:
        # An entry on its way to accounting is not cancelled by anybody.
        self.set(number, transferredToAccounting="No")
        self.bench.api("PUT", f"/v1/journal-entries/{number}/cancel")

    def delete(self, number: str) -> None:
        self.bench.api("DELETE", f"/v1/journal-entries/{number}")

    # What is known.

    def numbers(self, *, movable: bool = False) -> list[str]:
        """Our entries that stand, or those of them that somebody may touch."""
        return sorted(
            one.number
            for one in self.truth().ours
            if one.stands and not (movable and self.closed and one.content[0] == "Jan-2026")
        )

    def truth(self) -> Truth:
        return read_truth(SqliteFile(self.bench.ledger_path))

    def recorded(self) -> Mapping[Any, Any]:
        with self.bench.daybook(write=False) as book:
            return book.recorded()

    def requests(self) -> list[Request]:
        return [
            Request(method=sent.method, path=sent.path, key=sent.key, body=sent.body)
            for sent in self.bench.line.sent
        ]

    def count(self, *words: str) -> None:
        self.counts[" ".join(words)] += 1
        self.tell(f"  {' '.join(words)}")

    def tell(self, what: str) -> None:
        self.story.append(what)
