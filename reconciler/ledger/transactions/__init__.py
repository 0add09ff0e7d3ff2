"""Source transactions: read from files, checked and stored for journal runs."""
