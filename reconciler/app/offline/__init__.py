"""What a plan without a ledger is made from."""
