"""The types of accounting codes and their categories (API facts 4.4)."""

import re

from ..web.fields import BadValue, FieldType, choice, text

CATEGORIES = {
    "AccountsReceivable": "Assets",
    "On-Account Receivable": "Assets",
    "Cash": "Assets",
    "OtherAssets": "Assets",
    "UnbilledReceivables": "Assets",
    "ContractAssets": "Assets",
    "CustomerCashOnAccount": "Liabilities",
    "DeferredRevenue": "Liabilities",
    "SalesTaxPayable": "Liabilities",
    "OtherLiabilities": "Liabilities",
    "ContractLiabilities": "Liabilities",
    "AdjustmentLiabilities": "Liabilities",
    "SalesRevenue": "Revenue",
    "SalesDiscounts": "Revenue",
    "OtherRevenue": "Revenue",
    "AdjustmentRevenue": "Revenue",
    "OtherEquity": "Equity",
    "BadDebt": "Expenses",
    "OtherExpenses": "Expenses",
}

# A published create sample writes "Deferred Revenue" and "Sales Revenue" although the enum has no
# spaces, and the SDK writes OnAccountReceivable. Whether the vendor accepts them is not known. This
# ledger takes both as spellings, so that no published sample fails, and answers the enum value.
_SPELLINGS = {
    **{re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name): name for name in CATEGORIES},
    "OnAccountReceivable": "On-Account Receivable",
    **{name: name for name in CATEGORIES},
}


def type_of(written: str) -> str | None:
    """The enum value of a spelling, or None."""
    return _SPELLINGS.get(written)


def _read(value: object) -> str:
    found = type_of(value) if isinstance(value, str) else None
    if found is None:
        raise BadValue("must be an accounting code type")
    return found


CODE_TYPE = FieldType(read=_read, schema=text(minimum=1).schema, answer=choice(*CATEGORIES).schema)
"""An accounting code type, in any spelling that is accepted; answers have the enum value."""
