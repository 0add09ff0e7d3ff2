"""Rules for the workspace and its files: what is read, and what must be said when it is not."""

from reconciler.core.model.resource import Rule, Severity

FILE_RULES = (
    Rule(
        id="workspace-file",
        summary="A workspace is a directory with a `reconciler.yaml` at its root.",
        why="The file names the books and what may be done to them; without it nothing is planned.",
        remedy="Run `reconciler init`, or name another directory with `--workspace`.",
    ),
    Rule(
        id="workspace-single",
        summary="One document of kind Workspace exists, in `reconciler.yaml` at the root.",
        why="Two of them, or one in a place nobody looks at, could point a plan at another ledger.",
        remedy="Keep one Workspace document, in `reconciler.yaml` at the root of the workspace.",
    ),
    Rule(
        id="reference-single",
        summary="A workspace holds at most one document of kind Reference.",
        why="Two snapshots of a tenant can contradict each other, and no one would know which won.",
        remedy="Keep the one that is true of the tenant, and remove the other.",
    ),
    Rule(
        id="unique-name",
        summary="A kind and a name together are declared once in a workspace.",
        why="The name is the identity of an entry: two declarations of it would be posted as one.",
        remedy="Rename or remove one of them.",
    ),
    Rule(
        id="unique-adoption",
        summary="What stands in the ledger under a number is adopted by one declaration.",
        why="Two declarations of it would each change it to what the other does not say.",
        remedy="Keep `adopts` in the declaration that describes it, and remove the other.",
    ),
    Rule(
        id="previous-name",
        summary="`previousName` is a name that no declaration of the workspace bears now.",
        why="What is declared under a name is that declaration's; it cannot become another one's.",
        remedy="Remove `previousName`, or the declaration that still has the old name. To pass "
        "names on from one to the next, have one rename applied before the other.",
    ),
    Rule(
        id="unique-previous-name",
        summary="One declaration takes over what stands in the ledger under an old name.",
        why="Two that claim one entry would each give it a marker that the other does not know.",
        remedy="Keep `previousName` in the declaration that the old one became, and remove the "
        "other.",
    ),
    Rule(
        id="file-name",
        summary="Names of files and directories are UTF-8 without control characters.",
        why="Such names can forge or hide lines of a log, a plan or a review.",
        remedy="Rename it with letters, digits, `.`, `_` and `-`.",
    ),
    Rule(
        id="file-ignored",
        summary="A file that looks like YAML but is not read is named.",
        why="Someone may believe that its entries are posted.",
        remedy="Rename it to end in `.yaml` so that it is read, or move it out of the workspace.",
        severity=Severity.WARNING,
    ),
    Rule(
        id="file-link",
        summary="Symbolic links stay inside the workspace and lead to files.",
        why="What a link elsewhere shows is not under review, and a link to a directory can loop.",
        remedy="Replace the link with the file it leads to, or remove it.",
    ),
    Rule(
        id="file-special",
        summary="What is named like a YAML file is a regular file.",
        why="A pipe, socket or device has no content that can be reviewed, and reading may hang.",
        remedy="Replace it with a file, or move it out of the workspace.",
    ),
    Rule(
        id="file-unreadable",
        summary="Every YAML file and every directory of the workspace can be read.",
        why="An entry that was not read would look like an entry that was removed.",
        remedy="Give the account that runs this permission to read it, then run again.",
    ),
    Rule(
        id="file-size",
        summary="A YAML file is at most 1 MiB long.",
        why="The limit keeps a single file from exhausting the machine that checks it.",
        remedy="Split the file; documents may be spread over any number of files.",
    ),
    Rule(
        id="file-empty",
        summary="A YAML file holds at least one document.",
        why="An emptied file would otherwise remove its entries from the ledger without a word.",
        remedy="Remove the file if its entries shall go, or restore its content.",
    ),
    Rule(
        id="file-encoding",
        summary="Files are UTF-8 without a byte order mark.",
        why="In any other encoding the same bytes are other text to other readers.",
        remedy="Save the file as UTF-8 without a byte order mark.",
    ),
    Rule(
        id="file-lfs-pointer",
        summary="A file holds its content, not a Git LFS pointer to it.",
        why="The pointer stands for entries that are not there, which would look removed.",
        remedy="Run `git lfs pull`, or keep YAML files out of Git LFS.",
    ),
    Rule(
        id="file-conflict",
        summary="A file holds no merge conflict markers.",
        why="Between the markers stand two versions of the books, and neither was chosen.",
        remedy="Choose one side, remove the `<<<<<<<` and `>>>>>>>` lines, and commit again.",
    ),
    Rule(
        id="document-shape",
        summary="Every document is a mapping that begins with `apiVersion` and `kind`.",
        why="An empty document is a declaration that got lost; a list or a text declares nothing.",
        remedy="Remove the `---` of an empty document, or write apiVersion, kind, metadata, spec.",
    ),
    Rule(
        id="document-version",
        summary="`apiVersion` is `journal.reconciler/v1`.",
        why="Fields may mean something else in another version of the format.",
        remedy="Write `apiVersion: journal.reconciler/v1`.",
    ),
    Rule(
        id="document-kind",
        summary="`kind` is one of the known kinds.",
        why="A document of another kind would be passed over, and its entries never posted.",
        remedy="Correct the kind, or move the file out of the workspace.",
    ),
)
