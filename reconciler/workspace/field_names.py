"""Fields that are misspelt, and fields that are the ledger's: what to do instead."""

import re
from collections.abc import Iterable

from reconciler.core.model.kinds import KINDS
from reconciler.core.model.resource import Path

_NUMBERS = frozenset({"number", "journalentrynumber", "journalrunnumber", "id", "journalentryid"})
_STATES = frozenset({"status"})
_FILLED = frozenset(
    {
        "success",
        "createdby",
        "createddate",
        "createdon",
        "updatedby",
        "updateddate",
        "updatedon",
        "executedon",
        "segmentationrulename",
        "totaljournalentrycount",
        "transactioncount",
        "transferdate",
    }
)
"""Fields that the ledger answers or exports; each kind names more (API facts 3.4, 5.3)."""


def server_owned(kind: str, path: Path, field: str) -> str:
    """What to do about a field that only the ledger writes; empty if it is none."""
    if kind not in KINDS or not path:
        return ""
    name = field.casefold()
    if name in _NUMBERS:
        return (
            "Remove it: the ledger assigns numbers. To take over an existing entry, write its "
            "number as `metadata.adopts`."
        )
    if name in _STATES:
        return "Remove it. To cancel the entry, remove its file."
    filled = {one.casefold() for one in KINDS[kind].server_filled} | _FILLED
    return "Remove it: the ledger fills it in." if name in filled else ""


def custom_field_meant(field: str, patterns: Iterable[str]) -> str:
    """A name with another ending or another case in its ending, as a custom field has it."""
    named = re.sub(r"_+c\Z", "__c", field, flags=re.IGNORECASE)
    if named == field or not any(re.fullmatch(pattern, named) for pattern in patterns):
        return ""
    return named
