"""Reads the books in git: strict YAML, JSON Schema, and a line and column for every problem."""

from reconciler.workspace.json_schema import API_VERSION, DOCUMENTS, SCHEMAS, schema_text
from reconciler.workspace.loader import WORKSPACE_FILE, LoadedWorkspace, load
from reconciler.workspace.positions import locate
from reconciler.workspace.rules import RULES, problem

__all__ = [
    "LoadedWorkspace",
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
