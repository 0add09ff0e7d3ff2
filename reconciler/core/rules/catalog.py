"""The accounting rules a declaration is held to, and what stops a change: the text of `explain`."""

from collections.abc import Mapping
from types import MappingProxyType

from reconciler.core.model.finding import Finding, Rule, Severity
from reconciler.core.model.resource import Declared, Path

_FILE_RULES = (
    Rule(
        id="lines-balance",
        summary="The debits of an entry equal its credits, exactly, in the entry's currency.",
        why="The ledger posts an entry only in balance; there is no tolerance and no rounding.",
        remedy="Correct an amount, or add the line that is missing.",
    ),
    Rule(
        id="home-balance",
        summary="Debits equal credits in the home currency too, exactly.",
        why="Rounding each line on its own can leave a cent; that cent needs a line of its own.",
        remedy="Correct a homeCurrencyAmount, or add a rounding line.",
    ),
    Rule(
        id="home-amount",
        summary="homeCurrencyAmount stands on every line when the entry is in a foreign currency, "
        "equals the amount in the home currency, and is left out when no home currency is set.",
        why="With foreign currency conversion the ledger requires it on every line, and without "
        "a home currency it refuses it.",
        remedy="State homeCurrencyAmount on every line, or on none.",
    ),
    Rule(
        id="minor-units",
        summary="An amount has at most the decimal places of its currency (ISO 4217).",
        why="USD has two, JPY none, KWD three. The product never rounds: more places are a slip.",
        remedy="Write the amount with the currency's decimal places.",
    ),
    Rule(
        id="currency-code",
        summary="The currency is a code of ISO 4217.",
        why="Without the standard's entry nobody can say how many decimal places it has.",
        remedy="Write the three-letter code, for example USD.",
    ),
    Rule(
        id="active-currency",
        summary="The currency is active in the tenant.",
        why="The ledger refuses entries in other currencies.",
        remedy="Use an active currency, or activate it in the tenant and refresh the Reference.",
    ),
    Rule(
        id="aggregate-currency",
        summary="With currency aggregation on, an entry is in the home currency.",
        why="The tenant aggregates currencies, and a period cannot mix both kinds of entry.",
        remedy="State the entry in the home currency.",
    ),
    Rule(
        id="known-accounting-code",
        summary="Every accounting code exists in the tenant, with the stated type if one is given.",
        why="The ledger refuses codes it does not know; a near miss is usually a slip.",
        remedy="Use a code of the chart of accounts, spelled exactly.",
    ),
    Rule(
        id="active-accounting-code",
        summary="Every accounting code is active.",
        why="An inactive code no longer takes postings.",
        remedy="Use an active code, or activate it in the tenant and refresh the Reference.",
    ),
    Rule(
        id="accounting-code-type",
        summary="accountingCodeType is stated where two codes share a name.",
        why="The name alone would not say which of them is meant.",
        remedy="Add accountingCodeType to the line.",
    ),
    Rule(
        id="known-period",
        summary="The accounting period exists in the tenant.",
        why="The period decides where the entry counts; the ledger knows it by its exact name.",
        remedy="Use the name of an existing period.",
    ),
    Rule(
        id="open-period",
        summary="The accounting period is open.",
        why="A closed period takes no new entries and gives none back. Entries that are already "
        "posted may stay declared, so for files this is a warning; a plan blocks the change.",
        remedy="Leave the entry as it was posted, or move the change to an open period.",
        severity=Severity.WARNING,
    ),
    Rule(
        id="date-in-period",
        summary="journalEntryDate lies within the accounting period.",
        why="The ledger allows other dates, and published samples use them, but a date outside "
        "its period is more often a slip.",
        remedy="Check the date and the period.",
        severity=Severity.WARNING,
    ),
    Rule(
        id="segments",
        summary="Segments are those of the active segmentation rule, all of them, in its order.",
        why="The ledger matches segments with the rule by name and order.",
        remedy="List the segments as the rule does, or leave `segments` out.",
    ),
    Rule(
        id="custom-field",
        summary="A custom field exists on the object, and its text fits.",
        why="Names are case-sensitive, and a field that the tenant does not have is lost.",
        remedy="Use a field of the Reference; a new one is created in the tenant first.",
    ),
    Rule(
        id="reserved-field",
        summary="The field that carries the marker is not set in a file.",
        why="The marker says which declaration owns a live entry; only this tool writes it.",
        remedy="Remove the field.",
    ),
    Rule(
        id="marker-field",
        summary="The tenant has the custom field that carries the marker.",
        why="Without it the ledger refuses the create, and no entry could be recognised later.",
        remedy="Create the field in the tenant, or set `identity: {marker: notes}`.",
    ),
    Rule(
        id="line-limit",
        summary="An entry has at most 100 lines.",
        why="The ledger takes no more in one entry.",
        remedy="Split the entry; each part must balance.",
    ),
    Rule(
        id="notes-length",
        summary="Notes have at most 2,000 characters, the marker included when it is kept there.",
        why="The ledger refuses longer notes.",
        remedy="Shorten the notes.",
    ),
    Rule(
        id="same-economics",
        summary="No two entries have the same period, currency and lines.",
        why="Two declarations of one posting are the classic double booking.",
        remedy="Remove one of them, or tell them apart if both are meant.",
        severity=Severity.WARNING,
    ),
    Rule(
        id="run-dates",
        summary="The target dates of a run are in order, not before 2015-01-01, and those of its "
        "accounting period when it names one.",
        why="The ledger refuses other dates: it would not know which transactions are meant.",
        remedy="Correct the dates; with a period they may be left out.",
    ),
    Rule(
        id="run-one-period",
        summary="A run sums up transactions of one accounting period that has an end.",
        why="Its entries are posted to that period, which may be closed, but not open-ended.",
        remedy="Keep the target dates within one accounting period.",
    ),
    Rule(
        id="run-whole-period",
        summary="Revenue transaction types are summed up for a whole accounting period.",
        why="The ledger refuses to sum up revenue for some days of a period only.",
        remedy="Name the accounting period, or declare a run of its own for revenue.",
    ),
    Rule(
        id="run-organizations",
        summary="organizationLabels name organizations of the tenant.",
        why="Only tenants with Multi-Org take them, and each must exist there.",
        remedy="Use an organization of the Reference, spelled exactly.",
    ),
    Rule(
        id="run-types",
        summary="The transaction types of a run exist in the tenant.",
        why="With Multi-Org there are no invoice adjustments, credit balance adjustments, and "
        "payments or refunds of the credit balance.",
        remedy="Remove the type from the run.",
    ),
    Rule(
        id="run-overlap",
        summary="No two runs sum up one transaction type over the same days.",
        why="A transaction is taken once, by the run that comes first: which of the two that is "
        "would depend on the order they run in.",
        remedy="Set the target dates, transaction types or organizations apart.",
        severity=Severity.WARNING,
    ),
)

