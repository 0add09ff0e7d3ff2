"""The values that all other parts use."""
