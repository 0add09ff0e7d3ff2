"""Reads all pages of a list of the API."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from reconciler.errors import LedgerError
from reconciler.http_client.base_url import BaseUrl

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """One page of a list: its rows, the URL of the next page, and the track id."""

    rows: tuple[Row, ...]
    next_page: str | None
    track_id: str


def all_rows(
    fetch: Callable[[str], Page[Row]], *, first: str, origin: BaseUrl, most: int
) -> tuple[Row, ...]:
    """The rows of all pages. Raises LedgerError for a foreign or repeated page, or too many."""
    rows: list[Row] = []
    seen: set[str] = set()
    last: Page[Row] | None = None
    target = first
    while len(seen) < most:
        page = fetch(target)
        if last is not None and page.rows and page.rows == last.rows:
            raise _unusable("the ledger returned the same page twice", page)
        seen.add(target)
        rows.extend(page.rows)
        if page.next_page is None:
            return tuple(rows)
        target = _target(page, first=first, origin=origin)
        if target in seen:
            raise _unusable("the next page was read already", page)
        last = page
    raise LedgerError(
        f"Reading {first}: the list has more than {most} pages.",
        remedy="Check for a proxy that repeats responses.",
    )


def _target(page: Page[Row], *, first: str, origin: BaseUrl) -> str:
    """The target of the next page, on the same host and of the same list."""
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
        raise _unusable("the next page belongs to another list", page)
    return f"{path}?{url.query}"


def _unusable(fact: str, page: Page[Row]) -> LedgerError:
    return LedgerError(
        f"Reading a list of the ledger: {fact}. Track id {page.track_id}.",
        remedy="Check for a proxy. The base URL must name the host that the ledger itself names.",
        track_id=page.track_id,
    )
