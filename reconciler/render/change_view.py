"""What every format shows of one change, and of one entry that drifted."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from reconciler.core.model.finding import counted, joined
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import shown
from reconciler.core.model.plan import (
    AGAIN,
    CANCELLED,
    Action,
    Change,
    Drift,
    LineUpdate,
    Plan,
    Reason,
    Verb,
)
from reconciler.core.model.policy import NO_RATES
from reconciler.core.model.resource import Value, rows_of, text_of
from reconciler.core.model.similar_names import folded, misleading_character
from reconciler.core.planning.limits.money_moved import moved_by
from reconciler.core.planning.posting import Entry, newly_cancelled, newly_posted
from reconciler.core.planning.run_members import MEMBERS
from reconciler.render.phrases import PARTICIPLES, side_total, value_text
from reconciler.values import dataclass


class ActionLabel(NamedTuple):
    """How an action is shown: its symbol, its name, its style."""

    symbol: str
    name: str
    style: str

    def __str__(self) -> str:
        return f"{self.symbol} {self.name}"


LABELS: Mapping[Action, ActionLabel] = {
    Action.CREATE: ActionLabel("+", "create", "create"),
    Action.UPDATE: ActionLabel("~", "update", "update"),
    Action.REPLACE: ActionLabel("-/+", "replace", "replace"),
    Action.REMOVE: ActionLabel("-", "remove", "remove"),
    Action.ADOPT: ActionLabel("=", "adopt", "adopt"),
    Action.FORGET: ActionLabel(".", "forget", "forget"),
    Action.BLOCKED: ActionLabel("!", "blocked", "blocked"),
}

_REASONS: Mapping[Reason, str] = {
    Reason.DRIFTED: "changed in the ledger, not in the file",
    Reason.UNDECLARED: "no longer declared",
    Reason.CANCELLED_IN_LEDGER: "cancelled in the ledger by someone else",
    Reason.MISSING_IN_LEDGER: "not found in the ledger",
    Reason.RESUMED: "completes what an earlier run started",
    Reason.RECORD_ONLY: "only the daybook changes; no call is made",
    Reason.FAILED_IN_LEDGER: "ended in an error in the ledger",
    Reason.ADOPTED: "already in the ledger; managed from now on",
    Reason.FOUND: "found in the ledger by its marker; missing from the daybook",
    Reason.POSTED_AGAIN: "was deleted, and is posted again: the ledger is an older copy",
    Reason.LEFT_TO_RUN: "no longer declared; it stays with its journal run",
    Reason.RETIRED: "retired: stays in the ledger, no longer managed",
}

_OF_THE_ACTION = frozenset({Reason.RESUMED, Reason.ADOPTED})
"""Reasons that describe the action, so they are not shown for a blocked change."""

_DRIFTED: Mapping[str, str] = {
    "gone": "was not found",
    CANCELLED: "was cancelled",
    AGAIN: "is posted again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeAfter:
    """A field before and after; `line` names the line it is on, `effect` what the change needs."""

    name: str
    before: str
    after: str
    line: str = ""
    effect: str = ""


FORCES = "forces replacement"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """One change. `fields` has the field of the lines too, without values.

    `spec` is the entry as it is declared, or else as it is live. `day` is its date, empty where it
    has none. `cancels` says whether an apply cancels a posted entry.
    """

    change: Change
    spec: Mapping[str, Value]
    label: ActionLabel
    name: str
    number: str
    title: str
    file: str
    period: str
    date: str
    day: str
    debits: Decimal
    amount: str
    headline: str
    special: tuple[str, ...]
    """What is special about the entry, which the headline has too."""
    reason: str
    blocked: str
    cancels: bool
    money: str
    fields: tuple[BeforeAfter, ...]
    calls: str
    support: str
    """What `SupportingDocument__c` names, such as a web address."""


SUPPORT = "SupportingDocument__c"


def view_of_change(change: Change) -> ChangeView:
    kind, label, name = KINDS[change.address.kind], LABELS[change.action], change.address.name
    spec = change.after if change.after is not None else change.before or {}
    block, wanted = change.block, PARTICIPLES.get(change.wanted)
    debits = side_total(rows_of(spec.get(kind.lines)), "Debit")
    period = change.period or " to ".join(value_text(spec.get(day)) for day in kind.span or ())
    date = value_text(spec.get(kind.date)) if spec else ""
    amount = shown(debits, change.currency) if kind.currency and spec else ""
    cancels = change.cancels and block is None
    steps = change.steps if block is None else ()
    facts = (
        (f"made by {change.journal_run}", change.journal_run),
        (f"transferred {change.transferred}", change.transferred not in ("", "No")),
        ("protected", change.protect),
        (f"reverses {change.reverses}", change.reverses),
        (f"reversed by {change.reversed_by}", change.reversed_by),
    )
    special = tuple(fact for fact, holds in facts if holds)
    booked = f"{period} ({change.period_status})" if change.period_status else period
    money = f"{change.currency} {amount}" if amount else ""
    return ChangeView(
        change=change,
        spec=spec,
        label=label,
        name=name,
        number=change.number or "",
        title=f"{label.name} {name} {change.number or ''}".rstrip(),
        file=str(change.source) if change.source else "",
        period=period,
        date=date,
        day=text_of(spec.get(kind.date)) or "",
        debits=debits,
        amount=amount,
        headline=_headline(booked, date, money, special) if spec else "",
        special=special,
        reason=_reason(
            change.reason,
            blocked=block is not None,
            reposts=change.posts and change.status == CANCELLED,
        ),
        blocked=f"{block.message}{f', so it cannot be {wanted}' * bool(wanted)}" if block else "",
        cancels=cancels,
        money=_money(change) if cancels else "",
        fields=tuple(_fields(change)),
        calls=", ".join(f"{step.verb} {step.number or ''}".rstrip() for step in steps),
        support=text_of(spec.get(SUPPORT)) or "",
    )


def stated_fields(view: ChangeView) -> Iterator[tuple[str, str]]:
    """The fields that neither the headline, the lines nor the changes show.

    They have one order, because a saved plan does not keep that of the file: the notes first,
    custom fields last.
    """
    kind, spec = KINDS[view.change.address.kind], view.spec
    told = {kind.lines, *kind.headline, *(field.name for field in view.fields)}
    first = ("notes", *(kind.span or ()))
    ahead = [name for name in first if name in spec]
    rest = sorted(spec.keys() - {*first}, key=lambda one: (one.endswith(kind.custom_suffix), one))
    for name in (*ahead, *rest):
        if name not in told and spec[name] not in (None, "", ()):
            yield name, value_text(spec[name])


def _headline(period: str, date: str, amount: str, special: Iterable[str]) -> str:
    """Period, date and amount of a change, and what is special about it."""
    facts = (
        "" if amount else "a journal run",
        period,
        f"dated {date}",
        amount,
        *special,
    )
    return ", ".join(fact for at, fact in enumerate(facts) if fact or at == 1)


def _reason(reason: Reason, *, blocked: bool, reposts: bool) -> str:
    """Why a change is needed, where its action does not say it already; else empty."""
    if reason is Reason.RESUMED and reposts:
        return "cancelled by an earlier run and not reposted yet"
    return "" if blocked and reason in _OF_THE_ACTION else _REASONS.get(reason, "")


def _money(change: Change) -> str:
    """What is cancelled and what is posted, as `USD 400.90 cancelled, USD 999.99 posted`."""
    cancelled = f"{_debits(newly_cancelled(change)) or 'nothing'} cancelled"
    if not change.posts:
        return cancelled
    posted = _debits(newly_posted(change)) or "amounts known only after the run"
    return f"{cancelled}, {posted} posted"


def cancelling_text(plan: Plan) -> str:
    """`This cancels 1 posted entry, USD 400.90.`; empty if the plan cancels and deletes nothing."""
    entries = [entry for change in plan.feasible for entry in newly_cancelled(change)]
    deleted = sum(
        any(step.verb is Verb.DELETE for step in change.steps) and not change.cancels
        for change in plan.feasible
    )
    told = []
    if entries:
        count = counted(len(entries), "posted entry", "posted entries")
        told.append(f"This cancels {count}, {_debits(entries)}.")
    if deleted:
        count = counted(deleted, "entry that is", "entries that are")
        told.append(f"This deletes {count} cancelled already.")
    return " ".join(told)


def _debits(entries: Iterable[Entry]) -> str:
    """The debits of entries, one sum for each currency."""
    sums = moved_by(entries, None, NO_RATES).amounts
    return joined([f"{currency} {shown(sum_, currency)}" for currency, sum_ in sums.items()])


def _fields(change: Change) -> Iterator[BeforeAfter]:
    lines = KINDS[change.address.kind].lines
    for field in change.comparison.fields:
        forces = not field.in_place and change.wanted is not Action.ADOPT
        effect = FORCES if forces else "in place"
        values = (field.before, field.after)
        before, after = ("", "") if field.name == lines else map(value_text, values)
        if not f"{before}{after}".isascii():
            before, after = _told_apart(before, after)
        yield BeforeAfter(name=field.name, before=before, after=after, effect=effect)
    yield from _line_fields(change.comparison.line_updates)


def _told_apart(before: str, after: str) -> tuple[str, str]:
    """Two values. If they look the same, each names its character that looks like another one."""
    if before == after or folded(before) != folded(after):
        return before, after
    named = ((text, misleading_character(text)) for text in (before, after))
    first, second = (f"{text} [{strange}]" if strange else text for text, strange in named)
    return first, second


def _line_fields(updates: Iterable[LineUpdate]) -> Iterator[BeforeAfter]:
    """What changes in place on single lines, each named by its code and side."""
    for update in updates:
        code, side = (text_of(update.line.get(name)) for name in ("accountingCodeName", "type"))
        for name in sorted(update.fields):
            values = update.before.get(name), update.fields[name]
            before, after = map(value_text, values)
            if not f"{before}{after}".isascii():
                before, after = _told_apart(before, after)
            yield BeforeAfter(name=name, before=before, after=after, line=f"{code} ({side})")


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftView:
    """An entry that changed in the ledger: what happened to it, and in which fields."""

    name: str
    number: str
    what: str
    fields: tuple[BeforeAfter, ...]


def view_of_drift(drift: Drift) -> DriftView:
    in_part = any(field.name == MEMBERS for field in drift.comparison.fields)
    posted = drift.status in KINDS[drift.address.kind].posted_states
    status = "differs" if posted else f'has the status "{drift.status}"'
    return DriftView(
        name=drift.address.name,
        number=drift.number,
        what="was cancelled in part" if in_part else _DRIFTED.get(drift.status, status),
        fields=tuple(_drifted_fields(drift)),
    )


def _drifted_fields(drift: Drift) -> Iterator[BeforeAfter]:
    """The comparison goes from live to what was applied; drift is the other direction."""
    comparison, lines = drift.comparison, KINDS[drift.address.kind].lines
    for field in comparison.fields:
        if field.name == MEMBERS:
            yield BeforeAfter(name=field.name, before="", after=str(field.before))
        elif field.name != lines:
            before, after = value_text(field.after), value_text(field.before)
            yield BeforeAfter(name=field.name, before=before, after=after)
    for moved in _line_fields(comparison.line_updates):
        yield BeforeAfter(name=moved.name, before=moved.after, after=moved.before, line=moved.line)
    if comparison.lines_added or comparison.lines_removed:
        yield BeforeAfter(name=lines, before="", after="", effect="the lines differ")
