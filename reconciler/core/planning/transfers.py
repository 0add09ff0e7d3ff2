"""How far the posted entries are transferred to the general ledger, by accounting period."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from reconciler.core.model.enumerations import TransferState
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.plan import Action, Change, Transfers
from reconciler.core.model.resource import Address, header_of, text_of
from reconciler.core.planning.impact import not_in_runs, posted_before
from reconciler.core.planning.run_members import is_posted, transfer_of
from reconciler.core.planning.snapshot import Snapshot


def transfers_of(changes: Iterable[Change], starts: Mapping[str, str]) -> tuple[Transfers, ...]:
    """The transfer states of all posted entries managed here, as they were read.

    There is a row for each period, in the order of `starts`. An entry of a journal run counts once.
    """
    counts: dict[str, Counter[str]] = {}
    failed: dict[str, dict[str, str]] = {}
    for period, number, state, name in posted_states(changes):
        counts.setdefault(period, Counter())[state] += 1
        if state == TransferState.ERROR:
            failed.setdefault(period, {})[number] = name
    return tuple(
        Transfers(
            period=period,
            counts=dict(sorted(counts[period].items())),
            failed=dict(sorted(failed.get(period, {}).items())),
        )
        for period in sorted(counts, key=lambda name: (starts.get(name, ""), name))
    )


def posted_states(changes: Iterable[Change]) -> Iterator[tuple[str, str, str, str]]:
    """Period, number, transfer state and declaration of each posted entry managed here."""
    for change in not_in_runs(tuple(changes)):
        kind, name = KINDS[change.address.kind], change.address.name
        for member in filter(is_posted, change.members) if kind.members else ():
            period = text_of(member.fields.get(KINDS[str(kind.members)].period)) or ""
            yield period, member.number, transfer_of(member), name
        for _, spec in () if kind.members else posted_before(change):
            state = change.transferred or TransferState.NO.value
            # The period of what is kept is the one that its file declares.
            kept = change.action is Action.KEEP
            period = change.period if kept else text_of(*header_of(spec, kind.period)) or ""
            yield period, change.number or "", state, name


def transfer_states(snapshot: Snapshot) -> Mapping[Address, frozenset[str]]:
    """The transfer states of the posted entry of each address, or of the entries of its run."""
    found: dict[Address, frozenset[str]] = {}
    for address in {*snapshot.declared, *snapshot.recorded}:
        declared, recorded = snapshot.declared.get(address), snapshot.recorded.get(address)
        number = recorded.number if recorded else None
        live = snapshot.live.get(number or (declared.adopts if declared else None) or "")
        if live is None:
            continue
        entries = live.members if KINDS[address.kind].members else (live,)
        found[address] = frozenset(transfer_of(one) for one in entries if is_posted(one))
    return found
