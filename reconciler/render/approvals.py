"""The approvals that a plan needs: which are there, and which are missing."""

from collections.abc import Iterator

from reconciler.core.model.plan import Requirement
from reconciler.core.model.policy import Evidence
from reconciler.core.model.review import Approval, Assessment
from reconciler.render.styled_text import BLANK, Line, line

PLACES = {
    Evidence.FORGE: "read from the forge",
    Evidence.GIT: "read from git alone (weak evidence)",
}


def requirement_text(requirement: Requirement) -> str:
    """The requirement in one sentence."""
    count = requirement.approvals
    who = f" by {', '.join(requirement.approvers)}" if requirement.approvers else ""
    bound = ", each naming the digest" if requirement.bind_digest else ""
    return (
        f"{count} required before an apply{who}{bound}, {PLACES[requirement.evidence]}: "
        f"{' / '.join(requirement.because)}."
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


def evidence_text(approval: Approval) -> str:
    """How an approval is known, in brackets."""
    return f"({approval.evidence}{', weak' if approval.weak else ''})"
