"""The rules that files must keep before accounting starts, by id, and problems made from them."""

from collections.abc import Mapping

from reconciler.core.model.finding import Finding, Problem, Rule, warning_rule
from reconciler.core.model.resource import Path, Source
from reconciler.core.model.urls import without_password
from reconciler.workspace.document_rules import SCHEMA_RULES, YAML_RULES

FILE_RULES: Mapping[str, Rule] = {
    "workspace-file": Rule(
        summary="A workspace is a directory with a `reconciler.yaml` at its root.",
        why="The file names the workspace and its ledger. Without it, nothing is planned.",
        remedy="Run `reconciler init`, or name another directory with `--workspace`.",
    ),
    "workspace-single": Rule(
        summary="One document of kind Workspace exists, in `reconciler.yaml` at the root.",
        why="A second document could direct a plan to another ledger.",
        remedy="Keep one Workspace document, in `reconciler.yaml` at the root of the workspace.",
    ),
    "reference-single": Rule(
        summary="A workspace holds at most one document of kind Reference.",
        why="Two snapshots of a tenant can contradict each other. Which one applies is unclear.",
        remedy="Keep the one that matches the tenant, and remove the other.",
    ),
    "unique-name": Rule(
        summary="A kind and a name together are declared once in a workspace.",
        why="The name identifies an entry. Two declarations with one name would be one entry.",
        remedy="Rename or remove one of them.",
    ),
    "unique-adoption": Rule(
        summary="Only one declaration adopts a number of the ledger.",
        why="Two declarations would change the same entry to different content.",
        remedy="Keep `adopts` in the declaration that describes it, and remove the other.",
    ),
    "previous-name": Rule(
        summary="`previousName` is a name that no declaration of the workspace has now.",
        why="A declared name has its own entry. Another declaration cannot take that entry over.",
        remedy="Remove `previousName`, or the declaration that still has the old name. To exchange "
        "names, apply one rename before the other.",
    ),
    "unique-previous-name": Rule(
        summary="Only one declaration takes over the entry of an old name.",
        why="Each of two declarations would write its own marker into the same entry.",
        remedy="Keep `previousName` in the declaration that the old one became, and remove the "
        "other.",
    ),
    "file-name": Rule(
        summary="Names of files and directories are UTF-8 without control characters.",
        why="Such names can forge or hide lines of a log, a plan or a review.",
        remedy="Rename it with letters, digits, `.`, `_` and `-`.",
    ),
    "file-ignored": warning_rule(
        summary="A file that looks like YAML but is not read is named.",
        why="Someone may believe that its entries are posted.",
        remedy="Rename it to end in `.yaml` so that it is read, or move it out of the workspace.",
    ),
    "file-spreadsheet": warning_rule(
        summary="A spreadsheet in the workspace that no declaration came from is named.",
        why="Someone may believe that its journals are posted.",
        remedy="Import it with `reconciler import` and its option --from, or move it out of the "
        "workspace.",
    ),
    "file-link": Rule(
        summary="Symbolic links stay inside the workspace and lead to files.",
        why="The target of an outside link is not reviewed. A link to a directory can form a loop.",
        remedy="Replace the link with the file it leads to, or remove it.",
    ),
    "file-repository": Rule(
        summary="A workspace holds no git repository, apart from the one whose top it is.",
        why="Files of a change could pretend to be a repository, and name programs that git runs.",
        remedy="Remove it, or move it out of the workspace.",
    ),
    "file-special": Rule(
        summary="A path with the name of a YAML file is a regular file.",
        why="A pipe, socket or device has no content that can be reviewed, and reading may hang.",
        remedy="Replace it with a file, or move it out of the workspace.",
    ),
    "file-unreadable": Rule(
        summary="Every YAML file and every directory of the workspace can be read.",
        why="An entry that was not read would look like an entry that was removed.",
        remedy="Give the account that runs this permission to read it, then run again.",
    ),
    "file-size": Rule(
        summary="A YAML file is at most 1 MiB long.",
        why="The limit keeps a single file from using up the memory of the machine.",
        remedy="Split the file. A workspace may have any number of files.",
    ),
    "file-empty": Rule(
        summary="A YAML file holds at least one document.",
        why="An emptied file would remove its entries from the ledger unnoticed.",
        remedy="To remove its entries, remove the file. Otherwise, restore its content.",
    ),
    "file-encoding": Rule(
        summary="Files are UTF-8 without a byte order mark.",
        why="In another encoding, programs read different text from the same bytes.",
        remedy="Save the file as UTF-8 without a byte order mark.",
    ),
    "file-lfs-pointer": Rule(
        summary="A file holds its content, not a Git LFS pointer to it.",
        why="The entries are not in the file. They would look like removed entries.",
        remedy="Run `git lfs pull`, or keep YAML files out of Git LFS.",
    ),
    "file-conflict": Rule(
        summary="A file holds no merge conflict markers.",
        why="The file holds two versions of its entries, and nobody chose one.",
        remedy="Keep one side. Remove the other side and every line that begins with `<<<<<<<`, "
        "`|||||||`, `=======` or `>>>>>>>`.",
    ),
    "document-shape": Rule(
        summary="Every document is a mapping that begins with `apiVersion` and `kind`.",
        why="An empty document may be a lost declaration. A list or a text declares nothing.",
        remedy="Write the fields apiVersion, kind, metadata and spec, or remove the document.",
    ),
    "document-version": Rule(
        summary="`apiVersion` is `journal.reconciler/v1`.",
        why="Fields may mean something else in another version of the format.",
        remedy="Write `apiVersion: journal.reconciler/v1`.",
    ),
    "document-kind": Rule(
        summary="`kind` is one of the known kinds.",
        why="A document of another kind would be ignored, and its entries never posted.",
        remedy="Correct the kind, or move the file out of the workspace.",
    ),
}


