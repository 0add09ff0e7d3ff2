"""`reconciler init`: writes a starter workspace."""

from pathlib import Path

import click

from reconciler.app.starter import write_starter
from reconciler.cli.options import common_options, sound_name
from reconciler.cli.terminal import out
from reconciler.core.model.command import suggested
from reconciler.render.styled_text import line


@click.command()
@click.argument("directory", default="journals", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--name", default="books", show_default=True, callback=sound_name, help="The workspace's name."
)
@common_options
def init(*, directory: Path, name: str) -> int:
    """Write a starter workspace to DIRECTORY. Never overwrites a file."""
    for path in write_starter(directory, name):
        out([line("wrote ", (f"{path}", "strong"))])
    place = () if directory == Path("journals") else ("-w", directory)
    out([line(f"Next: {suggested('plan', *place).strip('`')}")])
    return 0
