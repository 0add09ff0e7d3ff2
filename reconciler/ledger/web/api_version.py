"""The Zuora-Version header: whether errors get their own HTTP status (API facts 1, 7.2)."""

import re
from datetime import date

from .errors import INVALID_VALUE, refusal

DEFAULT = "2025-08-12"
STATUS_SINCE = date(2024, 5, 20)
_NUMERIC = re.compile(r"[0-9]{1,4}(\.[0-9]{1,3})?")
_DATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def errors_have_status(header: str | None) -> bool:
    """Whether errors have their own HTTP status. Older versions answer them with HTTP 200.

    Raises Refusal if the header is neither a date nor a number such as 196.0.
    """
    version = DEFAULT if header is None else header
    if _NUMERIC.fullmatch(version):
        return False
    if _DATED.fullmatch(version):
        try:
            return date.fromisoformat(version) >= STATUS_SINCE
        except ValueError:
            pass  # not in the calendar
    raise refusal(
        INVALID_VALUE,
        "Zuora-Version must be a date such as 2025-08-12 or a number such as 196.0",
        always=True,
    )
