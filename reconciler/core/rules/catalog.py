"""The rules for plans that `explain` prints, and findings under the rules for files."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from reconciler.core.model.finding import Finding, Refusal, Rule
from reconciler.core.model.resource import Declared, Path, Source
from reconciler.core.model.tenant import Tenant
from reconciler.core.rules.file_rules import FILE_RULES, TENANT_FACTS

Check: TypeAlias = Callable[[Declared, Tenant], Iterator[Finding]]
"""A check of one declaration against the tenant."""

PLAN_RULES: Mapping[str, Rule] = {
    "transferred": Rule(
        summary="An entry with the transfer state Yes or Processing is not cancelled.",
        why="The entry is in the general ledger, or is being transferred. If it were cancelled "
        "here, the two ledgers would differ.",
        remedy="Restore the file, and post a reversing entry in an open period. If the state is "
        "Processing, wait until the transfer has ended.",
    ),
    "transfer-override": Rule(
        summary="The transfer state Yes is not changed.",
        why="The entry is posted in the general ledger. Zuora requires a separate permission for "
        "this: Override Transferred to Accounting.",
        remedy="Restore `transferredToAccounting: Yes` in the file.",
    ),
    "protected": Rule(
        summary="An entry declared with `protect: true` is neither cancelled nor replaced.",
        why="The author of the file requested it.",
        remedy="Set `protect: false` in the file.",
    ),
    "period-closed": Rule(
        summary="In a closed accounting period nothing is posted, cancelled or deleted.",
        why="The figures of the period are final, and the ledger locks it.",
        remedy="Restore the file and post the correction in an open period, or have the period "
        "reopened.",
    ),
    "ownership": Rule(
        summary="An entry is changed only if it has the marker of this declaration.",
        why="The daybook records the number of the entry, and the marker confirms it. If only one "
        "of them matches, the entry may belong to somebody else.",
        remedy="Check the entry in the ledger, and the workspace's name and marker field in "
        "reconciler.yaml. If the entry belongs to this declaration, restore its marker in the "
        "ledger. If it does not, remove the file and forget the name.",
    ),
    "adoption": Rule(
        summary="A declaration adopts a live entry that has no other owner and equals the "
        "declaration.",
        why="An adoption accepts the entry as it is posted. A change of amounts in the same step "
        "would not be reviewed.",
        remedy="Write what the ledger holds into the file, for example by importing it. "
        "Adopt the entry, then change it.",
    ),
    "doubled": Rule(
        summary="A declaration is posted only once.",
        why="Two entries with one marker count the amounts twice. It is unknown which of them is "
        "in the general ledger.",
        remedy="Run `reconciler daybook show` with each daybook of this workspace: it lists what "
        "this workspace posted. If it posted more than one of them, cancel all but one in the "
        "ledger, then plan again with --find. One that no daybook lists may be of another "
        "repository: leave it, and have that repository use a workspace name of its own.",
    ),
    "posted-elsewhere": Rule(
        summary="An entry that is posted under another name and cannot be cancelled is not posted "
        "again.",
        why="A changed name without `previousName` is a removal and a new entry. If the removal "
        "is blocked, the same lines would be posted twice. So would those of an entry that is not "
        "proved to be gone.",
        remedy="Write `previousName` into the metadata of the new file, or restore the old file. "
        "If no read finds the old entry, resolve its removal first.",
    ),
    "run-entry": Rule(
        summary="An entry of a journal run is never created, cancelled or replaced separately.",
        why="If it were cancelled separately, the next run would post its transactions again, in "
        "addition to the replacement.",
        remedy="Restore the file and post a correcting entry. Or remove the file: the entry then "
        "belongs to its run alone.",
    ),
    "run-entries-declared": Rule(
        summary="A journal run is not cancelled while its entries are declared separately.",
        why="The entries are cancelled with their run. Their files would declare entries that no "
        "longer exist.",
        remedy="Remove the files of those entries in the same change. They then belong to the run "
        "alone.",
    ),
    "run-at-work": Rule(
        summary="A journal run is not changed while the ledger processes it.",
        why="States such as Pending and Processing end without intervention. The next step "
        "depends on the final state.",
        remedy="Wait until it has ended, then plan again.",
    ),
    "unknown-status": Rule(
        summary="Only entries with the status Created or Cancelled are changed.",
        why="Other statuses belong to a review workflow of the tenant. It is unknown whether the "
        "entry is posted or will be.",
        remedy="Finish the review in the ledger, then plan again.",
    ),
    "period-unknown-status": Rule(
        summary="Nothing is changed in an accounting period whose status is not known.",
        why="The statuses are Open, PendingClose and Closed. Nobody knows what another word of the "
        "ledger allows.",
        remedy="Set the period to Open or Closed in the tenant, or use a version of reconciler "
        "that knows the status.",
    ),
    "period-frozen": Rule(
        summary="In a period that the policy freezes nothing is posted or cancelled.",
        why="`policy.freeze` is set in reconciler.yaml. The owners of a period often finish it "
        "long before the ledger closes it.",
        remedy="Restore the file, and post the correction in a period that is not frozen. Or have "
        "`policy.freeze` changed, and apply that change alone first.",
    ),
    "removal-forbidden": Rule(
        summary="The policy of the workspace forbids removing entries.",
        why="`policy.removal: forbid` is set in reconciler.yaml.",
        remedy="Restore the file. Or have the policy changed, and apply that change alone first.",
    ),
    "unsettled": Rule(
        summary="If the outcome of the last create is unknown, nothing new is planned for the "
        "declaration.",
        why="The entry may exist although no response was received. A second create would post it "
        "twice.",
        remedy="Run `reconciler apply`: it settles open calls first, or says what each one needs.",
    ),
    "reversal-cancelled": Rule(
        summary="Only what is posted is reversed.",
        why="A reversal of an entry that does not count would post its amounts with the opposite "
        "sign.",
        remedy="Nothing is to be reversed. If a file declares the reversal, remove it.",
    ),
    "reversal-order": Rule(
        summary="A reversal is posted after its original and cancelled before it, never alone.",
        why="One without the other would leave amounts that nothing cancels out.",
        remedy="Resolve what blocks the other entry first, or remove the reversal.",
    ),
    "ledger-facts": Rule(
        summary="The accounting codes and periods of the live ledger allow the change.",
        why="The Reference may be older than the tenant.",
        remedy="Correct the file or the tenant, and refresh the Reference.",
    ),
    "strict-warning": Rule(
        summary="A plan has no warning that is made to fail.",
        why="`--strict` is given, or `policy.strict` is set in reconciler.yaml.",
        remedy="Resolve the warnings that the message names. `reconciler explain` with the name of "
        "a rule explains it.",
    ),
    "files-left-out": Rule(
        summary="A plan that removes entries has all files of the workspace.",
        why="In a sparse checkout, files that are not checked out look like removed declarations.",
        remedy="Run `git sparse-checkout disable`, and plan again.",
    ),
    "too-many-removals": Rule(
        summary="A plan removes at most max(3, 10 %) of the recorded entries.",
        why="A wrong path, a bad merge or an empty folder looks like many removals.",
        remedy="If this is intended, allow the exact number with --max-removals.",
    ),
    "all-entries-removed": Rule(
        summary="A plan does not remove every entry.",
        why="If all files are missing, it is probably a mistake.",
        remedy="If this is intended, allow the exact number with --max-removals.",
    ),
    "missing-in-ledger": Rule(
        summary="At most max(3, 10 %) of the recorded entries are missing in the ledger.",
        why="Many missing entries indicate another tenant, another entity or a restored ledger. "
        "Creating them again would post everything twice.",
        remedy="Check the target. If this is intended, allow the exact number with --max-missing.",
    ),
    "organization-unseen": Rule(
        summary="An entry that no read finds counts as gone only if reads find others of its "
        "organization.",
        why="Other credentials, or other `organizationIds`, may not see the organization. Its "
        "entries then look deleted, and would be posted again or forgotten.",
        remedy="Give the API user access to the organization, and list its id if the target has "
        "`organizationIds`. Then plan again. If the entry was deleted in the ledger, remove its "
        "file and forget the name.",
    ),
    "unproved-entries": Rule(
        summary="An entry that only its marker ties to this workspace is not adopted without being "
        "told.",
        why="The marker holds the name of the workspace and that of the declaration. After a lost "
        "daybook it is the only trace of an entry. But another repository may use the same names, "
        "and its entries look the same.",
        remedy="Restore the daybook. If it cannot be restored, and this workspace posted the "
        "entries, give their number with --adopt-found. If another repository uses the name of "
        "this workspace, write another `metadata.name` into reconciler.yaml.",
    ),
    "equal-entries": Rule(
        summary="With a new daybook nothing is posted that the ledger has already, under whatever "
        "marker.",
        why="After `daybook`, `metadata.name` or `identity.marker` was changed, no record and no "
        "marker shows what was posted before. Its content does.",
        remedy="Restore these settings. Or name the entry with `metadata.adopts`. If the entries "
        "are different postings, give their number with --allow-equal.",
    ),
    "unsearched-ledger": Rule(
        summary="With a new daybook nothing is posted before the ledger was searched for entries "
        "of this workspace. The same holds if the daybook records entries that the ledger no "
        "longer has, or lacks entries that the ledger has.",
        why="A new daybook knows no entry, and an older copy knows outdated ones. Entries posted "
        "since would be posted a second time.",
        remedy="Restore the daybook, or have Data Query enabled and permitted. Or give the first "
        "number that an entry of this workspace may have, with --probe-from. If the workspace was "
        "never applied to this ledger, use --first-apply.",
    ),
    "unread-posting": Rule(
        summary="An entry that no read finds counts as gone only with proof. Without it, the entry "
        "is neither posted again nor dropped from the daybook.",
        why="A ledger may show a new entry late, and an API user may lose access to an entry. The "
        "declaration would be posted a second time.",
        remedy="Check that the API user may read the entry, in its entity and organization. If "
        "somebody deleted it, plan again once a query shows that, or 4 hours after the last apply "
        "that wrote it. To confirm at once that it is deleted, remove its file, if there is one, "
        "and run `reconciler forget` with its name. To post it again, restore the file after that.",
    ),
    "stored-otherwise": Rule(
        summary="What the ledger stores otherwise than it was sent is not sent again and again.",
        why="A ledger may round an amount or rewrite a text. Each apply would replace or update "
        "the entry once more.",
        remedy="Declare the value as the ledger shows it. If the ledger would store the declared "
        "one now, cancel the entry there: the next apply posts it again.",
    ),
    "money-limit": Rule(
        summary="The sum of debits that a plan posts or cancels is within the limit of the policy.",
        why="`policy.limits.money` is set in reconciler.yaml.",
        remedy="Apply a part of the change at a time, for example with --target. Or have the limit "
        "changed, and apply that change alone first.",
    ),
    "change-limit": Rule(
        summary="The number of entries that a plan changes is within the limit of the policy.",
        why="`policy.limits.changes` or `policy.limits.percent` is set in reconciler.yaml.",
        remedy="Apply a part of the change at a time, for example with --target. Or have the limit "
        "changed, and apply that change alone first.",
    ),
    "approvals": Rule(
        summary="A plan is applied only with the approvals that the policy requires.",
        why="`policy.approvals` is set in reconciler.yaml. Approvals by authors of the change do "
        "not count, and an approval is valid for one commit.",
        remedy="Have somebody approve the change who wrote no part of it. Then apply again.",
    ),
    "approval-evidence": Rule(
        summary="It can be checked whether a plan is approved.",
        why="An approval is valid for one commit and its authors. If files differ from the "
        "commit, or an author is unknown, nobody knows what was approved.",
        remedy="Follow the message: commit the files, or have the author identified.",
    ),
    "wrong-host": Rule(
        summary="Credentials are sent only to a host that the approved settings name.",
        why="A change to `spec.target` would otherwise send them to whatever host it names.",
        remedy="If the tenant moved, or the workspace is new, set ZUORA_BASE_URL to its URL "
        "outside of the change.",
    ),
    "wrong-tenant": Rule(
        summary="The ledger is the one that this daybook was created for.",
        why="A number from one tenant means nothing, or another entry, in a different tenant.",
        remedy="Check ZUORA_BASE_URL, the entity and the credentials.",
    ),
}


def refusal(rule: str, message: str, remedy: str = "") -> Refusal:
    """A refusal under a rule of PLAN_RULES; `remedy` replaces that of the rule."""
    return Refusal(rule=rule, message=message, remedy=remedy or PLAN_RULES[rule].remedy)


def finding(  # noqa: PLR0913, PLR0917 - the facts of one finding
    declared: Declared, rule: str, path: Path, message: str, remedy: str = "", since: str = ""
) -> Finding:
    """A finding under a rule of FILE_RULES; `remedy` replaces that of the rule."""
    found = finding_at(declared.source, rule, path, message, remedy)
    return replace(found, since=since) if since else found


def finding_at(source: Source, rule: str, path: Path, message: str, remedy: str = "") -> Finding:
    """The same for a document that declares nothing."""
    known_rule = FILE_RULES[rule]
    return Finding(
        source=source,
        path=path,
        rule=rule,
        message=message,
        remedy=remedy or known_rule.remedy,
        severity=known_rule.severity,
        of_tenant=rule in TENANT_FACTS,
    )
