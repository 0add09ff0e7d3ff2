"""Applies a plan: changes in order, several at a time, with the result of each."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import field
from operator import attrgetter

from reconciler.core.model.finding import Refusal
from reconciler.core.model.history import Recorded
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.plan import Change, Plan, Verb
from reconciler.core.model.report import Applied, Outcome, Settled, left_out
from reconciler.core.model.resource import Address
from reconciler.core.planning.renames import renamed
from reconciler.core.planning.reversing.proof import without_original
from reconciler.core.planning.reversing.removals import cancelled_numbers, with_reversal
from reconciler.engine.change_executor import ChangeExecutor
from reconciler.engine.period_watch import PeriodWatch
from reconciler.engine.ports import Ports
from reconciler.errors import AccessRefused, DaybookError, LedgerUnreachable, MarkerLost
from reconciler.values import dataclass


def apply(  # noqa: PLR0913 - keywords, each with its usual value
    plan: Plan,
    recorded: Mapping[Address, Recorded],
    ports: Ports,
    *,
    parallelism: int,
    continue_on_error: bool = False,
    settled: Iterable[Settled] = (),
) -> Iterator[Applied]:
    """Apply the feasible changes of a plan, and yield the result of each as it ends.

    Changes start in plan order, those that post nothing first, at most `parallelism` at a time.
    After a failure no further change starts in the same accounting period, unless
    `continue_on_error`. If the ledger cannot be reached or refuses access, or the daybook cannot
    be written, no further change starts at all. No further entry is created if the ledger does not
    keep the marker of a new one, or of an open create among those `settled`. A started change
    completes its call in flight. The periods are read before the first write, and again when the
    copy is old. A change that they no longer allow is left out as blocked, and the rest goes on.
    Every change is yielded, even after an unexpected error, which is raised at the end.
    """
    # Removals come first: a renamed entry is never posted under both names.
    # A reversal is posted after its original, and cancelled before it.
    waiting = deque(
        sorted(plan.feasible, key=lambda one: (one.posts, one.posts == bool(one.reverses)))
    )
    running: dict[Future[Applied], ChangeExecutor] = {}
    halt = _Halt(
        continue_on_error=continue_on_error,
        unmarked=next((_unmarked(item.address) for item in settled if item.marker_lost), ""),
    )
    periods = PeriodWatch(
        ledger=ports.ledger, clock=ports.polling.clock, manages_close=ports.manages_close
    )
    with ThreadPoolExecutor(max_workers=parallelism) as pool:
        try:
            while waiting or running:
                while waiting and len(running) < parallelism:
                    if running and _must_wait(waiting[0], running.values()):
                        break
                    change = waiting.popleft()
                    stopped = ports.why_stopped() if ports.stop.is_set() else ""
                    if (unstarted := halt.unstarted(change, stopped)) is not None:
                        yield halt.noted(unstarted)
                        continue
                    state = recorded.get(change.address) or Recorded(address=change.address)
                    if change.renamed_from:
                        old = Address(change.address.kind, change.renamed_from)
                        state = renamed(state, recorded.get(old))
                    work = ChangeExecutor(
                        change=change,
                        basis=plan.basis,
                        recorded=state,
                        ports=ports,
                        periods=periods,
                    )
                    running[pool.submit(work.run)] = work
                # The timeout lets the main thread see a signal while calls are in flight.
                ended, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                results = [halt.ended(future, running.pop(future)) for future in ended]
                yield from sorted(results, key=attrgetter("change.address"))
        except GeneratorExit:
            # The caller left: calls in flight are completed, and no new change starts.
            ports.stop.set()
            raise
    if halt.unforeseen is not None:
        raise halt.unforeseen


def _unmarked(address: Address) -> str:
    """Why no further entry is created: no read and no search would know it as ours."""
    return f"the ledger did not keep the marker of {address.name}, so no further entry is created"


def _must_wait(change: Change, running: Iterable[ChangeExecutor]) -> bool:
    """Whether a change starts only when another one has ended.

    The ledger takes some kinds one at a time. And a posting waits for removals in its period: if
    one fails, the posting may be the same entry under another name, and does not start.
    """
    kind = change.address.kind
    others = [work.change for work in running]
    if KINDS[kind].serial and any(other.address.kind == kind for other in others):
        return True
    pair = {change.reverses, change.reversed_by} - {""}
    taken = {*cancelled_numbers(change)}
    if any(other.address.name in pair or other.reverses in taken for other in others):
        return True
    # A change without a single period may touch any.
    return change.posts and any(
        other.period in (change.period, "") or not change.period
        for other in others
        if other.cancels and not other.posts
    )


def _creates_marked(change: Change) -> bool:
    """Whether a change creates an entry that carries a marker."""
    marked = KINDS[change.address.kind].carries_marker
    return marked and any(step.verb is Verb.CREATE for step in change.steps)


@dataclass(slots=True, kw_only=True)
class _Halt:
    """What failed so far, and which changes do not start because of it."""

    continue_on_error: bool
    periods: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    """The names of entries whose change did not succeed.

    Their reversals are not posted. What they reverse is not cancelled.
    """
    blocked: dict[str, Refusal] = field(default_factory=dict)
    """What left out a change, by the name of its entry: the other one of a pair is left out too."""
    reversals: dict[str, str] = field(default_factory=dict)
    """The names of reversals that were not changed, each by what it reverses."""
    blocked_removals: dict[str, Refusal] = field(default_factory=dict)
    """What left out a removal, by its period: a posting there may be the same entry."""
    everything: str = ""
    unmarked: str = ""
    """Why no entry with a marker is created."""
    unforeseen: BaseException | None = None

    def ended(self, future: Future[Applied], work: ChangeExecutor) -> Applied:
        """The result of a change, after noting what it stops."""
        error = future.exception()
        if error is not None:
            self.unforeseen = self.unforeseen or error
            self.everything = "an unexpected error ended another change"
            return work.aborted_by(error)
        return self.noted(future.result())

    def noted(self, result: Applied) -> Applied:
        """The result of a change, after noting what else does not start because of it."""
        change = result.change
        if result.outcome is not Outcome.DONE:
            self.reversals[change.reverses] = change.address.name
        if result.outcome is Outcome.BLOCKED and change.block is not None:
            self.blocked[change.address.name] = change.block
            if change.cancels and not change.posts:
                self.blocked_removals[change.period] = change.block
            return result
        if result.outcome is not Outcome.DONE:
            self.failed.add(change.address.name)
        if result.outcome in (Outcome.FAILED, Outcome.UNKNOWN) and not self.continue_on_error:
            # A change without a single period stops no other.
            self.periods |= {result.change.period} - {""}
        if isinstance(result.error, MarkerLost):
            self.unmarked = self.unmarked or _unmarked(change.address)
        if isinstance(result.error, DaybookError):
            self.everything = "the daybook could no longer be written"
        elif isinstance(result.error, AccessRefused | LedgerUnreachable):
            self.everything = self.everything or "the ledger could no longer be used"
        return result

    def unstarted(self, change: Change, stopped: str) -> Applied | None:
        """The result of a change that others, or the end of the run, keep from its start."""
        why = stopped or self.everything
        reversals = self._reversals_of(change) if change.cancels else {}
        failed = next((one for one in reversals if one in self.failed), "")
        if why:
            pass
        elif self.unmarked and _creates_marked(change):
            why = self.unmarked
        elif change.posts and change.reverses in self.failed:
            why = f"{change.reverses}, which it reverses, did not succeed"
        elif failed:
            why = f"{failed}, which {reversals[failed]}, was not cancelled"
        elif change.period in self.periods:
            why = f"another change in {change.period} did not succeed"
        if why:
            return Applied(change=change, outcome=Outcome.NOT_ATTEMPTED, message=why)
        block = self.blocked_removals.get(change.period) if change.posts else None
        if change.posts and (cause := self.blocked.get(change.reverses)) is not None:
            block = without_original(change.reverses, cause)
        elif kept := next((one for one in reversals if one in self.blocked), ""):
            block = with_reversal(kept, self.blocked[kept], reversals[kept])
        return left_out(change, block) if block is not None else None

    def _reversals_of(self, change: Change) -> Mapping[str, str]:
        """What reverses the entries that a change cancels: names, and what each reverses."""
        numbers = (one for one in cancelled_numbers(change) if one in self.reversals)
        of_members = {self.reversals[one]: f"reverses {one}" for one in numbers}
        return {**of_members, change.reversed_by: "reverses it"}
