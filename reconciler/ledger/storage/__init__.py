"""Tables, transactions, sequences, the audit chain and stored answers."""
