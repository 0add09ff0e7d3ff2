"""Pages for people: the ledger in a browser, read-only, without JavaScript."""
