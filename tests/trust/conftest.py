"""Scenarios of trust: each takes away the evidence of a promise, and expects a refusal that names it."""
