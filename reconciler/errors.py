"""What stops the work, with the exit code each cause ends in.

ReconcilerError                     1
├── UsageError                     64   the options do not fit each other, or the workspace
├── FilesRefused                    3   findings in files
├── Refused                         4   a guard, a rule or a policy says no
├── StalePlan                       5   the plan is not what the ledger and the files now give
├── AppliedInPart                   6   some steps are done, some are not or are unknown
├── ExpectationFailed               7   drift where none was expected
├── DaybookError                    1   the daybook cannot be used
├── ForgeError                      1   GitHub or GitLab did not do what was asked
│   ├── ForgeRefused                8   its token or the token's permissions do not suffice
│   └── ForgeUnsure                 1   a request may or may not have taken effect there
└── LedgerError                     1   the ledger did not do what was asked
    ├── AccessRefused               8   authentication or permission
    ├── RequestRefused              1   a definite no: nothing was changed
    ├── LedgerUnreachable           1   the request never left: nothing was changed
    ├── EntryMoved                  1   the live entry is not what the plan was computed from
    ├── ReadBackDiffers             6   the call succeeded, and a read shows something else
    ├── CancelledInPart             6   a journal run was cancelled, and some of its entries stay
    ├── RunFailed                   6   a journal run was created, and ended in an error
    ├── StillAtWork                 6   the call succeeded, and the ledger has not done its work
    └── OutcomeUnknown              6   the request may or may not have taken effect
"""

from collections.abc import Sequence
from typing import ClassVar


class ReconcilerError(Exception):
    """The work stops; `message` says what is wrong, `remedy` what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class UsageError(ReconcilerError):
    """Options do not fit each other, or name nothing in the workspace."""

    exit_code = 64


class FilesRefused(ReconcilerError):
    """Files have findings of severity error, so nothing may be planned from them."""

    exit_code = 3


class Refused(ReconcilerError):
    """A guard, a rule or a policy says no."""

    exit_code = 4


class StalePlan(ReconcilerError):
    """The plan no longer fits the files and the ledger, or was altered since it was made."""

    exit_code = 5


class AppliedInPart(ReconcilerError):
    """Some steps took effect, others did not or cannot be told."""

    exit_code = 6


class ExpectationFailed(ReconcilerError):
    """The state is sound but not the expected one: there is drift."""

    exit_code = 7


class DaybookError(ReconcilerError):
    """The daybook cannot be opened, read or written."""


class ForgeError(ReconcilerError):
    """A call to GitHub or GitLab did not succeed; `status` is the HTTP status if there was one."""

    def __init__(self, message: str, *, remedy: str = "", status: int | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


class ForgeRefused(ForgeError):
    """The token, or what it may do, does not suffice. Nothing was changed."""

    exit_code = 8


class ForgeUnsure(ForgeError):
    """The request was sent, and its effect cannot be told from the answer, or there was none."""


class LedgerError(ReconcilerError):
    """A call to the ledger did not succeed.

    `track_id` is the Zuora-Track-Id the call carried, `status` the HTTP status when there was one,
    `codes` the eight-digit reason codes of the answer.
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
    """The credentials or their permissions do not suffice. Nothing was changed."""

    exit_code = 8


class RequestRefused(LedgerError):
    """The ledger refused the request for good: repeating it unchanged cannot help."""


class LedgerUnreachable(LedgerError):
    """No request reached the ledger, so nothing was changed."""


class EntryMoved(LedgerError):
    """The live entry is not what the plan was computed from, so it was not touched."""


class ReadBackDiffers(LedgerError):
    """The ledger took a call, and a read afterwards does not show what was asked for."""

    exit_code = 6


class CancelledInPart(LedgerError):
    """A journal run was asked to go, and entries of it stay in the books."""

    exit_code = 6


class RunFailed(LedgerError):
    """The ledger began a journal run and could not finish it."""

    exit_code = 6


class StillAtWork(LedgerError):
    """The ledger took a call, and works on it for longer than it was waited for."""

    exit_code = 6


class OutcomeUnknown(LedgerError):
    """The request was sent and its effect cannot be told from the answer, or there was none."""

    exit_code = 6
