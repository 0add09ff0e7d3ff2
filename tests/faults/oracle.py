"""Server truth: what must hold of what the ledger's database holds.

Every checker is named for the invariant it decides and returns what breaks it, an empty tuple when
nothing does; `require` turns that into a failed test. A checker never asks the tool or the API.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from ledger_contents import (
    DELETED,
    MARKER,
    STANDING,
    Held,
    HeldRun,
    Spec,
    Truth,
    declared_content,
    read_truth,
)

from reconciler.core.model.history import Recorded
from reconciler.core.model.resource import Address

__all__ = [
    "DELETED", "MARKER", "STANDING", "Held", "HeldRun", "Request", "Spec", "Truth", "Violation",
    "Violations", "agrees", "always", "declared_content", "i01", "i01_runs", "i02", "i03", "i05",
    "i10", "i26", "i60", "i62", "i70", "read_truth", "require",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Violation:
    """What breaks an invariant, in words that name the entries."""

    invariant: str
    fact: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.fact}"


Violations = tuple[Violation, ...]


def require(*found: Violations) -> None:
    """Fail with every violation there is."""
    broken = [violation for violations in found for violation in violations]
    assert not broken, "\n".join(map(str, broken))


def i01(truth: Truth, wanted: Mapping[str, Spec]) -> Violations:
    """Each declared name has exactly one live entry, and its content is what is declared."""
    found = []
    for name, spec in wanted.items():
        numbers = truth.standing.get(name, ())
        if len(numbers) != 1:
            found.append(f"{name} stands {len(numbers)} times: {', '.join(numbers) or 'nowhere'}")
            continue
        (held,) = (one for one in truth.entries if one.number == numbers[0])
        if held.content != declared_content(spec):
            found.append(f"{held.number} is {held.content}, not {declared_content(spec)}")
    return _broken("I-01", found)


def i01_runs(
    truth: Truth, wanted: Mapping[str, tuple[Any, ...]], recorded: Mapping[Address, Recorded]
) -> Violations:
    """Each declared journal run stands exactly once, complete, under the number on record.

    `wanted` has the content of each, in the form of `HeldRun.content`.
    """
    standing = {one.number: one for one in truth.runs if one.status == "Completed"}
    numbers = {address.name: state.number for address, state in recorded.items()}
    found = []
    for name, content in wanted.items():
        alike = [number for number, one in standing.items() if one.content == content]
        if alike != [numbers.get(name)]:
            found.append(f"{name} is recorded as {numbers.get(name)}, and stands as {alike}")
    others = {*standing} - {numbers.get(name) for name in wanted}
    found += [f"{number} stands and is declared nowhere" for number in sorted(others)]
    at_work = [one.number for one in truth.runs if one.status.lower().endswith("progress")]
    found += [f"{number} is still at work" for number in at_work]
    return _broken("I-01", found)


def i02(
    truth: Truth,
    wanted: Iterable[str],
    recorded: Mapping[Address, Recorded],
    *,
    foreign: Mapping[str, tuple[Any, ...]] | None = None,
) -> Violations:
    """No orphan: what carries our marker is declared and recorded; others' entries are untouched.

    `foreign` is how the entries of others were before; None when there is nothing to compare with.
    An entry that has come since without a marker is an orphan too.
    """
    found = [f"{name} stands and is declared nowhere" for name in {*truth.standing} - {*wanted}]
    known = {state.number for state in recorded.values()}
    found += [
        f"{number} of {name} stands and is not recorded"
        for name, numbers in truth.standing.items()
        for number in numbers
        if number not in known
    ]
    if foreign is not None:
        now = truth.foreign
        changed = {*now, *foreign} - {one for one in foreign if now.get(one) == foreign[one]}
        found += [f"{number} of others is not what it was" for number in sorted(changed)]
    return _broken("I-02", found)


def i03(truth: Truth) -> Violations:
    """At no commit did two non-cancelled entries carry the same name."""
    named: dict[str, str] = {}
    standing: Counter[str] = Counter()
    found = []
    for event in truth.events:
        if event.kind != "JournalEntry":
            continue
        if event.action == "create":
            fields = event.details.get("entry", {})
            named[event.name] = str((fields.get("custom_fields") or {}).get(MARKER) or "")
            standing[named[event.name]] += 1
        elif event.action == "cancel":
            standing[named[event.name]] -= 1
        elif event.action == "update" and MARKER in event.details:
            standing[named[event.name]] -= 1
            named[event.name] = str(event.details[MARKER] or "")
            standing[named[event.name]] += 1
        marker = named[event.name]
        if marker and standing[marker] > 1:
            found.append(f"{event.action} of {event.name} left {marker} standing twice")
    return _broken("I-03", found)


@dataclass(frozen=True, kw_only=True)
class Request:
    """A changing request as a server received it."""

    method: str
    path: str
    key: str
    body: bytes


def i05(truth: Truth, requests: Iterable[Request] = ()) -> Violations:
    """Retries of one intent are byte-identical, and no key ever had two effects.

    `requests` is what a proxy or the server saw; without it, only effects are compared.
    """
    first: dict[str, Request] = {}
    found = [
        f"the key {request.key} was sent with two requests"
        for request in requests
        if request.key and first.setdefault(request.key, request) != request
    ]
    effects: dict[str, set[str]] = {}
    for event in truth.events:
        if event.key and event.action == "create":
            effects.setdefault(event.key, set()).add(event.request)
    found += [f"the key {key} took effect twice" for key, made in effects.items() if len(made) > 1]
    return _broken("I-05", found)


def i10(before: Truth, after: Truth, *, requests: int = 0, planned: int = 0) -> Violations:
    """A second apply writes nothing: no effect, no changing request, nothing planned after it."""
    found = []
    if after.effects != before.effects:
        actions = [f"{one.action} {one.name}" for one in after.events[before.effects :]]
        found.append(f"the second apply had effects: {', '.join(actions)}")
    if requests:
        found.append(f"the second apply sent {requests} changing requests")
    if planned:
        found.append(f"the plan after apply has {planned} changes")
    return _broken("I-10", found)


def i26(
    truth: Truth, wanted: Iterable[str], recorded: Mapping[Address, Recorded], code: int
) -> Violations:
    """Where an entry was cancelled and its successor is missing, record and exit code say so."""
    found = []
    states = {address.name: state for address, state in recorded.items()}
    for name in wanted:
        ours = [one for one in truth.ours if truth.name(one) == name]
        if not ours or name in truth.standing:
            continue
        state = states.get(name)
        number = ours[-1].number
        if state is None or not (state.cancelled or state.leftovers or state.unsettled):
            found.append(f"{number} of {name} was cancelled, and the daybook does not say so")
        if code not in (6, 130):
            found.append(f"{number} of {name} has no successor, and the exit code is {code}")
    return _broken("I-26", found)


def i60(truth: Truth) -> Violations:
    """An answer kept under a key names an entry that was made under that key."""
    made = {(event.key, event.name) for event in truth.events if event.action == "create"}
    return _broken(
        "I-60",
        [
            f"{one.number} is answered under {one.key}, and was not made under it"
            for one in truth.replays
            if one.number is not None and (one.key, one.number) not in made
        ],
    )


def i62(truth: Truth) -> Violations:
    """Numbers are unique and rising, and none is used again."""
    found = []
    for kind, held in (("JournalEntry", truth.entries), ("JournalRun", truth.runs)):
        made = [one.name for one in truth.events if (one.kind, one.action) == (kind, "create")]
        values = [int(name.rpartition("-")[2]) for name in made]
        if any(later <= sooner for sooner, later in pairwise(values)):
            found.append(f"the numbers of {kind} do not rise: {made}")
        numbers = [one.number for one in held]
        if sorted(numbers) != sorted(made):
            odd = {*numbers} ^ {*made}
            found.append(f"rows and creations of {kind} differ: {', '.join(sorted(odd))}")
    return _broken("I-62", found)


def i70(truth: Truth) -> Violations:
    """Debits are credits per currency for every entry, and so at every commit: lines never move."""
    sums: dict[tuple[str, str], Decimal] = {}
    for line in truth.lines:
        sign = 1 if line["type"] == "Debit" else -1
        for column, currency in (("amount", "currency"), ("home_currency_amount", "home_currency")):
            if line[column] is not None:
                place = (line["entry_number"], str(line[currency]))
                sums[place] = sums.get(place, Decimal(0)) + sign * Decimal(str(line[column]))
    return _broken(
        "I-70",
        [f"{number} is out of balance by {currency} {left}" for (number, currency), left in
         sums.items() if left],
    )  # fmt: skip


def agrees(truth: Truth, recorded: Mapping[Address, Recorded]) -> Violations:
    """The daybook's numbers are those that stand in the books, name for name."""
    known = {
        address.name: (state.number,)
        for address, state in recorded.items()
        if address.kind == "JournalEntry" and state.number is not None and not state.cancelled
    }
    found = [
        f"{name}: recorded {known.get(name, ())}, standing {truth.standing.get(name, ())}"
        for name in sorted({*known, *truth.standing})
        if known.get(name, ()) != truth.standing.get(name, ())
    ]
    found += [f"{address} is unsettled" for address, one in recorded.items() if one.unsettled]
    return _broken("the daybook", found)


def always(truth: Truth, requests: Iterable[Request] = ()) -> Violations:
    """What holds at any moment of any run, however it ended: I-03, I-05, I-60, I-62, I-70."""
    return (*i03(truth), *i05(truth, requests), *i60(truth), *i62(truth), *i70(truth))


def _broken(invariant: str, facts: Iterable[str]) -> Violations:
    return tuple(Violation(invariant=invariant, fact=fact) for fact in facts)
