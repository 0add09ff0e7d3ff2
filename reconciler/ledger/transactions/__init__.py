"""Source transactions: read from files, checked, and kept for journal runs to summarise."""
