"""The run of apply, import and forget: settle, plan, approve, carry out, report."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import field, replace

from reconciler.app.approvals import (
    applied_sign_off,
    assess_approvals,
    may_send_again,
    policy_to_record,
)
from reconciler.app.plan import PlanOptions, plan_and_search
from reconciler.app.progress import Note, NothingApplied, Progress, RunStarted, Tell
from reconciler.app.reviewed_plan import Consent, require_applicable, require_reviewed
from reconciler.app.session import Stop, WriteSession
from reconciler.app.settlement import settle_first, spilling_daybook
from reconciler.core.model.plan import Plan
from reconciler.core.model.report import NOTHING_BEFORE, Applied, Outcome, Report, report_of
from reconciler.engine.apply import apply
from reconciler.engine.double_postings import PostingCheck, check_earlier, check_posted
from reconciler.engine.ports import PollingPolicy, Ports
from reconciler.engine.run_entries import record_entries
from reconciler.engine.search import SearchedPlan, mark_complete
from reconciler.errors import AppliedInPart, DaybookError, ReconcilerError, Refused
from reconciler.forge.ci_context import ChangeOptions
from reconciler.values import dataclass

INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """What a run asks its caller for, and what it tells it."""

    tell: Tell
    progress: Progress
    confirm: Callable[[int, Plan | None], bool]
    """Whether to go on with this number of changes, of a plan if they are applied."""
    stop: Stop = field(default_factory=Stop)

    @contextmanager
    def stoppable_progress(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        """Progress of what changes nothing, which may end between any two steps."""
        with self.progress(what, total) as advance:

            def step() -> None:
                self.stop.check()
                advance()

            yield step


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions:
    """What is applied, by whose approval, and when the run ends."""

    consent: Consent
    plan: PlanOptions
    change: ChangeOptions
    continue_on_error: bool = False
    run_timeout: float = 30
    """Minutes to wait for one journal run."""


def apply_workspace(session: WriteSession, options: ApplyOptions, interaction: Interaction) -> int:
    """Apply what the workspace declares; returns the exit code."""
    consent, tell = options.consent, interaction.tell
    tell(
        RunStarted(
            workspace=session.settings.name,
            tenant=session.tenant,
            host=session.host,
            commit=session.commit,
        )
    )
    if consent.saved is not None:
        require_applicable(session, consent.saved)
    may_send = may_send_again(session, options.change, tell=tell)
    settled = settle_first(session, tell=tell, may_send=may_send, between=interaction.stop.check)
    unchecked = session.daybook.unchecked
    found = plan_and_search(session, options.plan, progress=interaction.stoppable_progress)
    if found.lacking:
        session.daybook.mark_incomplete()
    plan, first_apply = found.plan, options.plan.search.first_apply
    tell(plan)
    if consent.reviewed is not None:
        require_reviewed(session, consent, plan, tell=tell)
    if plan.refusals:
        return _refused(plan, Report(applied=(), settled=settled), interaction)
    # What is left of a reviewed plan is a run of that plan.
    digest = consent.saved.digest if consent.saved is not None else plan.digest
    assessment = assess_approvals(session, plan.requirement, digest, options.change)
    tell(assessment)
    before = Report(
        applied=(),
        settled=settled,
        assessment=assessment,
        sign_off=applied_sign_off(session, assessment),
    )
    if not assessment.satisfied:
        return _refused(plan, before, interaction)
    if plan.feasible and not consent.given:
        interaction.stop.check()
        if not interaction.confirm(len(plan.feasible), plan):
            return Refused.exit_code
    proof = found.search, found.snapshot.found
    # Proved before anything is posted, it holds whatever becomes of this run.
    mark_complete(session.daybook, *proof, first_apply=first_apply)
    record_entries(session.daybook, [one for one in plan.changes if one.members])
    complete = not plan.scope.partial and plan.feasible == plan.pending
    commit = _commit_applied(session) if complete else ""
    earlier = PostingCheck()
    if unchecked and not first_apply:
        # On a first apply a person states that nothing else is posted.
        earlier = check_earlier(unchecked, found)
    report = execute_plan(
        session,
        plan,
        interaction,
        digest=digest,
        # What changes nothing needs no approval, so it must not say which commits are applied.
        commit=session.commit if plan.feasible else "",
        found=found,
        first_apply=first_apply,
        continue_on_error=options.continue_on_error,
        run_timeout=options.run_timeout,
        before=replace(before, unsearched=earlier.failure, unseen=earlier.unseen),
    )
    code = exit_code(report)
    if code in (0, Refused.exit_code):
        policy = policy_to_record(session, plan.digest, options.change)
        commit = commit if code == 0 else ""
        # What is posted twice is looked for until it is not, whatever this plan covers.
        twice = any(len(numbers) > 1 for numbers in found.snapshot.found.values())
        twice = twice or any(one.block and one.block.rule == "doubled" for one in plan.changes)
        session.daybook.end(commit=commit, policy=policy, checked=not (report.unseen or twice))
    # The report is told, so a daybook that cannot be written changes the code of a success only.
    with suppress(*(() if code == 0 else (DaybookError,))):
        mark_complete(session.daybook, *proof, first_apply=first_apply)
    if code == 0 and not plan.scope.partial:
        session.daybook.move_marker(session.settings.marker)
    return code


def _commit_applied(session: WriteSession) -> str:
    """The commit that a complete plan applies; empty where files are not as it has them."""
    commit, repository = session.commit, session.repository
    if repository is None or not commit:
        return ""
    try:
        return "" if repository.changed() else commit
    except ReconcilerError:
        # Without the commit the next apply asks for more approvals, not for less.
        return ""


def _refused(plan: Plan, before: Report, interaction: Interaction) -> int:
    missing = before.assessment.missing if before.assessment is not None else ()
    report = report_of(
        (),
        plan.pending,
        before,
        plan_digest=plan.digest,
        unanswered=len(plan.unanswered),
        refusals=(*plan.refusals, *missing),
    )
    interaction.tell(NothingApplied(report=report, told=bool(plan.refusals)))
    return Refused.exit_code


def execute_plan(
    session: WriteSession,
    plan: Plan,
    interaction: Interaction,
    *,
    digest: str = "",
    commit: str = "",
    found: SearchedPlan | None = None,
    first_apply: bool = False,
    continue_on_error: bool = False,
    run_timeout: float = 30,
    before: Report = NOTHING_BEFORE,
) -> Report:
    """Apply the feasible changes of a plan and tell the report, whatever ends the run.

    `before` is what preceded the plan: settled calls and approvals. The daybook's run is begun
    under `digest`, by default the plan's, and `commit`; its end is the caller's to write.
    """
    stop, tell = interaction.stop, interaction.tell
    target = session.settings.target
    ports = Ports(
        ledger=session.ledger,
        daybook=spilling_daybook(session, tell),
        stop=stop.event,
        why_stopped=stop.why,
        manages_close=target.manages_close if target else None,
        polling=PollingPolicy(
            longest_wait=60 * run_timeout, tell=lambda text: tell(Note(text=text))
        ),
    )
    ended: list[Applied] = []
    check = PostingCheck()
    session.daybook.begin(digest or plan.digest, commit=commit)
    try:
        with interaction.progress("Applying", len(plan.feasible)) as advance:
            for item in apply(
                plan,
                session.daybook.recorded() if found is None else found.snapshot.recorded,
                ports,
                parallelism=session.parallelism,
                continue_on_error=continue_on_error,
                settled=before.settled,
            ):
                ended.append(item)
                advance()
                tell(item)
        if any(item.change.posts for item in ended):
            check = check_posted(
                ended,
                session.ledger,
                plan.basis,
                probe_from=None if found is None else found.probe_from,
                first_apply=first_apply,
                stopped=stop.why() if stop.event.is_set() else "",
            )
        if check.failed or check.unseen:
            ended = _with_check(ended, check, tell)
    finally:
        report = report_of(
            ended,
            plan.pending,
            before,
            plan_digest=plan.digest,
            interrupted=stop.signalled,
            timed_out=stop.late,
            unanswered=len(plan.unanswered),
            unsearched=check.failure or before.unsearched,
            unseen=(*before.unseen, *check.unseen),
        )
        tell(report)
    return report


def _with_check(ended: list[Applied], check: PostingCheck, tell: Tell) -> list[Applied]:
    """The results after a search for what another apply posted at the same time."""
    if check.unseen:
        text = f"a search of the ledger does not show {', '.join(check.unseen)} yet; the next plan "
        tell(Note(text=f"{text}searches for what another apply posted at the same time"))
    for item in check.failed:
        tell(item)
    replaced = {item.change.address: item for item in check.failed}
    return [replaced.get(item.change.address, item) for item in ended]


def exit_code(report: Report) -> int:
    """The documented exit code of a report, the gravest first."""
    if report.interrupted:
        return INTERRUPTED
    undone = (*report.ended(Outcome.FAILED), *report.ended(Outcome.NOT_ATTEMPTED))
    unknown = (*report.ended(Outcome.UNKNOWN), *report.still_open)
    if report.unsearched:
        # No evidence that each entry is posted once.
        return AppliedInPart.exit_code
    if undone and report.timed_out:
        return AppliedInPart.exit_code
    if unknown or (undone and any(item.steps for item in report.applied)):
        return AppliedInPart.exit_code
    if undone:
        errors = [item.error for item in undone if item.error is not None]
        return max((error.exit_code for error in errors), default=1)
    return Refused.exit_code if report.ended(Outcome.BLOCKED) else 0
