"""Permissions, OAuth clients, tokens and sessions."""
