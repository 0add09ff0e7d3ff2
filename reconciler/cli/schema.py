"""`reconciler schema`: the JSON Schema of a kind of document."""

import click

from reconciler.app.explain import schema_text, schemas
from reconciler.cli.options import completing, flag_option, json_output
from reconciler.cli.terminal import out, out_json, out_text
from reconciler.errors import UsageError
from reconciler.render.styled_text import line, table


@click.command()
@click.argument("kind", required=False, shell_complete=completing("kind"))
@flag_option(
    "--write",
    text="Write the schema that editors use for the files of this workspace. It lists the "
    "accounting codes, periods, currencies, segments and fields of the Reference.",
)
@json_output
def schema(kind: str | None, *, write: bool) -> int:
    """Print the JSON Schema of a KIND of document, of a saved plan (`plan`), of what `apply
    --report` writes (`report`), of a `close-check`, or of `--format json` (`output`); without
    one, list them.
    """
    if write and kind is not None:
        raise UsageError(
            "--write takes no KIND", remedy=f"Omit {kind}: one schema is for all of them."
        )
    if write:
        # Only this reads a workspace, and the rest is twice as fast without it.
        from reconciler.app.files.file_changes import write_editor_schema
        from reconciler.cli.inputs import checked_workspace

        path, changed = write_editor_schema(checked_workspace())
        out_json({"written": [str(path)] if changed else []})
        out([line("wrote " if changed else "already up to date: ", (f"{path}", "strong"))])
        return 0
    known = schemas()
    if kind is None:
        out_json({"schemas": known})
        out(table(list(known.items())))
        return 0
    if kind not in known:
        raise UsageError(f"there is no kind {kind}", remedy=f"The kinds are {', '.join(known)}.")
    out_text(schema_text(kind))
    return 0
