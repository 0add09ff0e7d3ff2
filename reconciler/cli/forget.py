"""`reconciler forget`: retire declarations, and leave their entries in the ledger."""

from collections.abc import Iterator, Sequence

import click

from reconciler.app.apply import Interaction
from reconciler.app.forgetting import forget_names
from reconciler.app.session import WriteSession, open_session
from reconciler.cli.inputs import asking, checked_workspace, require_terminal
from reconciler.cli.options import common_options
from reconciler.cli.printer import Printer
from reconciler.cli.terminal import progress
from reconciler.core.model.plan import Plan
from reconciler.render.styled_text import Line
from reconciler.render.text import change_lines


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--auto-approve", "--yes", "-y", is_flag=True, help="Forget without asking.")
@common_options
def forget(*, names: Sequence[str], auto_approve: bool) -> int:
    """Forget each NAME, whose file is gone, and leave its entry in the ledger as it is.

    The daybook alone is written. The entry keeps its marker, and searches pass it by; declared
    again, the name has the entry back. `Kind/name` says which of an entry and a run is meant.
    """
    if not auto_approve:
        require_terminal("Add --auto-approve.")
    interaction = Interaction(
        tell=Printer(draw_plan=_draw),
        progress=progress,
        confirm=(lambda _: True) if auto_approve else asking("Forget", "forgotten", "name"),
    )
    with open_session(WriteSession, checked_workspace(), command="forget") as session:
        return forget_names(session, names, interaction)


def _draw(plan: Plan) -> Iterator[Line]:
    for change in plan.changes:
        yield from change_lines(change, plan.basis.home_currency)
