"""The ledger's description of itself: an OpenAPI document, written by hand as data."""
