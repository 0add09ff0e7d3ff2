"""Follows a list of the API from page to page, and knows when to stop."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from reconciler.errors import LedgerError
from reconciler.http_client.base_url import BaseUrl

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """One page of a list: its rows, where the next one is said to be, and who asked for it."""

    rows: tuple[Row, ...]
    next_page: str | None
    track_id: str


def all_rows(
    fetch: Callable[[str], Page[Row]], *, first: str, origin: BaseUrl, most: int
) -> tuple[Row, ...]:
    """The rows of all pages from the target `first` on, until a page names no next one.

    Raises LedgerError when a page names another host or another list, when a page comes twice, or
    when there are more than `most`: half a list is worse than none.
    """
    rows: list[Row] = []
    seen: set[str] = set()
    last: Page[Row] | None = None
    target = first
    while len(seen) < most:
        page = fetch(target)
        if last is not None and page.rows and page.rows == last.rows:
            raise _unusable("the ledger answers the same page again and again", page)
        seen.add(target)
        rows.extend(page.rows)
        if page.next_page is None:
            return tuple(rows)
        target = _target(page, first=first, origin=origin)
        if target in seen:
            raise _unusable("the next page is one that was read already", page)
        last = page
    raise LedgerError(
        f"Following {first}: the list has more than {most} pages.",
        remedy="Check for a proxy in between that repeats answers.",
    )


def _target(page: Page[Row], *, first: str, origin: BaseUrl) -> str:
    """The next page as a target below the origin: the same host, the same list."""
    text = page.next_page or ""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise _unusable("the next page is not a URL", page)
    try:
        url = urlsplit(text)
        same_host = origin.includes(url)
    except ValueError:
        raise _unusable("the next page is not a URL", page) from None
    path = url.path.removeprefix(origin.prefix)
    if not same_host:
        raise _unusable(f"the next page is on another host, {url.hostname}", page)
    if path != urlsplit(first).path:
        raise _unusable("the next page is not of the same list", page)
    return f"{path}?{url.query}"


def _unusable(fact: str, page: Page[Row]) -> LedgerError:
    return LedgerError(
        f"Following a list of the ledger: {fact}. Track id {page.track_id}.",
        remedy="Check for a proxy in between; a base URL must be the host the ledger itself names.",
        track_id=page.track_id,
    )
