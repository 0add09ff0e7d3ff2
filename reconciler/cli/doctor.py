"""`reconciler doctor`: checks that everything an apply needs is there."""

import click

from reconciler.app.doctor import checks
from reconciler.app.workspace import read_workspace
from reconciler.cli.options import ca_bundle_option, flag_option, given_options, json_output
from reconciler.cli.terminal import counted_by_kind, log_steps, note, out, out_json, problem_spans
from reconciler.core.model.finding import counted
from reconciler.render.findings import problem_rows
from reconciler.render.styled_text import line

_STYLES = {"ok": "good", "note": "warning", "bad": "bad"}


@click.command()
@flag_option(
    "--ci",
    text="Show what a CI job with this environment would use, and what it lacks. Connects to "
    "nothing.",
)
@ca_bundle_option
@json_output
def doctor(*, ci: bool, ca_bundle: str | None) -> int:
    """Check files, daybook, credentials and ledger, and show what is missing. Changes nothing."""
    log_steps()
    given = given_options()
    root = given.workspace
    out([line(("Workspace ", ""), (str(root.absolute()), "strong"))])
    workspace = read_workspace(root)
    out(problem_spans(workspace.errors, root))
    if workspace.errors:
        out_json({"problems": problem_rows(workspace.errors)})
    counts = (
        counted(workspace.files, "file"),
        counted_by_kind(workspace.declared),
        counted(len(workspace.warnings), "warning"),
    )
    if workspace.warnings:
        note("`reconciler validate` shows the warnings of the files.")
    code, rows = 0, []
    for check in checks(
        workspace,
        ", ".join(counts),
        ca_bundle=ca_bundle,
        ci=ci,
        verb_variables=given.verb_variables,
    ):
        rows.append(
            {
                "status": check.status,
                "subject": check.subject,
                "message": check.fact,
                "remedy": check.error.remedy if check.error else "",
            }
        )
        mark = (f"  {check.status:<5}", _STYLES[check.status])
        out([line(mark, (check.subject, "strong"), ": ", check.fact)])
        if check.error is not None:
            code = max(code, check.error.exit_code)
            if check.error.remedy:
                out([line(check.error.remedy, indent=9)])
    out_json({"checks": rows})
    return code
