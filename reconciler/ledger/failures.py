"""What keeps a ledger from being opened or served, in words for the person who started it."""


class LedgerUnusable(Exception):
    """The ledger cannot be opened as asked: its database, its reference or an option is wrong.

    The message is one line that names the thing and the remedy.
    """
