"""Writes files in canonical form."""
