"""Entries that are computed from schedules and allocation keys."""
