"""Values and decisions: what is declared, recorded and live, what differs, and what to do about it."""
