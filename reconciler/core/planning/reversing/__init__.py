"""Reversals: how they are written, and how a plan holds them to what is posted."""
