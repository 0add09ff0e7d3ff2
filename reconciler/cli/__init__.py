"""The command line: what people and pipelines type."""

from reconciler.cli.main import main

__all__ = ["main"]
