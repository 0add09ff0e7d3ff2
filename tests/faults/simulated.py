"""Client and ledger in one process, and everything that can happen to them, drawn from a seed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import httpx
from apply_harness import HASTY, Fault, Line, Sent, files, instead, refusal
from crashing import Crash, Disk, Machine, Wire, full, unsure
from ledger_contents import Truth
from line_faults import LINE_FAULTS, NEVER_TAKEN, QUERY_FAULTS, READ_FAULTS, TOLD_APART
from oracle import Violations, agrees, always, i01, i02, require
from simulated_world import BY_HAND, World

from reconciler.core.model.report import Report
from reconciler.daybook import Daybook, open_daybook
from reconciler.errors import ReconcilerError

KEY_LIFE = timedelta(hours=20)


@dataclass
class Simulation(World):
    """The tool in a world of people and rivals, with faults around it, all drawn from one seed."""

    machine: Machine = field(default_factory=Machine)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.first_sent: dict[str, datetime] = {}
        self.untaken: set[int] = set()
        self.stuck: dict[Sent, str] = {}
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
                "left": (0.0, 0.4),
            }.items()
        }
        self.disk = Disk(machine=self.machine, name="daybook.db")
        self.bench.daybook = self.daybook  # type: ignore[method-assign]
        self.bench.line._inner = Wire(self.bench.line._inner, self.machine)
        self.track = 0
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
        self.bench.line.searched.clear()
        between = self.meddle if self.chance.random() < self.rates["between"] else lambda: None
        try:
            report = self.bench.apply(
                files(**self.specs),
                continue_on_error=self.chance.random() < 0.5,
                between=self.aside(between),
                ports={
                    "new_track_id": self.track_id,
                    "polling": replace(HASTY, clock=self.steady),
                },
            )
        except Crash:
            self.tell("crashed")
        except ReconcilerError as error:
            self.count("run ended", type(error).__name__)
        else:
            self.note(report)
            self.unsearched = self.unsearched and not self.bench.line.searched
            if self.bench.line.reads is None and not self.late:
                self.bench.require_true(report)
        self.machine.dead = False
        self.calm()
        if self.open_calls() and self.chance.random() < self.rates["left"]:
            self.take("two days")

    def meddle(self) -> None:
        """Somebody is faster than an apply, if possible with an entry that its plan changes."""
        planned = {change.number for change in self.bench.planned.pending if change.steps}
        if numbers := [one for one in self.numbers(movable=True) if one in planned]:
            self.take(self.chance.choice(BY_HAND), numbers)
        else:
            self.move()

    def open_calls(self) -> bool:
        """Whether the outcome of a call is unknown."""
        with self.bench.daybook(write=False) as book:
            return bool(book.unsettled())

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
        # A copy that lacks a whole address cannot be told from a sound daybook but by a search.
        if self.chance.random() < self.rates["query"] and not self.unsearched:
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
        if name in NEVER_TAKEN:
            self.untaken.add(len(self.bench.line.sent) - 1)
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

    def aside(self, move: Callable[[], None]) -> Callable[[], None]:
        """A move while the tool is between plan and apply: its daybook is open by then."""

        def between() -> None:
            with self.calmed():
                lossy, self.lossy = self.lossy, False
                move()
                self.lossy = lossy

        return between
