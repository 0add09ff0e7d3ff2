"""The errors that stop a command, with their exit codes.

ReconcilerError                     1
├── MissingPackage                  1   an extra is not installed
├── UsageError                     64   the options conflict, or do not fit the workspace
├── FilesRefused                    3   findings in files
├── Refused                         4   a guard, a rule or the policy forbids it
├── StalePlan                       5   the plan does not match the ledger and the files
├── AppliedInPart                   6   some steps are done, others are not or are unknown
├── ExpectationFailed               7   drift where none was expected
├── DaybookError                    1   the daybook cannot be used
├── ForgeError                      1   a call to GitHub or GitLab failed
│   ├── ForgeRefused                8   authentication or permission
│   └── ForgeUnsure                 1   the request may or may not have taken effect
└── LedgerError                     1   a call to the ledger failed
    ├── AccessRefused               8   authentication or permission
    ├── RequestRefused              1   definitely refused: nothing was changed
    ├── LedgerUnreachable           1   the request was not sent: nothing was changed
    ├── EntryMoved                  1   the live entry changed since the plan
    ├── ReadBackDiffers             6   the call succeeded, but a read shows another result
    ├── PostedByAnother             6   another apply posted the same declaration
    ├── CancelledInPart             6   a journal run was cancelled, but not all of its entries
    ├── RunFailed                   6   a journal run was created and ended in an error
    ├── StillAtWork                 6   the call succeeded, but the ledger is still processing it
    └── OutcomeUnknown              6   the request may or may not have taken effect
        └── MarkerLost              6   the ledger did not keep the marker of a created entry
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Self


class ReconcilerError(Exception):
    """Stops the command; `message` says what is wrong, `remedy` what to do."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class MissingPackage(ReconcilerError):
    """What was asked for needs a package of an extra that is not installed."""

    EXTRAS: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            **dict.fromkeys(("alembic", "falcon", "sqlalchemy", "sqlglot", "waitress"), "ledger"),
            "openpyxl": "xlsx",
        }
    )
    """By package, the extra that has it. PostgreSQL's driver is looked for where it is needed."""

    @classmethod
    def of(cls, error: ModuleNotFoundError) -> Self:
        """The error in words. Raises what is given if no extra has the package."""
        package = str(error.name).partition(".")[0]
        if package not in cls.EXTRAS:
            raise error
        return cls(
            f"this needs the package {package}, which is not installed",
            remedy=f"Run `pip install 'journal-reconciler[{cls.EXTRAS[package]}]'`.",
        )


class UsageError(ReconcilerError):
    """Options conflict, or match nothing in the workspace. A remedy is not optional."""

    exit_code = 64

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message, remedy=remedy)


class FilesRefused(ReconcilerError):
    """Files have errors, so they cannot be planned."""

    exit_code = 3


class Refused(ReconcilerError):
    """A guard, a rule or the policy forbids it."""

    exit_code = 4


class StalePlan(ReconcilerError):
    """The plan no longer matches the files and the ledger, or was altered."""

    exit_code = 5


class AppliedInPart(ReconcilerError):
    """Some steps took effect; others did not, or their outcome is unknown."""

    exit_code = 6


class ExpectationFailed(ReconcilerError):
    """There is drift where none was expected."""

    exit_code = 7


class DaybookError(ReconcilerError):
    """The daybook cannot be opened, read or written."""


class ForgeError(ReconcilerError):
    """A call to GitHub or GitLab failed; `status` is the HTTP status, if any."""

    def __init__(self, message: str, *, remedy: str = "", status: int | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


class ForgeRefused(ForgeError):
    """Authentication failed, or a permission is missing. Nothing was changed."""

    exit_code = 8


class ForgeUnsure(ForgeError):
    """The request was sent, and its outcome is unknown."""


class LedgerError(ReconcilerError):
    """A call to the ledger failed.

    `track_id` is the Zuora-Track-Id of the call, `status` the HTTP status, if any, `codes` the
    eight-digit reason codes of the response.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        status: int | None = None,
        codes: Sequence[int] = (),
        track_id: str = "",
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.codes = tuple(codes)
        self.track_id = track_id


class AccessRefused(LedgerError):
    """Authentication failed, or a permission is missing. Nothing was changed."""

    exit_code = 8


class RequestRefused(LedgerError):
    """The ledger refused the request; repeating it unchanged cannot succeed."""


class LedgerUnreachable(LedgerError):
    """No request reached the ledger. Nothing was changed."""


class EntryMoved(LedgerError):
    """The live entry changed since the plan. It was not touched."""


class ReadBackDiffers(LedgerError):
    """The ledger accepted a call, but a read afterwards shows another result."""

    exit_code = 6


class PostedByAnother(LedgerError):
    """Another apply posted the same declaration: with other values, or a second time."""

    exit_code = 6


class CancelledInPart(LedgerError):
    """A journal run was cancelled, but some of its entries are still posted."""

    exit_code = 6


class RunFailed(LedgerError):
    """A journal run was created and ended in an error."""

    exit_code = 6


class StillAtWork(LedgerError):
    """The ledger accepted a call, and did not finish it before the deadline."""

    exit_code = 6


class OutcomeUnknown(LedgerError):
    """The request was sent, and its outcome is unknown."""

    exit_code = 6


class MarkerLost(OutcomeUnknown):
    """A create was answered with an entry that does not show the marker that was sent."""
