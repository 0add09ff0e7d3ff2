"""Clients at random on one ledger, with faults on their lines, checked against a small model.

The model is a register for each entry and an allocator of numbers. I-61, I-62, I-63.
"""

import itertools
import json
import os
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from httpx_transport import HttpxTransport
from laboratory import Books, Lab, entry
from ledger_contents import Held
from ledger_databases import POSTGRESQL, SQLITE

from reconciler.core.model.kinds import KINDS
from reconciler.errors import LedgerError, OutcomeUnknown
from reconciler.zuora.client import Client
from reconciler.zuora.connection import CallLimits, Connection, Credentials

KIND = KINDS["JournalEntry"]
SHARED = ("s0", "s1")
"""Entries whose notes every client writes."""


ENDED = {"cancel": "cancelled", "delete": "deleted"}
"""What an entry is after a call, as a field of `Own`."""

HISTORIES = int(os.environ.get("RECONCILER_HISTORIES", "2"))
"""How many histories the full tier plays on each database; the programme's release tier asks 50."""


class Line(httpx.BaseTransport):
    """A line to the ledger on which changing requests or their answers get lost."""

    def __init__(self, chance: random.Random, rate: float) -> None:
        self._inner = httpx.HTTPTransport()
        self._chance, self._rate = chance, rate
        self.lost: Counter[str] = Counter()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        if request.url.path == "/oauth/token" or self._chance.random() >= self._rate:
            return self._inner.handle_request(request)
        if self._chance.random() < 0.5:
            self.lost["before"] += 1
            raise httpx.ReadError("reset", request=request)
        self._inner.handle_request(request).read()
        self.lost["after"] += 1
        raise httpx.ReadError("reset", request=request)

    def close(self) -> None:
        self._inner.close()


@dataclass(kw_only=True)
class Write:
    """Notes written to a shared entry: what, when, and whether that was acknowledged."""

    value: str
    began: float
    ended: float
    acknowledged: bool


@dataclass(kw_only=True)
class Own:
    """An entry that one client alone changes, as far as that client knows."""

    name: str
    key: str
    body: bytes
    number: str | None = None
    cancelled: bool = False
    deleted: bool = False
    doubts: set[str] = field(default_factory=set)
    """Calls on it that may have taken effect, or not."""


class Player:
    """One client with its own line, token and chance."""

    def __init__(self, lab: Lab, seed: int, number: int, rate: float, shared: dict[str, str]):
        self.chance = random.Random(seed * 1000 + number)
        self.number = number
        self.line = Line(self.chance, rate)
        keys = lab.keys
        self.client = Client(
            Connection(base_url=lab.url),
            Credentials(
                client_id=keys["ZUORA_CLIENT_ID"], client_secret=keys["ZUORA_CLIENT_SECRET"]
            ),
            transport=HttpxTransport(self.line),
            # A lost answer is the test's to deal with: the client does not try again by itself.
            limits=CallLimits(attempts=1),
        )
        self.client.tenant()
        self.shared = shared
        self.own: list[Own] = []
        self.writes: dict[str, list[Write]] = {name: [] for name in SHARED}
        self.wrong: list[str] = []
        self.unknown: Counter[str] = Counter()

    def play(self, count: int) -> None:
        for step in range(count):
            act = self.chance.choice(["create", "create", "again", "cancel", "delete", "look",
                                      "share", "share"])  # fmt: skip
            getattr(self, act)(step)

    def create(self, step: int) -> None:
        name = f"c{self.number}-{step}"
        body = json.dumps({**entry("5.00"), "ReconcilerKey__c": f"books/{name}"}).encode()
        self.own.append(Own(name=name, key=f"key-{name}", body=body))
        self.send(self.own[-1])

    def again(self, step: int = 0) -> None:
        """An unknown create is sent again under its key."""
        for one in [one for one in self.own if one.number is None][:1]:
            self.send(one)

    def send(self, one: Own) -> None:
        try:
            number = self.client.create(KIND, one.body, key=one.key)
        except OutcomeUnknown:
            one.doubts.add("create")
            self.unknown["create"] += 1
        else:
            one.number = number
            one.doubts.discard("create")

    def cancel(self, step: int) -> None:
        self.change("cancel", [o for o in self.own if o.number and not o.cancelled])

    def delete(self, step: int) -> None:
        self.change("delete", [o for o in self.own if o.number and o.cancelled and not o.deleted])

    def change(self, verb: str, candidates: list[Own]) -> None:
        if not candidates:
            return
        one = self.chance.choice(candidates)
        assert one.number is not None
        try:
            getattr(self.client, verb)(KIND, one.number)
        except OutcomeUnknown:
            one.doubts.add(verb)
            self.unknown[verb] += 1
        except LedgerError as error:
            # A refusal is right only where an earlier call of the sort did take effect.
            if verb not in one.doubts:
                self.wrong.append(f"{verb} of {one.number}: {error.message}")
            setattr(one, ENDED[verb], True)
        else:
            setattr(one, ENDED[verb], True)

    def look(self, step: int) -> None:
        """A read shows what this client was told, and nothing that it never asked for."""
        known = [one for one in self.own if one.number]
        if not known:
            return
        one = self.chance.choice(known)
        assert one.number is not None
        try:
            live = self.client.read_status(KIND, one.number)
        except LedgerError:
            return
        if problem := contradiction(one, None if live is None else live.status):
            self.wrong.append(problem)

    def share(self, step: int) -> None:
        name, value = self.chance.choice(SHARED), f"{self.number}-{step}"
        began = time.monotonic()
        try:
            self.client.update(KIND, self.shared[name], json.dumps({"notes": value}).encode())
        except OutcomeUnknown:
            acknowledged = False
            self.unknown["update"] += 1
        else:
            acknowledged = True
        write = Write(value=value, began=began, ended=time.monotonic(), acknowledged=acknowledged)
        self.writes[name].append(write)