CUSTOM_RULES: Mapping[str, Rule] = {
    "house-schema": Rule(
        summary="A custom rule is a JSON Schema inside the workspace that refers to nothing else.",
        why="No schema is fetched while files are read. A rule that cannot be read would forbid "
        "nothing. Patterns are matched in linear time, so they have no look-around.",
        remedy="Correct `policy.houseRules` or the schema it names.",
    ),
    "policy-name": Rule(
        summary="A policy names accounting codes and periods that the Reference has.",
        why="A tier or a freeze with a misspelt name would never apply, and nobody would notice.",
        remedy="Correct the name in `policy`, or add it to the Reference.",
    ),
    "policy-severity": Rule(
        summary="A policy lowers only warnings that guard neither money nor evidence.",
        why="A warning about a second posting must not disappear for all entries at once.",
        remedy="Remove the row. To accept a warning for one entry, write a waiver.",
    ),
    "period-status-spelling": warning_rule(
        summary="A policy spells a period status as the ledger does: `PendingClose`.",
        why="The vendor's prose writes `Pending Close`. Both are read; a later version will read "
        "the ledger's spelling alone.",
        remedy="Write the ledger's spelling, as `reconciler fmt` does.",
    ),
    "daybook-unread": warning_rule(
        summary="The daybook can be read where a fact of the tenant depends on what is posted.",
        why="What is posted and unchanged keeps the facts of its time. Without the daybook "
        "`validate` does not know what is posted, and reports such facts as errors.",
        remedy="Let `validate` reach the daybook, or see the plan, which reads it.",
    ),
    "editor-schema": warning_rule(
        summary="`reconciler.schema.json` lists what the Reference has.",
        why="Editors check files with it. An old one marks a new name as an error.",
        remedy="Run `reconciler schema --write`, and commit the file.",
    ),
    "waiver-expired": warning_rule(
        summary="A waiver applies until its expiry date.",
        why="An exception without an end is a new rule that nobody decided on.",
        remedy="Remove the waiver, or have it renewed with a reason.",
    ),
    "waiver-unused": warning_rule(
        summary="A waiver covers a declaration that would break its rule.",
        why="A waiver that covers nothing has a misspelt name, or is no longer needed.",
        remedy="Correct the rule or the name that it states, or remove it.",
    ),
}


RULES: Mapping[str, Rule] = {**FILE_RULES, **YAML_RULES, **SCHEMA_RULES, **CUSTOM_RULES}


def finding(rule: str, source: Source, path: Path, message: str, remedy: str = "") -> Finding:
    """A finding under one of `RULES`, with its severity and, unless given, its remedy.

    A password in a URL is left out, whatever part of a file the texts repeat.
    """
    return Finding(
        source=source,
        path=path,
        rule=rule,
        message=without_password(message),
        remedy=without_password(remedy or RULES[rule].remedy),
        severity=RULES[rule].severity,
    )


def problem(
    rule: str, path: str, message: str, *, remedy: str = "", at: tuple[int, int] = (1, 1)
) -> Problem:
    """A problem under one of `RULES`, with its severity and, unless given, its remedy.

    `at` is a line and a column, both from 1. A password in a URL is left out.
    """
    return Problem(
        path=path,
        line=at[0],
        column=at[1],
        rule=rule,
        message=without_password(message),
        remedy=without_password(remedy or RULES[rule].remedy),
        severity=RULES[rule].severity,
    )
