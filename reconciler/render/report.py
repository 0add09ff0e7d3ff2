"""What an apply did: done, failed, not attempted, unknown, blocked."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from reconciler.core.model.finding import Refusal
from reconciler.core.model.history import Result
from reconciler.core.model.plan import Action, Verb
from reconciler.core.model.report import Applied, Outcome, Report, Settled
from reconciler.render.approvals import approvers_text, preparers_text
from reconciler.render.phrases import PARTICIPLES, need_person
from reconciler.render.styled_text import BLANK, Line, Span, line, span

_HEADINGS: Mapping[Outcome, tuple[str, str]] = {
    Outcome.UNKNOWN: ("Outcome unknown", "bad"),
    Outcome.FAILED: ("Failed", "bad"),
    Outcome.NOT_ATTEMPTED: ("Not attempted", "warning"),
    Outcome.BLOCKED: ("Blocked", "blocked"),
}

_SETTLED: Mapping[Result, str] = {
    Result.DONE: "took effect",
    Result.PARTLY: "took effect in part",
    Result.REFUSED: "was refused",
    Result.UNSENT: "has no effect that a read shows",
    Result.UNKNOWN: "is still open",
}


def applied_line(item: Applied) -> Line:
    """One change as it ends, for the running log, with its old and its new number."""
    number = f"  {item.number}" if item.number else ""
    if item.outcome is Outcome.DONE:
        old = item.change.number if item.change.action in (Action.REMOVE, Action.REPLACE) else None
        numbers = " -> ".join(dict.fromkeys(one for one in (old, item.number) if one))
        what = span(PARTICIPLES[item.change.action], "good")
        return line("  ", what, "  ", item.change.address.name, f"  {numbers}" if numbers else "")
    heading, style = _HEADINGS[item.outcome]
    return line("  ", span(heading.lower(), style), "  ", item.change.address.name, number)


def settled_line(item: Settled) -> Line:
    """The result of a call that an earlier run left open."""
    what = f"the {item.act} of {item.address.name}, left open by an earlier run,"
    number = f" ({item.number})" if item.number else ""
    why = f": {item.message}" if item.message else ""
    return line(("Settled: ", "strong"), f"{what} {_SETTLED[item.result]}{number}{why}")


NEXT_STEP = "To continue: `reconciler apply`"


def report_lines(report: Report, *, next_step: str = NEXT_STEP) -> tuple[Line, ...]:
    """The end of an apply: what differs from the plan, then the counts.

    `next_step` is a sentence without its full stop: the command after a run that did not complete.
    """
    return (*_exceptions(report), *_verdict(report, next_step))


def refusals_of(report: Report) -> tuple[Refusal, ...]:
    """What blocked every change of a run that so applied nothing; empty otherwise."""
    blocks = [item.change.block for item in report.ended(Outcome.BLOCKED)]
    all_blocked = len(blocks) == len(report.applied)
    return tuple(block for block in blocks if block is not None) if all_blocked else ()


def _exceptions(report: Report) -> Iterator[Line]:
    for outcome, (heading, style) in _HEADINGS.items():
        items = report.ended(outcome)
        if not items:
            continue
        if outcome is Outcome.NOT_ATTEMPTED:
            yield from _not_attempted(items, span(f"{heading}:", style))
            continue
        yield line(span(f"{heading}:", style))
        for item in items:
            yield from _exception(item)
        yield BLANK


def _not_attempted(items: Iterable[Applied], heading: Span) -> Iterator[Line]:
    """Changes that were not started, by reason: one reason may hold for hundreds of entries."""
    reasons: dict[tuple[str, str], list[Applied]] = {}
    for item in items:
        reasons.setdefault((item.message, item.remedy), []).append(item)
    for (message, remedy), found in reasons.items():
        yield line(heading, f" {message}" if message else "")
        yield from map(_named, found)
        if remedy:
            yield line(("To fix: ", "strong"), remedy, indent=6)
        yield BLANK


def _named(item: Applied) -> Line:
    number = f"  {item.number}" if item.number else ""
    return line("  ", span(item.change.address.name, "strong"), number)


def _exception(item: Applied) -> Iterator[Line]:
    yield _named(item)
    if item.message:
        yield line(item.message, indent=6)
    verbs = [step.verb for step in item.steps]
    if Verb.CANCEL in verbs and Verb.CREATE not in verbs and item.change.posts:
        lacking = "the entry is cancelled and its replacement is not posted"
        yield line((f"{lacking}; the next apply posts it", "bad"), indent=6)
    if item.steps:
        done = ", ".join(f"{step.verb} {step.number or ''}".rstrip() for step in item.steps)
        yield line(f"completed before: {done}", indent=6)
    if item.remedy:
        yield line(("To fix: ", "strong"), item.remedy, indent=6)
    if item.track_id:
        yield line(span(f"track id {item.track_id}", "faint"), indent=6)


def _verdict(report: Report, next_step: str) -> Iterator[Line]:
    actions = Counter(item.change.action for item in report.ended(Outcome.DONE))
    counts = [(actions[action], word) for action, word in PARTICIPLES.items()]
    for outcome, (heading, _) in _HEADINGS.items():
        counts.append((len(report.ended(outcome)), heading.lower()))
    facts = ", ".join(f"{count:,} {what}" for count, what in counts if count)
    head = ("Applied: ", "strong")
    if report.interrupted or report.timed_out:
        head = ("Interrupted. " if report.interrupted else "Out of time. ", "bad")
    need = need_person(report.unanswered)
    yield line(head, f"{facts or 'nothing to do'}{', ' * bool(need)}{need}.")
    unknown = bool(report.ended(Outcome.UNKNOWN) or report.still_open)
    if unknown or report.interrupted or report.timed_out:
        settles = " An apply settles unknown outcomes before anything else."
        yield line(f"{next_step}.", settles * unknown)
    if report.unsearched:
        fact = "It is unknown whether another apply posted the same entries:"
        yield line((fact, "bad"), f" {report.unsearched}.")
        yield line(("To fix: ", "strong"), _SEARCH_AGAIN, indent=4)
    if report.sign_off is not None and report.sign_off.approved_by:
        yield line(("Prepared by: ", "strong"), f"{preparers_text(report.sign_off)}.")
        yield line(("Approved by: ", "strong"), f"{approvers_text(report.sign_off)}.")


_SEARCH_AGAIN = (
    "Run `reconciler apply` again: it searches first. If the ledger has no Data Query, list the "
    "entries of this workspace in the ledger. If `reconciler daybook show` names each of them, add "
    "--first-apply."
)
