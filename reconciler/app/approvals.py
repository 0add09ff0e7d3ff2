"""Reads approvals from the forge or from git, before anything of a plan is applied."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reconciler.app.policy_history import text_of_policy
from reconciler.app.progress import Tell
from reconciler.app.session import ReadSession
from reconciler.app.workspace import require_valid
from reconciler.core.model.finding import Refusal
from reconciler.core.model.history import Act
from reconciler.core.model.plan import Plan
from reconciler.core.model.policy import Approvals, Evidence
from reconciler.core.model.review import Assessment, Requirement, Review, SignOff, evidence_flaw
from reconciler.core.planning.approvals import SHORT, assess, combined, signed_off
from reconciler.daybook.state import plan_of
from reconciler.errors import ForgeError, ReconcilerError
from reconciler.forge.access import open_forge
from reconciler.forge.api import ForgeLimits
from reconciler.forge.ci_context import ChangeOptions, CiContext
from reconciler.forge.identities import not_brought, not_reviewed
from reconciler.forge.protocol import MERGE, Forge
from reconciler.git.approvals import flaws_of, merge_flaws_of, review_of
from reconciler.git.repository import Repository
from reconciler.git.unapplied import Unapplied, authors_since, superseded, unapplied


def change_options(options: dict[str, Any], ca_bundle: str | None) -> ChangeOptions:
    """Take what a command's options say of the change on the forge out of them."""
    found = {name: options.pop(name) for name in ("forge", "forge_url", "repo", "change_number")}
    commit = options.pop("commit")
    return ChangeOptions(ca_bundle=ca_bundle, commit=commit and commit.lower(), **found)


def assess_approvals(
    session: ReadSession, requirement: Requirement, digest: str, change: ChangeOptions
) -> Assessment:
    """Which of the approvals that a plan with this digest requires are there.

    The policy is the one of the files that are applied. Raises a ReconcilerError when the forge
    or git cannot be read; approvals that are missing are in the assessment.
    """
    if not requirement.approvals:
        return Assessment(requirement=requirement)
    repository = session.repository
    context = None if requirement.evidence is Evidence.GIT else change.context()
    head = None if repository is None else repository.head()
    commit = (change.commit if context is None else context.commit) or head or ""
    flaws = tuple(flaws_of(repository, commit))
    history = Unapplied()
    if repository is not None and head is not None and commit:
        since = session.daybook.applied_commit
        history = unapplied(repository, commit, since)
        if not history.flaws:
            flaws += tuple(superseded(repository, commit, session.daybook.commits, since))
    if not commit or repository is None:
        review = Review(change="the change", commit="")
    elif context is None:
        with _signers(session, repository, commit) as signers:
            review = review_of(repository, commit, signers=signers)
        review = _written_by(
            review, (who for one in history.written for who in one.people), history.flaws
        )
    else:
        begun = bool(session.daybook.applied_commit)
        reviews = _reviews_on_forge(change, context, commit, history, begun=begun)
        authors = tuple(dict.fromkeys(who for one in reviews for who in one.authors))
        found = []
        for one in reviews:
            merge = merge_flaws_of(repository, one.applied, one.commit)
            if not repository.contains(commit, one.applied):
                merge = iter([not_reviewed(one.change, one.commit, commit)])
            whole = replace(one, authors=authors, flaws=(*flaws, *merge, *one.flaws))
            found.append(assess(requirement, whole, digest=digest))
        return combined(found)
    return assess(requirement, replace(review, flaws=(*flaws, *review.flaws)), digest=digest)


def approvals_so_far(plan: Plan, forge: Forge, change: int) -> Assessment:
    """The approvals of a plan that a change has now, whether it is merged or not."""
    return assess(plan.requirement, forge.review(change, commit=None), digest=plan.digest)


