"""A plan for a pull request: verdict, dangers, impact, balance, then the details.

Text of others passes `code`, `sentence` or `_fenced`: it cannot format, link or forge (I-80).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from reconciler.core.model.finding import PlanWarning, UnansweredDifference, counted, cut, more
from reconciler.core.model.plan import Action, Plan
from reconciler.render.change_view import BeforeAfter, ChangeView
from reconciler.render.escaping import code, link, sentence
from reconciler.render.plan_view import (
    BALANCE_SUMS,
    BALANCE_TITLES,
    NOTHING_POSTED,
    UNKNOWN_AMOUNTS,
    PlanView,
    view_of,
)
from reconciler.render.sections.impact_table import ImpactTable
from reconciler.render.sections.plan_rows import MOST_WAITING, WAITING_TITLES, PairRows, net_text
from reconciler.render.sections.rehearsal_text import REHEARSAL_AMOUNTS
from reconciler.render.styled_text import Line, Part, laid_out, plain_text
from reconciler.render.text import drift_section, lines_of

LIMIT = 60_000
"""Characters. A forge accepts 65,536 in a comment, which holds more than the plan."""

_LISTED = 20
"""The number of changes, entries and rows that each part shows; the rest are folded."""

_FIELDS, _LONGEST = 4, 60
"""The number of fields in a row of the table of changes, and the characters of a value there."""

_ROOM = 200
"""Characters kept for the note on what was left out."""

_MARKS: Mapping[str, str] = {"create": "+", "remove": "-", "blocked": "!"}
"""What begins a line of a fenced diff, by the style of its first words."""


def plan_markdown(plan: Plan, *, limit: int = LIMIT) -> str:
    """The plan as GitHub-flavoured Markdown of at most `limit` characters.

    Where that is too little, the details of the last changes are left out, and counted.
    """
    return markdown_of(view_of(plan), limit=limit)


def markdown_of(view: PlanView, *, limit: int, approvals: Sequence[str] = ()) -> str:
    """The plan as Markdown; `approvals` are rows on what was read, encoded already."""
    lists = _lists(view)
    head, foot = tuple(_head(view, lists, approvals)), tuple(_foot(view))
    room = limit - sum(len(text) + 2 for text in (*head, *foot)) - _ROOM
    rests = tuple(_rests(lists.values(), room // 2))
    room -= sum(len(text) + 2 for text in rests)
    details: list[str] = []
    for change in view.changes:
        drawn = _fenced(lines_of(change, view.plan.basis.home_currency))
        drawn = f"Support: {link(change.support)}\n\n" * bool(change.support) + drawn
        text = _details(code(change.name), drawn)
        room -= len(text) + 2
        if room < 0:
            break
        details.append(text)
    if left := len(view.changes) - len(details):
        what = f"The details of {counted(left, 'change is', 'changes are')} left out for length."
        details.append(f"{what} `reconciler show` shows them.")
    return "\n\n".join((*head, *rests, *details, *foot)) + "\n"


def _details(title: str, text: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


class _Rows(NamedTuple):
    """The rows of a list, or those of a table below its `head`; `what` names them."""

    what: str
    rows: Sequence[str]
    head: Sequence[str] = ()
    listed: int = _LISTED

    def first(self) -> str:
        """The rows that stand in the comment itself, and how many more there are."""
        return self._drawn(self.rows[: self.listed], more(len(self.rows), self.listed))

    def rest(self, room: int) -> str:
        """The other rows, folded, as far as there is room; the last ones are counted."""
        fitting = []
        for row in self.rows[self.listed :]:
            room -= len(row) + 1
            if room < 0:
                break
            fitting.append(row)
        if not fitting:
            return ""
        left = more(len(self.rows), self.listed + len(fitting), ": see `reconciler show`")
        return _details(f"More {self.what}", self._drawn(fitting, left))

    def _drawn(self, rows: Sequence[str], left: str) -> str:
        if self.head:
            return "\n".join((*self.head, *rows, *["", left] * bool(left)))
        return "\n".join((*rows, *[f"- {left}"] * bool(left)))


def _lists(view: PlanView) -> Mapping[str, _Rows]:
    found = (
        _Rows("differences", [_unanswered(one) for one in view.only_unanswered]),
        _Rows("blocked changes", [_blocked(change) for change in view.blocked]),
        _Rows("material changes", [_with_amount(*one) for one in view.material]),
        _Rows("cancelled entries", [_with_amount(one, one.money) for one in view.cancelling]),
        _Rows("warnings", [f"- {warning_markdown(one)}" for one in view.warnings], listed=5),
        _impact_rows(view.impact),
        _change_rows(view.changes),
    )
    return {one.what: one for one in found if one.rows}


def _rests(lists: Iterable[_Rows], room: int) -> Iterator[str]:
    for one in lists:
        if text := one.rest(room):
            room -= len(text) + 2
            yield text


def _head(view: PlanView, lists: Mapping[str, _Rows], approvals: Sequence[str]) -> Iterator[str]:
    """What a reader must know: verdict, what is missing, what is cancelled, the impact."""
    yield title_of(view)
    words = f"{view.verdict.words}."
    repeated = view.headline.startswith(words)
    yield f"**{words}** " * (not repeated) + sentence(view.verdict.sentence)
    ledger = ", ".join(f"{name}{code(value)}" for name, value in view.ledger)
    yield f"Ledger {ledger}." + f" {sentence(view.live)}" * bool(view.live)
    for notice in view.notices:
        yield _callout("IMPORTANT", sentence(notice))
    for refusal in view.plan.refusals:
        yield _callout(
            "WARNING",
            f"**Refused** by {code(refusal.rule)}: {sentence(refusal.message)}",
            f"To fix: {sentence(refusal.remedy)}",
        )
    yield from approvals_section(view, approvals)
    if found := lists.get("differences"):
        yield f"**No change answers these differences:**\n\n{found.first()}"
    if found := lists.get("blocked changes"):
        yield f"**Blocked**, skipped by an apply:\n\n{found.first()}"
    if found := lists.get("cancelled entries"):
        yield _callout(
            "CAUTION", f"**{view.cancels} posted entries:**", "", *found.first().split("\n")
        )
    if found := lists.get("warnings"):
        yield found.first()
    if view.largest:
        rows = (f"{_label(one)} {code(one.name)}: {amount}" for one, amount in view.largest)
        yield f"**Largest change**: {', '.join(rows)}"
    if found := lists.get("material changes"):
        yield f"**Material changes**, by the policy:\n\n{found.first()}"
    if view.changes:
        yield from _impact(view, lists.get("rows of the impact"))
        yield from _balance(view)
        yield lists["changes"].first()
    yield from _rehearsal(view)
    if view.reversals:
        yield _reversals(view.reversals)
    yield from waiting_markdown(view.waiting)
    if view.transfers:
        states = (f"{code(period)} {sentence(text)}" for period, text in view.transfers)
        yield f"**Transferred** to the general ledger: {'<br>'.join(states)}"


def _rehearsal(view: PlanView) -> Iterator[str]:
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
            *cut(rows, _LISTED),
            sentence(found.balance),
            *(f"{code(rule)}: To fix: {sentence(remedy)}" for rule, remedy in found.remedies),
            sentence(found.unknown),
        )
    )
    if found.rows:
        cells = [[*map(code, row[:3]), *row[3:]] for row in found.rows[:_LISTED]]
        drawn = _table(found.titles, cells, right=REHEARSAL_AMOUNTS)
        rest = "\n\n".join((drawn, *filter(None, [more(len(found.rows), _LISTED, " rows")])))
        yield _details("Trial balance of the scratch ledger", rest)


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
    listed = [
        "<br>".join((sentence(title), *map(sentence, map(net_text, rows)))) for title, rows in pairs
    ]
    return "**Reversals**:\n\n" + "\n".join(f"- {one}" for one in cut(listed, _LISTED))


def title_of(view: PlanView) -> str:
    """The heading: the workspace, and the counts."""
    return f"### {code(view.plan.basis.workspace)}: {view.headline}{view.marks}"


def approvals_section(view: PlanView, rows: Sequence[str]) -> Iterator[str]:
    """What the plan requires, then the rows; nothing when it requires nothing."""
    if view.approvals:
        yield f"**Approvals**: {sentence(view.approvals)}" + "\n\n" * bool(rows) + "\n".join(rows)


def _callout(sort: str, *lines: str) -> str:
    """Lines in a box; the rows of a list in it begin with `- `."""
    drawn = (line if line.startswith("- ") or not line else f"{line}<br>" for line in lines)
    return "\n".join((f"> [!{sort}]", *(f"> {line}".rstrip() for line in drawn)))


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


def _with_amount(view: ChangeView, amount: str) -> str:
    return f"- {_label(view)} {_named(view.name, view.number)}: {sentence(amount)}"


def _impact(view: PlanView, rows: _Rows | None) -> Iterator[str]:
    impact = view.impact
    if rows is not None:
        yield f"**Impact** on the entries managed here (net, debit or credit)\n\n{rows.first()}"
        if impact.note:
            yield sentence(impact.note)
    elif impact.none:
        yield f"**Impact**: none, {sentence(impact.none)}."
    if view.runs:
        yield UNKNOWN_AMOUNTS


def _impact_rows(impact: ImpactTable) -> _Rows:
    names = impact.names
    titles = [*map(sentence, impact.titles[:names]), *impact.titles[names:]]
    # A blank that is not broken keeps an amount and its side on one line.
    cells = [
        [*map(code, row[:names]), *(cell.strip().replace(" ", "\u00a0") for cell in row[names:])]
        for row in impact.rows
    ]
    head, rows = _table_rows(titles, cells, right=impact.amounts)
    return _Rows("rows of the impact", rows, head)


def _balance(view: PlanView) -> Iterator[str]:
    if not view.proofs:
        yield f"**Balance**: {NOTHING_POSTED}"
        return
    cells = [[proof.what, sentence(proof.currency), *proof.cells[2:]] for proof in view.proofs]
    yield _table(BALANCE_TITLES, cells, right=BALANCE_SUMS)


def _change_rows(changes: Iterable[ChangeView]) -> _Rows:
    cells = [
        [
            _label(change),
            code(change.name),
            code(change.number) if change.number else "",
            _what(change),
            code(change.file) if change.file else "",
        ]
        for change in changes
    ]
    head, rows = _table_rows(["Action", "Entry", "Number", "What", "File"], cells)
    return _Rows("changes", rows, head)


def _what(view: ChangeView) -> str:
    """What a change does: an update by its fields, any other by period, date and amount."""
    fields = [_moved(field) for field in view.fields[:_FIELDS]]
    if left := more(len(view.fields), _FIELDS, " fields"):
        fields.append(left)
    told = [view.headline] * (view.change.wanted is not Action.UPDATE or not fields)
    told += [view.reason, view.money * view.change.posts]
    return "<br>".join((*map(sentence, filter(None, told)), *fields))


def _moved(field: BeforeAfter) -> str:
    where = f"line {code(field.line)}: " if field.line else ""
    if not (field.before or field.after):
        return f"{where}{code(field.name)} changes"
    return f"{where}{code(field.name)}: {_short(field.before)} → {_short(field.after)}"


def _short(value: str) -> str:
    """A value in code, cut if it is long: the details show all of it."""
    return code(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…")


def _table(
    titles: Sequence[str], cells: Iterable[Sequence[str]], *, right: frozenset[int] = frozenset()
) -> str:
    head, rows = _table_rows(titles, cells, right=right)
    return "\n".join((*head, *rows))


def _table_rows(
    titles: Sequence[str], cells: Iterable[Sequence[str]], *, right: frozenset[int] = frozenset()
) -> tuple[list[str], list[str]]:
    """The two rows of a table's head, and the others."""
    ruler = ["---:" if at in right else "---" for at in range(len(titles))]
    drawn = [f"| {' | '.join(row)} |" for row in (titles, ruler, *cells)]
    return drawn[:2], drawn[2:]


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


def warning_markdown(one: PlanWarning) -> str:
    """A warning, with its rule."""
    place = f"{code(one.place)}: " if one.place else ""
    return f"{one.severity.capitalize()} {code(one.rule)}: {place}{sentence(one.message)}"


def _foot(view: PlanView) -> Iterator[str]:
    if view.drift:
        drawn, count = _fenced(drift_section(view.drift)), len(view.drift)
        if len(drawn) > LIMIT // 6:
            drawn = "`reconciler drift` shows what changed."
        title = f"{view.drifted} since {'it was' if count == 1 else 'they were'} applied"
        yield _details(title, drawn)
    yield f"Digest: `{view.plan.digest}`"
    if view.command:
        yield f"To apply exactly this: `{view.command}`"
    if view.refused:
        refused, _, reasons = view.refused.partition(": ")
        yield f"**{refused}**: {sentence(reasons)}"
