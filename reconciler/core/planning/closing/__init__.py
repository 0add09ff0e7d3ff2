"""Whether an accounting period can be closed."""
