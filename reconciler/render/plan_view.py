"""What every format shows of a plan: verdict, counts, dangers, impact, balance, changes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.core.model.finding import PlanWarning, Severity, UnansweredDifference, counted
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import shown
from reconciler.core.model.plan import Action, Balance, Basis, LiveState, Plan
from reconciler.core.model.review import Assessment
from reconciler.core.model.scope import Scope
from reconciler.core.planning.limits.money_moved import largest_of, material
from reconciler.core.planning.posting import newly_cancelled
from reconciler.core.rules.plan_warnings import ACKNOWLEDGED
from reconciler.render.approvals import requirement_text
from reconciler.render.change_view import (
    LABELS,
    ActionLabel,
    ChangeView,
    DriftView,
    view_of_change,
    view_of_drift,
)
from reconciler.render.phrases import as_sentence, need_person, refused_text
from reconciler.render.sections.impact_table import ImpactTable, impact_table
from reconciler.render.sections.plan_rows import (
    PairRows,
    reversal_rows,
    transfer_rows,
    waiting_rows,
)
from reconciler.render.sections.rehearsal_text import RehearsalView, rehearsal_view
from reconciler.values import dataclass

UNKNOWN_AMOUNTS = (
    "The amounts of a new journal run are known only after the run. They are not included."
)

NOTHING_POSTED = "nothing is posted or cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a plan can be applied: a style, a few words, and a sentence on what to know."""

    style: str
    words: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceProof:
    """The sums of what is posted or cancelled in one currency, which must be equal."""

    currency: str
    debit: str
    credit: str
    what: str
    holds: bool

    @property
    def cells(self) -> tuple[str, ...]:
        """A row below `BALANCE_TITLES`."""
        verdict = "equal" if self.holds else "NOT EQUAL"
        return self.what, self.currency, self.debit, self.credit, verdict


