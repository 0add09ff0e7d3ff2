"""What a reader must not miss about a plan as a whole: that it is partial, or made offline."""

from collections.abc import Iterator

from reconciler.core.model.plan import Plan
from reconciler.core.model.scope import OutOfScope, Scope

BADGES = ("OFFLINE", "PARTIAL")
"""The words that every form of a plan begins its notices with, and puts beside its verdict."""


def scope_notice(plan: Plan) -> tuple[str, ...]:
    """The notices of a plan, each beginning with its badge; empty for a plan of all that is live.

    Their text holds what people typed, so every form encodes it as it does a name.
    """
    return tuple(_notices(plan))


def scope_badges(plan: Plan) -> tuple[str, ...]:
    """The badges of a plan alone, for the line of its verdict."""
    return tuple(notice.partition(":")[0] for notice in _notices(plan))


def _notices(plan: Plan) -> Iterator[str]:
    if plan.scope.offline:
        known = (
            "live is taken to be what the daybook recorded"
            if plan.basis.lineage
            else "there is no daybook either, so everything counts as new"
        )
        yield f"OFFLINE: the ledger was not asked; {known}. It can be shown, and not applied."
    if plan.partial:
        left_out = _left_out(plan.out_of_scope)
        yield f"PARTIAL: {_selection(plan.scope)}; {left_out}.{_labels(plan.scope)}"


def _selection(scope: Scope) -> str:
    """`only --target a or b, with --period Jan-2026, without --exclude c`."""
    chosen = [
        f"{flag} {' or '.join(words)}"
        for flag, words in (
            ("--target", scope.targets),
            ("--period", scope.periods),
            ("--select", scope.labels),
        )
        if words
    ]
    only = "only " + " and ".join(chosen) if chosen else "everything"
    return only + (f" but --exclude {' or '.join(scope.excludes)}" if scope.excludes else "")


def _left_out(unseen: OutOfScope) -> str:
    declared = f"{unseen.declared:,} declaration{'' if unseen.declared == 1 else 's'}"
    recorded = f"{unseen.recorded:,} recorded entr{'y' if unseen.recorded == 1 else 'ies'}"
    return f"{declared} and {recorded} without a file were not looked at"


def _labels(scope: Scope) -> str:
    """Why a selection by label removes nothing."""
    if not scope.labels:
        return ""
    return " What is no longer declared has no labels, so --select never removes it."
