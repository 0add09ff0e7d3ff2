"""Closes open creates by a person's answer, where the ledger confirms it."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from reconciler.core.model.finding import joined
from reconciler.core.model.history import Act, Result
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.report import Settled
from reconciler.core.model.resource import Address
from reconciler.core.recovery.marker_search import LAG, Search, recorded_numbers
from reconciler.core.recovery.open_calls import hours
from reconciler.daybook import Intent
from reconciler.engine.call_outcome import settlement_of
from reconciler.engine.ports import PostingLedger, SettlingDaybook
from reconciler.engine.search import search_ledger, search_or_probe
from reconciler.engine.settle import FORGOTTEN, HOUR, SAFE_WINDOW, SKEW, age_of
from reconciler.engine.settlement_record import confirmed, record_settled
from reconciler.errors import Refused


def close_manually(  # noqa: PLR0913 - keywords, and two of them a person's answers
    daybook: SettlingDaybook,
    ledger: PostingLedger,
    *,
    workspace: str,
    marker_place: str,
    posted: Mapping[Address, str],
    not_posted: Iterable[Address],
) -> tuple[Settled, ...]:
    """Close the creates that a person answers for. Raises Refused, and then closes none.

    `posted` names the number that a create made; a read must confirm it. `not_posted` says that
    it made nothing; it counts once the create can no longer execute and no search finds it.
    """
    creates = {intent.address: intent for intent in daybook.unsettled() if intent.act is Act.CREATE}
    known = recorded_numbers(daybook.recorded().values())
    not_posted = tuple(not_posted)
    for address in not_posted:
        if address in posted:
            raise Refused(
                f"{address} is named by both --posted and --not-posted",
                remedy="Give one answer for it.",
            )
    ended: list[tuple[Intent, Settled]] = []
    for address, number in posted.items():
        intent = _open(creates, address)
        if number in known:
            raise Refused(f"{number} is recorded already", remedy=_LOOK)
        settled = confirmed(
            ledger,
            intent,
            number,
            workspace=workspace,
            marker_place=marker_place,
            message=_ANSWERED,
        )
        if settled.result is not Result.DONE:
            fault = f"{number} is not the object of {address}: it {settled.message}"
            raise Refused(fault, remedy=_LOOK)
        # Two creates made two entries: no second answer may name this number.
        known |= {number}
        ended.append((intent, settled))
    for address in not_posted:
        intent = _open(creates, address)
        _require_past(ledger, intent)
        if KINDS[address.kind].carries_marker:
            begin = daybook.last_number(address.kind, before=intent)
            search = search_ledger(ledger, workspace, marker_place, names=(address,))
            search = search_or_probe(ledger, search, begin, workspace, marker_place)
            _require_absent(address, search, known)
        ended.append((intent, settlement_of(intent, Result.REFUSED, message=_ANSWERED)))
    for intent, settled in ended:
        record_settled(daybook, intent, settled)
    return tuple(settled for _, settled in ended)


_ANSWERED = "answered with daybook recover"
_LOOK = "Check the ledger for the object that the create declares, and give its number."


def _open(creates: Mapping[Address, Intent], address: Address) -> Intent:
    if address not in creates:
        raise Refused(
            f"{address} has no open create",
            remedy="`reconciler daybook recover --dry-run` lists what is open.",
        )
    return creates[address]


def _require_past(ledger: PostingLedger, intent: Intent) -> None:
    """Its request can no longer arrive, and a query would show what it made."""
    age = age_of(ledger, intent)
    if age is None:
        raise Refused(
            f"the age of the create of {intent.address.name} is unknown: the ledger sent no Date "
            "header",
            remedy=_LOOK,
        )
    if age < FORGOTTEN + LAG:
        raise Refused(
            f"the create of {intent.address.name} is {hours(age)} old; until "
            f"{(FORGOTTEN + LAG) // HOUR} hours have passed, its request may still arrive, or be "
            "hidden from a search",
            remedy="Run `reconciler daybook recover` again after that time.",
        )


def _require_absent(address: Address, search: Search, known: frozenset[str]) -> None:
    """No search finds it. Where no search is possible, the answer alone counts."""
    found = [number for number in search.numbers.get(address, ()) if number not in known]
    if found:
        raise Refused(
            f"{address} was posted: {joined(found)} carries its marker",
            remedy=f"Give --posted {address}={found[0]} instead.",
        )


def what_settles(intent: Intent, age: timedelta | None) -> str:
    """How an open call is settled at its present age, as text."""
    if intent.act is not Act.CREATE:
        return f"a read of {intent.number} settles it"
    if age is not None and -SKEW <= age < SAFE_WINDOW:
        return f"it is sent again under its key, for {hours(SAFE_WINDOW - age)} more"
    if not KINDS[intent.address.kind].carries_marker:
        return (
            f"only your answer settles it: check the ledger for the run, then give --posted "
            f"{intent.address}=NUMBER, or --not-posted {intent.address} after "
            f"{(FORGOTTEN + LAG) // HOUR} hours"
        )
    if age is not None and age >= FORGOTTEN + LAG:
        return "a search for its marker settles it"
    return (
        "a search settles it if it finds its marker; finding nothing counts only after "
        f"{(FORGOTTEN + LAG) // HOUR} hours"
    )
