"""The plan that an apply may carry out: the reviewed one, by its file or by its digest."""

from dataclasses import replace
from datetime import UTC, datetime

from reconciler.app.plan import LiveSource, PlanOptions
from reconciler.app.progress import Note, NotReviewed, Tell
from reconciler.app.provenance import committed
from reconciler.app.session import ReadSession
from reconciler.core.documents.plan_comparison import unreviewed
from reconciler.core.documents.plan_file import refusals_of, remarks_on
from reconciler.core.model.plan import Allowances, Plan, SearchOptions
from reconciler.core.model.scope import WHOLE
from reconciler.errors import Refused, StalePlan, UsageError
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What was approved: a saved plan, a digest, everything, or nothing yet.

    Raises UsageError for a plan with the digest of another one: approvals are for one plan.
    """

    saved: Plan | None = None
    digest: str | None = None
    everything: bool = False

    def __post_init__(self) -> None:
        if self.saved is not None and self.digest not in (None, self.saved.digest):
            raise UsageError(
                f"the saved plan has the digest {self.saved.digest}, not {self.digest}",
                remedy="Omit --plan-digest, or the file.",
            )

    @property
    def given(self) -> bool:
        """Whether nobody has to be asked."""
        return self.everything or self.reviewed is not None

    @property
    def reviewed(self) -> str | None:
        """The digest of the plan that was reviewed, if one was."""
        return self.digest or (self.saved.digest if self.saved else None)


_OMIT = "Omit them. To apply with other ones, make and review another plan."


def options_of(saved: Plan | None, options: PlanOptions) -> PlanOptions:
    """The options of the plan made now: those given, or those of the saved plan.

    Raises UsageError when both are given and differ, and Refused for a plan made offline.
    """
    if saved is None:
        return options
    if options.allowances not in (Allowances(), saved.allowances):
        raise UsageError(
            "a saved plan has its own --max-removals, --max-missing, --adopt-found and "
            "--allow-equal",
            remedy=_OMIT,
        )
    if options.scope not in (WHOLE, saved.scope):
        raise UsageError(
            "a saved plan has its own --target, --exclude, --period and --select", remedy=_OMIT
        )
    if saved.scope.offline:
        raise Refused(
            "offline-plan: the plan was made offline, so it does not show what the ledger holds",
            remedy="Make a new plan with `reconciler plan --out plan.json`, without --offline.",
        )
    search = SearchOptions(
        find=options.search.find or saved.search.find,
        probe_from=options.search.probe_from or saved.search.probe_from,
        first_apply=options.search.first_apply or saved.search.first_apply,
    )
    reading = options.reading
    if saved.live is None and reading.live is None:
        # Every entry was read for the reviewed plan.
        reading = replace(reading, live=LiveSource.READS)
    return replace(
        options, allowances=saved.allowances, scope=saved.scope, search=search, reading=reading
    )


def require_applicable(session: ReadSession, saved: Plan) -> None:
    """A saved plan must belong to this workspace and ledger, and not have expired.

    Raises StalePlan, which says what differs.
    """
    at = session.ledger.server_time() or datetime.now(UTC)
    refused = tuple(refusals_of(saved.basis, session.basis, at=at))
    if refused:
        raise StalePlan(
            f"{'; '.join(refused)}; nothing was applied",
            remedy="Make a new plan with `reconciler plan --out plan.json`, and have it reviewed.",
        )


def require_reviewed(session: ReadSession, consent: Consent, plan: Plan, *, tell: Tell) -> None:
    """The plan made now must be the one that was reviewed, or what is left of it.

    Raises StalePlan, after telling what differs.
    """
    saved, reviewed = consent.saved, consent.reviewed
    if reviewed is None or plan.digest == reviewed:
        if saved is not None:
            origin = committed(plan.basis.origin, session.workspace.root)
            for remark in remarks_on(saved.basis, replace(plan.basis, origin=origin)):
                tell(Note(text=f"Note: {remark}."))
        return
    interrupted = session.daybook.interrupted(reviewed)
    if saved is not None and not unreviewed(saved, plan, interrupted=interrupted):
        return
    tell(NotReviewed(saved=saved, plan=plan, interrupted=interrupted))
    raise StalePlan(
        f"the plan made now has the digest {plan.digest}, not the reviewed {reviewed}; "
        "nothing was applied",
        remedy="Plan again, and have the new plan reviewed."
        if saved is not None
        else "Give the options of the reviewed plan, such as --find. Or plan again, and have the "
        "new plan reviewed.",
    )
