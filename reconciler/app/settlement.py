"""Settles what earlier runs left behind, before anything else: the spill file and open calls."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from functools import partial

from reconciler.app.progress import Tell, UnsavedOutcome
from reconciler.app.session import ReadSession, WriteSession
from reconciler.core.model.history import Result
from reconciler.core.model.report import Settled
from reconciler.core.model.resource import Address
from reconciler.core.recovery.open_calls import OpenCall, Recovery
from reconciler.daybook import Intent
from reconciler.engine.manual_settlement import close_manually, what_settles
from reconciler.engine.settle import age_of, settle
from reconciler.engine.settlement_record import confirmed
from reconciler.engine.spill import (
    TAKEN,
    SpillContents,
    SpillingDaybook,
    apply_records,
    examine,
    take_in,
)
from reconciler.values import dataclass


def spilling_daybook(session: WriteSession, tell: Tell) -> SpillingDaybook:
    """The daybook to write to; what it cannot take goes to the spill file, or is told."""

    def show(line: str) -> None:
        tell(UnsavedOutcome(spill_file=session.spill_file, line=line))

    return SpillingDaybook(session.daybook, session.spill_file, show=show, watch=tell)


def settle_first(
    session: WriteSession,
    *,
    tell: Tell,
    may_send: bool | None = None,
    between: Callable[[], None] = lambda: None,
) -> tuple[Settled, ...]:
    """Read the spill file into the daybook, and settle what earlier runs left open.

    `between` is called after each call that was settled. For `may_send` see `settle_open`.
    Raises DaybookError.
    """
    settled = []
    for item in take_in(session.daybook, session.spill_file, confirm=_confirming(session)):
        tell(item)
        if item.result is not Result.UNKNOWN:
            settled.append(item)
    for item in settle_open(session, tell=tell, may_send=may_send):
        settled.append(item)
        between()
    return tuple(settled)


def settle_open(
    session: WriteSession, *, tell: Tell, may_send: bool | None = None
) -> Iterator[Settled]:
    """Settle every open call, and tell of each.

    By default nothing is sent again where the policy requires approvals: forget, import and
    recover are not asked for any.
    """
    settings, declared = session.settings, session.workspace.declared
    for item in settle(
        spilling_daybook(session, tell),
        session.ledger,
        workspace=settings.name,
        marker_place=settings.marker,
        adopts={where: item.adopts for where, item in declared.items() if item.adopts},
        may_send=not settings.policy.approvals.tiers if may_send is None else may_send,
    ):
        tell(item)
        yield item


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a person says that open creates made, and whether to give up unreadable lines."""

    posted: Mapping[Address, str] = field(default_factory=dict)
    not_posted: frozenset[Address] = frozenset()
    set_aside: bool = False


def examine_open(session: ReadSession, *, tell: Tell) -> Recovery:
    """Every call whose outcome is not known, and what a spill file holds. Changes nothing."""
    return _examined(session, tell, changed=False)[0]


def recover(session: WriteSession, answers: Answers, *, tell: Tell) -> Recovery:
    """Settle what can be settled: by the spill file, by a person's answers, and by the ledger."""
    recovery, found = _examined(session, tell, changed=True)
    if recovery.problems and not answers.set_aside:
        return recovery
    settled: list[Settled] = []
    if found is not None:
        settled += apply_records(
            session.daybook,
            session.spill_file,
            found,
            confirm=_confirming(session),
            set_aside=answers.set_aside,
        )
    settled += close_manually(
        spilling_daybook(session, tell),
        session.ledger,
        workspace=session.settings.name,
        marker_place=session.settings.marker,
        posted=answers.posted,
        not_posted=answers.not_posted,
    )
    for item in settled:
        tell(item)
    # What the ledger did not confirm of a spill file is open, and settled with all the rest.
    settled = [item for item in settled if item.result is not Result.UNKNOWN]
    settled += settle_open(session, tell=tell)
    return replace(recovery, problems=(), settled=tuple(settled))


def _examined(
    session: ReadSession, tell: Tell, *, changed: bool
) -> tuple[Recovery, SpillContents | None]:
    found = examine(session.daybook, session.spill_file)
    recovery = Recovery(
        open=tuple(_open_calls(session)),
        spill_file=str(session.spill_file) if found else "",
        records=found.lines if found else (),
        problems=found.problems if found else (),
        changed=changed,
    )
    tell(recovery)
    return recovery, found


def _open_calls(session: ReadSession) -> Iterator[OpenCall]:
    for intent in session.daybook.unsettled():
        age = age_of(session.ledger, intent)
        yield OpenCall(
            address=intent.address,
            act=intent.act.value,
            number=intent.number,
            since=intent.server_at,
            age=age,
            track_id=intent.track_id or "",
            settled_by=what_settles(intent, age),
        )


def _confirming(session: WriteSession) -> Callable[[Intent, str], Settled]:
    """Settles an open create by the number in a spill file, as far as a read confirms it."""
    return partial(
        confirmed,
        session.ledger,
        workspace=session.settings.name,
        marker_place=session.settings.marker,
        message=TAKEN,
    )
