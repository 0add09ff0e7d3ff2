"""Lists the entries that a change cancels, and their sums. Exits 1 if there are any.

    python cancelled.py journals main

The workspace is planned offline, as the difference to the revision.
"""

import sys

import reconciler


def main(directory: str, revision: str) -> int:
    """The exit code: 1 where an entry is cancelled, else 0, or that of an error."""
    workspace = reconciler.read_workspace(directory)
    for problem in workspace.errors:
        print(f"{problem.path}:{problem.line}: {problem.rule}: {problem.message}", file=sys.stderr)
    try:
        plan = reconciler.make_plan(workspace, offline=True, base=revision)
    except reconciler.ReconcilerError as error:
        print(f"{error.message}. {error.remedy}", file=sys.stderr)
        return error.exit_code
    cancelled = [change for change in plan.feasible if change.cancels]
    for change in cancelled:
        print(f"{change.action} {change.address.name}")
    for row in plan.balance:
        if row.removed_debit and not row.home:
            print(f"{row.currency} {row.removed_debit} cancelled")
    return 1 if cancelled else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
