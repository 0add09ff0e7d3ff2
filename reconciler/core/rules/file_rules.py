"""The accounting rules for files: the texts that `explain` prints."""

from collections.abc import Mapping

from reconciler.core.model.finding import Rule, warning_rule
from reconciler.core.rules.schedule_rules import SCHEDULE_RULES

_FILE_RULES: Mapping[str, Rule] = {
    "lines-balance": Rule(
        summary="The debits of an entry equal its credits exactly, in the currency of the entry.",
        why="The ledger posts only balanced entries, without tolerance or rounding.",
        remedy="Correct an amount, or add the missing line.",
    ),
    "home-balance": Rule(
        summary="Debits also equal credits exactly in the home currency.",
        why="Rounding each line separately can leave a difference of a cent, which needs a "
        "correction.",
        remedy="Correct a homeCurrencyAmount.",
    ),
    "home-amount": Rule(
        summary="In a foreign currency every line has homeCurrencyAmount. In the home currency it "
        "equals the amount. Without a home currency it is omitted.",
        why="With foreign currency conversion the ledger requires it on every line. Without a "
        "home currency the ledger rejects it.",
        remedy="State homeCurrencyAmount on every line, or on none.",
    ),
    "home-currency": warning_rule(
        summary="Where homeCurrencyAmount is written, the Reference names the home currency.",
        why="Without a Reference nobody knows how many decimal places such an amount may have.",
        remedy="Add a Reference with the `homeCurrency` of the tenant.",
    ),
    "unusual-rate": warning_rule(
        summary="The home amounts of an entry have a rate like those of other entries in its "
        "currency: neither is more than twice the other.",
        why="Home amounts are written by hand, and nothing converts them. Compared are the entries "
        "of the same period, those of the nearest other period, and the lines of an entry.",
        remedy="Correct homeCurrencyAmount. If the rate is meant, have a waiver of this rule for "
        "the entry added to the policy.",
    ),
    "minor-units": Rule(
        summary="An amount is written with at most the decimal places of its currency "
        "(ISO 4217). Zeros count.",
        why="USD has two, JPY none, KWD three. Amounts are never rounded. `1.000` in EUR means one "
        "to some readers and one thousand to others.",
        remedy="Write the amount with the currency's decimal places.",
    ),
    "currency-code": Rule(
        summary="The currency is an ISO 4217 code.",
        why="The number of decimal places is known only for ISO 4217 currencies.",
        remedy="Write the three-letter code, for example USD.",
    ),
    "active-currency": Rule(
        summary="The currency is active in the tenant.",
        why="The ledger rejects entries in other currencies.",
        remedy="Use an active currency, or activate it in the tenant and refresh the Reference.",
    ),
    "aggregate-currency": Rule(
        summary="If currency aggregation is on, an entry is in the home currency.",
        why="The tenant aggregates currencies. A period cannot contain both kinds of entry.",
        remedy="State the entry in the home currency.",
    ),
    "known-accounting-code": Rule(
        summary="Every accounting code exists in the tenant, with the stated type if one is given.",
        why="The ledger rejects unknown codes. A similar name is usually a typing error.",
        remedy="Use a code of the chart of accounts, spelled exactly.",
    ),
    "active-accounting-code": Rule(
        summary="Every accounting code is active.",
        why="Nothing can be posted to an inactive code.",
        remedy="Use an active code, or activate it in the tenant and refresh the Reference.",
    ),
    "accounting-code-type": Rule(
        summary="accountingCodeType is given if two accounting codes have the same name.",
        why="The name alone is ambiguous.",
        remedy="Add accountingCodeType to the line.",
    ),
    "known-period": Rule(
        summary="The accounting period exists in the tenant.",
        why="An entry is posted to the period that it names. The ledger matches the exact name.",
        remedy="Use the name of an existing period.",
    ),
    "open-period": warning_rule(
        summary="The accounting period is open.",
        why="In a closed period nothing can be posted, cancelled or deleted. Entries that are "
        "already posted may stay declared, and are not warned about if the daybook is there. "
        "Without one, the CI job of a change counts those in files that the change leaves alone. "
        "Therefore this is a warning for files; a plan blocks the change.",
        remedy="Leave the entry as it was posted, or move the change to an open period.",
    ),
    "date-in-period": warning_rule(
        summary="journalEntryDate lies within the accounting period.",
        why="The ledger allows other dates, and published samples use them. A date outside its "
        "period is usually a mistake.",
        remedy="Check the date and the period.",
    ),
    "segments": Rule(
        summary="The segments are all segments of the active segmentation rule, in its order.",
        why="The ledger matches segments by name and order.",
        remedy="List the segments as the rule does, or omit `segments`.",
    ),
    "custom-field": Rule(
        summary="A custom field exists on the object, and its text is not too long.",
        why="Names are case-sensitive. The ledger does not store a field that the tenant does not "
        "have.",
        remedy="Use a field of the Reference. Create a new field in the tenant first.",
    ),
    "reserved-field": Rule(
        summary="A file does not set the field that holds the marker.",
        why="The marker says which declaration owns a live entry. Only reconciler writes it.",
        remedy="Remove the field.",
    ),
    "marker-field": Rule(
        summary="The tenant has the custom field that holds the marker.",
        why="Without it the ledger rejects the create, and entries cannot be recognised later.",
        remedy="Create the field in the tenant, or set `identity: {marker: notes}`.",
    ),
    "line-limit": Rule(
        summary="An entry has at most 100 lines.",
        why="The ledger accepts at most 100 lines in an entry.",
        remedy="Split the entry; each part must balance.",
    ),
    "notes-length": Rule(
        summary="Notes have at most 2,000 characters, including the marker if it is in the notes.",
        why="The ledger rejects longer notes.",
        remedy="Shorten the notes.",
    ),
    "same-economics": warning_rule(
        summary="No two entries have the same period, currency, organization, segments and lines. "
        "Custom fields of lines count; date, notes and home amounts do not.",
        why="Two declarations of the same posting are usually a double posting.",
        remedy="Remove one of them. If both are intended, declare one entry with all lines. "
        "Or let segments, organization or a custom field of a line tell them apart.",
    ),
    "reversal-nets": Rule(
        summary="An entry and its reversal cancel out exactly, on each code, in both currencies.",
        why="A reversal that leaves an amount is a correction of a part, and nobody sees of what. "
        "Type of code, segments, organization and custom fields of lines count.",
        remedy="Swap the sides of the original's lines. To correct a part, declare an entry "
        "without `reverses`.",
    ),
    "reversal-twice": Rule(
        summary="An entry is reversed once.",
        why="A second reversal posts the amounts of the original with the opposite sign.",
        remedy="Remove one of the two reversals.",
    ),
    "reversal-of-reversal": Rule(
        summary="A reversal is not reversed.",
        why="After it, nobody can tell which of the three entries holds.",
        remedy="Remove the reversal, or declare the content of the original again.",
    ),
    "reversal-original": Rule(
        summary="`metadata.reverses` names an entry of the workspace, or a number.",
        why="A reversal without its original posts amounts that nothing justifies.",
        remedy="Write the name of a declared entry, or the number of an entry in the ledger.",
    ),
    "reversal-renamed": warning_rule(
        summary="`metadata.reverses` has the present name of the original.",
        why="The former name is known only as long as the original states it as `previousName`. "
        "After that the reversal has no original, and every run is refused.",
        remedy="Write the present name. It changes nothing in the ledger.",
    ),
    "reversal-unproved": warning_rule(
        summary="The original of a reversal is declared.",
        why="Files alone do not prove that a reversal cancels out an entry that no file holds. A "
        "plan reads the entry, and proves it or blocks the reversal.",
        remedy="Nothing needs to be done. To prove it offline too, import the original.",
    ),
    "run-dates": Rule(
        summary="The target dates of a run are in order, not before 2015-01-01, and equal to the "
        "dates of its accounting period if it names one.",
        why="The ledger rejects other dates.",
        remedy="Correct the dates. If the run names a period, they can be omitted.",
    ),
    "run-one-period": Rule(
        summary="A run covers transactions of one accounting period that has an end date.",
        why="The entries of a run are posted to that period. It may be closed, but not open-ended.",
        remedy="Keep the target dates within one accounting period.",
    ),
    "run-whole-period": Rule(
        summary="A run with revenue transaction types covers a whole accounting period.",
        why="The ledger rejects a run that covers revenue for a part of a period.",
        remedy="Name the accounting period, or declare a separate run for revenue.",
    ),
    "run-organizations": Rule(
        summary="organizationLabels name organizations of the tenant.",
        why="Only tenants with Multi-Org accept organizations, and each must exist in the tenant.",
        remedy="Use an organization of the Reference, spelled exactly.",
    ),
    "run-types": Rule(
        summary="The transaction types of a run exist in the tenant.",
        why="With Multi-Org these types do not exist: invoice adjustments, credit balance "
        "adjustments, payments and refunds of the credit balance.",
        remedy="Remove the type from the run.",
    ),
    "run-overlap": warning_rule(
        summary="No two runs cover the same transaction type over the same days.",
        why="Each transaction is included in the first run that covers it. The result would "
        "depend on the order of the runs.",
        remedy="Use different target dates, transaction types or organizations.",
    ),
}

TENANT_FACTS = frozenset(
    {
        "active-currency",
        "currency-code",
        "aggregate-currency",
        "home-amount",
        "known-accounting-code",
        "active-accounting-code",
        "accounting-code-type",
        "known-period",
        "open-period",
        "segments",
        "custom-field",
        "marker-field",
        "run-dates",
        "run-one-period",
        "run-whole-period",
        "run-organizations",
        "run-types",
    }
)
"""The rules about the tenant as it is now. What is posted already was posted under other facts."""

PASSING_FACTS = frozenset({"open-period", "active-accounting-code", "active-currency"})
"""Those that every entry breaks in time. For what is posted and unchanged that is no problem."""

FILE_RULES: Mapping[str, Rule] = {**_FILE_RULES, **SCHEDULE_RULES}
