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

# The SDK writes OnAccountReceivable. A published create sample writes "Deferred Revenue", although
# the enum has no spaces, and whether the vendor accepts that is not known. So only files may.
_ON_THE_WIRE = {
    **{name: name for name in CATEGORIES},
    "OnAccountReceivable": "On-Account Receivable",
}
_IN_FILES = {
    **{re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name): name for name in CATEGORIES},
    **_ON_THE_WIRE,
}


def type_of(written: str) -> str | None:
    """The enum value of a spelling in a file, or None."""
    return _IN_FILES.get(written)


def _read(value: object) -> str:
    found = _ON_THE_WIRE.get(value) if isinstance(value, str) else None
    if found is None:
        raise BadValue("must be an accounting code type")
    return found


CODE_TYPE = FieldType(read=_read, schema=text(minimum=1).schema, answer=choice(*CATEGORIES).schema)
"""An accounting code type in a request; answers have the enum value."""
