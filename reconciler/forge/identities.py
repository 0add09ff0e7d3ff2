"""Accounts behind addresses, and the flaws of a review."""

import re
from collections.abc import Iterator

from reconciler.core.model.finding import Refusal
from reconciler.errors import ForgeError, ForgeRefused
from reconciler.forge.api import ForgeApi, Purpose, Row

_NO_REPLY = re.compile(r"([0-9]{1,18})[+-][A-Za-z0-9_.-]+(?:\[bot\])?@users\.noreply\.(.+)")


def account_of_address(address: str, host: str) -> str:
    """The account number in a noreply address of a forge; empty for any other address.

    GitHub's is like `7+alice@users.noreply.github.com`; GitLab's has `-`. The login in it may be
    an old one. `host` is the host of the forge or of its API.
    """
    found = _NO_REPLY.fullmatch(address.casefold())
    return found[1] if found and found[2] == host.casefold().removeprefix("api.") else ""


def author_unknown(commit: str, role: str, address: str) -> Refusal:
    return Refusal(
        rule="approval-evidence",
        message=f"the {role} of {commit}, {address or 'without an address'}, has no account that "
        "the forge knows, so an approver may be the author",
        remedy="Add the address to its owner's account, or make the commit again with an address "
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


def pushers_unknown(fact: str) -> Refusal:
    return Refusal(
        rule="approval-evidence",
        message=f"it is unknown who pushed the change, so an approver may have pushed it: {fact}",
        remedy="Let the token read the repository of the branch, or use a branch of this "
        "repository for the change.",
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
        yield Refusal(
            rule="approval-evidence",
            message=f"the target branch of {name} is {into or 'unknown'}, but the applied "
            f"branch is {applied or 'unknown'}",
            remedy="Apply changes that were reviewed for the applied branch.",
        )


def not_merged(name: str) -> Refusal:
    return Refusal(
        rule="approval-evidence",
        message=f"{name} is not merged",
        remedy="Merge it, or apply it in a job for it.",
    )


def not_reviewed(name: str, head: str, commit: str) -> Refusal:
    """The flaw of a commit that is neither the head of a change nor its merge."""
    return Refusal(
        rule="approval-evidence",
        message=f"{commit[:10]} is neither the head {head[:10]} of {name} nor its merge commit",
        remedy="Apply the merge commit or the approved head.",
    )
