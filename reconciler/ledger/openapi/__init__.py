"""The OpenAPI document of the ledger."""
