"""The decisions of a plan, as pure functions."""
