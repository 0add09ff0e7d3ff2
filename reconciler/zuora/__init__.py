"""Speaks to the journal API over HTTP."""
