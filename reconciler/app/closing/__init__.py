"""The close check: what it reads."""
