"""What a simulated run of the tool finds: people, rivals, time, and the ledger they all work on."""

import random
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from apply_harness import Bench, of
from ledger_contents import Truth, read_truth
from ledger_databases import SqliteFile
from oracle import Request

NAMES = "abc"
BEGINNING = datetime(2026, 3, 2, 8, tzinfo=UTC)

MOVES = {
    "declared": 18, "removed": 6, "notes by hand": 4, "cancelled by hand": 2,
    "deleted by hand": 2, "transferred": 2, "taken back": 4, "a foreign entry": 1,
    "period closed": 2,
    "period opened": 3, "an hour": 3, "a day": 2, "two days": 1, "daybook lost": 1,
    "daybook restored": 2, "client clock": 2,
}  # fmt: skip
"""What people, rivals and time do, and how often of 55."""

BY_HAND = tuple(move for move in MOVES if move.endswith(" by hand"))


@dataclass
class World:
    """One seed: a workspace on a ledger, and chance that decides all that is done to them."""

    bench: Bench
    seed: int
    lossy: bool
    """Whether the daybook may be lost or restored; its files then always say everything."""
    counts: Counter[str] = field(default_factory=Counter)
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.specs: dict[str, Any] = {}
        self.late: list[httpx.Request] = []
        self.refused: set[str] = set()
        self.lost = self.closed = False
        self.says_all = self.lossy
        """Also while the daybook is open, when it cannot be lost."""
        self.unsearched = False
        """Whether the daybook is an older copy, and nobody searched the ledger since."""
        self.others = 0
        self.offset = timedelta()
        self.bench.wall = lambda: self.bench.clock() + self.offset
        self.jump = 0.0
        self.bench.steady = self.steady
        self.bench.clock.time = BEGINNING
        self.bench.post_foreign()
        self.foreign = self.truth().foreign

    def steady(self) -> float:
        """The client's clock that only rises: a little with every look, and in leaps."""
        self.jump += 0.001
        return self.jump

    def move(self) -> None:
        (name,) = self.chance.choices(list(MOVES), list(MOVES.values()))
        self.take(name)

    def take(self, name: str, numbers: Sequence[str] = ()) -> None:
        """One move by its name; by hand with one of the numbers, or with any entry of ours."""
        move = {
            "declared": self.declare,
            "removed": lambda: self.specs.pop(self.chance.choice(NAMES), None),
            "notes by hand": lambda: self.by_hand(lambda n: self.set(n, notes="by hand"), numbers),
            "cancelled by hand": lambda: self.by_hand(self.cancel, numbers),
            "deleted by hand": lambda: self.by_hand(
                lambda n: (self.cancel(n), self.delete(n)), numbers
            ),
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
        if self.says_all and fields["Ticket__c"] is None:
            fields["Ticket__c"] = "T1"
        fields = {name: value for name, value in fields.items() if value is not None}
        amount = self.chance.choice(["1.00", "2.50"])
        self.specs[self.chance.choice(NAMES)] = of(amount, **fields)

    def by_hand(self, change: Callable[[str], Any], numbers: Sequence[str] = ()) -> None:
        if numbers := numbers or self.numbers(movable=True):
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
            self.unsearched = True
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

    def deliver_late(self) -> None:
        late, self.late = self.late, []
        for request in late:
            if request.headers.get("idempotency-key", "-") not in self.refused:
                self.tell(f"late {request.method} {request.url.path}")
                self.bench.line.deliver(request)

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
        """What the ledger may have taken. The key of the rest is free for other content."""
        return [
            Request(method=sent.method, path=sent.path, key=sent.key, body=sent.body)
            for at, sent in enumerate(self.bench.line.sent)
            if at not in self.untaken
        ]

    def count(self, *words: str) -> None:
        self.counts[" ".join(words)] += 1
        self.tell(f"  {' '.join(words)}")

    def tell(self, what: str) -> None:
        self.story.append(what)
