"""Accounts behind addresses, and the flaws of a review."""

import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from reconciler.core.model.finding import Refusal
from reconciler.core.model.review import evidence_flaw
from reconciler.errors import ForgeError, ForgeRefused
from reconciler.forge.api import ForgeApi, Purpose, Row, distinct
from reconciler.values import dataclass

People: TypeAlias = tuple[tuple[str, ...], tuple[Refusal, ...]]
"""Logins, with a flaw for each person without a known account."""

_NO_REPLY = re.compile(r"([0-9]{1,18})[+-][A-Za-z0-9_.-]+(?:\[bot\])?@users\.noreply\.(.+)")


def account_of_address(address: str, host: str) -> str:
    """The account number in a noreply address of a forge; empty for any other address.

    GitHub's is like `7+alice@users.noreply.github.com`; GitLab's has `-`. The login in it may be
    an old one. `host` is the host of the forge or of its API.
    """
    found = _NO_REPLY.fullmatch(address.casefold())
    return found[1] if found and found[2] == host.casefold().removeprefix("api.") else ""


def author_unknown(commit: str, role: str, address: str) -> Refusal:
    return evidence_flaw(
        f"the {role} of {commit}, {address or 'without an address'}, has no account that "
        "the forge knows, so an approver may be the author",
        "Add the address to its owner's account, or make the commit again with an address "
        "of an account.",
    )


def pushes_of(
    api: ForgeApi, target: str, purpose: Purpose, **parameters: str
) -> tuple[tuple[Row, ...], tuple[Refusal, ...]]:
    """The pushes that a forge lists; a flaw when the token cannot read them."""
    try:
        return api.rows(target, purpose, **parameters), ()
    except ForgeError as error:
        hidden = error.status in (403, 404) and isinstance(error, ForgeRefused)
        if not hidden and error.status != 422:
            raise
        return (), (pushers_unknown(error.message),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One push to a branch: its commits before and after, and the account that made it.

    `who` is empty when the forge names nobody. `before` is empty where it created the branch.
    """

    before: str
    after: str
    who: str
    is_person: bool
    merges: bool = False


_NOBODY = re.compile(r"ghost[0-9]*", re.IGNORECASE)
"""The account that both forges put in the place of deleted ones."""


def pushers_of(pushes: Iterable[Push], head: str) -> tuple[tuple[Push, ...], People]:
    """The pushes that made a branch what it is at its head, and who made them.

    `pushes` are in order of time, the latest first. Each must follow another, back to the one
    that created the branch: a push that the forge does not list was made by nobody knows whom.
    """
    chain: list[Push] = []
    wanted = head
    for push in pushes:
        if push.after == wanted:
            chain.append(push)
            wanted = push.before
        elif chain:
            break
        if chain and not wanted:
            break
    flaws = [pushers_unknown(fault) for push in chain if (fault := _unnamed(push))]
    if wanted or not chain:
        flaws.append(pushers_unknown(f"no listed push of its branch led to {wanted[:10]}"))
    return tuple(chain), (distinct(push.who for push in chain), tuple(dict.fromkeys(flaws)))


def _unnamed(push: Push) -> str:
    """Why a push does not tell who made it; empty when it does."""
    if not push.who or _NOBODY.fullmatch(push.who):
        return f"the push of {push.after[:10]} names nobody"
    if not push.is_person:
        return f"{push.who} pushed {push.after[:10]}, and is not a person"
    return ""


def pushed_directly(commits: Iterable[str], pushes: Iterable[Push]) -> People:
    """Who pushed commits that no change brought; a flaw for each without a named person."""
    found = {push.after: push for push in pushes}
    names: list[str] = []
    flaws: list[Refusal] = []
    for commit in commits:
        push = found.get(commit)
        if push is None or _unnamed(push):
            flaws.append(not_brought(commit))
        else:
            names.append(push.who)
    return distinct(names), tuple(flaws)


def not_brought(commit: str) -> Refusal:
    """The flaw of a commit of the branch that came without a change."""
    return evidence_flaw(
        f"{commit[:10]} was pushed to the branch directly: no merged change contains it, "
        "so nobody approved it",
        "Revert it until a plan has no changes, and apply that. Then bring it again in a "
        "change of its own.",
    )


def pushers_unknown(fact: str) -> Refusal:
    return evidence_flaw(
        f"it is unknown who pushed the change, so an approver may have pushed it: {fact}",
        "Let the token read the repository of the branch. If the forge names nobody, make "
        "the change again on a new branch of this repository, pushed by a person.",
    )


def changes_requested(who: str, name: str, *, otherwise: str) -> Refusal:
    """The flaw while a review requests changes. A push does not withdraw it.

    `otherwise` is what the forge offers as an alternative to an approval.
    """
    return Refusal(
        rule="approvals",
        message=f"{who} requested changes of {name}",
        remedy=f"Ask {who} to approve it, or {otherwise}.",
    )


def wrong_target(name: str, into: str | None, applied: str | None) -> Iterator[Refusal]:
    """The flaw of a change with another target branch than the applied one."""
    if not into or into != applied:
        yield evidence_flaw(
            f"the target branch of {name} is {into or 'unknown'}, but the applied "
            f"branch is {applied or 'unknown'}",
            "Apply changes that were reviewed for the applied branch.",
        )


def not_merged(name: str) -> Refusal:
    return evidence_flaw(f"{name} is not merged", "Merge it, or apply it in a job for it.")


def not_reviewed(name: str, head: str, commit: str) -> Refusal:
    """The flaw of a commit that is neither the head of a change nor its merge."""
    return evidence_flaw(
        f"{commit[:10]} is neither the head {head[:10]} of {name} nor its merge commit",
        "Apply the merge commit or the approved head.",
    )
