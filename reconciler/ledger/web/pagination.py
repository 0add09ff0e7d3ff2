"""Pagination: `page` and `pageSize` in, a slice and the URL of the next page out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from .errors import INVALID_VALUE, MISSING_PARAMETER, Reason, Refusal, refuse_any

MAX_PAGE_SIZE = 300
_COUNT = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """A page, counted from 1. Of `size + 1` rows the extra one shows that a next page exists."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    def next_page(self, rows: int, url: str) -> dict[str, str]:
        if rows <= self.size:
            return {}
        query = urlencode({"page": self.number + 1, "pageSize": self.size})
        return {"nextPage": f"{url}?{query}"}


def requested_page(
    query: Mapping[str, str], *, default: int, needs_size: bool = False
) -> PageRequest:
    """The requested page. A size above 300 is capped silently, as v1 lists do.

    With `needs_size`, `page` without `pageSize` is refused (API facts 3.4).
    """
    refuse_any(
        Reason(INVALID_VALUE, f"{name} must be a whole number from 1")
        for name in ("page", "pageSize")
        if name in query and (not _COUNT.fullmatch(query[name]) or int(query[name]) == 0)
    )
    if needs_size and "page" in query and "pageSize" not in query:
        raise Refusal((Reason(MISSING_PARAMETER, "page needs pageSize"),))
    size = min(int(query.get("pageSize", default)), MAX_PAGE_SIZE)
    return PageRequest(number=int(query.get("page", 1)), size=size)
