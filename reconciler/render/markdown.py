"""A plan for a pull request: the verdict, then what is dangerous, then the books, then details.

Text from files and from the server is put into code by `said` or into a fence by `_fenced`, and
never into Markdown itself, so that it can neither format, link, mention nor forge anything (I-80).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType

from reconciler.core.model.plan import Action, Change, Plan
from reconciler.render.approvals import requirement_text
from reconciler.render.books import (
    IMPACT_AMOUNTS,
    balance_proofs,
    impact_cells,
    leaving,
    posts_unknown_amounts,
)
from reconciler.render.escaping import said
from reconciler.render.journal_runs import UNKNOWN_AMOUNTS
from reconciler.render.moves import moves_text
from reconciler.render.notice import scope_badges, scope_notice
from reconciler.render.styled_text import Line, plain_text
from reconciler.render.text import WORDS, change_lines, drift_section, headline_facts, summary

LIMIT = 60_000
"""Characters. A forge takes 65,536 in a comment; what wraps the plan needs some of them."""

_LISTED = 50
"""So many changes, entries and rows are listed in each part; the rest are counted."""

_ROOM_TO_SAY = 200
"""Characters kept for the word on what was left out."""

_MARKS: Mapping[str, str] = MappingProxyType({"create": "+", "remove": "-", "blocked": "!"})
"""What begins a line of a fenced diff, by the style of its first words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalStatus:
    """What is known of what a plan requires: the text on it, and whether nothing is missing."""

    text: str
    ready: bool


def plan_markdown(plan: Plan, *, limit: int = LIMIT, standing: ApprovalStatus | None = None) -> str:
    """The plan as GitHub-flavoured Markdown of at most `limit` characters.

    What it requires follows the verdict; the command to apply it is there where nothing of that is
    missing, which without a `standing` is known only of a plan that requires nothing.

    Where that is too little, the details of changes are left out from the last one on, and the
    document says how many.
    """
    standing = standing or _required(plan)
    head, foot = tuple(_head(plan, standing)), tuple(_foot(plan, standing))
    room = limit - sum(len(text) + 2 for text in (*head, *foot)) - _ROOM_TO_SAY
    details: list[str] = []
    for change in plan.pending:
        text = _detail(change, plan)
        room -= len(text) + 2
        if room < 0:
            break
        details.append(text)
    left = len(plan.pending) - len(details)
    return "\n\n".join((*head, *details, *_left_out(left), *foot)) + "\n"


def _required(plan: Plan) -> ApprovalStatus:
    if not plan.requirement.approvals:
        return ApprovalStatus(text="", ready=True)
    text = f"**Approvals**: {said(requirement_text(plan.requirement))}"
    return ApprovalStatus(text=text, ready=False)


def _head(plan: Plan, standing: ApprovalStatus) -> Iterator[str]:
    basis = plan.basis
    badges = "".join(f" ({badge})" for badge in scope_badges(plan))
    yield f"### {said(basis.workspace)}: {_verdict(plan)}{badges}"
    where = [f"on {said(basis.host)}"]
    where += [f"tenant {said(basis.tenant_id)}"] * bool(basis.tenant_id)
    where += [f"entity {said(basis.entity_id)}"] * bool(basis.entity_id)
    yield ", ".join(where)
    if standing.text:
        yield standing.text
    for notice in scope_notice(plan):
        yield _callout("IMPORTANT", said(notice))
    for refusal in plan.refusals:
        yield _callout(
            "WARNING",
            f"**Refused**: {said(refusal.rule)} {said(refusal.message)}",
            said(refusal.remedy),
        )
    if danger := _danger(plan):
        yield _callout("CAUTION", *danger)
    yield from _blocked(plan)
    if plan.pending:
        yield from _impact(plan)
        proofs = "<br>".join(said(proof) for proof in balance_proofs(plan))
        yield f"**Balance**: {proofs}"
        yield _changes(plan)


def _verdict(plan: Plan) -> str:
    if plan.refusals:
        return f"refused; {summary(plan)}"
    return summary(plan) if plan.pending else "no changes."


def _danger(plan: Plan) -> tuple[str, ...]:
    """What takes posted entries out of the books, by name."""
    found = leaving(plan)
    if not found:
        return ()
    lines = (
        f"{_word(change)} {said(change.address.name)} {said(change.number or '')}: "
        f"{said(moves_text(change))}"
        for change in found
    )
    return ("**Takes posted entries out of the books:**", *_cut(lines, len(found)))


def _callout(sort: str, *lines: str) -> str:
    return "\n".join((f"> [!{sort}]", *(f"> {line}<br>" for line in lines)))


