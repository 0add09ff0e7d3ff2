"""The rules of verbs that write files, which `explain` prints."""

from reconciler.core.model.finding import Rule, catalogue

WRITING_RULES = catalogue(
    Rule(
        id="file-modified",
        summary="A verb does not overwrite edits that no commit holds.",
        why="The edits would be lost, because nothing else has them.",
        remedy="Commit the edits, or discard them with `git restore`.",
    ),
    Rule(
        id="reversal-period",
        summary="A reversal is posted in an open period.",
        why="A date is never moved into a period that nobody chose. Without an open period after "
        "that of the entry there is none to propose.",
        remedy="Create or reopen a period and write it into the Reference. Or name the period "
        "with --period.",
    ),
    Rule(
        id="reversal-name",
        summary="A name has at most 63 characters.",
        why="The marker of a live entry holds the name, and its field is short.",
        remedy="Choose a shorter name with --name.",
    ),
)
