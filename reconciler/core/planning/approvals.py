"""Which approvals a plan requires, and which of them are missing. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from reconciler.core.model.finding import Refusal, counted, joined
from reconciler.core.model.money import shown
from reconciler.core.model.plan import Change
from reconciler.core.model.policy import Evidence, Policy, Tier
from reconciler.core.model.review import (
    Approval,
    Assessment,
    Discarded,
    Requirement,
    Review,
    SignOff,
)
from reconciler.core.planning.limits.money_moved import MoneyMovement, money_moved
from reconciler.core.planning.posting import Affected, Periods, affected_by
from reconciler.values import dataclass

SHORT = 10
"""Characters of a commit that are shown."""


def requirement_of(
    changes: Iterable[Change],
    policy: Policy,
    periods: Periods,
    *,
    home_currency: str | None = None,
    partial: bool = False,
) -> Requirement:
    """The requirement of the strictest tier that applies to a plan.

    A partial plan meets every `amount`: each part alone could stay below it.
    """
    approvals = policy.approvals
    acting = [change for change in changes if change.is_feasible]
    if not acting:
        return Requirement()
    pairs = [(change, affected_by(change, periods)) for change in acting]
    money = _Money(
        moved=money_moved(acting, home_currency, policy.rates),
        named=frozenset(currency for tier in approvals.tiers for currency in tier.amount),
        partial=partial,
        unknown=any(affected.unknown for _, affected in pairs),
    )
    found = [
        (tier.required, why)
        for tier in approvals.tiers
        if (why := _why(tier, pairs, periods, money)) is not None
    ]
    most = max((required for required, _ in found), default=0)
    if not most:
        return Requirement()
    return Requirement(
        approvals=most,
        because=tuple(dict.fromkeys(why for required, why in found if required == most)),
        approvers=approvals.approvers,
        evidence=approvals.evidence,
        bind_digest=approvals.bind_digest,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Money:
    """The amounts of the whole plan. `named` are the currencies of the tiers."""

    moved: MoneyMovement
    named: frozenset[str]
    partial: bool
    unknown: bool


def _why(
    tier: Tier, pairs: Iterable[tuple[Change, Affected]], periods: Periods, money: _Money
) -> str | None:
    """Why a tier applies to a plan; None when it does not."""
    meeting = [
        (change, affected) for change, affected in pairs if _meets(tier, change, affected, periods)
    ]
    if not meeting:
        return None
    conditions = list(_conditions(tier))
    if tier.amount:
        amount = _amount(tier, money)
        if amount is None:
            return None
        conditions.insert(0, amount)
    return "; ".join(conditions) or "every plan"


def _meets(tier: Tier, change: Change, affected: Affected, periods: Periods) -> bool:
    statuses = {periods[name].status for name in affected.periods if name in periods}
    if change.period_status:
        statuses.add(change.period_status)
    return (
        (not tier.actions or not _actions(change).isdisjoint(tier.actions))
        and (not tier.periods or bool(affected.periods & set(tier.periods)))
        and (not tier.period_statuses or bool(statuses & set(tier.period_statuses)))
        # A journal run may post to any code.
        and (
            not tier.accounting_codes
            or affected.unknown
            or bool(affected.codes & set(tier.accounting_codes))
        )
    )


def _actions(change: Change) -> frozenset[str]:
    """The action, and `reverse` beside it for the posting of a reversal."""
    reverses = bool(change.reverses) and change.posts
    return frozenset({change.action.value, *(["reverse"] if reverses else ())})


def _conditions(tier: Tier) -> Iterator[str]:
    for label, values in (
        ("accounting code", tier.accounting_codes),
        ("period", tier.periods),
        ("period that is", tier.period_statuses),
        ("action", tier.actions),
    ):
        if values:
            yield f"{label} {' or '.join(values)}"


_TELL_NOTHING = "the tier states no amount, and policy.rates no rate"


def _amount(tier: Tier, money: _Money) -> str | None:
    if money.unknown:
        return "a journal run, whose amounts are unknown before it runs"
    for currency, least in sorted(tier.amount.items()):
        amount = money.moved.amounts.get(currency)
        if amount is not None and amount >= least:
            return (
                f"{money.moved.said(currency)} posted or cancelled, at least "
                f"{shown(least, currency)}"
            )
    # A tier in home currency is for all currencies. One in another currency leaves the rest to
    # the other tiers.
    measures_all = money.moved.home_currency in tier.amount
    if unmeasured := money.moved.unmeasured(tier.amount if measures_all else money.named):
        return f"{joined(unmeasured)}, for which {_TELL_NOTHING}"
    if money.partial:
        return "a partial plan, which does not show the amounts of all parts"
    return None


def assess(requirement: Requirement, review: Review | None, *, digest: str) -> Assessment:
    """Compare the approvals of a review with the requirement of the plan with this digest.

    Without a review all approvals are missing.
    """
    present, discarded = _counted(requirement, review, digest) if review else ((), ())
    lacking = requirement.approvals - len(present)
    missing = (_too_few(requirement, review, lacking, digest),) if lacking > 0 else ()
    if review is None:
        return Assessment(requirement=requirement, missing=missing)
    return Assessment(
        requirement=requirement,
        change=review.change,
        commit=review.commit,
        authors=review.authors,
        present=present,
        discarded=(*review.discarded, *discarded),
        missing=(*review.flaws, *missing),
    )


def combined(assessments: Sequence[Assessment]) -> Assessment:
    """The assessment of several changes that are applied as one: each needs its approvals."""
    first = assessments[0]
    if len(assessments) == 1:
        return first
    present = {
        (item.who.casefold(), item.commit): item for one in assessments for item in one.present
    }
    return replace(
        first,
        change=joined([one.change for one in assessments]),
        present=tuple(present.values()),
        discarded=tuple(dict.fromkeys(item for one in assessments for item in one.discarded)),
        missing=tuple(dict.fromkeys(item for one in assessments for item in one.missing)),
    )


def signed_off(found: Assessment) -> SignOff:
    """Who prepared and who approved what was assessed."""
    unknown = [flaw.message for flaw in found.missing if flaw.rule == "approval-evidence"]
    return SignOff(
        prepared_by=found.authors,
        prepared_not_read="; ".join(unknown),
        approved_by=found.present,
        change=found.change,
    )


def _counted(
    requirement: Requirement, review: Review, digest: str
) -> tuple[tuple[Approval, ...], tuple[Discarded, ...]]:
    authors = {name.casefold() for name in review.authors}
    allowed = {name.casefold() for name in requirement.approvers}
    present: dict[str, Approval] = {}
    discarded = []
    for approval in review.approvals:
        who = approval.who.casefold()
        why = ""
        # An earlier change was approved with its own plan. The last one is approved with this plan.
        digests = () if review.earlier else approval.digests
        if who in authors:
            why = "wrote or pushed a part of the change"
        elif allowed and who not in allowed:
            why = "is not among the approvers of the policy"
        elif approval.weak and requirement.evidence is not Evidence.GIT:
            why = "is recorded only in git, but the policy requires the forge's record"
        elif digests and digest not in digests:
            why = "approved another plan: " + ", ".join(approval.digests)
        elif requirement.bind_digest and not digests and not review.earlier:
            why = "does not name the digest of the plan, which the policy requires"
        if why:
            discarded.append(Discarded(who=approval.who, why=why))
        else:
            present.setdefault(who, replace(approval, commit=review.commit))
    return tuple(present.values()), tuple(discarded)


def _too_few(requirement: Requirement, review: Review | None, lacking: int, digest: str) -> Refusal:
    count = requirement.approvals
    have = count - lacking
    of = f" of {_approved(review)}" if review else ""
    return Refusal(
        rule="approvals",
        message=f"{counted(count, 'approval')}{of} "
        f"{'is' if count == 1 else 'are'} required, and {have or 'none'} "
        f"{'counts' if have < 2 else 'count'}",
        remedy=_remedy(requirement, review, lacking, digest),
    )


def _approved(review: Review) -> str:
    """The change and its commit, which alone is the change where only git is read."""
    commit = review.commit[:SHORT]
    return review.change if commit in review.change else f"{review.change} at {commit}"


def _remedy(requirement: Requirement, review: Review | None, lacking: int, digest: str) -> str:
    by_trailer = requirement.evidence is Evidence.GIT and not (review and review.signed)
    # A new merge has none of the trailers of another one.
    wanted = requirement.approvals if by_trailer else lacking
    who = "somebody" if wanted == 1 else f"{wanted} people"
    if requirement.approvers:
        who = f"{'one' if wanted == 1 else wanted} of {', '.join(requirement.approvers)}"
    authors = f" other than {', '.join(review.authors)}" if review and review.authors else ""
    what = _approved(review) if review else "the change"
    earlier = review is not None and review.earlier
    binds = requirement.bind_digest and not earlier
    words = f", with the words `Approved: {digest}`," if binds else ""
    if by_trailer:
        return (
            "Have the change merged by somebody who is none of its authors, with a Reviewed-by "
            f"trailer of {who}{authors}; then apply again."
        )
    if requirement.evidence is Evidence.GIT:
        return f"Have {who}{authors} sign a tag on the commit; then apply again."
    first = ""
    if review is not None and earlier:
        first = f" Or check out {review.applied[:SHORT]} and apply it first."
    return f"Have {who}{authors} approve {what}{words} and apply again.{first}"
