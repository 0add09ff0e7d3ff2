"""Carries HTTP for whoever speaks to a server: bounded and verified, with no secret told."""
