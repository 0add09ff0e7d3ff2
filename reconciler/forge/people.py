"""Who stands behind an address, and what to say when nobody can tell."""

import re
from decimal import Decimal

from reconciler.core.approval import Missing
from reconciler.core.values import Value

_NO_REPLY = re.compile(r"(?:[0-9]+\+)?([A-Za-z0-9-]+)@users\.noreply\.[A-Za-z0-9.-]+")
_NO_REPLY_OF_GITLAB = re.compile(r"[0-9]+-([A-Za-z0-9_.-]+)@users\.noreply\.[A-Za-z0-9.-]+")


def login_of_address(address: str) -> str:
    """The login in an address that GitHub gives out instead of a private one; else empty."""
    found = _NO_REPLY.fullmatch(address)
    return found[1] if found else ""


def username_of_address(address: str) -> str:
    """The same for GitLab, whose private addresses are `7-alice@users.noreply.gitlab.com`."""
    found = _NO_REPLY_OF_GITLAB.fullmatch(address)
    return found[1] if found else ""


def whole_number(value: Value) -> int:
    """A number that a forge gave to something; 0 when there is none."""
    return int(value) if isinstance(value, Decimal) else 0


def author_unknown(commit: str, role: str, address: str) -> Missing:
    """What is missing when nobody can say which account wrote a part of the change."""
    return Missing(
        rule="approval-evidence",
        message=f"the {role} of {commit}, {address or 'without an address'}, belongs to no account "
        "that the forge knows, so nobody can say that no approver wrote it",
        remedy="Have the address added to its owner's account, or the commit made anew with one "
        "that is.",
    )
