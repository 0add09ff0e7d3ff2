"""The rules of a rehearsal, which `explain` prints."""

from reconciler.core.model.finding import Rule, catalogue

REHEARSAL_RULES = catalogue(
    Rule(
        id="rehearsal-refused",
        summary="The scratch ledger accepts every change of a plan that is rehearsed.",
        why="What the scratch ledger refuses, the real one refuses too, or does so for a client "
        "with these permissions.",
        remedy="Correct the declaration, or name the permissions of the real client with "
        "--rehearse-as. Then rehearse the plan again.",
    ),
    Rule(
        id="rehearsal-differs",
        summary="The trial balance of the scratch ledger is that of the plan's impact.",
        why="The ledger shares no code with the plan, so a difference means that one of them is "
        "wrong.",
        remedy="Do not apply the plan. Make it again, and compare the rows with the entries of the "
        "period.",
    ),
)
