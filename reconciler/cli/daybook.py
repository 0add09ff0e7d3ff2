"""The commands around the daybook."""

import click

from reconciler.cli.options import HELP, common_options
from reconciler.cli.recover import recover


@click.group(context_settings=HELP)
@common_options
def daybook() -> None:
    """Look after the daybook: what is open in it, and what became of that."""


daybook.add_command(recover)
