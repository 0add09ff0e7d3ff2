"""Draws a plan as one HTML file: it loads nothing, and can be read without its script.

Every value passes the environment's `finalize` before it is escaped, so that text from files and
from the server can neither make markup nor hide, turn or forge anything (I-80).
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

import jinja2

from reconciler.core.model.plan import Plan
from reconciler.core.model.review import NO_SIGN_OFF
from reconciler.core.planning.closing.readiness import CloseReport
from reconciler.render.approvals import approval_text, approvers_text, preparers_text
from reconciler.render.change_view import ChangeView
from reconciler.render.escaping import css_string, host_of, neutral
from reconciler.render.html.changes import ChangeRow, ChangeTable, table_of
from reconciler.render.html.charts import HALF, charts_of
from reconciler.render.phrases import as_sentence
from reconciler.render.plan_view import NOTHING_POSTED, UNKNOWN_AMOUNTS, PlanView, view_of
from reconciler.render.sections.closing import extent_of, facts_of, named, state_text, verdict_of
from reconciler.render.sections.plan_rows import MOST_WAITING, WAITING_TITLES, waiting_rows

_POLICY = (
    "default-src 'none'; style-src {styles}; script-src {scripts}; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""Nothing is fetched or sent, and only the scripts and styles of this file run."""

_EARLY = 'document.documentElement.className = "js";'
"""Runs before anything is drawn, so that folded rows are never laid out unfolded."""


def plan_html(plan: Plan) -> str:
    """The plan as an HTML document, the same bytes for the same plan."""
    style, script = _source("report.css"), _source("report.js")
    view = view_of(plan)
    pages = _pages(view)
    table = table_of(view)
    drawn = (
        _environment()
        .get_template("plan.html")
        .render(
            view=view,
            plan=plan,
            title=f"{plan.basis.workspace}: {view.verdict.words} · {plan.digest[:23]}",
            facts=_facts(view),
            impact=_by_period(view.impact.rows),
            charts=charts_of(plan),
            half=HALF,
            ledger=_ledger(view),
            signers=_signers(plan),
            table=table,
            rows=tuple(table.rows.values()),
            cancelling=_rows(table, view.cancelling),
            blocked=_rows(table, view.blocked),
            runs=_rows(table, view.runs),
            largest=[(table.rows[one.change.address], amount) for one, amount in view.largest],
            material=[(table.rows[one.change.address], amount) for one, amount in view.material],
            nothing_posted=NOTHING_POSTED,
            unknown_amounts=UNKNOWN_AMOUNTS,
            waiting_titles=WAITING_TITLES,
            most_waiting=MOST_WAITING,
            policy=_POLICY.format(styles=_hashes(style, pages), scripts=_hashes(_EARLY, script)),
            # The template marks these as safe: our own files, and a style made of `css_string`s.
            style=style,
            pages=pages,
            early=_EARLY,
            script=script,
        )
    )
    return drawn + "\n"


def close_html(report: CloseReport) -> str:
    """A close check as an HTML document, the same bytes for the same report."""
    style = _source("report.css")
    drawn = (
        _environment()
        .get_template("close.html")
        .render(
            report=report,
            facts=facts_of(report),
            verdict_of=verdict_of,
            state_text=state_text,
            extent_of=extent_of,
            named=named,
            waiting=waiting_rows(report.waiting),
            waiting_titles=WAITING_TITLES,
            most_waiting=MOST_WAITING,
            policy=_POLICY.format(styles=_hashes(style), scripts="'none'"),
            style=style,
        )
    )
    return drawn + "\n"


def _rows(table: ChangeTable, changes: Iterable[ChangeView]) -> tuple[ChangeRow, ...]:
    return tuple(table.rows[view.change.address] for view in changes)


def _facts(view: PlanView) -> tuple[tuple[str, str], ...]:
    """Which ledger and sources the plan was made from; what is unknown is left out."""
    basis, origin = view.plan.basis, view.plan.basis.origin
    commit = origin.commit + (", with changes that are not committed" if origin.dirty else "")
    facts = (
        ("Ledger", basis.host),
        ("Tenant", basis.tenant_id),
        ("Entity", basis.entity_id),
        ("Live state", view.live.removeprefix("Live state: ")),
        ("Home currency", basis.home_currency or ""),
        ("Commit", commit if origin.commit else ""),
        ("Made", origin.made_at),
        ("Good until", origin.expires_at),
        ("Made by", f"reconciler {origin.tool_version}" if origin.tool_version else ""),
        ("Approvals", view.approvals),
        ("Prepared by", preparers_text(view.plan.sign_off or NO_SIGN_OFF)),
        ("Approved by", approvers_text(view.plan.sign_off or NO_SIGN_OFF)),
    )
    return tuple((name, value) for name, value in facts if value)


def _signers(plan: Plan) -> Iterator[tuple[str, str]]:
    """Who signs the printed plan, as what: each approver, and one for each missing approval."""
    found = plan.sign_off or NO_SIGN_OFF
    yield "Prepared by", preparers_text(found)
    yield "Reviewed by", ""
    for approval in found.approved_by:
        yield "Approved by", approval_text(approval)
    rest = max(plan.requirement.approvals, 1) - len(found.approved_by)
    for _ in range(rest):
        yield "Approved by", f"not read: {found.approved_not_read}" * bool(found.approved_not_read)


def _ledger(view: PlanView) -> str:
    return ", ".join(value for _, value in view.ledger if value)


def _by_period(cells: Iterable[tuple[str, ...]]) -> Mapping[str, list[tuple[str, ...]]]:
    """The rows of the impact under their period, in the order of the periods."""
    groups: dict[str, list[tuple[str, ...]]] = {}
    for period, *rest in cells:
        groups.setdefault(period, []).append(tuple(rest))
    return groups


def _pages(view: PlanView) -> str:
    """The margins of every printed page: workspace, ledger and digest."""
    boxes = (
        ("top-left", css_string(f"Plan for {view.plan.basis.workspace}")),
        ("top-right", css_string(_ledger(view))),
        ("bottom-left", css_string(view.plan.digest)),
        ("bottom-right", '"Page " counter(page) " of " counter(pages)'),
    )
    return "@page { " + " ".join(f"@{box} {{ content: {text}; }}" for box, text in boxes) + " }"


def _hashes(*texts: str) -> str:
    """The sources that a policy allows, by their content."""
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()) for text in texts)
    return " ".join(f"'sha256-{digest.decode()}'" for digest in digests)


@cache
def _source(name: str) -> str:
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0].strip()


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("reconciler.render.html"),
        autoescape=True,
        finalize=neutral,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"host": host_of, "as_sentence": as_sentence}
    return made
