"""What the report shows of a plan: its verdict, what is dangerous, the books, every change."""

from dataclasses import dataclass

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.money import shown
from reconciler.core.model.plan import Action, Change, Drift, Plan, Refusal
from reconciler.core.planning.impact import taken_back
from reconciler.core.planning.run_members import PART_WAY_OUT
from reconciler.render.approvals import requirement_text
from reconciler.render.books import (
    NOTHING_POSTED,
    impact_cells,
    leaving,
    posting_unknown_amounts,
    proofs_of,
)
from reconciler.render.html.changes import Changes, Moved, Row, changes_of, line_moves
from reconciler.render.html.charts import HALF, Charts, charts_of
from reconciler.render.journal_runs import UNKNOWN_AMOUNTS
from reconciler.render.notice import scope_notice
from reconciler.render.phrases import value_text
from reconciler.render.text import (
    WORDS,
    Word,
    drift_text,
    moved_in_part,
    unchanged_text,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a plan comes to: a style, a few words, and a sentence on what follows."""

    style: str
    word: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactGroup:
    """The rows of the impact in one period, as cells from the accounting code on."""

    period: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRow:
    """One line of the proof that the plan is in balance."""

    currency: str
    word: str
    debit: str
    credit: str
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRow:
    """An entry that moved in the ledger: what became of it, and which fields."""

    name: str
    number: str
    what: str
    moved: tuple[Moved, ...]
    way_out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that the template needs, in the order a reader needs it."""

    title: str
    workspace: str
    verdict: Verdict
    counts: tuple[tuple[int, Word], ...]
    facts: tuple[tuple[str, str], ...]
    digest: str
    command: str
    notices: tuple[str, ...]
    refusals: tuple[Refusal, ...]
    leaving: tuple[Row, ...]
    leaves: str
    blocked: tuple[Row, ...]
    impact_titles: tuple[str, ...]
    impact: tuple[ImpactGroup, ...]
    impact_none: str
    charts: Charts
    half: int
    proofs: tuple[ProofRow, ...]
    proofs_none: str
    changes: Changes
    drift: tuple[DriftRow, ...]
    warnings: tuple[str, ...]
    runs: tuple[Row, ...]
    runs_word: str


def view_of(plan: Plan) -> View:
    """The plan as the template draws it."""
    changes = changes_of(plan)
    row_of = dict(zip((change.address for change in plan.pending), changes.rows, strict=True))

    def rows(found: tuple[Change, ...]) -> tuple[Row, ...]:
        return tuple(row_of[change.address] for change in found)

    titles, *cells = impact_cells(plan.impact, plan.basis.home_currency)
    verdict = verdict_of(plan)
    runs = tuple(posting_unknown_amounts(plan))
    return View(
        title=f"{plan.basis.workspace}: {verdict.word} · {plan.digest[:23]}",
        workspace=plan.basis.workspace,
        verdict=verdict,
        counts=tuple((plan.summary[a], word) for a, word in WORDS.items() if plan.summary.get(a)),
        facts=_facts(plan),
        digest=plan.digest,
        command=f"reconciler apply --plan-digest {plan.digest}" if _applies(plan) else "",
        notices=scope_notice(plan),
        refusals=plan.refusals,
        leaving=rows(leaving(plan)),
        leaves=_leaves(plan),
        blocked=tuple(row for row in changes.rows if row.block is not None),
        impact_titles=tuple(titles),
        impact=_grouped(cells),
        impact_none="" if cells or runs else "None: no amount in the books changes.",
        charts=charts_of(plan),
        half=HALF,
        proofs=_proofs(plan),
        proofs_none=f"{NOTHING_POSTED.capitalize()}.",
        changes=changes,
        drift=tuple(_drift(moved) for moved in plan.drift),
        warnings=plan.warnings,
        runs=rows(runs),
        runs_word=UNKNOWN_AMOUNTS,
    )


def verdict_of(plan: Plan) -> Verdict:
    """Whether the plan can be applied, and what to know before it is."""
    blocked = plan.summary.get(Action.BLOCKED, 0)
    if plan.refusals:
        return Verdict(style="bad", word="Refused", sentence="An apply would change nothing.")
    if not plan.pending:
        return Verdict(style="good", word="No changes", sentence=unchanged_text(plan))
    if not plan.feasible:
        return Verdict(style="bad", word="Blocked", sentence="There is nothing an apply could do.")
    if plan.scope.offline:
        return Verdict(
            style="warning", word="For reading", sentence="The ledger was not asked for it."
        )
    but = f"An apply leaves out what is blocked ({blocked:,}). " if blocked else ""
    gone = _leaves(plan)
    out = f"It takes {gone} out of the books." if gone else ""
    none = "" if but or out else "Nothing is blocked, and no posted entry leaves the books."
    sentence = f"{but}{out}{none}".strip()
    if needed := plan.requirement.approvals:
        return Verdict(
            style="warning",
            word=f"Needs {needed} {'approval' if needed == 1 else 'approvals'}",
            sentence=f"{requirement_text(plan.requirement)} {sentence}",
        )
    return Verdict(
        style="warning" if blocked or gone else "good", word="Can be applied", sentence=sentence
    )


def _leaves(plan: Plan) -> str:
    """How many posted entries leave the books, each entry of a run counted; empty for none."""
    count = sum(len(taken_back(change)) for change in leaving(plan))
    return f"{count:,} posted {'entry' if count == 1 else 'entries'}" if count else ""


def _applies(plan: Plan) -> bool:
    """Whether nothing that a plan knows of keeps it from being applied; approvals it does not."""
    free = not plan.refusals and not plan.scope.offline and not plan.requirement.approvals
    return bool(plan.feasible and free)


def _facts(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Whose plan it is, and from what it was made; what is not known is left out."""
    basis, origin = plan.basis, plan.basis.origin
    commit = origin.commit + (", with changes that are not committed" if origin.dirty else "")
    facts = (
        ("Ledger", basis.host),
        ("Tenant", basis.tenant_id),
        ("Entity", basis.entity_id),
        ("Home currency", basis.home_currency or ""),
        ("Commit", commit if origin.commit else ""),
        ("Made", origin.made_at),
        ("Good until", origin.expires_at),
        ("Made by", f"reconciler {origin.tool_version}" if origin.tool_version else ""),
        ("Approvals", requirement_text(plan.requirement) if plan.requirement.approvals else ""),
    )
    return tuple((name, value) for name, value in facts if value)


def _grouped(cells: list[list[str]]) -> tuple[ImpactGroup, ...]:
    """Rows under their period, in the order of the periods."""
    groups: dict[str, list[tuple[str, ...]]] = {}
    for period, *rest in cells:
        groups.setdefault(period, []).append(tuple(rest))
    return tuple(ImpactGroup(period=period, rows=tuple(rows)) for period, rows in groups.items())


def _proofs(plan: Plan) -> tuple[ProofRow, ...]:
    return tuple(
        ProofRow(
            currency=f"{proof.currency}, in home currency" if proof.home else proof.currency,
            word=proof.word,
            debit=shown(proof.debit, proof.currency),
            credit=shown(proof.credit, proof.currency),
            holds=proof.holds,
        )
        for proof in proofs_of(plan)
    )


def _drift(moved: Drift) -> DriftRow:
    """The comparison leads from live back to what was applied; drift went the other way."""
    lines = KINDS[moved.address.kind].lines
    comparison = moved.comparison
    fields = [
        Moved(name=field.name, before=value_text(field.after), after=value_text(field.before))
        for field in comparison.fields
        if field.name != lines
    ]
    fields += [
        Moved(name=move.name, before=move.after, after=move.before)
        for move in line_moves(comparison)
    ]
    if comparison.lines_added or comparison.lines_removed:
        fields.append(Moved(name=lines, before="", after="", effect="the lines differ"))
    return DriftRow(
        name=moved.address.name,
        number=moved.number,
        what=drift_text(moved),
        moved=tuple(fields),
        way_out=PART_WAY_OUT if moved_in_part(moved) else "",
    )
