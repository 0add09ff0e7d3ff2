"""A close check in every format: each item with what fails it, and what to do."""

from collections.abc import Iterator, Mapping, Sequence

from reconciler.core.model.finding import counted, cut
from reconciler.core.planning.closing.readiness import CloseCheck, CloseItem, CloseReport, ItemState
from reconciler.core.rules.close_rules import CLOSE_ITEMS
from reconciler.render.escaping import code, escaped, sentence
from reconciler.render.junit import Case, junit, waiting_cases
from reconciler.render.markdown import waiting_markdown, warning_markdown
from reconciler.render.plan_view import ledger_of
from reconciler.render.sections.plan_rows import waiting_rows
from reconciler.render.styled_text import BLANK, Line, Part, laid_out, line, span, table
from reconciler.render.text import waiting_section, warning_lines

_SHOWN = 10
"""The most names in a list for people; the rest are counted. JSON has all."""

_WORDS: Mapping[ItemState, tuple[str, str]] = {
    ItemState.OK: ("ok", "good"),
    ItemState.FAILS: ("FAIL", "bad"),
    ItemState.ALLOWED: ("allowed", "warning"),
    ItemState.NOT_CHECKED: ("not checked", "warning"),
}
"""What people read for a state, and its style."""

_NOUNS: Mapping[str, tuple[str, str]] = {
    "earlier-period": ("earlier period", "earlier periods"),
    "period-in-reference": ("period", "periods"),
    "pending-change": ("declaration", "declarations"),
    "blocked-change": ("declaration", "declarations"),
    "run-missing": ("transaction type", "transaction types"),
    "run-not-done": ("journal run", "journal runs"),
    "unmanaged": ("entry in the ledger", "entries in the ledger"),
    "not-transferred": ("posted entry", "posted entries"),
    "transfer-error": ("posted entry", "posted entries"),
    "reversal-due": ("reversal", "reversals"),
    "schedule-due": ("part of a schedule", "parts of schedules"),
    "open-call": ("open call", "open calls"),
}
"""What the check of an item looked at."""


def verdict_of(check: CloseCheck) -> tuple[str, str]:
    """Whether a period is ready, in words, and the style."""
    if check.ready:
        return "ready to be closed", "good"
    return f"not ready: {len(check.failing)} of {len(check.items)} checks fail", "bad"


def state_text(item: CloseItem) -> tuple[str, str]:
    """The state of an item as people read it, and its style."""
    return _WORDS[item.state]


def extent_of(item: CloseItem) -> str:
    """How much was looked at: `3 of 12 declarations`, `12 declarations`, or `no declaration`."""
    if item.checked is None:
        return ""
    nouns = _NOUNS[item.item]
    if not item.checked:
        return f"no {nouns[0]}"
    looked = counted(item.checked, *nouns)
    failed = len(item.found)
    return f"{failed:,} of {looked}" if item.found and failed <= item.checked else looked


def named(item: CloseItem) -> tuple[str, ...]:
    """The first names that fail an item, and how many more there are."""
    return cut(item.found, _SHOWN)


def facts_of(report: CloseReport) -> tuple[tuple[str, str], ...]:
    """Which books were checked, and when; what is not known is left out."""
    basis, origin = report.basis, report.basis.origin
    dirty = ", with changes that are not committed" if origin.dirty else ""
    facts = (
        ("Workspace", basis.workspace),
        ("Ledger", ", ".join(map("".join, ledger_of(basis)))),
        ("Checked", report.checked_at),
        ("Commit", origin.commit + dirty if origin.commit else ""),
    )
    return tuple((name, value) for name, value in facts if value)


def close_lines(report: CloseReport) -> Iterator[Part]:
    """The check of each period, ready or not."""
    yield from table(facts_of(report))
    for check in report.checks:
        yield BLANK
        yield line(
            span(check.period.name, "strong"), f" ({check.period.status})  ", verdict_of(check)
        )
        rows = laid_out(table([_cells(item) for item in check.items], indent=2))
        for item, drawn in zip(check.items, rows, strict=True):
            yield _painted(drawn, item)
            yield from (line(name, indent=8) for name in named(item))
            if item.state is ItemState.FAILS:
                yield line(("To fix: ", "strong"), item.remedy, indent=8)
            if item.state is ItemState.ALLOWED:
                yield line(("Allowed: ", "strong"), item.allowed_because, indent=8)
        yield line("Not checked:", indent=2)
        yield from (line(text, indent=4) for text in check.not_checked)
    if report.warnings:
        yield BLANK
        yield from warning_lines(report.warnings)
    if report.waiting:
        yield BLANK
        yield from tuple(waiting_section(waiting_rows(report.waiting)))[:-1]


def _cells(item: CloseItem) -> Sequence[str]:
    return state_text(item)[0], item.item, extent_of(item)


def _painted(drawn: Line, item: CloseItem) -> Line:
    """A row of the table, its first word in the style of the state."""
    text = "".join(part for part, _ in drawn)
    word, style = state_text(item)
    return (text[:2], ""), (word, style), (text[2 + len(word) :], "")


def close_markdown(report: CloseReport) -> str:
    """The checks as GitHub-flavoured Markdown: what fails first, then every item."""
    ready = sum(check.ready for check in report.checks)
    whole = counted(len(report.checks), "period")
    facts = "<br>".join(f"{name}: {code(value)}" for name, value in facts_of(report))
    parts = [f"### Close check: {ready} of {whole} ready", facts]
    for check in report.checks:
        status = code(str(check.period.status))
        parts.append(f"#### {code(check.period.name)} {status} {sentence(verdict_of(check)[0])}")
        parts += [
            f"> [!WARNING]\n> **{code(item.item)}** {sentence(extent_of(item))}<br>\n"
            + "".join(f"> {sentence(name)}<br>\n" for name in named(item))
            + f"> To fix: {sentence(item.remedy)}"
            for item in check.failing
        ]
        rows = ["| Item | State | Looked at |", "| --- | --- | --- |"]
        rows += [
            f"| {code(item.item)} | {state_text(item)[0]} | {sentence(extent_of(item))} |"
            for item in check.items
        ]
        allowed = [item for item in check.items if item.state is ItemState.ALLOWED]
        parts.append("\n".join(rows))
        parts += [
            f"Allowed {code(item.item)}: {', '.join(map(sentence, named(item)))}<br>"
            f"Reason: {sentence(item.allowed_because)}"
            for item in allowed
        ]
        parts.append(f"Not checked: {sentence(', '.join(check.not_checked))}.")
    parts += map(warning_markdown, report.warnings)
    parts += waiting_markdown(waiting_rows(report.waiting))
    return "\n\n".join(parts) + "\n"


def close_junit(report: CloseReport) -> str:
    """A case for each item of each period. What was not checked is skipped."""
    return junit(
        f"reconciler close-check of {report.basis.workspace}",
        [
            *(
                Case(
                    name=f"{check.period.name} {item.item}",
                    failure=extent_of(item) if item.state is ItemState.FAILS else "",
                    sort=item.item,
                    output="\n".join(_output(item)),
                    skipped=item.state is ItemState.NOT_CHECKED,
                )
                for check in report.checks
                for item in check.items
            ),
            *waiting_cases(waiting_rows(report.waiting)),
        ],
        about=map(str, report.warnings),
    )


def _output(item: CloseItem) -> Iterator[str]:
    yield CLOSE_ITEMS[item.item].summary
    yield from map(escaped, item.found)
    if item.state is ItemState.FAILS:
        yield f"To fix: {item.remedy}"
    if item.state is ItemState.ALLOWED:
        yield f"Allowed: {escaped(item.allowed_because)}"
