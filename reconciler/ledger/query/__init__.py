"""Data Query: read-only SQL over a copy of the tenant's own rows (API facts 6.1)."""
