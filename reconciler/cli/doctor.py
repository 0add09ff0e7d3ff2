"""`reconciler doctor`: checks that everything an apply needs is there."""

import click

from reconciler.app.doctor import checks
from reconciler.app.workspace import read_workspace
from reconciler.cli.options import common_options, given_options
from reconciler.cli.terminal import counted, counted_by_kind, log_steps, out
from reconciler.render.styled_text import line

_STYLES = {"ok": "good", "note": "warning", "bad": "bad"}


@click.command()
@common_options
def doctor() -> int:
    """Check files, daybook, credentials and ledger, and show what is missing. Changes nothing."""
    log_steps()
    root = given_options().workspace
    out([line(("Workspace ", ""), (str(root.absolute()), "strong"))])
    workspace = read_workspace(root)
    counts = (
        counted(workspace.files, "file"),
        counted_by_kind(workspace.declared),
        counted(len(workspace.warnings), "warning"),
    )
    code = 0
    for check in checks(workspace, ", ".join(counts)):
        mark = (f"  {check.status:<5}", _STYLES[check.status])
        out([line(mark, (check.subject, "strong"), ": ", check.fact)])
        if check.error is not None:
            code = max(code, check.error.exit_code)
            if check.error.remedy:
                out([line(check.error.remedy, indent=9)])
    return code
