"""`reconciler forget`: stops managing entries, which stay in the ledger."""

from collections.abc import Iterator, Sequence

import click

from reconciler.app.apply import Interaction
from reconciler.app.forgetting import forget_names
from reconciler.app.session import Access, WriteSession, open_session
from reconciler.cli.inputs import asking, checked_workspace, require_terminal
from reconciler.cli.options import ca_bundle_option, flag_option, json_output
from reconciler.cli.printer import Printer
from reconciler.cli.terminal import progress
from reconciler.core.model.plan import Plan
from reconciler.render.change_view import view_of_change
from reconciler.render.styled_text import Part
from reconciler.render.text import lines_of


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@flag_option("--auto-approve", "--yes", "-y", text="Forget without confirmation.")
@ca_bundle_option
@json_output
def forget(*, names: Sequence[str], auto_approve: bool, ca_bundle: str | None) -> int:
    """Stop managing each NAME, whose file was deleted. Its entry stays in the ledger unchanged.

    Only the daybook is written. The entry keeps its marker, and searches ignore it. If the name is
    declared again, it manages the entry again. `Kind/name` tells an entry from a journal run.
    """
    if not auto_approve:
        require_terminal("Add --auto-approve.")
    interaction = Interaction(
        tell=Printer(draw_plan=_draw),
        progress=progress,
        confirm=(lambda *_: True) if auto_approve else asking("Forget", "forgotten", "name"),
    )
    workspace, access = checked_workspace(), Access(ca_bundle=ca_bundle)
    with open_session(WriteSession, workspace, access, command="forget") as session:
        return forget_names(session, names, interaction)


def _draw(plan: Plan) -> Iterator[Part]:
    for change in plan.changes:
        yield from lines_of(view_of_change(change), plan.basis.home_currency)
