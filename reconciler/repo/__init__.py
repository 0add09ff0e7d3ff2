"""Reads what people write: YAML files and JSON Schemas."""