BALANCE_TITLES = ("Balance", "Currency", "Debits", "Credits", "")
BALANCE_SUMS = frozenset({2, 3})
"""The columns of sums in a table of proofs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """A plan as formats show it.

    `ledger` names the host, the tenant and the entity, each after what it is called.
    """

    plan: Plan
    verdict: Verdict
    counts: str
    actions: tuple[tuple[int, ActionLabel], ...]
    badges: tuple[str, ...]
    notices: tuple[str, ...]
    changes: tuple[ChangeView, ...]
    cancelling: tuple[ChangeView, ...]
    cancelled: str
    cancels: str
    """What an apply of the plan does to posted entries: nothing if it is refused."""
    blocked: tuple[ChangeView, ...]
    runs: tuple[ChangeView, ...]
    impact: ImpactTable
    proofs: tuple[BalanceProof, ...]
    approvals: str
    command: str
    transfers: tuple[tuple[str, str], ...]
    reversals: tuple[PairRows, ...]
    waiting: tuple[tuple[str, str, str, str], ...]
    rehearsal: RehearsalView | None
    need_person: str
    largest: tuple[tuple[ChangeView, str], ...]
    """The largest change, and its debits; one for each currency that has no home amounts."""
    material: tuple[tuple[ChangeView, str], ...]
    """The changes that are material by the policy, each with its amount."""
    refused: str
    drift: tuple[DriftView, ...]
    drifted: str
    ledger: tuple[tuple[str, str], ...]
    warnings: tuple[PlanWarning, ...]
    """The first of each rule before all others: a format that shows a few shows every rule."""
    live: str
    """How the live state is known, where not every entry was read; empty otherwise."""

    @property
    def headline(self) -> str:
        """The counts, after the verdict where the plan is refused."""
        return f"{self.verdict.words}. {self.counts}" if self.plan.refusals else self.counts

    @property
    def only_unanswered(self) -> tuple[UnansweredDifference, ...]:
        """The differences of which no blocked change says everything."""
        told = {(view.name, view.change.block.remedy) for view in self.blocked if view.change.block}
        return tuple(one for one in self.plan.unanswered if (one.name, one.remedy) not in told)

    @property
    def marks(self) -> str:
        """The badges in brackets, each after a blank."""
        return "".join(f" ({badge})" for badge in self.badges)


def view_of(plan: Plan, assessment: Assessment | None = None) -> PlanView:
    """The plan as formats show it, with its approvals where they were read."""
    changes = tuple(map(view_of_change, plan.pending))
    cancelling = [view for view in changes if view.cancels]
    cancelled = sum(len(newly_cancelled(view.change)) for view in cancelling)
    entries = counted(cancelled, "posted entry", "posted entries") if cancelled else ""
    runs = tuple(
        view
        for view in changes
        if view.change.posts
        and view.change.block is None
        and not KINDS[view.change.address.kind].lines
    )
    limited = plan.scope.offline or plan.scope.partial
    notices = tuple(_notices(plan)) if limited else ()
    feasible = plan.feasible
    by_line = [one for one in feasible if one.comparison.line_updates or one.comparison.lines_added]
    lacking = _lacking(plan, assessment) if plan.requirement.approvals else ""
    verdict = _warned(_verdict(plan, lacking, entries), plan.warnings)
    # A bad verdict is a refusal, a failed rehearsal, or a plan of which nothing is feasible.
    prevented = verdict.style == "bad" or plan.scope.offline or lacking or not plan.feasible
    return PlanView(
        plan=plan,
        verdict=verdict,
        counts=counts_of(plan),
        actions=tuple(
            (plan.summary[action], label)
            for action, label in LABELS.items()
            if plan.summary.get(action)
        ),
        badges=tuple(notice.partition(":")[0] for notice in notices),
        notices=notices,
        changes=changes,
        # Removals come before replacements.
        cancelling=tuple(sorted(cancelling, key=lambda view: view.change.posts)),
        cancelled=entries,
        cancels="Would cancel" if plan.refusals else "Cancels",
        blocked=tuple(view for view in changes if view.change.block is not None),
        runs=runs,
        impact=impact_table(
            plan.impact, by_line, plan.basis.home_currency, none=bool(feasible) and not runs
        ),
        proofs=tuple(_proofs(plan.balance, plan.basis.home_currency)),
        approvals=requirement_text(plan.requirement) if plan.requirement.approvals else "",
        command="" if prevented else f"reconciler apply --plan-digest {plan.digest}",
        transfers=transfer_rows(plan.transfers),
        reversals=reversal_rows(plan.reversals, plan.changes) if plan.reversals else (),
        waiting=waiting_rows(plan.waiting),
        rehearsal=rehearsal_view(plan.rehearsal) if plan.rehearsal is not None else None,
        need_person=need_person(len(plan.unanswered)),
        largest=_largest(plan, changes) if len(changes) > 1 else (),
        material=_material(plan, changes) if plan.materiality else (),
        refused=refused_text(plan.refusals),
        drift=tuple(map(view_of_drift, plan.drift)),
        drifted=f"{counted(len(plan.drift), 'entry has', 'entries have')} changed in the ledger"
        * bool(plan.drift),
        ledger=ledger_of(plan.basis),
        warnings=_each_rule_first(plan.warnings),
        live=live_text(plan.live) if plan.live is not None else "",
    )


def ledger_of(basis: Basis) -> tuple[tuple[str, str], ...]:
    """The host, the tenant and the entity, each after what it is called, as far as known."""
    names = (("tenant ", basis.tenant_id), ("entity ", basis.entity_id))
    return ("", basis.host), *(pair for pair in names if pair[1])


def _material(plan: Plan, changes: tuple[ChangeView, ...]) -> tuple[tuple[ChangeView, str], ...]:
    views = {view.change.address: view for view in changes}
    found = material(plan.pending, plan.materiality, plan.basis.home_currency, plan.rates)
    return tuple((views[change.address], why) for change, why in found)


def _largest(plan: Plan, changes: tuple[ChangeView, ...]) -> tuple[tuple[ChangeView, str], ...]:
    views = {view.change.address: view for view in changes}
    found = largest_of(plan.feasible, plan.basis.home_currency, plan.rates)
    return tuple(
        (views[one.change.address], f"{one.currency} {shown(one.amount, one.currency)}")
        for one in found
    )


def counts_of(plan: Plan) -> str:
    """The counts: `3 to create, 1 to update, 1 blocked.`, or `No changes.`

    A difference that no change answers is never "no changes".
    """
    need = need_person(len(plan.unanswered))
    if not need:
        return counts_text(plan.summary) if plan.pending else "No changes."
    counts = [counts_text(plan.summary)] * bool(plan.pending)
    counts.append(f"{need}." if plan.asked else f"Nothing to do, {need}.")
    return " ".join(counts)


def live_text(live: LiveState) -> str:
    """How the live state of a plan is known."""
    unchanged = counted(live.by_query, "entry", "entries")
    when = f"{live.asked_at[:10]} {live.asked_at[11:19]} UTC"
    return (
        f"Live state: {unchanged} unchanged by Data Query at {when} (may lag), "
        f"{live.by_read:,} read one by one."
    )


def counts_text(of: Mapping[Action, int]) -> str:
    """How many changes of each action: `3 to create, 1 blocked.`"""
    counts = (
        f"{of[action]:,} {'blocked' if action is Action.BLOCKED else f'to {label.name}'}"
        for action, label in LABELS.items()
        if of.get(action)
    )
    return ", ".join(counts) + "."


def _verdict(plan: Plan, lacking: str, cancelled: str) -> Verdict:
    """Whether the plan can be applied, and what to know before it is."""
    blocked = plan.summary.get(Action.BLOCKED, 0)
    if plan.refusals:
        return Verdict(style="bad", words="Refused", sentence="An apply changes nothing.")
    need = need_person(len(plan.unanswered))
    if need and not plan.asked:
        words, none = f"Nothing to do, {need}", "An apply answers none of them."
        return Verdict(style="warning", words=words, sentence=none)
    if not plan.feasible:
        return _unfeasible(plan, need)
    failed = plan.rehearsal is not None and not plan.rehearsal.holds
    if failed or plan.scope.offline:
        return _REHEARSAL_FAILED if failed else _OFFLINE
    skipped = f"An apply skips {counted(blocked, 'blocked change')}."
    facts = [skipped] * bool(blocked) + [f"{cancelled} will be cancelled."] * bool(cancelled)
    facts += [f"{need}."] * bool(need)
    sentence = " ".join(facts) or "No change is blocked. No posted entry will be cancelled."
    if lacking:
        return Verdict(style="warning", words=lacking, sentence=sentence)
    style = "warning" if blocked or cancelled or need else "good"
    return Verdict(style=style, words="Can be applied", sentence=sentence)


def _warned(verdict: Verdict, warnings: Sequence[PlanWarning]) -> Verdict:
    """The verdict with the number of warnings and their rules."""
    rules = [one.rule for one in warnings if one.severity is Severity.WARNING]
    if not rules:
        return verdict
    fact = f"{counted(len(rules), 'warning')}: {', '.join(sorted({*rules}))}."
    style = "bad" if verdict.style == "bad" else "warning"
    return replace(verdict, style=style, sentence=f"{verdict.sentence} {fact}")


def _each_rule_first(warnings: Sequence[PlanWarning]) -> tuple[PlanWarning, ...]:
    first = {one.rule: one for one in reversed(warnings)}

    def place(one: PlanWarning) -> tuple[bool, bool]:
        return first[one.rule] is not one, one.severity is not Severity.WARNING

    return tuple(sorted(warnings, key=place))


_OFFLINE = Verdict(
    style="warning", words="Cannot be applied", sentence="The plan was made offline."
)
_REHEARSAL_FAILED = Verdict(
    style="bad",
    words="Rehearsal failed",
    sentence="Do not apply the plan: a change was refused, or the trial balance differs.",
)


def _unfeasible(plan: Plan, need: str) -> Verdict:
    if plan.pending:
        every = f"Every change is blocked. {need}.".removesuffix(" .")
        return Verdict(style="bad", words="Blocked", sentence=every)
    what = "the files in scope declare" if plan.scope.partial else "the files declare"
    if any(one.rule == ACKNOWLEDGED for one in plan.warnings):
        what += " or acknowledge"
    elif not plan.summary.get(Action.KEEP):
        nothing = as_sentence(f"{what} nothing")
        return Verdict(style="warning", words="No changes", sentence=nothing)
    unchanged = f"The {'daybook' if plan.scope.offline else 'ledger'} holds what {what}."
    if plan.base is not None:
        unchanged = as_sentence(f"{what} what {plan.base} declares")
    return Verdict(style="good", words="No changes", sentence=unchanged)


def _lacking(plan: Plan, assessment: Assessment | None) -> str:
    """Which approvals are still needed, as far as that is known; empty for none."""
    required = plan.requirement.approvals
    if assessment is not None and assessment.satisfied:
        return ""
    missing = required - len(assessment.present) if assessment is not None else required
    if missing <= 0:
        return "Approvals are incomplete"
    more = "more " if missing < required else ""
    return f"Needs {counted(missing, f'{more}approval')}"


def _proofs(balance: Sequence[Balance], home_currency: str | None) -> Iterator[BalanceProof]:
    """The proof that the plan is in balance, row by row; sums of nothing are left out."""
    foreign = any(not row.home and row.currency != home_currency for row in balance)
    for row in balance:
        if row.home and not foreign:
            continue  # the same sums
        posted = ("posted", row.posted_debit, row.posted_credit)
        for what, debit, credit in (posted, ("cancelled", row.removed_debit, row.removed_credit)):
            if debit or credit:
                yield BalanceProof(
                    currency=f"{row.currency}, in home currency" if row.home else row.currency,
                    debit=shown(debit, row.currency),
                    credit=shown(credit, row.currency),
                    what=what,
                    holds=debit == credit,
                )


def _notices(plan: Plan) -> Iterator[str]:
    """What limits the plan as a whole, each beginning with its badge.

    The text holds what people typed, so every format encodes it.
    """
    if plan.scope.offline:
        known = (
            "the live state is assumed to be what the daybook recorded"
            if plan.basis.lineage
            else "there is no daybook, so everything counts as new"
        )
        made = f"the plan was made without the ledger; {known}"
        if plan.base is not None:
            made = f"compared with {plan.base}, not with the ledger"
        yield f"OFFLINE: {made}. It cannot be applied."
    if plan.scope.partial:
        declared = counted(plan.out_of_scope.declared, "declaration")
        recorded = counted(plan.out_of_scope.recorded, "recorded entry", "recorded entries")
        # What is not declared has no labels.
        labels = (
            " An entry that is no longer declared has no labels, so --select never removes it."
            if plan.scope.labels
            else ""
        )
        left_out = f"{declared} and {recorded} without a file are out of scope"
        yield f"PARTIAL: {_selection(plan.scope)}; {left_out}.{labels}"


def _selection(scope: Scope) -> str:
    """`only --target a or b and --period Jan-2026 except --exclude c`."""
    options = (
        ("--target", scope.targets),
        ("--period", scope.periods),
        ("--select", scope.labels),
    )
    chosen = [f"{flag} {' or '.join(values)}" for flag, values in options if values]
    only = "only " + " and ".join(chosen) if chosen else "everything"
    return only + (f" except --exclude {' or '.join(scope.excludes)}" if scope.excludes else "")