def with_sign_off(plan: Plan, root: Path, *, since: str, ca_bundle: str | None) -> Plan:
    """The plan with who prepared it, and who approved it until now.

    `since` is the commit that was applied before. What cannot be read does not stop the plan.
    """
    origin = plan.basis.origin
    try:
        found = signed_off(_read_now(plan, ChangeOptions(ca_bundle=ca_bundle)))
    except ReconcilerError as error:
        found = replace(_prepared(root, origin.commit, since), approved_not_read=error.message)
    if origin.dirty and not found.prepared_not_read:
        found = replace(found, prepared_not_read="files have changes that are not committed")
    return replace(plan, sign_off=found)


def _read_now(plan: Plan, options: ChangeOptions) -> Assessment:
    if plan.scope.offline:
        raise ForgeError("an offline plan does not ask the forge")
    context = options.context()
    if context.change is None:
        raise ForgeError("the job is not for a pull request or merge request")
    if plan.requirement.evidence is Evidence.GIT:
        raise ForgeError("the policy has them read from git when the plan is applied")
    with open_forge(context, options.environment, limits=_SOON) as forge:
        found = approvals_so_far(plan, forge, context.change)
    if context.commit and found.commit != context.commit:
        raise ForgeError(
            f"the head of {found.change} is {found.commit[:SHORT]} now, and the job is for "
            f"{context.commit[:SHORT]}"
        )
    return found


_SOON = ForgeLimits(deadline=30.0)
"""A plan does not wait long for names that are only shown."""


def _prepared(root: Path, commit: str, since: str, repository: Repository | None = None) -> SignOff:
    """Who wrote the commits that a plan applies, as git records it."""
    if not commit:
        return SignOff(prepared_not_read="the workspace has no commit")
    try:
        repository = repository or Repository.around(root)
        assert repository is not None
        people, why = authors_since(repository, commit, since)
    except (OSError, ReconcilerError) as error:
        people, why = (), str(error)
    return SignOff(prepared_by=people, prepared_not_read=why)


def applied_sign_off(session: ReadSession, found: Assessment) -> SignOff:
    """Who prepared and who approved what is applied; before the apply, which ends what it reads."""
    if found.requirement.approvals:
        return signed_off(found)
    root, since = session.workspace.root, session.daybook.applied_commit
    prepared = _prepared(root, session.commit, since, session.repository)
    return replace(prepared, approved_not_read="the policy requires no approval of this plan")


def may_send_again(session: ReadSession, change: ChangeOptions, *, tell: Tell) -> bool:
    """Whether open creates may be sent again before there is a plan that could be approved.

    What they post is known from the daybook alone. So they take the approvals of the highest
    tier, for each plan whose run left one open.
    """
    approvals = session.settings.policy.approvals
    open_creates = [one for one in session.daybook.unsettled() if one.act is Act.CREATE]
    if not approvals.tiers or not open_creates:
        return True
    requirement = _highest(approvals, "an open call of an earlier run would be sent again")
    if not requirement.approvals:
        return True
    runs = session.daybook.runs()
    for digest in dict.fromkeys(plan_of(one.seq, runs) for one in open_creates):
        found = assess_approvals(session, requirement, digest, change)
        if not found.satisfied:
            tell(found)
            return False
    return True


def policy_to_record(session: ReadSession, digest: str, change: ChangeOptions) -> str:
    """The policy and the base that count from this run on; empty when those before still do.

    A policy that requires approvals is loosened only with those of its highest tier.
    """
    repository = session.repository
    head = "" if repository is None else repository.head() or ""
    new = text_of_policy(require_valid(session.workspace).policy, head)
    required = session.held.required
    if not required.tiers or not session.held.keys:
        return new
    requirement = replace(_highest(required, "the policy changed"), bind_digest=False)
    try:
        found = assess_approvals(session, requirement, digest, change)
    except ReconcilerError:
        # Without an answer the policy stays as it was.
        return ""
    return new if found.satisfied else ""


def _highest(approvals: Approvals, because: str) -> Requirement:
    return Requirement(
        approvals=max(tier.required for tier in approvals.tiers),
        because=(because,),
        approvers=approvals.approvers,
        evidence=approvals.evidence,
        bind_digest=approvals.bind_digest,
    )


