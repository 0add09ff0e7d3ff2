"""Shows what a use case tells: results on stdout, diagnostics on stderr."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from operator import attrgetter

from reconciler.app.progress import (
    Event,
    FileDifferences,
    FileProblems,
    FilesWritten,
    Imported,
    Note,
    NothingApplied,
    NotReviewed,
    UnsavedOutcome,
)
from reconciler.cli.options import given_options
from reconciler.cli.streams import write_document, write_line
from reconciler.cli.terminal import (
    err,
    has_bar,
    noter,
    out,
    out_json,
    problem_spans,
    refused_beside,
)
from reconciler.core.documents.plain_fields import written_fields
from reconciler.core.documents.plan_comparison import differences
from reconciler.core.model.plan import Plan
from reconciler.core.model.report import Applied, Outcome, Report, Settled, report_document
from reconciler.core.model.review import Assessment
from reconciler.core.model.sheets.sheet_import import SheetFindings, SheetSummary
from reconciler.core.recovery.open_calls import Recovery
from reconciler.render.approvals import assessment_lines
from reconciler.render.findings import problem_rows
from reconciler.render.open_calls import open_lines
from reconciler.render.phrases import refused_text
from reconciler.render.plan_comparison import plan_diff_lines
from reconciler.render.plan_view import counts_of
from reconciler.render.report import (
    NEXT_STEP,
    applied_line,
    refusals_of,
    report_lines,
    settled_line,
)
from reconciler.render.sheet_import import finding_lines, sheet_lines
from reconciler.render.styled_text import Part, line
from reconciler.render.text import plan_lines
from reconciler.values import dataclass


@dataclass(slots=True, kw_only=True)
class Printer:
    """One run's output. With another style than `text`, stdout is left to a document."""

    style: str = "text"
    next_step: str = NEXT_STEP
    draw_plan: Callable[[Plan], Iterable[Part]] = plan_lines
    note: Callable[[str], None] = field(default_factory=noter)
    ended: list[Applied] = field(default_factory=list)
    unsaved: bool = False

    def __call__(self, event: Event) -> None:  # noqa: PLR0912, C901 - one case for each event
        match event:
            case Settled():
                err([settled_line(event)])
            case Assessment():
                err(assessment_lines(event))
            case Plan():
                self._result(self.draw_plan(event))
            case Applied(outcome=Outcome.NOT_ATTEMPTED):
                pass  # The report names it, with the reason.
            case Applied() if has_bar():
                # Lines would tear the progress bar: they follow when it is gone.
                self.ended.append(event)
            case Applied():
                self._result([applied_line(event)])
            case Report():
                self._report(event)
            case NothingApplied():
                self._nothing_applied(event)
            case NotReviewed():
                err(_not_reviewed(event))
            case Note():
                self.note(event.text)
            case UnsavedOutcome():
                self._unsaved(event)
            case FilesWritten():
                out_json({"written": [str(path) for path in event.paths]})
                out(line("wrote ", (str(path), "strong")) for path in event.paths)
                if event.removed:
                    out_json({"removed": [str(path) for path in event.removed]})
                    out(line("removed ", (str(path), "strong")) for path in event.removed)
            case FileDifferences():
                out_json({"would_write": [str(path) for path in event.paths]})
                out_json({"diff": list(event.lines)})
                out(line(text) for text in event.lines)
                out(line("would write ", (str(path), "strong")) for path in event.paths)
            case SheetSummary():
                out_json({"sheet": written_fields(event)})
                out(sheet_lines(event))
            case SheetFindings():
                found = [written_fields(one) for one in event.findings]
                out_json({"findings": found, "finding_count": event.count})
                err(finding_lines(event))
            case FileProblems():
                out_json({"problems": problem_rows(event.problems)})
                err(problem_spans(event.problems, event.root))
            case Imported():
                out_json({"adopted": event.count})
                left = f" are left for what was imported ({event.count})."
                out([line(("No changes", "good"), left)])
            case Recovery():
                self._result(open_lines(event))

    def _result(self, lines: Iterable[Part]) -> None:
        if self.style == "text":
            out(lines)

    def _report(self, report: Report) -> None:
        if given_options().style == "json":
            out_json({"report": report_document(report)})
        self._result(map(applied_line, sorted(self.ended, key=attrgetter("change.address"))))
        self._result(report_lines(report, next_step=self.next_step))
        if refused := refused_text(refusals_of(report)):
            self._result([line((refused, "bad"))])
            refused_beside(refused, self.style)

    def _nothing_applied(self, event: NothingApplied) -> None:
        """A refusal is the last line of stdout, and a line of stderr."""
        refused = refused_text(event.report.refusals)
        if not event.told:
            self._result([line((refused, "bad"))])
        refused_beside(refused, self.style)

    def _unsaved(self, event: UnsavedOutcome) -> None:
        """Shown on stdout, or on stderr where stdout has a document."""
        to_stderr = self.style != "text"
        if not self.unsaved:
            text = f"Save each line that begins with {{ in {event.spill_file}:"
            write_line(text, to_stderr=to_stderr)
        self.unsaved = True
        write_document(f"{event.line}\n", to_stderr=to_stderr)


def _not_reviewed(event: NotReviewed) -> Iterator[Part]:
    saved, plan = event.saved, event.plan
    if saved is not None:
        yield line("The new plan differs from the reviewed plan:")
        found = differences(saved, plan, interrupted=event.interrupted)
        yield from plan_diff_lines(saved, plan, found)
        return
    if event.interrupted:
        yield line("An earlier apply of the reviewed plan did not complete.")
        yield line("To complete it, apply the file of the reviewed plan.", indent=4)
    yield line(f"New plan: {counts_of(plan)} A digest alone does not show what was reviewed.")
    yield line("Apply the file of the reviewed plan to see the differences.", indent=4)
