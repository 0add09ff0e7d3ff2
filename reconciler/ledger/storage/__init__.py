"""What the ledger keeps: tables, transactions, numbers, the audit chain and stored answers."""
