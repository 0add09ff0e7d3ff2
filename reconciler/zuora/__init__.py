"""The client of the journal API."""
