"""Values and decisions: what is declared, recorded and live, what differs, what to do."""
