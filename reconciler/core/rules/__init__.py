"""Every accounting rule: its text and its check."""
