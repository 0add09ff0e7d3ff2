"""What is wrong with a line of a file of transactions."""


class BadRow(Exception):
    """A line cannot be taken as a transaction; `line` counts from 1, the message says why."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
