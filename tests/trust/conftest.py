"""Scenarios of trust: without its evidence, a promise becomes a refusal that names it."""
