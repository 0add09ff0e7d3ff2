"""Facts about each collection of the journal API: paths, fields, states, permissions."""

from collections.abc import Mapping
from dataclasses import field

from reconciler.core.model.enumerations import EntryStatus, Enumeration, RunStatus, TransferState
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A collection of the API.

    `number_field` has the new number in the response to a create. `update` is the last segment of
    the update path; None when nothing can be updated. A read keeps `fields` and custom fields, and
    of each item of a list in `parts` those fields and custom ones: the vendor may add others at any
    time, and clients must tolerate them (API facts 1). `required` fields are text in every read. A
    field in `forms` matches this pattern, if it is there: in another form, the same value would
    look changed. A field in `words` has one of these values or null. `lines` is required: the list
    of debits and credits. `members` is the list, below /v1, of the entries that an object created;
    `members_field` has them in a page. `permissions` names the vendor's permission of each verb.
    """

    number_field: str
    update: str | None
    statuses: type[Enumeration]
    permissions: Mapping[str, str]
    fields: frozenset[str]
    parts: Mapping[str, frozenset[str]]
    required: frozenset[str] = frozenset()
    forms: Mapping[str, str]
    words: Mapping[str, type[Enumeration]] = field(default_factory=dict)
    lines: str | None = None
    members: str = ""
    members_field: str = ""


_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


JOURNAL_ENTRIES = Resource(  # API facts 3.1, 3.3, 3.4
    number_field="journalEntryNumber",
    update="basic-information",
    statuses=EntryStatus,
    permissions={
        "create": "Create Journal Entry",
        "read": "Finance Access",
        "update": "Edit Journal Entry",
        "cancel": "Cancel Journal Entry",
        "delete": "Delete Cancelled Journal Entry",
    },
    fields=_names(
        "accountingPeriodName aggregateCurrency currency homeCurrency journalEntryDate notes "
        "organizationLabel timePeriodEnd timePeriodStart transactionType transferDateTime "
        "transferredBy transferredToAccounting"
    ),
    parts={
        "journalEntryItems": _names(
            "accountingCodeName accountingCodeType amount glAccountName glAccountNumber glString "
            "homeCurrencyAmount type"
        ),
        "segments": _names("segmentName segmentValue"),
    },
    required=_names("accountingPeriodName currency journalEntryDate"),
    forms={"currency": "[^a-z]+", "journalEntryDate": _DATE},
    words={"transferredToAccounting": TransferState},
    lines="journalEntryItems",
)

JOURNAL_RUNS = Resource(  # API facts 5.1, 5.3, 5.4
    number_field="journalRunNumber",
    update=None,
    statuses=RunStatus,
    permissions={
        "create": "Create Journal Run",
        "read": "Finance Access",
        "cancel": "Cancel Journal Run",
        "delete": "Delete Cancelled Journal Run",
    },
    fields=_names(
        "aggregateCurrency errorMessage executedOn journalEntryDate segmentationRuleName "
        "targetEndDate targetStartDate totalJournalEntryCount"
    ),
    parts={
        "organizationLabels": _names("cascadingDown excluded organizationId organizationName"),
        "transactionTypes": _names("type"),
    },
    required=_names("journalEntryDate"),
    forms=dict.fromkeys(("journalEntryDate", "targetEndDate", "targetStartDate"), _DATE),
    members="journal-entries/journal-runs",
    members_field="journalEntries",
)

RESOURCES: Mapping[str, Resource] = {
    "journal-entries": JOURNAL_ENTRIES,
    "journal-runs": JOURNAL_RUNS,
}
"""By the collection of a kind, which is its path below /v1."""
