"""A plan for a pull request: verdict, dangers, impact, balance, then the details.

Text from files and from the server passes `code`, `sentence` or `_fenced`, so that it can neither
format, link, mention nor forge anything (I-80).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from reconciler.core.model.finding import PlanWarning, UnansweredDifference
from reconciler.core.model.plan import Action, Plan
from reconciler.render.change_view import ChangeView
from reconciler.render.escaping import code, sentence
from reconciler.render.phrases import counted, more
from reconciler.render.plan_view import (
    NOTHING_POSTED,
    UNKNOWN_AMOUNTS,
    PlanView,
    view_of,
)
from reconciler.render.sections.rehearsal_text import REHEARSAL_AMOUNTS
from reconciler.render.sections.reversal_rows import PairRows, net_text
from reconciler.render.sections.waiting_rows import MOST_WAITING, WAITING_TITLES
from reconciler.render.styled_text import Line, Part, laid_out, plain_text
from reconciler.render.text import drift_section, lines_of

LIMIT = 60_000
"""Characters. A forge accepts 65,536 in a comment, which holds more than the plan."""

_LISTED = 50
"""The number of changes, entries and rows listed in each part; the rest are counted."""

_ROOM = 200
"""Characters kept for the note on what was left out."""

_MARKS: Mapping[str, str] = MappingProxyType({"create": "+", "remove": "-", "blocked": "!"})
"""What begins a line of a fenced diff, by the style of its first words."""


def plan_markdown(plan: Plan, *, limit: int = LIMIT) -> str:
    """The plan as GitHub-flavoured Markdown of at most `limit` characters.

    Where that is too little, the details of the last changes are left out, and counted.
    """
    return markdown_of(view_of(plan), limit=limit)


def markdown_of(view: PlanView, *, limit: int, approvals: Sequence[str] = ()) -> str:
    """The plan as Markdown; `approvals` are rows on what was read, encoded already."""
    head, foot = tuple(_head(view, approvals)), tuple(_foot(view))
    room = limit - sum(len(text) + 2 for text in (*head, *foot)) - _ROOM
    details: list[str] = []
    for change in view.changes:
        drawn = _fenced(lines_of(change, view.plan.basis.home_currency))
        text = f"<details><summary>{code(change.name)}</summary>\n\n{drawn}\n\n</details>"
        room -= len(text) + 2
        if room < 0:
            break
        details.append(text)
    if left := len(view.changes) - len(details):
        what = f"The details of {counted(left, 'change is', 'changes are')} left out for length."
        details.append(f"{what} `reconciler show` shows them.")
    return "\n\n".join((*head, *details, *foot)) + "\n"


def _head(view: PlanView, approvals: Sequence[str]) -> Iterator[str]:
    yield title_of(view)
    words = f"{view.verdict.words}."
    repeated = view.headline.startswith(words)
    yield f"**{words}** " * (not repeated) + sentence(view.verdict.sentence)
    ledger = ", ".join(f"{name}{code(value)}" for name, value in view.ledger)
    yield f"Ledger {ledger}." + f" {sentence(view.live)}" * bool(view.live)
    yield from approvals_section(view, approvals)
    for notice in view.notices:
        yield _callout("IMPORTANT", sentence(notice))
    for refusal in view.plan.refusals:
        yield _callout(
            "WARNING",
            f"**Refused** by {code(refusal.rule)}: {sentence(refusal.message)}",
            f"To fix: {sentence(refusal.remedy)}",
        )
    if view.only_unanswered:
        rows = [_unanswered(one) for one in view.only_unanswered]
        yield "**No change answers these differences:**\n\n" + "\n".join(_cut(rows, "- "))
    if view.cancelling:
        rows = [
            f"{_label(change)} {_named(change.name, change.number)}: {sentence(change.money)}"
            for change in view.cancelling
        ]
        yield _callout("CAUTION", "**Cancels posted entries:**", *_cut(rows))
    if view.blocked:
        rows = [_blocked(change) for change in view.blocked]
        yield "**Blocked**, skipped by an apply:\n\n" + "\n".join(_cut(rows, "- "))
    if view.changes:
        yield from _impact(view)
        proofs = map(str, view.proofs or (NOTHING_POSTED,))
        yield f"**Balance**: {'<br>'.join(map(sentence, proofs))}"
        yield from _changes(view)
    yield from _rehearsal(view)
    if view.reversals:
        yield _reversals(view.reversals)
    yield from waiting_markdown(view.waiting)
    if view.transfers:
        states = (f"{code(period)} {sentence(text)}" for period, text in view.transfers)
        yield f"**Transfers** to the general ledger: {'<br>'.join(states)}"


def _rehearsal(view: PlanView) -> Iterator[str]:
    """What a scratch ledger made of the plan; nothing without a rehearsal."""
    found = view.rehearsal
    if found is None:
        return
    rows = [
        f"{what} {code(name)} {sentence(action)}: {sentence(why)}"
        for what, name, action, why in found.failed
    ]
    yield "<br>".join(
        (
            f"**Rehearsal** on a scratch ledger: **{sentence(found.headline)}**",
            *_cut(rows),
            sentence(found.balance),
            *(f"{code(rule)}: To fix: {sentence(remedy)}" for rule, remedy in found.remedies),
            sentence(found.unknown),
        )
    )
    if found.rows:
        cells = [[*map(code, row[:3]), *row[3:]] for row in found.rows[:_LISTED]]
        drawn = _table(found.titles, cells, right=REHEARSAL_AMOUNTS)
        rest = "\n\n".join((drawn, *filter(None, [more(len(found.rows), _LISTED, " rows")])))
        title = "Trial balance of the scratch ledger"
        yield f"<details><summary>{title}</summary>\n\n{rest}\n\n</details>"


def waiting_markdown(rows: Sequence[tuple[str, str, str, str]]) -> Iterator[str]:
    """What is posted in later periods; nothing when nothing is."""
    if rows:
        cells = [[code(row[0]), *row[1:3], sentence(row[3])] for row in rows[:MOST_WAITING]]
        yield "**Waiting** for later periods:\n\n" + _table(
            WAITING_TITLES, cells, right=frozenset({2})
        )
        if left := more(len(rows), MOST_WAITING):
            yield left


def _reversals(pairs: Sequence[PairRows]) -> str:
    """Each original with its reversal, and what the two leave."""
    listed = [
        "<br>".join((f"- {sentence(title)}", *map(sentence, map(net_text, rows))))
        for title, rows in pairs
    ]
    return "**Reversals**:\n\n" + "\n".join(_cut(listed, "- "))


def title_of(view: PlanView) -> str:
    """The heading: the workspace, and the counts."""
    return f"### {code(view.plan.basis.workspace)}: {view.headline}{view.marks}"


def approvals_section(view: PlanView, rows: Sequence[str]) -> Iterator[str]:
    """What the plan requires, then the rows; nothing when it requires nothing."""
    if view.approvals:
        yield f"**Approvals**: {sentence(view.approvals)}" + "\n\n" * bool(rows) + "\n".join(rows)


def _callout(sort: str, *lines: str) -> str:
    return "\n".join((f"> [!{sort}]", *(f"> {line}<br>" for line in lines)))


def _blocked(view: ChangeView) -> str:
    block = view.change.block
    assert block is not None
    return (
        f"- {_named(view.name, view.number)}: {code(block.rule)}: "
        f"{sentence(block.message)}<br>To fix: {sentence(block.remedy)}"
    )


def _unanswered(one: UnansweredDifference) -> str:
    return (
        f"- {_named(one.name, one.number)}: {code(one.rule)}: {sentence(one.message)}"
        f"<br>To fix: {sentence(one.remedy)}"
    )


def _named(name: str, number: str) -> str:
    """An entry by its name, and by its number if that is known."""
    return " ".join(map(code, filter(None, (name, number))))


def _cut(rows: Sequence[str], begin: str = "", what: str = "") -> Iterator[str]:
    """The first rows, and how many more there are."""
    yield from rows[:_LISTED]
    if left := more(len(rows), _LISTED, what):
        yield begin + left


def _impact(view: PlanView) -> Iterator[str]:
    impact = view.impact
    if impact.rows:
        names = impact.names
        cells = [[*map(code, row[:names]), *row[names:]] for row in impact.rows[:_LISTED]]
        titles = [*map(sentence, impact.titles[:names]), *impact.titles[names:]]
        table = _table(titles, cells, right=impact.amounts)
        yield f"**Impact** on the entries managed here (net, debit or credit)\n\n{table}"
        if left := more(len(impact.rows), _LISTED, " rows"):
            yield left
        if impact.note:
            yield sentence(impact.note)
    elif impact.none:
        yield f"**Impact**: none, {sentence(impact.none)}."
    if view.runs:
        yield UNKNOWN_AMOUNTS


def _changes(view: PlanView) -> Iterator[str]:
    rows = [
        [
            _label(change),
            code(change.name),
            code(change.number) if change.number else "",
            sentence(
                change.headline + f": {change.money}" * (change.cancels and change.change.posts)
            ),
            code(change.file) if change.file else "",
        ]
        for change in view.changes[:_LISTED]
    ]
    yield _table(["Action", "Entry", "Number", "What", "File"], rows)
    if left := more(len(view.changes), _LISTED):
        yield left


def _table(
    titles: Sequence[str], rows: Iterable[Sequence[str]], *, right: frozenset[int] = frozenset()
) -> str:
    ruler = ["---:" if at in right else "---" for at in range(len(titles))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, ruler, *rows))


def _label(view: ChangeView) -> str:
    """The action with its symbol, in code: a bare `-` would begin a list."""
    wanted = f" ({view.change.wanted})" if view.change.action is Action.BLOCKED else ""
    return f"`{view.label}{wanted}`"


def _fenced(parts: Iterable[Part]) -> str:
    """Lines as a diff, in a fence longer than any run of backticks inside."""
    text = "".join(map(_marked, laid_out(parts))).rstrip()
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}diff\n{text}\n{fence}"


def _marked(line: Line) -> str:
    """A line with a mark in its first column, which gives it a colour; else a blank there."""
    text = plain_text([line]).rstrip("\n")
    styles = {style for _, style in line}
    mark = next((mark for style, mark in _MARKS.items() if style in styles), " ")
    body = text[2:] if text.startswith("  ") else text
    # The line's own symbol is the mark already.
    body = " " + body[1:] if mark != " " and body.startswith(mark) else body
    return f"{mark} {body}".rstrip() + "\n"


def _warning(one: PlanWarning) -> str:
    place = f"{code(one.place)}: " if one.place else ""
    return f"Warning {code(one.rule)}: {place}{sentence(one.message)}"


def _foot(view: PlanView) -> Iterator[str]:
    if view.drift:
        drawn, count = _fenced(drift_section(view.drift)), len(view.drift)
        if len(drawn) > LIMIT // 6:
            drawn = f"`reconciler drift` shows what changed in {count} entries."
        title = f"{view.drifted} since {'it was' if count == 1 else 'they were'} applied"
        yield f"<details><summary>{title}</summary>\n\n{drawn}\n\n</details>"
    yield from _cut([_warning(one) for one in view.plan.warnings], what=" warnings")
    yield f"Digest: `{view.plan.digest}`"
    if view.command:
        yield f"To apply exactly this: `{view.command}`"
    if view.refused:
        refused, _, reasons = view.refused.partition(": ")
        yield f"**{refused}**: {sentence(reasons)}"
