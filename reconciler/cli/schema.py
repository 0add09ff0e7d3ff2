"""`reconciler schema`: the JSON Schema of a kind of document."""

import click

from reconciler.app.explain import schema_text, schemas
from reconciler.cli.options import common_options
from reconciler.cli.terminal import out, out_text
from reconciler.render.styled_text import table


@click.command()
@click.argument("kind", required=False)
@common_options
def schema(kind: str | None) -> int:
    """Print the JSON Schema of a KIND of document, of a saved plan (`plan`), of what `apply
    --report` writes (`report`), or of a `close-check`; without one, list them.
    """
    known = schemas()
    if kind is None:
        out(table(list(known.items())))
        return 0
    if kind not in known:
        raise click.UsageError(f"There is no kind {kind}; the kinds are {', '.join(known)}.")
    out_text(schema_text(kind))
    return 0
