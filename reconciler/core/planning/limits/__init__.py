"""Limits for a whole plan: what it moves, what refuses it, and what two policies allow."""
