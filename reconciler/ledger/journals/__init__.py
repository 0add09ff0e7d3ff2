"""Journal entries: posted, updated in a few fields, cancelled and deleted."""
