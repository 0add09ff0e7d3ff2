"""Records how open calls ended, with the values that count as applied to their entries."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.core.model.history import Act, Result
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.marker import split_marker
from reconciler.core.model.report import Settled
from reconciler.core.model.resource import Live, Value
from reconciler.core.planning.run_members import numbers_of
from reconciler.core.recovery.applied_values import Shown, shown
from reconciler.core.recovery.claims import Claim, mismatch
from reconciler.daybook import CallOutcome, Intent
from reconciler.engine.call_outcome import settlement_of
from reconciler.engine.intent_log import write_note
from reconciler.engine.ports import CallLog, PostingLedger


def confirmed(  # noqa: PLR0913 - keywords, and one of them a text
    ledger: PostingLedger,
    intent: Intent,
    number: str,
    *,
    workspace: str,
    marker_place: str,
    message: str = "",
) -> Settled:
    """An open create, settled by a number that somebody names.

    UNKNOWN if the create cannot have made that object; the message then says why.
    """
    live = ledger.read(KINDS[intent.address.kind], number)
    fault = mismatch(
        Claim(address=intent.address, spec=intent.spec),
        live,
        workspace=workspace,
        place=marker_place,
        periods={period.name: period for period in ledger.accounting_periods()},
    )
    if fault:
        return settlement_of(intent, Result.UNKNOWN, message=fault)
    return settled_by(intent, number, live, marker_place=marker_place, message=message)


def settled_by(
    intent: Intent, number: str, live: Live | None, *, marker_place: str, message: str = ""
) -> Settled:
    """A create or an adoption that ended with this entry, whoever posted it."""
    found = shown_by(intent, None, live, marker_place=marker_place)
    posted = live is not None and live.status in KINDS[intent.address.kind].posted_states
    # A run that is still being executed has not made all of its entries yet.
    entries = numbers_of(live.members) if live is not None and posted else ()
    if found is None or not found.differing:
        settled = settlement_of(intent, Result.DONE, number=number, message=message)
        return replace(settled, entries=entries)
    differs = f"{number} has other values than were sent: {', '.join(found.differing)}"
    message = f"{message}; {differs}" if message else differs
    settled = settlement_of(intent, Result.DONE, number=number, message=message)
    settled = replace(settled, differs=True, applied=found.applied, otherwise=found.otherwise)
    return replace(settled, entries=entries)


def shown_by(
    intent: Intent, before: Mapping[str, Value] | None, live: Live | None, *, marker_place: str
) -> Shown | None:
    """What a posted entry shows of a call that wrote its values; None without such an entry."""
    kind = KINDS[intent.address.kind]
    if live is None or intent.spec is None or live.status not in kind.posted_states:
        return None
    held, _ = split_marker(live.fields, marker_place)
    return shown(kind, intent.spec, before, held, payload=intent.payload)


def record_settled(
    daybook: CallLog, intent: Intent, settled: Settled, *, kept: CallOutcome | None = None
) -> None:
    """Write how an open call ended. `kept` is what a spill file says. Raises DaybookError."""
    if settled.differs:
        # Before the outcome: a run that ends in between leaves the call open.
        note = replace(intent, act=Act.NOTE, number=settled.number, spec=settled.applied, key=None)
        write_note(daybook, replace(note, payload=settled.otherwise or None, seq=0))
    outcome = kept or CallOutcome(
        result=settled.result, number=settled.number, detail=settled.message
    )
    daybook.record_outcome(intent, outcome.with_entries(settled.entries))
