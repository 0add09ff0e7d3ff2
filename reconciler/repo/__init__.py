"""Reads the books in git: strict YAML, JSON Schema, and a line and column for every problem."""

from reconciler.repo.locate import locate
from reconciler.repo.rules import RULES, problem
from reconciler.repo.schema import API_VERSION, DOCUMENTS, SCHEMAS, schema_text
from reconciler.repo.workspace import WORKSPACE_FILE, Loaded, load

__all__ = [
    "Loaded",
    "load",
    "locate",
    "problem",
    "RULES",
    "SCHEMAS",
    "DOCUMENTS",
    "schema_text",
    "API_VERSION",
    "WORKSPACE_FILE",
]
