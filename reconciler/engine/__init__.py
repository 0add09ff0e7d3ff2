"""Effects, through protocols: reads the ledger, and applies a plan to it."""
