"""`reconciler forget`: retire declarations, and leave what they stand for in the ledger."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import common, common_options
from reconciler.cli.terminal import err, out, problem_spans, progress
from reconciler.errors import Refused
from reconciler.render.styled_text import line

if TYPE_CHECKING:
    from reconciler.app.session import Desk
    from reconciler.core.model.plan import Change
    from reconciler.core.model.resource import Address
    from reconciler.engine.search import SearchedPlan


@click.command(short_help="Retire declarations; their entries stay in the ledger.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--auto-approve", "--yes", "-y", is_flag=True, help="Forget without asking.")
@common_options
def forget(*, names: Sequence[str], auto_approve: bool) -> int:
    """Forget each NAME, whose file is gone, and leave its entry in the ledger as it is.

    The daybook alone is written. The entry keeps its marker, and searches pass it by; declared
    again, the name has the entry back. `Kind/name` says which of an entry and a run is meant.
    """
    from reconciler.app.session import open_desk, plan_and_find_desk
    from reconciler.app.settlement import settle_first
    from reconciler.app.workspace import read_books
    from reconciler.core.model.plan import Allowances
    from reconciler.engine.search import SearchPolicy

    if not auto_approve and not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask on. Add --auto-approve.")
    books = read_books(common().workspace)
    err(problem_spans(books.errors, books.root))
    with open_desk(books, write=True, parallelism=1) as desk:
        settle_first(desk)
        recorded = {address.name for address in desk.daybook.recorded()}
        # What the daybook does not know can only be forgotten when a search finds it.
        asked = any(name.rpartition("/")[2] not in recorded for name in names)
        finding = SearchPolicy(complete=desk.daybook.complete, asked=asked)
        found = plan_and_find_desk(desk, Allowances(), finding, progress=progress)
        changes = _retirements(found, names, _at_work(desk))
        return _forget(desk, found, changes, asking=not auto_approve)


def _at_work(desk: "Desk") -> frozenset[str]:
    """The numbers that a call is about whose outcome is not known."""
    return frozenset(intent.number for intent in desk.daybook.unsettled() if intent.number)


def _retirements(
    found: "SearchedPlan", names: Sequence[str], at_work: frozenset[str]
) -> "tuple[Change, ...]":
    """What is to be forgotten. Raises Refused when anything cannot be."""
    from reconciler.core.planning.retirement import retirement_obstacles, retirement_of

    addresses = sorted({_address(found, name) for name in names})
    for address in addresses:
        for fact, remedy in retirement_obstacles(found.world, address, at_work):
            raise Refused(fact, remedy=remedy)
    return tuple(retirement_of(found.world, address) for address in addresses)


def _address(found: "SearchedPlan", name: str) -> "Address":
    from reconciler.core.planning.retirement import addresses_of

    addresses = addresses_of(found.world, name)
    if len(addresses) > 1:
        both = " and ".join(map(str, addresses))
        raise Refused(f"{name} may mean {both}", remedy="Write which of them.")
    if addresses:
        return addresses[0]
    failure = found.search.failure if found.search else ""
    if failure:
        raise Refused(
            f"{name} is not recorded, and the ledger cannot be searched: {failure}",
            remedy="Check the name.",
        )
    raise Refused(f"{name} has no entry that the daybook or a search knows", remedy="Check it.")


def _forget(
    desk: "Desk", found: "SearchedPlan", changes: "tuple[Change, ...]", *, asking: bool
) -> int:
    """Show what is forgotten, ask, and write it down."""
    from reconciler.app.settlement import book_of
    from reconciler.cli.apply import exit_code
    from reconciler.core.documents.plan_file import digest_of
    from reconciler.core.model.report import report_of
    from reconciler.engine.apply import apply
    from reconciler.engine.ports import Ports
    from reconciler.render.report import applied_line, report_lines
    from reconciler.render.text import change_lines

    plan = replace(found.plan, changes=changes, refusals=())
    plan = replace(plan, digest=digest_of(plan))
    for change in changes:
        out(change_lines(change, plan.basis.home_currency))
    if asking and not _consented(len(changes)):
        err([line("Nothing was forgotten.")])
        return Refused.exit_code
    ports = Ports(ledger=desk.client, daybook=book_of(desk))
    desk.daybook.begin(plan.digest)
    ended = []
    for item in apply(plan, desk.daybook.recorded(), ports, parallelism=1):
        ended.append(item)
        out([applied_line(item)])
    report = report_of(ended, changes, plan_digest=plan.digest)
    out(report_lines(report))
    desk.daybook.end()
    return exit_code(report)


def _consented(count: int) -> bool:
    question = f"Forget {count} {'name' if count == 1 else 'names'}? Only yes forgets"
    answer = click.prompt(question, default="no", show_default=False, err=True)
    return str(answer) == "yes"
