"""Applies a plan: so many changes at a time, in order, and says of each how it ended."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from operator import attrgetter

from reconciler.core.model.history import Recorded
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.plan import Change, Plan
from reconciler.core.model.report import Applied, Outcome
from reconciler.core.model.resource import Address
from reconciler.core.planning.renames import record_for
from reconciler.engine.change_executor import ChangeExecutor
from reconciler.engine.ports import Ports
from reconciler.errors import AccessRefused, DaybookError, LedgerUnreachable


def apply(
    plan: Plan,
    recorded: Mapping[Address, Recorded],
    ports: Ports,
    *,
    parallelism: int,
    continue_on_error: bool = False,
) -> Iterator[Applied]:
    """Carry out the feasible changes of a plan, and yield how each ended, as it ends.

    Changes start in plan order, those that post nothing first, so many at a time. After a failure
    no further change starts in the same accounting period, unless `continue_on_error`; when the
    ledger cannot be reached or refuses access, or the daybook cannot be written, no further change
    starts at all. A change that was started settles its call in flight before it ends. Every
    change is yielded, even when one ends in an error that nobody foresaw: that error is raised
    after the last.
    """
    # What takes entries out comes first: a renamed one is not posted under both names for a moment.
    waiting = deque(sorted(plan.feasible, key=attrgetter("posts")))
    running: dict[Future[Applied], ChangeExecutor] = {}
    halt = _Halt(continue_on_error=continue_on_error)
    with ThreadPoolExecutor(max_workers=parallelism) as pool:
        try:
            while waiting or running:
                while waiting and len(running) < parallelism:
                    if _must_wait(waiting[0], running.values()):
                        break
                    change = waiting.popleft()
                    stopped = ports.why_stopped() if ports.stop.is_set() else ""
                    why = stopped or halt.why_not(change)
                    if why:
                        yield Applied(change=change, outcome=Outcome.NOT_ATTEMPTED, message=why)
                        continue
                    state = record_for(recorded, change.address, change.renamed_from)
                    work = ChangeExecutor(
                        change=change, basis=plan.basis, recorded=state, ports=ports
                    )
                    running[pool.submit(work.run)] = work
                # The timeout lets the main thread see a signal while calls are in flight.
                ended, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                results = [halt.ended(future, running.pop(future)) for future in ended]
                yield from sorted(results, key=lambda result: result.change.address)
        except GeneratorExit:
            # Nobody listens any more: what is in flight is settled, and nothing new is begun.
            ports.stop.set()
            raise
    if halt.unforeseen is not None:
        raise halt.unforeseen


def _must_wait(change: Change, running: Iterable[ChangeExecutor]) -> bool:
    """Whether a change starts only when another one has ended.

    The ledger takes one at a time of some kinds. And what posts waits for what only takes out of
    its period: should that fail, it may be the same entry under another name, and is not posted.
    """
    kind = change.address.kind
    others = [work.change for work in running]
    if KINDS[kind].serial and any(other.address.kind == kind for other in others):
        return True
    return change.posts and any(
        other.takes_back and not other.posts and _may_share_period(change, other)
        for other in others
    )


def _may_share_period(one: Change, other: Change) -> bool:
    return one.period == other.period or not (one.period and other.period)


@dataclass(slots=True, kw_only=True)
class _Halt:
    """What has gone wrong so far, and which changes are not started because of it."""

    continue_on_error: bool
    periods: set[str] = field(default_factory=set)
    everything: str = ""
    unforeseen: BaseException | None = None

    def ended(self, future: Future[Applied], work: ChangeExecutor) -> Applied:
        """How a change ended, after drawing the consequences for the others."""
        error = future.exception()
        if error is not None:
            self.unforeseen = self.unforeseen or error
            self.everything = "another change was ended by an unexpected error"
            return work.aborted_by(error)
        result = future.result()
        if result.outcome in (Outcome.FAILED, Outcome.UNKNOWN) and not self.continue_on_error:
            # What belongs to no single period ties nothing else to its failure.
            self.periods |= {result.change.period} - {""}
        if isinstance(result.error, DaybookError):
            self.everything = "the daybook could not be written any more"
        elif isinstance(result.error, AccessRefused | LedgerUnreachable):
            self.everything = self.everything or "the ledger could not be used any more"
        return result

    def why_not(self, change: Change) -> str:
        """Why a change is not started; empty when it is."""
        if self.everything:
            return self.everything
        if change.period in self.periods:
            return f"another change in {change.period} did not succeed"
        return ""
