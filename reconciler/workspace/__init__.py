"""Reads the books in git: strict YAML, JSON Schema, and a line and column for every problem."""

from reconciler.workspace.json_schema import DOCUMENTS, SCHEMAS, schema_text
from reconciler.workspace.loader import load, read_again
from reconciler.workspace.positions import locate
from reconciler.workspace.rules import RULES

__all__ = ["DOCUMENTS", "RULES", "SCHEMAS", "load", "locate", "read_again", "schema_text"]