_BLOCKS = (
    Rule(
        id="transferred",
        summary="An entry whose transfer state is Yes or Processing is not cancelled.",
        why="It is in the general ledger, or on its way there: cancelling it here would leave "
        "the two ledgers apart.",
        remedy="Restore the file and correct the books with a reversing entry in an open period; "
        "for Processing, wait until the transfer has ended.",
    ),
    Rule(
        id="transfer-override",
        summary="The transfer state does not leave Yes.",
        why="The posting exists in the general ledger; the vendor demands a permission of its own "
        "for this, Override Transferred to Accounting.",
        remedy="Restore `transferredToAccounting: Yes` in the file.",
    ),
    Rule(
        id="protected",
        summary="An entry declared with `protect: true` is neither cancelled nor replaced.",
        why="Its author asked for that.",
        remedy="Set `protect: false` in the file.",
    ),
    Rule(
        id="period-closed",
        summary="Nothing is posted to or taken out of a closed accounting period.",
        why="Its figures are final; the ledger locks it.",
        remedy="Restore the file and post the correction in an open period, or have the period "
        "reopened.",
    ),
    Rule(
        id="ownership",
        summary="Only an entry that carries this declaration's marker is changed.",
        why="The number in the daybook says which entry is meant, the marker proves it. One "
        "without the other may be somebody else's entry.",
        remedy="Look at the entry in the ledger, and at the workspace's name and marker field in "
        "reconciler.yaml; if the entry is this declaration's, give it its marker back there. If it "
        "is not, remove the file and `reconciler forget` the name.",
    ),
    Rule(
        id="adoption",
        summary="A declaration adopts a live entry that is nobody else's and that it describes.",
        why="To adopt is to take responsibility for what stands in the books, as it stands: a "
        "change of amounts in the same breath would go unreviewed.",
        remedy="Write what the ledger holds into the file (`reconciler import` does), have it "
        "adopted, then change it.",
    ),
    Rule(
        id="doubled",
        summary="One declaration stands in the books once.",
        why="Two entries with one marker count its amounts twice, and nobody can say from here "
        "which of them the general ledger has.",
        remedy="Cancel all but one of them in the ledger, then plan again with --find.",
    ),
    Rule(
        id="posted-elsewhere",
        summary="What stands under another name, and cannot be taken back, is not posted again.",
        why="A name that changes without `previousName` is a removal and a new entry; where the "
        "removal is blocked, the same lines would stand in the books twice.",
        remedy="Write `previousName` into the metadata of the new file, or restore the old one.",
    ),
    Rule(
        id="run-entry",
        summary="An entry that a journal run made is never created, cancelled or replaced alone.",
        why="Cancelled alone, its transactions are free for the next run, which would post them "
        "beside whatever replaced the entry.",
        remedy="Restore the file, and correct the books with an entry of your own; or remove the "
        "file, which leaves the entry to its run.",
    ),
    Rule(
        id="run-entries-declared",
        summary="A journal run is not taken back while its entries are declared on their own.",
        why="The entries go with their run: their declarations would describe what is gone.",
        remedy="Remove the files of those entries in the same change: that leaves them to the run.",
    ),
    Rule(
        id="run-at-work",
        summary="Nothing is asked of a journal run while the ledger works on it.",
        why="Pending, Processing and the like end by themselves, and what they end in decides.",
        remedy="Wait until it has ended, then plan again.",
    ),
    Rule(
        id="unknown-status",
        summary="Only entries with the status Created or Cancelled are changed.",
        why="Another status belongs to a review workflow of the tenant: nobody can say from here "
        "whether the entry is in the books, or will be.",
        remedy="Finish the review in the ledger, then plan again.",
    ),
    Rule(
        id="period-frozen",
        summary="Nothing is posted or taken back in a period that the workspace's policy freezes.",
        why="`policy.freeze` is set in reconciler.yaml: a period is often done for its owners long "
        "before it is closed in the ledger.",
        remedy="Use a period that is not frozen, or have `policy.freeze` changed.",
    ),
    Rule(
        id="removal-forbidden",
        summary="The workspace's policy forbids removing entries.",
        why="`policy.removal: forbid` is set in reconciler.yaml.",
        remedy="Restore the file, or have the policy changed.",
    ),
    Rule(
        id="unsettled",
        summary="Nothing new is planned for a declaration whose last create has no known outcome.",
        why="The entry may exist although no answer was received; a second create would post it "
        "twice.",
        remedy="Run `reconciler apply`: it settles what is open before anything else.",
    ),
    Rule(
        id="ledger-facts",
        summary="The ledger's own accounting codes and periods allow what the file asks for.",
        why="The Reference may be older than the tenant.",
        remedy="Correct the file or the tenant, and refresh the Reference.",
    ),
)

