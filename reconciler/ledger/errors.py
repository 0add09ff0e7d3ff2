"""What keeps a ledger from being opened, filled or served, in words for whoever asked for it."""


class LedgerUnusable(Exception):
    """The ledger cannot do as asked: its database, a file given to it or an option is wrong.

    The message is one line that names the thing and the remedy.
    """


class BadRow(Exception):
    """A line cannot be taken as a transaction; `line` counts from 1, the message says why."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
