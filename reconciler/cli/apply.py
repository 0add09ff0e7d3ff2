"""`reconciler apply`: converge the ledger, as planned and no further."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.files import read_text, write_text
from reconciler.cli.options import (
    allowance_options,
    common,
    common_options,
    find_option,
    forge_options,
    format_option,
    lock_timeout_option,
    parallelism_option,
    probe_option,
    scope_options,
)
from reconciler.cli.signals import Stop, stopping, unguarded
from reconciler.cli.terminal import (
    err,
    has_bar,
    out,
    out_text,
    problem_spans,
    progress,
    progress_line,
)
from reconciler.errors import AppliedInPart, Refused
from reconciler.forge.ci_context import ChangeOptions
from reconciler.render.styled_text import line

if TYPE_CHECKING:
    from reconciler.app.reviewed_plan import Consent
    from reconciler.app.session import Desk
    from reconciler.core.model.history import Recorded
    from reconciler.core.model.plan import Allowances, Plan
    from reconciler.core.model.report import Applied, Report, Settled
    from reconciler.core.model.resource import Address
    from reconciler.core.model.review import Assessment
    from reconciler.core.model.scope import Scope
    from reconciler.engine.search import SearchedPlan
    from reconciler.render.styled_text import Line

INTERRUPTED = 130


@click.command(short_help="Converge the ledger, as planned and no further.")
@click.argument("planfile", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--auto-approve", "--yes", "-y", is_flag=True, help="Apply without asking.")
@click.option(
    "--plan-digest",
    metavar="sha256:…",
    help="Apply only if the plan made now has this digest, the one that was reviewed.",
)
@scope_options
@allowance_options
@find_option
@probe_option
@click.option(
    "--first-apply",
    is_flag=True,
    help="Nothing of this workspace was ever applied to this ledger, or nothing but what "
    "--probe-from finds: go on with a new daybook where the ledger cannot be searched.",
)
@lock_timeout_option
@parallelism_option
@click.option(
    "--continue-on-error",
    is_flag=True,
    help="Go on in an accounting period after a change in it did not succeed.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=360,
    show_default=True,
    metavar="MINUTES",
    help="How long the whole run may take. Then nothing new is begun, and what is in flight is "
    "settled.",
)
@click.option(
    "--run-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30,
    show_default=True,
    metavar="MINUTES",
    help="How long the ledger may work on a journal run before apply no longer waits.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the report as JSON, even when the run ends badly.",
)
@forge_options
@format_option("text", "json")
@common_options
def apply(
    *,
    planfile: Path | None,
    auto_approve: bool,
    plan_digest: str | None,
    targets: tuple[str, ...],
    excludes: tuple[str, ...],
    periods: tuple[str, ...],
    labels: tuple[str, ...],
    max_removals: int | None,
    max_missing: int | None,
    find: bool,
    probe_from: str | None,
    first_apply: bool,
    lock_timeout: float,
    parallelism: int,
    continue_on_error: bool,
    timeout: float,
    run_timeout: float,
    report: Path | None,
    style: str,
    **options: Any,
) -> int:
    """Converge the ledger: settle what is open, plan, ask, and carry the plan out.

    With PLANFILE or --plan-digest, the plan is made anew and must be the one that was reviewed.
    """
    from reconciler.app.provenance import plan_key
    from reconciler.app.reviewed_plan import Consent, asked_for
    from reconciler.app.scoping import scope_of
    from reconciler.app.session import open_desk
    from reconciler.app.state_directory import LockWait
    from reconciler.app.workspace import read_books
    from reconciler.core.documents.plan_file import plan_of
    from reconciler.core.model.plan import Allowances

    saved = plan_of(read_text(planfile), key=plan_key()) if planfile is not None else None
    consent = Consent(saved=saved, digest=plan_digest, everything=auto_approve)
    if not consent.given and not sys.stdin.isatty():
        raise click.UsageError(
            "There is no terminal to ask on. Name a saved plan, or add --plan-digest or "
            "--auto-approve."
        )
    allowances = Allowances(max_removals=max_removals, max_missing=max_missing)
    scope = scope_of(targets=targets, excludes=excludes, periods=periods, labels=labels)
    allowances, scope = asked_for(saved, allowances, scope)
    books = read_books(common().workspace)
    err(problem_spans(books.errors, books.root))
    stop = Stop()
    run = _Run(
        consent=consent,
        allowances=allowances,
        scope=scope,
        find=find,
        probe_from=probe_from,
        first_apply=first_apply,
        continue_on_error=continue_on_error,
        run_timeout=run_timeout,
        report_to=report,
        style=style,
        stop=stop,
        whereabouts=ChangeOptions.from_options(options),
    )

    def wait(seconds: float) -> None:
        stop.pause(seconds)
        stop.check()

    turn = LockWait(timeout=lock_timeout, pause=wait)
    with (
        stopping(stop, after=60 * timeout),
        open_desk(books, write=True, parallelism=parallelism, sleep=stop.pause, turn=turn) as desk,
    ):
        return run.carry_out(desk)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One apply, from the open calls of the last one to its own report."""

    consent: "Consent"
    allowances: "Allowances"
    scope: "Scope"
    find: bool
    probe_from: str | None
    first_apply: bool
    continue_on_error: bool
    run_timeout: float
    """In minutes."""
    report_to: Path | None
    style: str
    stop: Stop
    whereabouts: ChangeOptions

    def carry_out(self, desk: "Desk") -> int:
        from reconciler.app.approvals import may_send_again
        from reconciler.app.reviewed_plan import require_reviewed, require_valid
        from reconciler.app.settlement import settle_first
        from reconciler.engine.search import mark_complete

        if self.consent.saved is not None:
            require_valid(desk, self.consent.saved)
        may_send = may_send_again(desk, self.whereabouts)
        settled = settle_first(desk, style=self.style, may_send=may_send, between=self.stop.check)
        found = self._plan(desk)
        plan = found.plan
        self._show(plan)
        require_reviewed(desk, self.consent, plan)
        if plan.refusals:
            return self._refused(plan, settled)
        assessment = self._assessed(desk, plan)
        if not assessment.satisfied:
            return self._refused(plan, settled, assessment)
        if plan.feasible and not self._consented(plan):
            err([line("Nothing was applied.")])
            return Refused.exit_code
        # Proved before anything is posted, it holds whatever becomes of this run.
        mark_complete(desk.daybook, found, first_apply=self.first_apply)
        code = self._apply(desk, plan, found.world.recorded, (settled, assessment))
        mark_complete(desk.daybook, found, first_apply=self.first_apply)
        return code

    def _refused(
        self,
        plan: "Plan",
        settled: "tuple[Settled, ...]",
        assessment: "Assessment | None" = None,
    ) -> int:
        """Report, where a report is asked for, that nothing was begun; the screen says why."""
        from reconciler.core.model.report import report_of

        if self.style == "json" or self.report_to is not None:
            report = report_of((), plan.pending, settled=settled, plan_digest=plan.digest)
            self._write(replace(report, assessment=assessment))
        return Refused.exit_code

    def _plan(self, desk: "Desk") -> "SearchedPlan":
        """The plan as it stands, with what is to be posted searched for in the ledger first."""
        from reconciler.app.session import plan_and_find_desk
        from reconciler.app.warnings import probe_begin
        from reconciler.engine.search import SearchPolicy

        finding = SearchPolicy(
            complete=desk.daybook.complete,
            posting=True,
            asked=self.find,
            first_apply=self.first_apply,
            probe_from=probe_begin(desk, self.probe_from),
        )
        return plan_and_find_desk(
            desk, self.allowances, finding, progress=self._stoppable, scope=self.scope
        )

    @contextmanager
    def _stoppable(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        """Progress of what changes nothing, so that a signal may end it between any two steps."""
        with progress(what, total) as advance:

            def step() -> None:
                self.stop.check()
                advance()

            yield step

    def _show(self, plan: "Plan") -> None:
        """The plan, or its verdict alone when it was reviewed already."""
        from reconciler.render.text import plan_lines, verdict_lines

        if self.style == "text":
            reviewed = self.consent.saved is not None or self.consent.digest is not None
            out(verdict_lines(plan) if reviewed else plan_lines(plan))

    def _assessed(self, desk: "Desk", plan: "Plan") -> "Assessment":
        """What is there of the approvals that the plan requires; shown when any are."""
        from reconciler.app.approvals import assessment_of
        from reconciler.render.approvals import assessment_lines

        saved = self.consent.saved
        digest = saved.digest if saved is not None else plan.digest
        found = assessment_of(desk, plan.requirement, digest, self.whereabouts)
        err(assessment_lines(found))
        return found

    def _consented(self, plan: "Plan") -> bool:
        if self.consent.given:
            return True
        count = len(plan.feasible)
        question = f"Apply {count} {'change' if count == 1 else 'changes'}? Only yes applies"
        self.stop.check()
        with unguarded():
            answer = click.prompt(question, default="no", show_default=False, err=True)
        return str(answer) == "yes"

    def _apply(
        self,
        desk: "Desk",
        plan: "Plan",
        recorded: "Mapping[Address, Recorded]",
        before: "tuple[tuple[Settled, ...], Assessment]",
    ) -> int:
        from reconciler.app.approvals import commit_of, policy_to_keep
        from reconciler.app.settlement import book_of
        from reconciler.core.model.report import report_of
        from reconciler.engine.apply import apply
        from reconciler.engine.ports import PollingPolicy, Ports

        polling = PollingPolicy(longest_wait=60 * self.run_timeout, tell=progress_line())
        book = book_of(desk, style=self.style)
        ports = Ports(
            ledger=desk.client,
            daybook=book,
            stop=self.stop.event,
            why_stopped=self.stop.why,
            polling=polling,
        )
        ended: list[Applied] = []
        # What is left of a reviewed plan is a run of that plan.
        saved = self.consent.saved
        commit = commit_of(desk, plan)
        desk.daybook.begin(saved.digest if saved is not None else plan.digest)
        try:
            with progress("Applying", len(plan.feasible)) as advance:
                for item in apply(
                    plan,
                    recorded,
                    ports,
                    parallelism=desk.parallelism,
                    continue_on_error=self.continue_on_error,
                ):
                    ended.append(item)
                    advance()
                    if self.style == "text" and not has_bar():
                        out(_log([item]))
        finally:
            if self.style == "text" and has_bar():
                # Lines would tear the progress bar, so they come when it is gone.
                out(_log(sorted(ended, key=_by_address)))
            report = report_of(
                ended,
                plan.pending,
                settled=before[0],
                plan_digest=plan.digest,
                interrupted=self.stop.signalled,
                timed_out=self.stop.late,
            )
            self._write(replace(report, assessment=before[1]))
        code = exit_code(report)
        if code in (0, Refused.exit_code):
            policy = policy_to_keep(desk, plan.digest, self.whereabouts)
            desk.daybook.end(commit=commit if code == 0 else "", policy=policy)
        return code

    def _write(self, report: "Report") -> None:
        from reconciler.core.model.report import report_document
        from reconciler.render.report import report_lines

        text = json.dumps(report_document(report), indent=2, ensure_ascii=False) + "\n"
        if self.style == "json":
            out_text(text)
        else:
            out(report_lines(report))
        if self.report_to is not None:
            write_text(self.report_to, text)


def _log(ended: "Iterable[Applied]") -> "Iterator[Line]":
    """The running log: what was never attempted is left to the report, which gives the reason."""
    from reconciler.core.model.report import Outcome
    from reconciler.render.report import applied_line

    return (applied_line(item) for item in ended if item.outcome is not Outcome.NOT_ATTEMPTED)


def _by_address(item: "Applied") -> "Address":
    return item.change.address


def exit_code(report: "Report") -> int:
    """The documented exit code of a report, the gravest first."""
    from reconciler.core.model.report import Outcome

    if report.interrupted:
        return INTERRUPTED
    undone = (*report.ended(Outcome.FAILED), *report.ended(Outcome.NOT_ATTEMPTED))
    unknown = (*report.ended(Outcome.UNKNOWN), *report.still_open)
    if undone and report.timed_out:
        return AppliedInPart.exit_code
    if unknown or (undone and any(item.steps for item in report.applied)):
        return AppliedInPart.exit_code
    if undone:
        errors = [item.error for item in undone if item.error is not None]
        return max((error.exit_code for error in errors), default=1)
    return Refused.exit_code if report.ended(Outcome.BLOCKED) else 0