_GUARDS = (
    Rule(
        id="too-many-removals",
        summary="A plan removes at most max(3, 10 %) of the recorded entries.",
        why="A wrong path, a bad merge or an emptied folder looks like an order to delete.",
        remedy="If it is meant, allow the exact number with --max-removals.",
    ),
    Rule(
        id="all-entries-removed",
        summary="A plan does not remove every entry.",
        why="Files that are all gone are an accident until somebody says otherwise.",
        remedy="If it is meant, allow the exact number with --max-removals.",
    ),
    Rule(
        id="missing-in-ledger",
        summary="At most max(3, 10 %) of the recorded entries are absent from the ledger.",
        why="Many missing entries mean another tenant, another entity or a restored ledger; "
        "creating them all again would double the books.",
        remedy="Check the target. If it is meant, allow the exact number with --max-missing.",
    ),
    Rule(
        id="unsearched-ledger",
        summary="Nothing is posted with a new daybook, or with one that knows entries which the "
        "ledger no longer holds, before the ledger was searched for those of this workspace.",
        why="A daybook that was lost knows of no entry, and an older copy of it knows the wrong "
        "ones: what was posted since would be posted a second time.",
        remedy="Restore the daybook, or have Data Query enabled and permitted; or name the number "
        "from which on entries of this workspace may stand with --probe-from. If nothing of it "
        "was ever applied to this ledger, say so with --first-apply.",
    ),
    Rule(
        id="money-limit",
        summary="A plan moves at most the money that the workspace's policy allows.",
        why="`policy.limits.money` is set in reconciler.yaml.",
        remedy="Split the change, or have the limit changed.",
    ),
    Rule(
        id="change-limit",
        summary="A plan changes at most as many entries as the workspace's policy allows.",
        why="`policy.limits.changes` or `policy.limits.percent` is set in reconciler.yaml.",
        remedy="Split the change, or have the limit changed.",
    ),
    Rule(
        id="approvals",
        summary="A plan is applied once so many people approved it as the policy asks for.",
        why="`policy.approvals` is set in reconciler.yaml. Who wrote a part of the change never "
        "counts, and an approval is of the exact commit.",
        remedy="Have somebody who wrote nothing of it approve the change; then apply again.",
    ),
    Rule(
        id="approval-evidence",
        summary="Whether a plan is approved can be told.",
        why="An approval speaks of one commit and its authors: files that differ from it, or an "
        "author whom nobody can name, leave open what was approved and by whom.",
        remedy="Follow the message: commit the files, or have the author named.",
    ),
    Rule(
        id="wrong-tenant",
        summary="The ledger is the one this daybook was begun with.",
        why="Numbers of one tenant mean nothing, or something else, in another.",
        remedy="Check ZUORA_BASE_URL, the entity and the credentials.",
    ),
)

FILE_RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in _FILE_RULES})
PLAN_RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in (*_BLOCKS, *_GUARDS)})


def finding(declared: Declared, rule: str, path: Path, message: str, remedy: str = "") -> Finding:
    """A finding under a rule of FILE_RULES; `remedy` says more than the rule's own."""
    known_rule = FILE_RULES[rule]
    return Finding(
        source=declared.source,
        path=path,
        rule=rule,
        message=message,
        remedy=remedy or known_rule.remedy,
        severity=known_rule.severity,
    )
