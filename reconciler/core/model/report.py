"""The report of an apply: how each change ended, and the JSON document."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from enum import StrEnum
from typing import Any

from reconciler.core.model.finding import Refusal
from reconciler.core.model.history import Result
from reconciler.core.model.plan import Change, Step
from reconciler.core.model.resource import Address, Value
from reconciler.core.model.review import Assessment, SignOff
from reconciler.errors import LedgerError, ReconcilerError
from reconciler.values import dataclass

FORMAT_VERSION = "1.3"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """The run that a report is about: times in UTC, as ISO 8601. What is unknown is empty."""

    version: str = ""
    python: str = ""
    workspace: str = ""
    tenant: str = ""
    host: str = ""
    commit: str = ""
    """The commit that is checked out around the workspace."""
    started_at: str = ""
    ended_at: str = ""
    exit_code: int | None = None
    error: str = ""
    """What ended the run, if an error did."""
    remedy: str = ""


NO_FACTS = RunFacts()


class Outcome(StrEnum):
    """How a change ended; `blocked` ones were not allowed."""

    DONE = "done"
    FAILED = "failed"
    NOT_ATTEMPTED = "not_attempted"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """How one change ended, with the steps that took effect and the final number of the entry."""

    change: Change
    outcome: Outcome
    number: str | None = None
    steps: tuple[Step, ...] = ()
    message: str = ""
    remedy: str = ""
    track_id: str = ""
    error: ReconcilerError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The outcome of an open call of an earlier run; UNKNOWN if it is still open.

    `differs`: its entry has other values than were sent. `applied` are then those that count as
    applied, None if none do, and `otherwise` is what was sent and what a read shows instead, as
    the daybook keeps it. `marker_lost`: its entry does not show the marker as it was sent.
    `entries` are those of a journal run that has ended.
    """

    address: Address
    act: str
    result: Result
    number: str | None = None
    message: str = ""
    differs: bool = False
    applied: Mapping[str, Value] | None = None
    otherwise: str = ""
    marker_lost: bool = False
    entries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecorded:
    """The daybook has a call that is about to be sent, or with `result` how it ended.

    `call` is its number in the daybook. Told by the thread that makes the call.
    """

    call: int
    address: Address
    act: str
    number: str | None
    track_id: str | None
    result: Result | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of an apply.

    `interrupted`: a signal ended it early. `timed_out`: its time limit was reached.
    """

    applied: tuple[Applied, ...]
    settled: tuple[Settled, ...] = ()
    plan_digest: str = ""
    interrupted: bool = False
    timed_out: bool = False
    refusals: tuple[Refusal, ...] = ()
    """Why nothing of the plan was applied; empty where it was, and for a change that is blocked."""
    assessment: Assessment | None = None
    """The approvals found before the first call."""
    sign_off: SignOff | None = None
    """Who prepared and who approved it; None where nothing of a change is applied."""
    unanswered: int = 0
    """How many differences no change of the plan answers."""
    unsearched: str = ""
    """Why it is unknown whether another apply posted the same; empty when it is known."""
    unseen: tuple[str, ...] = ()
    """Posted numbers that the search of the ledger does not show yet."""

    def ended(self, outcome: Outcome) -> tuple[Applied, ...]:
        """The changes with this outcome, in plan order."""
        return tuple(item for item in self.applied if item.outcome is outcome)

    @property
    def still_open(self) -> tuple[Settled, ...]:
        """Calls of earlier runs whose outcome is still unknown."""
        return tuple(item for item in self.settled if item.result is Result.UNKNOWN)


NOTHING_BEFORE = Report(applied=())


def report_of(
    applied: Iterable[Applied],
    changes: Iterable[Change],
    before: Report = NOTHING_BEFORE,
    **facts: Any,
) -> Report:
    """The report of all pending changes, including those not attempted (I-33).

    The other facts are given, or those of the report `before`.
    """
    ended = {item.change.address: item for item in applied}
    rows = []
    for change in changes:
        item = ended.get(change.address)
        if item is None and change.block is not None:
            item = left_out(change, change.block)
        rows.append(item or Applied(change=change, outcome=Outcome.NOT_ATTEMPTED))
    return replace(before, applied=tuple(rows), **facts)


def left_out(change: Change, block: Refusal) -> Applied:
    """The result of a change that is not allowed: nothing was done, and `block` says why."""
    return Applied(
        change=change.blocked_by(block),
        outcome=Outcome.BLOCKED,
        number=change.number,
        message=block.message,
        remedy=block.remedy,
    )


def settled_rows(settled: Iterable[Settled]) -> list[dict[str, Any]]:
    """Settled calls as plain JSON values."""
    return [
        {
            "address": str(item.address),
            "call": item.act,
            "result": item.result.value,
            "number": item.number,
            "message": item.message,
        }
        for item in settled
    ]


def change_row(item: Applied) -> dict[str, Any]:
    """How a change ended, as plain JSON values."""
    return {
        "address": str(item.change.address),
        "action": item.change.action.value,
        "outcome": item.outcome.value,
        "number": item.number,
        "steps": [{"verb": step.verb.value, "number": step.number} for step in item.steps],
        "message": item.message,
        "remedy": item.remedy,
        "track_id": item.track_id,
        "codes": list(item.error.codes) if isinstance(item.error, LedgerError) else [],
    }


def report_document(report: Report, run: RunFacts = NO_FACTS) -> dict[str, Any]:
    """The report as plain JSON values."""
    return {
        "format_version": FORMAT_VERSION,
        "run": asdict(run),
        "plan_digest": report.plan_digest,
        "interrupted": report.interrupted,
        "timed_out": report.timed_out,
        "refusals": [asdict(refusal) for refusal in report.refusals],
        "approvals": _approvals(report.assessment),
        "sign_off": asdict(report.sign_off) if report.sign_off is not None else None,
        "settled": settled_rows(report.settled),
        "changes": [change_row(item) for item in report.applied],
        "summary": {outcome.value: len(report.ended(outcome)) for outcome in Outcome},
        "unanswered": report.unanswered,
        "unsearched": report.unsearched,
    }


def _approvals(found: Assessment | None) -> dict[str, Any] | None:
    """Who approved what: proves that the digest above was approved."""
    if found is None or not found.requirement.approvals:
        return None
    return {
        "required": found.requirement.approvals,
        "evidence": found.requirement.evidence.value,
        "change": found.change,
        "commit": found.commit,
        "given": [
            {
                "by": approval.who,
                "evidence": approval.evidence,
                "weak": approval.weak,
                "digests": list(approval.digests),
                "commit": approval.commit,
            }
            for approval in found.present
        ],
        "not_counted": [{"by": item.who, "why": item.why} for item in found.discarded],
        "missing": [asdict(item) for item in found.missing],
    }