def _written_by(review: Review, people: Iterable[str], flaws: Iterable[Refusal]) -> Review:
    """A review of a change, with who wrote what is applied together with it."""
    authors = dict.fromkeys((*review.authors, *people))
    return replace(
        review, authors=tuple(authors), flaws=tuple(dict.fromkeys((*review.flaws, *flaws)))
    )


def _reviews_on_forge(
    options: ChangeOptions, context: CiContext, commit: str, history: Unapplied, *, begun: bool
) -> tuple[Review, ...]:
    """The reviews of all changes that a commit merges, and of earlier ones that it applies too.

    One push can merge several. `begun` says whether there was a complete apply before.
    """
    with open_forge(context, options.environment) as forge:
        found = forge.changes_of(commit)
        if context.change is not None:
            own = {context.change, *(found if not context.own else ())}
            found = tuple(sorted(own))
        if found:
            reviews = [
                forge.review(one, commit=commit, branch=context.branch, merged=not context.own)
                for one in found
            ]
            people, flaws, earlier = _before_on_forge(forge, context, history, found, begun=begun)
            reviews += earlier
            return tuple(_written_by(one, people, flaws) for one in reviews)
    missing = evidence_flaw(
        f"no pull request or merge request contains {commit[:10]}, so it has no approvals",
        "Merge the change through a pull request and apply the merge commit; or name "
        "the pull request with --pr.",
    )
    nobody = Review(change=f"commit {commit[:10]}", commit=commit, applied=commit)
    return (replace(nobody, flaws=(missing,)),)


def _before_on_forge(
    forge: Forge, context: CiContext, history: Unapplied, changes: tuple[int, ...], *, begun: bool
) -> tuple[tuple[str, ...], tuple[Refusal, ...], list[Review]]:
    """Who wrote or pushed what is applied or undone together with changes, and its reviews.

    What was merged before and not applied is applied now, so it needs its own approvals. What is
    undone was applied with them.
    """
    people, flaws = forge.writers(history.written, change=changes[0])
    flaws = (*history.flaws, *flaws)
    # A commit says who wrote it, by its author's own account; its change, who pushed it.
    brought: dict[str, tuple[int, ...]] = {
        one: forge.brought_by(one, branch=context.branch)
        for one in (*history.brought, *history.undone)
    }
    direct = [one for one, found in brought.items() if not found]
    earlier = {number for one in history.brought for number in brought[one]} - {*changes}
    undone = {number for one in history.undone for number in brought[one]} - {*changes}
    reviews = [
        replace(forge.review(one, commit=MERGE, branch=context.branch, merged=True), earlier=True)
        for one in sorted(earlier)
    ]
    for other in sorted(undone - earlier):
        more, unknown = forge.people_of(other)
        people, flaws = (*people, *more), (*flaws, *unknown)
    if direct and begun:
        flaws = (*flaws, *map(not_brought, direct))
    elif direct:
        more, unknown = forge.pushed_directly(tuple(direct), branch=context.branch)
        people, flaws = (*people, *more), (*flaws, *unknown)
    return people, flaws, reviews


@contextmanager
def _signers(session: ReadSession, repository: Repository, commit: str) -> Iterator[Path | None]:
    """A file of the keys that count: those on the list of the commit and on earlier ones."""
    name = session.settings.policy.approvals.allowed_signers
    if not name:
        yield None
        return
    lists = list(session.held.signers)
    if require_valid(session.workspace).policy.approvals.allowed_signers:
        place = commit, repository.path_of(name)
        present = repository.contents([place]).get(place)
        if present is None:
            raise ReconcilerError(
                f"policy.approvals.allowedSigners names {name}, which is not a file of the "
                "workspace's commit",
                remedy="Add it, in the format of git's gpg.ssh.allowedSignersFile.",
            )
        lists.append(present)
    kept = [
        line
        for line in (lists[0] if lists else b"").splitlines()
        if all(line in each.splitlines() for each in lists)
    ]
    with TemporaryDirectory(prefix="reconciler-signers-") as folder:
        file = Path(folder) / "signers"
        file.write_bytes(b"\n".join((*kept, b"")))
        yield file
