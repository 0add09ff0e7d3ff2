"""Who stands behind an address, and what to say when nobody can tell."""

import re
from collections.abc import Iterator
from decimal import Decimal

from reconciler.core.model.finding import Refusal
from reconciler.core.model.resource import Value
from reconciler.errors import ForgeError, ForgeRefused
from reconciler.forge.api import ForgeApi, Purpose, Row

_NO_REPLY = re.compile(r"([0-9]{1,18})[+-][A-Za-z0-9_.-]+(?:\[bot\])?@users\.noreply\.(.+)")


def account_of_address(address: str, host: str) -> str:
    """The number of the account in an address that a forge gives out instead of a private one.

    Empty for any other: `7+alice@users.noreply.github.com` is GitHub's, with `-` GitLab's. The
    login in it is the one of the day it was given, and another may bear it since. `host` is the
    forge's own; its API may be at `api.` and that.
    """
    found = _NO_REPLY.fullmatch(address.casefold())
    return found[1] if found and found[2] == host.casefold().removeprefix("api.") else ""


def whole_number(value: Value) -> int:
    """A number that a forge gave to something; 0 when there is none."""
    return int(value) if isinstance(value, Decimal) else 0


def author_unknown(commit: str, role: str, address: str) -> Refusal:
    """What is missing when nobody can say which account wrote a part of the change."""
    return Refusal(
        rule="approval-evidence",
        message=f"the {role} of {commit}, {address or 'without an address'}, belongs to no account "
        "that the forge knows, so nobody can say that no approver wrote it",
        remedy="Have the address added to its owner's account, or the commit made anew with one "
        "that is.",
    )


def pushes_of(
    api: ForgeApi, target: str, purpose: Purpose, **parameters: str
) -> tuple[tuple[Row, ...], tuple[Refusal, ...]]:
    """What a forge lists of pushes; a flaw when the token or the forge does not show them."""
    try:
        return api.rows(target, purpose, **parameters), ()
    except ForgeError as error:
        hidden = error.status in (403, 404) and isinstance(error, ForgeRefused)
        if not hidden and error.status != 422:
            raise
        return (), (pushers_unknown(error.message),)


def pushers_unknown(fact: str) -> Refusal:
    """What is missing when the forge does not tell who pushed a change."""
    return Refusal(
        rule="approval-evidence",
        message=f"nobody can see who pushed the change, and so that no approver did: {fact}",
        remedy="Let the token read the repository of the branch, or bring the change in by a "
        "branch of this one.",
    )


def changes_requested(who: str, name: str, *, otherwise: str) -> Refusal:
    """What is missing until somebody takes an objection back: a push does not change a mind.

    `otherwise` is what the forge has for it besides an approval.
    """
    return Refusal(
        rule="approvals",
        message=f"{who} asks for changes of {name}",
        remedy=f"Have {who} approve it, or {otherwise}.",
    )


def wrong_target(name: str, into: str | None, applied: str | None) -> Iterator[Refusal]:
    """What is missing when a change is into another branch than the one that is applied."""
    if not into or into != applied:
        yield Refusal(
            rule="approval-evidence",
            message=f"{name} is into {into or 'a branch that the forge does not name'}, and "
            f"{applied or 'a branch that the forge does not name'} is applied",
            remedy="Apply what was reviewed for the branch that is applied.",
        )


def not_merged(name: str) -> Refusal:
    """What is missing when a change is applied outside of its own jobs before it is merged."""
    return Refusal(
        rule="approval-evidence",
        message=f"{name} is not merged",
        remedy="Merge it, or apply it in a job about it.",
    )


def not_reviewed(name: str, head: str, commit: str) -> Refusal:
    """What is missing when what is applied is neither the head of a change nor its merge."""
    return Refusal(
        rule="approval-evidence",
        message=f"{commit[:10]} is neither the head of {name}, {head[:10]}, "
        "nor what it was merged as",
        remedy="Apply the merged commit, or the head that was approved.",
    )
