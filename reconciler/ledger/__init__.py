"""The embedded ledger: the journal API as a server on a database of its own."""