def _blocked(plan: Plan) -> Iterator[str]:
    rows = [
        f"- {said(change.address.name)} {said(change.number or '')}: "
        f"{said(change.block.rule)} {said(change.block.message)}<br>"
        f"way out: {said(change.block.remedy)}"
        for change in plan.pending
        if change.block is not None
    ]
    if rows:
        yield "**Blocked**, and left out by an apply:\n\n" + "\n".join(_cut(rows, len(rows), "- "))


def _cut(rows: Iterable[str], count: int, begin: str = "") -> Iterator[str]:
    """The first rows, and how many there are besides."""
    yield from islice(rows, _LISTED)
    if count > _LISTED:
        yield f"{begin}and {count - _LISTED:,} more"


def _impact(plan: Plan) -> Iterator[str]:
    runs = posts_unknown_amounts(plan)
    titles, *rows = impact_cells(plan.impact, plan.basis.home_currency)
    if rows:
        first_amount = min(IMPACT_AMOUNTS)
        cells = [[*map(said, row[:first_amount]), *row[first_amount:]] for row in rows[:_LISTED]]
        table = _table(titles, cells, right=IMPACT_AMOUNTS)
        more = f"\n\nand {len(rows) - _LISTED:,} more rows" if len(rows) > _LISTED else ""
        yield f"**Impact** on the entries managed here (net, debit or credit)\n\n{table}{more}"
    elif plan.feasible and not runs:
        yield "**Impact**: none, no amount in the books changes."
    if runs:
        yield UNKNOWN_AMOUNTS


def _changes(plan: Plan) -> str:
    rows = [
        [
            _word(change),
            said(change.address.name),
            said(change.number) if change.number else "",
            said(_what(change)) if change.after or change.before else "",
            said(str(change.source)) if change.source else "",
        ]
        for change in plan.pending[:_LISTED]
    ]
    table = _table(["Action", "Entry", "Number", "What", "File"], rows)
    more = len(plan.pending) - _LISTED
    return f"{table}\n\nand {more:,} more" if more > 0 else table


def _what(change: Change) -> str:
    moves = moves_text(change) if change.posts else ""
    return f"{headline_facts(change)}: {moves}" if moves else headline_facts(change)


def _table(
    titles: Sequence[str], rows: Iterable[Sequence[str]], *, right: frozenset[int] = frozenset()
) -> str:
    ruler = ["---:" if at in right else "---" for at in range(len(titles))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, ruler, *rows))


def _word(change: Change) -> str:
    """The action with its symbol, in code: a bare `-` would begin a list."""
    word = WORDS[change.action]
    wanted = f" ({change.wanted})" if change.action is Action.BLOCKED else ""
    return f"`{word.symbol} {word.word}{wanted}`"


def _detail(change: Change, plan: Plan) -> str:
    drawn = _fenced(change_lines(change, plan.basis.home_currency))
    return f"<details><summary>{said(change.address.name)}</summary>\n\n{drawn}\n\n</details>"


def _fenced(lines: Iterable[Line]) -> str:
    """Lines as a diff, in a fence longer than any run of backticks inside."""
    text = "".join(_marked(line) for line in lines).rstrip()
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}diff\n{text}\n{fence}"


def _marked(line: Line) -> str:
    """A line with the mark in its first column that gives it its colour; else a blank there."""
    text = plain_text([line]).rstrip("\n")
    styles = {style for _, style in line}
    mark = next((mark for style, mark in _MARKS.items() if style in styles), " ")
    body = text[2:] if text.startswith("  ") else text
    # The line's own symbol is the mark already.
    body = " " + body[1:] if mark != " " and body.startswith(mark) else body
    return f"{mark} {body}".rstrip() + "\n"


def _foot(plan: Plan, standing: ApprovalStatus) -> Iterator[str]:
    if plan.drift:
        drawn = _fenced(drift_section(plan.drift))
        count = len(plan.drift)
        what = "entry has" if count == 1 else "entries have"
        if len(drawn) > LIMIT // 6:
            drawn = f"`reconciler drift` tells what moved in {count} entries."
        applied = "it was" if count == 1 else "they were"
        title = f"{count:,} {what} moved in the ledger since {applied} applied"
        yield f"<details><summary>{title}</summary>\n\n{drawn}\n\n</details>"
    for warning in plan.warnings[:_LISTED]:
        yield f"Warning: {said(warning)}"
    if (more := len(plan.warnings) - _LISTED) > 0:
        yield f"and {more:,} more warnings"
    yield f"Digest: `{plan.digest}`"
    if standing.ready and plan.feasible and not plan.refusals and not plan.scope.offline:
        yield f"To apply exactly this: `reconciler apply --plan-digest {plan.digest}`"


def _left_out(count: int) -> Iterator[str]:
    if count:
        what = "change is" if count == 1 else "changes are"
        yield f"The details of {count:,} {what} left out for length: `reconciler show` has them."
