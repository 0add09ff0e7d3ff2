"""Journal entries: posted in balance, then updated in few fields, cancelled and deleted."""
