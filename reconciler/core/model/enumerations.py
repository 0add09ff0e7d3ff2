"""The enumerated words of the journal API, each with its one canonical spelling."""

from enum import StrEnum
from functools import cache
from typing import Self


class Enumeration(StrEnum):
    """A word that files, the Reference and the ledger share; its value is what the wire has.

    The vendor's documents write some words in two ways, such as "Pending Close" beside
    `PendingClose`. A lookup reads both: blanks and hyphens do not tell words apart.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        wanted = bare(value) if isinstance(value, str) else ""
        return next((word for word in cls if bare(word) == wanted), None)


def bare(text: str) -> str:
    """What two spellings of one word have in common."""
    return text.replace(" ", "").replace("-", "")


@cache
def canonical(words: type[Enumeration], text: str) -> str:
    """The canonical spelling of a text; a text that is none of the words stays as it is.

    So an unknown word equals no known one, and whoever asks for one treats it as unknown.
    """
    try:
        return words(text).value
    except ValueError:
        return text


class PeriodStatus(Enumeration):
    """The status of an accounting period (API facts 4.3)."""

    OPEN = "Open"
    PENDING_CLOSE = "PendingClose"
    CLOSED = "Closed"


class CodeStatus(Enumeration):
    """The status of an accounting code (API facts 4.2)."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"


class CodeType(Enumeration):
    """The type of an accounting code; the vendor's client lacks one hyphen (API facts 4.4)."""

    ACCOUNTS_RECEIVABLE = "AccountsReceivable"
    ON_ACCOUNT_RECEIVABLE = "On-Account Receivable"
    CASH = "Cash"
    OTHER_ASSETS = "OtherAssets"
    CUSTOMER_CASH_ON_ACCOUNT = "CustomerCashOnAccount"
    DEFERRED_REVENUE = "DeferredRevenue"
    SALES_TAX_PAYABLE = "SalesTaxPayable"
    OTHER_LIABILITIES = "OtherLiabilities"
    SALES_REVENUE = "SalesRevenue"
    SALES_DISCOUNTS = "SalesDiscounts"
    OTHER_REVENUE = "OtherRevenue"
    OTHER_EQUITY = "OtherEquity"
    BAD_DEBT = "BadDebt"
    OTHER_EXPENSES = "OtherExpenses"
    UNBILLED_RECEIVABLES = "UnbilledReceivables"
    CONTRACT_ASSETS = "ContractAssets"
    CONTRACT_LIABILITIES = "ContractLiabilities"
    ADJUSTMENT_LIABILITIES = "AdjustmentLiabilities"
    ADJUSTMENT_REVENUE = "AdjustmentRevenue"


class TransferState(Enumeration):
    """Whether an entry was transferred to the general ledger (API facts 3.6)."""

    NO = "No"
    PROCESSING = "Processing"
    YES = "Yes"
    ERROR = "Error"
    IGNORE = "Ignore"


class Side(Enumeration):
    """The side of a line."""

    DEBIT = "Debit"
    CREDIT = "Credit"


class EntryStatus(Enumeration):
    """The status of an entry (API facts 3.4)."""

    CREATED = "Created"
    CANCELLED = "Cancelled"


class RunStatus(Enumeration):
    """The status of a journal run (API facts 5.4)."""

    PENDING = "Pending"
    PROCESSING = "Processing"
    COMPLETED = "Completed"
    ERROR = "Error"
    CANCEL_IN_PROGRESS = "CancelInprogress"
    CANCELLED = "Cancelled"
    DELETE_IN_PROGRESS = "DeleteInprogress"
