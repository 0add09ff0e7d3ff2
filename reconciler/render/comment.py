"""The one comment on a change: its hidden marker, the plan, its controls, and earlier digests."""

import re
from collections.abc import Iterator

from reconciler.core.model.finding import cut
from reconciler.core.model.plan import Plan
from reconciler.core.model.review import NO_SIGN_OFF, Assessment
from reconciler.core.planning.approvals import SHORT, signed_off
from reconciler.render.approvals import evidence_text, preparers_text
from reconciler.render.escaping import code, link, sentence
from reconciler.render.markdown import approvals_section, markdown_of, title_of
from reconciler.render.plan_view import view_of
from reconciler.values import dataclass

MOST_EARLIER = 20
"""The number of earlier plans that are kept."""

_LISTED = 60
"""The number of approvals and flaws listed; the rest are counted."""

_MARGIN = 200
"""Characters kept free below the limit, for forges that count some characters twice."""

_SPECIAL = re.compile(rb"[^A-Za-z0-9._]")

_STAMP = re.compile(r"(sha256:[0-9a-f]{64})@([0-9a-f]{40}(?:[0-9a-f]{24})?|-)")
_STAMPS = re.compile(rf"<!-- reconciler plans:((?: {_STAMP.pattern})*) -->")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A plan that a comment showed: its digest, and its commit where that was known."""

    digest: str
    commit: str = ""

    def __str__(self) -> str:
        return f"{self.digest}@{self.commit or '-'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What surrounds the plan in a comment. `assessment` is None when nothing could be read.

    `job_url` is the page of the CI job, and `report_url` that of the HTML report. The plan was made
    of `commit`, or of its merge with the target branch, `merged`.
    """

    environment: str
    commit: str
    merged: str = ""
    assessment: Assessment | None = None
    unread: str = ""
    job_url: str = ""
    report_url: str = ""


def marker_of(workspace: str, environment: str) -> str:
    """The first line of the comment of a workspace in an environment.

    Both names are encoded, so that neither can end the comment or look like two names.
    """
    names = (
        _SPECIAL.sub(lambda found: b"%%%02X" % found[0][0], name.encode()).decode()
        for name in (workspace, environment)
    )
    return f"<!-- reconciler:{':'.join(names)} -->"


def comment_body(plan: Plan, frame: Frame, *, before: str, limit: int) -> str:
    """The text of the comment, of at most `limit` characters; `before` is its text until now.

    Details of a long plan are left out as in its Markdown.
    """
    now = Stamp(digest=plan.digest, commit=frame.commit)
    shown = dict.fromkeys(stamp for stamp in stamps_of(before) if stamp != now)
    earlier = tuple(shown)[:MOST_EARLIER]
    head = (
        marker_of(plan.basis.workspace, frame.environment),
        f"<!-- reconciler plans: {' '.join(map(str, (now, *earlier)))} -->",
    )
    view = view_of(plan, frame.assessment)
    rows = _approvals(frame) if view.approvals else ()
    where, foot = tuple(_where(plan, frame)), "\n\n".join(_history(earlier))
    room = limit - len("\n".join((*head, *where, "", foot))) - _MARGIN
    for allowed in (room, room // 2):
        text = markdown_of(view, limit=allowed, approvals=rows)
        # Behind title and verdict: the report is what a reader of a long plan opens first.
        title, verdict, rest = text.split("\n\n", 2)
        text = "\n\n".join((title, verdict, *where, rest))
        body = "\n".join((*head, text, *filter(None, [foot]))) + "\n"
        # The strictest forge may count UTF-16 units.
        if len(body.encode("utf-16-le")) // 2 <= limit:
            return body
    text = "\n\n".join(
        (
            title_of(view),
            *where,
            "The plan is too long for a comment. `reconciler show` shows all of it.",
            f"Digest: `{plan.digest}`",
            *approvals_section(view, rows),
        )
    )
    return "\n".join((*head, f"{text}\n", foot))[: limit - _MARGIN] + "\n"


def stamps_of(body: str) -> tuple[Stamp, ...]:
    """The plans a comment showed, the latest first; none when its second line is no such list."""
    lines = body.split("\n", 2)
    found = _STAMPS.fullmatch(lines[1].rstrip("\r")) if len(lines) > 1 else None
    if found is None:
        return ()
    pairs = _STAMP.findall(found[1])
    return tuple(
        Stamp(digest=digest, commit="" if commit == "-" else commit) for digest, commit in pairs
    )


def _approvals(frame: Frame) -> tuple[str, ...]:
    """What is missing, which a reader has to act on; then what is there."""
    found, rows = frame.assessment, []
    if found is not None:
        rows += [
            f"missing: {code(item.rule)}: {sentence(item.message)}<br>"
            f"To fix: {sentence(item.remedy)}"
            for item in found.missing
        ]
        rows += [
            f"present: {code(approval.who)} {sentence(evidence_text(approval))}"
            for approval in found.present
        ]
        rows += [f"not counted: {code(item.who)} {sentence(item.why)}" for item in found.discarded]
        rows += ["nothing is missing"] * found.satisfied
    elif frame.unread:
        rows.append(f"the approvals could not be read: {sentence(frame.unread)}")
    else:
        rows.append("`reconciler apply` checks the approvals")
    return tuple(f"- {row}" for row in cut(rows, _LISTED))


def _where(plan: Plan, frame: Frame) -> Iterator[str]:
    parts = [f"commit {code(frame.commit)}"] if frame.commit else []
    parts += [f"environment {code(frame.environment)}"] if frame.environment else []
    facts = [f"Planned for {', '.join(parts)}."] * bool(parts)
    found = plan.sign_off if frame.assessment is None else signed_off(frame.assessment)
    facts.append(f"Prepared by: {sentence(preparers_text(found or NO_SIGN_OFF))}.")
    if frame.report_url:
        facts.append(f"Report: {link(frame.report_url)}.")
    if frame.job_url:
        facts.append(f"Output and files of the job: {link(frame.job_url)}.")
    yield " ".join(facts)
    origin = plan.basis.origin
    if origin.dirty:
        yield "**The plan was made of files that are not committed.** An approval is for a commit."
    elif frame.commit and not origin.commit:
        yield "**It is unknown of which commit the plan was made.** git was not there, or failed."
    elif frame.commit and origin.commit not in (frame.commit, frame.merged):
        yield f"**The plan was made of another commit**, {code(origin.commit[:SHORT])}."
    head = frame.assessment.commit if frame.assessment else ""
    if head and frame.commit and head != frame.commit:
        yield (
            f"The newest commit of the change is {code(head[:SHORT])}. Approvals are read for that "
            "commit."
        )


def _history(earlier: tuple[Stamp, ...]) -> Iterator[str]:
    if earlier:
        rows = "\n".join(
            f"- {code(stamp.digest)}" + (f" of {code(stamp.commit[:SHORT])}" * bool(stamp.commit))
            for stamp in earlier
        )
        yield f"<details><summary>Earlier plans</summary>\n\n{rows}\n\n</details>"
