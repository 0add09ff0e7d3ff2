"""Journal entries managed from git: declare, plan, apply, converge."""

__version__ = "0.1.0"
