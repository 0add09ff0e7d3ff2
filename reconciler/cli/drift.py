"""`reconciler drift`: whether the ledger moved since it was last applied."""

import json

import click

from reconciler.cli.options import common, common_options, format_option, parallelism_option
from reconciler.cli.terminal import err, out, out_text, problem_spans, progress
from reconciler.errors import ExpectationFailed


@click.command(short_help="Compare the ledger with what was last applied.")
@parallelism_option
@format_option("text", "json")
@common_options
def drift(*, parallelism: int, style: str) -> int:
    """Compare the ledger with what was last applied. Exits 7 when it moved."""
    from reconciler.app.session import open_desk, plan_desk
    from reconciler.app.workspace import read_books
    from reconciler.core.documents.plan_file import document_of
    from reconciler.core.model.plan import Allowances
    from reconciler.render.text import drift_lines

    books = read_books(common().workspace)
    err(problem_spans(books.errors, books.root))
    with open_desk(books, write=False, parallelism=parallelism) as desk:
        plan, _ = plan_desk(desk, Allowances(), progress=progress)
    if style == "json":
        document = document_of(plan)
        kept = {key: document[key] for key in ("format_version", "workspace", "target", "drift")}
        out_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
    else:
        out(drift_lines(plan))
    return ExpectationFailed.exit_code if plan.drift else 0