def contradiction(one: Own, status: str | None) -> str:
    """What is wrong with a status, given what its client was told; empty when nothing is."""
    possible = {"Created"}
    if one.cancelled or "cancel" in one.doubts:
        possible = {"Cancelled"} if one.cancelled else {"Created", "Cancelled"}
    if one.deleted or "delete" in one.doubts:
        possible = {None} if one.deleted else {*possible, None}  # type: ignore[assignment]
    return "" if status in possible else f"{one.number} is {status}, not one of {possible}"


def prepared(lab: Lab) -> None:
    with lab.hosted():
        lab.declare(Books(entries={name: entry("1.00") for name in SHARED}))
        ended = lab.apply()
        assert ended.code == 0, ended.said


def tiers() -> list[Any]:
    bounded = pytest.param(SQLITE, 0, 3, 18, id="sqlite-0")
    full = [
        pytest.param(kind, seed, 8, 1000, marks=pytest.mark.faults, id=f"{kind}-{seed}")
        for kind in (SQLITE, POSTGRESQL)
        for seed in range(1, 1 + HISTORIES)
    ]
    return [bounded, *full]


@pytest.mark.parametrize(("kind", "seed", "clients", "count"), tiers())
def test_i61_i62_i63_a_history_is_one_of_the_model(make_lab, tally, kind, seed, clients, count):
    lab = make_lab("history", prepared, kind=kind)
    with tally.watching("history", "clients"), lab.hosted():
        shared = {name: numbers[0] for name, numbers in lab.truth().standing.items()}
        players = [Player(lab, seed, number, 0.2, shared) for number in range(clients)]
        threads = [threading.Thread(target=player.play, args=[count]) for player in players]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for player in players:
            settle(player)
            player.client.close()
            player.line.close()
            assert player.wrong == []
            for _ in range(sum(player.line.lost.values())):
                tally.reached("history", "clients")
        require_model(lab, players, shared)
        assert sum(sum(player.unknown.values()) for player in players) > 0, "nothing was lost"


def settle(player: Player) -> None:
    """Every unknown create becomes known by its key, on a line without faults (I-07)."""
    player.line._rate = 0
    for one in [one for one in player.own if one.number is None]:
        player.send(one)
        assert one.number is not None


def require_model(lab: Lab, players: list[Player], shared: dict[str, str]) -> None:
    truth = lab.require_always()
    held: dict[str, Held] = {one.number: one for one in truth.entries}
    marked = Counter(one.marker for one in truth.ours)
    own = [one for player in players for one in player.own]
    numbers = [one.number for one in own]
    assert len(set(numbers)) == len(numbers), "no number twice (I-62)"
    for one in own:
        assert marked[f"books/{one.name}"] == 1, f"{one.name} was made once (I-61)"
        entry_held = held[one.number or ""]
        assert entry_held.marker == f"books/{one.name}"
        status = None if entry_held.status == "Deleted" else entry_held.status
        assert contradiction(one, status) == ""
    for name, number in shared.items():
        notes = held[number].content[3]
        writes = list(itertools.chain(*(player.writes[name] for player in players)))
        if not writes and notes is None:
            continue
        last = next((write for write in writes if write.value == notes), None)
        if last is None:
            assert notes is None
            assert not any(write.acknowledged for write in writes)
            continue
        after = [write for write in writes if write.acknowledged and write.began > last.ended]
        assert after == [], f"{number} shows what was overwritten"
