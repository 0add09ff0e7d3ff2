"""Errors in opening, filling or serving a ledger, as a user reads them."""


class LedgerUnusable(Exception):
    """A database, a file or an option is wrong; `remedy` says what to do, where that is known."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class BadRow(Exception):
    """A line of a file is not a valid transaction. `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
