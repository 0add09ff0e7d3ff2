"""The plan as JSON: written, read and compared."""
