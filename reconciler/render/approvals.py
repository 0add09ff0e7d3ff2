"""The approvals that a plan needs: which are there, and which are missing."""

from collections.abc import Iterator, Sequence

from reconciler.core.model.finding import cut
from reconciler.core.model.policy import Evidence
from reconciler.core.model.review import Approval, Assessment, Requirement, SignOff
from reconciler.core.planning.approvals import SHORT
from reconciler.render.styled_text import BLANK, Line, line

PLACES = {
    Evidence.FORGE: "read from the forge",
    Evidence.GIT: "read from git alone (weak evidence)",
}


def requirement_text(requirement: Requirement) -> str:
    """The requirement, and the conditions of the policy that the plan meets."""
    count = requirement.approvals
    who = f" by {', '.join(requirement.approvers)}" if requirement.approvers else ""
    bound = ", each with the digest of the plan" if requirement.bind_digest else ""
    return (
        f"{count} required before an apply{who}{bound}, {PLACES[requirement.evidence]}. "
        f"Condition: {' / '.join(requirement.because)}."
    )


def assessment_lines(found: Assessment) -> Iterator[Line]:
    """The approvals against what is required, for a terminal."""
    if not found.requirement.approvals:
        return
    yield line(("Approvals: ", "strong"), requirement_text(found.requirement))
    for approval in found.present:
        who = f"{approval.who} {evidence_text(approval)}"
        yield line(("approved by ", "good"), who, indent=4)
    for item in found.discarded:
        yield line(("not counted: ", "warning"), f"{item.who} {item.why}", indent=4)
    for missing in found.missing:
        yield line(("Missing: ", "bad"), f"{missing.rule}: {missing.message}")
        yield line(("To fix: ", "strong"), missing.remedy, indent=4)
    yield BLANK


_PEOPLE = 5
"""The number of people named in a sentence."""


def preparers_text(found: SignOff) -> str:
    """Who prepared a change, and what of that is unknown."""
    return _people(found.prepared_by, found.prepared_not_read) or "nobody"


def approvers_text(found: SignOff) -> str:
    """Who approved which commit, or why that is unknown."""
    names = tuple(map(approval_text, found.approved_by))
    return _people(names, found.approved_not_read) or "nobody yet"


def _people(names: Sequence[str], not_read: str) -> str:
    unread = f"not read: {not_read}" if not_read else ""
    return "; ".join(filter(None, (", ".join(cut(names, _PEOPLE)), unread)))


def approval_text(approval: Approval) -> str:
    """Who approved, by what evidence, at which commit."""
    at = f" at {approval.commit[:SHORT]}" if approval.commit else ""
    return f"{approval.who} {evidence_text(approval)}{at}"


def evidence_text(approval: Approval) -> str:
    """How an approval is known, in brackets."""
    return f"({approval.evidence}{', weak' if approval.weak else ''})"
