"""The permissions a client can hold, by the vendor's names (API facts 3.1, 4.1, 4.3, 5.1, 8.6)."""

from collections.abc import Iterable
from enum import StrEnum


class Permission(StrEnum):
    CREATE_ENTRY = "Create Journal Entry"
    EDIT_ENTRY = "Edit Journal Entry"
    CANCEL_ENTRY = "Cancel Journal Entry"
    DELETE_ENTRY = "Delete Cancelled Journal Entry"
    OVERRIDE_TRANSFERRED = "Override Transferred to Accounting"
    CREATE_RUN = "Create Journal Run"
    CANCEL_RUN = "Cancel Journal Run"
    DELETE_RUN = "Delete Cancelled Journal Run"
    CONFIGURE_CODES = "Configure Accounting Codes"
    MANAGE_CODE = "Manage Accounting Code"
    DELETE_CODE = "Delete Unused Accounting Code"
    CREATE_PERIOD = "Create Accounting Period"
    DELETE_PERIOD = "Delete Accounting Period"
    REOPEN_PERIOD = "Reopen Accounting Period"
    MANAGE_CLOSE = "Manage Close Process"
    RUN_TRIAL_BALANCE = "Run Trial Balance"


# The standard finance role lacks only the override (API facts 8.6). Period administration belongs
# to administrators there; a client of this ledger gets it too, or nobody could close a period.
STANDARD = tuple(name for name in Permission if name is not Permission.OVERRIDE_TRANSFERRED)

FINANCE = (
    *(Permission.CREATE_ENTRY, Permission.EDIT_ENTRY),
    *(Permission.CANCEL_ENTRY, Permission.DELETE_ENTRY),
    *(Permission.CREATE_RUN, Permission.CANCEL_RUN, Permission.DELETE_RUN),
)
"""What posting and correcting needs, and no more: no override, no period administration."""


class UnknownPermission(ValueError):
    """A permission name that does not exist; `name` is what was asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown permission {name!r}; permissions are: {', '.join(Permission)}")
        self.name = name


def checked(names: Iterable[str] | None) -> tuple[str, ...]:
    """The named permissions in table order; None gives the standard ones."""
    if names is None:
        return STANDARD
    wanted = set(names)
    for name in sorted(wanted.difference(Permission)):
        raise UnknownPermission(name)
    return tuple(name for name in Permission if name in wanted)
