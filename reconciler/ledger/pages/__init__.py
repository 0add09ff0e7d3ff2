"""Pages for people: the ledger to look at in a browser, read-only and without JavaScript."""
