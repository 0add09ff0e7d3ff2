"""Forgets declarations whose file is gone: their entries stay in the ledger, no longer managed."""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.app.apply import Interaction, execute_plan, exit_code
from reconciler.app.plan import LiveSource, PlanOptions, ReadOptions, plan_and_search
from reconciler.app.session import WriteSession
from reconciler.app.settlement import settle_first
from reconciler.core.documents.plan_digest import with_digest
from reconciler.core.model.finding import joined
from reconciler.core.model.plan import Change, SearchOptions
from reconciler.core.model.resource import Address
from reconciler.core.planning.retirement import addresses_of, retirement_obstacles, retirement_of
from reconciler.engine.search import SearchedPlan
from reconciler.errors import Refused


def forget_names(session: WriteSession, names: Sequence[str], interaction: Interaction) -> int:
    """Retire these names in the daybook, and write nothing else; returns the exit code."""
    settle_first(session, tell=interaction.tell)
    recorded = {address.name for address in session.daybook.recorded()}
    # What the daybook does not know can only be forgotten when a search finds it.
    find = any(name.rpartition("/")[2] not in recorded for name in names)
    options = PlanOptions(
        search=SearchOptions(find=find), reading=ReadOptions(live=LiveSource.READS)
    )
    found = plan_and_search(session, options, progress=interaction.progress)
    at_work = frozenset(intent.number for intent in session.daybook.unsettled() if intent.number)
    changes = _retirements(found, names, at_work)
    plan = with_digest(replace(found.plan, changes=changes, refusals=()))
    interaction.tell(plan)
    if not interaction.confirm(len(plan.changes), None):
        return Refused.exit_code
    if found.lacking:
        session.daybook.mark_incomplete()
    report = execute_plan(session, plan, interaction)
    session.daybook.end()
    return exit_code(report)


def _retirements(
    found: SearchedPlan, names: Sequence[str], at_work: frozenset[str]
) -> tuple[Change, ...]:
    """What is to be forgotten. Raises Refused when anything cannot be."""
    addresses = sorted({_address(found, name) for name in names})
    for address in addresses:
        for fact, remedy in retirement_obstacles(found.snapshot, address, at_work):
            raise Refused(fact, remedy=remedy)
    return tuple(retirement_of(found.snapshot, address) for address in addresses)


def _address(found: SearchedPlan, name: str) -> Address:
    addresses = addresses_of(found.snapshot, name)
    if len(addresses) > 1:
        both = joined([*map(str, addresses)])
        raise Refused(f"{name} names both {both}", remedy="Add the kind, as in KIND/NAME.")
    if addresses:
        return addresses[0]
    failure = found.search.failure if found.search else ""
    if failure:
        raise Refused(
            f"{name} is not recorded, and the ledger cannot be searched: {failure}",
            remedy="Check the name.",
        )
    raise Refused(
        f"neither the daybook nor a search of the ledger knows {name}", remedy="Check the name."
    )
