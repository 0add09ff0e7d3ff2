"""Categories of refusals with their HTTP status, and codes of resources.

A reason's code has eight digits: six of a resource, two of a category (API facts 7.2). The vendor
does not publish the resource codes of journals or their messages, so the codes here are ours.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Category:
    """The last two digits of a code, and the HTTP status since version 2024-05-20."""

    number: int
    status: int


PERMISSION = Category(10, 403)
INVALID_VALUE = Category(20, 400)
KEY_CONFLICT = Category(20, 422)
UNKNOWN_FIELD = Category(21, 400)
MISSING_FIELD = Category(22, 400)
MISSING_PARAMETER = Category(23, 400)
BUSINESS_RULE = Category(30, 400)
NOT_FOUND = Category(40, 404)
NOT_SUPPORTED = Category(45, 405)
CONTENTION = Category(50, 409)
INTERNAL = Category(60, 500)
TOO_MANY = Category(70, 429)
MALFORMED = Category(90, 400)

GENERAL = 500000
"""The resource of requests without a body, and of unknown paths."""
ACCOUNTING_CODE = 520100
ACCOUNTING_PERIOD = 520200
JOURNAL_ENTRY = 520300
JOURNAL_RUN = 520400


@dataclass(frozen=True, slots=True)
class Reason:
    category: Category
    message: str


class Refusal(Exception):
    """A refused request, answered with `success: false`. Its transaction is rolled back.

    The status is that of the first reason, and 200 for callers of older versions. `status` replaces
    it; `always` applies it to callers of every version.
    """

    def __init__(
        self, reasons: Iterable[Reason], *, status: int | None = None, always: bool = False
    ) -> None:
        self.reasons = tuple(reasons)
        self.status = status or self.reasons[0].category.status
        self.always = always
        super().__init__("; ".join(reason.message for reason in self.reasons))


def refusal(
    category: Category, message: str, *, status: int | None = None, always: bool = False
) -> Refusal:
    return Refusal((Reason(category, message),), status=status, always=always)


def refuse_any(reasons: Iterable[Reason]) -> None:
    """Raise a Refusal when there is at least one reason."""
    found = tuple(reasons)
    if found:
        raise Refusal(found)
